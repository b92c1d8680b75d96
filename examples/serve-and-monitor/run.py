"""A model in production, from training to alarm: served over HTTP, captured, labelled later, monitored.

Everything is written below ./serve-and-monitor. First the baselines; then an ordinary day and a bad one: requests go to
a real server, which captures them; labels come when they are known; the jobs of `MONITORS` look at the day.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

import httpx
import model
import patients

from analyzer.capture import write_labels

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

HERE = Path(__file__).resolve().parent
PLACE = Path("serve-and-monitor").absolute()
REQUESTS, LABELLED = 400, 360
WORKERS, CLIENTS = 2, 4
PATIENCE = 60
WHOLE_SECOND = timedelta(seconds=1)
CSV: dict[str, Any] = {"csv": {"header": True}}
CAPTURED = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}
MERGED = {"sagemakerMergeJson": {"captureIndexNames": ["endpointOutput"]}}
BIAS = {
    "dataset_type": "text/csv",
    "label": model.LABEL,
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "sex", "value_or_threshold": ["code-2"]}],
    "methods": {"post_training_bias": {"methods": ["DPPL", "RD", "AD"]}},
    "violation_rule": "bootstrap",
}
"""What bias is about: whether one sex is told differently; a metric has drifted when its interval says so."""
EXPLAINED = 100
"""Rows that attributions are computed for: each asks the model some hundred questions."""
QUALITY = {"analysis_type": "MODEL_QUALITY", "problem_type": "BinaryClassification"}
SLACK = 0.1
"""How much worse than in validation a metric of the model may be; constraints are files that are there to be edited."""


class Day(NamedTuple):
    """A window of traffic: its name, from when to when, and where the service can be reached."""

    name: str
    start: datetime
    end: datetime
    url: str

    @property
    def window(self) -> dict[str, str]:
        return {"start_time": f"{self.start:%Y-%m-%dT%H:%M:%SZ}", "end_time": f"{self.end:%Y-%m-%dT%H:%M:%SZ}"}


class Finding(NamedTuple):
    """What a job said of a day."""

    day: str
    monitor: str
    violations: list[dict[str, str]]


# --- baselines --------------------------------------------------------------------------------------------------------


def baselines(trained: model.Trained, url: str) -> None:
    """Say once what is normal: how the data looks, and how good, how fair and by what the model is."""
    run_job("baseline/data", {"dataset_format": json.dumps(CSV), "dataset_source": str(PLACE / "training")})
    attributes = {"probability_attribute": model.SCORE, "ground_truth_attribute": model.LABEL}
    source = {"dataset_format": json.dumps(CSV), "dataset_source": str(PLACE / "validation")}
    loosen(run_job("baseline/quality", {**QUALITY, **source, **attributes}) / "constraints.json")
    tolerate(run_job("baseline/bias", {**source, **attributes, **config_of("bias-baseline", BIAS)}) / "analysis.json")
    rows = {"dataset_format": json.dumps(CSV), "dataset_source": str(PLACE / "features")}
    run_job("baseline/attribution", {**rows, **questions(url), **config_of("attribution", attribution_of(trained))})


def tolerate(path: Path) -> None:
    """Allow every metric of bias to be a little farther from even than in validation."""
    document = json.loads(path.read_text())
    for facet in (each for facets in document["post_training_bias_metrics"]["facets"].values() for each in facets):
        for metric in facet["metrics"]:
            metric["value"] = abs(metric["value"]) + SLACK
    path.write_text(json.dumps(document, indent=2))


def config_of(name: str, config: dict[str, Any]) -> dict[str, str]:
    """Write an analysis_config.json and give the variable that names it."""
    path = PLACE / "configs" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(config, indent=2))
    return {"ANALYZER_ANALYSIS_CONFIG": str(path)}


def attribution_of(trained: model.Trained) -> dict[str, Any]:
    """Ask for attributions against one typical patient."""
    rows = trained.rows[model.COLUMNS]
    typical = [rows[name].median() if name in patients.NUMBERS else rows[name].mode()[0] for name in model.COLUMNS]
    shap = {"baseline": [typical], "agg_method": "mean_abs"}
    return {"dataset_type": "text/csv", "methods": {"shap": shap}, "predictor": {"content_type": "text/csv"}}


def questions(url: str) -> dict[str, str]:
    """Say where the model answers without being captured: what jobs ask is no traffic."""
    return {"ANALYZER_MODEL_URL": f"{url}/shadow/invocations", "ANALYZER_MOST_EXPLAINED": str(EXPLAINED)}


def loosen(path: Path) -> None:
    """Allow the model to be a little worse than in validation: no two samples give the same figures."""
    document = json.loads(path.read_text())
    for constraint in document["binary_classification_constraints"].values():
        worse = -SLACK if constraint["comparison_operator"] == "LessThanThreshold" else SLACK
        constraint["threshold"] += worse
    path.write_text(json.dumps(document, indent=2))


# --- a day ------------------------------------------------------------------------------------------------------------


def unfairly_broken(split: patients.Split) -> pd.DataFrame:
    """Draw the requests of the bad day; only one sex has its blood pressure in kPa."""
    people = patients.broken_requests(split, REQUESTS)
    spared = people["sex"] == "code-1"
    people.loc[spared, "blood_pressure"] /= 0.133322
    return people


@contextmanager
def serving() -> Iterator[str]:
    """Run the service on a free port, in several processes; gives its address. Its end publishes what it captured."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        command = [sys.executable, "-m", "uvicorn", "service:app", "--app-dir", str(HERE), "--fd", str(free.fileno())]
        command += ["--workers", str(WORKERS), "--log-level", "warning"]
        environment = os.environ | {"SERVICE_FOLDER": str(PLACE)}
        server = subprocess.Popen(command, pass_fds=[free.fileno()], env=environment)  # noqa: S603
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        try:
            wait_until("the service answers", lambda: answers(server, url))
            yield url
        finally:
            server.terminate()
            server.wait(PATIENCE)


def answers(server: subprocess.Popen[bytes], url: str) -> bool:
    if server.poll() is not None:
        sys.exit(f"The service ended with {server.returncode}.")
    try:
        return httpx.get(f"{url}/ping", timeout=5).is_success
    except httpx.TransportError:
        return False


def live(name: str, people: pd.DataFrame, url: str) -> Day:
    """Send the requests of a day, and later the labels of most of them; gives the day when all of it is captured."""
    before = captured()
    start = whole_second()
    ids = [str(uuid4()) for _ in range(len(people))]

    def ask(client: httpx.Client, inference_id: str, row: pd.Series) -> None:
        headers = {"Content-Type": "text/csv", "X-Amzn-SageMaker-Inference-Id": inference_id}
        client.post(f"{url}/invocations", content=patients.as_csv(row), headers=headers).raise_for_status()

    with httpx.Client(timeout=30) as client, ThreadPoolExecutor(CLIENTS) as pool:
        rows = (row for _, row in people.iterrows())
        list(pool.map(lambda pair: ask(client, *pair), zip(ids, rows, strict=True)))
    known = dict(zip(ids, people[model.LABEL].tolist(), strict=True))
    write_labels(PLACE / "labels", {each: known[each] for each in ids[:LABELLED]})
    wait_until("everything is captured", lambda: captured() == before + len(people))
    say(f"{name}: {len(people)} requests to {WORKERS} processes, {LABELLED} labels.")
    return Day(name, start, whole_second(), url)


def captured() -> int:
    """Count the records that readers see."""
    paths = [path for path in (PLACE / "captures").rglob("*.jsonl") if not path.name.startswith(".")]
    return sum(path.read_bytes().count(b"\n") for path in paths)


def whole_second() -> datetime:
    """Wait for the next second to begin: the times in captures are whole seconds, and days must not share one."""
    after = datetime.now(UTC).replace(microsecond=0) + WHOLE_SECOND
    time.sleep((after - datetime.now(UTC)).total_seconds())
    return after


# --- monitors ---------------------------------------------------------------------------------------------------------


def data_quality(day: Day) -> Path:
    """Look at what went in and came out."""
    settings = {
        "dataset_format": json.dumps(CAPTURED),
        "dataset_source": str(PLACE / "captures"),
        "baseline_statistics": str(output_of("baseline/data") / "statistics.json"),
        "baseline_constraints": str(output_of("baseline/data") / "constraints.json"),
    }
    return run_job(f"{day.name}/data_quality", settings | day.window)


def model_quality(day: Day) -> Path:
    """Look at how good the answers were."""
    settings = {
        **QUALITY,
        "dataset_format": json.dumps(MERGED),
        "dataset_source": str(merged(day)),
        "probability_attribute": "0",
        "baseline_constraints": str(output_of("baseline/quality") / "constraints.json"),
    }
    return run_job(f"{day.name}/model_quality", settings)


def bias(day: Day) -> Path:
    """Look at whether the answers treat one sex otherwise than before."""
    settings = {
        "dataset_format": json.dumps({"sagemakerMergeJson": {}}),
        "dataset_source": str(merged(day)),
        "baseline_constraints": str(output_of("baseline/bias") / "analysis.json"),
    }
    named = {"headers": [*model.COLUMNS, model.LABEL], "dataset_type": "application/sagemakercapturejson"}
    return run_job(f"{day.name}/bias", settings | config_of("bias", BIAS | named))


def attribution(day: Day) -> Path:
    """Look at which features the answers rest on."""
    settings = {
        "dataset_format": json.dumps({"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput"]}}),
        "dataset_source": str(PLACE / "captures"),
        "baseline_constraints": str(output_of("baseline/attribution") / "analysis.json"),
    }
    config = json.loads((PLACE / "configs" / "attribution.json").read_text()) | {"headers": model.COLUMNS}
    named = config_of("attribution-of-captures", config | {"dataset_type": "application/sagemakercapturejson"})
    return run_job(f"{day.name}/attribution", settings | questions(day.url) | day.window | named)


MONITORS: tuple[Callable[[Day], Path], ...] = (data_quality, model_quality, bias, attribution)
"""Each looks at a day and gives the folder with its reports."""


def merged(day: Day) -> Path:
    """Put the captures and the labels of a day together; gives the folder of the merged records."""
    folder = output_of(f"{day.name}/merge")
    if not folder.exists():
        sources = {"dataset_source": str(PLACE / "captures"), "ground_truth_source": str(PLACE / "labels")}
        run_job(f"{day.name}/merge", sources | day.window)
    return folder


# --- jobs -------------------------------------------------------------------------------------------------------------


def output_of(name: str) -> Path:
    return PLACE / "jobs" / name / "output-folder"


def run_job(name: str, settings: dict[str, str]) -> Path:
    """Run one job as its own process, as a container would be; gives the folder with what it wrote."""
    root = PLACE / "jobs" / name
    root.mkdir(parents=True)
    environment = {"ANALYZER_ROOT": str(root), "ANALYZER_ENGINE": "local", "output_path": str(output_of(name))}
    log = root / "job.log"
    with log.open("w") as lines:
        command = [sys.executable, "-m", "analyzer"]
        done = subprocess.run(command, env=os.environ | environment | settings, stderr=lines, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(f"{name} ended with {done.returncode}. The end of {log}:\n{log.read_text()[-3000:]}")
    return output_of(name)


def look_at(day: Day) -> list[Finding]:
    """Let every monitor look at a day."""
    found = []
    for monitor in MONITORS:
        path = monitor(day) / "constraint_violations.json"
        violations = json.loads(path.read_text())["violations"] if path.exists() else []
        found.append(Finding(day.name, monitor.__name__, violations))
    return found


def report(findings: list[Finding]) -> None:
    for each in findings:
        say(f"{each.day}, {each.monitor}: {len(each.violations) or 'no'} violations")
        for violation in each.violations:
            what = " ".join(violation[key] for key in ("feature_name", "facet", "metric_name") if key in violation)
            print(f"    {what:22} {violation['constraint_check_type']:32} {violation['description'].strip()}")


def wait_until(what: str, holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            sys.exit(f"Waited {PATIENCE} s in vain until {what}.")
        time.sleep(0.1)


def say(text: str) -> None:
    print(f"\n{text}", flush=True)


def main() -> int:
    """Live through both days; 0 when the ordinary one is quiet, and those monitors are not on the bad one that should.

    Attributions are those of the model, which is the same on both days.
    """
    shutil.rmtree(PLACE, ignore_errors=True)
    split = patients.load_patients()
    trained = model.train(split)
    model.write(trained, PLACE)
    median = split.training[patients.TARGET].median()
    with serving() as url:
        baselines(trained, url)
        days = [
            live("ordinary-day", model.with_label(patients.clean_requests(split, REQUESTS), median), url),
            live("bad-day", model.with_label(unfairly_broken(split), median), url),
        ]
        findings = [finding for day in days for finding in look_at(day)]
    report(findings)
    alarmed = {(each.day, each.monitor) for each in findings if each.violations}
    return 0 if alarmed == {("bad-day", each.__name__) for each in (data_quality, model_quality, bias)} else 1


if __name__ == "__main__":
    sys.exit(main())
