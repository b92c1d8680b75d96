"""What a run wrote, to whom it concerns: the history, the alerts, and metrics for other systems.

All of that comes after the files are written and never fails the job: what goes wrong is logged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from analyzer.config import JobConfig, utc_text
from analyzer.errors import AnalyzerError

if TYPE_CHECKING:
    from analyzer.history.import_executions import Run
    from analyzer.history.read_documents import Contents

log = logging.getLogger(__name__)
REPORT = "report.html"


def check_publishing(config: JobConfig) -> None:
    """Find out before the work whether the rules make sense.

    Raises ConfigError.
    """
    if config.alerts:
        from analyzer.alerts.read_rules import read_rules

        read_rules(config.alerts)


def publish(config: JobConfig, files: Mapping[str, str | bytes], records: Sequence[Mapping[str, Any]]) -> None:
    """Tell the history, the alerts and the targets of metrics of a run's files and records.

    Raises nothing but the stop of the job.
    """
    if not config.history and not config.metrics_targets:
        return
    from analyzer.history.find_executions import DOCUMENTS
    from analyzer.history.read_documents import read_contents

    contents = read_contents({name: _bytes(files[name]) for name in DOCUMENTS if name in files})
    run = run_of(config, REPORT if REPORT in files else None)
    if config.history:
        _try("The execution could not be recorded", lambda: _record(config, run, contents))
    if config.metrics_targets:
        _try("The metrics could not be sent", lambda: _send(config, run, contents, records))


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _try(what: str, work: Callable[[], None]) -> None:
    try:
        work()
    except AnalyzerError as error:
        log.error("%s; the files of the run are complete. %s", what, error)  # noqa: TRY400 (the reason is in it)
    except Exception:
        log.exception("%s; the files of the run are complete. Please report it with this trace.", what)


def run_of(config: JobConfig, report: str | None) -> Run:
    """Say whose run it was and when: by the layout of the output folder, else by what the job was told."""
    from analyzer.history.find_executions import Found, name_of, place_execution
    from analyzer.history.import_executions import Run

    output, history = str(config.output_path).rstrip("/"), str(config.history or "")
    top = history.rpartition("/")[0]
    inside = bool(top) and output.startswith(f"{top}/")
    folder = output[len(top) + 1 :] if inside else output
    found = place_execution(folder)
    source, where = ("", folder) if inside else (output, "")
    if isinstance(found, Found):
        endpoint = found.endpoint if inside else found.endpoint.rpartition("/")[2]
        return Run(endpoint, found.schedule, found.time, source, where, report)
    schedule = config.sagemaker_monitoring_schedule_name or name_of(output)
    time = config.metric_time or config.start_time or datetime.now(UTC)
    return Run(config.sagemaker_endpoint_name or "", schedule, time, source, where, report)


def _record(config: JobConfig, run: Run, contents: Contents) -> None:
    """Put the run into the history, bring its alarms up to date with it, and send what they have to say."""
    from analyzer.alerts.deliver import deliver
    from analyzer.alerts.evaluate import evaluate
    from analyzer.alerts.read_rules import read_rules
    from analyzer.history.database import Connection, work_on
    from analyzer.history.import_executions import Writer

    rules = read_rules(config.alerts) if config.alerts else None
    place = str(config.history)

    def work(connection: Connection) -> None:
        Writer(connection).put(run, contents)
        if rules:
            evaluate(connection, rules, only=(run.endpoint, run.schedule))

    work_on(place, work)
    log.info("Recorded the execution %s / %s of %s in %s.", run.endpoint, run.schedule, utc_text(run.time), place)
    if rules:
        deliver(place, rules)


def _send(config: JobConfig, run: Run, contents: Contents, records: Sequence[Mapping[str, Any]]) -> None:
    from analyzer.metric_targets.send import send_metrics

    every = [*records, *run_records(run, contents, datetime.now(UTC))]
    owner = f"{run.endpoint}_{run.schedule}_{contents.kind}"
    send_metrics(config.metrics_targets, config.metrics_headers, every, owner)


def run_records(run: Run, contents: Contents, now: datetime) -> list[dict[str, Any]]:
    """Make records of the run itself, which CloudWatch does not get: the original has none of them."""
    names = {"Endpoint": run.endpoint, "MonitoringSchedule": run.schedule}
    own = [{"Name": name, "Value": value} for name, value in names.items() if value]

    def record(name: str, value: float, dimension: str) -> dict[str, Any]:
        dimensions = [*own, {"Name": "Dimension", "Value": dimension}]
        return {"MetricName": name, "Timestamp": utc_text(run.time), "Dimensions": dimensions, "Value": value}

    found = []
    for dimension, judged in contents.dimensions.items():
        count = sum(each.dimension == dimension for each in contents.violations)
        values = {
            "violations": count if judged else None,
            "rows": contents.rows,
            "window_timestamp_seconds": int(run.time.timestamp()),
            "run_timestamp_seconds": int(now.timestamp()),
        }
        found += [record(name, value, dimension) for name, value in values.items() if value is not None]
    return found
