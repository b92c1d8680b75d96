"""Processes that fork, end, are told to end or are killed: what they captured is there, once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from capture_files import files, payload, records


def run(code: str, *arguments: str | Path, wait: bool = True) -> subprocess.Popen[str]:
    started = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    if wait:
        assert started.wait(60) == 0
    return started


BEGIN = (
    "import os, sys, time; from analyzer.capture import Capture; capture = Capture(sys.argv[1], file_seconds=3600)\n"
)


def test_the_end_of_a_process_writes_everything(tmp_path):
    run(BEGIN + "for number in range(100): capture.record(str(number), '1')", tmp_path)
    assert sorted(int(payload(each)[0]) for each in records(tmp_path)) == list(range(100))


def test_processes_at_once_write_files_of_their_own(tmp_path):
    code = BEGIN + "for number in range(300): capture.record(sys.argv[2], '1'); time.sleep(0.001)"
    running = [run(code, tmp_path, name, wait=False) for name in "abcd"]
    assert [each.wait(60) for each in running] == [0, 0, 0, 0]
    found = [payload(each)[0] for each in records(tmp_path)]
    assert {name: found.count(name) for name in "abcd"} == dict.fromkeys("abcd", 300)
    assert len({path.name for path in files(tmp_path)}) == len(files(tmp_path)) >= 4


@pytest.mark.parametrize("ready", [False, True], ids=["before the first record", "with records that wait"])
def test_forked_workers_write_their_own_records_and_not_those_of_the_parent(tmp_path, ready):
    """As with `gunicorn --preload`: the capture is made before the workers are."""
    code = BEGIN + (
        "if sys.argv[2] == 'True':\n"
        "    for number in range(50): capture.record('parent', '1')\n"
        "children = []\n"
        "for name in 'ab':\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        for number in range(50): capture.record(name, '1')\n"
        "        sys.exit(0)\n"
        "    children.append(child)\n"
        "codes = [os.waitpid(child, 0)[1] for child in children]\n"
        "if sys.argv[2] != 'True':\n"
        "    for number in range(50): capture.record('parent', '1')\n"
        "sys.exit(max(codes))\n"
    )
    run(code, tmp_path, ready)
    found = [payload(each)[0] for each in records(tmp_path)]
    assert {name: found.count(name) for name in set(found)} == {"parent": 50, "a": 50, "b": 50}


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_of_multiprocessing_write_everything(tmp_path, method):
    script = tmp_path / "work.py"
    script.write_text(
        "import multiprocessing, sys\n"
        "from analyzer.capture import Capture\n"
        "capture = Capture(sys.argv[1], file_seconds=3600)\n"
        "def work(name):\n"
        "    for number in range(50): capture.record(name, '1')\n"
        "if __name__ == '__main__':\n"
        "    context = multiprocessing.get_context(sys.argv[2])\n"
        "    children = [context.Process(target=work, args=(name,)) for name in 'ab']\n"
        "    for child in children: child.start()\n"
        "    for child in children: child.join()\n"
    )
    subprocess.run([sys.executable, script, tmp_path / "captures", method], check=True, timeout=60)
    found = [payload(each)[0] for each in records(tmp_path)]
    assert {name: found.count(name) for name in set(found)} == {"a": 50, "b": 50}


def test_what_a_killed_process_left_is_completed_by_the_next(tmp_path):
    code = BEGIN + (
        "capture.record('left', '1')\n"
        "while capture.counts.written < 1: time.sleep(0.01)\n"
        "print('written', flush=True)\n"
        "time.sleep(60)"
    )
    killed = run(code, tmp_path, wait=False)
    assert killed.stdout.readline() == "written\n"
    (hidden,) = tmp_path.rglob(".*.jsonl")
    assert files(tmp_path) == []
    run(BEGIN + "capture.record('other', '1')", tmp_path)
    assert [payload(each)[0] for each in records(tmp_path)] == ["other"], "the first is alive and will publish its own"
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait(20)
    with hidden.open("a") as file:
        file.write('{"captureData":{"endpointInp')  # as a write that was cut off
    run(BEGIN + "capture.record('next', '1')", tmp_path)
    assert sorted(payload(each)[0] for each in records(tmp_path)) == ["left", "next", "other"]
    assert list(tmp_path.rglob(".*.jsonl")) == []


def test_a_full_disk_costs_records_and_leaves_whole_lines(tmp_path):
    """A file that must not grow any more stands for a disk that is full: a write gets through in part, then fails."""
    code = BEGIN + (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "for round in range(4):\n"
        "    for number in range(15): capture.record('x' * 200, '1')\n"
        "    capture.flush()\n"
        "counts = capture.counts\n"
        "print(counts.written, counts.failed, flush=True)\n"
        "for number in range(40): capture.record('x' * 200, '1')\n"
        "capture.close()\n"
        "print(counts.written, counts.failed, flush=True)\n"
    )
    said = run(code, tmp_path).stdout.read().split()
    assert said == ["60", "0", "60", "40"]
    assert len(records(tmp_path)) == 60


def test_a_server_that_is_told_to_end_writes_everything(tmp_path):
    (tmp_path / "served.py").write_text(
        "from analyzer.capture import Capture, CaptureMiddleware\n"
        f"capture = Capture({str(tmp_path / 'captures')!r}, file_seconds=3600)\n"
        "async def answer(scope, receive, send):\n"
        "    if scope['type'] == 'lifespan':\n"
        "        for step in ('startup', 'shutdown'):\n"
        "            await receive()\n"
        "            await send({'type': f'lifespan.{step}.complete'})\n"
        "        return\n"
        "    message = await receive()\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-type', b'text/csv')]})\n"
        "    await send({'type': 'http.response.body', 'body': message['body']})\n"
        "app = CaptureMiddleware(answer, capture)\n"
    )
    import socket

    import httpx

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "served:app", "--port", str(port), "--workers", "2"]
    server = subprocess.Popen(command, cwd=tmp_path)
    try:
        end = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/")
                break
            except httpx.TransportError:
                assert time.monotonic() < end
                time.sleep(0.1)
        for number in range(40):
            sent = httpx.post(
                f"http://127.0.0.1:{port}/invocations", content=str(number), headers={"content-type": "text/csv"}
            )
            assert sent.text == str(number)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    assert sorted(int(payload(each)[0]) for each in records(tmp_path)) == list(range(40))
