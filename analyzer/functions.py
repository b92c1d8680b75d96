"""Functions for notebooks and programs, which the commands for people call, too; exported as `analyzer.baseline` etc.

Each takes data wherever it is (a path, an s3:// URI, a data frame of pandas, Polars or Arrow) and gives a `Result`. All
settings of the analyzer, and all variables of a job, may be given by name: `engine="local"`,
`record_preprocessor_script="script.py"`. Of the environment only variables with the prefix ANALYZER_ count.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from analyzer.ask_analysis import Facets, ask_bias, ask_explanation
from analyzer.config import read_command
from analyzer.errors import ConfigError
from analyzer.perform import PROBLEMS, QUIET, Data, Place, Task, below, perform, texts_of
from analyzer.results import Merged, Result

if TYPE_CHECKING:
    from analyzer.diagnosis import Diagnosis
    from analyzer.history import History

Problem = Literal["binary", "multiclass", "regression"]


def baseline(data: Data, *, output: Place | None = None, dataset_format: Any = None, **settings: Any) -> Result:
    """Learn from data what is normal: statistics, and constraints that later data has to meet.

    `output` is the folder for the files; without one they are in the result alone. `dataset_format` is a word (csv,
    csv-no-header, jsonlines, json, parquet, capture, merged) or the format as a variable has it; without it the format
    is found out. Raises AnalyzerError.
    """
    return perform(Task("baseline", data, output, dataset_format, settings))


def monitor(
    data: Data,
    *,
    baseline: Result | Place,
    output: Place | None = None,
    dataset_format: Any = None,
    **settings: Any,
) -> Result:
    """Compare data with a baseline: the result of `baseline`, or the folder that it wrote.

    The rest is as for `baseline`. Raises AnalyzerError.
    """
    return perform(Task("monitor", data, output, dataset_format, settings, baseline))


def quality(
    data: Data,
    *,
    problem: Problem | str,
    label: str | int | None = None,
    prediction: str | int | None = None,
    score: str | int | None = None,
    baseline: Result | Place | None = None,
    output: Place | None = None,
    dataset_format: Any = None,
    **settings: Any,
) -> Result:
    """Measure a model's predictions against the labels, and compare the figures with a baseline where there is one.

    `problem` is binary, multiclass or regression. `label`, `prediction` and `score` say where these stand: by name, by
    index, or in JSON by a JMESPath; merged records need no `label`. The rest is as for `monitor`. Raises AnalyzerError.
    """
    roles = {
        "analysis_type": "MODEL_QUALITY",
        "problem_type": PROBLEMS.get(str(problem).lower(), str(problem)),
        "ground_truth_attribute": label,
        "inference_attribute": prediction,
        "probability_attribute": score,
    }
    return perform(Task("quality", data, output, dataset_format, roles | settings, baseline))


def bias(
    data: Data,
    *,
    label: str | int,
    positive: Any,
    facets: Facets,
    prediction: str | int | None = None,
    score: str | int | None = None,
    group: str | int | None = None,
    baseline: Result | Place | None = None,
    output: Place | None = None,
    dataset_format: Any = None,
    **settings: Any,
) -> Result:
    """Measure whether labels, and predictions where there are some, treat groups alike.

    `positive` are the labels that are the good outcome, `facets` columns and the group in each that is looked after:
    a value, a list of values, a threshold as text (`">40"`), or None for each value. The rest is as for `monitor`.
    Raises AnalyzerError.
    """
    excluded = settings.pop("exclude_features_attribute", None) or ()
    asked = ask_bias(label=label, positive=positive, facets=facets, group=group, exclude=excluded)
    roles = {"analysis_type": "MODEL_BIAS", "inference_attribute": prediction, "probability_attribute": score}
    return perform(Task("bias", data, output, dataset_format, roles | settings, baseline, analysis=asked))


def explain(
    data: Data,
    *,
    model: Place | None = None,
    model_url: str | None = None,
    attributions: str | None = None,
    label: str | int | None = None,
    samples: int | None = None,
    baseline: Result | Place | None = None,
    output: Place | None = None,
    dataset_format: Any = None,
    **settings: Any,
) -> Result:
    """Tell which features a model's predictions rest on, by Kernel SHAP over a sample of the rows.

    `model` is a Python file with `predict(df)`, `model_url` an endpoint, `attributions` where the data has them.
    `label` is a column that is no feature, `samples` the number of synthetic rows for each. The rest is as for
    `monitor`. Raises AnalyzerError.
    """
    excluded = settings.pop("exclude_features_attribute", None) or ()
    asked = ask_explanation(label=label, exclude=excluded, samples=samples)
    told = {
        "analysis_type": "MODEL_EXPLAINABILITY",
        "model_script": model,
        "model_url": model_url,
        "attributions": attributions,
    }
    return perform(Task("explain", data, output, dataset_format, told | settings, baseline, analysis=asked))


def merge_labels(captures: Place, labels: Place, *, output: Place, **settings: Any) -> Merged:
    """Put captured requests and the labels that came later together, for `quality`.

    `captures` and `labels` are folders of records, `output` the folder for the merged ones. Raises AnalyzerError.
    """
    from analyzer.merge import merge
    from analyzer.read import MERGE_REPORT
    from analyzer.stores import read_whole

    told = {"dataset_source": captures, "ground_truth_source": labels, "output_path": output}
    config = read_command(texts_of(told | settings), defaults=QUIET, merges=True)
    merge(config)
    report = json.loads(read_whole(below(str(config.output_path), MERGE_REPORT)))
    return Merged(str(captures), str(labels), str(config.output_path), report)


def open_history(place: Place) -> History:
    """Give the history of past executions: a database, or the folder or s3:// prefix that it lies in.

    `update` takes in the executions of a folder, `query` and `frame` ask with SQL (docs/history.md).
    """
    from analyzer.history import History, history_in

    told = str(place)
    is_file = told.endswith((".sqlite", ".db", ".sqlite3"))
    return History(told if is_file else history_in(told))


def make_dashboard(folder: Place, *, output: Place | None = None, history: Place | None = None) -> str:
    """Make a static site of the executions in a folder or s3:// prefix, and give the place of its first page.

    `output` is where it goes, by default the folder `dashboard` in it; `history` is the database, by default the one
    in it. Raises AnalyzerError.
    """
    from analyzer.dashboard.make_site import make_dashboard as make

    made = make(str(folder), None if output is None else str(output), None if history is None else str(history))
    return f"{made.place.rstrip('/')}/index.html"


def doctor(data: Data = None, *, baseline: Result | Place | None = None, **settings: Any) -> Diagnosis:
    """Say what a run over this data would fail at, and how to mend it, without running it.

    Takes what `monitor` takes; without data, the job that the variables of the environment describe is examined.
    Raises ConfigError for a baseline without data.
    """
    from analyzer.examine import examine_job, examine_task

    if data is None and baseline is not None:
        raise ConfigError("A baseline is given without data.", "A job is told by baseline_constraints and _statistics.")
    if data is None:
        return examine_job(texts_of(settings))
    dataset_format = settings.pop("dataset_format", None)
    return examine_task(Task("doctor", data, settings.pop("output", None), dataset_format, settings, baseline))
