"""analysis_type and analysis_config.json -> which analysis a job is, and what it is asked of bias and attribution."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from analyzer.analysis_config import CAPTURES, CSV, JSON, JSON_LINES, PARQUET, AnalysisConfig, parse_analysis_config
from analyzer.dataset_formats import (
    CaptureFormat,
    CsvFormat,
    DatasetFormat,
    JsonFormat,
    ParquetFormat,
    format_document,
)
from analyzer.errors import ConfigError

OF_QUALITY = ("DATA_QUALITY", "MODEL_QUALITY")
OF_ANALYSIS = ("MODEL_BIAS", "MODEL_EXPLAINABILITY")
"""Values of analysis_type; the latter two need an analysis_config.json."""
VARIABLE = "ANALYZER_ANALYSIS_CONFIG"
USUAL_PLACE = "/opt/ml/processing/input/config/analysis_config.json"
_FORMATS: Mapping[str, DatasetFormat] = {
    CSV: CsvFormat(),
    JSON_LINES: JsonFormat(),
    JSON: JsonFormat(lines=False),
    PARQUET: ParquetFormat(),
    CAPTURES: CaptureFormat(merged=True),
}


def kind_of(analysis_type: str | None) -> str:
    """Spell a value of analysis_type as it is used inside, whether there is such an analysis or not."""
    return (analysis_type or OF_QUALITY[0]).upper().replace("-", "_")


def refuse_other_analyses(analysis_type: str | None) -> None:
    """Raise ConfigError for a value of analysis_type that is no analysis."""
    if kind_of(analysis_type) not in {*OF_QUALITY, *OF_ANALYSIS}:
        known = f"{', '.join((*OF_QUALITY, OF_ANALYSIS[0]))} or {OF_ANALYSIS[1]}"
        raise ConfigError(f"analysis_type is {analysis_type!r}, which is no analysis.", f"Leave it out or use {known}.")


def find_analysis(
    analysis_type: str | None, told: Path | str | None, usual: Path, read: Callable[[Path | str], bytes]
) -> AnalysisConfig | None:
    """Read analysis_config.json where there is one and the job is not one of quality, and leave what is asked for.

    It lies where `told` says, else at `usual`. Raises ConfigError for a file that cannot be read, makes no sense, asks
    for nothing of this analysis, or is named in a job of quality.
    """
    if analysis_type is not None and kind_of(analysis_type) in OF_QUALITY:
        _refuse_told(analysis_type, told)
        return None
    if told is None and analysis_type is None and not usual.is_file():
        return None
    path = told or usual
    try:
        content = read(path)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror or error}.",
            getattr(error, "cure", "") or f"Mount analysis_config.json there, or say where it is in {VARIABLE}.",
        ) from error
    return _asked_for(parse_analysis_config(content, str(path)), analysis_type)


def _refuse_told(analysis_type: str, told: Path | str | None) -> None:
    if told is not None:
        raise ConfigError(
            f"{VARIABLE} is set, but analysis_type is {analysis_type}, which needs none.",
            f"Leave one of them out, or set analysis_type to {' or '.join(OF_ANALYSIS)}.",
        )


def _asked_for(analysis: AnalysisConfig, kind: str | None) -> AnalysisConfig:
    if kind is not None:
        biased = kind_of(kind) == "MODEL_BIAS"
        analysis = replace(analysis, shap=None) if biased else replace(analysis, bias=None)
    if analysis.bias is None and analysis.shap is None:
        lacking = "nothing" if kind is None else f"nothing of {kind_of(kind)}"
        raise ConfigError(
            f"{analysis.where} asks for {lacking}.",
            "Name facets and label_values_or_threshold for bias, methods.shap for attribution.",
        )
    return analysis


def places_of(analysis: AnalysisConfig) -> dict[str, str]:
    """Give the variables that a processing job does not tell: it has fixed places, and its format in the file."""
    known = _FORMATS.get(analysis.dataset_type or "")
    return {
        "dataset_source": analysis.dataset_uri or "/opt/ml/processing/input/data",
        "output_path": "/opt/ml/processing/output",
        **({"dataset_format": json.dumps(format_document(known))} if known else {}),
    }
