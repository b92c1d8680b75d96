"""One peer on one input: `python peers.py NAME PATH [CORES]` prints `phase analyze took SECONDS`, imports not counted.

Runs in the peers' own environment and imports nothing of this project.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def duckdb_summarize(path: Path, cores: int) -> Callable[[], object]:
    """SUMMARIZE of all files in a folder: count, distinct, min, max, mean, std, quartiles, share of nulls."""
    import duckdb

    reader = "read_parquet" if any(path.glob("*.parquet")) else "read_csv"
    source = f"{reader}('{path}/*')" if path.is_dir() else f"read_csv('{path}')"
    connection = duckdb.connect(config={"threads": cores})
    return lambda: connection.sql(f"SUMMARIZE SELECT * FROM {source}").fetchall()


def evidently_summary(path: Path, cores: int) -> Callable[[], object]:  # noqa: ARG001
    """Evidently's data-summary report as JSON, which spares it the rendering of the page."""
    import pandas as pd
    from evidently import Dataset, Report
    from evidently.presets import DataSummaryPreset

    def analyze() -> str:
        data = Dataset.from_pandas(pd.read_csv(path))
        return str(Report([DataSummaryPreset()]).run(data, None).json())

    return analyze


def whylogs_profile(path: Path, cores: int) -> Callable[[], object]:  # noqa: ARG001
    """whylogs' profile of a data frame, written to a file."""
    import pandas as pd
    import whylogs

    def analyze() -> object:
        with tempfile.TemporaryDirectory() as folder:
            return whylogs.log(pd.read_csv(path)).view().write(f"{folder}/profile.bin")

    return analyze


def ydata_minimal(path: Path, cores: int) -> Callable[[], object]:  # noqa: ARG001
    """ydata-profiling's minimal report as JSON."""
    import pandas as pd
    from ydata_profiling import ProfileReport

    return lambda: ProfileReport(pd.read_csv(path), minimal=True, progress_bar=False).to_json()


PEERS = {
    "duckdb": duckdb_summarize,
    "evidently": evidently_summary,
    "whylogs": whylogs_profile,
    "ydata-profiling": ydata_minimal,
}


def main(name: str, path: str, cores: str = "2") -> None:
    with contextlib.redirect_stdout(io.StringIO()):  # some peers greet
        analyze = PEERS[name](Path(path), int(cores))
        started = time.perf_counter()
        analyze()
        seconds = time.perf_counter() - started
    print(f"phase analyze took {seconds:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
