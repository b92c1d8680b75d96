"""What a person asks for, data and baseline wherever they are, to a job's configuration, and its files to a result."""

from __future__ import annotations

import csv
import io
import json
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from analyzer.config import JobConfig, Location, read_command, read_location, variable_of
from analyzer.dataset_formats import format_document
from analyzer.errors import BaselineError, ConfigError, InputError
from analyzer.find_analysis import kind_of
from analyzer.results import FilesBelow, Kind, Result
from analyzer.write import ANALYSIS_FILE, CONSTRAINTS_FILE, STATISTICS_FILE

Place = str | Path
Data = Any
"""A path, an s3:// URI, or a data frame: of pandas, of Polars, or anything that Arrow takes."""
PROBLEMS: Final[Mapping[str, str]] = {
    "binary": "BinaryClassification",
    "multiclass": "MulticlassClassification",
    "regression": "Regression",
}
KINDS: Final[Mapping[str, Kind]] = {
    "MODEL_QUALITY": "model_quality",
    "MODEL_BIAS": "analysis",
    "MODEL_EXPLAINABILITY": "analysis",
}
WANTED: Final[Mapping[Kind, Mapping[str, str]]] = {
    "data_quality": {"baseline_constraints": CONSTRAINTS_FILE, "baseline_statistics": STATISTICS_FILE},
    "model_quality": {"baseline_constraints": CONSTRAINTS_FILE},
    "analysis": {"baseline_constraints": ANALYSIS_FILE},
}
"""Variables that name a baseline, and the files of one that each kind of monitoring compares with."""
QUIRKS: Final = "analyzer.quirks"
NO_DATA: Final = '{"csv":{"header":true}}'
"""The format of nothing: the job says whether there may be nothing."""
FRAME: Final = "a data frame"
QUIET: Final = {"ANALYZER_LOG_LEVEL": "WARNING"}
"""What holds for people unless settings or the environment say otherwise."""
LARGEST_WHOLE: Final = 2**53
"""Up to here doubles are exact."""


def _silent(_step: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Task:
    """What is to be done with which data; `say` is told each step."""

    command: str
    data: Data
    output: Place | None = None
    dataset_format: Any = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    baseline: Result | Place | None = None
    say: Callable[[str], None] = _silent
    analysis: Mapping[str, Any] | None = None
    """What analysis_config.json is to say, where no file of that kind is named."""
    names_quirks: bool = False

    @property
    def kind(self) -> Kind:
        """Say which kind of monitoring it is, as reports call it."""
        return KINDS.get(kind_of(self.settings.get("analysis_type")), "data_quality")


def perform(task: Task) -> Result:
    """Run the job of a task and give what it wrote.

    Raises AnalyzerError.
    """
    from analyzer.job import run

    with described(task) as config, _quirks(named=task.names_quirks):
        run(config)
        files: Mapping[str, bytes] = FilesBelow(str(config.output_path), _reports_in(config.output_path))
        if task.output is None:
            files = dict(files)
        against = _compared_with(config)
    folder = None if task.output is None else str(config.output_path)
    shown = None if task.baseline is None else _shown(task.baseline)
    return Result(task.command, _shown(task.data), files, folder, shown, task.kind, against)


@contextmanager
def _quirks(*, named: bool) -> Iterator[None]:
    """Keep the flaws of the original out of the log: a result counts them, and profile.json has all."""
    logger = logging.getLogger(QUIRKS)
    level = logger.level
    logger.setLevel(level if named else logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _compared_with(config: JobConfig) -> Mapping[str, bytes]:
    """Read what figures were compared with; constraints and analyses are small."""
    from analyzer.stores import read_whole

    place = config.baseline_constraints
    name = ANALYSIS_FILE if config.analysis else CONSTRAINTS_FILE
    return {} if place is None else {name: read_whole(place)}


@contextmanager
def described(task: Task) -> Iterator[JobConfig]:
    """Make the configuration of a task; data frames, and files without a folder, lie in temporary folders meanwhile.

    Raises AnalyzerError.
    """
    from analyzer.stores import read_whole

    with ExitStack() as stack:
        given: dict[str, Any] = {"dataset_source": task.data, "output_path": task.output}
        given |= stack.enter_context(_baseline(task.baseline, WANTED[task.kind]))
        given |= stack.enter_context(_written_analysis(task.analysis))
        _refuse_told_twice(task, given)
        told = {"output_path": task.output or stack.enter_context(_scratch()), **task.settings}
        told |= {variable: value for variable, value in given.items() if value is not None}
        if _is_place(task.data):
            told["dataset_source"] = _home(task.data)
            told["dataset_format"] = format_text(task, told.get("baseline_constraints"))
        else:
            told["dataset_source"] = stack.enter_context(_written_frame(task.data))
            told["dataset_format"] = '{"parquet":{}}'
        yield read_command(texts_of(told), defaults=QUIET, read=read_whole)


def _refuse_told_twice(task: Task, given: Mapping[str, Any]) -> None:
    """Refuse settings that would be overruled by what the task says itself, by variable, or by a data frame."""
    settings = {variable_of(name): name for name, value in task.settings.items() if value is not None}
    twice = [settings[variable] for variable, value in given.items() if value is not None and variable in settings]
    if twice:
        raise ConfigError(
            f"{twice[0]} is given as a setting, and told already by another argument.",
            "Leave the setting out: data, output, baseline and what is asked of them have arguments of their own.",
        )
    if task.dataset_format is not None and not _is_place(task.data):
        raise ConfigError(
            "dataset_format is given with a data frame, which needs none.", "Leave it out: a frame keeps its own types."
        )


def format_text(task: Task, constraints: Any) -> str:
    """Give the format of a task's data as dataset_format: the one that was named, or the one that is found out.

    Raises InputError where it cannot be found out, ConfigError where the one that was named makes no sense.
    """
    from analyzer.find_format import find_format, named_format
    from analyzer.read import list_files

    if task.dataset_format is not None:
        named = task.dataset_format
        return json.dumps(format_document(named_format(named if isinstance(named, str) else json.dumps(named))))
    files = list_files(read_location(_home(task.data), "DATA"))
    if not files:
        return NO_DATA
    found = find_format(files, _names_in(constraints))
    task.say(f"{_shown(task.data)} is read as {found.name}" + (f" (in doubt: {found.doubt})" if found.doubt else ""))
    return json.dumps(format_document(found.dataset_format))


def _names_in(constraints: Any) -> frozenset[str]:
    """Give the names of the baseline's columns; what is wrong with the file is said where it is used."""
    from analyzer.stores import read_whole

    try:
        found = json.loads(read_whole(read_location(str(constraints)))) if constraints else {}
        return frozenset(str(feature["name"]) for feature in found.get("features", ()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return frozenset()


def texts_of(settings: Mapping[str, Any]) -> dict[str, str]:
    """Write the values of settings as variables have them; None is left out."""
    return {name: _text_of(value) for name, value in settings.items() if value is not None}


def _text_of(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple | set | frozenset):
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(value)
        return line.getvalue()
    return json.dumps(value) if isinstance(value, dict) else str(value)


# --- places -----------------------------------------------------------------------------------------------------------


def _is_place(data: Data) -> bool:
    return isinstance(data, str | Path)


def _home(place: Place) -> str:
    text = str(place)
    return str(Path(text).expanduser()) if text.startswith("~") else text


def _shown(data: Data) -> str:
    if isinstance(data, Result):
        return data.folder or data.source
    return str(data) if _is_place(data) else FRAME


@contextmanager
def _scratch() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="analyzer-result-") as folder:
        yield folder


def _reports_in(folder: Location) -> list[str]:
    """List the files in a folder that a run writes there."""
    from analyzer import write

    named = {getattr(write, each) for each in dir(write) if each.endswith("_FILE")} | {*write.REPORT_FILES.values()}
    return sorted(named & set(write.files_below(folder)))


@contextmanager
def _written_analysis(analysis: Mapping[str, Any] | None) -> Iterator[dict[str, str]]:
    """Write an analysis_config.json and give the variable that names it."""
    if analysis is None:
        yield {}
        return
    with _scratch() as folder:
        path = Path(folder, "analysis_config.json")
        path.write_text(json.dumps(analysis), encoding="utf-8")
        yield {"ANALYZER_ANALYSIS_CONFIG": str(path)}


def below(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"


@contextmanager
def _baseline(given: Result | Place | None, wanted: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Give the variables that name a baseline's files."""
    if not isinstance(given, Result):
        yield {} if given is None else baseline_places(_home(given), wanted)
        return
    with _scratch() as folder:
        given.save(folder)
        yield {variable: below(folder, name) for variable, name in wanted.items() if name in given.files}


def baseline_places(folder: str, wanted: Mapping[str, str]) -> dict[str, Any]:
    """Find the files of a baseline in a folder or below it; a file is taken for the constraints.

    Raises BaselineError where there is none.
    """
    from analyzer.read import list_files

    try:
        paths = [file.path for file in list_files(read_location(folder, "baseline"), "baseline")]
    except InputError as error:
        raise BaselineError(error.message, "Name the folder that `analyzer baseline` wrote.") from error
    if paths == [folder] or paths == [str(Path(folder))]:
        return {"baseline_constraints": folder}
    paths.sort(key=lambda path: path.count("/"))
    found = {
        variable: next((path for path in paths if path.rpartition("/")[2] == name), None)
        for variable, name in wanted.items()
    }
    if found["baseline_constraints"] is None:
        name = wanted["baseline_constraints"]
        raise BaselineError(f"There is no {name} in {folder}.", "Name the folder that a run of this kind wrote.")
    return found


# --- data frames ------------------------------------------------------------------------------------------------------


@contextmanager
def _written_frame(frame: Data) -> Iterator[str]:
    """Write a data frame as Parquet, which keeps its types."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with _scratch() as folder:
        try:
            table = _table_of(frame)
            _refuse_repeated(table.column_names)
            pq.write_table(table, f"{folder}/frame.parquet")
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise InputError(
                f"The data frame cannot be written as Parquet: {' '.join(str(error).split())}.",
                "Give every column one type: numbers, texts, booleans or times.",
            ) from error
        yield folder


def _table_of(frame: Data) -> Any:
    import pyarrow as pa

    kind = type(frame).__module__.partition(".")[0]
    if kind == "pandas":
        return pa.Table.from_pandas(_with_whole_numbers(frame), preserve_index=False)
    if kind == "polars":
        return (frame.collect() if hasattr(frame, "collect") else frame).to_arrow()
    if isinstance(frame, pa.Table):
        return frame
    if hasattr(frame, "__arrow_c_stream__") or isinstance(frame, pa.RecordBatch | Mapping):
        return pa.table(frame)
    raise ConfigError(
        f"{type(frame).__name__} is no data that can be read.",
        "Give a path, an s3:// URI, or a data frame of pandas, Polars or Arrow.",
    )


def _with_whole_numbers(frame: Any) -> Any:
    """Take back that pandas makes fractions of whole numbers where a value is missing: that is no other type."""
    whole = {
        name: frame[name].astype("Int64")
        for name, kind in zip(frame.columns, frame.dtypes, strict=True)
        if frame.columns.is_unique and str(kind) in {"float32", "float64"} and _is_whole(frame[name])
    }
    return frame.assign(**whole) if whole else frame


def _is_whole(column: Any) -> bool:
    there = column.dropna()
    return 0 < len(there) < len(column) and bool(((there % 1 == 0) & (there.abs() < LARGEST_WHOLE)).all())


def _refuse_repeated(names: Sequence[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(
            f"The data frame has several columns of the name {repeated[0]!r}.", "Give each a name of its own."
        )
