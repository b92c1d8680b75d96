"""The baseline: whether its files are sound, fit each other, and fit the first records of the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from analyzer.analyze import finish_analysis
from analyzer.analyzers.table import TableState
from analyzer.check import check
from analyzer.config import JobConfig
from analyzer.diagnosis import Finding
from analyzer.documents import Violation
from analyzer.errors import BaselineError
from analyzer.job import Baseline, domains_of, read_baseline
from analyzer.model_quality import read_quality_baseline

CHECK: Final = "baseline"
NONE: Final = Baseline()
MOST: Final = 10
OF_NAMES: Final = ("missing_column_check", "extra_column_check")
OF_ROWS: Final = ("data_type_check", "categorical_values_check", *OF_NAMES)
"""Checks that the first records tell something about; completeness and drift need all of them."""
COLUMNS_CURE: Final = "Every run will report it: make a new baseline, or exclude_features_attribute leaves columns out."
ROWS_CURE: Final = (
    "That is no fault of the job. If most rows look so, check that baseline and format are the right ones."
)


def examine_baseline(config: JobConfig) -> tuple[Baseline, list[Finding]]:
    """Read the baseline's files and compare them with each other."""
    if config.baseline_constraints is None and config.baseline_statistics is None:
        text = "No baseline is named: the job learns one, and compares with nothing."
        return NONE, [Finding(CHECK, "skipped", text)]
    try:
        if config.analysis_type == "MODEL_QUALITY":
            found = read_quality_baseline(config)
            count = 0 if found is None else len(found.metrics)
            return NONE, [Finding(CHECK, "ok", f"constraints of {count} metrics")]
        baseline = read_baseline(config)
    except BaselineError as error:
        return NONE, [Finding(CHECK, "failure", error.message, error.hint)]
    return baseline, list(_parts(baseline))


def _parts(baseline: Baseline) -> Iterator[Finding]:
    if baseline.constraints is None:
        text = "baseline_constraints is not set: only distributions are compared."
        yield Finding(CHECK, "warning", text, "Set it to the constraints.json of the same baseline.")
    if baseline.statistics is None:
        text = "baseline_statistics is not set: distributions are not compared, so no drift is found."
        yield Finding(CHECK, "warning", text, "Set it to the statistics.json of the same baseline.")
    if baseline.constraints is None or baseline.statistics is None:
        return
    constrained = {feature.name for feature in baseline.constraints.features}
    strange = sorted(constrained - {feature.name for feature in baseline.statistics.features})
    if strange:
        text = f"The statistics lack {_listed(strange)}, which the constraints have: they are of different baselines."
        yield Finding(CHECK, "warning", text, "Name the two files that one baseline job wrote.")
    else:
        yield Finding(CHECK, "ok", f"constraints and statistics of {len(constrained):,} columns")


def examine_fit(config: JobConfig, baseline: Baseline, state: TableState) -> Iterator[Finding]:
    """Judge the first records, as the job will judge all."""
    if baseline.constraints is None or not state.rows:
        return
    analysis = finish_analysis(state, domains_of(baseline.constraints), config.compatibility, evidence=False)
    verdict = check(analysis, baseline.constraints, None, config.compatibility, {})
    found = [each for each in verdict.violations if each.constraint_check_type in OF_ROWS]
    columns = [each for each in found if each.constraint_check_type in OF_NAMES]
    if columns:
        yield Finding(CHECK, "warning", _names_text(baseline, state, columns), COLUMNS_CURE)
    rows = [each for each in found if each not in columns]
    if rows:
        text = f"The first {state.rows:,} records would violate it in {len(rows)} ways."
        shown = tuple(f"{each.feature_name}: {' '.join(each.description.split())}" for each in rows[:MOST])
        yield Finding(CHECK, "warning", text, ROWS_CURE, shown)
    if not found:
        yield Finding(CHECK, "ok", f"the first {state.rows:,} records have its columns, types and values")


def _names_text(baseline: Baseline, state: TableState, violations: Sequence[Violation]) -> str:
    assert baseline.constraints is not None
    expected = [feature.name for feature in baseline.constraints.features]
    lacking = [name for name in expected if name not in state.columns]
    added = [name for name in state.columns if name not in expected]
    parts = [f"lacks {_listed(lacking)}"] * bool(lacking) + [f"has {_listed(added)} beyond it"] * bool(added)
    return f"The data {' and '.join(parts) or violations[0].description.strip()}."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST]) + (f" and {len(names) - MOST:,} more" if len(names) > MOST else "")
