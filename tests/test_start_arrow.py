from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

STARTED = """
import sys
from pathlib import Path
from analyzer.start_arrow import start_arrow_alone
start_arrow_alone({script})
before = "pandas" in sys.modules
import pyarrow as pa
pa.array([0])
print(before, "pandas" in sys.modules)
"""
FRAME = "import pandas\nprint(pa.Table.from_pandas(pandas.DataFrame({'a': [1]})).to_pylist())\n"


def run(script: Path | None, more: str = "") -> list[str]:
    code = STARTED.format(script=f"Path({str(script)!r})" if script else None) + more
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()


def test_pyarrow_does_without_pandas():
    assert run(None) == ["False False"]


def test_the_line_is_imported_without_pandas():
    code = "import sys\nimport analyzer.job\nimport analyzer.model_analysis\nprint('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False"]


def test_pyarrow_takes_frames_nevertheless():
    pytest.importorskip("pandas")

    assert run(None, FRAME) == ["False False", "[{'a': 1}]"]


@pytest.mark.parametrize(
    ("text", "loaded"), [("import pandas as pd", True), ("from pyarrow import csv", True), ("import json", False)]
)
def test_a_script_that_may_hand_over_frames_gets_all_of_pyarrow(text, loaded, tmp_path):
    pytest.importorskip("pandas")
    script = tmp_path / "script.py"
    script.write_text(f"{text}\ndef preprocess_handler(record):\n    return record\n")

    assert run(script) == [f"False {loaded}"]
