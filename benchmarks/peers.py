"""One peer on one input: `python peers.py NAME PATH [CORES]` prints `phase analyze took SECONDS` and `version ...`.

PATH is a CSV file, or a folder of CSV or Parquet files. Imports and the start of a Spark session do not count.
Runs in the peer's own environment and imports nothing of this project.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KLL = (2048, 0.64, 10)
"""Size, shrinking factor and buckets of the sketch that the job makes too."""
DRIVER_MEMORY = "4g"


def duckdb_summarize(path: Path, cores: int) -> Callable[[], object]:
    """SUMMARIZE of all files in a folder: count, distinct, min, max, mean, std, quartiles, share of nulls."""
    import duckdb

    reader = "read_parquet" if any(path.glob("*.parquet")) else "read_csv"
    source = f"{reader}('{path}/*')" if path.is_dir() else f"read_csv('{path}')"
    connection = duckdb.connect(config={"threads": cores})
    return lambda: connection.sql(f"SUMMARIZE SELECT * FROM {source}").fetchall()


def evidently_summary(path: Path, cores: int) -> Callable[[], object]:  # noqa: ARG001
    """Evidently's data-summary report as JSON, which spares it the rendering of the page."""
    from evidently import Dataset, Report
    from evidently.presets import DataSummaryPreset

    def analyze() -> str:
        return str(Report([DataSummaryPreset()]).run(Dataset.from_pandas(_frame(path)), None).json())

    return analyze


def whylogs_profile(path: Path, cores: int) -> Callable[[], object]:  # noqa: ARG001
    """whylogs' profile of a data frame, written to a file."""
    import whylogs

    def analyze() -> object:
        with tempfile.TemporaryDirectory() as folder:
            return whylogs.log(_frame(path)).view().write(f"{folder}/profile.bin")

    return analyze


def ydata_minimal(path: Path, cores: int) -> Callable[[], object]:  # noqa: ARG001
    """ydata-profiling's minimal report as JSON."""
    from ydata_profiling import ProfileReport

    return lambda: ProfileReport(_frame(path), minimal=True, progress_bar=False).to_json()


def sklearn_metrics(path: Path, cores: int) -> Callable[[], object]:  # noqa: ARG001
    """The figures of a binary model-quality job, each by scikit-learn's own function, and both curves."""
    from sklearn import metrics

    def analyze() -> object:
        frame = _frame(path)
        labels, predictions, scores = frame["label"], frame["prediction"], frame["probability"]
        counts = metrics.confusion_matrix(labels, predictions), metrics.accuracy_score(labels, predictions)
        ratios = metrics.recall_score(labels, predictions), metrics.precision_score(labels, predictions)
        weighed = [metrics.fbeta_score(labels, predictions, beta=beta) for beta in (0.5, 1, 2)]
        false, true, _ = metrics.roc_curve(labels, scores)
        precisions, recalls, _ = metrics.precision_recall_curve(labels, scores)
        areas = metrics.auc(false, true), metrics.auc(recalls, precisions)
        average = metrics.average_precision_score(labels, scores)
        losses = metrics.log_loss(labels, scores), metrics.brier_score_loss(labels, scores)
        return counts, ratios, weighed, areas, average, losses

    return analyze


def deequ_profiler(path: Path, cores: int) -> Callable[[], object]:
    """Deequ's ColumnProfiler as it comes: completeness, types, moments, approximate distinct counts, histograms."""
    session = _spark(cores)
    from pydeequ.profiles import ColumnProfilerRunner

    def analyze() -> object:
        profiles = ColumnProfilerRunner(session).onData(_spark_frame(session, path)).run().profiles
        return {name: str(profile) for name, profile in profiles.items()}

    return analyze


def deequ_analyzers(path: Path, cores: int) -> Callable[[], object]:
    """Deequ's AnalysisRunner with the analyzers whose figures stand in statistics.json too."""
    session = _spark(cores)
    from pydeequ.analyzers import AnalysisRunner, AnalyzerContext, Size

    def analyze() -> object:
        frame = _spark_frame(session, path)
        builder = AnalysisRunner(session).onData(frame).addAnalyzer(Size())
        for analyzer in _analyzers(session, frame.dtypes):
            builder = builder.addAnalyzer(analyzer)
        return AnalyzerContext.successMetricsAsJson(session, builder.run())

    return analyze


def _analyzers(session: Any, columns: list[tuple[str, str]]) -> Iterator[object]:
    from pydeequ import analyzers as deequ

    kll = deequ.KLLParameters(session, *KLL)
    for name, kind in columns:
        yield from (each(name) for each in (deequ.Completeness, deequ.ApproxCountDistinct, deequ.DataType))
        if kind != "string":
            moments = (deequ.Minimum, deequ.Maximum, deequ.Mean, deequ.StandardDeviation, deequ.Sum)
            yield from (each(name) for each in moments)
            yield deequ.KLLSketch(name, kll)


def _spark(cores: int) -> Any:
    import pyspark

    os.environ.setdefault("SPARK_VERSION", ".".join(pyspark.__version__.split(".")[:2]))  # PyDeequ asks for it
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = pyspark.sql.SparkSession.builder.master(f"local[{cores}]").appName("deequ")
    settings = {
        "spark.jars": os.environ["DEEQU_JAR"],
        "spark.driver.memory": DRIVER_MEMORY,
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": str(2 * cores),
    }
    for key, text in settings.items():
        builder = builder.config(key, text)
    session = builder.getOrCreate()
    session.range(1).count()
    return session


def _spark_frame(session: Any, path: Path) -> Any:
    if path.is_dir() and any(path.glob("*.parquet")):
        return session.read.parquet(str(path))
    return session.read.csv(str(path), header=True, inferSchema=True)


def _frame(path: Path) -> Any:
    import pandas as pd

    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return pd.concat([pd.read_csv(file) for file in files], ignore_index=True)


PEERS = {
    "duckdb": (duckdb_summarize, ["duckdb"]),
    "evidently": (evidently_summary, ["evidently"]),
    "whylogs": (whylogs_profile, ["whylogs"]),
    "ydata-profiling": (ydata_minimal, ["ydata-profiling"]),
    "scikit-learn": (sklearn_metrics, ["scikit-learn"]),
    "deequ-profiler": (deequ_profiler, ["pyspark", "pydeequ"]),
    "deequ-analyzers": (deequ_analyzers, ["pyspark", "pydeequ"]),
}


def main(name: str, path: str, cores: str = "2") -> None:
    prepare, packages = PEERS[name]
    with contextlib.redirect_stdout(io.StringIO()):  # some peers greet
        started = time.perf_counter()
        analyze = prepare(Path(path), int(cores))
        session = time.perf_counter() - started
    for package in packages:
        print(f"version {package} {importlib.metadata.version(package)}")
    jar = os.environ.get("DEEQU_JAR")
    if jar:
        print(f"version {Path(jar).stem}")
    print(f"phase start took {session:.3f}", flush=True)  # it may be stopped in what follows
    with contextlib.redirect_stdout(io.StringIO()):
        started = time.perf_counter()
        analyze()
        seconds = time.perf_counter() - started
    print(f"phase analyze took {seconds:.3f}")
    if jar:
        _stop_spark()


def _stop_spark() -> None:
    """Stop the session and PyDeequ's callback server, whose thread would keep the process alive."""
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    if session is not None:
        gateway: Any = session.sparkContext._gateway  # noqa: SLF001
        session.stop()
        gateway.shutdown_callback_server()


if __name__ == "__main__":
    main(*sys.argv[1:])
