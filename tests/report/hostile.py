"""Data whose names and values try to be more than text, as CSV of a baseline and of a window that violates it."""

from __future__ import annotations

import csv
import random
from pathlib import Path

ATTACKS = (
    "<script>hit(1)</script>",
    "</script><img src=x onerror=hit(2)>",
    "a\"b' onmouseover=hit(3) x='",
    "{{hit(4)}}${hit(5)}",
    "]]>--><svg onload=hit(6)>",
    "\u202eorder backwards\u2066",
    "javascript:hit(7)",
    "@everyone [x](https://evil.example/) | ![i](https://evil.example/i.png)",
    "تقرير الجودة",
    "tab\tand\x07bell",
)
"""Names of columns and values; `hit` is what a browser would call if one of them were more than text."""


def write(folder: Path, *, broken: bool, rows: int = 400) -> Path:
    """Write the columns of ATTACKS and a few plain ones; a broken window drifts, lacks values and has new ones."""
    draw = random.Random(3 if broken else 2)
    folder.mkdir(parents=True)
    path = folder / "a.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*ATTACKS, "age", "income", "plan"])
        for i in range(rows):
            values = [ATTACKS[(i + at) % 4] for at in range(len(ATTACKS))]
            age = draw.gauss(60 if broken else 40, 9) // 1
            plan = draw.choice(["basic", "gold", *(ATTACKS[:2] if broken else ())])
            income = "" if broken and i % 5 == 0 else round(draw.lognormvariate(9, 1), 2)
            writer.writerow([*values, "n/a" if broken and i == 7 else int(age), income, plan])
    return folder
