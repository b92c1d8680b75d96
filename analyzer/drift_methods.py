"""The names that distances have in constraints.json; light, since the configuration of a job knows them, too."""

from __future__ import annotations

from typing import Literal

NumericMethod = Literal[
    "Robust", "Simple", "PSI", "JensenShannon", "Wasserstein", "Hellinger", "KolmogorovSmirnov", "TotalVariation"
]
"""How numbers are compared, `comparison_method`; the first two are the original's."""
CategoricalMethod = Literal["LInfinity", "ChiSquared", "PSI", "JensenShannon", "Hellinger", "TotalVariation"]
"""How categories are compared, `categorical_drift_method`; the first two are the original's."""
DriftMethod = NumericMethod | CategoricalMethod
