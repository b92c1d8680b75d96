"""The user's post-processing script: called once, heard, and explained when it fails."""

from __future__ import annotations

import logging

import pytest

from analyzer.errors import ScriptError, Stopped
from analyzer.postprocess import postprocess


def script(folder, text):
    path = folder / "after.py"
    path.write_text(text)
    return path


def test_the_script_of_the_documentation_runs_once_and_is_heard(tmp_path, capfd, caplog):
    with caplog.at_level(logging.INFO):
        postprocess(
            script(tmp_path, 'def postprocess_handler():\n    print("Hello from the post-processing script!")\n')
        )
    assert capfd.readouterr().out == "Hello from the post-processing script!\n"
    assert "Invoking customer's post-processing script..." in caplog.text


def test_it_may_read_and_rewrite_the_reports(tmp_path, monkeypatch):
    report = tmp_path / "constraint_violations.json"
    report.write_text("old")
    monkeypatch.setenv("REPORT", str(report))
    text = "import os, pathlib\ndef postprocess_handler():\n    p = pathlib.Path(os.environ['REPORT'])\n"
    postprocess(script(tmp_path, text + "    p.write_text(p.read_text() + ', read')\n"))
    assert report.read_text() == "old, read"


def test_a_missing_script_is_named(tmp_path):
    with pytest.raises(ScriptError, match=r"post_analytics_processor_script.*nowhere\.py"):
        postprocess(tmp_path / "nowhere.py")


def test_a_script_without_the_handler_is_told_its_name(tmp_path):
    with pytest.raises(ScriptError, match=r"postprocess_handler"):
        postprocess(script(tmp_path, "def post_process_handler():\n    pass\n"))


def test_a_handler_that_raises_is_shown_in_the_log_and_named_in_the_message(tmp_path, caplog):
    path = script(tmp_path, "def inner():\n    return {}['drift']\n\ndef postprocess_handler():\n    inner()\n")
    with pytest.raises(ScriptError) as caught:
        postprocess(path)
    assert "after.py" in caught.value.message
    assert "line 2" in caught.value.message
    assert "KeyError: 'drift'" in caught.value.message
    assert "reports were written before" in caught.value.hint
    assert "in postprocess_handler" in caplog.text
    assert "return {}['drift']" in caplog.text


@pytest.mark.parametrize("code", ["", "0", "None"])
def test_leaving_with_success_is_success(tmp_path, code):
    postprocess(script(tmp_path, f"import sys\ndef postprocess_handler():\n    sys.exit({code})\n"))


@pytest.mark.parametrize("code", ["3", "'no'", "[]"])
def test_leaving_with_a_code_is_a_failure(tmp_path, code):
    with pytest.raises(ScriptError, match="SystemExit"):
        postprocess(script(tmp_path, f"import sys\ndef postprocess_handler():\n    sys.exit({code})\n"))


def test_a_stop_of_the_job_is_not_the_scripts_fault(tmp_path):
    text = "from analyzer.errors import Stopped\ndef postprocess_handler():\n    raise Stopped('SIGTERM')\n"
    with pytest.raises(Stopped):
        postprocess(script(tmp_path, text))
