"""States of one analysis are not taken for those of another."""

from __future__ import annotations

import gzip
from itertools import permutations

import orjson
import pytest

from analyzer.analyzers.bias_counts import BiasRoles, BiasState, Listed
from analyzer.analyzers.predictions import PredictionState, Roles
from analyzer.analyzers.table import TableState
from analyzer.errors import BaselineError

STATES = {
    "DATA_QUALITY": TableState(),
    "MODEL_QUALITY": PredictionState(Roles("label", "prediction", None)),
    "MODEL_BIAS": BiasState(BiasRoles(Listed("label"), (Listed("facet"),))),
}


@pytest.mark.parametrize(("wanted", "found"), list(permutations(STATES, 2)))
def test_a_state_of_another_analysis_is_refused_with_the_analysis_type_to_set(wanted: str, found: str) -> None:
    with pytest.raises(BaselineError, match=rf"^day\.gz is not a .* kind {found}; set analysis_type to {found}\. "):
        type(STATES[wanted]).from_bytes(STATES[found].to_bytes(), "day.gz")


@pytest.mark.parametrize("kind", STATES)
def test_a_state_of_another_version_is_refused(kind: str) -> None:
    document = orjson.loads(gzip.decompress(STATES[kind].to_bytes())) | {"version": 2}
    with pytest.raises(BaselineError, match="it has version 2, known is 1"):
        type(STATES[kind]).from_bytes(gzip.compress(orjson.dumps(document)), "day.gz")
