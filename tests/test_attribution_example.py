"""The example of examples/attribution, as its readers would use it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "attribution"


def test_the_example_explains_a_model_of_scikit_learn(tmp_path, run_job):
    joblib = pytest.importorskip("joblib")
    datasets = pytest.importorskip("sklearn.datasets")
    linear = pytest.importorskip("sklearn.linear_model")
    data = datasets.load_diabetes(as_frame=True)
    progressed = (data.target > 140).astype(int)
    model = linear.LogisticRegression(C=100).fit(data.data, progressed)
    joblib.dump(model, tmp_path / "model.joblib")
    rows = data.data.assign(progressed=progressed)
    rows.to_csv(tmp_path / "patients.csv", index=False)
    settings = {
        "ANALYZER_ANALYSIS_CONFIG": EXAMPLE / "analysis_config.json",
        "ANALYZER_MODEL_SCRIPT": EXAMPLE / "predict.py",
        "ANALYZER_MODEL_DIR": tmp_path,
    }
    baseline = run_job(tmp_path / "patients.csv", {"csv": {"header": True}}, "baseline", **settings)

    found = json.loads((baseline / "analysis.json").read_text())["explanations"]["kernel_shap"]
    assert list(found) == ["steady", "worse"]
    values = found["worse"]["global_shap_values"]
    assert sorted(values, key=values.get)[-2:] == ["bmi", "s5"], "as the model's weights say"
    assert found["steady"]["global_shap_values"] == pytest.approx(values)
    assert len((baseline / "explanations_shap" / "out.csv").read_text().splitlines()) == 443

    drifted = rows.assign(bmi=0.01, s5=0.0)
    drifted.to_csv(tmp_path / "live.csv", index=False)
    live = run_job(
        tmp_path / "live.csv", {"csv": {"header": True}}, "live",
        baseline_constraints=baseline / "analysis.json", **settings,
    )  # fmt: skip
    violations = json.loads((live / "constraint_violations.json").read_text())["violations"]
    assert [each["label"] for each in violations] == ["steady", "worse"]
