from __future__ import annotations

import ast
import datetime as dt
import json
import logging
import random
import re
import subprocess
import sys
import textwrap
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.errors import ScriptError, Stopped
from analyzer.records import CapturedData
from analyzer.scripts import (
    UNCHANGED,
    CsvLine,
    load_handler,
    ordered_keys,
    preprocess_caller,
    row_dicts,
    script_error,
    text_of,
)

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT / ".." / "shared"
FAQ = SHARED / "seed" / "model-monitor-faq.es.txt"
CAPTURE = SHARED / "golden" / "records" / "capture.jsonl"

needs_faq = pytest.mark.skipif(not FAQ.is_file(), reason="the FAQ's text is not beside the checkout")


def script(folder: Path, source: str, name: str = "my_script.py") -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(source))
    return path


def captured(request: str, response: str = "0.1\n", event_id: str = "e") -> CapturedData:
    return CapturedData(
        {
            "captureData": {
                "endpointInput": {
                    "observedContentType": "text/csv",
                    "mode": "INPUT",
                    "data": request,
                    "encoding": "CSV",
                },
                "endpointOutput": {
                    "observedContentType": "text/csv",
                    "mode": "OUTPUT",
                    "data": response,
                    "encoding": "CSV",
                },
            },
            "eventMetadata": {"eventId": event_id, "inferenceTime": "2025-02-16T11:19:01Z"},
            "eventVersion": "0",
        }
    )


# --- loading ----------------------------------------------------------------------------------------------------------


def test_a_script_imports_files_beside_it(tmp_path: Path) -> None:
    script(tmp_path, "FACTOR = 3", "beside_it_module.py")
    path = script(
        tmp_path,
        """
        from beside_it_module import FACTOR
        def preprocess_handler(inference_record):
            return {"x": int(inference_record) * FACTOR}
        """,
    )
    assert preprocess_caller(path)("5") == {"x": 15}


def test_a_file_beside_the_script_named_like_a_library_cannot_break_the_job(tmp_path: Path) -> None:
    script(tmp_path, "raise RuntimeError('not the library')", "wave.py")
    path = script(tmp_path, "def preprocess_handler(r): return []")
    code = (
        "import sys; from pathlib import Path; from analyzer.scripts import load_handler;"
        f"load_handler(Path({str(path)!r}), 'preprocess_handler'); import wave; print(wave.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout.strip() == "wave", done.stderr


def test_loading_leaves_no_files_beside_the_script_and_sees_edits(tmp_path: Path) -> None:
    path = script(tmp_path, "def preprocess_handler(r): return {'v': 1}")
    assert load_handler(path, "preprocess_handler")("x") == {"v": 1}
    path.write_text("def preprocess_handler(r): return {'v': 2}")
    assert load_handler(path, "preprocess_handler")("x") == {"v": 2}
    assert [entry.name for entry in tmp_path.iterdir()] == ["my_script.py"]


def test_dataclasses_of_a_script_work(tmp_path: Path) -> None:
    path = script(
        tmp_path,
        """
        from __future__ import annotations
        from dataclasses import dataclass, asdict
        from typing import ClassVar
        @dataclass
        class Row:
            kind: ClassVar[str] = "row"
            x: int
        def preprocess_handler(inference_record):
            return asdict(Row(int(inference_record)))
        """,
        "my-script.v2.py",
    )
    assert preprocess_caller(path)("4") == {"x": 4}


def test_a_missing_script_names_the_variable_and_what_the_folder_has(tmp_path: Path) -> None:
    script(tmp_path, "", "preprocess.py")
    with pytest.raises(ScriptError) as caught:
        preprocess_caller(tmp_path / "preproces.py")
    assert "record_preprocessor_script: there is no file" in caught.value.message
    assert "preproces.py" in caught.value.message
    assert "preprocess.py" in caught.value.hint


def test_a_folder_in_place_of_a_script(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="It is a folder"):
        load_handler(tmp_path, "postprocess_handler")


@pytest.mark.parametrize(
    ("source", "short"),
    [
        ("import math\nimport no_such_library_at_all\n", "line 2: ModuleNotFoundError: No module named"),
        ("x = 1\ndef preprocess_handler(r)\n    return r\n", "line 2: SyntaxError: expected ':'"),
        ("def f():\n    return {}['a']\nf()\n", "line 2: KeyError: 'a'"),
        ("import sys\nsys.exit('stop here')\n", "line 2: SystemExit: stop here"),
    ],
)
def test_a_script_that_does_not_import_says_where_and_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, source: str, short: str
) -> None:
    path = tmp_path / "broken.py"
    path.write_text(source)
    with pytest.raises(ScriptError) as caught:
        preprocess_caller(path)
    assert caught.value.message.startswith(f"record_preprocessor_script broken.py does not import: {short}")
    assert f'File "{path}", line' in caplog.text
    assert "scripts.py" not in caplog.text.replace("scripts.py:", "", 1)  # no frames of ours, the log's own place aside
    assert "importlib" not in caplog.text


def test_a_missing_library_is_named_in_the_cure(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="Install 'no_such_library_at_all'"):
        preprocess_caller(script(tmp_path, "import no_such_library_at_all"))


def test_a_script_without_the_handler_names_the_functions_it_has(tmp_path: Path) -> None:
    path = script(tmp_path, "from json import loads\ndef process(r): ...\ndef other(): ...\n")
    with pytest.raises(ScriptError) as caught:
        preprocess_caller(path)
    assert caught.value.message.endswith("lacks preprocess_handler; it defines process, other.")
    assert "preprocess_handler(inference_record, logger)" in caught.value.hint


@pytest.mark.parametrize("signature", ["()", "(a, b, c)", "(a, *, mode)", "(a, b, logger)", "(**settings)"])
def test_a_handler_of_another_arity_is_refused(tmp_path: Path, signature: str) -> None:
    with pytest.raises(ScriptError, match=re.escape(f"preprocess_handler{signature} cannot be called")):
        preprocess_caller(script(tmp_path, f"def preprocess_handler{signature}: return []"))


def test_a_postprocess_handler_takes_nothing(tmp_path: Path) -> None:
    handler = load_handler(script(tmp_path, "def postprocess_handler(name='x'): return name"), "postprocess_handler")
    assert handler() == "x"
    with pytest.raises(ScriptError, match=r"post_analytics_processor_script .*postprocess_handler\(record\)"):
        load_handler(script(tmp_path, "def postprocess_handler(record): ..."), "postprocess_handler")


def test_the_end_of_the_job_passes_through_an_import(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        preprocess_caller(script(tmp_path, "from analyzer.errors import Stopped\nraise Stopped('SIGTERM')"))


# --- calling ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("definition", "gets_logger"),
    [
        ("def preprocess_handler(inference_record): return ['x', None]", False),
        ("def preprocess_handler(inference_record, logger): return ['x', logger.name]", True),
        ("def preprocess_handler(inference_record, log): return ['x', log.name]", True),
        ("def preprocess_handler(inference_record, log, /): return ['x', log.name]", True),
        ("def preprocess_handler(inference_record, logger=None): return ['x', logger and logger.name]", True),
        ("def preprocess_handler(inference_record, *, logger): return ['x', logger.name]", True),
        ("def preprocess_handler(inference_record, scale=2): return ['x', None if scale == 2 else scale]", False),
        ("def preprocess_handler(inference_record, scale=2, logger=None): return ['x', logger.name]", True),
        ("def preprocess_handler(*arguments): return ['x', None if len(arguments) == 1 else 'more']", False),
        ("def preprocess_handler(*arguments, **named): return ['x', named.get('logger')]", False),
        ("preprocess_handler = lambda logger: ['x', None]", False),
        (
            """
            import functools
            def timed(function):
                @functools.wraps(function)
                def inner(*arguments, **named):
                    return function(*arguments, **named)
                return inner
            @timed
            def preprocess_handler(inference_record, logger): return ['x', logger.name]
            """,
            True,
        ),
        (
            """
            class Handler:
                def __call__(self, inference_record, logger): return ['x', logger.name]
            preprocess_handler = Handler()
            """,
            True,
        ),
    ],
)
def test_the_logger_goes_to_handlers_that_ask_for_it(tmp_path: Path, definition: str, gets_logger: bool) -> None:
    assert preprocess_caller(script(tmp_path, definition))("r") == ["x", "preprocess" if gets_logger else None]


def test_state_lives_as_long_as_the_process_and_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
        import os
        calls = []
        def preprocess_handler(inference_record):
            calls.append(1)
            return {"calls": len(calls), "setting": os.environ.get("MY_SETTING")}
        """
    path = script(tmp_path, source)
    assert [preprocess_caller(path)("r")["calls"] for _ in range(3)] == [1, 2, 3]
    monkeypatch.setenv("MY_SETTING", "on")
    assert preprocess_caller(path)("r") == {"calls": 1, "setting": "on"}
    path.write_text(path.read_text() + "# edited")
    assert preprocess_caller(path)("r")["calls"] == 1


def test_lines_of_the_logger_reach_standard_error_of_a_bare_process(tmp_path: Path) -> None:
    path = script(
        tmp_path,
        """
        def preprocess_handler(inference_record, logger):
            logger.info("seen %s", inference_record)
            print("on stdout")
        """,
    )
    code = (
        "from pathlib import Path; from analyzer.scripts import preprocess_caller;"
        f"preprocess_caller(Path({str(path)!r}))('r1')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert re.search(r"INFO preprocess: seen r1$", done.stderr.strip())
    assert done.stdout == "on stdout\n"


# --- failing ----------------------------------------------------------------------------------------------------------


def failing(folder: Path, source: str, record: Any = "r") -> tuple[Path, Exception]:
    path = script(folder, source)
    with pytest.raises(Exception) as caught:
        preprocess_caller(path)(record)
    return path, caught.value


def test_an_error_names_script_line_and_record_and_logs_the_users_traceback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = """
        def preprocess_handler(inference_record):
            return pick(inference_record)
        def pick(row):
            try:
                return row["x"]
            except KeyError as error:
                raise ValueError("no x\\n here") from error
        """
    path, error = failing(tmp_path, source, {})
    found = script_error(path, error, "record 17 of file a/b.jsonl")
    assert found.message == (
        "record_preprocessor_script my_script.py line 8: ValueError: no x here (record 17 of file a/b.jsonl)."
    )
    assert "(record 17 of file a/b.jsonl)" in caplog.text
    assert "KeyError: 'x'" in caplog.text
    assert 'return row["x"]' in caplog.text
    assert "test_scripts.py" in caplog.text  # frames of others stay, only the analyzer's own go
    assert "analyzer/records.py" not in caplog.text


def test_frames_of_the_analyzer_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, error = failing(
        tmp_path, "def preprocess_handler(inference_record): return inference_record.event_data", captured("1")
    )
    found = script_error(path, error, "record 1 of file x")
    assert "line 1: AttributeError: a record has no 'event_data' any more" in found.message
    assert "return inference_record.event_data" in caplog.text
    assert "records.py" not in caplog.text


def test_a_half_that_was_not_captured_has_its_own_cure(tmp_path: Path) -> None:
    record = CapturedData({"captureData": {"endpointInput": {"data": "1"}}})
    path, error = failing(tmp_path, "def preprocess_handler(r): return r.endpoint_output.data", record)
    assert "not captured: test for None" in script_error(path, error).hint


def test_long_errors_are_cut_to_fit_the_exit_message(tmp_path: Path) -> None:
    path, error = failing(tmp_path, "def preprocess_handler(r): raise ValueError('ü' * 5000)")
    assert len(str(script_error(path, error, "record 1 of file x")).encode()) < 1024


def test_a_return_value_without_sense_gains_script_and_record(tmp_path: Path) -> None:
    with pytest.raises(ScriptError) as caught:
        row_dicts({1, 2}, "r")
    found = script_error(tmp_path / "s.py", caught.value, "record 3 of file x.csv")
    assert found.message == "record_preprocessor_script s.py: the handler returned a set (record 3 of file x.csv)."
    assert found.hint.startswith("Return a flat dict")


# --- return values ----------------------------------------------------------------------------------------------------


def test_rows_of_every_shape() -> None:
    record = captured("1,2")
    assert row_dicts({"a": 1, "b": None}, record) == [{"a": 1, "b": None}]
    assert row_dicts([{"a": 1}, {"a": 2}], record) == [{"a": 1}, {"a": 2}]
    assert row_dicts([], record) == []
    assert row_dicts(None, record) == []
    assert row_dicts({}, record) == [{}]


@pytest.mark.parametrize("record", [captured("1"), "1,2", {"a": {"nested": 1}}])
def test_the_record_itself_is_unchanged(record: Any) -> None:
    assert row_dicts(record, record) is UNCHANGED
    assert row_dicts([record], record) is UNCHANGED


def test_other_text_is_a_csv_line() -> None:
    assert row_dicts("1,,3", "1,-1,3") == CsvLine("1,,3")


def test_keys_become_text() -> None:
    (row,) = row_dicts({i: i for i in range(12)}, "r")
    assert ordered_keys(row) == ["0", "1", "10", "11", "2", "3", "4", "5", "6", "7", "8", "9"]
    with pytest.raises(ScriptError, match="two keys that both read '1'"):
        row_dicts({1: "a", "1": "b"}, "r")


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Decimal("12.50"), "12.50"),
        (Decimal("1E+3"), "1000"),
        (Decimal("NaN"), "nan"),
        (dt.date(2025, 2, 16), "2025-02-16"),
        (dt.datetime(2025, 2, 16, 11, 19, 1, tzinfo=dt.UTC), "2025-02-16T11:19:01+00:00"),
        (np.int64(7), 7),
        (np.float32(0.5), 0.5),
        (np.float64(0.1), 0.1),
        (np.longdouble(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (np.array(3), 3),
        (np.datetime64("2025-02-16"), "2025-02-16"),
        (np.datetime64("NaT"), None),
        (pd.NaT, None),
        (pd.NA, None),
        (pd.Timestamp("2025-02-16"), "2025-02-16T00:00:00"),
    ],
)
def test_values_of_libraries_become_plain(value: Any, plain: Any) -> None:
    ((found,),) = [row.values() for row in row_dicts({"v": value}, "r")]
    assert found == plain
    assert type(found) is type(plain)


@pytest.mark.parametrize("value", [[1], {"a": 1}, (1, 2), np.array([1.0, 2.0]), {1}])
def test_nested_values_name_the_key_and_the_cure(value: Any) -> None:
    with pytest.raises(ScriptError, match="under the key 'predictions'") as caught:
        row_dicts({"ok": 1, "predictions": value}, "r")
    assert caught.value.hint.startswith("Flatten it")
    for ready_made in re.findall(r"\w+\.py", caught.value.hint):
        assert (ROOT / "preprocessors" / ready_made).is_file()


@pytest.mark.parametrize(
    ("result", "name"),
    [
        (5, "an int"),
        (True, "a bool"),
        (b"x", "a bytes"),
        (({},), "a tuple"),
        (object(), "an object"),
        (captured("2"), "CapturedData"),
    ],
)
def test_other_returns_name_their_type(result: Any, name: str) -> None:
    with pytest.raises(ScriptError, match=name):
        row_dicts(result, captured("1"))


def test_a_list_names_the_item_that_is_no_row() -> None:
    with pytest.raises(ScriptError, match="item 2 is a str"):
        row_dicts([{}, "x"], "r")


def test_values_of_unknown_types_are_refused() -> None:
    with pytest.raises(ScriptError, match="a bytes under the key 'blob'"):
        row_dicts({"blob": b"x"}, "r")
    with pytest.raises(ScriptError, match="a complex under the key 'z'"):
        row_dicts({"z": np.complex128(1j)}, "r")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("", ""),
        ("00.50", "00.50"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (2**70, str(2**70)),
        (1.0, "1.0"),
        (1e7, "1.0E7"),
        (0.1, "0.1"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        ("héllo 🙂", "héllo 🙂"),
        ("half \ud83d pair", "half \ufffd pair"),
        ("\ud83d\ude42", "🙂"),
    ],
)
def test_values_as_text(value: Any, text: str | None) -> None:
    assert text_of(value) == text


@given(st.text(st.characters(exclude_categories=[])) | st.floats() | st.integers() | st.booleans())
def test_every_plain_value_becomes_text_that_a_file_can_hold(value: Any) -> None:
    text = text_of(value)
    assert text is not None
    text.encode()
    if isinstance(value, float) and value == value:  # noqa: PLR0124 (not NaN)
        assert float(text.replace("Infinity", "inf")) == value


@given(st.dictionaries(st.text() | st.integers(min_value=10), st.none() | st.text() | st.floats() | st.integers()))
def test_a_flat_dict_keeps_its_values_in_their_order(row: dict[Any, Any]) -> None:
    if len({str(key) for key in row}) == len(row):
        (found,) = row_dicts(row, "r")
        assert list(found) == [str(key) for key in row]
        assert all(mine is given_ for mine, given_ in zip(found.values(), row.values(), strict=True))


# --- the scripts of the public FAQ ------------------------------------------------------------------------------------


def from_faq(start: str, *breaks: tuple[str, int]) -> str:
    """Cut a script out of the FAQ's running text and give it back its line breaks, which were lost there.

    Each break is how the next line starts and its indentation; the first line starts at `start`, the last one ends the
    paragraph. Nothing but blanks between the lines changes.
    """
    text = FAQ.read_text()
    assert text.count(start) == 1
    text = text[text.index(start) :].split("\n", 1)[0]
    position = 0
    for token, indent in breaks:
        position = text.index(" " + token, position)
        text = text[:position] + "\n" + " " * indent + text[position + 1 :]
        position += indent + 1
    ast.parse(text)
    return text


ARRAY = (
    "def preprocess_handler(inference_record): input_data = inference_record.endpoint_input.data output_data",
    ("input_data =", 4),
    ("output_data =", 4),
    ("data =", 4),
    ("return", 4),
)
SENTINEL = (
    "def preprocess_handler(inference_record): input_data = inference_record.endpoint_input.data return",
    ("input_data =", 4),
    ("return", 4),
)
SAMPLING = (
    "import random def preprocess_handler",
    ("def", 0),
    ("# we set up", 4),
    ("if random", 4),
    ("# return", 8),
    ("return []", 8),
    ("input_data =", 4),
    ("return {", 4),
)
LOGGING = (
    "def preprocess_handler(inference_record, logger): ",
    ("logger.info", 4),
    ("logger.debug", 4),
    ("logger.warning", 4),
    ("logger.error", 4),
    ("return", 4),
)
POSTPROCESS = ("def postprocess_handler(): print", ("print", 4))
GROUND_TRUTH = (
    "import random def ground_truth_with_id",
    ("def ground_truth_with_id", 0),
    ("random.seed", 4),
    ("rand =", 4),
    ("# format", 4),
    ("return", 4),
    ('"encoding"', 8),
    ("def upload_ground_truth", 0),
    ("records =", 4),
    ("fake_records =", 4),
    ("data_to_upload =", 4),
    ("target_s3_uri =", 4),
    ("print", 4),
    ("S3Uploader", 4),
    ("# Generate data for", 0),
    ("upload_ground_truth(", 0),
    ("# Generate data once", 0),
    ("def generate", 0),
    ("upload_ground_truth(", 4),
    ("for _ in", 4),
    ("time.sleep", 8),
    ("if terminate_event", 8),
    ("break", 12),
    ("ground_truth_thread =", 0),
    ("ground_truth_thread.start", 0),
)


def faq_script(folder: Path, cut: tuple[Any, ...]) -> Path:
    path = folder / "faq.py"
    path.write_text(from_faq(cut[0], *cut[1:]))
    return path


@needs_faq
def test_faq_array_to_columns(tmp_path: Path) -> None:
    (row,) = row_dicts(preprocess_caller(faq_script(tmp_path, ARRAY))(captured("5,7", "1.0,2.1\n")), None)
    assert ordered_keys(row) == [str(i).zfill(20) for i in range(4)]
    assert [row[key] for key in ordered_keys(row)] == ["1.0", "2.1", "5", "7"]


@needs_faq
@pytest.mark.skipif(not CAPTURE.is_file(), reason="the original's records are not beside the checkout")
def test_faq_array_to_columns_on_captured_traffic(tmp_path: Path) -> None:
    handler = preprocess_caller(faq_script(tmp_path, ARRAY))
    for line in CAPTURE.read_bytes().splitlines():
        record = CapturedData(orjson.loads(line))
        (row,) = row_dicts(handler(record), record)
        assert len(row) == 8
        assert row["0".zfill(20)] == record.endpoint_output.data


@needs_faq
def test_faq_sentinel_has_integer_keys_and_never_matches_text(tmp_path: Path) -> None:
    (row,) = row_dicts(preprocess_caller(faq_script(tmp_path, SENTINEL))(captured("5,-1,7")), None)
    assert row == {"0": "5", "1": "-1", "2": "7"}


@needs_faq
def test_faq_sampling_keeps_one_in_ten(tmp_path: Path) -> None:
    handler = preprocess_caller(faq_script(tmp_path, SAMPLING))
    random.seed(1)
    rows = [row for _ in range(2000) for row in row_dicts(handler(captured("5,7")), None)]
    assert 140 < len(rows) < 260
    assert rows[0] == {"0": "5", "1": "7"}
    random.seed(1)
    assert len([row for _ in range(2000) for row in row_dicts(handler(captured("5,7")), None)]) == len(rows)


@needs_faq
def test_faq_logging_writes_the_record_and_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    record = captured("5,7", event_id="e-77")
    with caplog.at_level(logging.DEBUG, logger="preprocess"):
        assert row_dicts(preprocess_caller(faq_script(tmp_path, LOGGING))(record), record) is UNCHANGED
    lines = [(entry.name, entry.levelname) for entry in caplog.records]
    assert lines == [("preprocess", level) for level in ("INFO", "DEBUG", "WARNING", "ERROR")]
    assert "e-77" in caplog.records[0].getMessage()


@needs_faq
def test_faq_postprocessing_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load_handler(faq_script(tmp_path, POSTPROCESS), "postprocess_handler")()
    assert capsys.readouterr().out == "Hello from the post-processing script!\n"


@needs_faq
def test_faq_ground_truth_reads_as_records() -> None:
    uploads: list[tuple[str, str]] = []

    class Uploader:
        @staticmethod
        def upload_string_as_file_body(body: str, uri: str) -> None:
            uploads.append((body, uri))

    class Thread:
        def __init__(self, do_run: Any) -> None: ...
        def start(self) -> None: ...

    notebook = {
        "json": json,
        "datetime": dt.datetime,
        "timedelta": dt.timedelta,
        "test_dataset_size": 300,
        "ground_truth_upload_path": "s3://bucket/labels",
        "S3Uploader": Uploader,
        "WorkerThread": Thread,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # later Pythons deprecate utcnow
        exec(from_faq(GROUND_TRUTH[0], *GROUND_TRUTH[1:]), notebook)
    ((body, uri),) = uploads
    assert re.fullmatch(r"s3://bucket/labels/\d{4}/\d\d/\d\d/\d\d/\d{4}\.jsonl", uri)
    records = [CapturedData(orjson.loads(line)) for line in body.splitlines()]
    assert [record.event_metadata.event_id for record in records] == [str(i) for i in range(300)]
    assert 0.6 < sum(record.ground_truth.data == "1" for record in records) / 300 < 0.8
    assert {(record.ground_truth.encoding, record.event_version) for record in records} == {("CSV", "0")}
