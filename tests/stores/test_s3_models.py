"""Jobs of bias and attribution whose configuration, model and data all lie in S3."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from analyses import SIMPLE, table, values
from traffic import environment, run_process

from analyzer import job
from analyzer.config import read_config
from analyzer.errors import AnalyzerError, ConfigError, ScriptError
from analyzer.stores import read_whole

CSV = {"csv": {"header": True}}
ROWS = "f,g,x,y\n" + "".join(f"{f},{g},{x},{y}\n" for f, g, x, y, _ in table(200))
SCRIPT = """
from pathlib import Path
def load(folder):
    import sys
    sys.path.insert(0, folder)
    import _secret
    return float(Path(folder, 'deep', 'factor.txt').read_text()) + _secret.MORE
def predict(df, factor): return factor * df.x
"""
METHODS = {
    "pre_training_bias": {"methods": "all"}, "post_training_bias": {"methods": "all"},
    "shap": {"baseline": "rows.json"},
}  # fmt: skip
CONFIG = {key: value for key, value in SIMPLE.items() if key != "predicted_label"} | {"methods": METHODS}
FILES = {
    "analysis/analysis_config.json": json.dumps(CONFIG | {"predictor": {"handler": "code/model.py", "model_dir": "m"}}),
    "analysis/alone.json": json.dumps(CONFIG),
    "analysis/rows.json": "[[0, 0, 0]]",
    "analysis/code/model.py": SCRIPT.replace(
        "import _secret", "import sys; sys.path.insert(0, folder); import _secret"
    ),
    "analysis/m/deep/factor.txt": "0.1",
    "analysis/m/_secret.py": "MORE = 0.02",
    "analysis/m/__init__.py": "",
    "data/d.csv": ROWS,
}


@pytest.fixture
def stored(tmp_path, put_folder) -> str:
    """Put all files on disk and into S3; gives the place in S3."""
    for name, text in FILES.items():
        path = tmp_path / "stored" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(put_folder(tmp_path / "stored", "stored")).rstrip("/")


def run(root: Path, top: str | Path, into: str, config: str = "analysis_config.json", **more: Any) -> Path:
    variables = environment(
        root, f"{top}/data", CSV, output_path=root / into, ANALYZER_ANALYSIS_CONFIG=f"{top}/analysis/{config}", **more
    )
    job.run(read_config(variables, read=read_whole))
    return root / into


@pytest.mark.parametrize("by", ["keys", "variables"])
def test_configuration_model_and_data_in_s3_give_the_bytes_of_a_disk(tmp_path, stored, by) -> None:
    here = run(tmp_path, tmp_path / "stored", "here")
    if by == "keys":
        there = run(tmp_path, stored, "there")
    else:
        told = {
            "ANALYZER_MODEL_SCRIPT": f"{stored}/analysis/code/model.py",
            "ANALYZER_MODEL_DIR": f"{stored}/analysis/m/",
        }
        there = run(tmp_path, stored, "there", "alone.json", **told)
    assert (there / "analysis.json").read_bytes() == (here / "analysis.json").read_bytes()
    assert isinstance(values(there, "f")["RD"], float)
    found = json.loads((there / "analysis.json").read_text())["explanations"]["kernel_shap"]["label0"]
    assert found["global_shap_values"]["x"] > 0.1


@pytest.mark.parametrize("engine", ["local", pytest.param("spark", marks=pytest.mark.spark)])
def test_the_process_and_its_tasks_get_all_from_s3(tmp_path, stored, engine) -> None:
    here = run(tmp_path, tmp_path / "stored", "here")
    variables = environment(
        tmp_path, f"{stored}/data", CSV, output_path=tmp_path / "there", ANALYZER_ENGINE=engine,
        ANALYZER_ANALYSIS_CONFIG=f"{stored}/analysis/analysis_config.json",
    )  # fmt: skip
    aws = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "JAVA_"))}
    code, message, log = run_process(variables | aws)
    assert (code, message) == (0, "Completed: Job completed successfully with no violations."), log
    assert (tmp_path / "there" / "analysis.json").read_bytes() == (here / "analysis.json").read_bytes()


@pytest.mark.parametrize(
    ("more", "kind", "said"),
    [
        ({"ANALYZER_ANALYSIS_CONFIG": "{top}/none.json"}, ConfigError, "none.json cannot be read"),
        (
            {"ANALYZER_MODEL_SCRIPT": "{top}/none.py"},
            ScriptError,
            "ANALYZER_MODEL_SCRIPT: {top}/none.py cannot be read",
        ),
        ({"ANALYZER_MODEL_DIR": "{top}/none"}, ScriptError, "ANALYZER_MODEL_DIR: {top}/none cannot be read"),
        ({"ANALYZER_MODEL_DIR": "gs://b/m"}, ConfigError, "ANALYZER_MODEL_DIR is 'gs://b/m'"),
    ],
)
def test_what_is_not_there_is_named(tmp_path, stored, more, kind: type[AnalyzerError], said) -> None:
    told = {name: text.format(top=stored) for name, text in more.items()}
    with pytest.raises(kind) as error:
        run(tmp_path, stored, "out", **told) if "ANALYZER_ANALYSIS_CONFIG" not in told else job.run(
            read_config(environment(tmp_path, f"{stored}/data", CSV, **told), read=read_whole)
        )
    assert said.format(top=stored) in str(error.value)
