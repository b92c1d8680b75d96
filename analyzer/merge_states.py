"""States of earlier runs -> the reports of all their rows together, without reading data again."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TypeVar

from analyzer.analysis_documents import Violation
from analyzer.analyze import finish_analysis
from analyzer.analyzers.bias_counts import BiasState
from analyzer.analyzers.predictions import PredictionState
from analyzer.analyzers.table import TableState
from analyzer.config import JobConfig, Location
from analyzer.documents import Verdict
from analyzer.encode import encode_constraints, encode_statistics
from analyzer.errors import BaselineError, ConfigError, InputError
from analyzer.job import read_baseline, report
from analyzer.jsonlayout import dump
from analyzer.model_analysis import read_analysis_baseline, write_analysis
from analyzer.model_bias import fits, report_bias
from analyzer.model_quality import read_quality_baseline, report_quality
from analyzer.quality_documents import QualityVerdict
from analyzer.stores import read_whole, store_of
from analyzer.stores.store import cure_of, reason_of
from analyzer.suggest import suggest
from analyzer.write import (
    CONSTRAINTS_FILE,
    PROFILE_FILE,
    STATE_FILE,
    STATISTICS_FILE,
    VIOLATIONS_FILE,
    check_writable,
    write_files,
)

log = logging.getLogger(__name__)
MOST_NAMED = 20
MergedState = TableState | PredictionState | BiasState
State = TypeVar("State", TableState, PredictionState, BiasState)


@dataclass(frozen=True, slots=True)
class AnalysisVerdict:
    """The violations of an analysis of bias."""

    violations: Sequence[Violation]


MergedVerdict = Verdict | QualityVerdict | AnalysisVerdict


def merge_states(
    sources: Sequence[Location], config: JobConfig, late: Sequence[Location] = ()
) -> tuple[MergedState, MergedVerdict]:
    """Merge the states of `sources`, in this order, and write the reports of all their rows into `config.output_path`.

    `late` are states of model quality that hold only rows whose labels came after the sources were made of them.

    A source is a state file, or a folder with state.json.gz files, which are taken in the order of their paths. With
    a baseline in `config` the rows are judged, too. Raises InputError for a source that cannot be read or is given
    twice, BaselineError for a file that is no state of this version or for an unsound baseline, and OutputError.
    """
    paths = find_states(sources, config.output_path)
    latecomers = find_states(late, config.output_path) if late else []
    _refuse_late(paths, latecomers, config)
    check_writable(config.output_path)
    if config.analysis is not None:
        return _merge_analyses(paths, config)
    if config.analysis_type == "MODEL_QUALITY":
        quality_baseline = read_quality_baseline(config)
        predictions = merge_predictions(paths, config)
        add_late(predictions, latecomers, config)
        return predictions, report_quality(predictions, quality_baseline, config)
    baseline = read_baseline(config)
    state = merge_files(paths)
    if config.needs_deequ:
        log.warning("Rules are not applied: states hold no rows. Apply them where the data is read.")
    return state, report(state, baseline, config)


def _refuse_late(paths: Sequence[Location], late: Sequence[Location], config: JobConfig) -> None:
    if late and config.analysis_type != "MODEL_QUALITY":
        raise ConfigError(
            "Labels come late to model quality alone.", "Add --analysis-type MODEL_QUALITY, or no --late."
        )
    known = set(map(_resolved, paths))
    for path in late:
        if _resolved(path) in known:
            raise InputError(
                f"{path} is given twice.", "Name it as a state or as a late one: its rows would count twice."
            )


def add_late(merged: PredictionState, late: Sequence[Location], config: JobConfig) -> None:
    """Add states of rows whose labels came late.

    Raises as `merge_predictions`, and InputError where the rows were labelled before.
    """
    waits = merged.left_out["missing_labels"] > 0
    for path in late:
        state = PredictionState.from_bytes(_content(path), str(path))
        _refuse_other_roles(path, merged, state, config)
        try:
            merged.merge_late(state, waits=waits)
        except InputError as error:
            raise InputError(f"{path}: {error.message}", error.hint) from error


def write_baseline(sources: Sequence[Location], config: JobConfig) -> TableState:
    """Write the statistics of all rows, the constraints that they meet, and their state: a baseline and nothing else.

    An earlier verdict in the folder is removed. Raises as `merge_states`.
    """
    paths = find_states(sources, config.output_path)
    check_writable(config.output_path)
    state = merge_files(paths)
    statistics = finish_analysis(state, {}, config.compatibility).statistics
    constraints = suggest(statistics, config.categorical_drift_method)
    files: dict[str, str | bytes] = {
        STATISTICS_FILE: dump(encode_statistics(statistics)),
        CONSTRAINTS_FILE: dump(encode_constraints(constraints)),
        STATE_FILE: state.to_bytes(),
    }
    write_files(config.output_path, files, (VIOLATIONS_FILE, PROFILE_FILE))
    return state


def find_states(sources: Sequence[Location], output: Location) -> list[Location]:
    """List the state files of all sources; what an earlier merge left in `output` is not found below a source.

    Raises InputError where a source is missing, unreadable, without a state, or holds a state for the second time.
    """
    paths = list(chain.from_iterable(_states_of(source, output) for source in sources))
    seen: set[Location] = set()
    for path in paths:
        own = _resolved(path)
        if own in seen:
            raise InputError(f"{path} is given twice.", "Name every state once: its rows would count twice.")
        seen.add(own)
    return paths


def _resolved(place: Location) -> Location:
    return place if isinstance(place, str) else place.resolve()


def _states_of(source: Location, output: Location) -> list[Location]:
    found = _objects_of(source, str(output)) if isinstance(source, str) else _files_of(source, _resolved(output))
    if not found:
        raise InputError(
            f"{source} holds no {STATE_FILE}.", "Name the output folder of a run, a folder above it, or a state file."
        )
    return found


def _files_of(source: Path, output: Location) -> list[Location]:
    if not source.is_dir():
        return [source]
    return [*sorted(path for path in _walk(source) if path.parent.resolve() != output or path.parent == source)]


def _objects_of(source: str, output: str) -> list[Location]:
    """List the states below a URI, or the one that it names, of whatever name."""
    try:
        paths = [file.path for file in store_of(source).list_files(source)]
    except OSError as error:
        raise _unreadable(source, error) from error
    if source in paths:
        return [source]
    folders = {path: path.removesuffix(f"/{STATE_FILE}") for path in paths if path.endswith(f"/{STATE_FILE}")}
    own = source.rstrip("/")
    return [path for path, folder in folders.items() if folder != output.rstrip("/") or folder == own]


def _walk(folder: Path) -> Iterator[Path]:
    """Find state files in a folder and below; in hidden folders lie files that are just being written."""

    def refuse(error: OSError) -> None:
        raise _unreadable(Path(error.filename), error)

    for place, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if STATE_FILE in names:
            yield Path(place, STATE_FILE)


def merge_files(paths: Sequence[Location]) -> TableState:
    """Merge states of data quality; columns that one of them lacks are missing. Raises as `_fold_states`."""
    return _fold_states(paths, TableState.from_bytes, _name_differences)


def merge_predictions(paths: Sequence[Location], config: JobConfig) -> PredictionState:
    """Merge states of model quality.

    Raises as `_fold_states`, and BaselineError for states of another kind of problem, or of other attributes.
    """

    def refuse_other(path: Location, merged: PredictionState, state: PredictionState) -> None:
        _refuse_other_roles(path, merged, state, config)

    return _fold_states(paths, PredictionState.from_bytes, refuse_other)


def _fold_states(
    paths: Sequence[Location], read: Callable[[bytes, str], State], compare: Callable[[Location, State, State], None]
) -> State:
    """Read state files one after the other and merge them in this order.

    `compare` is given each path, what is merged so far (at the first path its own state) and the state. Raises
    InputError for a file that cannot be read, BaselineError for one that is no state of this version.
    """
    merged: State | None = None
    for path in paths:
        state = read(_content(path), str(path))
        compare(path, state if merged is None else merged, state)
        if merged is None:
            merged = state
        else:
            merged.tail = ("", 0)  # a file of the same name in another run is another file: its records count from 1
            merged.merge(state)
    assert merged is not None
    log.info("Merged states: %d, with %d rows of %d files", len(paths), merged.rows, merged.files)
    return merged


def _content(path: Location) -> bytes:
    try:
        return read_whole(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def _merge_analyses(paths: Sequence[Location], config: JobConfig) -> tuple[BiasState, AnalysisVerdict]:
    """Merge states of bias and write the reports of all their rows.

    Raises ConfigError for an analysis_config.json without bias: attributions leave no states that could be merged.
    """
    asked = config.analysis
    assert asked is not None
    if asked.bias is None:
        raise ConfigError(
            f"{asked.where} asks for no bias, and attributions leave no states.",
            "Name an analysis_config.json with facets, that of the runs whose states are merged.",
        )
    if asked.shap is not None:
        log.warning("Attributions leave no states: the reports of merged states are of bias alone.")
    analysis = replace(asked, shap=None)

    def refuse_other(path: Location, merged: BiasState, state: BiasState) -> None:
        if not fits(state.roles, analysis) or merged.roles != state.roles:
            raise BaselineError(
                f"{path} was made with another analysis_config.json than {analysis.where} or another state.",
                "Merge states of runs with the same label, facets, values, group variable and segments.",
            )

    config = replace(config, analysis=analysis)
    baseline = read_analysis_baseline(config)
    merged = _fold_states(paths, BiasState.from_bytes, refuse_other)
    return merged, AnalysisVerdict(write_analysis([report_bias(merged, config, baseline)], config, baseline))


def _refuse_other_roles(path: Location, merged: PredictionState, state: PredictionState, config: JobConfig) -> None:
    if state.roles.regression != (config.problem_type == "Regression"):
        raise BaselineError(
            f"{path} is not of problem_type {config.problem_type}.", "Name the problem_type of the runs that wrote it."
        )
    if merged.roles != state.roles:
        raise BaselineError(
            f"{path} was made with other attributes than the states before it: {state.roles}, not {merged.roles}.",
            "Merge states of runs with the same attributes, threshold and segment columns.",
        )


def _unreadable(path: Location, error: OSError) -> InputError:
    return InputError(
        f"The state {path} cannot be read: {reason_of(error)}.",
        cure_of(error, f"Name the {STATE_FILE} that a run wrote, or its folder."),
    )


def _name_differences(path: Location, merged: TableState, state: TableState) -> None:
    lacking = [name for name in merged.columns if name not in state.columns]
    added = [name for name in state.columns if name not in merged.columns]
    for verb, names in (("lacks", lacking), ("has, other than the states before it,", added)):
        if names and merged.rows and state.rows:
            shown = ", ".join(names[:MOST_NAMED]) + (", ..." if len(names) > MOST_NAMED else "")
            log.warning("%s %s columns that count as missing where they are not: %s", path, verb, shown)
