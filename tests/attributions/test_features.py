from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from analyzer.attributions.background import computed_background, rows_of
from analyzer.attributions.features import pick_features, read_features
from analyzer.attributions.given_rows import parse_rows, rows_in
from analyzer.errors import ConfigError

TABLE = pa.table(
    {
        "age": [" 41", "33", ""],
        "city": ["Wien", "Ulm", None],
        "score": pa.array([0.5, None, 2.0]),
        "code": ["1", "2", "3"],
        "flag": pa.array([True, False, True]),
    }
)
NAMES = list(TABLE.column_names)


def test_numbers_and_texts_go_to_a_block_and_back():
    features, block = read_features(TABLE, NAMES)
    assert features.values(block) == [
        [41, "Wien", 0.5, 1, 1],
        [33, "Ulm", None, 2, 0],
        [None, None, 2.0, 3, 1],
    ]
    assert isinstance(features.values(block)[0][0], int), "whole numbers are written without a point"
    frame = features.frame(block)
    assert list(frame.columns) == NAMES
    assert str(frame.dtypes["age"]) == "float64"
    assert frame["city"][:2].tolist() == ["Wien", "Ulm"]


def test_the_baseline_takes_part_in_what_a_column_is():
    features, block = read_features(TABLE, NAMES, [[40, "Linz", 1.0, "x", 1]])
    assert [each.texts is None for each in features.columns] == [True, False, True, False, True]
    row = features.encode([[40, "Linz", 1.0, "x", 1]])
    assert features.values(row) == [[40, "Linz", 1.0, "x", 1]]
    assert features.values(block)[0][3] == "1"


def test_a_frame_of_numbers_is_no_copy():
    features, block = read_features(TABLE, ["age", "score"])
    assert np.shares_memory(features.frame(block).to_numpy(), block)


def test_features_are_picked_by_name_or_place():
    assert pick_features(["b", 0], ["a", "b", "c"], "key") == [1, 0]
    with pytest.raises(ConfigError, match="key: 'd' is not a feature"):
        pick_features(["d"], ["a"], "key")
    with pytest.raises(ConfigError, match="key: 7 is not"):
        pick_features([7], ["a"], "key")


@pytest.mark.parametrize(
    ("given", "path", "expected"),
    [
        ([[1, "x"]], None, [[1, "x"]]),
        ([1, "x"], None, [[1, "x"]]),
        ([{"b": "x", "a": 1}], None, [[1, "x"]]),
        ({"a": 1, "b": "x"}, None, [[1, "x"]]),
        ({"instances": [[1, "x"], [2, "y"]]}, None, [[1, "x"], [2, "y"]]),
        ({"instances": [{"features": [1, "x"]}, {"features": [2, "y"]}]}, "instances[*].features", [[1, "x"], [2, "y"]]),
        ([{"features": [1, "x"], "label": 1}], "features", [[1, "x"]]),
    ],
)  # fmt: skip
def test_baselines_come_in_many_shapes(given, path, expected):
    assert rows_of(rows_in(given, path, ["a", "b"]), ["a", "b"], ["a", "b"]) == expected


def test_features_are_picked_from_rows_of_all_columns():
    assert rows_of([[9, 1, 2]], ["a", "b"], ["label", "a", "b"]) == [[1, 2]]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([[1]], "row 1 holds 1 values, but there are 2 features"),
        ([[1, 2], [1, [2]]], "row 2 has [2] for 'b'"),
        ([{"a": 1, "x": 3}], "an object has a, x, but no b"),
    ],
)
def test_baselines_that_do_not_fit_are_refused(given, said):
    with pytest.raises(ConfigError) as error:
        rows_of(rows_in(given, None, ["a", "b"]), ["a", "b"], ["a", "b"])
    assert said in str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n1,x\n2.5,\n",
        b"1,x\n2.5,\n",
        b'[[1, "x"], [2.5, null]]',
        b'{"a": 1, "b": "x"}\n{"a": 2.5, "b": null}\n',
        b'\xef\xbb\xbf[{"a": 1, "b": "x"}, {"a": 2.5, "b": null}]',
    ],
)
def test_baselines_are_read_from_files(content):
    rows = parse_rows(content, "b", None, ["a", "b"])
    assert rows_of(rows, ["a", "b"], ["a", "b"]) == [[1, "x"], [2.5, None]]


def test_a_file_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="b cannot be read"):
        parse_rows(b'{"a": ', "b", None, ["a"])


class TestComputed:
    @pytest.fixture(autouse=True)
    def _needs(self):
        pytest.importorskip("sklearn")

    def blobs(self, centres):
        random = np.random.default_rng(0)
        numbers = np.concatenate([random.normal(centre, 0.1, size=(50, 2)) for centre in centres])
        texts = [f"c{i}" for i in range(len(centres)) for _ in range(50)]
        return read_features(pa.table({"a": numbers[:, 0], "t": texts, "b": numbers[:, 1] * 1000}), ["a", "t", "b"])

    def test_the_number_of_clusters_is_found_and_texts_are_their_most_frequent(self):
        features, block = self.blobs([0.0, 5.0, 10.0])
        rows = features.values(computed_background(block, features, None, 0))
        assert sorted(row[1] for row in rows) == ["c0", "c1", "c2"]
        assert sorted(round(row[0]) for row in rows) == [0, 5, 10]

    def test_a_number_that_is_told_is_kept_and_seeded(self):
        features, block = self.blobs([0.0, 5.0, 10.0])
        found = computed_background(block, features, 2, 3)
        assert len(found) == 2
        assert (found == computed_background(block, features, 2, 3)).all()

    def test_fewer_different_rows_than_clusters(self):
        features, block = read_features(pa.table({"a": [1.0, 1.0, 2.0]}), ["a"])
        assert len(computed_background(block, features, 5, 0)) == 2

    def test_missing_values_and_texts_alone(self):
        features, block = read_features(pa.table({"a": [1.0, None, 3.0], "n": pa.nulls(3, pa.float64())}), ["a", "n"])
        found = computed_background(block, features, 1, 0)
        assert found[0][0] == 2
        assert math.isnan(found[0][1])
        features, block = read_features(pa.table({"t": ["x", "y", "y"]}), ["t"])
        assert features.values(computed_background(block, features, None, 0)) == [["y"]]
