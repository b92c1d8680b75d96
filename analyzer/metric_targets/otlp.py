"""Figures to an OpenTelemetry collector: OTLP over HTTP, in its JSON encoding."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from analyzer import __version__
from analyzer.metric_targets.figures import Figure, by_name
from analyzer.post import PostError, post

log = logging.getLogger(__name__)
PATH: Final = "v1/metrics"
AT_ONCE: Final = 2000
"""Figures of a request; collectors refuse requests that are too large."""
SERVICE: Final = "model-monitor-analyzer"


def send_otlp(place: str, figures: Sequence[Figure], headers: Mapping[str, str]) -> None:
    """Send figures to a collector; an address without a path gets that of the protocol, /v1/metrics.

    Raises PostError where they do not arrive, or where the collector says that it did not take all.
    """
    address = place if urlsplit(place).path.strip("/") else f"{place.rstrip('/')}/{PATH}"
    told = {"Content-Type": "application/json", **headers}
    for begin in range(0, len(figures), AT_ONCE):
        answer = post(address, json.dumps(request_of(figures[begin : begin + AT_ONCE])).encode(), told)
        _check(answer)


def _check(answer: bytes) -> None:
    """Read the partial success that a collector may answer with."""
    try:
        partial = json.loads(answer or b"{}").get("partialSuccess") or {}
        refused = int(partial.get("rejectedDataPoints", 0))
    except (ValueError, AttributeError, TypeError):
        return
    if refused:
        raise PostError(f"the collector refused {refused:,} figures: {partial.get('errorMessage', '')}")


def request_of(figures: Sequence[Figure]) -> dict[str, Any]:
    """Put figures into an ExportMetricsServiceRequest, as gauges without units, so that names stay as they are.

    Source: OpenTelemetry Protocol specification 1.x, "JSON Protobuf Encoding": 64-bit numbers are texts.
    """
    metrics = [
        {"name": name, "gauge": {"dataPoints": [_point(each) for each in some]}}
        for name, some in by_name(figures).items()
    ]
    scope = {"scope": {"name": SERVICE, "version": __version__}, "metrics": metrics}
    return {
        "resourceMetrics": [{"resource": {"attributes": [_pair("service.name", SERVICE)]}, "scopeMetrics": [scope]}]
    }


def _point(figure: Figure) -> dict[str, Any]:
    return {
        "attributes": [_pair(key, value) for key, value in sorted(figure.labels.items())],
        "timeUnixNano": str(int(figure.time.timestamp()) * 1_000_000_000),
        "asDouble": figure.value if math.isfinite(figure.value) else _SPECIAL[str(figure.value)],
    }


_SPECIAL: Final = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}


def _pair(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value.encode("utf-8", "replace").decode("utf-8")}}
