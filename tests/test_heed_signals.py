"""A job that is told to end does so, wherever the telling falls: in a finalizer, in a script, in a request to Java."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

STOPPED = "The job was stopped by SIGTERM before it had finished."
BEGINNING = """
import signal, sys, time
from analyzer.errors import Stopped
from analyzer.heed_signals import heed_signals, rest

def stop():
    signal.raise_signal(signal.SIGTERM)

heed_signals()
"""


def said(code: str) -> str:
    """What a process says that heeds signals and does this."""
    done = subprocess.run(
        [sys.executable, "-c", BEGINNING + textwrap.dedent(code)],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    return done.stdout + (f"failed: {done.stderr}" if done.returncode else "")


def test_a_stop_passes_by_who_takes_every_exception():
    code = """
        try:
            try:
                stop()
            except Exception:
                print("dropped")
        except Stopped as told:
            print(told.message)
    """
    assert said(code) == f"{STOPPED}\n"


@pytest.mark.parametrize(
    "losing",
    [
        "class Lossy:\n    def __del__(self):\n        stop()\nLossy()",
        "try:\n    stop()\nexcept BaseException:\n    pass",
        "import contextlib\nwith contextlib.suppress(BaseException):\n    stop()",
    ],
    ids=["finalizer", "except", "suppress"],
)
def test_a_stop_that_got_lost_is_told_again(losing):
    code = BEGINNING + losing + "\ntry:\n    time.sleep(20)\nexcept Stopped as told:\n    print(told.message)\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=15, check=True)
    assert done.stdout == f"{STOPPED}\n"


def test_what_is_cleaned_up_on_the_way_is_not_interrupted():
    code = """
        from contextlib import contextmanager

        @contextmanager
        def open_folder():
            try:
                yield
            finally:
                time.sleep(1.5)
                print("folder deleted")

        try:
            with open_folder():
                try:
                    stop()
                finally:
                    try:
                        raise OSError("busy")
                    except OSError:
                        time.sleep(1.5)
                        print("processes ended")
        except Stopped as told:
            time.sleep(1.5)
            print(told.message)
    """
    assert said(code) == f"processes ended\nfolder deleted\n{STOPPED}\n"


def test_a_job_that_has_ended_is_not_told_again():
    code = """
        try:
            stop()
        except Stopped:
            rest()
        time.sleep(1.5)
        stop()
        print("ended in peace")
    """
    assert said(code) == "ended in peace\n"


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_command_that_is_stopped_says_so(tmp_path: Path, name: str, form: str) -> None:
    (tmp_path / "data.csv").write_text("a\n1\n")
    (tmp_path / "stop.py").write_text(
        f"import os, signal\ndef preprocess_handler(line):\n    os.kill(os.getpid(), signal.{name})\n    return line\n"
    )
    command = ["baseline", "data.csv", "--script", "stop.py", "--cores", "1", "--format", form]
    done = subprocess.run(
        [sys.executable, "-m", "analyzer", *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    stopped = STOPPED.replace("SIGTERM", name)
    assert done.returncode == 143, done.stderr
    assert f"Error: {stopped}" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == "" if form == "text" else json.loads(done.stdout)["message"] == stopped


IN_A_REQUEST = """
import os, signal
from py4j.clientserver import ClientServerConnection
from analyzer.__main__ import main

class Wire:
    def __init__(self, wire):
        self.wire = wire

    def __getattr__(self, name):
        return getattr(self.wire, name)

    def sendall(self, content):
        if b"toDF" in content or b"mapInArrow" in content:
            if WHEN == "sending":
                os.kill(os.getpid(), NUMBER)
            self.wire.sendall(content)
            os.kill(os.getpid(), NUMBER)
        self.wire.sendall(content)

connect = ClientServerConnection.connect_to_java_server

def connect_by_wire(self):
    connect(self)
    self.socket = Wire(self.socket)

ClientServerConnection.connect_to_java_server = connect_by_wire
raise SystemExit(main([]))
"""
"""A job that is told to end while it sends Java a request, or has just sent it."""


@pytest.mark.spark
@pytest.mark.parametrize(("when", "name"), [("sending", "SIGTERM"), ("answer", "SIGINT")])
def test_a_job_that_is_stopped_in_a_request_to_java_ends(tmp_path: Path, when: str, name: str) -> None:
    (tmp_path / "data.csv").write_text("a\n1\n")
    variables = {
        **os.environ,
        "ANALYZER_ROOT": str(tmp_path),
        "ANALYZER_ENGINE": "spark",
        "dataset_source": str(tmp_path / "data.csv"),
        "dataset_format": json.dumps({"csv": {"header": True}}),
        "output_path": str(tmp_path / "out"),
    }
    code = f"import signal\nWHEN, NUMBER = {when!r}, signal.{name}\n{IN_A_REQUEST}"
    done = subprocess.run(
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 143, done.stderr
    message = (tmp_path / "output" / "message").read_text()
    assert message.startswith(f"Error: The job was stopped by {name} before it had finished.")
    assert list((tmp_path / "out").iterdir()) == []
    assert "Traceback" not in done.stderr
