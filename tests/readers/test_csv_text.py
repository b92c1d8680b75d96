from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analyzer.errors import InputError
from analyzer.readers.csv_text import CsvText, join_fields, split_fields, split_records

FIELDS = st.one_of(st.none(), st.text(st.sampled_from('ab,"\r\n é'), max_size=4))
ROWS = st.lists(st.lists(FIELDS, min_size=3, max_size=3), min_size=1, max_size=6)


def place(line: int) -> str:
    return f"line {line + 1}"


def parsed(text: CsvText, content: str) -> list[list[str | None]]:
    batch = text.parse(content.encode(), place)
    return [list(row.values()) for row in batch.to_pylist()]


@given(ROWS)
def test_what_is_written_as_csv_reads_back(rows) -> None:
    content = "\n".join(map(join_fields, rows)) + "\n"
    assert parsed(CsvText(3, "error"), content) == rows
    assert [split_fields(record) for record in split_records(content)] == rows


@given(ROWS)
def test_a_mended_row_changes_nothing_about_the_others(rows) -> None:
    content = "\n".join([*map(join_fields, rows), "x", *map(join_fields, rows)])
    text = CsvText(3, "error")
    assert parsed(text, content) == [*rows, ["x", None, None], *rows]
    assert text.left_out["short_rows"] == 1


@given(st.lists(st.text(st.sampled_from('ab,"\r'), max_size=6), min_size=1, max_size=5))
@example(['"a', 'b"'])
@example(["a\rb,c", '"'])
def test_lines_that_are_a_record_each_never_run_into_one_another(lines) -> None:
    batch = CsvText(8, "error").parse_lines(lines, place)
    alone = [CsvText(8, "error").parse_lines([line], place).to_pylist()[0] for line in lines]
    assert batch.to_pylist() == alone


@pytest.mark.parametrize("line", ['"a,b",c', 'a,"b"', '"",x', 'say "hi",b', '"say ""hi""",b', "a,,b", '"a"b,c', "a"])
def test_fields_split_as_the_csv_module_does(line) -> None:
    assert [value or "" for value in split_fields(line)] == next(csv.reader(io.StringIO(line)))


def test_the_line_of_a_surplus_field_counts_blank_lines_and_lines_inside_quotes() -> None:
    content = 'a,"x\ny\nz"\n\r\n\nb,c\nd,e,f\n'
    with pytest.raises(InputError, match=r"line 7 has 3 fields, expected 2: d,e,f\."):
        parsed(CsvText(2, "error"), content)
    text = CsvText(2, "drop")
    assert parsed(text, content) == [["a", "x\ny\nz"], ["b", "c"], ["d", "e"]]
    assert text.left_out["surplus_rows"] == 1


def test_a_long_row_is_shown_cut() -> None:
    with pytest.raises(InputError) as caught:
        parsed(CsvText(1, "error"), "x," + "y" * 500 + "\n")
    assert len(caught.value.message) < 150
