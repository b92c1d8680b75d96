"""analysis_config.json and files -> rows with named columns for bias and attribution, and which column is what."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzer.analysis_config import AnalysisConfig, Column
from analyzer.analyze import State, Task, merge_all
from analyzer.config import JobConfig
from analyzer.dataset_formats import CaptureFormat, CsvFormat, JsonFormat, SparkFormat
from analyzer.errors import ConfigError
from analyzer.job import deployed, fold_files, fold_source, list_inputs, phase, pick_engine, reading_of
from analyzer.name_columns import Naming
from analyzer.readers.reading import Fields, Reading
from analyzer.stores.peers import Peers
from analyzer.stores.store import File

if TYPE_CHECKING:
    from analyzer.cluster.lead import Leader

log = logging.getLogger(__name__)
LABEL, PREDICTED = "label", "predicted_label"
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a job and how to read them: a column each for features, label and prediction, as far as they exist.

    `label`, `prediction` and `score` name columns, or give their 0-based indices; a score becomes a prediction of 1
    above `threshold`. All columns but those are features, unless excluded.
    """

    config: JobConfig
    files: Sequence[File]
    peers: Peers | None
    reading: Reading
    label: Column | None
    prediction: Column | None
    score: Column | None = None
    threshold: float = 0.5

    @property
    def analysis(self) -> AnalysisConfig:
        assert self.config.analysis is not None
        return self.config.analysis

    @property
    def outcome(self) -> tuple[Column, ...]:
        """The columns that are no features."""
        found = (self.label, self.prediction, self.score, *self.analysis.excluded_columns)
        return tuple(each for each in found if each is not None)


def open_rows(config: JobConfig, script: Path | None = None, leader: Leader | None = None) -> Rows:
    """Find out where the rows are and what their columns are called; reads no more than first records.

    Raises InputError where the source cannot be listed, ConfigError for headers that do not fit.
    """
    analysis = config.analysis
    assert analysis is not None
    if isinstance(config.dataset_format, SparkFormat):
        return _rows(config, (), None, _with_fields(reading_of(config, Naming()), config))
    files, peers = list_inputs(config, leader)
    config, naming = _named(files, config, analysis)
    return _rows(config, files, peers, _with_fields(reading_of(config, naming, script), config))


def fold_rows(rows: Rows, blank: Callable[[], State], leader: Leader | None = None) -> State:
    """Fold all rows into a state that `blank` makes empty; picklable, as it is called where rows are folded."""
    task = Task(rows.reading, {}, rows.peers, blank)
    if isinstance(rows.config.dataset_format, SparkFormat):
        folded, _, _ = fold_source(rows.config, rows.config.dataset_format, task, leader)
        return merge_all(folded) if folded else task.new_state()
    return fold_files(rows.files, rows.config, task, leader)[0]


def engine_of(rows: Rows) -> str:
    """Pick the engine for the rows: Spark where only it can read them, else the one that fits their size."""
    if isinstance(rows.config.dataset_format, SparkFormat):
        return "spark"
    return pick_engine(sum(file.size for file in rows.files), rows.config) if rows.files else "local"


@contextmanager
def opened_engine(rows: Rows, leader: Leader | None = None) -> Iterator[None]:
    """Start Spark, where it is to do the work, once for all that is done with the rows."""
    if engine_of(rows) == "local":
        yield
        return
    from analyzer.engine.spark import spark_session

    with ExitStack() as stack:
        with phase("session"):
            stack.enter_context(spark_session(rows.config, stack.enter_context(deployed(leader))))
        yield


def _rows(config: JobConfig, files: Sequence[File], peers: Peers | None, reading: Reading) -> Rows:
    analysis, fields = config.analysis, reading.fields
    assert analysis is not None
    assert fields is not None
    threshold = fields.threshold
    prediction: Column | None
    if _in_records(config):
        answered = isinstance(config.dataset_format, CaptureFormat) or fields.prediction or fields.score
        prediction = fields.prediction_name if answered else None
        return Rows(config, files, peers, reading, fields.label_name, prediction, None, threshold)
    told = analysis.predicted_label
    prediction = told if told is not None else _told(config.inference_attribute)
    score = _told(config.probability_attribute) if prediction is None else None
    label = analysis.label if analysis.label is not None else _told(config.ground_truth_attribute)
    return Rows(config, files, peers, reading, label, prediction, score, threshold)


def _told(attribute: str | None) -> Column | None:
    return int(attribute) if attribute is not None and attribute.isdecimal() else attribute


def _in_records(config: JobConfig) -> bool:
    """Tell whether label and prediction are found in records, and not by the names of columns."""
    captured = isinstance(config.dataset_format, CaptureFormat)
    nested = isinstance(config.dataset_format, JsonFormat) and config.analysis and config.analysis.features is not None
    return (captured or bool(nested)) and config.record_preprocessor_script is None


# --- records ----------------------------------------------------------------------------------------------------------


def _with_fields(reading: Reading, config: JobConfig) -> Reading:
    analysis = config.analysis
    assert analysis is not None
    fields = _fields_of_captures if isinstance(config.dataset_format, CaptureFormat) else _fields_of_json
    return replace(reading, fields=fields(config, analysis), excluded=frozenset())


def _threshold(config: JobConfig, analysis: AnalysisConfig) -> float:
    found = analysis.probability_threshold
    return config.probability_threshold_attribute if found is None else found


def _fields_of_captures(config: JobConfig, analysis: AnalysisConfig) -> Fields:
    predictor = analysis.predictor
    label = str(analysis.label) if isinstance(analysis.label, str) else LABEL
    answers = (predictor.label, predictor.probability) if predictor else (None, None)
    inference, probability = config.inference_attribute, config.probability_attribute
    if inference is None and probability is None:
        inference, probability = (_text(answer) for answer in answers)
        if analysis.bias is None:
            inference, probability = None, inference or probability
    return Fields(
        headers=analysis.headers,
        features=config.features_attribute or analysis.features,
        label=config.ground_truth_attribute,
        prediction=inference,
        score=probability,
        threshold=_threshold(config, analysis),
        label_name=label,
        prediction_name=_text(analysis.predicted_label) or PREDICTED,
        class_names=predictor.label_headers if predictor else (),
        outcome=analysis.bias is not None,
    )


def _fields_of_json(config: JobConfig, analysis: AnalysisConfig) -> Fields:
    headers = list(analysis.headers)
    prediction = headers.pop() if headers and analysis.predicted_label is not None else PREDICTED
    label = headers.pop() if headers and analysis.label is not None else LABEL
    return Fields(
        headers=analysis.headers,
        features=analysis.features or config.features_attribute,
        label=_text(analysis.label),
        prediction=_text(analysis.predicted_label) or config.inference_attribute,
        score=config.probability_attribute,
        threshold=_threshold(config, analysis),
        label_name=label,
        prediction_name=prediction,
        outcome=True,
    )


def _text(column: Any) -> str | None:
    return None if column is None else str(column)


# --- names ------------------------------------------------------------------------------------------------------------


def _named(files: Sequence[File], config: JobConfig, analysis: AnalysisConfig) -> tuple[JobConfig, Naming]:
    """Name the columns of CSV, and find out whether there is a header where nobody has told."""
    if not isinstance(config.dataset_format, CsvFormat):
        return config, Naming()
    from analyzer.readers.csv_files import first_record, header_names
    from analyzer.readers.csv_text import split_fields

    record = next((found for file in files if (found := first_record(file.path))), None)
    if record is None:
        return config, Naming()
    if config.finds_header:
        header = _is_header(header_names(record), split_fields(record), analysis)
        log.info("The files of the data set %s.", "begin with a header" if header else "have no header")
        config = replace(config, dataset_format=replace(config.dataset_format, header=header))
    assert isinstance(config.dataset_format, CsvFormat)
    if config.dataset_format.header:
        names = header_names(record)
        return config, Naming(names, names)
    return config, Naming(_placed(len(split_fields(record)), config, analysis))


def _is_header(names: Sequence[str], fields: Sequence[str | None], analysis: AnalysisConfig) -> bool:
    """Take a first line for a header: it is the headers told, or names the label, or looks like nothing but names."""
    if analysis.headers:
        return set(names) == set(analysis.headers)
    if isinstance(analysis.label, str):
        return analysis.label in names
    texts = [field or "" for field in fields]
    return len(set(texts)) == len(texts) and not any(not text or _NUMBER.fullmatch(text) for text in texts)


def _placed(width: int, config: JobConfig, analysis: AnalysisConfig) -> tuple[str, ...]:
    """Name columns that have only places."""
    if not analysis.headers:
        return tuple(f"column_{i}" for i in range(width))
    if len(analysis.headers) != width:
        raise ConfigError(
            f"{analysis.where}: headers names {len(analysis.headers)} columns, but the files of "
            f"{config.dataset_source} have {width}.",
            "Name all columns in their order, or leave headers out.",
        )
    return analysis.headers
