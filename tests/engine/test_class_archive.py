"""The archive of classes: used where there is one, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.engine import class_archive


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / class_archive.NAME
    monkeypatch.setattr(class_archive, "archive_path", lambda: path)
    return path


def test_without_an_archive_java_is_not_told_of_one(place):
    assert not place.exists()
    assert "SharedArchiveFile" not in class_archive.java_options()


def test_an_archive_is_used_and_its_warnings_are_kept_out_of_the_log(place):
    place.write_bytes(b"classes")
    options = class_archive.java_options()
    assert f"-XX:SharedArchiveFile={place}" in options
    assert "-Xlog:disable" in options


def test_the_archive_lies_beside_the_jars_it_belongs_to():
    assert (class_archive.archive_path().parent / "jars").is_dir()
