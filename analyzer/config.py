"""Environment, flags and dataset_format -> one frozen JobConfig; the only reader of variable names."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from analyzer.analysis_config import AnalysisConfig
from analyzer.dataset_formats import (
    EXAMPLES,
    AddedFormat,
    CaptureFormat,
    CsvFormat,
    DatasetFormat,
    ParquetFormat,
    SparkFormat,
    parse_dataset_format,
)
from analyzer.drift_methods import CategoricalMethod
from analyzer.errors import ConfigError
from analyzer.find_analysis import (
    OF_ANALYSIS,
    USUAL_PLACE,
    VARIABLE,
    find_analysis,
    kind_of,
    places_of,
    refuse_other_analyses,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

logger = logging.getLogger(__name__)

Location = Path | str
"""Where a file or folder lies: a local path, or the text of a URI when it contains `://`."""
Read = Callable[[Location], bytes]
"""Reads a small file as a whole, or raises OSError."""
SCHEMES = ("s3",)
"""URIs that the analyzer reads and writes itself; Spark may know more."""
ProblemType = Literal["BinaryClassification", "MulticlassClassification", "Regression"]
PREFIX = "ANALYZER_"
MASK = "***"
"""What stands in messages and the log for what opens a door."""
CONTAINER_ROOT = "/opt/ml"
CLUSTER_TIMEOUT = 300
CLUSTER_PORT = 7177
LEAST_LABELLED = 0.1
REPORTS = ("html", "md", "junit")
"""Forms of the reports for people; the last one is for build servers and only made when asked for."""
SPARK_THRESHOLD = 8 * 1024**3
"""Bytes of input above which `auto` picks Spark: below it one process is done before a cluster would be."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable that the analyzer reads: a row of the table that flags and docs are made of.

    `allowed` lists the values when they are few, in the spelling that is used inside; otherwise `takes` says in
    words what a value is. `default` is the text that would have the same effect as leaving the variable out.
    """

    variable: str
    default: str
    allowed: tuple[str, ...]
    help: str
    takes: str = "text"
    required: bool = False

    @property
    def own(self) -> bool:
        return self.variable.startswith(PREFIX)

    @property
    def flag(self) -> str:
        return "--" + self.variable.removeprefix(PREFIX).lower().replace("_", "-")


MODEL_BATCH_ROWS = 1_000
"""Rows in a request: some 100 kB of usual ones, and seldom more than an endpoint takes."""
PLACE = "path or an s3:// URI"
ATTRIBUTE = "column name, 0-based index or JMESPath"
PROBLEM_TYPES = ("BinaryClassification", "MulticlassClassification", "Regression")

SETTINGS: tuple[Setting, ...] = (
    Setting("dataset_format", "", (), "Format of the data.", "JSON", required=True),
    Setting("dataset_source", "", (), "Folder (or one file) with the data, read recursively.", PLACE, required=True),
    Setting("output_path", "", (), "Folder for the reports.", PLACE, required=True),
    Setting("baseline_constraints", "", (), "constraints.json to check against; without it nothing is checked.", PLACE),
    Setting("baseline_statistics", "", (), "statistics.json to compare with; without it no drift is computed.", PLACE),
    Setting("record_preprocessor_script", "", (), "Python file with preprocess_handler.", PLACE),
    Setting("post_analytics_processor_script", "", (), "Python file with postprocess_handler.", PLACE),
    Setting("ground_truth_source", "", (), "Folder with the labels that captures are merged with.", PLACE),
    Setting("start_time", "", (), "Start of the window; earlier captures are left out.", "time"),
    Setting("end_time", "", (), "End of the window; captures from then on are left out.", "time"),
    Setting("start_time_offset", "", (), "Start of the window from the schedule time on.", "duration such as -P1D"),
    Setting("end_time_offset", "", (), "End of the window from the schedule time on.", "duration such as -PT6H"),
    Setting("metric_time", "", (), "Timestamp of the metrics; else start_time, else now.", "time"),
    Setting(
        "publish_cloudwatch_metrics",
        "Enabled with a schedule or endpoint name, else Disabled",
        ("Enabled", "Disabled"),
        "Write metrics for CloudWatch.",
    ),
    Setting("cloudwatch_metrics_directory", "/opt/ml/output/metrics/cloudwatch", (), "Folder for metrics.", "path"),
    Setting("output_message_file", "/opt/ml/output/message", (), "File for the exit message.", "path"),
    Setting("sagemaker_endpoint_name", "", (), "Endpoint, a dimension of the metrics."),
    Setting("sagemaker_monitoring_schedule_name", "", (), "Schedule, a dimension of the metrics."),
    Setting("sagemaker_endpoint_datacapture_prefix", "", (), "Where the captures came from; kept for scripts."),
    Setting("monitoring_input_type", "", (), "What is monitored, such as ENDPOINT_INPUT; logged only."),
    Setting(
        "categorical_drift_method",
        "LInfinity",
        get_args(CategoricalMethod),
        "Distance of categorical columns that the suggested constraints name.",
    ),
    Setting("exclude_features_attribute", "", (), "Columns to leave out.", "names or 0-based indices, comma-separated"),
    Setting(
        "analysis_type",
        "by analysis_config.json if there is one, else DATA_QUALITY",
        (),
        "Which analysis to run.",
        "DATA_QUALITY, MODEL_QUALITY, MODEL_BIAS or MODEL_EXPLAINABILITY",
    ),
    Setting("problem_type", "", PROBLEM_TYPES, "Of model quality: what the model predicts."),
    Setting("inference_attribute", "", (), "Of model quality: where the predicted label stands.", ATTRIBUTE),
    Setting("probability_attribute", "", (), "Of model quality: where the score stands.", ATTRIBUTE),
    Setting(
        "probability_threshold_attribute",
        "0.5",
        (),
        "Of model quality: a score above it is a positive prediction.",
        "number from 0 to 1",
    ),
    Setting("ground_truth_attribute", "", (), "Of model quality: where the true label stands.", ATTRIBUTE),
    Setting("positive_label", "", (), "Of model quality: which of two labels is the positive one."),
    Setting(
        "features_attribute", "", (), "Of bias and attribution: where the features stand in a payload.", "JMESPath"
    ),
    Setting("ANALYZER_ROOT", CONTAINER_ROOT, (), "Stands for /opt/ml in every path.", "path"),
    Setting(
        "ANALYZER_ANALYSIS_CONFIG",
        "",
        (),
        "File that says what bias and attribution are about, if not the one of the inputs.",
        PLACE,
    ),
    Setting("ANALYZER_ENGINE", "auto", ("auto", "local", "spark"), "Where the work is done."),
    Setting(
        "ANALYZER_COMPATIBILITY",
        "original",
        ("original", "corrected"),
        "Count and decide as the original does, or with its known flaws corrected.",
    ),
    Setting("ANALYZER_SURPLUS_FIELDS", "error", ("error", "drop"), "What to do with CSV rows that are too long."),
    Setting(
        "ANALYZER_STRICT_CAPTURE",
        "false",
        ("true", "false"),
        "Read captures exactly as the original does: a record is a row, no mixed encodings, no nested JSON.",
    ),
    Setting("ANALYZER_EMPTY_INPUT", "error", ("error", "succeed"), "What to do when there are no rows."),
    Setting(
        "ANALYZER_METRICS_WITHOUT_SCHEDULE",
        "write",
        ("write", "fail"),
        "What to do when metrics are Enabled in a job that no schedule started.",
    ),
    Setting(
        "ANALYZER_SCHEDULE_TIME", "the current hour", (), "Time that the offsets of the window count from.", "time"
    ),
    Setting(
        "ANALYZER_LEAST_LABELLED",
        str(LEAST_LABELLED),
        (),
        "Share of the captures that must have labels, else a merge warns.",
        "number from 0 to 1",
    ),
    Setting("ANALYZER_RULES", "", (), "File of DQDL rules that Deequ evaluates on the same rows.", PLACE),
    Setting("ANALYZER_SUGGEST_RULES", "false", ("true", "false"), "Write the rules that Deequ suggests for the data."),
    Setting(
        "ANALYZER_DEEQU_JAR",
        "jars/ of the checkout, else /opt/analyzer/jars",
        (),
        "Where Deequ's jars lie, for the two settings before.",
        "paths of jars or folders, comma-separated",
    ),
    Setting("ANALYZER_CORES", "all usable cores", (), "Worker processes.", "whole number from 1"),
    Setting(
        "ANALYZER_SPARK_THRESHOLD",
        str(SPARK_THRESHOLD),
        (),
        "Bytes of input above which auto picks Spark.",
        "whole number from 0",
    ),
    Setting(
        "ANALYZER_SEGMENT_COLUMNS",
        "",
        (),
        "Columns by whose values model quality is measured apart, too.",
        "names, 0-based indices or JMESPaths, comma-separated",
    ),
    Setting("ANALYZER_EVIDENCE", "true", ("true", "false"), "Show example values in profile.json and the reports."),
    Setting("ANALYZER_MODEL_SCRIPT", "", (), "Of bias and attribution: Python file with predict(df).", PLACE),
    Setting("ANALYZER_MODEL_DIR", "", (), "Of bias and attribution: folder that load of the script is given.", PLACE),
    Setting("ANALYZER_MODEL_URL", "", (), "Of bias and attribution: endpoint that is asked over HTTP.", "URL"),
    Setting(
        "ANALYZER_ATTRIBUTIONS",
        "",
        (),
        "Of attribution: where attributions stand in the data, so that no model is asked.",
        "beginning of the names of their columns, or JMESPath",
    ),
    Setting("ANALYZER_MODEL_TIMEOUT", "60", (), "Seconds that an endpoint may take to answer.", "whole number from 1"),
    Setting(
        "ANALYZER_MODEL_RETRIES", "3", (), "How often an endpoint is asked again that fails.", "whole number from 0"
    ),
    Setting(
        "ANALYZER_MODEL_BATCH_ROWS",
        str(MODEL_BATCH_ROWS),
        (),
        "Rows that an endpoint is asked for at once.",
        "whole number from 1",
    ),
    Setting(
        "ANALYZER_MOST_EXPLAINED",
        "5000",
        (),
        "Of attribution: rows that are explained at the most, a seeded sample of them all.",
        "whole number from 1",
    ),
    Setting(
        "ANALYZER_ATTRIBUTION_THRESHOLD",
        "0.9",
        (),
        "Of attribution: NDCG below which features have drifted.",
        "number from 0 to 1",
    ),
    Setting("ANALYZER_HISTORY", "", (), "Database that each execution is recorded in (docs/history.md).", PLACE),
    Setting("ANALYZER_ALERTS", "", (), "Rules that are evaluated after each execution (docs/alerts.md).", PLACE),
    Setting(
        "ANALYZER_METRICS_TARGETS",
        "",
        (),
        "Where metrics go beside CloudWatch (docs/metrics.md).",
        "prometheus=PATH, otlp=URL and webhook=URL, comma-separated",
    ),
    Setting(
        "ANALYZER_METRICS_HEADERS",
        "",
        (),
        "Headers of requests with metrics, such as for authorization.",
        "name=value, comma-separated",
    ),
    Setting("ANALYZER_PREPROCESS_SEED", "0", (), "Seed of random numbers in scripts.", "whole number from 0"),
    Setting(
        "ANALYZER_INSTALL_REQUIREMENTS",
        "true",
        ("true", "false"),
        "Install the requirements.txt beside a script before the script is loaded.",
    ),
    Setting(
        "ANALYZER_REPORT",
        "html,md",
        (),
        "Which reports for people are written beside the JSON files.",
        "html, md and junit, comma-separated, or none",
    ),
    Setting(
        "ANALYZER_CLUSTER_TIMEOUT",
        str(CLUSTER_TIMEOUT),
        (),
        "Seconds that several hosts wait for each other.",
        "whole number from 1",
    ),
    Setting(
        "ANALYZER_CLUSTER_PORT",
        str(CLUSTER_PORT),
        (),
        "Port on which the first of several hosts waits for the others.",
        "whole number from 1 to 65535",
    ),
    Setting("ANALYZER_CLUSTER_SECRET", "", (), "What several hosts prove to know before they trust each other."),
    Setting("ANALYZER_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"), "How much is logged."),
)
"""Every variable the analyzer reads; those with the prefix are ours, the others are the original's."""
_BY_NAME: Mapping[str, Setting] = {setting.variable: setting for setting in SETTINGS}


def usable_cores() -> int:
    """Cores that this process may use: its affinity, cut to the quota of its control group (cgroup v2 cpu.max)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return max(1, min(cores, int(quota) // int(period)))
    except (OSError, ValueError):  # no cgroup v2, or "max": no quota
        return cores


@dataclass(frozen=True, slots=True)
class JobConfig:
    """All that a job was told, typed; local paths are absolute and already below the root."""

    dataset_source: Location
    dataset_format: DatasetFormat
    output_path: Location
    baseline_constraints: Location | None = None
    baseline_statistics: Location | None = None
    record_preprocessor_script: Location | None = None
    post_analytics_processor_script: Location | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    ground_truth_source: Location | None = None
    start_time_offset: str | None = None
    end_time_offset: str | None = None
    metric_time: datetime | None = None
    publish_cloudwatch_metrics: bool = False
    cloudwatch_metrics_directory: Path = Path("/opt/ml/output/metrics/cloudwatch")
    output_message_file: Path = Path("/opt/ml/output/message")
    sagemaker_endpoint_name: str | None = None
    sagemaker_monitoring_schedule_name: str | None = None
    sagemaker_endpoint_datacapture_prefix: str | None = None
    monitoring_input_type: str | None = None
    categorical_drift_method: CategoricalMethod = "LInfinity"
    exclude_features_attribute: tuple[str | int, ...] = ()
    analysis_type: Literal["DATA_QUALITY", "MODEL_QUALITY", "MODEL_BIAS", "MODEL_EXPLAINABILITY"] = "DATA_QUALITY"
    problem_type: ProblemType | None = None
    inference_attribute: str | None = None
    probability_attribute: str | None = None
    probability_threshold_attribute: float = 0.5
    ground_truth_attribute: str | None = None
    positive_label: str | None = None
    features_attribute: str | None = None
    analysis_config: Location | None = None
    analysis: AnalysisConfig | None = None
    """What analysis_config.json says, without the half that this job does not do; None in jobs of quality."""
    finds_header: bool = False
    """Whether to find out by looking if CSV files have a header, as where only dataset_type told their format."""
    root: Path = Path(CONTAINER_ROOT)
    engine: Literal["auto", "local", "spark"] = "auto"
    compatibility: Literal["original", "corrected"] = "original"
    surplus_fields: Literal["error", "drop"] = "error"
    strict_capture: bool = False
    empty_input: Literal["error", "succeed"] = "error"
    metrics_without_schedule: Literal["write", "fail"] = "write"
    schedule_time: datetime | None = None
    least_labelled: float = LEAST_LABELLED
    rules: Location | None = None
    suggest_rules: bool = False
    deequ_jar: tuple[str, ...] = ()
    cores: int = field(default_factory=usable_cores)
    spark_threshold: int = SPARK_THRESHOLD
    segment_columns: tuple[str, ...] = ()
    model_script: Location | None = None
    model_dir: Location | None = None
    model_origin: str | None = None
    """The URI that the folder of the model was fetched from, for tasks on other machines."""
    model_url: str | None = None
    attributions: str | None = None
    model_timeout: int | None = None
    model_retries: int | None = None
    model_batch_rows: int = MODEL_BATCH_ROWS
    most_explained: int | None = None
    attribution_threshold: float | None = None
    evidence: bool = True
    history: Location | None = None
    alerts: Location | None = None
    metrics_targets: tuple[str, ...] = field(default=(), repr=False)
    metrics_headers: tuple[str, ...] = field(default=(), repr=False)
    preprocess_seed: int = 0
    install_requirements: bool = True
    report: tuple[str, ...] = REPORTS[:2]
    cluster_timeout: int = CLUSTER_TIMEOUT
    cluster_port: int = CLUSTER_PORT
    cluster_secret: str | None = field(default=None, repr=False)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    merges: bool = False
    """Whether the job merges captures with labels instead of analyzing; the format of its captures need not be told."""

    @property
    def emits_metrics(self) -> bool:
        return self.publish_cloudwatch_metrics or bool(self.metrics_targets)

    @property
    def needs_deequ(self) -> bool:
        return self.rules is not None or self.suggest_rules


def read_here(place: Location) -> bytes:
    """Read a file of this machine, which is all that this module can; who knows stores has those read."""
    if isinstance(place, str):
        raise OSError(0, "it is a URI, which was not to be read here")
    return place.read_bytes()


def read_config(
    environment: Mapping[str, str],
    flags: Mapping[str, str] | None = None,
    *,
    merges: bool = False,
    read: Read = read_here,
) -> JobConfig:
    """Read the whole configuration of a job, of a merge where that was asked for or where nothing else makes sense.

    Flags win over `environment`, which wins over `Environment` of ROOT/config/processingjobconfig.json. Flags may be
    keyed by variable (`ANALYZER_ENGINE`) or by option (`engine`, `--engine`). A blank value is no value, and hides none
    of another source. `read` reads analysis_config.json, wherever it lies.

    Raises ConfigError, naming the variable, what was found and what is allowed.
    """
    given = _variables_of(flags or {})
    root = find_root(environment, given)
    return _config_of((_job_environment(root), environment, given), root, read, merges=merges)


def read_command(
    flags: Mapping[str, str],
    environment: Mapping[str, str] = os.environ,
    *,
    defaults: Mapping[str, str] | None = None,
    merges: bool = False,
    read: Read = read_here,
) -> JobConfig:
    """Read the configuration of a command that is no job: its flags and, of the environment, our settings alone.

    A command that a job's script starts must not take that job's variables for its own. `defaults` are the command's
    own, by variable. Raises ConfigError, as `read_config`.
    """
    own = {name: text for name, text in environment.items() if name.startswith(PREFIX)}
    given = _variables_of(flags)
    return _config_of((defaults or {}, own, given), find_root(own, given), read, merges=merges)


def _config_of(sources: Iterable[Mapping[str, str]], root: Path, read: Read, *, merges: bool = False) -> JobConfig:
    """Read the configuration from sources of which each wins over those before it; a blank value hides nothing."""
    told = [(name, text.strip()) for source in sources for name, text in source.items()]
    _refuse_unknown_settings(name for name, _ in told)
    values = _Values({name: text for name, text in told if text} | {f"{PREFIX}ROOT": str(root)}, root)
    merges = merges or _is_merger(values)
    if not merges:
        refuse_other_analyses(values.text("analysis_type"))
    analysis = None if merges else _analysis_in(values, read)
    guesses = analysis is not None and values.text("dataset_format") is None
    if analysis is not None:
        values = _Values({**places_of(analysis), **values.values}, root)
    _require(values, MERGING if merges else ANALYZING)
    config = JobConfig(**_contract_fields(values), **_window_fields(values), **_own_fields(values), merges=merges)
    config = config if analysis is None else _analyzing(config, analysis, finds_header=guesses)
    _refuse_contradictions(config)
    _refuse_idle_settings(config)
    _refuse_idle_model(config, values)
    _refuse_half_a_model(config)
    return config


def _is_merger(values: _Values) -> bool:
    """Take a job for the original's merger, whose environment names labels and neither an analysis nor a format."""
    given = [values.text(name) for name in ("ground_truth_source", "analysis_type", "dataset_format")]
    return given[0] is not None and given[1:] == [None, None]


def process_environment() -> Mapping[str, str]:
    """Give the variables of this process, for what looks at all of them and reads none."""
    return os.environ


def find_root(environment: Mapping[str, str], flags: Mapping[str, str] | None = None) -> Path:
    """Find the folder that stands for /opt/ml, without ever failing: errors have to be reported below it."""
    name = f"{PREFIX}ROOT"
    told = {variable_of(flag) or flag: text for flag, text in (flags or {}).items()}
    found = told.get(name, "").strip() or environment.get(name, "").strip()
    return Path(found or CONTAINER_ROOT).absolute()


def aws_region(environment: Mapping[str, str] = os.environ) -> str | None:
    """Give the region as jobs are told it; clients for Python look at AWS_DEFAULT_REGION alone."""
    return environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")


def utc_text(time: datetime) -> str:
    """Write a time as the original does, in UTC and whole seconds: `2019-11-26T03:00:00Z`."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- where values come from ---


def variable_of(flag: str) -> str | None:
    """Give the variable that is meant by its own name, or by a flag with or without dashes; None where none is."""
    plain = flag.removeprefix("--").replace("-", "_").lower()
    names = {flag: flag for flag in _BY_NAME} | {n.removeprefix(PREFIX).lower(): n for n in _BY_NAME}
    return names.get(flag) or names.get(plain)


def _variables_of(flags: Mapping[str, str]) -> dict[str, str]:
    given = {}
    for flag, text in flags.items():
        variable = variable_of(flag)
        if variable is None:
            closest = _closest(f"--{flag.lstrip('-')}", [s.flag for s in SETTINGS])
            raise ConfigError(f"{flag} is not a flag of the analyzer.", closest)
        given[variable] = text
    return given


def _job_environment(root: Path) -> dict[str, str]:
    """Read `Environment` of the job description; a broken description is worth a warning, not a failure."""
    path = root / "config" / "processingjobconfig.json"
    try:
        found = json.loads(path.read_bytes()).get("Environment") or {}
        return {name: text for name, text in found.items() if isinstance(text, str)}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        logger.warning("%s cannot be read and is ignored: %s", path, error)
        return {}


def _refuse_unknown_settings(names: Iterable[str]) -> None:
    for name in names:
        if name.startswith(PREFIX) and name not in _BY_NAME:
            own = [s.variable for s in SETTINGS if s.own]
            raise ConfigError(f"{name} is not a setting of the analyzer.", _closest(name, own))


def _closest(name: str, known: list[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    return f"Did you mean {close[0]}? Known: {', '.join(known)}." if close else f"Known: {', '.join(known)}."


def _analysis_in(values: _Values, read: Read) -> AnalysisConfig | None:
    told, usual = values.location(VARIABLE), _relocated(USUAL_PLACE, values.root)
    return find_analysis(values.text("analysis_type"), told, usual, read)


def _analyzing(config: JobConfig, analysis: AnalysisConfig, *, finds_header: bool) -> JobConfig:
    kind: Any = OF_ANALYSIS[0] if analysis.bias else OF_ANALYSIS[1]
    if config.needs_deequ:
        raise ConfigError(
            f"Rules of Deequ judge columns: they cannot go with an analysis of {kind}.",
            "Apply them in a job of data quality on the same data.",
        )
    excluded = (*analysis.excluded_columns, *config.exclude_features_attribute)
    return replace(
        config,
        analysis=replace(analysis, excluded_columns=excluded),
        analysis_config=analysis.where if "://" in analysis.where else Path(analysis.where),
        analysis_type=kind,
        finds_header=finds_header and isinstance(config.dataset_format, CsvFormat),
    )


ANALYZING = tuple(setting.variable for setting in SETTINGS if setting.required)
MERGING = ("dataset_source", "ground_truth_source", "output_path")
"""What has to be told to a job of each kind."""


def _require(values: _Values, required: tuple[str, ...]) -> None:
    missing = [name for name in required if values.text(name) is None]
    if missing:
        example = " ".join(f"{name}={_SAMPLES[name]}" for name in required)
        hint = f"Set every one of them, for example: {example}."
        raise ConfigError(f"Required but not set: {', '.join(missing)}.", _misspelt(missing, values) + hint)


_SAMPLES = {
    "dataset_format": f"'{EXAMPLES[0]}'",
    "dataset_source": "/opt/ml/processing/input",
    "ground_truth_source": "/opt/ml/processing/groundtruth",
    "output_path": "/opt/ml/processing/output",
}


def _misspelt(missing: list[str], values: _Values) -> str:
    import difflib

    others = {name.lower(): name for name in values.values if name not in _BY_NAME}
    close = {name: difflib.get_close_matches(name, list(others), n=1, cutoff=0.85) for name in missing}
    return "".join(f"Is {others[found[0]]} meant to be {name}? " for name, found in close.items() if found)


def _refuse_contradictions(config: JobConfig) -> None:
    if config.start_time and config.end_time and config.start_time >= config.end_time:
        raise ConfigError(
            f"start_time {utc_text(config.start_time)} is not before end_time {utc_text(config.end_time)}.",
            "Nothing lies in such a window: correct one of them or leave both out.",
        )
    if config.merges and isinstance(config.dataset_format, ParquetFormat | SparkFormat | AddedFormat):
        raise ConfigError(
            "dataset_format names no format that captures are merged in.",
            "Leave it out, or set it to csv or json for what a batch transform answered.",
        )
    source = config.dataset_source
    if isinstance(source, str) and not isinstance(config.dataset_format, SparkFormat) and not _is_known(source):
        raise ConfigError(
            f"dataset_source: {without_credentials(source)} is a URI that the analyzer does not read.",
            "Use s3://, or mount or copy the data to a folder.",
        )
    if config.engine == "local" and isinstance(config.dataset_format, SparkFormat):
        raise ConfigError(
            'ANALYZER_ENGINE is local, but dataset_format {"spark":...} names data that only Spark can read.',
            "Set ANALYZER_ENGINE to auto or spark.",
        )
    if config.record_preprocessor_script and isinstance(config.dataset_format, SparkFormat):
        raise ConfigError(
            'record_preprocessor_script is set, but scripts do not see the rows of dataset_format {"spark":...}.',
            "Do in a table or view what the script does, or give the data as CSV, JSON or Parquet.",
        )


def _refuse_idle_settings(config: JobConfig) -> None:
    """Refuse settings of ours that this kind of job would not heed."""
    if config.needs_deequ and config.merges:
        raise ConfigError(
            "ANALYZER_RULES and ANALYZER_SUGGEST_RULES are for data that is analyzed, but this job merges captures.",
            "Set them for a job of data quality.",
        )
    if config.alerts and not config.history:
        raise ConfigError(
            "ANALYZER_ALERTS needs a history, and ANALYZER_HISTORY is not set.",
            "Set ANALYZER_HISTORY to a database that outlives the job: a path, or s3://bucket/history.sqlite.",
        )
    if config.segment_columns and (config.merges or config.analysis_type != "MODEL_QUALITY"):
        raise ConfigError(
            "ANALYZER_SEGMENT_COLUMNS is for model quality, which this job does not measure.",
            "Set analysis_type to MODEL_QUALITY, or leave it out.",
        )


def _refuse_idle_model(config: JobConfig, values: _Values) -> None:
    """Refuse settings of a model in a job that asks none, and those of attribution in one that explains nothing."""
    if config.analysis is not None and config.analysis.shap is not None:
        return
    groups = [("attribution", ["ATTRIBUTIONS", "MOST_EXPLAINED", "ATTRIBUTION_THRESHOLD"])]
    if config.analysis is None:
        of_a_model = [name.removeprefix(PREFIX) for name in _BY_NAME if name.startswith(f"{PREFIX}MODEL_")]
        groups.insert(0, ("bias and attribution", of_a_model))
    for what, names in groups:
        given = [PREFIX + name for name in names if values.text(PREFIX + name) is not None]
        if given:
            raise ConfigError(
                f"{given[0]} is for {what}, which this job does not compute.",
                "Ask for it by analysis_config.json (methods.shap for attribution), or leave the setting out.",
            )


def _refuse_half_a_model(config: JobConfig) -> None:
    """Refuse a model-quality job that does not say what is predicted, or where predictions and labels stand."""
    if config.analysis_type != "MODEL_QUALITY":
        return
    if config.problem_type is None:
        raise ConfigError(
            "analysis_type is MODEL_QUALITY, but problem_type is not set.",
            f"Set problem_type to one of {', '.join(PROBLEM_TYPES)}.",
        )
    if config.needs_deequ:
        raise ConfigError(
            "Rules of Deequ judge columns, not predictions: they cannot go with analysis_type MODEL_QUALITY.",
            "Apply them in a job of data quality on the same data.",
        )
    _refuse_no_prediction(config)
    if config.ground_truth_attribute is None and not isinstance(config.dataset_format, CaptureFormat):
        raise ConfigError(
            "ground_truth_attribute is not set, so the true labels cannot be found.",
            'Name their column; only records of dataset_format {"sagemakerMergeJson":...} carry them without.',
        )


def _refuse_no_prediction(config: JobConfig) -> None:
    scores = config.problem_type == "BinaryClassification"
    if config.inference_attribute or (config.probability_attribute and scores):
        return
    wanted = "inference_attribute or probability_attribute" if scores else "inference_attribute"
    raise ConfigError(
        f"problem_type {config.problem_type} needs {wanted}, which is not set.",
        "Name the column of the predictions by name, 0-based index or JMESPath.",
    )


def _is_known(uri: str) -> bool:
    return uri.partition("://")[0].lower() in SCHEMES


# --- from text to fields ---


@dataclass(frozen=True, slots=True)
class _Values:
    """The texts of all variables that are set, stripped, and how each kind of them is read."""

    values: Mapping[str, str]
    root: Path

    def text(self, name: str) -> str | None:
        return self.values.get(name)

    def choice(self, name: str) -> str:
        setting = _BY_NAME[name]
        found = self.values.get(name, setting.default)
        for value in setting.allowed:
            if value.lower() == found.lower():
                return value
        raise _invalid(setting, found, "one of " + ", ".join(setting.allowed))

    def boolean(self, name: str) -> bool:
        return self.choice(name) == "true"

    def integer(self, name: str, default: int, least: int, most: int = 10**18) -> int:
        found = self.values.get(name)
        if found is None:
            return default
        if not re.fullmatch(r"\d{1,18}", found, re.ASCII) or not least <= int(found) <= most:
            raise _invalid(_BY_NAME[name], found, _BY_NAME[name].takes)
        return int(found)

    def fraction(self, name: str) -> float:
        setting = _BY_NAME[name]
        found = self.values.get(name, setting.default)
        try:
            number = float(found)
        except ValueError:
            number = -1.0
        if not 0 <= number <= 1:
            raise _invalid(setting, found, setting.takes)
        return number

    def location(self, name: str) -> Location | None:
        found = self.values.get(name)
        if found is None:
            return None
        return _uri(_BY_NAME[name], found) if "://" in found else _relocated(found, self.root)

    def path(self, name: str) -> Path | None:
        found = self.location(name)
        if isinstance(found, str):
            raise _invalid(_BY_NAME[name], without_credentials(found), "a path in the file system of the job, no URI")
        return found

    def paths(self, name: str) -> tuple[str, ...]:
        found = (self.values.get(name) or "").split(",")
        return tuple(str(_relocated(path.strip(), self.root)) for path in found if path.strip())

    def path_or_default(self, name: str) -> Path:
        return self.path(name) or _relocated(_BY_NAME[name].default, self.root)

    def time(self, name: str) -> datetime | None:
        found = self.values.get(name)
        return None if found is None else _parse_time(name, found)


def _invalid(setting: Setting, found: str, allowed: str) -> ConfigError:
    default = f", or leave it out ({setting.default})" if setting.default else ""
    return ConfigError(f"{setting.variable} is {found!r}.", f"Set {setting.variable} to {allowed}{default}.")


def _uri(setting: Setting, found: str) -> str:
    """Check a URI; what Spark may know how to read is passed on as it is."""
    scheme, _, rest = found.partition("://")
    shown = without_credentials(found).partition("?")[0]
    if not _is_known(found):
        if setting.variable == "dataset_source":
            return found
        raise _invalid(setting, shown, f"a {PLACE}")
    if "@" in rest.partition("/")[0] or re.search(r"\?.*\b(X-Amz-|AWSAccessKeyId=|Signature=)", rest):
        raise ConfigError(
            f"{setting.variable} is {shown!r}, a URI with credentials in it.",
            "Write s3://bucket/key, and give the credentials to the AWS clients (docs/s3.md).",
        )
    if not rest.partition("/")[0]:
        raise _invalid(setting, found, "s3://bucket/key")
    return f"{scheme.lower()}://{rest}"


def read_location(text: str, name: str = "STATE") -> Location:
    """Read a place that a command was given under a name; unlike that of a variable it is left relative.

    Raises ConfigError for a URI that cannot be read.
    """
    return _uri(Setting(name, "", (), "", PLACE), text) if "://" in text else Path(text)


def _relocated(path: str, root: Path) -> Path:
    """Turn a path of the container into one below the root; any other path stays where it is."""
    plain = os.path.normpath(path)
    if plain == CONTAINER_ROOT or plain.startswith(CONTAINER_ROOT + "/"):
        return root / plain[len(CONTAINER_ROOT) + 1 :]
    return Path(path).absolute()


def _parse_time(name: str, found: str) -> datetime:
    """Read ISO 8601 with stray blanks (`2019-11-26T16: 20: 00Z`), any offset, without seconds; no offset is UTC."""
    text = re.sub(r"\s*([-T:Z+.,])\s*", r"\1", found.upper())
    try:
        time = datetime.fromisoformat(re.sub(r"\s+", "T", text, count=1))
    except ValueError:
        raise _invalid(_BY_NAME[name], found, "an ISO 8601 time such as 2019-11-26T03:00:00Z") from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def _listed(found: str | None) -> tuple[str, ...]:
    """Split a list of columns; a name with a comma is put in double quotes."""
    if found is None:
        return ()
    import csv

    names = (name.strip() for row in csv.reader([found], skipinitialspace=True) for name in row)
    return tuple(dict.fromkeys(name for name in names if name))


def _excluded(found: str | None) -> tuple[str | int, ...]:
    """Split the list of columns: digits are 0-based indices."""
    return tuple(int(name) if re.fullmatch(r"\d+", name, re.ASCII) else name for name in _listed(found))


def _reports(values: _Values) -> tuple[str, ...]:
    """Read which reports are wanted: forms in their fixed order, or `none`."""
    name = f"{PREFIX}REPORT"
    found = values.text(name) or _BY_NAME[name].default
    forms = {form.strip().lower() for form in found.split(",")}
    if forms == {"none"}:
        return ()
    if not forms <= {*REPORTS}:
        raise _invalid(_BY_NAME[name], found, _BY_NAME[name].takes)
    return tuple(form for form in REPORTS if form in forms)


def _publishes(values: _Values) -> bool:
    """Tell whether to write metrics; left out, it is Enabled where a schedule or endpoint is named, as the service."""
    if values.text("publish_cloudwatch_metrics") is not None:
        return values.choice("publish_cloudwatch_metrics") == "Enabled"
    return any(values.text(f"sagemaker_{name}_name") for name in ("monitoring_schedule", "endpoint"))


LOCATIONS = (
    "dataset_source",
    "ground_truth_source",
    "output_path",
    "baseline_constraints",
    "baseline_statistics",
    "record_preprocessor_script",
    "post_analytics_processor_script",
)
"""Variables of a job that may be URIs as well as paths."""
_KEPT = (
    "sagemaker_endpoint_name",
    "sagemaker_monitoring_schedule_name",
    "sagemaker_endpoint_datacapture_prefix",
    "monitoring_input_type",
    "inference_attribute",
    "probability_attribute",
    "ground_truth_attribute",
    "positive_label",
    "features_attribute",
)


def _contract_fields(values: _Values) -> dict[str, Any]:
    return {
        **{name: values.text(name) for name in _KEPT},
        **{name: values.location(name) for name in LOCATIONS},
        **{name: values.path_or_default(name) for name in ("cloudwatch_metrics_directory", "output_message_file")},
        "metric_time": values.time("metric_time"),
        "dataset_format": _format_or_captures(values.text("dataset_format")),
        "publish_cloudwatch_metrics": _publishes(values),
        "categorical_drift_method": values.choice("categorical_drift_method"),
        "analysis_type": kind_of(values.text("analysis_type")),
        "problem_type": values.choice("problem_type") if values.text("problem_type") else None,
        "probability_threshold_attribute": values.fraction("probability_threshold_attribute"),
        "exclude_features_attribute": _excluded(values.text("exclude_features_attribute")),
    }


def _format_or_captures(text: str | None) -> DatasetFormat:
    """Read the format; a merge, which alone may go without, then finds it out by itself."""
    return CaptureFormat() if text is None else parse_dataset_format(text)


def _window_fields(values: _Values) -> dict[str, Any]:
    """Read the window, told by times or by how far from the schedule time it begins and ends."""
    schedule = values.time(f"{PREFIX}SCHEDULE_TIME")
    fields: dict[str, Any] = {"schedule_time": schedule}
    for name in ("start_time", "end_time"):
        offset = values.text(f"{name}_offset")
        time = values.time(name)
        if offset is not None and time is not None:
            raise ConfigError(f"{name} and {name}_offset are both set.", "Leave one of them out: each says it all.")
        fields |= {name: time if offset is None else _shifted(f"{name}_offset", offset, schedule)}
        fields |= {f"{name}_offset": offset}
    return fields


def _shifted(name: str, offset: str, schedule: datetime | None) -> datetime:
    import isodate

    schedule = schedule or datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    try:
        return cast("datetime", schedule + isodate.parse_duration(offset.upper()))
    except (ValueError, OverflowError):
        raise _invalid(_BY_NAME[name], offset, "an ISO 8601 duration such as -P3D, -P1DT12H or -PT6H") from None


def _own_fields(values: _Values) -> dict[str, Any]:
    choices = ("ENGINE", "COMPATIBILITY", "SURPLUS_FIELDS", "EMPTY_INPUT", "METRICS_WITHOUT_SCHEDULE", "LOG_LEVEL")
    return {
        "root": values.root,
        **{name.lower(): values.choice(PREFIX + name) for name in choices},
        **{
            name.lower(): values.boolean(PREFIX + name)
            for name in ("STRICT_CAPTURE", "EVIDENCE", "INSTALL_REQUIREMENTS", "SUGGEST_RULES")
        },
        "least_labelled": values.fraction(f"{PREFIX}LEAST_LABELLED"),
        "rules": values.location(f"{PREFIX}RULES"),
        "deequ_jar": values.paths(f"{PREFIX}DEEQU_JAR"),
        "cores": values.integer(f"{PREFIX}CORES", usable_cores(), 1),
        "spark_threshold": values.integer(f"{PREFIX}SPARK_THRESHOLD", SPARK_THRESHOLD, 0),
        "segment_columns": _listed(values.text(f"{PREFIX}SEGMENT_COLUMNS")),
        **_model_fields(values),
        "history": values.location(f"{PREFIX}HISTORY"),
        "alerts": values.location(f"{PREFIX}ALERTS"),
        "metrics_targets": _pairs(values, f"{PREFIX}METRICS_TARGETS", _METRICS_TARGET),
        "metrics_headers": _pairs(values, f"{PREFIX}METRICS_HEADERS", _HEADER),
        "preprocess_seed": values.integer(f"{PREFIX}PREPROCESS_SEED", 0, 0),
        "cluster_timeout": values.integer(f"{PREFIX}CLUSTER_TIMEOUT", CLUSTER_TIMEOUT, 1),
        "cluster_port": values.integer(f"{PREFIX}CLUSTER_PORT", CLUSTER_PORT, 1, 65535),
        "cluster_secret": values.text(f"{PREFIX}CLUSTER_SECRET"),
        "report": _reports(values),
    }


def _model_fields(values: _Values) -> dict[str, Any]:
    """Read where the model is and how it is asked; None where analysis_config.json is to say it."""

    def told(name: str, least: int) -> int | None:
        return values.integer(PREFIX + name, least, least) if values.text(PREFIX + name) else None

    threshold = f"{PREFIX}ATTRIBUTION_THRESHOLD"
    return {
        "model_script": values.location(f"{PREFIX}MODEL_SCRIPT"),
        "model_dir": values.location(f"{PREFIX}MODEL_DIR"),
        "model_url": values.text(f"{PREFIX}MODEL_URL"),
        "attributions": values.text(f"{PREFIX}ATTRIBUTIONS"),
        "model_timeout": told("MODEL_TIMEOUT", 1),
        "model_retries": told("MODEL_RETRIES", 0),
        "model_batch_rows": values.integer(f"{PREFIX}MODEL_BATCH_ROWS", MODEL_BATCH_ROWS, 1),
        "most_explained": told("MOST_EXPLAINED", 1),
        "attribution_threshold": values.fraction(threshold) if values.text(threshold) else None,
    }


_METRICS_TARGET = re.compile(r"prometheus=.+|(otlp|webhook)=https?://[^/\s]\S*", re.IGNORECASE)
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+=[^\r\n]*")


def _pairs(values: _Values, name: str, allowed: re.Pattern[str]) -> tuple[str, ...]:
    """Read a list of name=value; what is wrong is told without the values, which may be secret."""
    found = _listed(values.text(name))
    for each in found:
        if not allowed.fullmatch(each):
            raise _invalid(_BY_NAME[name], f"{each.partition('=')[0]}=...", _BY_NAME[name].takes)
    return found


def without_credentials(text: str) -> str:
    """Mask `user:password@` and the query of a URI, where passwords and signatures travel."""
    return re.sub(r"(://[^?\s]*\?)\S+", rf"\1{MASK}", re.sub(r"(://)[^/@\s]*@", rf"\1{MASK}@", text))
