"""Completion in real shells, and the speed and lightness of the help that it needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from analyzer.__main__ import main
from analyzer.commands import COMMANDS


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    """A folder with the command `analyzer`, as an installation has it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "analyzer").write_text(f'#!/bin/sh\nexec {sys.executable} -m analyzer "$@"\n')
    (folder / "analyzer").chmod(0o755)
    return folder


def completions(bin_folder: Path, *words: str) -> list[str]:
    """What a real bash offers behind these words, the last of which is begun."""
    script = (
        'eval "$(analyzer completion bash)"; '
        f"COMP_WORDS=(analyzer {' '.join(words)}); COMP_CWORD={len(words)}; "
        "$(complete -p analyzer | sed 's/.*-F \\([^ ]*\\).*/\\1/') analyzer; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    environment = os.environ | {"PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        ["bash", "--norc", "-c", script], cwd=bin_folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_bash_completes_commands(bin_folder):
    assert completions(bin_folder, "mon") == ["monitor"]
    assert completions(bin_folder, "merge") == ["merge", "merge-states"]
    assert set(completions(bin_folder, "''")) == set(COMMANDS)


def test_bash_completes_flags_and_their_values(bin_folder):
    assert completions(bin_folder, "monitor", "--base") == ["--baseline"]
    assert completions(bin_folder, "monitor", "--engine", "l") == ["local"]
    assert completions(bin_folder, "monitor", "--format", "j") == ["json"]
    assert completions(bin_folder, "quality", "--problem", "b") == ["binary"]


def test_bash_completes_nothing_that_there_is_not(bin_folder):
    assert completions(bin_folder, "xyz") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_can_read(shell, tmp_path, capsys):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "_ANALYZER_COMPLETE" in script
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    (tmp_path / "script").write_text(script)
    subprocess.run([shell, "-n", tmp_path / "script"], check=True)


def test_another_shell_is_no_shell(capsys):
    assert main(["completion", "cmd"]) == 2
    assert "'cmd' is not one of 'bash', 'zsh', 'fish'" in capsys.readouterr().err


def loaded_by(*arguments: str) -> set[str]:
    """Modules that a process loads for some arguments."""
    code = f"import sys; from analyzer.__main__ import main; main({list(arguments)}); print('LOADED', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("LOADED")[2].split())


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_loads_nothing_heavy(arguments):
    loaded = {name.partition(".")[0] for name in loaded_by(*arguments)}
    assert "click" in loaded
    assert not {"numpy", "pandas", "polars", "pyarrow", "pyspark", "boto3", "orjson", "pydeequ"} & loaded


def test_the_help_of_all_loads_no_command():
    assert [name for name in loaded_by("--help") if name.startswith("analyzer.commands.")] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_what_it_is_for(name, capsys):
    assert main([name, "--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"Usage: analyzer {name}")
    if name not in {"run", "prepare-spark"}:
        assert "Examples:" in said
