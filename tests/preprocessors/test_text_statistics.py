from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SCRIPT = "text_statistics.py"
CLASSES = ("letters", "digits", "punctuation", "whitespace", "symbols", "other")


@pytest.fixture
def describe(run: Any) -> Any:
    """Describe one text."""
    handler = run(SCRIPT)

    def of(text: str) -> dict[str, Any]:
        (row,) = handler({"text": text})
        return row

    return of


def test_a_sentence(describe: Any) -> None:
    row = describe("The cat saw the dog.\nIt's 42!")
    assert (row["characters"], row["lines"]) == (29, 2)
    assert (row["words"], row["vocabulary"]) == (7, 6)  # "the" twice; It's is one word
    assert row["type_token_ratio"] == pytest.approx(6 / 7)
    assert row["mean_word_length"] == pytest.approx((3 * 5 + 3 + 2) / 7)
    assert row["letters"] == pytest.approx(18 / 29)
    assert row["digits"] == pytest.approx(2 / 29)
    assert row["punctuation"] == pytest.approx(3 / 29)
    assert row["whitespace"] == pytest.approx(6 / 29)
    assert row["uppercase"] == pytest.approx(2 / 18)
    assert row["latin"] == 1.0


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Straße", "latin"),
        ("\uff21\uff22\uff23", "latin"),  # full width,
        ("Привет", "cyrillic"),
        ("λόγος", "greek"),
        ("مرحبا", "arabic"),
        ("שלום", "hebrew"),
        ("नमस्ते", "devanagari"),
        ("漢字かなカナ한국ㄅ", "cjk"),
        ("สวัสดี", "other_script"),
    ],
)
def test_scripts(describe: Any, text: str, script: str) -> None:
    row = describe(text)
    assert row[script] == 1.0
    assert row["letters"] == 1.0


def test_mixed_scripts_share_the_letters(describe: Any) -> None:
    row = describe("ab вг 12")
    assert (row["latin"], row["cyrillic"], row["greek"]) == (0.5, 0.5, 0.0)


def test_words_of_scripts_without_blanks_and_with_accents(describe: Any) -> None:
    assert describe("漢字です")["words"] == 4
    assert describe("한국 사람")["words"] == 2
    assert describe("नमस्ते दुनिया")["words"] == 2
    assert describe("cafe\u0301")["words"] == 1


def test_emoji(describe: Any) -> None:
    row = describe("ok 🙂☀")
    assert row["emoji"] == pytest.approx(2 / 5)
    assert row["symbols"] == pytest.approx(2 / 5)
    assert describe("a+b=c €")["emoji"] == 0


def test_empty_text_has_counts_but_no_ratios(describe: Any) -> None:
    row = describe("")
    assert (row["characters"], row["words"]) == (0, 0)
    assert row["type_token_ratio"] is None
    assert row["latin"] is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.text(st.characters(exclude_categories=[])))
def test_no_text_fails_and_the_classes_share_all_characters(describe: Any, text: str) -> None:
    row = describe(text)
    assert list(row) == list(describe(""))
    assert row["characters"] == len(text)
    assert row["vocabulary"] <= row["words"]
    ratios = [row[name] for name in ("uppercase", "emoji", "type_token_ratio", *CLASSES) if row[name] is not None]
    assert all(0 <= ratio <= 1 for ratio in ratios)
    if text:
        assert sum(row[name] for name in CLASSES) == pytest.approx(1)


def test_one_row_a_text_of_a_request(run: Any, captured: Any) -> None:
    rows = run(SCRIPT)(captured('{"inputs": ["one two", "three"]}', encoding="JSON"))
    assert [row["input_words"] for row in rows] == [2, 1]
    rows = run(SCRIPT)(captured('{"instances": [{"a": "one two", "b": ["three"]}, {"a": "x"}]}', encoding="JSON"))
    assert [row["input_words"] for row in rows] == [3, 1]
    rows = run(SCRIPT)(captured('{"text": "a"}\n{"text": "b c"}\n', encoding="JSON"))
    assert [row["input_words"] for row in rows] == [1, 2]


def test_wanted_fields_only(run: Any, captured: Any) -> None:
    describe = run(SCRIPT, TEXT_FIELDS="inputs,1")
    request = {"inputs": ["one two", "three"], "parameters": {"stop": "not this one"}}
    assert [row["input_words"] for row in describe(captured(json.dumps(request), encoding="JSON"))] == [2, 1]
    assert [row["input_words"] for row in describe(captured("no,one two,no\n"))] == [2]
    assert describe({"other": "text"})[0]["words"] is None
    rows = run(SCRIPT, TEXT_FIELDS="text")(
        captured('{"instances": [{"text": "one", "id": "x y"}, {"text": "two words"}]}', encoding="JSON")
    )
    assert [row["input_words"] for row in rows] == [1, 2]


def test_both_halves(run: Any, captured: Any) -> None:
    describe = run(SCRIPT, TEXT_PARTS="input,output")
    rows = describe(captured('["one two", "three"]', '["a", "b c d"]', encoding="JSON"))
    assert [(row["input_words"], row["output_words"]) for row in rows] == [(2, 1), (1, 3)]
    (row,) = describe(captured('["one two", "three"]', '"all of it"', encoding="JSON"))
    assert (row["input_words"], row["output_words"]) == (3, 3)
    (row,) = describe(captured('"one"', None, encoding="JSON"))
    assert (row["input_words"], row["output_words"]) == (1, None)


def test_other_bodies(run: Any, captured: Any) -> None:
    describe = run(SCRIPT)
    (row,) = describe(captured("plain, with comma\nand lines", content_type="text/plain"))
    assert (row["input_words"], row["input_lines"]) == (5, 2)
    body = base64.b64encode("Grüße".encode()).decode()
    assert describe(captured(body, encoding="BASE64", content_type="text/plain"))[0]["input_characters"] == 5
    (row,) = describe(captured('12,"hello, world",3.5\n'))
    assert row["input_words"] == 2
    assert run(SCRIPT, HEADER_NAME="id")("id,text\n") == []
    assert describe('7,"hello, world"\n')[0]["words"] == 2


def test_traffic_without_text_is_missing_not_dropped(run: Any, golden: Any) -> None:
    rows = [row for record in golden("capture.jsonl") for row in run(SCRIPT)(record)]
    assert len(rows) == 44
    assert all(value is None for row in rows for value in row.values())
