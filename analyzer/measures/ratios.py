"""Ratios of counts as the original forms them: with nothing below the line they are 0.0."""

from __future__ import annotations

BETAS = {"f0_5": 0.5, "f1": 1.0, "f2": 2.0}
"""The F measures by name; above 1 recall weighs more, below 1 precision."""


def ratio(above: float, below: float) -> float:
    return above / below if below else 0.0


def f_measure(precision: float, recall: float, beta: float) -> float:
    """Weigh precision and recall together (van Rijsbergen 1979, as Spark computes it)."""
    square = beta * beta
    return ratio((1 + square) * precision * recall, square * precision + recall)
