"""The JSON files of a run that is over to its reports for people, anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from analyzer.config import read_location
from analyzer.errors import InputError
from analyzer.report import Document, make_reports, papers_of
from analyzer.results import FilesBelow, Kind, document_of
from analyzer.write import (
    ANALYSIS_FILE,
    CONSTRAINTS_FILE,
    PROFILE_FILE,
    REPORT_FILES,
    STATISTICS_FILE,
    VIOLATIONS_FILE,
    files_below,
    write_files,
)

DOCUMENTS: Final = (STATISTICS_FILE, CONSTRAINTS_FILE, VIOLATIONS_FILE, PROFILE_FILE, ANALYSIS_FILE)
CURE: Final = "Name the folder that a run wrote."


def render_reports(
    folder: str, baseline: str | None, forms: Sequence[str], output: str | None = None, *, examples: bool = True
) -> dict[str, str]:
    """Write the reports of the run in a folder, beside its files or into another, and tell where each form is.

    `examples` says whether offending values may be shown. Raises InputError where the folder holds no run, or one that
    no report can be made of, and OutputError.
    """
    documents = read_documents(folder)
    against = read_documents(baseline) if baseline else {}
    made = make_reports(papers_of(kind_of(documents), documents, against, about={}, examples=examples), forms)
    missing = [form for form in forms if form not in made]
    if missing:
        raise InputError(
            f"No report as {', '.join(missing)} could be made of {folder}; the log has the trace.",
            "Check that its files are those of one run, as they were written.",
        )
    target = output or folder
    write_files(read_location(target, "--output"), {REPORT_FILES[form]: text for form, text in made.items()})
    return {form: f"{target.rstrip('/')}/{REPORT_FILES[form]}" for form in forms}


def read_documents(folder: str) -> Mapping[str, Document]:
    """Read the JSON files of a run.

    Raises InputError where there are none, or one cannot be read.
    """
    names = [name for name in files_below(read_location(folder, "FOLDER")) if name in DOCUMENTS]
    if not names:
        raise InputError(f"{folder} holds none of {', '.join(DOCUMENTS)}.", CURE)
    files = FilesBelow(folder, names)
    try:
        return {name: document_of(files, name) for name in names}
    except (OSError, ValueError) as error:
        raise InputError(f"A file of {folder} cannot be read: {error}.", CURE) from error


def kind_of(documents: Mapping[str, Document]) -> Kind:
    """Tell the kind of monitoring by the files that it writes."""
    if ANALYSIS_FILE in documents:
        return "analysis"
    metrics = any(name.endswith("_metrics") for name in documents.get(STATISTICS_FILE, {}))
    return "model_quality" if metrics else "data_quality"
