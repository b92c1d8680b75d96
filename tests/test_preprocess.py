from __future__ import annotations

from pathlib import Path

import pytest
from traffic import BOTH, INPUT, columns, document, half, missing, notes, record, write_csv, write_lines

from analyzer.errors import InputError, ScriptError

RECORDS = [record(f"{i},{i % 2}", f"0.{i}\n", event=f"e-{i}") for i in range(1, 5)]


@pytest.fixture
def scripted(run_job, tmp_path):
    """Run a job with a script over captured records; gives the folder with its files."""

    def run(body: str, *records, form=BOTH, arguments="record", **settings):
        path = tmp_path / "script.py"
        path.write_text(
            f"def preprocess_handler({arguments}):\n" + "".join(f"    {line}\n" for line in body.splitlines())
        )
        source = write_lines(tmp_path / "data" / "x.jsonl", records or RECORDS)
        return run_job(source, form, record_preprocessor_script=path, **settings)

    return run


@pytest.fixture
def baseline(run_job, tmp_path):
    def run(*names: str) -> Path:
        train = write_csv(tmp_path / "train" / "1.csv", ",".join(names), [range(len(names))])
        return run_job(train, {"csv": {}}, into="baseline") / "constraints.json"

    return run


# --- arguments and returns --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("return {'b': record.endpoint_input.data.split(',')[0], 'a': 7}", {"a": [7.0] * 4, "b": [1.0, 2.0, 3.0, 4.0]}),
        ("return [{'a': 1}, {'a': 2}]", {"a": [1.0, 2.0] * 4}),
        ("return {1: 5, 10: 6, 2: 7}", {"1": [5.0] * 4, "10": [6.0] * 4, "2": [7.0] * 4}),
        ("return record", {"_c0": [0.1, 0.2, 0.3, 0.4], "_c1": [1.0, 2.0, 3.0, 4.0], "_c2": [1.0, 0.0, 1.0, 0.0]}),
        ("return record.endpoint_input.data", {"_c0": [1.0, 2.0, 3.0, 4.0], "_c1": [1.0, 0.0, 1.0, 0.0]}),
        ("print('noise', flush=True)\nreturn {'a': 1}", {"a": [1.0] * 4}),
        (
            "return {'a': None if record.event_metadata.event_id == 'e-1' else '', 'b': True}",
            {"a": {"": 3, "NullValue": 1}, "b": {"true": 4}},
        ),
        (
            "record.endpoint_input.data = '8,9'\nreturn record",
            {"_c0": [0.1, 0.2, 0.3, 0.4], "_c1": [8.0] * 4, "_c2": [9.0] * 4},
        ),
        (
            "return {'a': 1} if record.event_metadata.event_id == 'e-1' else {'b': 'x', 'a': 2}",
            {"a": [1.0, 2.0, 2.0, 2.0], "b": {"x": 3, "NullValue": 1}},
        ),
    ],
)
def test_what_a_script_returns_becomes_rows(scripted, body, found) -> None:
    form = INPUT if "return record.endpoint_input" in body else BOTH
    assert columns(scripted(body, form=form)) == found


def test_a_second_argument_is_the_logger(scripted, caplog) -> None:
    with caplog.at_level("INFO"):
        out = scripted("log.info('saw %s', record.event_metadata.event_id)\nreturn record", arguments="record, log")
    assert "saw e-3" in caplog.text
    assert len(columns(out)["_c0"]) == 4


def test_dropped_records_and_none_are_counted_apart(scripted) -> None:
    body = "return {'e-1': [], 'e-2': None}.get(record.event_metadata.event_id, {'a': 1})"
    out = scripted(body)
    assert columns(out) == {"a": [1.0, 1.0]}
    assert notes(out) == ["The script dropped 1 records.", "The script returned None for 1 records; they were dropped."]
    assert document(out, "profile")["dataset"]["dropped_records"] == 2


def test_a_script_that_drops_all_leaves_no_data(scripted) -> None:
    with pytest.raises(InputError, match="holds no data"):
        scripted("return []")
    assert document(scripted("return []", ANALYZER_EMPTY_INPUT="succeed"), "statistics")["dataset"]["item_count"] == 0


def test_a_script_sees_both_payloads_whatever_is_captured_by_name(scripted) -> None:
    out = scripted("return {'a': record.endpoint_output.data.strip()}", form=INPUT)
    assert columns(out) == {"a": [0.1, 0.2, 0.3, 0.4]}


def test_lines_and_rows_may_alternate(scripted) -> None:
    body = "return record if record.event_metadata.event_id != 'e-2' else {'_c0': 0.9, '_c1': 9, '_c2': 9}"
    assert columns(scripted(body))["_c1"] == [1.0, 9.0, 3.0, 4.0]


# --- the order of keys ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "names", "strict", "found"),
    [
        ("abc", ("c", "b", "a"), "false", {"c": 3.0, "b": 2.0, "a": 1.0}),
        ("abc", ("c", "b", "a"), "true", {"c": 1.0, "b": 2.0, "a": 3.0}),
        ("abc", ("x", "y", "z"), "false", {"x": 1.0, "y": 2.0, "z": 3.0}),
        ("cba", ("x", "y", "z"), "false", {"x": 3.0, "y": 2.0, "z": 1.0}),
        ("abc", ("x", "y"), "false", {"a": 1.0, "b": 2.0, "c": 3.0}),
    ],
)
def test_keys_are_matched_by_name_or_else_sorted_and_named_by_position(
    scripted, baseline, keys, names, strict, found
) -> None:
    body = f"return {{key: value for key, value in zip({keys!r}, (1, 2, 3))}}"
    out = scripted(body, baseline_constraints=baseline(*names), ANALYZER_STRICT_CAPTURE=strict)
    assert [(name, values[0]) for name, values in columns(out).items()] == list(found.items())


@pytest.mark.parametrize("names", [tuple("abc"), tuple("cba")])
def test_strict_naming_does_not_depend_on_how_many_fields_the_traffic_has(scripted, baseline, names) -> None:
    records = [record("1,2", "0"), record("1,2", "0")]
    out = scripted(
        "return {'c': 3, 'a': 1, 'b': 2}",
        *records,
        baseline_constraints=baseline(*names),
        ANALYZER_STRICT_CAPTURE="true",
    )
    assert {name: values[0] for name, values in columns(out).items()} == dict(zip(names, (1, 2, 3), strict=True))
    assert list(columns(out)) == list(names)


def test_ten_integer_keys_come_in_the_order_of_their_text(scripted, baseline) -> None:
    names = [f"n{i:02}" for i in range(12)]
    out = scripted("return {i: i for i in range(12)}", baseline_constraints=baseline(*names))
    assert [int(values[0]) for values in columns(out).values()] == [0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9]
    assert list(columns(out)) == names


def test_excluded_columns_of_a_script_are_named_by_the_baseline_or_by_index(scripted, baseline) -> None:
    out = scripted(
        "return {'a': 1, 'b': 2, 'c': 3}", exclude_features_attribute="1", baseline_constraints=baseline("x", "z")
    )
    assert columns(out) == {"x": [1.0] * 4, "z": [3.0] * 4}


# --- other formats ----------------------------------------------------------------------------------------------------


def test_csv_lines_reach_the_script_as_text_the_header_too(run_job, tmp_path) -> None:
    write_csv(tmp_path / "data" / "1.csv", "x,y", [(1, "a"), (2, "b")])
    write_csv(tmp_path / "data" / "2.csv", "x,y", [(3, '"c,d"')])
    script = tmp_path / "script.py"
    script.write_text(
        "def preprocess_handler(line):\n"
        "    return [] if line.startswith('x') else {'n': line.split(',')[0], 'text': line}\n"
    )
    out = run_job(tmp_path / "data", {"csv": {}}, record_preprocessor_script=script)
    assert columns(out) == {"n": [1.0, 2.0, 3.0], "text": {"1,a": 1, "2,b": 1, '3,"c,d"': 1}}


@pytest.mark.parametrize("body", ["return line", "return line.strip()", "return [] if line == '2,b' else line"])
def test_csv_lines_that_come_back_are_read_under_their_header(run_job, tmp_path, body) -> None:
    write_csv(tmp_path / "data" / "1.csv", "x,y", [(1, "a"), (2, "b")])
    script = tmp_path / "script.py"
    script.write_text(f"def preprocess_handler(line):\n    {body}\n")
    found = columns(run_job(tmp_path / "data", {"csv": {}}, record_preprocessor_script=script))
    assert found["x"] == ([1.0] if "[]" in body else [1.0, 2.0])
    assert list(found) == ["x", "y"]


def test_json_objects_reach_the_script_and_changes_in_place_are_honoured(run_job, tmp_path) -> None:
    write_lines(tmp_path / "data" / "1.jsonl", [{"a": 1, "b": [1, 2]}, {"a": 2, "b": [3]}])
    script = tmp_path / "script.py"
    script.write_text("def preprocess_handler(row):\n    row['n'] = len(row.pop('b'))\n    return row\n")
    assert columns(run_job(tmp_path / "data", {"json": {}}, record_preprocessor_script=script)) == {
        "a": [1.0, 2.0],
        "n": [2.0, 1.0],
    }


def test_payloads_that_have_no_columns_can_be_given_some(scripted) -> None:
    body = "import base64\nreturn {'size': len(base64.b64decode(record.endpoint_input.data))}"
    assert columns(scripted(body, record(half(b"\xff\xd8\xff", "BASE64", "image/jpeg")))) == {"size": [3.0]}


def test_missing_halves_reach_the_script_as_none(scripted) -> None:
    body = "return {'x': None if record.endpoint_output is None else 1}"
    assert missing(scripted(body, record("1"), record("1", "2"))) == {"x": 1}


# --- the same bytes again ---------------------------------------------------------------------------------------------


def test_a_script_that_samples_gives_the_same_bytes_again_and_others_for_another_seed(scripted) -> None:
    body = "import random\nreturn {'a': record.event_metadata.event_id} if random.random() < 0.5 else []"
    records = [record("1", "2", event=f"e{i}") for i in range(200)]
    first, second, other = (
        {
            path.name: path.read_bytes()
            for path in scripted(body, *records, into=f"run{i}", ANALYZER_PREPROCESS_SEED=seed).iterdir()
        }
        for i, seed in enumerate(["0", "0", "1"])
    )
    assert first == second
    assert first["statistics.json"] != other["statistics.json"]


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("return 5", "the handler returned an int"),
        ("return {'a': [1]}", "the handler returned a list under the key 'a'"),
        ("return [1]", "the handler returned a list whose item 1 is an int"),
        ("return record.event_data", "has no 'event_data' any more"),
        ("raise KeyError('x')", "line 2: KeyError: 'x'"),
        ("import sys\nsys.exit(3)", "line 3: SystemExit: 3"),
    ],
)
def test_nonsense_names_script_and_record(scripted, body, found) -> None:
    guarded = f"if record.event_metadata.event_id != 'e-3': return {{'a': 1}}\n{body}"
    with pytest.raises(ScriptError) as caught:
        scripted(guarded)
    assert found.replace("line 2", "line 3").replace("line 3: System", "line 4: System") in caught.value.message
    assert "record_preprocessor_script script.py" in caught.value.message
    assert "(record 3 of " in caught.value.message
    assert caught.value.hint


def test_an_unchanged_record_without_columns_names_the_record(scripted) -> None:
    with pytest.raises(InputError, match=r"x\.jsonl, line 1, endpointInput is BASE64 of content type image/png"):
        scripted("return record", record(half(b"\xff", "BASE64", "image/png")))
