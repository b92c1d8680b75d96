"""Columns of texts to states, cut as one likes, and what the reference model says about them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from types import ModuleType

import pyarrow as pa
from hypothesis import strategies as st

from analyzer.analyze import finish_analysis
from analyzer.analyzers.hyperloglog_bias import BIASES, RAW_ESTIMATES
from analyzer.analyzers.table import Batch, Domains, Run, TableState
from analyzer.documents import NULL_VALUE, FeatureProfile, FeatureStatistics

Texts = Sequence[str | None]
BOOLEAN = ("true", "false")
MOST_DOMAIN_VALUES = 120


# --- states -----------------------------------------------------------------------------------------------------------


def batch(columns: dict[str, pa.Array], file: str = "a.csv", record: int = 1) -> Batch:
    return Batch(pa.record_batch(list(columns.values()), names=list(columns)), [Run(0, file, record)])


def texts(values: Texts) -> pa.Array:
    return pa.array(values, pa.string())


def state_of(columns: dict[str, pa.Array], cuts: Sequence[int] = (), domains: Domains | None = None) -> TableState:
    """The state of rows that come in batches, cut at these rows."""
    rows = pa.record_batch(list(columns.values()), names=list(columns))
    state = TableState()
    for start, end in spans(cuts, rows.num_rows):
        if end > start:
            state.update(Batch(rows[start:end], [Run(0, "a.csv", start + 1)]), domains or {})
    state.tail = ("a.csv", rows.num_rows)
    return state


def spans(cuts: Sequence[int], rows: int) -> list[tuple[int, int]]:
    bounds = [0, *sorted(min(cut, rows) for cut in cuts), rows]
    return list(pairwise(bounds))


def statistics_of(array: pa.Array, cuts: Sequence[int] = (), compatibility: str = "original") -> FeatureStatistics:
    return finish_analysis(state_of({"c": array}, cuts), {}, compatibility).statistics.features[0]


def profile_of(array: pa.Array) -> FeatureProfile:
    return finish_analysis(state_of({"c": array}), {}, "original").profiles[0]


# --- the reference ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Expected:
    """What the reference model finds in a column, value by value."""

    kinds: Counter[str]
    inferred_type: str
    present: list[str]
    numbers: list[float]
    distinct: int
    levels: list[list[float]]


def expect(oracle: ModuleType, column: Texts) -> Expected:
    present = [text for text in column if text is not None]
    kinds = Counter(kind_of(oracle, text) for text in present)
    numbers = [n for t in present if (n := number_of(oracle, t)) is not None and math.isfinite(n)]
    registers = oracle.hll_registers(present)
    kll = oracle.Kll()
    for number in numbers:
        kll.update(number)
    return Expected(
        kinds, _type_of(kinds), present, numbers, oracle.hll_estimate(registers, RAW_ESTIMATES, BIASES), kll.levels
    )


def kind_of(oracle: ModuleType, text: str) -> str:
    """The regular expressions of the reference, with Java's meaning of digits and of the end of a text."""
    if re.compile(oracle.INTEGRAL.pattern, re.ASCII).fullmatch(text):
        return "integral"
    if re.compile(oracle.FRACTIONAL.pattern, re.ASCII).fullmatch(text):
        return "fractional"
    return "boolean" if text in BOOLEAN else "string"


def number_of(oracle: ModuleType, text: str) -> float | None:
    """Java's reading of a numeric text, which trims blanks and takes no blank after the sign."""
    if kind_of(oracle, text) in {"boolean", "string"}:
        return None
    try:
        return float(text.strip(" "))
    except ValueError:
        return None


def _type_of(kinds: Counter[str]) -> str:
    if kinds["string"] or kinds["boolean"]:
        return "String"
    if kinds["fractional"]:
        return "Fractional"
    return "Integral" if kinds["integral"] else "Unknown"


def welford(values: Sequence[float]) -> float:
    """The population standard deviation, row by row."""
    average = m2 = 0.0
    for n, value in enumerate(values, 1):
        delta = value - average
        average += delta / n
        m2 += delta * (delta - delta / n)
    return math.sqrt(m2 / len(values))


def left_to_right(values: Sequence[float]) -> float:
    total = 0.0
    for value in values:
        total += value
    return total


def domain_of(oracle: ModuleType, name: str, column: Texts, expected: Expected) -> tuple[tuple[str, int], ...] | None:
    """The buckets of a string column, in the original's order."""
    if not expected.present or expected.distinct > MOST_DOMAIN_VALUES:
        return None
    counts = Counter(NULL_VALUE if text is None else text for text in column)
    return tuple((value, counts[value]) for value in oracle.bucket_order(name, sorted(counts)))


# --- strategies -------------------------------------------------------------------------------------------------------

INTEGERS = st.one_of(
    st.integers(-9, 99),
    st.integers(-(2**70), 2**70),
    st.just(2**53 + 1),
    st.integers(1_600_000_000_000, 1_600_000_009_999),
).map(str)
DECIMALS = st.one_of(
    st.floats(-1e6, 1e6).map(lambda x: f"{x:.3f}"),
    st.floats(allow_nan=False, allow_infinity=False, min_value=1e-3, max_value=1e15).map(lambda x: f"{x:f}"),
)
EXPONENTS = st.floats(allow_nan=False, allow_infinity=False).map(lambda x: f"{x:e}")
ODD = st.sampled_from(
    ["", " ", "- 5", " 7", "+8", "+ 9", ".", "-.", "5.", ".5", "-0", "-0.0", "1e400", "-1E+999", "1e-400", "007", "1_0",
     "1,5", "0x1F", "1e5", "1.e5", "nan", "NaN", "inf", "-Infinity", "true", "false", "True", "NullValue", "5 ", "\t5",
     "1\n2", "٣", "5\u00a0", "½", "NaN ", "--1", "1-1", "1.2.3", "9" * 400, "1d", "1f"]
)  # fmt: skip
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
BOOLEANS = st.sampled_from(BOOLEAN)
VALUES = {
    "integers": INTEGERS,
    "decimals": DECIMALS,
    "exponents": EXPONENTS,
    "words": WORDS,
    "booleans": BOOLEANS,
    "numbers": st.one_of(INTEGERS, DECIMALS, EXPONENTS),
    "mixed": st.one_of(INTEGERS, DECIMALS, EXPONENTS, WORDS, BOOLEANS, ODD),
    "odd": ODD,
}


@st.composite
def columns(draw: st.DrawFn, sizes: Sequence[int] = (1, 2, 5, 30, 300, 2051, 5000)) -> list[str | None]:
    """Columns of all flavours: a drawn pool of values, repeated, or numbers that hardly repeat, with some missing."""
    values = VALUES[draw(st.sampled_from(sorted(VALUES)))]
    rows = draw(st.sampled_from(sizes))
    missing = draw(st.sampled_from([0.0, 0.0, 0.2, 0.97]))
    pool = draw(st.lists(values, min_size=1, max_size=60))
    random = Random(draw(st.integers(0, 2**16)))
    many = draw(st.sampled_from(["pool", "pool", "gauss", "epoch", "count", "code"]))
    make = {
        "pool": lambda i: random.choice(pool),
        "gauss": lambda i: str(random.gauss(0, 1)),
        "epoch": lambda i: str(1_700_000_000_000 + random.randrange(2000)),
        "count": lambda i: str(i * 7919 % 100_003),
        "code": lambda i: f"id-{random.randrange(10**6)}",
    }[many]
    return [None if random.random() < missing else make(i) for i in range(rows)]
