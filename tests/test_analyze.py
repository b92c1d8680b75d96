"""Partitions to a state, also where a cut falls inside quotes, and a state to figures."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from columns import batch, profile_of, state_of, statistics_of, texts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.analyze import GROUP, Folded, Task, finish_analysis, fold_all, fold_batches, grouped
from analyzer.analyzers.table import Batch, Run, TableState
from analyzer.dataset_formats import CsvFormat
from analyzer.documents import Analysis
from analyzer.engine.local import fold_locally
from analyzer.errors import InputError
from analyzer.read import Partition
from analyzer.readers.pieces import Piece
from analyzer.readers.reading import Reading

NAMES = ("a", "b", "c")
FAST = settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


# --- quotes across cuts -----------------------------------------------------------------------------------------------


def partitions_of(path: Path, cuts: Sequence[int]) -> list[Partition]:
    """A file cut at these bytes, a partition each."""
    size = path.stat().st_size
    bounds = sorted({0, size, *(cut for cut in cuts if cut < size)})
    return [Partition(i, (Piece(str(path), start, end, size),)) for i, (start, end) in enumerate(pairwise(bounds))]


def fold(partitions: Sequence[Partition], header: tuple[str, ...] = ()) -> TableState:
    task = Task(Reading(CsvFormat(header=bool(header)), NAMES, header), {"c": frozenset({"x"})})
    return fold_all(partitions, lambda some: fold_locally(some, task, 1))


def analysis_of(state: TableState) -> Analysis:
    return finish_analysis(state, {}, "original")


def counts_of(state: TableState) -> dict[str, dict[str | None, int]]:
    found = {}
    for name, column in state.columns.items():
        assert column.counts.exact
        found[name] = {**column.counts.counts, None: column.missing}
    return found


def check_cut_equals_whole(path: Path, cuts: Sequence[int], header: tuple[str, ...] = ()) -> TableState:
    whole, cut = fold(partitions_of(path, []), header), fold(partitions_of(path, cuts), header)
    assert cut.rows == whole.rows
    assert counts_of(cut) == counts_of(whole)
    assert [sorted(column.counts.counts.items()) for column in cut.columns.values()] == [
        sorted(column.counts.counts.items()) for column in whole.columns.values()
    ]
    for ours, theirs in zip(analysis_of(whole).profiles, analysis_of(cut).profiles, strict=True):
        assert ours.type_counts == theirs.type_counts
        assert {k: (e.count, e.first_record) for k, e in ours.evidence.items()} == {
            k: (e.count, e.first_record) for k, e in theirs.evidence.items()
        }
    assert (cut.left_out, cut.tail, cut.head) == (whole.left_out, whole.tail, whole.head)
    return whole


FIELDS = st.sampled_from(
    [
        "1",
        "2.5",
        "",
        "x",
        '5" pipe',
        'a"b"c',
        '""',
        '"q"',
        '"say ""hi"""',
        '"a,b"',
        '"1,2,3\n4,5,6\n"',
        '"\n\n"',
        '"1,1,1\n"',
        '"""\n"""',
        '"x\r\ny"',
        "ünï",
    ]
)
LINES = st.lists(st.tuples(FIELDS, FIELDS, FIELDS), min_size=1, max_size=25)


@FAST
@given(lines=LINES, cuts=st.lists(st.integers(1, 400), max_size=40), crlf=st.booleans(), last=st.booleans())
def test_cuts_make_no_difference_whatever_is_quoted(
    tmp_path: Path, lines: list[tuple[str, str, str]], cuts: list[int], crlf: bool, last: bool
) -> None:
    end = "\r\n" if crlf else "\n"
    path = tmp_path / "quotes.csv"
    content = end.join(",".join(line) for line in lines) + (end if last else "")
    path.write_bytes(content.encode())

    state = check_cut_equals_whole(path, cuts)

    rows = list(csv.reader(io.StringIO(content, newline="")))
    assert state.rows == len(rows)
    for i, name in enumerate(NAMES):
        found = counts_of(state)[name]
        texts_or_nothing = Counter(row[i] for row in rows)
        assert found.pop(None) + found.pop("", 0) == texts_or_nothing.pop("", 0)  # only we tell the two apart
        assert found == texts_or_nothing


def test_every_single_cut_of_a_file_full_of_quotes(tmp_path: Path) -> None:
    path = tmp_path / "quotes.csv"
    path.write_bytes(b'1,"a\n2,2,2,2,2\n",x\n3,5" pipe,"""\n"\n4,,"\n\n"\n"6","7\n8",""\n9,"x",y"z"\n')

    for cut in range(1, path.stat().st_size):
        check_cut_equals_whole(path, [cut])


def test_more_partitions_than_a_group_are_read_again_where_they_began_wrong(tmp_path: Path) -> None:
    """Half of the pieces begin inside quotes; each would read thousands of numbers that are none."""
    path = tmp_path / "long.csv"
    note = "\n".join("1,2,3" for _ in range(300))
    path.write_text("".join(f'{i},"{note}",x\n' for i in range(60)))
    cuts = range(1000, path.stat().st_size, 1000)
    assert len(partitions_of(path, cuts)) > 3 * GROUP

    state = check_cut_equals_whole(path, cuts)

    assert state.rows == 60
    assert counts_of(state)["b"] == {note: 60, None: 0}


def test_lines_inside_quotes_that_have_too_many_fields_are_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("a,b,c\n" + "".join(f'{i},"1,2,3,4,5,6\n7,8,9,10\n",x\n' for i in range(200)))

    state = check_cut_equals_whole(path, range(50, path.stat().st_size, 50), header=NAMES)

    assert state.rows == 200


def test_a_true_fault_behind_quotes_is_named_once_all_is_known(tmp_path: Path) -> None:
    path = tmp_path / "fault.csv"
    path.write_text('1,"x\n1,2,3,4\n",y\n' * 30 + "1,2,3,4,5\n" + "1,2,3\n" * 30)

    for cuts in ([], range(20, path.stat().st_size, 20)):
        with pytest.raises(InputError, match="has 5 fields, expected 3: 1,2,3,4,5"):
            fold(partitions_of(path, cuts))


def test_the_first_of_several_faults_in_reading_order_is_raised(tmp_path: Path) -> None:
    path = tmp_path / "faults.csv"
    path.write_text("1,2,3\n" * 30 + "1,2,3,4\n" + "1,2,3\n" * 300 + "1,2,3,4,5\n")

    for cuts in ([], range(20, path.stat().st_size, 20)):
        with pytest.raises(InputError, match="has 4 fields"):
            fold(partitions_of(path, cuts))


def test_a_second_file_begins_outside_quotes_whatever_the_first_did(tmp_path: Path) -> None:
    first, second = tmp_path / "1.csv", tmp_path / "2.csv"
    first.write_text('1,2,"never closed\n')
    second.write_text("4,5,6\n" * 20)
    pieces = [*partitions_of(first, [8]), *partitions_of(second, [10, 40])]

    state = fold([Partition(i, partition.pieces) for i, partition in enumerate(pieces)])

    assert state.rows == 21
    assert counts_of(state)["a"] == {"1": 1, "4": 20, None: 0}


# --- groups and batches -----------------------------------------------------------------------------------------------


def test_groups_are_neighbours_and_leave_nobody_out() -> None:
    partitions = [Partition(i, ()) for i in range(2 * GROUP + 3)]

    groups = grouped(partitions)

    assert [len(group) for group in groups] == [GROUP, GROUP, 3]
    assert [partition.index for group in groups for partition in group] == list(range(2 * GROUP + 3))


def test_small_batches_are_joined_without_losing_where_rows_came_from() -> None:
    rows = [batch({"a": texts(["1"])}, "a.csv", i) for i in range(1, 4)] + [batch({"a": texts(["x"])}, "b.csv", 1)]
    state = TableState()

    fold_batches(rows, Task(Reading(CsvFormat()), {}), state)

    found = analysis_of(state).profiles[0].evidence
    assert (found["integral"].count, found["integral"].first_file, found["integral"].first_record) == (3, "a.csv", 1)
    assert (found["string"].first_file, found["string"].first_record) == ("b.csv", 1)


def test_a_batch_without_rows_adds_no_columns() -> None:
    state = TableState()

    fold_batches(
        [Batch(pa.record_batch([texts([])], names=["a"]), [Run(0, "a.csv", 1)])], Task(Reading(CsvFormat()), {}), state
    )

    assert (state.rows, list(state.columns)) == (0, [])


def test_no_partitions_are_no_rows() -> None:
    assert fold_all([], lambda some: [Folded(0, 0, TableState(), []) for _ in some]).rows == 0


# --- figures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "2"], "Integral"),
        (["1", "2.0"], "Fractional"),
        (["1.5", None], "Fractional"),
        (["1", "x"], "String"),
        (["true", "false"], "String"),
        (["true", "1"], "String"),
        ([""], "String"),
        ([None], "Unknown"),
    ],
)
def test_one_text_or_truth_value_makes_a_string_column(values: list[str | None], kind: str) -> None:
    assert statistics_of(texts(values)).inferred_type == kind


def test_a_numeric_column_has_quantiles_and_a_string_column_lengths() -> None:
    number, text = profile_of(texts([str(i) for i in range(1, 101)])), profile_of(texts(["a", "ßßß", "🙂🙂"]))

    assert number.quantiles
    assert (number.quantiles["0.5"], number.quantiles["0.99"], number.lengths) == (50.0, 99.0, None)
    assert (text.lengths, text.quantiles) == ((1, 2.0, 3), None)


def test_top_values_of_a_long_numeric_column_are_estimated_and_say_so() -> None:
    found = profile_of(texts([str(i) for i in range(10_000)] + ["7"] * 10_000)).top_values

    assert not found.exact
    assert found.values[0][0] == "7.0"
    assert found.values[0][1] == pytest.approx(10_000, rel=0.05)


def test_a_domain_of_a_string_column_ends_above_120_distinct_values() -> None:
    few, many = (statistics_of(texts([f"v{i}" for i in range(count)])).string for count in (80, 300))

    assert few
    assert many
    assert few.buckets is not None
    assert len(few.buckets) == 80
    assert many.buckets is None


def test_missing_values_are_a_bucket_beside_a_value_of_that_name() -> None:
    found = statistics_of(texts(["NullValue", None, None, "a"])).string

    assert found
    assert dict(found.buckets or ()) == {"NullValue": 3, "a": 1}


def test_values_outside_the_domain_are_counted_and_placed() -> None:
    domains = {"c": frozenset({"a", "b"})}
    state = state_of({"c": texts(["a", "z", None, "b", "y", "z"])}, domains=domains)

    found = finish_analysis(state, domains, "original").profiles[0]

    assert found.outside_domain == 3
    assert (found.evidence["outside_domain"].count, found.evidence["outside_domain"].first_record) == (3, 2)
    assert found.evidence["outside_domain"].examples == ("z", "y")


def test_values_outside_the_domain_of_a_column_that_got_its_name_afterwards() -> None:
    state = state_of({"key": texts(["a", "z", "a", "y"])})
    state.columns = {"c": state.columns["key"]}

    assert finish_analysis(state, {"c": frozenset({"a"})}, "original").profiles[0].outside_domain == 2


def test_examples_of_values_can_be_kept_out_of_the_profile() -> None:
    state = state_of({"c": texts(["secret", "secret"])})

    found = finish_analysis(state, {}, "original", evidence=False).profiles[0]

    assert found.top_values.values == ()
    assert found.evidence["string"].examples == ()
    assert found.evidence["string"].count == 2


def test_corrected_buckets_hold_every_row() -> None:
    values = [str(0.1 + (i % 7) / 3) for i in range(500)]

    corrected = statistics_of(texts(values), compatibility="corrected").numerical

    assert corrected
    assert sum(bucket.count for bucket in corrected.buckets) == 500.0
    assert corrected.buckets[-1].upper_bound == corrected.max
