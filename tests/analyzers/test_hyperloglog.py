from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.analyzers.hyperloglog import HyperLogLog, hash_numbers
from analyzer.analyzers.hyperloglog_bias import BIASES, RAW_ESTIMATES


def hashes_of(texts: list[str]) -> np.ndarray:
    return np.array([xxhash.xxh64_intdigest(text.encode(), seed=42) for text in texts], dtype=np.uint64)


def counter_of(texts: list[str]) -> HyperLogLog:
    counter = HyperLogLog()
    counter.update(hashes_of(texts))
    return counter


@settings(max_examples=40)
@given(
    count=st.sampled_from([0, 1, 2, 84, 300, 390, 400, 410, 600, 1000, 2273, 2560, 2700, 5000, 20_000]),
    seed=st.integers(0, 999),
)
def test_registers_and_estimate_are_the_references(oracle: ModuleType, count: int, seed: int) -> None:
    texts = [f"{seed}-{i}" for i in range(count)]
    registers = oracle.hll_registers(texts)

    found = counter_of(texts)

    assert found.registers.tolist() == registers
    assert found.estimate() == oracle.hll_estimate(registers, RAW_ESTIMATES, BIASES)


def test_the_bias_table_has_a_bias_for_each_estimate_in_order() -> None:
    assert len(RAW_ESTIMATES) == len(BIASES)
    assert list(RAW_ESTIMATES) == sorted(RAW_ESTIMATES)


@pytest.mark.parametrize("count", [100, 1000, 10_000, 100_000])
def test_is_near_the_true_count(count: int) -> None:
    assert counter_of([str(i) for i in range(count)]).estimate() == pytest.approx(count, rel=0.15)


@settings(max_examples=40)
@given(texts=st.lists(st.text(max_size=5), max_size=200), order=st.randoms(), cut=st.integers(0, 200))
def test_order_repeats_and_splits_make_no_difference(texts: list[str], order: object, cut: int) -> None:
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    shuffled = [*texts, *texts]
    order.shuffle(shuffled)
    first, second = counter_of(shuffled[:cut]), counter_of(shuffled[cut:])

    first.merge(second)

    assert first.registers.tolist() == counter_of(texts).registers.tolist()


@pytest.mark.parametrize("lowest", [0, 1, 7, 54])
def test_hashes_that_cannot_raise_a_register_are_passed_over_and_others_are_not(lowest: int) -> None:
    full, one_by_one = HyperLogLog(), HyperLogLog()
    for counter in (full, one_by_one):
        counter.registers[:] = lowest
    hashes = np.array([i << 55 | 1 << bit for i in range(0, 512, 37) for bit in range(55)], dtype=np.uint64)

    full.update(hashes)
    for value in hashes:
        one_by_one.update(np.array([value]))

    assert full.registers.tolist() == one_by_one.registers.tolist()
    assert full.registers[0] == max(lowest, 55)


def test_a_hash_without_further_bits_has_the_highest_rank() -> None:
    counter = HyperLogLog()

    counter.update(np.array([3 << 55], dtype=np.uint64))

    assert counter.registers[3] == 56


def test_merging_with_nothing_changes_nothing() -> None:
    texts = ["a", "b", "c"]
    left, right = HyperLogLog(), counter_of(texts)

    left.merge(counter_of(texts))
    right.merge(HyperLogLog())

    assert left.to_document() == right.to_document() == counter_of(texts).to_document()


def test_document_round_trip() -> None:
    counter = counter_of([str(i) for i in range(3000)])

    again = HyperLogLog.from_document(counter.to_document())

    assert again.registers.tolist() == counter.registers.tolist()
    again.update(hashes_of(["another"]))  # what was read may be changed


@settings(max_examples=50)
@given(values=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20))
def test_whole_numbers_hash_as_their_eight_bytes(values: list[int]) -> None:
    expected = [xxhash.xxh64_intdigest(value.to_bytes(8, "little", signed=True), seed=42) for value in values]

    assert hash_numbers(np.array(values, dtype=np.int64)).tolist() == expected


@settings(max_examples=50)
@given(values=st.lists(st.floats(allow_nan=False), min_size=1, max_size=20))
def test_doubles_hash_as_their_eight_bytes(values: list[float]) -> None:
    expected = [xxhash.xxh64_intdigest(np.float64(value).tobytes(), seed=42) for value in values]

    assert hash_numbers(np.array(values)).tolist() == expected
