"""The records of a run to all targets; one that fails is logged, and neither the others nor the job are harmed."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from analyzer.errors import OutputError
from analyzer.metric_targets.figures import figures_of
from analyzer.metric_targets.otlp import send_otlp
from analyzer.metric_targets.prometheus import write_prometheus
from analyzer.post import PostError, post

log = logging.getLogger(__name__)


def send_metrics(
    targets: Sequence[str], headers: Sequence[str], records: Sequence[Mapping[str, Any]], owner: str
) -> None:
    """Send records to targets, each `kind=place`; `headers` are `name=value`, `owner` tells schedule and kind."""
    told = dict(_header(each) for each in headers)
    for target in targets:
        kind, _, place = target.partition("=")
        try:
            _send(kind.lower(), place, told, records, owner)
        except (PostError, OutputError) as error:
            log.error("The metrics did not reach %s: %s", kind, error)  # noqa: TRY400 (the reason is in it)
        except Exception:
            log.exception("The metrics did not reach %s; please report it with this trace.", kind)


def _send(kind: str, place: str, headers: Mapping[str, str], records: Sequence[Mapping[str, Any]], owner: str) -> None:
    if kind == "prometheus":
        log.info("Write metrics to %s", write_prometheus(place, figures_of(records), owner))
    elif kind == "otlp":
        send_otlp(place, figures_of(records), headers)
    else:
        content = json.dumps({"records": list(records)}, allow_nan=False).encode()
        post(place, content, {"Content-Type": "application/json", **headers})


def _header(pair: str) -> tuple[str, str]:
    """Read a header as OpenTelemetry writes them: the value may be percent-encoded."""
    name, _, value = pair.partition("=")
    return name.strip(), unquote(value.strip())
