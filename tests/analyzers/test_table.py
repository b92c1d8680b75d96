from __future__ import annotations

import gzip
import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import orjson
import pyarrow as pa
import pytest
from columns import Texts, batch, columns, spans, state_of, texts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.analyze import finish_analysis
from analyzer.analyzers.kll import weighted_values
from analyzer.analyzers.table import Batch, Domains, Run, TableState
from analyzer.documents import Analysis, Evidence, FeatureStatistics
from analyzer.errors import BaselineError

RANK_ERROR = 0.01
SPLITS = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example, HealthCheck.data_too_large],
)


# --- parts of a data set ----------------------------------------------------------------------------------------------


def part(rows: pa.RecordBatch, start: int, end: int, files: Sequence[int], domains: Domains) -> TableState:
    """The state of rows [start, end) as a task finds it; records count from where the file, or the part of it, begins.

    `files` are the rows at which files begin.
    """
    state = TableState()
    bounds = [start, *(row for row in files if start < row < end), end]
    for first, last in pairwise(bounds):
        file = max(i for i, row in enumerate(files) if row <= first) if last > first else 0
        if last > first:
            state.update(Batch(rows[first:last], [Run(0, f"{file}.csv", 1)]), domains)
            state.tail = (f"{file}.csv", last - first)
    return state


def merged(parts: Sequence[TableState]) -> TableState:
    whole = TableState()
    for each in parts:
        whole.merge(each)
    return whole


def analysis_of(state: TableState, domains: Domains) -> Analysis:
    return finish_analysis(state, domains, "original")


@SPLITS
@given(
    column=columns(sizes=(1, 3, 40, 2500, 6000)),
    other=columns(sizes=(1, 40)),
    cuts=st.lists(st.integers(0, 6000), max_size=8),
    files=st.lists(st.integers(1, 6000), max_size=3),
    domain=st.none() | st.frozensets(st.sampled_from(["true", "1", "", "a", "7"]), min_size=1),
)
def test_any_split_merged_in_order_is_the_whole(
    column: Texts, other: Texts, cuts: list[int], files: list[int], domain: frozenset[str] | None
) -> None:
    count = len(column)
    rows = pa.record_batch([texts(column), texts([other[i % len(other)] for i in range(count)])], names=["a", "b"])
    domains = {"a": domain} if domain else {}
    starts = sorted({0, *files})

    whole = analysis_of(merged([part(rows, 0, count, starts, domains)]), domains)
    split = merged([part(rows, start, end, starts, domains) for start, end in spans(cuts, count)])

    assert split.rows == count
    found = analysis_of(split, domains)
    for ours, theirs in zip(whole.profiles, found.profiles, strict=True):
        assert (ours.type_counts, ours.empty, ours.nan, ours.infinite, ours.lengths) == (
            theirs.type_counts, theirs.empty, theirs.nan, theirs.infinite, theirs.lengths,
        )  # fmt: skip
        assert places(ours.evidence) == places(theirs.evidence)
        assert ours.top_values.exact == theirs.top_values.exact
        if ours.top_values.exact:
            assert (ours.top_values, ours.outside_domain) == (theirs.top_values, theirs.outside_domain)
    for before, after in zip(whole.statistics.features, found.statistics.features, strict=True):
        check_statistics(before, after)


def places(evidence: object) -> dict[str, tuple[int, str, int]]:
    assert isinstance(evidence, dict)
    found: dict[str, Evidence] = evidence
    return {kind: (each.count, each.first_file, each.first_record) for kind, each in found.items()}


def check_statistics(whole: FeatureStatistics, split: FeatureStatistics) -> None:
    assert (whole.inferred_type, whole.num_present, whole.num_missing, whole.completeness, whole.string) == (
        split.inferred_type, split.num_present, split.num_missing, split.completeness, split.string,
    )  # fmt: skip
    if whole.numerical is None:
        assert split.numerical is None
        return
    ours, theirs = whole.numerical, split.numerical
    assert theirs
    assert (ours.min, ours.max, ours.approximate_num_distinct_values) == (
        theirs.min, theirs.max, theirs.approximate_num_distinct_values,
    )  # fmt: skip
    assert theirs.sketch
    assert ours.sketch
    values, weights = weighted_values(theirs.sketch)
    whole_values, whole_weights = weighted_values(ours.sketch)
    assert weights.sum() == whole_weights.sum()
    if len(ours.sketch.levels) == 1 == len(theirs.sketch.levels):
        assert theirs.sketch.levels[0].tolist() == ours.sketch.levels[0].tolist()
    for value in values[:: max(1, len(values) // 50)]:
        assert rank(values, weights, value) == pytest.approx(rank(whole_values, whole_weights, value), abs=RANK_ERROR)
    scale = max(abs(ours.min), abs(ours.max))
    if math.isfinite(ours.sum):
        assert theirs.sum == pytest.approx(ours.sum, rel=1e-12, abs=1e-12 * scale * len(values))
        assert theirs.mean == pytest.approx(ours.mean, rel=1e-12, abs=1e-12 * scale)


def rank(values: np.ndarray, weights: np.ndarray, value: float) -> float:
    return float(weights[values <= value].sum() / weights.sum())


# --- what a state is --------------------------------------------------------------------------------------------------


def mixed_state(rows: int = 5000) -> TableState:
    generator = np.random.default_rng(5)
    return state_of(
        {
            "number": pa.array(generator.normal(size=rows)),
            "text": texts([f"t{i % 2000}" for i in range(rows)]),
            "few": texts(["a", None, "🙂", ""] * (rows // 4)),
            "huge": texts(["1e308"] * rows),
            "nothing": texts([None] * rows),
        },
        domains={"few": frozenset({"a"})},
    )


def test_bytes_round_trip_exactly() -> None:
    content = mixed_state().to_bytes()

    assert TableState.from_bytes(content).to_bytes() == content


@settings(SPLITS, max_examples=30)
@given(column=columns())
def test_bytes_round_trip_exactly_for_any_column(column: Texts) -> None:
    content = state_of({"c": texts(column)}).to_bytes()

    assert TableState.from_bytes(content).to_bytes() == content


def test_a_state_that_was_read_merges_like_the_one_that_was_written() -> None:
    written, read = mixed_state(), TableState.from_bytes(mixed_state().to_bytes())

    for state in (written, read):
        state.merge(mixed_state(400))

    assert written.to_bytes() == read.to_bytes()


def test_merging_with_nothing_changes_nothing() -> None:
    left, right = TableState(), mixed_state()

    left.merge(mixed_state())
    right.merge(TableState())

    assert left.to_bytes() == right.to_bytes() == mixed_state().to_bytes()


def test_the_same_rows_give_the_same_bytes() -> None:
    assert mixed_state().to_bytes() == mixed_state().to_bytes()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no gzip",
        gzip.compress(b"no json"),
        gzip.compress(b"[]"),
        gzip.compress(b"{}"),
        gzip.compress(b'{"version":99}'),
        gzip.compress(b'{"version":1,"rows":1,"files":1,"head":[],"tail":[],"left_out":{},"columns":[]}'),
        mixed_state(8).to_bytes()[:-20],
        mixed_state(8).to_bytes()[:40] + b"\xff\x00\xff" + mixed_state(8).to_bytes()[43:],
    ],
)
def test_what_is_no_state_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(BaselineError, match=r"day\.gz is not a state file .* state\.json\.gz"):
        TableState.from_bytes(content, "day.gz")


def test_a_state_of_another_version_is_refused() -> None:
    document = orjson.loads(gzip.decompress(mixed_state(8).to_bytes()))
    document["version"] = 2

    with pytest.raises(BaselineError, match="version 2, known is 1"):
        TableState.from_bytes(gzip.compress(orjson.dumps(document)))


# --- columns that some rows lack --------------------------------------------------------------------------------------


@pytest.mark.parametrize("cuts", [[], [2], [1, 2, 3], [4], [2, 4]])
def test_rows_that_lack_a_column_count_as_missing_however_they_are_cut(cuts: list[int]) -> None:
    """Columns of JSON records come and go; rows 1-2 have `a`, rows 3-4 `a` and `b`, rows 5-6 `b`."""
    batches = [{"a": texts(["1"])}] * 2 + [{"a": texts(["2"]), "b": texts(["x"])}] * 2 + [{"b": texts(["y"])}] * 2
    parts = []
    for start, end in spans(cuts, len(batches)):
        state = TableState()
        for row in range(start, end):
            state.update(batch(batches[row], "a.json", row - start + 1), {})
        state.tail = ("a.json", end - start)
        parts.append(state)

    found = finish_analysis(merged(parts), {}, "original")

    a, b = found.profiles
    assert (a.type_counts.missing, b.type_counts.missing) == (2, 2)
    assert places(a.evidence)["missing"] == (2, "a.json", 5)
    assert places(b.evidence)["missing"] == (2, "a.json", 1)
    assert places(b.evidence)["string"] == (4, "a.json", 3)


def test_notes_and_files_add_up() -> None:
    first, second = mixed_state(8), mixed_state(8)
    first.left_out.update({"short_rows": 2})
    second.left_out.update({"short_rows": 1, "surplus_rows": 4})
    first.files, second.files = 1, 2

    first.merge(second)

    assert (first.rows, first.files, dict(first.left_out)) == (16, 3, {"short_rows": 3, "surplus_rows": 4})


# --- odd tables -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.b", "a b", 'say "x"', "naïve", "🙂", "`tick`", "", "a,b", "line\nbreak", "$"])
def test_names_are_kept_as_they_are(name: str) -> None:
    state = TableState.from_bytes(state_of({name: texts(["1", "x"])}).to_bytes())

    assert [f.name for f in finish_analysis(state, {}, "original").statistics.features] == [name]


def test_wide_tables_keep_their_order() -> None:
    names = [f"c{i}" for i in range(600)]
    state = state_of({name: texts([str(i), None]) for i, name in enumerate(names)})

    found = finish_analysis(state, {}, "original").statistics

    assert [feature.name for feature in found.features] == names
    assert [f.numerical.sum for f in found.features if f.numerical] == [float(i) for i in range(600)]


def test_numbers_too_large_for_a_double_add_up_unless_a_text_makes_them_words() -> None:
    def infinite(*parts: list[str]) -> int:
        return (
            finish_analysis(merged([state_of({"c": texts(each)}) for each in parts]), {}, "original")
            .profiles[0]
            .infinite
        )

    assert infinite(["1e400", "1"], ["-1e400", "2"]) == infinite(["1e400", "1", "-1e400", "2"]) == 2
    assert infinite(["1e400", "1"], ["x"]) == infinite(["x", "1e400", "1"]) == infinite(["1e400", "1", "x"]) == 0
