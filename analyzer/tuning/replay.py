"""States to scores, some at a time; what worker processes load is no more than this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analyzer.config import Location
from analyzer.tuning.scores import Scores, Yardstick, joined, score
from analyzer.tuning.windows import read_windows

SPAN = 60
"""Windows that are read and scored at a time: what each call costs is spread over them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the windows are measured by."""

    yardsticks: Sequence[Yardstick]
    domains: Mapping[str, frozenset[str]]
    shape_matters: bool


def score_share(places: Sequence[Location], plan: Plan) -> Scores:
    """Read and score a share of the states.

    Raises as `read_window`.
    """
    return joined(
        [
            score(read_windows(places[i : i + SPAN], plan.domains), plan.yardsticks, shape_matters=plan.shape_matters)
            for i in range(0, len(places), SPAN)
        ]
    )
