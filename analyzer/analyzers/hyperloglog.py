"""Spark's HyperLogLog++ (relative error 5 %), fed with hashes: the original's approximate distinct counts."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from analyzer.analyzers.codec import pack, unpack
from analyzer.analyzers.hyperloglog_bias import BIASES, RAW_ESTIMATES

PRECISION = 9
REGISTERS = 1 << PRECISION
LINEAR_COUNTING_LIMIT = 400
NEIGHBOURS = 6
SEED = 42
Hashes = NDArray[np.uint64]


class HyperLogLog:
    """A distinct counter of 512 registers; what was added twice, or in another order, makes no difference."""

    __slots__ = ("registers",)

    def __init__(self) -> None:
        self.registers: NDArray[np.uint8] = np.zeros(REGISTERS, dtype=np.uint8)

    def update(self, hashes: Hashes) -> None:
        """Take in 64-bit hashes (XXH64, seed 42) of the values that are present."""
        raising = hashes[(hashes & self._mask_of_no_effect()) == 0]
        if len(raising):
            registers = (raising >> np.uint64(64 - PRECISION)).astype(np.intp)
            np.maximum.at(self.registers, registers, _ranks(raising))

    def merge(self, other: HyperLogLog) -> None:
        np.maximum(self.registers, other.registers, out=self.registers)

    def estimate(self) -> int:
        """Estimate the number of distinct values (Heule et al. 2013, with Spark's six neighbours and rounding)."""
        zeros = int(np.count_nonzero(self.registers == 0))
        if zeros and (linear := REGISTERS * math.log(REGISTERS / zeros)) <= LINEAR_COUNTING_LIMIT:
            return round(linear)
        alpha = 0.7213 / (1 + 1.079 / REGISTERS)
        raw = alpha * REGISTERS * REGISTERS / float(np.sum(2.0 ** -self.registers.astype(np.float64)))
        if raw < 5 * REGISTERS:
            raw -= _bias(raw)
        return math.floor(raw + 0.5)

    def to_document(self) -> str:
        return pack(self.registers)

    @classmethod
    def from_document(cls, document: str) -> HyperLogLog:
        counter = cls()
        counter.registers = unpack(document, np.uint8)
        return counter

    def _mask_of_no_effect(self) -> np.uint64:
        """Name the bits of which one alone gives a hash a rank that no register would be raised by."""
        lowest = int(self.registers.min())
        return np.uint64(((1 << lowest) - 1) << (64 - PRECISION - lowest)) if lowest else np.uint64(0)


def _ranks(hashes: Hashes) -> NDArray[np.uint8]:
    """Leading zeros after the register bits, plus one."""
    rest = (hashes << np.uint64(PRECISION)) | np.uint64(1 << (PRECISION - 1))
    high = (rest >> np.uint64(32)).astype(np.float64)
    low = (rest & np.uint64(0xFFFFFFFF)).astype(np.float64)
    # 32-bit halves are exact as doubles, whose exponent is the position of the highest set bit.
    length = np.where(high > 0, np.frexp(high)[1] + 32, np.frexp(low)[1])
    return (64 - length + 1).astype(np.uint8)


def _bias(raw: float) -> float:
    nearest = sorted(range(len(RAW_ESTIMATES)), key=lambda i: (RAW_ESTIMATES[i] - raw) ** 2)[:NEIGHBOURS]
    return sum(BIASES[i] for i in nearest) / NEIGHBOURS


def hash_numbers(values: NDArray[np.int64] | NDArray[np.float64]) -> Hashes:
    """XXH64 (seed 42) of 64-bit numbers, as Spark hashes long and double columns.

    Source: the XXH64 specification for an input of eight bytes.
    """
    prime1, prime2, prime3 = np.uint64(0x9E3779B185EBCA87), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9)
    prime4, prime5 = np.uint64(0x85EBCA77C2B2AE63), 0x27D4EB2F165667C5
    with np.errstate(over="ignore"):
        lane = _rotate(values.view(np.uint64) * prime2, 31) * prime1
        mixed = _rotate(lane ^ np.uint64(SEED + prime5 + 8), 27) * prime1 + prime4
        mixed = (mixed ^ (mixed >> np.uint64(33))) * prime2
        mixed = (mixed ^ (mixed >> np.uint64(29))) * prime3
        return mixed ^ (mixed >> np.uint64(32))


def _rotate(values: Hashes, bits: int) -> Hashes:
    return (values << np.uint64(bits)) | (values >> np.uint64(64 - bits))
