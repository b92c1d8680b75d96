"""Documents of a run of bias and attribution that drifted, in the shapes of the files."""

from __future__ import annotations

from typing import Any

from analyzer.report import Papers, papers_of

STAGES = {"post_training_bias_metrics": ("AD", "DI", "RD", "TE"), "pre_training_bias_metrics": ("CI", "DPL")}
BEFORE = {"AD": -0.15, "DI": 0.18, "RD": 0.13, "TE": 2.9, "CI": 0.37, "DPL": 0.23}
NOW = {"AD": -0.10, "DI": 0.30, "RD": 0.31, "TE": "Infinity", "CI": 0.37, "DPL": 0.24}
GROUPS = {"Sex": "0", "Age": "(40, 90]"}
FEATURES_BEFORE = {"age": 0.06, "<script>hit(8)</script>": 0.12, "hours": 0.02, "noise": 0.001}
FEATURES_NOW = {"age": 0.09, "<script>hit(8)</script>": 0.01, "hours": 0.13, "noise": 0.0011}
SCORE = 0.62


def analysis(figures: dict[str, Any], features: dict[str, float], age: str = GROUPS["Age"]) -> dict[str, Any]:
    groups = GROUPS | {"Age": age}
    sections = {
        section: {
            "label": "Target",
            "facets": {
                facet: [{"value_or_threshold": group, "metrics": [metric(name, figures) for name in names]}]
                for facet, group in groups.items()
            },
            "label_value_or_threshold": "1",
        }
        for section, names in STAGES.items()
    }
    shap = {"kernel_shap": {"label0": {"global_shap_values": features, "expected_value": 0.25}}}
    return {"version": "1.0", **sections, "explanations": shap}


def metric(name: str, figures: dict[str, Any]) -> dict[str, Any]:
    if name == "TE" and figures is BEFORE:
        return {"name": name, "description": "Treatment Equality (TE)", "value": figures[name]}
    return {"name": name, "description": f"A long name ({name})", "value": figures[name]}


def violation(facet: str, group: str, name: str) -> dict[str, Any]:
    says = f"Metric value {NOW[name]} doesn't meet the baseline constraint requirement {BEFORE[name]}"
    check = "bias_drift_check"
    return {
        "facet": facet, "facet_value": group, "metric_name": name, "constraint_check_type": check, "description": says,
    }  # fmt: skip


def drifted(**changes: Any) -> Papers:
    """A run with an interval whose maximum is another one than the baseline's, and a ranking that turned."""
    worse = [name for name in NOW if abs(float(NOW[name])) > abs(float(BEFORE[name]))]
    violations = [violation(facet, group, name) for facet, group in (("Sex", "0"), ("Age", "40")) for name in worse]
    violations.append(
        {
            "label": "label0",
            "metric_name": "shap",
            "constraint_check_type": "feature_attribution_drift_check",
            "description": f"Feature attribution drift {SCORE} exceeds threshold 0.9",
        }
    )
    documents = {
        "analysis.json": analysis(NOW, FEATURES_NOW),
        "constraint_violations.json": {"version": "1.0", "violations": violations},
        "profile.json": {"version": 1, "bias": {"rows": 334, "notes": ["one note"]}},
    }
    baseline = {"analysis.json": analysis(BEFORE, FEATURES_BEFORE, "(40, 81]")}
    return papers_of("analysis", documents | changes, baseline, about={"Endpoint": "adult"})
