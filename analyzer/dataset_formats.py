"""dataset_format, the variable that says how the data is written: its forms, and reading and writing them as JSON."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

from analyzer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Position = Literal["START", "END"]


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """CSV files; the position says where a model's outputs stand among the columns."""

    header: bool = True
    output_columns_position: Position = "START"


@dataclass(frozen=True, slots=True)
class JsonFormat:
    """JSON files: one object a line, or one document a file."""

    lines: bool = True


@dataclass(frozen=True, slots=True)
class ParquetFormat:
    """Parquet files."""


@dataclass(frozen=True, slots=True)
class CaptureFormat:
    """Captured traffic, JSON Lines; `merged` with ground truth, whose original format may be named."""

    index_names: tuple[str, ...] = ("endpointInput", "endpointOutput")
    output_columns_position: Position = "START"
    merged: bool = False
    original: CsvFormat | JsonFormat | ParquetFormat | None = None


@dataclass(frozen=True, slots=True)
class SparkFormat:
    """What only Spark reads: files of a `format` with its options, or a `table`; exactly one of the two is set."""

    format: str | None = None
    table: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AddedFormat:
    """A format that an installed package reads, by the name of its reader, with whatever options that takes."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


DatasetFormat = CsvFormat | JsonFormat | ParquetFormat | CaptureFormat | SparkFormat | AddedFormat

EXAMPLES = (
    '{"csv":{"header":true,"output_columns_position":"START"}}',
    '{"json":{"lines":true}}',
    '{"parquet":{}}',
    '{"sagemakerCaptureJson":{"captureIndexNames":["endpointInput","endpointOutput"]}}',
    '{"sagemakerMergeJson":{"captureIndexNames":["endpointOutput"]}}',
    '{"spark":{"format":"orc","options":{}}}',
    '{"spark":{"table":"db.t"}}',
)
"""One example of every accepted form of dataset_format."""


def parse_dataset_format(text: str) -> DatasetFormat:
    """Read dataset_format in any of its forms; keys in any case, booleans also as text.

    Raises ConfigError with the position, what was found, and an example of every accepted form.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _malformed(text, error) from None
    return _format_of(document)


def _format_of(document: Any) -> DatasetFormat:
    if not isinstance(document, dict):
        raise _bad_format(f"is {_excerpt(document)}, not an object")
    if len(document) != 1:
        raise _bad_format(f"must have exactly one key, but has {len(document)}: {_excerpt(', '.join(document))}")
    ((key, options),) = document.items()
    form = _FORMS.get(key.lower())
    if form is None:
        return _added(key, options)
    return form(_Options.of(key, options))


def _added(key: str, options: Any) -> AddedFormat:
    """Take the key for the name of a reader that an installed package adds, in exactly its spelling."""
    from analyzer.plugins import READERS, names

    known = names(READERS)
    if key not in known:
        added = f" (installed packages add {', '.join(known)})" if known else ""
        raise _bad_format(f"has the unknown key {_excerpt(key)}{added}")
    if not isinstance(options, dict | None):
        raise _bad_format(f"has {_excerpt(options)} for {key!r} where an object of options belongs")
    return AddedFormat(key, options or {})


def _malformed(text: str, error: ValueError) -> ConfigError:
    position = getattr(error, "pos", 0)
    found = text[position : position + 20]
    reason = getattr(error, "msg", str(error))
    problem = f"at position {position}: {reason}, found {found!r}" if found else f"it ends at position {position}"
    cause = ""
    if re.search("[\u201c\u201d\u201e\u2018\u2019]", text) or found.startswith("'"):
        cause = ' (quotes must be the plain ")'
    elif not found:
        cause = " before its braces and brackets are closed"
    return _bad_format(f"is not valid JSON: {problem}{cause}")


def _bad_format(problem: str) -> ConfigError:
    return ConfigError(f"dataset_format {problem}.", "Accepted: " + " or ".join(EXAMPLES) + ".")


def _excerpt(found: object) -> str:
    text = json.dumps(found, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


@dataclass(frozen=True, slots=True)
class _Options:
    """The options inside a form of dataset_format; `given` is keyed without case and underscores."""

    form: str
    given: Mapping[str, Any]

    @classmethod
    def of(cls, form: str, options: Any) -> _Options:
        if not isinstance(options, dict | None):
            raise _bad_format(f"has {_excerpt(options)} for {form!r} where an object of options belongs")
        return cls(form, {_plain(name): value for name, value in (options or {}).items()})

    def known(self, *names: str) -> None:
        surplus = [name for name in self.given if name not in map(_plain, names)]
        if surplus:
            expected = f"it has {', '.join(names)}" if names else "it has none"
            raise _bad_format(f"has the unknown option {_excerpt(surplus[0])} for {self.form!r} ({expected})")

    def get(self, name: str) -> Any:
        return self.given.get(_plain(name))

    def wrong(self, name: str, expected: str) -> ConfigError:
        return _bad_format(f"has {_excerpt(self.get(name))} for {name!r} of {self.form!r}, which must be {expected}")

    def boolean(self, name: str, default: bool) -> bool:
        found = self.get(name)
        if found is None:
            return default
        if isinstance(found, str) and found.strip().lower() in {"true", "false"}:
            return found.strip().lower() == "true"
        if not isinstance(found, bool):
            raise self.wrong(name, "true or false")
        return found

    def position(self) -> Position:
        found = self.get("output_columns_position")
        if found is None:
            return "START"
        if not isinstance(found, str) or found.strip().upper() not in {"START", "END"}:
            raise self.wrong("output_columns_position", '"START" or "END"')
        return cast("Position", found.strip().upper())

    def text(self, name: str) -> str | None:
        found = self.get(name)
        if found is not None and (not isinstance(found, str) or not found.strip()):
            raise self.wrong(name, "a text")
        return found


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


def _csv(options: _Options) -> CsvFormat:
    options.known("header", "output_columns_position")
    return CsvFormat(options.boolean("header", default=True), options.position())


def _json(options: _Options) -> JsonFormat:
    """Read `lines`, or `line` as the service spells it."""
    options.known("lines", "line")
    lines = options.boolean("lines", default=options.boolean("line", default=True))
    if lines != options.boolean("line", default=lines):
        raise _bad_format('has "line" and "lines", which contradict each other')
    return JsonFormat(lines)


def _parquet(options: _Options) -> ParquetFormat:
    options.known()
    return ParquetFormat()


_INDEX_NAMES = {n.lower(): n for n in ("endpointInput", "endpointOutput", "batchTransformOutput")}


def _index_names(options: _Options) -> tuple[str, ...]:
    found = options.get("captureIndexNames")
    if found is None:
        return CaptureFormat().index_names
    names = [_INDEX_NAMES.get(str(name).lower()) for name in found] if isinstance(found, list) else []
    if not names or None in names:
        raise options.wrong("captureIndexNames", f"a list of {', '.join(_INDEX_NAMES.values())}")
    return tuple(dict.fromkeys(name for name in names if name))


def _capture(options: _Options) -> CaptureFormat:
    options.known("captureIndexNames", "output_columns_position")
    return CaptureFormat(_index_names(options), options.position())


def _merged(options: _Options) -> CaptureFormat:
    options.known("captureIndexNames", "originalDatasetFormat", "output_columns_position")
    inner = options.get("originalDatasetFormat")
    original = None if inner is None else _format_of(inner)
    if not isinstance(original, CsvFormat | JsonFormat | ParquetFormat | None):
        raise options.wrong("originalDatasetFormat", "null or a csv, json or parquet format")
    return CaptureFormat(_index_names(options), options.position(), merged=True, original=original)


def _spark(options: _Options) -> SparkFormat:
    options.known("format", "table", "options")
    form, table = options.text("format"), options.text("table")
    if (form is None) == (table is None):
        raise _bad_format('must name exactly one of "format" and "table" for "spark"')
    return SparkFormat(form, table, _spark_options(options))


def _spark_options(options: _Options) -> dict[str, str]:
    found = options.get("options")
    if not isinstance(found, dict | None) or not all(
        isinstance(v, str | bool | int | float) for v in (found or {}).values()
    ):
        raise _bad_format('has "options" for "spark" that are not an object of texts, numbers and booleans')
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in (found or {}).items()}


_FORMS: Mapping[str, Callable[[_Options], DatasetFormat]] = {
    "csv": _csv,
    "json": _json,
    "parquet": _parquet,
    "sagemakercapturejson": _capture,
    "sagemakermergejson": _merged,
    "spark": _spark,
}


def format_document(dataset_format: DatasetFormat) -> dict[str, Any]:
    """Write a format back as the JSON object it was read from, every option spelt out."""
    match dataset_format:
        case CsvFormat(header, position):
            return {"csv": {"header": header, "output_columns_position": position}}
        case JsonFormat(lines):
            return {"json": {"lines": lines}}
        case ParquetFormat():
            return {"parquet": {}}
        case SparkFormat(form, table, options):
            source = {"format": form} if table is None else {"table": table}
            return {"spark": {**source, "options": dict(options)}}
        case AddedFormat(name, options):
            return {name: dict(options)}
        case CaptureFormat():
            return _capture_document(dataset_format)


def _capture_document(capture: CaptureFormat) -> dict[str, Any]:
    options: dict[str, Any] = {
        "captureIndexNames": list(capture.index_names),
        "output_columns_position": capture.output_columns_position,
    }
    if not capture.merged:
        return {"sagemakerCaptureJson": options}
    original = None if capture.original is None else format_document(capture.original)
    return {"sagemakerMergeJson": {**options, "originalDatasetFormat": original}}
