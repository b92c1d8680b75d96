"""JobConfig -> the one line of the log that says how a job is configured."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from analyzer.config import MASK, PREFIX, SETTINGS, JobConfig, Setting, utc_text, without_credentials
from analyzer.dataset_formats import format_document

_LOGGED = (
    "dataset_source",
    "dataset_format",
    "output_path",
    "monitoring_input_type",
    "analysis_type",
    "problem_type",
    "inference_attribute",
    "probability_attribute",
    "ground_truth_attribute",
    "probability_threshold_attribute",
    "positive_label",
    "exclude_features_attribute",
    "record_preprocessor_script",
    "post_analytics_processor_script",
    "baseline_constraints",
    "baseline_statistics",
    "data_quality_monitoring_config",
    "start_time",
    "end_time",
    "metric_time",
    "cloudwatch_metrics_directory",
    "publish_cloudwatch_metrics",
    "sagemaker_endpoint_name",
    "sagemaker_monitoring_schedule_name",
    "output_message_file",
    "detect_outliers",
    "detect_drift",
    "image_data",
    "report_enabled",
    "auto_ml_job_detail",
)
"""The fields of the original's log line, in its order; the last ones have no meaning here."""
_LOGGED_OF_MERGES = ("ground_truth_source", "start_time_offset", "end_time_offset")
_SECRET = re.compile("pass|pwd|secret|token|key|credential|signature|headers|targets", re.IGNORECASE)


def describe(config: JobConfig) -> str:
    """Put the resolved configuration into one line of JSON for the log.

    The keys are those of the original's input log, in its order, then our settings. Credentials are masked.
    """
    line = {
        name: _shown(_logged_value(config, name)) for name in (*_LOGGED, *(_LOGGED_OF_MERGES if config.merges else ()))
    }
    line |= {s.variable: _shown(getattr(config, _field_of(s)), s.variable) for s in SETTINGS if s.own}
    return json.dumps(line)


def _field_of(setting: Setting) -> str:
    return setting.variable.removeprefix(PREFIX).lower()


def _logged_value(config: JobConfig, name: str) -> Any:
    special: dict[str, Any] = {
        "dataset_format": format_document(config.dataset_format),
        "data_quality_monitoring_config": _monitoring_config(config),
        "publish_cloudwatch_metrics": "Enabled" if config.publish_cloudwatch_metrics else "Disabled",
        "exclude_features_attribute": ",".join(map(str, config.exclude_features_attribute)) or None,
        "report_enabled": False,
    }
    return special[name] if name in special else getattr(config, name, None)


def _monitoring_config(config: JobConfig) -> dict[str, Any]:
    """Show what suggested constraints will carry as their monitoring_config; `encode` would load NumPy for it."""
    return {
        "evaluate_constraints": "Enabled",
        "emit_metrics": "Enabled",
        "datatype_check_threshold": 1.0,
        "domain_content_threshold": 1.0,
        "distribution_constraints": {
            "perform_comparison": "Enabled",
            "comparison_threshold": 0.1,
            "comparison_method": "Robust",
            "categorical_comparison_threshold": 0.1,
            "categorical_drift_method": config.categorical_drift_method,
        },
    }


def _shown(value: Any, name: str = "") -> Any:
    """Make a value fit for the log: JSON types, and nothing that opens a door."""
    if isinstance(value, dict):
        return {key: _shown(inner, key) for key, inner in value.items()}
    if isinstance(value, tuple):
        return [_shown(inner, name) for inner in value]
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, str | Path):
        return MASK if _SECRET.search(name) else without_credentials(str(value))
    return value
