"""Jobs of bias for the tests: their folders, their data, and a row-wise oracle of every metric."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from traffic import write_csv

from analyzer import job
from analyzer.config import read_config

ADULT = {
    "dataset_type": "text/csv",
    "label": "Target",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "Sex", "value_or_threshold": [0]}],
    "group_variable": "Age",
    "predicted_label": "predicted_label",
    "excluded_columns": ["score"],
}
"""analysis_config.json of the run whose files are beside the checkout."""
SIMPLE = {
    "dataset_type": "text/csv",
    "label": "y",
    "predicted_label": "p",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "f", "value_or_threshold": [0]}],
    "group_variable": "g",
}
"""One for tables that `table` makes."""
HEADER = "f,g,x,y,p"


def table(rows: int = 300, seed: int = 5) -> list[tuple[Any, ...]]:
    """Rows of facet, group, feature, label and prediction."""
    random = np.random.default_rng(seed)
    facet, group = random.integers(0, 2, rows), random.integers(0, 4, rows)
    label = (random.random(rows) < 0.3 + 0.2 * facet).astype(int)
    predicted = np.where(random.random(rows) < 0.8, label, 1 - label)
    return list(zip(facet, group, random.integers(0, 9, rows), label, predicted, strict=True))


def write_table(root: Path, rows: Sequence[Sequence[Any]] | None = None, header: str = HEADER, name: str = "d") -> Path:
    """Write a data set where a processing job finds it."""
    return write_csv(root / "processing" / "input" / "data" / f"{name}.csv", header, table() if rows is None else rows)


def run_analysis(root: Path, config: Mapping[str, Any], **settings: Any) -> Path:
    """Run a processing job below `root`, in this process, and give the folder of its files."""
    path = root / "processing" / "input" / "config" / "analysis_config.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(config))
    given = {"ANALYZER_ROOT": root, "ANALYZER_ENGINE": "local", "ANALYZER_CORES": 1, **settings}
    found = read_config({name: str(value) for name, value in given.items()})
    job.run(found)
    return Path(found.output_path)


def analysis(out: Path) -> dict[str, Any]:
    return json.loads((out / "analysis.json").read_text())


def values(out: Path, facet: str, entry: int = 0) -> dict[str, Any]:
    """The metrics of one facet's value by name, both stages; a text is an infinity or the reason of a null."""
    sections = [analysis(out).get(f"{stage}_bias_metrics") for stage in ("pre_training", "post_training")]
    entries = [section["facets"][facet][entry] for section in sections if section]
    return {each["name"]: each.get("error", each["value"]) for found in entries for each in found["metrics"]}


def texts(out: Path, facet: str) -> list[str]:
    return [each["value_or_threshold"] for each in analysis(out)["pre_training_bias_metrics"]["facets"][facet]]


def bias_notes(out: Path) -> list[str]:
    return json.loads((out / "profile.json").read_text())["bias"]["notes"]


# --- the oracle: row by row, with pandas, one formula after the other -------------------------------------------------


def _over(a: float, b: float) -> float:
    return a / b if b else (math.inf if a else 0.0)


def _minus(a: float, b: float) -> float:
    return 0.0 if math.isinf(a) and a == b else a - b


def oracle(d: pd.Series, y: pd.Series, p: pd.Series, g: pd.Series | None = None) -> dict[str, float]:
    """Every metric but FT of boolean columns of facet, label and prediction; nothing that has no figure."""
    a = ~d
    share = {side: [(~y)[rows].mean(), y[rows].mean()] for side, rows in (("a", a), ("d", d))}
    common = [c for c in (0, 1) if share["a"][c] and share["d"][c]]
    pa, pd_ = [share["a"][c] for c in common], [share["d"][c] for c in common]
    pairs = list(zip(pa, pd_, strict=True))
    found = {
        "CI": (a.sum() - d.sum()) / len(d),
        "DPL": y[a].mean() - y[d].mean(),
        "KL": sum(s * math.log(s / t) for s, t in pairs),
        "JS": sum(s * math.log(2 * s / (s + t)) + t * math.log(2 * t / (s + t)) for s, t in pairs) / 2,
        "LP": math.sqrt(sum((s - t) ** 2 for s, t in pairs)),
        "TVD": sum(abs(s - t) for s, t in pairs) / 2,
        "KS": max(abs(s - t) for s, t in pairs),
        "DPPL": p[a].mean() - p[d].mean(),
        "DI": _over(p[d].mean(), p[a].mean()),
        "DCA": _minus(_over(y[a].sum(), p[a].sum()), _over(y[d].sum(), p[d].sum())),
        "DCR": _minus(_over((~y)[d].sum(), (~p)[d].sum()), _over((~y)[a].sum(), (~p)[a].sum())),
        "RD": _over((y & p)[a].sum(), y[a].sum()) - _over((y & p)[d].sum(), y[d].sum()),
        "SD": _over((~y & ~p)[d].sum(), (~y)[d].sum()) - _over((~y & ~p)[a].sum(), (~y)[a].sum()),
        "DAR": _over((y & p)[a].sum(), p[a].sum()) - _over((y & p)[d].sum(), p[d].sum()),
        "DRR": _over((~y & ~p)[d].sum(), (~p)[d].sum()) - _over((~y & ~p)[a].sum(), (~p)[a].sum()),
        "AD": (y == p)[a].mean() - (y == p)[d].mean(),
        "TE": _minus(_over((y & ~p)[d].sum(), (~y & p)[d].sum()), _over((y & ~p)[a].sum(), (~y & p)[a].sum())),
    }
    benefit = p.astype(int) - y.astype(int) + 1
    found["GE"] = float((((benefit / benefit.mean()) ** 2 - 1) / 2).mean())
    if g is not None:
        found["CDDL"], found["CDDPL"] = _disparity(d, y, g), _disparity(d, p, g)
    return {name: float(value) for name, value in found.items()}


def _disparity(d: pd.Series, positive: pd.Series, g: pd.Series) -> float:
    total = 0.0
    for group in g.dropna().unique():
        own = g == group
        rejected, accepted = d[own & ~positive], d[own & positive]
        total += own.sum() * ((rejected.mean() if len(rejected) else 0) - (accepted.mean() if len(accepted) else 0))
    return total / g.notna().sum()
