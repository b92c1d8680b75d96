from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

import analyzer.read
from analyzer.dataset_formats import CsvFormat, JsonFormat
from analyzer.errors import InputError
from analyzer.read import File, list_files, plan_partitions


def touch(path: Path, content: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_files_are_listed_in_the_order_of_their_paths(tmp_path) -> None:
    names = ["b.csv", "a/2.csv", "a/10.csv", "c/d/e.csv"]
    for name in [*names, "_SUCCESS", ".hidden/x.csv", "a/.x.crc"]:
        touch(tmp_path / name)
    touch(tmp_path / "a" / "empty.csv", "")
    assert [file.path for file in list_files(tmp_path)] == [str(tmp_path / name) for name in sorted(names)]


def test_a_source_below_a_hidden_folder_is_read(tmp_path) -> None:
    touch(tmp_path / ".cache" / "_x" / "1.csv")
    assert len(list_files(tmp_path / ".cache" / "_x")) == 1


def test_links_to_files_and_folders_are_followed(tmp_path) -> None:
    touch(tmp_path / "far" / "1.csv")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "folder").symlink_to(tmp_path / "far")
    (tmp_path / "data" / "file.csv").symlink_to(tmp_path / "far" / "1.csv")
    assert [Path(file.path).name for file in list_files(tmp_path / "data")] == ["file.csv", "1.csv"]


def test_a_link_to_a_folder_around_it_is_refused_rather_than_read_forty_times(tmp_path) -> None:
    touch(tmp_path / "data" / "a" / "1.csv")
    (tmp_path / "data" / "a" / "again").symlink_to(tmp_path / "data")
    with pytest.raises(InputError, match="again cannot be read: It is a link to a folder that it lies in"):
        list_files(tmp_path / "data")


@pytest.mark.parametrize("kind", ["missing", "loop", "broken link", "socket", "pipe"])
def test_what_cannot_be_read_is_named(tmp_path, kind) -> None:
    data = tmp_path / "data"
    if kind == "loop":
        data.symlink_to(data)
    elif kind == "broken link":
        data.mkdir()
        (data / "x.csv").symlink_to(tmp_path / "nowhere")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(data))
    elif kind == "pipe":
        data.mkdir()
        os.mkfifo(data / "x.csv")
    with pytest.raises(InputError) as caught:
        list_files(data)
    assert caught.value.message.startswith(f"dataset_source: {data}")
    assert caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_named(tmp_path) -> None:
    touch(tmp_path / "data" / "shut" / "1.csv")
    (tmp_path / "data" / "shut").chmod(0)
    with pytest.raises(InputError, match="shut cannot be read: Permission denied"):
        list_files(tmp_path / "data")


def spans(files: list[File], form) -> list[list[tuple[str, int, int]]]:
    return [[(piece.path, piece.start, piece.end) for piece in part.pieces] for part in plan_partitions(files, form)]


def test_large_files_are_cut_evenly_and_small_ones_put_together(monkeypatch) -> None:
    monkeypatch.setattr(analyzer.read, "PARTITION_BYTES", 100)
    files = [File("a", 250), File("b", 40), File("c", 40), File("d", 40), File("e", 101)]
    assert spans(files, CsvFormat()) == [
        [("a", 0, 83)],
        [("a", 83, 166)],
        [("a", 166, 250)],
        [("b", 0, 40), ("c", 0, 40)],
        [("d", 0, 40), ("e", 0, 50)],
        [("e", 50, 101)],
    ]


def test_compressed_files_and_documents_are_never_cut(monkeypatch) -> None:
    monkeypatch.setattr(analyzer.read, "PARTITION_BYTES", 100)
    assert spans([File("a.csv.gz", 1000)], CsvFormat()) == [[("a.csv.gz", 0, 1000)]]
    assert spans([File("a.json", 1000)], JsonFormat(lines=False)) == [[("a.json", 0, 1000)]]
    assert len(spans([File("a.json", 1000)], JsonFormat(lines=True))) == 10
