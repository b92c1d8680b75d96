"""The user's scripts: importing them, calling handlers, reading what a record handler returns, naming what failed.

A script is trusted code of the job's owner and runs in the process that reads the data. Nothing here reads stdout, so
a script may print.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import inspect
import logging
import os
import re
import sys
import traceback
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import cache, lru_cache, partial
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, Literal

from analyzer.errors import ScriptError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import CodeType, ModuleType

log = logging.getLogger(__name__)

PREPROCESS_HANDLER: Final = "preprocess_handler"
POSTPROCESS_HANDLER: Final = "postprocess_handler"
PREDICT_HANDLER: Final = "predict"
VARIABLE_OF_MODEL: Final = "ANALYZER_MODEL_SCRIPT"
PREPROCESS_LOGGER: Final = "preprocess"
"""Name of the logger that two-argument handlers get."""

_VARIABLES: Final = {
    PREPROCESS_HANDLER: "record_preprocessor_script",
    POSTPROCESS_HANDLER: "post_analytics_processor_script",
    PREDICT_HANDLER: VARIABLE_OF_MODEL,
}
_SIGNATURES: Final = {
    PREPROCESS_HANDLER: "preprocess_handler(inference_record) or preprocess_handler(inference_record, logger)",
    POSTPROCESS_HANDLER: "postprocess_handler()",
    PREDICT_HANDLER: "predict(df), or predict(df, model) beside load(model_dir)",
}
_LONGEST_ERROR_TEXT: Final = 300  # the whole exit message has 1 KB
_OUR_CODE: Final = str(Path(__file__).parent) + os.sep


# --- what a handler may say about a record ----------------------------------------------------------------------------


class Unchanged(Enum):
    """Type of UNCHANGED."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED
"""The handler returned the record it was given: the record as it now is, assignments included, is flattened as without
a script. For a CapturedData that is `record.as_dict()`, for a JSON dict the very object that was handed over."""


@dataclass(frozen=True, slots=True)
class CsvLine:
    """The handler returned text: one line of CSV in place of the record."""

    text: str


# --- loading ----------------------------------------------------------------------------------------------------------


class _SourceLoader(importlib.machinery.SourceFileLoader):
    """Compiles the source each time: a mounted folder gets no __pycache__ and an edited script no stale one."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 (the import system passes it)
        return self.source_to_code(self.get_data(self.path), self.path)


def load_handler(path: Path, name: str) -> Callable[..., Any]:
    """Import the script at `path` under a module name of its own and give its function `name`.

    The script's folder is the first place to import from while the script is imported, as for any Python script, and
    the last one afterwards, so that a file beside it that is called like a library cannot break the job.
    Raises ScriptError when the file is missing, does not import (traceback in the log, line and error in the message),
    lacks the function, or when the function takes another number of arguments than the job passes.
    """
    variable = _VARIABLES.get(name, "the script")
    if not path.is_file():
        raise ScriptError(f"{variable}: there is no file {path}.", _missing_file_hint(path))
    module = _import(path, name, variable)
    handler: Callable[..., Any] | None = getattr(module, name, None)
    if not callable(handler):
        raise ScriptError(_lacking(module, path, name, variable), f"Define {_SIGNATURES.get(name, name)}.")
    _check_arity(handler, path, name, variable)
    return handler


def _missing_file_hint(path: Path) -> str:
    if path.is_dir():
        return "It is a folder; name the .py file in it."
    if path.parent.is_dir():
        beside = sorted(entry.name for entry in path.parent.glob("*.py"))
        return f"The folder has {', '.join(beside[:10]) or 'no .py file'}."
    return f"The folder {path.parent} does not exist either; check the mount."


def _import(path: Path, name: str, variable: str) -> ModuleType:
    location = _source_name(path)
    module_name = re.sub(r"\W", "_", f"user_{name}_{path.stem}")
    loader = _SourceLoader(module_name, location)
    spec = importlib.util.spec_from_file_location(module_name, location, loader=loader)
    assert spec is not None  # a loader was given
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses and pickle look a class's module up there
    with _import_from(str(Path(location).parent)):
        try:
            loader.exec_module(module)
        except (Exception, SystemExit) as error:
            sys.modules.pop(module_name, None)
            raise _import_error(path, error, variable) from error
    return module


@contextmanager
def _import_from(folder: str) -> Iterator[None]:
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        with suppress(ValueError):  # the script may have tidied it away
            sys.path.remove(folder)
        if folder not in sys.path:
            sys.path.append(folder)


def _import_error(path: Path, error: BaseException, variable: str) -> ScriptError:
    log.error("%s %s does not import:\n%s", variable, path, _user_traceback(error))
    hint = "The traceback is in the log."
    if isinstance(error, ModuleNotFoundError):
        hint = f"Install {error.name!r} into the image or with pip at the top of the script. " + hint
    return ScriptError(f"{variable} {path.name} does not import: {_short(path, error)}", hint)


def _lacking(module: ModuleType, path: Path, name: str, variable: str) -> str:
    own = [
        label
        for label, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
    ]
    found = f"it defines {', '.join(own[:20])}" if own else "it defines no function"
    return f"{variable} {path.name} lacks {name}; {found}."


def _source_name(path: Path) -> str:
    """Name the file as tracebacks of its code do."""
    return str(path.absolute())


# --- calling ----------------------------------------------------------------------------------------------------------


def preprocess_caller(path: Path) -> Callable[[Any], Any]:
    """Load the record script at `path` and give a function of one record, however many arguments its handler takes.

    A process imports a script once and keeps it, module globals included, until the file or the environment changes.
    A handler with a parameter `logger`, or with two required parameters, also gets the logger "preprocess".
    Raises ScriptError as `load_handler` does. What the handler raises reaches the caller as it is (SystemExit too).
    """
    if not path.is_file():
        load_handler(path, PREPROCESS_HANDLER)  # raises: there is no file to look at
    state = path.stat()
    return _loaded_caller(path, (state.st_mtime_ns, state.st_size), frozenset(os.environ.items()))


@lru_cache(maxsize=8)
def _loaded_caller(
    path: Path, _version: tuple[int, int], _environment: frozenset[tuple[str, str]]
) -> Callable[[Any], Any]:
    return with_logger(load_handler(path, PREPROCESS_HANDLER))


def with_logger(handler: Callable[..., Any]) -> Callable[[Any], Any]:
    """Bind the logger when the handler asks for one; a handler of the record alone is returned as it is."""
    style = _call_style(handler)
    if style == "keyword":
        return partial(handler, logger=_preprocess_logger())
    if style == "second":
        logger = _preprocess_logger()
        return lambda record: handler(record, logger)
    return handler


def _call_style(handler: Callable[..., Any]) -> Literal["keyword", "record", "second"] | None:
    """Tell how to call a record handler; None: it takes neither a record nor a record and a logger.

    A second parameter with a default is only filled when it is called `logger`: others are the script's own settings.
    """
    signature = _signature(handler)
    if signature is None:
        return "record"
    if "logger" in list(signature.parameters)[1:] and _binds(signature, "record", logger="logger"):
        return "keyword"
    if _binds(signature, "record"):
        return "record"
    return "second" if _binds(signature, "record", "logger") else None


def _signature(handler: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(handler)
    except (TypeError, ValueError):  # some functions of extension modules tell nothing
        return None


def _binds(signature: inspect.Signature, *arguments: str, **named: str) -> bool:
    try:
        signature.bind(*arguments, **named)
    except TypeError:
        return False
    return True


def _check_arity(handler: Callable[..., Any], path: Path, name: str, variable: str) -> None:
    if name not in _SIGNATURES or _fits(handler, name):
        return
    raise ScriptError(
        f"{variable} {path.name}: {name}{_signature(handler)} cannot be called with the arguments of the job.",
        f"Define {_SIGNATURES[name]}.",
    )


def _fits(handler: Callable[..., Any], name: str) -> bool:
    if name == PREPROCESS_HANDLER:
        return _call_style(handler) is not None
    signature = _signature(handler)
    if name == PREDICT_HANDLER:
        return signature is None or _binds(signature, "df") or _binds(signature, "df", "model")
    return signature is None or _binds(signature)


def required_arguments(handler: Callable[..., Any]) -> int:
    """Count the arguments that a function has to be given, by position: 0, 1 or 2; 1 where it does not tell."""
    signature = _signature(handler)
    if signature is None:
        return 1
    return next((count for count in (0, 1, 2) if _binds(signature, *("_",) * count)), 1)


def _preprocess_logger() -> logging.Logger:
    """Give the scripts' logger; its lines reach the job log from worker processes too, where nothing set logging up."""
    logger = logging.getLogger(PREPROCESS_LOGGER)
    if not logger.hasHandlers():
        handler = logging.StreamHandler()  # standard error, which workers share with the job
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger.addHandler(handler)
    if logger.getEffectiveLevel() > logging.INFO:
        logger.setLevel(logging.INFO)
    return logger


# --- failing ----------------------------------------------------------------------------------------------------------


def script_error(
    path: Path, error: BaseException, place: str = "", variable: str = "record_preprocessor_script"
) -> ScriptError:
    """Turn what a handler raised into the job's error: the user's traceback to the log, a short form in the message.

    `place` says which record it was ("record 17 of file a/b.jsonl"). A ScriptError (a handler's return value that
    makes no sense) keeps its text and cure and gains script and place.
    """
    where = f" ({place})" if place else ""
    if isinstance(error, ScriptError):
        return ScriptError(f"{variable} {path.name}: {error.message.rstrip('.')}{where}.", error.hint)
    log.error("%s %s failed%s:\n%s", variable, path, where, _user_traceback(error))
    return ScriptError(f"{variable} {path.name} {_short(path, error)}{where}.", _failure_hint(error))


def _failure_hint(error: BaseException) -> str:
    if isinstance(error, AttributeError) and "'NoneType' object has no attribute 'data'" in str(error):
        return "A record lacks the half (input or output) that was not captured: test for None. Traceback in the log."
    return "The traceback is in the log; a handler may return [] to drop a record that it cannot use."


def _short(path: Path, error: BaseException) -> str:
    """Write `line 12: KeyError: 'x'`: the last line of the user's own file on the way to the error, on one line."""
    line = _line_in(path, error)
    text = " ".join(str(_said(error)).split())
    if len(text) > _LONGEST_ERROR_TEXT:
        text = text[:_LONGEST_ERROR_TEXT] + "..."
    place = f"line {line}: " if line else ""
    return f"{place}{type(error).__name__}" + (f": {text}" if text else "")


def _said(error: BaseException) -> object:
    return error.msg if isinstance(error, SyntaxError) else error


def _line_in(path: Path, error: BaseException) -> int | None:
    name = _source_name(path)
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == name]
    if isinstance(error, SyntaxError) and error.filename == name:
        return error.lineno
    return lines[-1] if lines else None


def _user_traceback(error: BaseException) -> str:
    shown: traceback.TracebackException | None = traceback.TracebackException.from_exception(error)
    assert shown is not None
    _trim(shown)
    return "".join(shown.format()).rstrip()


def _trim(shown: traceback.TracebackException) -> None:
    """Leave out our frames and the import system's, in the errors behind the error as well."""
    shown.stack[:] = [frame for frame in shown.stack if not _is_ours(frame.filename)]
    for behind in (shown.__cause__, shown.__context__):
        if behind is not None:
            _trim(behind)


def _is_ours(filename: str) -> bool:
    return filename.startswith((_OUR_CODE, "<frozen importlib"))


# --- reading what a handler returned ----------------------------------------------------------------------------------

_PLAIN: Final = frozenset({str, int, float, bool, NoneType})
_TEXT_KEYS: Final = frozenset({str})


def row_dicts(result: Any, record: Any) -> list[Mapping[str, Any]] | Unchanged | CsvLine:
    """Read a handler's return value: rows with text keys and values of str, int, float, bool or None.

    A flat dict is one row, a list of them several; [] and None are no row (the caller, who holds `result`, can count
    the two apart); the record itself is UNCHANGED; other text is a CsvLine. Keys become text. Decimals, dates and times
    become text, NumPy scalars the number they hold, the missing values of NumPy and pandas None.
    Raises ScriptError that names the type or the key for anything else; `script_error` adds script and record.
    """
    if result is record:
        return UNCHANGED
    if type(result) is dict:
        return [_row(result)]
    if isinstance(result, list):
        return _rows(result, record)
    return _unusual(result)


def _rows(result: list[Any], record: Any) -> list[Mapping[str, Any]] | Unchanged:
    if len(result) == 1 and result[0] is record:
        return UNCHANGED
    for place, row in enumerate(result, start=1):
        if not isinstance(row, Mapping):
            raise ScriptError(f"the handler returned a list whose item {place} is {_a(row)}.", _RETURN_HINT)
    return [_row(row) for row in result]


def _unusual(result: Any) -> list[Mapping[str, Any]] | CsvLine:
    if result is None:
        return []
    if isinstance(result, Mapping):
        return [_row(result)]
    if isinstance(result, str):
        return CsvLine(result)
    raise ScriptError(f"the handler returned {_a(result)}.", _RETURN_HINT)


_RETURN_HINT: Final = (
    "Return a flat dict (one row), a list of flat dicts (several rows), [] (no row) or the record itself (unchanged)."
)


def _row(row: Mapping[Any, Any]) -> Mapping[str, Any]:
    if not _TEXT_KEYS.issuperset(map(type, row)):
        row = _with_text_keys(row)
    if _PLAIN.issuperset(map(type, row.values())):
        return row
    return {key: value if type(value) in _PLAIN else _plain(key, value) for key, value in row.items()}


def _with_text_keys(row: Mapping[Any, Any]) -> dict[str, Any]:
    named = {str(key): value for key, value in row.items()}
    if len(named) == len(row):
        return named
    keys = [str(key) for key in row]
    twice = next(key for key in keys if keys.count(key) > 1)
    raise ScriptError(f"the handler returned a dict with two keys that both read {twice!r}.", "Give each its own name.")


def _plain(key: str, value: Any) -> str | float | bool | None:
    """Bring a value that is none of the plain types to one of them."""
    if _is_missing(value):
        return None
    for kind, to_plain in _CONVERSIONS:
        if isinstance(value, kind):
            return to_plain(value)
    if getattr(value, "shape", None) == ():
        return _plain_scalar(key, value)
    if isinstance(value, Mapping | list | tuple | set | frozenset) or hasattr(value, "shape"):
        raise ScriptError(f"the handler returned {_a(value)} under the key {key!r}.", _FLATTEN_HINT)
    raise ScriptError(f"the handler returned {_a(value)} under the key {key!r}.", _VALUE_HINT)


_FLATTEN_HINT: Final = (
    "Flatten it: one key for each number or text in it. preprocessors/explode_json.py and flatten_array_outputs.py do."
)
_VALUE_HINT: Final = "Values may be text, numbers, booleans, decimals, dates, NumPy scalars or None."


def _decimal_text(value: Decimal) -> str:
    return format(value, "f") if value.is_finite() else str(float(value))


# in this order: a datetime is a date, a bool is an int, numpy.float64 is a float
_CONVERSIONS: Final[tuple[tuple[type, Callable[[Any], str | float | bool]], ...]] = (
    (Enum, lambda value: value.value if type(value.value) in _PLAIN else str(value)),
    (str, str),
    (int, int),
    (float, float),
    (Decimal, _decimal_text),
    (datetime, datetime.isoformat),
    (date, date.isoformat),
    (time, time.isoformat),
)


def _is_missing(value: Any) -> bool:
    """Tell the missing values of pandas (NA, NaT) and NumPy (NaT) without importing either."""
    return type(value).__name__ in {"NAType", "NaTType"} or (_is_numpy_time(value) and str(value) == "NaT")


def _is_numpy_time(value: Any) -> bool:
    return type(value).__name__ in {"datetime64", "timedelta64"}


def _plain_scalar(key: str, value: Any) -> str | float | bool | None:
    if _is_numpy_time(value):
        return str(value)
    held = value.item()
    if type(held) is type(value):  # numpy.longdouble holds itself
        return float(value)
    return held if type(held) in _PLAIN else _plain(key, held)


def _a(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def text_of(value: str | float | bool | None) -> str | None:
    """Write a plain value as a CSV field has it, so that types are inferred alike; None, a missing value, stays None.

    Booleans are `true` and `false`, doubles Java's shortest form (`1.0`, `1.0E7`), NaN is `NaN`. Text comes back as it
    is, but for halves of surrogate pairs, which no file can hold: they become U+FFFD.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return value if value.isascii() else _encodable(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else str(_java_double()(value))


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


@cache
def _java_double() -> Callable[[float], str]:
    from analyzer.jsonlayout import java_double

    return java_double


def ordered_keys(keys: Iterable[str]) -> list[str]:
    """Put the keys of returned rows in the order of columns: lexicographic by character, "10" before "2"."""
    return sorted(keys)
