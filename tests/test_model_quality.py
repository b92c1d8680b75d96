"""Whole model-quality jobs: baselines from tables and JSON, monitoring from merged records, and what goes wrong."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from predictions import BINARY, MERGED, MERGED_BATCH, MULTICLASS, REGRESSION, deviations, merged, metrics, quality
from traffic import document, environment, notes, run_process, write_csv, write_lines

from analyzer.errors import BaselineError, ConfigError, InputError, ScriptError

SHARED = Path(__file__).resolve().parents[1] / ".." / "shared" / "golden"
NAMED = {"inference_attribute": "prediction", "probability_attribute": "probability", "ground_truth_attribute": "label"}
CSV = {"csv": {"header": True}}


@pytest.fixture
def golden():
    if not SHARED.is_dir():
        pytest.skip("the original's outputs are not beside the checkout")
    return SHARED


def table(rows: int = 300, seed: int = 7) -> list[tuple[float, int, int, str]]:
    """Rows of probability, predicted label, label and segment."""
    random = np.random.default_rng(seed)
    scores = random.random(rows).round(3)
    labels = (random.random(rows) < scores).astype(int)
    return [(float(s), int(s > 0.5), int(y), "ab"[i % 2]) for i, (s, y) in enumerate(zip(scores, labels, strict=True))]


def write_table(path: Path, rows=None) -> Path:
    return write_csv(path, "probability,prediction,label,group", rows if rows is not None else table())


# --- the original's files ---------------------------------------------------------------------------------------------


@pytest.mark.golden
def test_the_regression_files_are_the_originals(golden, run_job) -> None:
    folder = golden / "model-quality-regression"
    out = run_job(
        folder / "baseline_dataset.csv", CSV, **REGRESSION,
        inference_attribute="Prediction", ground_truth_attribute="Label",
    )  # fmt: skip
    ours = (out / "statistics.json").read_text().splitlines()
    theirs = (folder / "statistics.json").read_text().splitlines()
    newer = [line for line in ours if "evaluation_time" not in line]
    assert "\n".join(newer).replace('"item_count" : 100,', '"item_count" : 100') == "\n".join(theirs)
    assert len(ours) == len(theirs) + 1
    assert (out / "constraints.json").read_text() == (folder / "constraints.json").read_text()


@pytest.mark.golden
def test_the_binary_numbers_are_the_originals(golden, run_job) -> None:
    out = run_job(golden / "model-quality-binary", CSV, **BINARY, **NAMED)
    found = metrics(out)
    assert found["confusion_matrix"] == {"0": {"0": 173, "1": 0}, "1": {"0": 12, "1": 16}}
    assert found["recall"] == 0.5714285714285714
    assert found["auc"] == 0.9395127993393898
    assert found["au_prc"] == pytest.approx(0.863272, abs=1e-6)
    assert found["accuracy_best_constant_classifier"] == 173 / 201
    assert found["false_negative_rate"] == 0.4285714285714286


# --- baselines --------------------------------------------------------------------------------------------------------

BINARY_KEYS = [
    "confusion_matrix",
    "recall",
    "precision",
    "accuracy",
    "recall_best_constant_classifier",
    "precision_best_constant_classifier",
    "accuracy_best_constant_classifier",
    "true_positive_rate",
    "true_negative_rate",
    "false_positive_rate",
    "false_negative_rate",
    "receiver_operating_characteristic_curve",
    "precision_recall_curve",
    "auc",
    "au_prc",
    "f0_5",
    "f1",
    "f2",
    "f0_5_best_constant_classifier",
    "f1_best_constant_classifier",
    "f2_best_constant_classifier",
]


def test_a_binary_baseline_has_the_originals_keys_in_order(run_job, tmp_path) -> None:
    out = run_job(write_table(tmp_path / "data" / "x.csv"), CSV, **BINARY, **NAMED)
    statistics = document(out, "statistics")
    assert list(statistics) == ["version", "dataset", "binary_classification_metrics"]
    assert list(statistics["dataset"]) == ["item_count", "evaluation_time"]
    assert list(metrics(out)) == BINARY_KEYS
    constraints = document(out, "constraints")["binary_classification_constraints"]
    assert " ".join(constraints) == (
        "recall precision accuracy true_positive_rate true_negative_rate false_positive_rate false_negative_rate "
        "auc f0_5 f1 f2"
    )
    assert {name for name, each in constraints.items() if each["comparison_operator"] == "GreaterThanThreshold"} == {
        "false_positive_rate",
        "false_negative_rate",
    }
    assert sorted(path.name for path in out.iterdir()) == [
        "constraints.json",
        "profile.json",
        "report.html",
        "report.md",
        "state.json.gz",
        "statistics.json",
    ]


@pytest.mark.parametrize(("rows", "are_numbers"), [(199, False), (200, True)])
def test_standard_deviations_begin_at_two_hundred_rows(run_job, tmp_path, rows, are_numbers) -> None:
    out = run_job(write_table(tmp_path / "data" / "x.csv", table(rows)), CSV, **BINARY, **NAMED)
    assert {isinstance(each, float) for each in deviations(out).values()} == {are_numbers}
    assert {each == "NaN" for each in deviations(out).values()} == {not are_numbers}


@pytest.mark.parametrize(
    ("dataset_format", "write", "attributes"),
    [
        ({"csv": {"header": False}}, "bare", ("1", "0", "2")),
        ({"csv": {"header": False}}, "bare", ("_c1", "_c0", "_c2")),
        ({"json": {"lines": True}}, "lines", ("out.prediction", "out.scores[1]", "label")),
        ({"json": {"lines": False}}, "document", ("out.prediction", "out.scores[1]", "label")),
        ({"parquet": {}}, "parquet", ("prediction", "probability", "label")),
    ],
)
def test_every_format_gives_the_same_metrics(run_job, tmp_path, dataset_format, write, attributes) -> None:
    expected = metrics(run_job(write_table(tmp_path / "table" / "x.csv"), CSV, into="table-out", **BINARY, **NAMED))
    folder = tmp_path / "other"
    objects = [{"out": {"prediction": p, "scores": [1 - s, s]}, "label": y} for s, p, y, _ in table()]
    if write == "bare":
        folder.mkdir()
        (folder / "x.csv").write_text("".join(f"{s},{p},{y}\n" for s, p, y, _ in table()))
    elif write == "lines":
        write_lines(folder / "x.jsonl", objects)
    elif write == "document":
        folder.mkdir()
        (folder / "x.json").write_text(json.dumps(objects))
    else:
        import polars as pl

        folder.mkdir()
        pl.DataFrame(table(), schema=["probability", "prediction", "label", "g"], orient="row").write_parquet(
            folder / "x.parquet"
        )
    prediction, probability, label = attributes
    out = run_job(
        folder, dataset_format, **BINARY,
        inference_attribute=prediction, probability_attribute=probability, ground_truth_attribute=label,
    )  # fmt: skip
    assert metrics(out) == expected


def test_a_probability_alone_predicts_above_the_threshold(run_job, tmp_path) -> None:
    rows = [(0.2, 0, 0, "a"), (0.3, 0, 1, "a"), (0.4, 0, 1, "a")]
    source = write_table(tmp_path / "data" / "x.csv", rows)
    out = run_job(
        source, CSV, **BINARY, probability_attribute="probability", ground_truth_attribute="label",
        probability_threshold_attribute="0.300000",
    )  # fmt: skip
    assert metrics(out)["confusion_matrix"] == {"0": {"0": 1, "1": 0}, "1": {"0": 1, "1": 1}}


def test_no_positive_above_the_threshold_is_warned_of(run_job, tmp_path) -> None:
    source = write_table(tmp_path / "data" / "x.csv", [(0.1, 0, 0, "a"), (0.3, 0, 1, "a")])
    out = run_job(source, CSV, **BINARY, probability_attribute="probability", ground_truth_attribute="label")
    assert metrics(out)["recall"] == metrics(out)["precision"] == 0.0
    assert any("no positive row has a score above the threshold 0.5" in note for note in notes(out))
    assert quality(out)["undefined"]["precision"] == "no row was predicted positive"


def test_a_prediction_alone_has_no_curves(run_job, tmp_path) -> None:
    out = run_job(
        write_table(tmp_path / "data" / "x.csv"), CSV, **BINARY,
        inference_attribute="prediction", ground_truth_attribute="label",
    )  # fmt: skip
    assert list(metrics(out)) == [key for key in BINARY_KEYS if "curve" not in key and not key.startswith("au")]


@pytest.mark.parametrize(
    ("labels", "predictions", "matrix"),
    [
        (["1.0", "0.0"], ["1", "0"], {"0": {"0": 1, "1": 0}, "1": {"0": 0, "1": 1}}),
        (["true", "False"], ["1", "0"], {"0": {"0": 1, "1": 0}, "1": {"0": 0, "1": 1}}),
        (["true", "false"], ["True", "False"], {"false": {"false": 1, "true": 0}, "true": {"false": 0, "true": 1}}),
        (["1e0", "0"], ["01", "-0"], {"0": {"0": 1, "1": 0}, "1": {"0": 0, "1": 1}}),
        (["yes", "no"], ["yes", "no"], {"no": {"no": 1, "yes": 0}, "yes": {"no": 0, "yes": 1}}),
    ],
)
def test_labels_compare_as_numbers_where_they_are_numbers(run_job, tmp_path, labels, predictions, matrix) -> None:
    source = write_csv(tmp_path / "data" / "x.csv", "label,prediction", zip(labels, predictions, strict=True))
    out = run_job(source, CSV, **BINARY, inference_attribute="prediction", ground_truth_attribute="label")
    assert metrics(out)["confusion_matrix"] == matrix
    assert metrics(out)["accuracy"] == 1.0


def test_the_positive_label_is_the_one_asked_for(run_job, tmp_path) -> None:
    source = write_csv(tmp_path / "data" / "x.csv", "label,prediction", [("0", "0"), ("1", "0"), ("1", "0")])
    out = run_job(
        source, CSV, **BINARY, inference_attribute="prediction", ground_truth_attribute="label", positive_label="0.0"
    )
    assert (metrics(out)["recall"], metrics(out)["precision"]) == (1.0, 1 / 3)
    assert quality(out)["positive_label"] == "0"


def test_one_column_may_be_both_sides(run_job, tmp_path) -> None:
    source = write_csv(tmp_path / "data" / "x.csv", "Churn", [("0",), ("1",)])
    out = run_job(source, CSV, **BINARY, inference_attribute="Churn", ground_truth_attribute="Churn")
    assert metrics(out)["accuracy"] == 1.0


def test_multiclass_metrics_are_right_where_the_originals_were_zero(run_job, tmp_path) -> None:
    pairs = [("cat", "cat")] * 4 + [("dog", "cat")] * 2 + [("dog", "dog")] * 3 + [("eel", "dog")]
    source = write_csv(tmp_path / "data" / "x.csv", "label,prediction", pairs)
    out = run_job(source, CSV, **MULTICLASS, inference_attribute="prediction", ground_truth_attribute="label")
    found = metrics(out)
    assert list(found) == [
        "confusion_matrix",
        *(names := ["accuracy", "weighted_recall", "weighted_precision"]),
        *(more := ["weighted_f0_5", "weighted_f1", "weighted_f2"]),
        *(f"{name}_best_constant_classifier" for name in [*names, *more]),
    ]
    assert found["confusion_matrix"]["dog"] == {"cat": 2, "dog": 3, "eel": 0}
    assert found["accuracy"] == found["weighted_recall"] == pytest.approx(0.7)
    assert found["weighted_precision"] == pytest.approx(0.4 * 4 / 6 + 0.5 * 3 / 4)
    assert found["accuracy_best_constant_classifier"] == 0.5
    assert list(document(out, "constraints")["multiclass_classification_constraints"]) == [*names, *more]
    assert [each["label"] for each in quality(out)["classes"]] == ["cat", "dog", "eel"]


def test_the_documented_multiclass_example_is_reproduced() -> None:
    """Class shares and metrics of a published confusion matrix of 2096 rows cannot be had; its own formulas can."""
    from sklearn.metrics import fbeta_score, precision_score

    from analyzer.measures.multiclass import figures_of

    random = np.random.default_rng(3)
    labels, predicted = random.integers(0, 4, 500), random.integers(0, 4, 500)
    matrix = np.zeros((4, 4), dtype=np.int64)
    np.add.at(matrix, (labels, predicted), 1)
    found = figures_of(matrix)
    options = {"average": "weighted", "zero_division": 0.0}
    assert found["weighted_precision"] == pytest.approx(precision_score(labels, predicted, **options), abs=1e-12)
    for name, beta in (("f0_5", 0.5), ("f1", 1), ("f2", 2)):
        expected = fbeta_score(labels, predicted, beta=beta, **options)
        assert found[f"weighted_{name}"] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("compatibility", ["original", "corrected"])
def test_the_swapped_r2_is_kept_or_mended_and_told(run_job, tmp_path, compatibility) -> None:
    random = np.random.default_rng(1)
    labels = random.normal(10, 3, 250)
    predictions = labels / 2 + random.random(250)
    source = write_csv(tmp_path / "data" / "x.csv", "label,prediction", zip(labels, predictions, strict=True))
    out = run_job(
        source, CSV, **REGRESSION, inference_attribute="prediction", ground_truth_attribute="label",
        ANALYZER_COMPATIBILITY=compatibility,
    )  # fmt: skip
    right = quality(out)["textbook"]["r2"]
    quirks = document(out, "profile")["quirks"]
    if compatibility == "corrected":
        assert metrics(out)["r2"] == right
        assert quirks == []
    else:
        assert metrics(out)["r2"] < right
        assert [(each["name"], each["corrected"]) for each in quirks] == [("swapped_r2", right)]
    assert all(0 < each < 1 for name, each in deviations(out).items() if name != "r2")


# --- monitoring -------------------------------------------------------------------------------------------------------


@pytest.fixture
def baseline(run_job, tmp_path):
    out = run_job(write_table(tmp_path / "train" / "x.csv"), CSV, into="baseline", **BINARY, **NAMED)
    return out / "constraints.json"


def records(rows=None, flip: bool = False) -> list[dict]:
    return [merged(f"{s}\n", str(1 - y if flip else y), f"e-{i}") for i, (s, _p, y, _) in enumerate(rows or table())]


def test_merged_records_of_the_same_rows_violate_nothing(run_job, tmp_path, baseline) -> None:
    source = write_lines(tmp_path / "data" / "x.jsonl", records())
    out = run_job(source, MERGED, **BINARY, probability_attribute="0", baseline_constraints=baseline)
    assert (out / "constraint_violations.json").read_text() == '{\n  "violations" : [ ]\n}'
    assert (
        metrics(out)["auc"] == json.loads(baseline.read_text())["binary_classification_constraints"]["auc"]["threshold"]
    )


ORDER = "auc precision truePositiveRate f1 accuracy falsePositiveRate trueNegativeRate falseNegativeRate recall f2"


@pytest.mark.parametrize("compatibility", ["original", "corrected"])
def test_violations_have_the_originals_words_names_and_order(run_job, tmp_path, baseline, compatibility) -> None:
    source = write_lines(tmp_path / "data" / "x.jsonl", records(flip=True))
    out = run_job(
        source, MERGED, **BINARY, probability_attribute="0", baseline_constraints=baseline,
        ANALYZER_COMPATIBILITY=compatibility,
    )  # fmt: skip
    found = document(out, "constraint_violations")["violations"]
    names = [each["metric_name"] for each in found]
    assert [name for name in names if name != "f0_5"] == ORDER.split()
    assert ("f0_5" in names) == (compatibility == "corrected")
    assert [each["name"] for each in document(out, "profile")["quirks"]] == (
        ["unevaluated_f0_5"] if compatibility == "original" else []
    )
    threshold = json.loads(baseline.read_text())["binary_classification_constraints"]["auc"]["threshold"]
    assert list(found[0]) == ["constraint_check_type", "description", "metric_name"]
    assert found[0]["description"] == (
        f"Metric auc with {metrics(out)['auc']} +/- {deviations(out)['auc']} was LessThanThreshold '{threshold}'"
    )
    assert found[5]["constraint_check_type"] == "GreaterThanThreshold"


def test_few_rows_are_told_without_a_standard_deviation(run_job, tmp_path, baseline) -> None:
    source = write_lines(tmp_path / "data" / "x.jsonl", records(flip=True)[:50])
    out = run_job(source, MERGED, **BINARY, probability_attribute="0", baseline_constraints=baseline)
    assert "+/-" not in (out / "constraint_violations.json").read_text()


def test_a_deleted_constraint_is_not_judged(run_job, tmp_path, baseline) -> None:
    constraints = json.loads(baseline.read_text())
    kept = constraints["binary_classification_constraints"]
    constraints["binary_classification_constraints"] = {"recall": kept["recall"], "made_up": kept["auc"]}
    baseline.write_text(json.dumps(constraints))
    source = write_lines(tmp_path / "data" / "x.jsonl", records(flip=True))
    out = run_job(source, MERGED, **BINARY, probability_attribute="0", baseline_constraints=baseline)
    assert [each["metric_name"] for each in document(out, "constraint_violations")["violations"]] == ["recall"]
    assert any("constraint of made_up was not judged" in note for note in notes(out))


def test_batch_records_have_inputs_before_the_prediction(run_job, tmp_path) -> None:
    rows = [merged(f"5,6,{s}", str(y), index="batchTransformOutput") for s, _p, y, _ in table()]
    source = write_lines(tmp_path / "data" / "x.jsonl", rows)
    out = run_job(source, MERGED_BATCH, **BINARY, probability_attribute="2")
    assert document(out, "statistics")["dataset"]["item_count"] == len(rows)


@pytest.mark.parametrize(
    ("outputs", "label", "attributes"),
    [
        ({"predictions": [{"score": 0.9, "label": 1}]}, {"label": 1}, ("predictions[0].label", "predictions[0].score")),
        ({"predictions": [{"score": 0.9, "label": 1}]}, "1", ("label", "score")),
        ({"Out": {"score": 0.9, "label": 1}}, {"a": {"b": 1}}, ("Out.label", "Out.score")),
    ],
)
def test_json_payloads_are_searched_by_path(run_job, tmp_path, outputs, label, attributes) -> None:
    source = write_lines(tmp_path / "data" / "x.jsonl", [merged(outputs, label)] * 3)
    out = run_job(source, MERGED, **BINARY, inference_attribute=attributes[0], probability_attribute=attributes[1])
    assert metrics(out)["confusion_matrix"] == {"0": {"0": 0, "1": 0}, "1": {"0": 0, "1": 3}}


def test_a_record_of_several_rows_has_a_label_for_each(run_job, tmp_path) -> None:
    output = {"predictions": [{"score": 0.9}, {"score": 0.2}]}
    source = write_lines(
        tmp_path / "data" / "x.jsonl",
        [merged(output, {"instances": [{"label": 1}, {"label": 0}]})],
    )
    out = run_job(source, MERGED, **BINARY, probability_attribute="predictions[*].score")
    assert document(out, "statistics")["dataset"]["item_count"] == 2
    assert metrics(out)["accuracy"] == 1.0
    write_lines(tmp_path / "data" / "x.jsonl", [merged("0.7\n0.8\n", "1\n1")])
    out = run_job(source, MERGED, **BINARY, probability_attribute="0")
    assert metrics(out)["confusion_matrix"]["1"] == {"0": 0, "1": 2}


@pytest.mark.parametrize("label", [{"instances": [{"label": 1}] * 3}, "1"])
def test_labels_that_are_not_as_many_as_predictions_are_refused(run_job, tmp_path, label) -> None:
    source = write_lines(tmp_path / "data" / "x.jsonl", [merged({"predictions": [{"s": 0.9}, {"s": 0.2}]}, label)])
    with pytest.raises(InputError, match="line 1 does not hold as many values"):
        run_job(source, MERGED, **BINARY, probability_attribute="predictions[*].s")


def test_a_script_sees_merged_records_and_keeps_their_labels(run_job, tmp_path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "def preprocess_handler(record):\n"
        "    if record.event_metadata.event_id == 'e-0':\n"
        "        return []\n"
        "    assert record.ground_truth.data in '01'\n"
        "    return {'score': str(1 - float(record.endpoint_output.data))}\n"
    )
    source = write_lines(tmp_path / "data" / "x.jsonl", records())
    out = run_job(source, MERGED, **BINARY, probability_attribute="score", record_preprocessor_script=script)
    assert document(out, "statistics")["dataset"]["item_count"] == 299
    assert metrics(out)["auc"] < 0.5
    script.write_text("def preprocess_handler(record):\n    return {'other': '1'}\n")
    with pytest.raises(ScriptError, match="probability_attribute names column 'score'"):
        run_job(source, MERGED, **BINARY, probability_attribute="score", record_preprocessor_script=script)


def test_a_process_gets_its_job_as_the_service_sends_it(tmp_path, baseline) -> None:
    source = write_lines(tmp_path / "data" / "x.jsonl", records(flip=True))
    code, message, _ = run_process(
        environment(
            tmp_path, source,
            {"sagemakerMergeJson": {"captureIndexNames": ["endpointOutput"], "originalDatasetFormat": None}},
            **BINARY, probability_attribute="0", probability_threshold_attribute="0.500000",
            baseline_constraints=baseline, start_time="2025-02-16T11:00:00Z", end_time="2025-02-16T12:00:00Z",
            metric_time="2025-02-16T11:00:00Z", monitoring_input_type="ENDPOINT_INPUT",
            publish_cloudwatch_metrics="Enabled", sagemaker_endpoint_name="churn",
            sagemaker_monitoring_schedule_name="hourly",
        )
    )  # fmt: skip
    assert (code, message) == (0, "CompletedWithViolations: Job completed successfully with 10 violations.")
    lines = (tmp_path / "output" / "metrics" / "cloudwatch" / "cloudwatch_metrics.jsonl").read_text().splitlines()
    found = {each["MetricName"]: each for each in map(json.loads, lines)}
    assert list(found) == [
        *(key for key in BINARY_KEYS if key != "confusion_matrix" and "curve" not in key),
        "total_number_of_violations",
    ]
    assert found["total_number_of_violations"]["Value"] == 10
    assert {each["Name"]: each["Value"] for each in found["auc"]["Dimensions"]} == {
        "Endpoint": "churn",
        "MonitoringSchedule": "hourly",
    }
    assert found["auc"]["Timestamp"] == "2025-02-16T11:00:00Z"


# --- beyond the original ----------------------------------------------------------------------------------------------


def test_segments_are_measured_apart_and_the_worst_is_named(run_job, tmp_path) -> None:
    rows = [(s, p, y if g == "a" else 1 - y, g) for s, p, y, g in table(400)]
    source = write_table(tmp_path / "data" / "x.csv", rows)
    out = run_job(source, CSV, **BINARY, **NAMED, ANALYZER_SEGMENT_COLUMNS="group")
    (segment,) = quality(out)["segments"]
    assert [(each["value"], each["rows"]) for each in segment["values"]] == [("a", 200), ("b", 200)]
    assert segment["worst"][0]["value"] == "b"
    assert segment["worst"][0]["auc"] < 0.5 < segment["worst"][1]["auc"]


def test_without_labels_performance_is_estimated(run_job, tmp_path, baseline) -> None:
    rows = table(2000)
    source = write_lines(tmp_path / "data" / "x.jsonl", [merged(str(s), None) for s, *_ in rows])
    out = run_job(
        source, {"sagemakerCaptureJson": {"captureIndexNames": ["endpointOutput"]}}, **BINARY,
        probability_attribute="0", baseline_constraints=baseline,
    )  # fmt: skip
    found = quality(out)["estimates"]
    true = [int((s > 0.5) == y) for s, _p, y, _ in rows]
    assert found["rows"] == 2000
    assert found["accuracy"] == pytest.approx(sum(true) / 2000, abs=0.03)
    assert metrics(out) == {}
    assert document(out, "constraint_violations") == {"violations": []}
    assert any("no rows with labels" in note for note in notes(out))


def test_confidence_intervals_hold_the_figure_and_repeat(run_job, tmp_path) -> None:
    source = write_table(tmp_path / "data" / "x.csv")
    first, second = (run_job(source, CSV, into=name, **BINARY, **NAMED) for name in ("a", "b"))
    assert quality(first) == quality(second)
    for name, (low, high) in quality(first)["confidence"].items():
        assert low < quality(first)["textbook"][name] < high


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"problem_type": ""}, "problem_type is not set"),
        ({"problem_type": "Binary"}, "problem_type is 'Binary'"),
        (
            {"inference_attribute": "", "probability_attribute": ""},
            "needs inference_attribute or probability_attribute",
        ),
        ({"problem_type": "Regression", "inference_attribute": ""}, "Regression needs inference_attribute"),
        ({"ground_truth_attribute": ""}, "ground_truth_attribute is not set"),
        ({"probability_threshold_attribute": "50"}, "probability_threshold_attribute is '50'"),
        ({"probability_threshold_attribute": "nan"}, "probability_threshold_attribute is 'nan'"),
    ],
)
def test_half_a_configuration_is_refused(run_job, tmp_path, settings, words) -> None:
    with pytest.raises(ConfigError, match=words):
        run_job(write_table(tmp_path / "data" / "x.csv"), CSV, **{**BINARY, **NAMED, **settings})


def rows_with(place: int, value: str) -> list:
    rows = [list(row) for row in table(20)]
    rows[12][place] = value
    return rows


@pytest.mark.parametrize(
    ("rows", "settings", "words"),
    [
        (None, {"ground_truth_attribute": "lable"}, "column 'lable'.*probability, prediction, label, group"),
        (None, {"probability_attribute": "7"}, "probability_attribute names column '7'"),
        (rows_with(0, "high"), {}, r"probability_attribute: 'high' is no number \(record 14 of .*x.csv\)"),
        (rows_with(0, "1.5"), {}, r"1.5 is no probability between 0 and 1 \(record 14 of"),
        (rows_with(0, "inf"), {}, "'inf' is no number"),
        (rows_with(1, "maybe"), {}, "there are 3 labels: 0, 1, maybe"),
        ([(0.5, "yes", 1, "a"), (0.4, "no", 0, "a")], {}, "labels are 0, 1, predictions are no, yes"),
        (None, {"positive_label": "yes"}, "positive_label is 'yes', but the labels are 0 and 1"),
        ([], {}, "holds no data"),
        ([(0.5, 1, "", "a")], {}, "none of the 1 rows has a label"),
        ([("", "", 1, "a")], {}, "none of the 1 rows has a prediction"),
    ],
)
def test_data_that_cannot_be_judged_is_refused_by_name(run_job, tmp_path, rows, settings, words) -> None:
    source = write_table(tmp_path / "data" / "x.csv", rows)
    with pytest.raises(InputError, match=words):
        run_job(source, CSV, **{**BINARY, **NAMED, **settings})


def test_labels_of_one_class_are_a_documented_result(run_job, tmp_path) -> None:
    source = write_table(tmp_path / "data" / "x.csv", [(0.2, 0, 0, "a"), (0.6, 1, 0, "a")])
    out = run_job(source, CSV, **BINARY, **NAMED)
    assert metrics(out)["confusion_matrix"] == {"0": {"0": 1, "1": 1}, "1": {"0": 0, "1": 0}}
    assert metrics(out)["recall"] == metrics(out)["auc"] == 0.0
    assert quality(out)["undefined"]["auc"] == "no label is positive"
    assert "auc" not in quality(out)["textbook"]
    assert any("no label is positive" in note for note in notes(out))


def test_missing_values_are_left_out_and_counted(run_job, tmp_path) -> None:
    source = write_table(
        tmp_path / "data" / "x.csv", [(0.2, 0, 0, "a"), (0.6, 1, "", "a"), ("", 1, 1, "a"), (0.7, 1, 1, "")]
    )
    out = run_job(source, CSV, **BINARY, **NAMED)
    assert document(out, "statistics")["dataset"]["item_count"] == 2
    assert "1 rows have no label; they were not judged." in notes(out)
    assert "1 rows have no prediction or score; they were left out." in notes(out)


def test_a_constant_regression_is_no_silent_zero(run_job, tmp_path) -> None:
    source = write_csv(tmp_path / "data" / "x.csv", "label,prediction", [(1, 5), (2, 5), (3, 5)])
    out = run_job(source, CSV, **REGRESSION, inference_attribute="prediction", ground_truth_attribute="label")
    assert metrics(out)["r2"] == "-Infinity"
    assert "All predictions are 5, so r2 compares with no spread." in notes(out)
    assert math.isclose(metrics(out)["mae"], 3)


@pytest.mark.parametrize(
    ("record", "attribute", "words"),
    [
        (merged("0.5", "1,2"), "0", "groundTruthData holds 2 columns"),
        (merged("0.5", {"a": 1, "b": 2}), "0", "groundTruthData holds several values: a, b"),
        (merged("0.5,1", "1"), "2", "probability_attribute is '2', but .* holds 2 fields: 0.5,1"),
        (merged({"p": 0.5}, "1"), "score", "'score' is in no record"),
    ],
)
def test_odd_merged_records_are_named(run_job, tmp_path, record, attribute, words) -> None:
    source = write_lines(tmp_path / "data" / "x.jsonl", [record])
    with pytest.raises(InputError, match=words):
        run_job(source, MERGED, **BINARY, probability_attribute=attribute)


def test_a_path_that_is_none_is_refused(run_job, tmp_path) -> None:
    source = write_lines(tmp_path / "data" / "x.jsonl", [merged({"p": 0.5}, "1")])
    with pytest.raises(ConfigError, match="neither a key of the data nor a JMESPath"):
        run_job(source, MERGED, **BINARY, probability_attribute="a[[")


def test_a_baseline_of_another_analysis_is_refused(run_job, tmp_path, baseline) -> None:
    source = write_csv(tmp_path / "data" / "x.csv", "label,prediction", [(1, 5), (2, 5)])
    with pytest.raises(BaselineError, match="has no regression_constraints"):
        run_job(
            source, CSV, **REGRESSION, inference_attribute="prediction", ground_truth_attribute="label",
            baseline_constraints=baseline,
        )  # fmt: skip


def test_a_column_of_ids_is_no_label(run_job, tmp_path) -> None:
    source = write_csv(tmp_path / "data" / "x.csv", "label,prediction", [(f"id{i}", "1") for i in range(1500)])
    with pytest.raises(InputError, match="more than 1,000 different"):
        run_job(source, CSV, **MULTICLASS, inference_attribute="prediction", ground_truth_attribute="label")


# --- states, schemas, engines -----------------------------------------------------------------------------------------


def test_states_of_hours_merge_to_the_files_of_the_day(run_job, tmp_path) -> None:
    from analyzer.commands import run_command

    rows = table(600)
    settings = {**BINARY, **NAMED, "ANALYZER_SEGMENT_COLUMNS": "group"}
    for hour in (0, 1, 2):
        write_table(tmp_path / "in" / f"{hour}.csv", rows[hour * 200 : hour * 200 + 200])
        run_job(tmp_path / "in" / f"{hour}.csv", CSV, into=f"hours/{hour}", **settings)
    whole = run_job(tmp_path / "in", CSV, **settings)
    flags = ["--analysis-type", "MODEL_QUALITY", "--problem-type"]
    hours = [str(tmp_path / "hours"), "--output", str(tmp_path / "day")]
    assert run_command(["merge-states", *flags, "BinaryClassification", *hours]) == 0
    assert metrics(tmp_path / "day") == metrics(whole)
    assert quality(tmp_path / "day") == quality(whole)
    assert (tmp_path / "day" / "state.json.gz").read_bytes() == (whole / "state.json.gz").read_bytes()
    with pytest.raises(BaselineError, match="is not of problem_type Regression"):
        merge_into(tmp_path, "Regression")
    other = run_job(tmp_path / "in" / "0.csv", CSV, into="hours/x", **BINARY, **NAMED)
    assert other.is_dir()
    with pytest.raises(BaselineError, match="other attributes"):
        merge_into(tmp_path, "BinaryClassification")


def merge_into(folder: Path, problem: str) -> None:
    from analyzer.config import read_command
    from analyzer.merge_states import merge_states

    given = {
        "dataset_format": '{"sagemakerMergeJson":{}}', "dataset_source": "x", "output_path": str(folder / "merged"),
        "analysis_type": "MODEL_QUALITY", "problem_type": problem, "inference_attribute": "0",
    }  # fmt: skip
    merge_states([folder / "hours"], read_command(given, {}))


@pytest.mark.parametrize("problem", [BINARY, MULTICLASS, REGRESSION])
def test_what_is_written_holds_the_schemas(run_job, tmp_path, problem) -> None:
    from jsonschema import Draft202012Validator

    source = write_table(tmp_path / "data" / "x.csv")
    first = run_job(source, CSV, into="first", **problem, **NAMED, ANALYZER_SEGMENT_COLUMNS="group")
    constraints = json.loads((first / "constraints.json").read_text())
    (block,) = (value for key, value in constraints.items() if key != "version")
    for each in block.values():
        each["threshold"] = 10 if each["comparison_operator"] == "LessThanThreshold" else -1
    (first / "harder.json").write_text(json.dumps(constraints))
    out = run_job(source, CSV, **problem, **NAMED, baseline_constraints=first / "harder.json")
    assert document(out, "constraint_violations")["violations"]
    schemas = Path(__file__).resolve().parents[1] / "schemas"
    names = {"constraint_violations": "violations"}
    for name in ("statistics", "constraints", "profile", "constraint_violations"):
        schema = json.loads((schemas / f"model-quality-{names.get(name, name)}.json").read_text())
        Draft202012Validator(schema).validate(document(out, name))


@pytest.mark.parametrize("problem", [BINARY, REGRESSION])
@pytest.mark.parametrize("source_format", ["csv", "merged"])
@pytest.mark.spark
def test_both_engines_and_any_number_of_workers_write_the_same_bytes(
    spark, run_job, tmp_path, monkeypatch, problem, source_format
) -> None:
    from analyzer import read

    monkeypatch.setattr(read, "PARTITION_BYTES", 4_000)
    rows = table(3_000)
    settings = {**problem, **NAMED, "ANALYZER_SEGMENT_COLUMNS": "group"}
    form = CSV
    if source_format == "csv":
        source = write_table(tmp_path / "data" / "x.csv", rows)
    else:
        source = write_lines(tmp_path / "data" / "x.jsonl", [merged(f"{s},{p},{g}", str(y)) for s, p, y, g in rows])
        form = MERGED
        settings |= {"inference_attribute": "1", "probability_attribute": "0", "ANALYZER_SEGMENT_COLUMNS": "2"}
        del settings["ground_truth_attribute"]
    outs = [
        run_job(source, form, into=f"{engine}-{cores}", ANALYZER_ENGINE=engine, ANALYZER_CORES=cores, **settings)
        for engine, cores in (("local", "1"), ("local", "2"), ("spark", "2"))
    ]
    for name in ("constraints.json", "profile.json", "state.json.gz"):
        assert len({(out / name).read_bytes() for out in outs}) == 1, name
    texts = [(out / "statistics.json").read_text().splitlines() for out in outs]
    assert len({"\n".join(line for line in text if "evaluation_time" not in line) for text in texts}) == 1


@pytest.mark.spark
def test_a_table_that_only_spark_reads_is_measured(spark, run_job, tmp_path) -> None:
    frame = spark.createDataFrame([(0.9, 1, "a"), (0.2, 0, "b"), (0.7, 0, "a")], "p double, y int, g string")
    frame.createOrReplaceTempView("predictions")
    out = run_job(
        "/nowhere", {"spark": {"table": "predictions"}}, **BINARY, ANALYZER_ENGINE="spark",
        probability_attribute="p", ground_truth_attribute="y", ANALYZER_SEGMENT_COLUMNS="g",
    )  # fmt: skip
    assert metrics(out)["confusion_matrix"] == {"0": {"0": 1, "1": 1}, "1": {"0": 0, "1": 1}}
