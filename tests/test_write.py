"""Files appear complete or not at all, and failures name the folder and the cure."""

from __future__ import annotations

import errno
import os
import re
import threading
from pathlib import Path

import pytest

from analyzer.errors import OutputError
from analyzer.write import check_writable, write_files

READ_ONLY = Path("/proc/self")
"""A folder that nobody may write, root included."""


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_texts_and_bytes_arrive_and_nothing_else(tmp_path):
    out = tmp_path / "deep" / "out"
    write_files(out, {"a.json": "\u00e9 \U0001f600", "b.bin": b"\x00\xff"})
    assert (out / "a.json").read_text(encoding="utf-8") == "\u00e9 \U0001f600"
    assert (out / "b.bin").read_bytes() == b"\x00\xff"
    assert everything(tmp_path) == {"deep", "deep/out", "deep/out/a.json", "deep/out/b.bin"}


def test_earlier_files_are_replaced_and_others_kept(tmp_path):
    (tmp_path / "a").write_text("old")
    (tmp_path / "other").write_text("kept")
    write_files(tmp_path, {"a": "new"})
    assert (tmp_path / "a").read_text() == "new"
    assert (tmp_path / "other").read_text() == "kept"


def test_a_baseline_removes_the_violations_of_an_earlier_run(tmp_path):
    (tmp_path / "constraint_violations.json").write_text("old")
    write_files(tmp_path, {"constraints.json": "{}"}, stale=["constraint_violations.json", "never-there"])
    assert everything(tmp_path) == {"constraints.json"}


def test_earlier_outputs_stay_when_a_file_cannot_be_written(tmp_path):
    out = tmp_path / "out"
    write_files(out, {"a": "old a", "b": "old b"})
    (out / "stale").write_text("stale")
    with pytest.raises(UnicodeEncodeError):
        write_files(out, {"a": "new", "b": "\udcff"}, stale=["stale"])
    (out / "c").mkdir()
    with pytest.raises(OutputError, match=re.escape(f"{out} cannot be written: Is a directory ({out}/c)")):
        write_files(out, {"a": "new", "c": "new"}, stale=["stale"])
    assert (out / "a").read_text() == "old a"
    assert (out / "b").read_text() == "old b"
    assert everything(tmp_path) == {"out", "out/a", "out/b", "out/c", "out/stale"}


def test_nobody_ever_sees_a_part_of_a_file_or_a_file_too_many(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    seen: set[tuple[str, int]] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for entry in os.scandir(out):
                seen.add((entry.name, entry.stat().st_size))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for size in (3_000_000, 5_000_000):
        write_files(out, {"a": b"x" * size})
    done.set()
    watcher.join()
    assert seen <= {("a", 3_000_000), ("a", 5_000_000)}


def test_where_renaming_from_beside_is_impossible_files_still_arrive(tmp_path, monkeypatch):
    """Stands for an output folder that is a mount of its own on the same file system."""
    out = tmp_path / "out"
    really = Path.replace

    def across_mounts(path: Path, target: Path) -> Path:
        if path.parent.parent != out:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return really(path, target)

    monkeypatch.setattr(Path, "replace", across_mounts)
    write_files(out, {"a": "1", "b": "2"})
    assert everything(tmp_path) == {"out", "out/a", "out/b"}


def test_a_name_is_no_path(tmp_path):
    with pytest.raises(ValueError, match=re.escape("'../a'")):
        write_files(tmp_path, {"../a": ""})


@pytest.mark.parametrize("step", [check_writable, lambda folder: write_files(folder, {"a": ""})])
def test_a_folder_that_cannot_be_created_is_named_with_reason_and_cure(tmp_path, step):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError) as caught:
        step(tmp_path / "file" / "out")
    assert caught.value.message.startswith(f"The output folder {tmp_path}/file/out cannot be written: Not a directory")
    assert "move it away" in caught.value.hint


@pytest.mark.skipif(not READ_ONLY.is_dir(), reason="needs a folder nobody may write: /proc")
@pytest.mark.parametrize("step", [check_writable, lambda folder: write_files(folder, {"a": ""})])
def test_a_folder_that_may_not_be_written_is_named_with_the_cure(step):
    with pytest.raises(OutputError, match=r"/proc/self cannot be written: .*Set output_path"):
        step(READ_ONLY)


def test_the_early_check_creates_the_folder_and_leaves_nothing_in_it(tmp_path):
    check_writable(tmp_path / "a" / "b")
    assert everything(tmp_path) == {"a", "a/b"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_has_its_own_cure(tmp_path):
    with pytest.raises(OSError, match="No space left") as full, Path("/dev/full").open("wb", buffering=0) as file:
        file.write(b"x")
    from analyzer.write import _unwritable

    assert "Free some space" in _unwritable(tmp_path, full.value).hint
