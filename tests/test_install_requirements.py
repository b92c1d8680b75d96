"""requirements.txt beside a script: a real pip and real packages, made here."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer import install_requirements as module
from analyzer.errors import OutputError, ScriptError
from analyzer.install_requirements import install_requirements

SCRIPT = "import greeting_of_tests\n\ndef preprocess_handler(line):\n    return {'word': greeting_of_tests.WORD}\n"


def make_wheel(folder: Path, name: str = "greeting_of_tests", code: str = "WORD = 'hello'\n") -> Path:
    """Write a package as a wheel, which pip installs without an index."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", code)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return path


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    module._installed.cache_clear()
    yield
    module._installed.cache_clear()
    for name in [name for name in sys.modules if name.startswith(("greeting_of_tests", "user_preprocess"))]:
        del sys.modules[name]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script that needs a package, and beside it the file that says so."""
    folder = tmp_path / "code"
    folder.mkdir()
    wheel = make_wheel(tmp_path / "wheels")
    (folder / "requirements.txt").write_text(f"# ours\n{wheel}\n")
    (folder / "script.py").write_text(SCRIPT)
    return folder / "script.py"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    for i in range(3):
        (tmp_path / "data" / f"{i}.csv").write_text("n\n" + "1\n" * 20)
    return tmp_path / "data"


def words(output: Path) -> list[str]:
    (feature,) = json.loads((output / "statistics.json").read_bytes())["features"]
    return [bucket["value"] for bucket in feature["string_statistics"]["distribution"]["categorical"]["buckets"]]


@pytest.mark.parametrize("cores", ["1", "2"])
def test_a_script_imports_what_its_requirements_list(cores, script, data, run_job, monkeypatch):
    monkeypatch.setattr("analyzer.read.PARTITION_BYTES", 50)
    output = run_job(data, {"csv": {"header": False}}, record_preprocessor_script=script, ANALYZER_CORES=cores)
    assert words(output) == ["hello"]


@pytest.mark.spark
def test_tasks_of_spark_import_it_too(script, data, run_job, spark):
    output = run_job(data, {"csv": {"header": False}}, record_preprocessor_script=script, ANALYZER_ENGINE="spark")
    assert words(output) == ["hello"]


def test_the_packages_go_into_a_folder_of_their_own(script, tmp_path):
    install_requirements(script)
    added = Path(sys.path[-1])
    assert added.is_relative_to(tmp_path / "tmp")
    assert (added / "greeting_of_tests.py").is_file()
    assert added.parent.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in script.parent.iterdir()) == ["requirements.txt", "script.py"]


def test_a_postprocess_script_has_requirements_as_well(script, data, run_job, tmp_path):
    script.write_text("import greeting_of_tests, pathlib\n\ndef postprocess_handler():\n"
                      f"    pathlib.Path({str(tmp_path / 'said')!r}).write_text(greeting_of_tests.WORD)\n")  # fmt: skip
    run_job(data, {"csv": {}}, post_analytics_processor_script=script)
    assert (tmp_path / "said").read_text() == "hello"


def test_it_can_be_switched_off(script, data, run_job):
    with pytest.raises(ScriptError, match="does not import: line 1: ModuleNotFoundError"):
        run_job(data, {"csv": {}}, record_preprocessor_script=script, ANALYZER_INSTALL_REQUIREMENTS="false")


def test_what_the_environment_has_is_not_installed_again(script, tmp_path):
    (script.parent / "requirements.txt").write_text("pytest>=1\nnumpy\n")
    before = list(sys.path)
    install_requirements(script)
    assert sys.path == before
    assert not [
        path
        for path in (tmp_path / "tmp").rglob("*")
        if path.is_dir() and path.name != f"analyzer-packages-{os.getuid()}"
    ]


def test_what_the_environment_has_wins(script, tmp_path):
    """A package of a script cannot take the place of one that the job itself uses."""
    wheel = make_wheel(tmp_path / "wheels", "orjson", "WORD = 'not orjson'\n")
    (script.parent / "requirements.txt").write_text(f"{wheel}\n")
    install_requirements(script)
    import orjson

    assert orjson.loads(b"1") == 1


def test_without_a_network_the_error_says_so_before_any_data_is_read(script, data, run_job, monkeypatch, caplog):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    (script.parent / "requirements.txt").write_text("a-package-of-nobody==1.2\n")
    with pytest.raises(ScriptError) as caught:
        run_job(data, {"csv": {}}, record_preprocessor_script=script)
    assert f"{script.parent / 'requirements.txt'} cannot be installed" in caught.value.message
    assert "the package index cannot be reached" in caught.value.message
    assert "a-package-of-nobody==1.2" in caught.value.message
    assert "build an image that has the packages" in caught.value.hint
    assert "ANALYZER_INSTALL_REQUIREMENTS=false" in caught.value.hint
    assert "Reading 3 files" not in caplog.text


def test_a_file_that_makes_no_sense_is_named_with_what_pip_says(script):
    (script.parent / "requirements.txt").write_text("==1.0\n")
    with pytest.raises(ScriptError, match=r"requirements\.txt cannot be installed: pip said: Invalid requirement"):
        install_requirements(script)


def test_an_installation_that_does_not_end_is_ended(script, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "SECONDS", 0.01)
    with pytest.raises(ScriptError, match=r"was not installed within 0\.01 seconds"):
        install_requirements(script)


def test_a_folder_that_others_can_write_to_is_refused(script, tmp_path):
    folder = tmp_path / "tmp" / f"analyzer-packages-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(OutputError, match="others may write it"):
        install_requirements(script)
