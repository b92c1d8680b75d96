"""profile.json: the evidence behind the other three files, the same bytes on every engine."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from analyzer.analyzers.bias_counts import BiasState
from analyzer.analyzers.predictions import PredictionState
from analyzer.analyzers.table import TableState
from analyzer.documents import Analysis, Evidence, FeatureProfile, RuleOutcome, Verdict
from analyzer.quality_documents import QualityAnalysis, QualityVerdict

VERSION = "1.0"
LEFT_OUT = {
    "short_rows": "{count} rows had fewer fields than columns; what they lack counts as missing.",
    "surplus_rows": "{count} rows had more fields than columns; what was too much was dropped.",
    "undecodable_blocks": "{count} blocks of text held bytes that are not UTF-8; they were replaced by U+FFFD.",
    "dropped_by_script": "The script dropped {count} records.",
    "none_from_script": "The script returned None for {count} records; they were dropped.",
    "outside_window": "{count} records lay outside start_time and end_time.",
    "missing_predictions": "{count} rows have no prediction or score; they were left out.",
    "missing_labels": "{count} rows have no label; they were not judged.",
    "untimed_records": "{count} records carry no inferenceTime that can be read; they were kept.",
}
"""What reading leaves out or mends, in words."""
DROPPED = ("dropped_by_script", "none_from_script", "outside_window")


def left_out_notes(state: TableState | PredictionState | BiasState) -> list[str]:
    """Say in sentences what was left out or mended."""
    return [words.format(count=state.left_out[name]) for name, words in LEFT_OUT.items() if state.left_out[name]]


def profile_document(analysis: Analysis, state: TableState, verdict: Verdict, compatibility: str) -> dict[str, Any]:
    """Put together what profile.json says (schemas/profile.json)."""
    return {
        "version": VERSION,
        "compatibility": compatibility,
        "dataset": {
            "item_count": state.rows,
            "columns": len(analysis.statistics.features),
            "files": state.files,
            "dropped_records": sum(state.left_out[name] for name in DROPPED),
            "notes": [*left_out_notes(state), *verdict.notes],
        },
        "features": [_feature(profile) for profile in analysis.profiles],
        "violations": [
            {
                "feature_name": violation.feature_name,
                "constraint_check_type": violation.constraint_check_type,
                "description": violation.description,
                "evidence": dict(violation.evidence),
            }
            for violation in verdict.violations
        ],
        "drift": [asdict(drift) for drift in verdict.drifts],
        "quirks": [asdict(quirk) for quirk in verdict.quirks],
        "rules": [_rule(outcome) for outcome in verdict.rules],
    }


def _rule(outcome: RuleOutcome) -> dict[str, Any]:
    return {
        "rule": outcome.rule,
        "line": outcome.line,
        "feature_name": outcome.feature_name,
        "outcome": "Passed" if outcome.passed else "Failed",
        "metrics": dict(sorted(outcome.metrics.items())),
        "failure": outcome.failure,
    }


def quality_profile(
    analysis: QualityAnalysis, state: PredictionState, verdict: QualityVerdict, compatibility: str
) -> dict[str, Any]:
    """Put together what profile.json says of a model-quality run (schemas/model-quality-profile.json)."""
    return {
        "version": VERSION,
        "compatibility": compatibility,
        "dataset": {
            "item_count": state.rows,
            "judged_rows": analysis.statistics.item_count,
            "files": state.files,
            "dropped_records": sum(state.left_out[name] for name in DROPPED),
            "notes": [*left_out_notes(state), *analysis.notes, *verdict.notes],
        },
        "model_quality": {
            "problem_type": analysis.statistics.problem_type,
            "undefined": dict(analysis.statistics.undefined),
            **analysis.beyond,
        },
        "violations": [asdict(violation) for violation in verdict.violations],
        "quirks": [asdict(quirk) for quirk in (*analysis.quirks, *verdict.quirks)],
    }


def _feature(profile: FeatureProfile) -> dict[str, Any]:
    return {
        "name": profile.name,
        "type_counts": asdict(profile.type_counts),
        "empty": profile.empty,
        "nan": profile.nan,
        "infinite": profile.infinite,
        "lengths": dict(zip(("min", "mean", "max"), profile.lengths, strict=True)) if profile.lengths else None,
        "quantiles": dict(profile.quantiles) if profile.quantiles else None,
        "top_values": {
            "exact": profile.top_values.exact,
            "counted_rows": profile.top_values.counted_rows,
            "values": [{"value": value, "count": count} for value, count in profile.top_values.values],
        },
        "outside_domain": profile.outside_domain,
        "evidence": {kind: _evidence(found) for kind, found in profile.evidence.items()},
    }


def _evidence(found: Evidence) -> dict[str, Any]:
    document: dict[str, Any] = {
        "count": found.count,
        "first_file": found.first_file,
        "first_record": found.first_record,
    }
    return document | ({"examples": list(found.examples)} if found.examples else {})
