"""`bias`, `explain` and `report` as people type them."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import analyzer
from analyzer.__main__ import main
from analyzer.ask_analysis import ask_bias, ask_explanation, read_facets, read_group, read_value
from analyzer.config import read_config
from analyzer.errors import ConfigError
from analyzer.job import run

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "schemas" / "command-answer.json").read_bytes())
MODEL = "def predict(df):\n    return 0.02 * df.age + 0.1 * df.visits\n"
OTHER = "def predict(df):\n    return 3.0 * df.plan\n"


def rows(share: float, seed: int = 1) -> str:
    """Rows of which the group 0 has the good outcome less often, by the share."""
    random = np.random.default_rng(seed)
    lines = []
    for _ in range(400):
        sex = int(random.integers(0, 2))
        hired = int(random.random() < (0.6 if sex else 0.6 - share))
        lines.append(f"{random.integers(20, 60)},{random.integers(0, 9)},{random.integers(1, 4)},{sex},{hired},{hired}")
    return "\n".join(["age,visits,plan,sex,hired,guess", *lines]) + "\n"


@pytest.fixture
def folder(here):
    (here / "fair.csv").write_text(rows(0.0))
    (here / "unfair.csv").write_text(rows(0.5))
    (here / "model.py").write_text(MODEL)
    return here


FLAGS = ["--label", "hired", "--positive", "1", "--facet", "sex=0", "--prediction", "guess"]


def test_bias_is_measured_and_what_moved_is_listed(folder, capsys):
    assert main(["bias", "fair.csv", *FLAGS]) == 0
    assert "Difference in Positive Proportions" in capsys.readouterr().out
    assert main(["bias", "unfair.csv", *FLAGS, "-b", "bias", "-o", "moved", "--fail-on-violations"]) == 1
    said = capsys.readouterr().out
    assert "compared with bias:" in said
    assert "DPL of sex 0" in said
    assert main(["bias", "fair.csv", *FLAGS, "-b", "bias", "-o", "same", "--fail-on-violations"]) == 0
    assert capsys.readouterr().out.startswith("400 rows of fair.csv compared with bias: no violations.")


def test_bias_is_what_a_job_with_that_configuration_measures(folder):
    assert main(["bias", "unfair.csv", *FLAGS, "--group", "plan", "-o", "mine"]) == 0
    asked = ask_bias(label="hired", positive=[1], facets={"sex": [0]}, group="plan")
    (folder / "config.json").write_text(json.dumps(asked))
    variables = {
        "dataset_format": '{"csv":{"header":true}}', "dataset_source": str(folder / "unfair.csv"),
        "output_path": str(folder / "job"), "inference_attribute": "guess", "analysis_type": "MODEL_BIAS",
        "ANALYZER_ANALYSIS_CONFIG": str(folder / "config.json"), "ANALYZER_ROOT": str(folder / "root"),
    }  # fmt: skip
    run(read_config(variables))
    assert (folder / "mine" / "analysis.json").read_bytes() == (folder / "job" / "analysis.json").read_bytes()
    assert main(["bias", "unfair.csv", "--config", "config.json", "--prediction", "guess", "-o", "told"]) == 0
    assert (folder / "told" / "analysis.json").read_bytes() == (folder / "job" / "analysis.json").read_bytes()


def test_a_threshold_and_each_value(folder, capsys):
    flags = ["--label", "hired", "--positive", "1", "--facet", "age>40", "--facet", "plan"]
    assert main(["bias", "fair.csv", *flags]) == 0
    facets = json.loads((folder / "bias" / "analysis.json").read_bytes())["pre_training_bias_metrics"]["facets"]
    assert len(facets["age"]) == 1
    assert "40" in facets["age"][0]["value_or_threshold"]
    assert set(facets) == {"age", "plan"}


def test_predictions_are_explained_and_another_order_is_listed(folder, capsys):
    flags = ["--label", "hired", "--exclude", "guess,sex"]
    assert main(["explain", "fair.csv", "--model", "model.py", *flags]) == 0
    said = [line.split() for line in capsys.readouterr().out.splitlines()]
    (visits,) = [line for line in said if line[:2] == ["label0", "visits"]]
    (plan,) = [line for line in said if line[:2] == ["label0", "plan"]]
    assert float(visits[2]) > 0.1 > abs(float(plan[2]))
    assert not any("hired" in line or "guess" in line for line in said)
    (folder / "model.py").write_text(OTHER)
    compared = [*flags, "--baseline", "attributions", "--output", "now"]
    assert main(["explain", "fair.csv", "--model", "model.py", *compared, "--fail-on-violations"]) == 1
    assert "feature_attribution_drift_check" in capsys.readouterr().out


def test_the_functions_are_the_same(folder, capsys):
    normal = analyzer.bias(folder / "fair.csv", label="hired", positive=1, facets={"sex": 0}, prediction="guess")
    assert main(["bias", "fair.csv", *FLAGS]) == 0
    assert normal.files["analysis.json"] == (folder / "bias" / "analysis.json").read_bytes()
    moved = analyzer.bias(
        folder / "unfair.csv", label="hired", positive=[1], facets={"sex": [0]}, prediction="guess", baseline=normal
    )
    assert not moved.ok
    assert moved.rows == 400
    assert {each.check for each in moved.violations} == {"bias_drift_check"}
    explained = analyzer.explain(
        folder / "fair.csv", model=folder / "model.py", label="hired", exclude_features_attribute=["guess", "sex"]
    )
    values = explained.analysis["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    assert values["visits"] > values["age"] > abs(values["plan"])
    assert "visits" in explained._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["bias", "fair.csv", "--label", "hired"], 2, "--label, --positive and --facet are needed, or --config"),
        (["bias", "fair.csv", "--config", "c.json", "--label", "y"], 2, "leave the flags beside it out"),
        (["explain", "fair.csv", "--config", "c.json", "--seed", "3"], 2, "leave the flags beside it out"),
        (["bias", "fair.csv", "--config", "nothere.json"], 255, "nothere.json cannot be read"),
        (["bias", "fair.csv", "--label", "y", "--positive", "1", "--facet", "=1"], 255, "--facet is '=1'"),
        (["bias", "fair.csv", "--label", "y", "--positive", "1", "--facet", "a>b"], 255, "'>b' is no threshold"),
        (["bias", "fair.csv", "--label", "nothere", "--positive", "1", "--facet", "sex"], 255, "nothere"),
        (["bias", "fair.csv", *FLAGS, "--baseline", "."], 255, "There is no analysis.json in ."),
        (["explain", "fair.csv", "--model", "nothere.py"], 255, "nothere.py"),
        (["explain", "fair.csv"], 255, "model"),
    ],
)
def test_what_is_wrong_is_said(folder, arguments, code, said, capsys):
    assert main(arguments) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "facets"),
    [
        (["sex=0,1"], {"sex": [0, 1]}),
        (["age>40"], {"age": ">40"}),
        (["plan"], {"plan": None}),
        (["city=New York, Paris"], {"city": ["New York", "Paris"]}),
        (['code="1"'], {"code": ["1"]}),
    ],
)
def test_facets_are_read_as_they_are_typed(typed, facets):
    assert read_facets(typed) == facets


def test_what_is_asked_says_what_is_meant():
    asked = ask_bias(label="y", positive=">0.5", facets={"age": ">40", "sex": 0, "plan": None})
    assert asked["label_values_or_threshold"] == [0.5]
    assert asked["label_data_type"] == "continuous"
    assert asked["facet"] == [
        {"name_or_index": "age", "value_or_threshold": [40], "data_type": "continuous"},
        {"name_or_index": "sex", "value_or_threshold": [0], "data_type": "categorical"},
        {"name_or_index": "plan"},
    ]
    assert ask_explanation(samples=7)["methods"] == {"shap": {"num_samples": 7}}
    assert read_group("1,2") == [1, 2]
    assert read_value("true") == "true"
    with pytest.raises(ConfigError, match="no threshold"):
        ask_bias(label="y", positive=">many", facets={})


# --- report ---


def test_reports_are_made_anew(folder, capsys):
    assert main(["baseline", "training.csv"]) == 0
    assert main(["monitor", "new.csv"]) == 0
    page = folder / "report" / "report.html"
    made = page.read_text()
    page.unlink()
    capsys.readouterr()
    assert main(["report", "report", "--baseline", "baseline", "--forms", "html,junit"]) == 0
    assert capsys.readouterr().out.splitlines() == ["report/report.html", "report/junit.xml"]
    assert page.read_text() == made
    assert "<testsuite" in (folder / "report" / "junit.xml").read_text()


@pytest.mark.parametrize("kind", ["quality", "bias"])
def test_reports_of_other_kinds_are_told_by_their_files(folder, kind, capsys):
    flags = FLAGS if kind == "bias" else ["--problem", "binary", "--label", "hired", "--prediction", "guess"]
    assert main([kind, "fair.csv", *flags]) == 0
    capsys.readouterr()
    assert main(["report", kind, "--output", "pages", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    titles = {"quality": "Model quality", "bias": "Bias drift"}
    assert titles[kind] in (folder / "pages" / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["report", "nothere"], 2, "FOLDER nothere is no folder"),
        (["report", "empty"], 255, "empty holds none of statistics.json"),
        (["report", "broken"], 255, "A file of broken cannot be read"),
        (["report", "empty", "--forms", "pdf"], 2, "--forms is 'pdf'"),
        (["report", "odd"], 255, "could be made of odd"),
    ],
)
def test_a_folder_without_a_run_is_refused(folder, arguments, code, said, capsys):
    for name in ("empty", "broken", "odd"):
        (folder / name).mkdir()
    (folder / "broken" / "statistics.json").write_text("{")
    (folder / "odd" / "statistics.json").write_text('{"features": [3]}')
    assert main(arguments) == code
    assert said in capsys.readouterr().err
    assert not (folder / "odd" / "report.html").exists()
