"""Late labels: an earlier window with them is what it would be had they come in time, and nothing counts twice."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from labelled import capture, label, variables, write_sides

from analyzer.__main__ import main
from analyzer.analyzers.scores import ScoreCounts
from analyzer.config import JobConfig, read_config
from analyzer.dataset_formats import CaptureFormat, CsvFormat
from analyzer.errors import BaselineError, ConfigError, InputError
from analyzer.job import run
from analyzer.merge import merge
from analyzer.merge_states import merge_states

BINARY = {
    "analysis_type": "MODEL_QUALITY", "problem_type": "BinaryClassification", "inference_attribute": "p",
    "probability_attribute": "s", "ground_truth_attribute": "y",
}  # fmt: skip
REGRESSION = {
    "analysis_type": "MODEL_QUALITY", "problem_type": "Regression", "inference_attribute": "s",
    "ground_truth_attribute": "y",
}  # fmt: skip
FILES = ("statistics.json", "constraints.json")


def rows(count: int = 400, seed: int = 1) -> list[tuple[int, int, float, str]]:
    """Draw label, prediction, score and segment."""
    random = np.random.default_rng(seed)
    scores = random.random(count).round(3)
    labels = (random.random(count) < scores).astype(int)
    return [(int(y), int(s > 0.5), float(s), "ab"[i % 2]) for i, (y, s) in enumerate(zip(labels, scores, strict=True))]


def analyze(tmp_path: Path, name: str, lines: list[tuple], **more) -> Path:
    source = tmp_path / "data" / name
    source.mkdir(parents=True)
    (source / "a.csv").write_text("y,p,s,g\n" + "".join(",".join(map(str, line)) + "\n" for line in lines))
    told = {"dataset_source": source, "dataset_format": CsvFormat(), "output_path": tmp_path / name, **BINARY, **more}
    run(JobConfig(**told))
    return tmp_path / name


def update(early: Path, late: list[Path], output: Path, **more) -> Path:
    told = {"dataset_source": "", "dataset_format": CsvFormat(), "output_path": output, **BINARY, **more}
    merge_states([early], JobConfig(**told), late)
    return output


def figures(folder: Path) -> list[dict]:
    found = [json.loads((folder / name).read_bytes()) for name in FILES]
    found[0]["dataset"].pop("evaluation_time")
    return found


def beyond(folder: Path) -> dict:
    profile = json.loads((folder / "profile.json").read_bytes())
    profile["dataset"].pop("files")
    return profile


def test_a_window_with_rows_that_waited_is_what_it_had_been_with_all_labels(tmp_path):
    whole, segments = rows(), {"segment_columns": ("g",)}
    late = [line for i, line in enumerate(whole) if i % 3 == 0]
    early = [("", *line[1:]) if i % 3 == 0 else line for i, line in enumerate(whole)]
    before = analyze(tmp_path, "early", early, **segments)
    updated = update(before, [analyze(tmp_path, "late", late, **segments)], tmp_path / "updated")
    expected = analyze(tmp_path, "whole", whole, **segments)
    assert figures(updated) == figures(expected)
    assert beyond(updated) == beyond(expected)
    assert figures(before) != figures(expected)


def test_labels_may_come_in_several_times_and_some_never(tmp_path):
    whole = rows()
    early = [("", *line[1:]) if i % 4 else line for i, line in enumerate(whole)]
    parts = [analyze(tmp_path, f"late{k}", [line for i, line in enumerate(whole) if i % 4 == k]) for k in (1, 2)]
    updated = update(analyze(tmp_path, "early", early), parts, tmp_path / "updated")
    expected = analyze(tmp_path, "expected", [("", *line[1:]) if i % 4 == 3 else line for i, line in enumerate(whole)])
    assert figures(updated) == figures(expected)
    assert beyond(updated) == beyond(expected)


def test_an_update_can_be_updated(tmp_path):
    whole = rows()
    early = [("", *line[1:]) if i % 2 else line for i, line in enumerate(whole)]
    updated = analyze(tmp_path, "early", early)
    for k in (1, 3):
        late = analyze(tmp_path, f"late{k}", [line for i, line in enumerate(whole) if i % 4 == k])
        updated = update(updated, [late], tmp_path / f"updated{k}")
    assert figures(updated) == figures(analyze(tmp_path, "whole", whole))


def test_of_a_window_of_labelled_rows_alone_the_late_ones_are_more_rows(tmp_path):
    whole = rows()
    early, late = analyze(tmp_path, "early", whole[:300]), analyze(tmp_path, "late", whole[300:])
    assert figures(update(early, [late], tmp_path / "updated")) == figures(analyze(tmp_path, "whole", whole))


def test_regression_is_updated_likewise(tmp_path):
    whole = rows()
    early = [("", *line[1:]) if i >= 300 else line for i, line in enumerate(whole)]
    states = analyze(tmp_path, "early", early, **REGRESSION), analyze(tmp_path, "late", whole[300:], **REGRESSION)
    updated = update(states[0], [states[1]], tmp_path / "updated", **REGRESSION)
    expected = analyze(tmp_path, "whole", whole, **REGRESSION)
    ours, theirs = figures(updated)[0]["regression_metrics"], figures(expected)[0]["regression_metrics"]
    for name, metric in theirs.items():
        assert ours[name]["value"] == pytest.approx(metric["value"], rel=1e-12), name


def test_what_counts_twice_is_refused_and_nothing_is_written(tmp_path):
    whole = rows()
    early = analyze(tmp_path, "early", [("", *line[1:]) if i % 4 == 0 else line for i, line in enumerate(whole)])
    with pytest.raises(InputError, match="400 rows have got a label, but only 100 were without one"):
        update(early, [analyze(tmp_path, "all", whole)], tmp_path / "updated")
    with pytest.raises(InputError, match="not those that were without a label"):
        update(early, [analyze(tmp_path, "others", rows(50, seed=9))], tmp_path / "updated")
    with pytest.raises(InputError, match="given twice"):
        update(early, [early], tmp_path / "updated")
    assert not list((tmp_path / "updated").glob("*"))


def test_labels_beyond_those_that_were_waited_for_are_refused_in_whichever_state_they_come(tmp_path):
    whole = rows()
    early = analyze(tmp_path, "early", [("", *line[1:]) if i % 4 == 0 else line for i, line in enumerate(whole)])
    waited, more = analyze(tmp_path, "waited", whole[::4]), analyze(tmp_path, "more", whole[1::4])
    with pytest.raises(InputError, match=r"more.*: 100 rows have got a label, but only 0 were without one"):
        update(early, [waited, more], tmp_path / "updated")
    assert not list((tmp_path / "updated").glob("*"))


def test_states_that_do_not_belong_are_refused(tmp_path):
    early, late = analyze(tmp_path, "early", rows()), analyze(tmp_path, "late", rows(), **REGRESSION)
    with pytest.raises(BaselineError, match="problem_type"):
        update(early, [late], tmp_path / "updated")
    with pytest.raises(ConfigError, match="model quality alone"):
        update(early, [late], tmp_path / "updated", analysis_type="DATA_QUALITY", problem_type=None)


def test_the_example_of_the_documentation(tmp_path):
    """Captures of an hour, labels of the same evening and of the next day: two small merges, no row read again."""
    events = [f"e-{i}" for i in range(40)]
    hour, captures = "captures/churn/AllTraffic/2025/02/16/11/a.jsonl", [capture(event) for event in events]
    told = {
        "analysis_type": "MODEL_QUALITY", "problem_type": "BinaryClassification",
        "dataset_format": CaptureFormat(merged=True), "probability_attribute": "0",
        "probability_threshold_attribute": 0.5,
    }  # fmt: skip
    outputs = {}
    for name, some in {"early": events[:25], "late": events[25:], "whole": events}.items():
        root = tmp_path / name
        lines = [label(event, data=str(i % 2)) for i, event in enumerate(some)] if name != "late" else [
            label(event, data=str((i + 25) % 2)) for i, event in enumerate(some)
        ]  # fmt: skip
        write_sides(root, {hour.removeprefix("captures/"): captures}, {"a.jsonl": lines})
        merge(read_config(variables(root), {}, merges=True))
        outputs[name] = root / "quality"
        run(JobConfig(**{**told, "dataset_source": root / "merged", "output_path": outputs[name]}))
    flags = ["--analysis-type", "MODEL_QUALITY", "--problem-type", "BinaryClassification"]
    late = ["--late", str(outputs["late"]), "--output", str(tmp_path / "updated")]
    assert main(["merge-states", str(outputs["early"]), *late, *flags]) == 0
    assert figures(tmp_path / "updated") == figures(outputs["whole"])


def test_scores_are_taken_out_as_they_came_in_coarse_or_not():
    random = np.random.default_rng(2)
    kept, gone = random.random(3000).round(3), random.random(500).round(3)
    for most in (10_000, 100):
        together, out, alone = ScoreCounts(most), ScoreCounts(), ScoreCounts(most)
        together.update(np.concatenate([kept, gone]))
        out.update(gone)
        alone.update(kept)
        together.remove(out)
        for ours, theirs in zip(together.table(), alone.table(), strict=True):
            assert ours.tolist() == theirs.tolist()
        other = ScoreCounts()
        other.update(np.full(4000, 0.5))
        with pytest.raises(ValueError, match=r"more of some scores|not met before"):
            together.remove(other)
