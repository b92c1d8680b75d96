"""analysis_config.json and variables -> where the user's model is, and which columns are its input."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analyzer.analysis_config import PredictorConfig
from analyzer.config import Location
from analyzer.errors import ConfigError, InputError
from analyzer.fetch_scripts import beside
from analyzer.models.model import ModelAccess, Requests
from analyzer.plan_analysis import Rows


def access_of(rows: Rows) -> ModelAccess:
    """Say where the model is; variables win over the keys of predictor.

    Raises ConfigError where several models are named in the same place.
    """
    config, predictor = rows.config, rows.analysis.predictor or PredictorConfig()
    named = _named(_path(config.model_script, None, rows), config.model_url) or _named(
        _path(None, predictor.handler, rows), predictor.endpoint_url
    )
    script, url = named or (None, None)
    folder = _path(config.model_dir, predictor.model_dir, rows)
    return ModelAccess(
        script=script,
        model_dir=folder,
        url=url,
        endpoint_name=None if named else predictor.endpoint_name,
        requests=_requests(rows, predictor),
        timeout=predictor.timeout if config.model_timeout is None else float(config.model_timeout),
        retries=predictor.retries if config.model_retries is None else config.model_retries,
        batch_rows=config.model_batch_rows,
    )


def _named(script: Path | None, url: str | None) -> tuple[Path | None, str | None] | None:
    if script is not None and url is not None:
        raise ConfigError(f"Two models are named, {script} and {url}.", "Leave one of them out.")
    return (script, url) if script is not None or url is not None else None


def _path(told: Location | None, named: str | None, rows: Rows) -> Path | None:
    """Give the path of what a variable tells, or else a key names; what lay far away has been fetched by now."""
    if told is not None:
        return Path(told)
    return None if named is None else Path(beside(rows.analysis.where, named))


def _requests(rows: Rows, predictor: PredictorConfig) -> Requests:
    kind = rows.analysis.dataset_type
    written = kind if kind in {"text/csv", "application/jsonlines", "application/json"} else "text/csv"
    return Requests(
        content_type=predictor.content_type or written,
        accept_type=predictor.accept_type,
        content_template=predictor.content_template,
        record_template=predictor.record_template,
        label=predictor.label,
        probability=predictor.probability,
        custom_attributes=predictor.custom_attributes,
        target_model=predictor.target_model,
    )


def feature_names(columns: Sequence[str], rows: Rows) -> list[str]:
    """List the columns that are features: all but label, prediction and what is excluded.

    Facets that lay apart were joined to the rows and are no input of the model. Raises InputError where there are no
    features.
    """
    outcome = (*rows.outcome, *rows.analysis.facet_headers)
    out = {columns[each] if isinstance(each, int) and each < len(columns) else each for each in outcome}
    found = [name for name in columns if name not in out]
    if not found:
        raise InputError(
            f"dataset_source: there are no features beside {', '.join(map(str, columns))}.",
            "See label, predicted_label and excluded_columns of analysis_config.json.",
        )
    return found
