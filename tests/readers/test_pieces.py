from __future__ import annotations

import gzip
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analyzer.errors import InputError
from analyzer.readers import pieces
from analyzer.readers.csv_text import split_records
from analyzer.readers.pieces import Piece, PieceReader, count_lines

CONTENT = st.text(st.sampled_from('ab,"\n'), max_size=60).map(str.encode)


def read(path: Path, bounds: list[int], *, quoted: bool) -> tuple[list[bytes], bool]:
    """Read a file piece by piece, each begun in the state that the one before ended in, as a job does in the end."""
    found, inside = [], False
    for start, end in pairwise(bounds):
        reader = PieceReader(Piece(str(path), start, end, bounds[-1], in_quotes=inside), quoted=quoted)
        for block in reader.blocks():
            assert path.read_bytes()[reader.at :].startswith(block)
            found.append(block)
        reader.follow_rest()
        inside = reader.states.ends[inside]
    return found, inside


@given(CONTENT, st.sets(st.integers(1, 59), max_size=4), st.sampled_from([1, 3, 1000]))
@example(b'a"","\na', set(), 1)
@example(b'a"","\na', {3}, 1000)
@example(b'b,"x""\ny",c\nd', {4, 5, 6}, 1000)
def test_however_a_file_is_cut_its_records_are_read_once(tmp_path_factory, content, cuts, block) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.csv"
    path.write_bytes(content)
    bounds = [0, *sorted(cut for cut in cuts if cut < len(content)), len(content)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "BLOCK", block)
        for quoted in (True, False):
            found, _ = read(path, bounds, quoted=quoted)
            assert b"".join(found) == content
            records = [record for each in found for record in split_records(each.decode())]
            assert not quoted or records == split_records(content.decode())


@pytest.mark.parametrize("block", [2, 7, 64])
def test_a_gzip_file_is_not_cut_inside_quotes_either(tmp_path, monkeypatch, block) -> None:
    content = b'a,"x\ny\nz",b\nc,d\n"e\n",f'
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(content))
    monkeypatch.setattr(pieces, "BLOCK", block)
    size = path.stat().st_size
    blocks = list(PieceReader(Piece(str(path), 0, size, size), quoted=True).blocks())
    assert b"".join(blocks) == content
    assert [record for each in blocks for record in split_records(each.decode())] == ['a,"x\ny\nz",b', "c,d", '"e\n",f']


def test_a_byte_order_mark_in_front_of_a_quote_does_not_hide_it(tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b'\xef\xbb\xbf"a\nb",c\n1,2\n')
    reader = PieceReader(Piece(str(path), 0, 5, path.stat().st_size), quoted=True)
    assert next(reader.blocks()) == b'"a\nb",c\n'
    assert reader.at == 3
    assert reader.states.ends[False] is True


def test_a_record_that_does_not_end_is_refused_with_its_place(tmp_path, monkeypatch) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"a,b\n" + b'1,"' + b"x\n" * 200)
    monkeypatch.setattr(pieces, "BLOCK", 64)
    monkeypatch.setattr(pieces, "LONGEST_RECORD", 100)
    with pytest.raises(InputError, match=r"x\.csv: the record at byte 4 does not end within 100 bytes") as caught:
        list(PieceReader(Piece(str(path), 0, 407, 407), quoted=True).blocks())
    assert "quotation mark" in caught.value.hint


@pytest.mark.parametrize("cut", [5, 30, -8])
def test_a_gzip_file_that_breaks_off_is_named(tmp_path, cut) -> None:
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(bytes(range(256)) * 20)[:cut])
    with pytest.raises(InputError, match=r"x\.csv\.gz is not a sound gzip file"):
        list(PieceReader(Piece(str(path), 0, 1, 1), quoted=True).blocks())


def test_a_file_that_is_gone_is_named(tmp_path) -> None:
    with pytest.raises(InputError, match=r"gone\.csv cannot be read: .*No such file"):
        PieceReader(Piece(str(tmp_path / "gone.csv"), 0, 1, 1), quoted=False)


def test_lines_in_front_of_a_byte_are_counted_in_the_uncompressed_file(tmp_path) -> None:
    for name, write in (("x.csv", bytes), ("x.csv.gz", gzip.compress)):
        (tmp_path / name).write_bytes(write(b"a\nb\nc\n"))
        assert [count_lines(str(tmp_path / name), upto) for upto in (0, 1, 2, 5, 6)] == [0, 0, 1, 2, 3]
