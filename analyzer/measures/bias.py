"""The metrics of bias from counts; formulas and texts are those of the developer guide's pages on each metric.

Of two groups, `d` is the sensitive one and `a` the rest. A division 0/0 is 0, x/0 is infinite, and the difference of
two equal infinities is 0. A metric that cannot be computed is a text that says why.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Value = float | str
"""A metric, or why there is none."""
Outcomes = tuple[int, int, int, int]
"""Rows of a group by label and prediction: true negatives, false positives, false negatives, true positives."""

DESCRIPTIONS: Mapping[str, str] = {
    "CI": "Class Imbalance (CI)",
    "DPL": "Difference in Positive Proportions in Labels (DPL)",
    "KL": "Kullback-Liebler Divergence (KL)",
    "JS": "Jensen-Shannon Divergence (JS)",
    "LP": "L-p Norm (LP)",
    "TVD": "Total Variation Distance (TVD)",
    "KS": "Kolmogorov-Smirnov Distance (KS)",
    "CDDL": "Conditional Demographic Disparity in Labels (CDDL)",
    "DPPL": "Difference in Positive Proportions in Predicted Labels (DPPL)",
    "DI": "Disparate Impact (DI)",
    "DCA": "Difference in Conditional Acceptance (DCA)",
    "DCR": "Difference in Conditional Rejection (DCR)",
    "SD": "Specificity Difference (SD)",
    "RD": "Recall Difference (RD)",
    "DAR": "Difference in Acceptance Rates (DAR)",
    "DRR": "Difference in Rejection Rates (DRR)",
    "AD": "Accuracy Difference (AD)",
    "TE": "Treatment Equality (TE)",
    "CDDPL": "Conditional Demographic Disparity in Predicted Labels (CDDPL)",
    "FT": "Flip Test (FT)",
    "GE": "Generalized Entropy (GE)",
}
NO_GROUP = "Group variable is empty or not provided"
NO_COMMON = "No instance of common facet found, dataset may be too small"
NO_PREDICTION = (
    "No Label values are present in the predicted Label Column,"
    "Positive Predicted Index Series contains all False values"
)


@dataclass(frozen=True, slots=True)
class Side:
    """The counts of one group."""

    tn: int
    fp: int
    fn: int
    tp: int

    @property
    def rows(self) -> int:
        return self.tn + self.fp + self.fn + self.tp

    @property
    def labels(self) -> tuple[int, int]:
        """Rows with a negative and with a positive label."""
        return self.tn + self.fp, self.fn + self.tp

    @property
    def predictions(self) -> tuple[int, int]:
        """Rows with a negative and with a positive prediction."""
        return self.tn + self.fn, self.fp + self.tp


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of both groups, and of both groups in each stratum of the group variable.

    Without strata `no_strata` says why.
    """

    a: Side
    d: Side
    strata: Sequence[tuple[Side, Side]] | None = None
    no_strata: str = NO_GROUP

    @classmethod
    def of(cls, a: Outcomes, d: Outcomes, strata: Sequence[tuple[Outcomes, Outcomes]] | None = None) -> Counts:
        sides = None if strata is None else [(Side(*each[0]), Side(*each[1])) for each in strata]
        return cls(Side(*a), Side(*d), sides)


class _Undefined(Exception):  # noqa: N818 (it never leaves this module)
    """A metric cannot be computed; the text says why."""


def metric(name: str, counts: Counts) -> Value:
    """Compute a metric other than FT, or say why it cannot be."""
    try:
        return float(_METRICS[name](counts))
    except _Undefined as reason:
        return str(reason)


def divided(a: float, b: float) -> float:
    """Divide: 0/0 is 0, x/0 is infinite."""
    if b:
        return a / b
    return 0.0 if not a else math.copysign(math.inf, a)


def _difference(a: float, b: float) -> float:
    return 0.0 if math.isinf(a) and a == b else a - b


def _require(counts: Counts, a: str, d: str) -> None:
    if not counts.a.rows:
        raise _Undefined(a)
    if not counts.d.rows:
        raise _Undefined(d)


# --- before training --------------------------------------------------------------------------------------------------


def _ci(counts: Counts) -> float:
    text = "CI: {} set is empty. Check that x[{}] has non-zero length."
    _require(counts, text.format("negated facet", "~facet"), text.format("facet", "facet"))
    return float(counts.a.rows - counts.d.rows) / (counts.a.rows + counts.d.rows)


def _difference_in_proportions(counts: Counts, positive: Callable[[Side], int]) -> float:
    _require(counts, "Negative facet set is empty.", "Facet set is empty.")
    return positive(counts.a) / counts.a.rows - positive(counts.d) / counts.d.rows


def _dpl(counts: Counts) -> float:
    return _difference_in_proportions(counts, lambda side: side.labels[1])


def _shares(counts: Counts) -> tuple[list[float], list[float]]:
    """Give the shares of the classes that both groups have, which are not brought to a sum of 1."""
    common = [c for c in (0, 1) if counts.a.labels[c] and counts.d.labels[c]]
    if not common:
        raise _Undefined(NO_COMMON)
    return (
        [counts.a.labels[c] / counts.a.rows for c in common],
        [counts.d.labels[c] / counts.d.rows for c in common],
    )


def _divergence(ps: Sequence[float], qs: Sequence[float]) -> float:
    return sum(p * math.log(p / q) for p, q in zip(ps, qs, strict=True))


def _entropy(ps: Sequence[float]) -> float:
    return -sum(p * math.log(p) for p in ps)


def _kl(counts: Counts) -> float:
    return _divergence(*_shares(counts))


def _js(counts: Counts) -> float:
    a, d = _shares(counts)
    middle = [0.5 * (p + q) for p, q in zip(a, d, strict=True)]
    # As entropies, which gives the original's last digit.
    return _entropy(middle) - 0.5 * (_entropy(a) + _entropy(d))


def _distances(counts: Counts) -> list[float]:
    return [abs(p - q) for p, q in zip(*_shares(counts), strict=True)]


def _lp(counts: Counts) -> float:
    return math.sqrt(sum(distance**2 for distance in _distances(counts)))


def _tvd(counts: Counts) -> float:
    return 0.5 * sum(_distances(counts))


def _ks(counts: Counts) -> float:
    return max(_distances(counts))


def _disparity(counts: Counts, outcome: Callable[[Side], tuple[int, int]]) -> float:
    """Average over the strata the share of `d` among the rejected less its share among the accepted."""
    if not counts.strata:
        raise _Undefined(counts.no_strata)
    sides = (outcome(counts.a), outcome(counts.d))
    if not sides[0][1] + sides[1][1]:
        raise _Undefined("No positive labels in set")
    if not sides[0][0] + sides[1][0]:
        raise _Undefined("No negative labels in set")
    disparities, rows = [], []
    for a, d in counts.strata:
        rejected, accepted = outcome(a)[0] + outcome(d)[0], outcome(a)[1] + outcome(d)[1]
        disparities.append(divided(outcome(d)[0], rejected) - divided(outcome(d)[1], accepted))
        rows.append(a.rows + d.rows)
    # NumPy sums in pairs, as the original does: the last digit depends on it.
    return float(np.sum(np.array(rows) * np.array(disparities)) / sum(rows))


def _cddl(counts: Counts) -> float:
    return _disparity(counts, lambda side: side.labels)


# --- after training ---------------------------------------------------------------------------------------------------


def _cddpl(counts: Counts) -> float:
    return _disparity(counts, lambda side: side.predictions)


def _dppl(counts: Counts) -> float:
    return _difference_in_proportions(counts, lambda side: side.predictions[1])


def _di(counts: Counts) -> float:
    _require(counts, "Negated facet set is empty", "Facet set is empty")
    return divided(counts.d.predictions[1] / counts.d.rows, counts.a.predictions[1] / counts.a.rows)


def _require_both(counts: Counts, prefix: str = "") -> tuple[Side, Side]:
    if not counts.d.rows:
        raise _Undefined(f"{prefix}Facet set is empty")
    if not counts.a.rows:
        raise _Undefined(f"{prefix}Negated Facet set is empty")
    return counts.a, counts.d


def _dca(counts: Counts) -> float:
    a, d = _require_both(counts, "DCO: ")
    return _difference(divided(a.labels[1], a.predictions[1]), divided(d.labels[1], d.predictions[1]))


def _dcr(counts: Counts) -> float:
    a, d = _require_both(counts, "DCO: ")
    return _difference(divided(d.labels[0], d.predictions[0]), divided(a.labels[0], a.predictions[0]))


def _rd(counts: Counts) -> float:
    a, d = _require_both(counts, "DLA: ")
    return divided(a.tp, a.labels[1]) - divided(d.tp, d.labels[1])


def _sd(counts: Counts) -> float:
    a, d = _require_both(counts, "DLA: ")
    return divided(d.tn, d.labels[0]) - divided(a.tn, a.labels[0])


def _dar(counts: Counts) -> float:
    a, d = _require_both(counts, "DLR: ")
    return divided(a.tp, a.predictions[1]) - divided(d.tp, d.predictions[1])


def _drr(counts: Counts) -> float:
    a, d = _require_both(counts, "DLR: ")
    return divided(d.tn, d.predictions[0]) - divided(a.tn, a.predictions[0])


def _ad(counts: Counts) -> float:
    a, d = _require_both(counts)
    return (a.tp + a.tn) / a.rows - (d.tp + d.tn) / d.rows


def _te(counts: Counts) -> float:
    a, d = _require_both(counts)
    return _difference(divided(d.fn, d.fp), divided(a.fn, a.fp))


def _ge(counts: Counts) -> float:
    """Measure how unevenly benefits (prediction less label plus 1) are spread over the rows: alpha = 2."""
    rows = counts.a.rows + counts.d.rows
    fp, fn = counts.a.fp + counts.d.fp, counts.a.fn + counts.d.fn
    mean = divided(rows + fp - fn, rows)
    if not mean:
        raise _Undefined(
            "All predicted labels are false negatives. "
            "There should be at least one prediction that is not false negative."
        )
    even = rows - fp - fn
    return (even * ((1 / mean) ** 2 - 1) + fp * ((2 / mean) ** 2 - 1) - fn) / (2 * rows)


_METRICS: Mapping[str, Callable[[Counts], float]] = {
    "CI": _ci, "DPL": _dpl, "KL": _kl, "JS": _js, "LP": _lp, "TVD": _tvd, "KS": _ks, "CDDL": _cddl,
    "CDDPL": _cddpl, "DPPL": _dppl, "DI": _di, "DCA": _dca, "DCR": _dcr, "RD": _rd, "SD": _sd, "DAR": _dar,
    "DRR": _drr, "AD": _ad, "TE": _te, "GE": _ge,
}  # fmt: skip
