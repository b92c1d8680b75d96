"""A model behind HTTP or in an endpoint of SageMaker: batches, retries, single records where batches fail."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from analyzer.attributions.features import Block, Features
from analyzer.config import aws_region, without_credentials
from analyzer.errors import ConfigError, ModelError
from analyzer.models.model import ModelAccess, Read, Requests, as_scores
from analyzer.models.payloads import Rows, body_of, refuse_half_requests, scores_in, takes_one_record

log = logging.getLogger(__name__)
MOST_BYTES = 5_000_000
"""A request of more is cut in two: endpoints of SageMaker take 6 MB."""
AGAIN = (429, 500, 502, 503, 504)
"""Statuses that are worth another try."""
BACKOFF = 0.5
"""Seconds before the second try; they double from try to try."""
CONNECT_SECONDS = 10.0
Send = Callable[[bytes], tuple[bytes, str]]
"""Sends a body and returns that of the answer, with its content type."""


class UnreachableError(ModelError):
    """An endpoint that did not answer at all: asking for less at once would not help."""


def endpoint_caller(access: ModelAccess, features: Features, read: Read = as_scores) -> _Asker:
    """Give what asks the endpoint, whose answers `read` understands.

    Raises ConfigError for requests that make no sense.
    """
    refuse_half_requests(access.requests)
    if access.url is not None:
        url = url_of(access.url)
        return _Asker(_http(url, access), features, access.requests, f"endpoint {without_credentials(url)}", read)
    return _Asker(_sagemaker(access), features, access.requests, f"endpoint {access.endpoint_name}", read)


def url_of(text: str) -> str:
    """Complete a URL without a path by `/invocations`.

    Raises ConfigError for what is no URL of HTTP.
    """
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ConfigError(
            f"ANALYZER_MODEL_URL (predictor.endpoint_url) is {without_credentials(text)!r}.",
            "Set it to a URL such as http://localhost:8080.",
        )
    return text if parts.path not in {"", "/"} else f"{text.rstrip('/')}/invocations"


class _Asker:
    """Asks for a block of rows at once; once that has failed but single records have not, record by record."""

    def __init__(self, send: Send, features: Features, requests: Requests, name: str, read: Read) -> None:
        self._read = read
        self._send = send
        self._features = features
        self._requests = requests
        self.name = name
        self._singly = takes_one_record(requests)

    def prepare(self, block: Block) -> Rows:
        return self._features.values(block)

    def call(self, rows: Rows) -> Any:
        if self._singly:
            return [self._ask([row])[0] for row in rows]
        try:
            return self._ask(rows)
        except UnreachableError:
            raise
        except ModelError as error:
            if len(rows) == 1:
                raise
            return self._one_by_one(rows, error)

    def _one_by_one(self, rows: Rows, failure: ModelError) -> Any:
        try:
            first = self._ask(rows[:1])
        except ModelError as error:
            raise ModelError(
                f"{failure.message.rstrip('.')}; nor does it for one record alone", failure.hint or error.hint
            ) from error
        log.warning("%s From now on records are sent one by one, which is slow.", failure.message)
        self._singly = True
        return [first[0], *(self._ask([row])[0] for row in rows[1:])]

    def _ask(self, rows: Rows) -> Any:
        body = body_of(rows, self._features.names, self._requests)
        if len(body) > MOST_BYTES and len(rows) > 1:
            half = len(rows) // 2
            return [*self._ask(rows[:half]), *self._ask(rows[half:])]
        try:
            answer, content_type = self._send(body)
            return self._read(scores_in(answer, content_type, len(rows), self._requests), len(rows), "it")
        except UnreachableError:
            raise
        except ModelError as error:
            raise ModelError(f"{self.name}: {error.message.rstrip('.')}.", error.hint) from error


# --- HTTP -------------------------------------------------------------------------------------------------------------


@lru_cache
def _pool(timeout: float, retries: int) -> Any:
    import urllib3

    return urllib3.PoolManager(
        retries=urllib3.Retry(
            total=retries, backoff_factor=BACKOFF, status_forcelist=AGAIN, allowed_methods=None, raise_on_status=False,
            redirect=False,
        ),
        timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, timeout), read=timeout),
        maxsize=2,
    )  # fmt: skip


def _http(url: str, access: ModelAccess) -> Send:
    from urllib3.exceptions import HTTPError, MaxRetryError

    pool = _pool(access.timeout, access.retries)
    headers = _headers(access.requests)
    name, tries = without_credentials(url), access.retries + 1

    def send(body: bytes) -> tuple[bytes, str]:
        try:
            answer = pool.request("POST", url, body=body, headers=headers)
        except HTTPError as error:
            reason = error.reason if isinstance(error, MaxRetryError) else error
            raise UnreachableError(
                f"endpoint {name} did not answer in {tries} tries of up to {access.timeout:g} s: {_short(reason)}",
                "See that it runs and can be reached; set ANALYZER_MODEL_TIMEOUT higher, or ANALYZER_MODEL_BATCH_ROWS "
                "lower, where it is slow.",
            ) from error
        if answer.status >= 300:
            raise ModelError(
                f"it answered with status {answer.status}{f' {tries} times' if answer.status in AGAIN else ''}: "
                f"{_short(answer.data.decode(errors='replace'))!r}",
                "See the log of the endpoint, and predictor.content_type and its templates.",
            )
        return answer.data, answer.headers.get("Content-Type", "")

    return send


def _headers(requests: Requests) -> dict[str, str]:
    headers = {
        "Content-Type": requests.content_type,
        "Accept": requests.accept_type,
        "X-Amzn-SageMaker-Custom-Attributes": requests.custom_attributes,
        "X-Amzn-SageMaker-Target-Model": requests.target_model,
    }
    return {name: text for name, text in headers.items() if text}


def _short(reason: object) -> str:
    return " ".join(str(reason).split())[:200]


# --- SageMaker --------------------------------------------------------------------------------------------------------


def _sagemaker(access: ModelAccess) -> Send:
    from botocore.exceptions import BotoCoreError, ClientError

    arguments = {
        "EndpointName": access.endpoint_name,
        "ContentType": access.requests.content_type,
        "Accept": access.requests.accept_type,
        "CustomAttributes": access.requests.custom_attributes,
        "TargetModel": access.requests.target_model,
    }
    given = {name: text for name, text in arguments.items() if text}
    client = _client(access.timeout, access.retries)

    def send(body: bytes) -> tuple[bytes, str]:
        try:
            answer = client.invoke_endpoint(Body=body, **given)
            return answer["Body"].read(), answer.get("ContentType", "")
        except ClientError as error:
            raise ModelError(
                f"SageMaker answered {_short(error)}", "See the endpoint's log, and the rights of the job's role."
            ) from error
        except BotoCoreError as error:
            raise UnreachableError(
                f"endpoint {access.endpoint_name} cannot be asked: {_short(error)}",
                "See that the job has a region, credentials and a way to SageMaker's runtime.",
            ) from error

    return send


@lru_cache
def _client(timeout: float, retries: int) -> Any:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    settings = Config(
        connect_timeout=min(CONNECT_SECONDS, timeout),
        read_timeout=timeout,
        retries={"total_max_attempts": retries + 1, "mode": "standard"},
    )
    try:
        return boto3.client("sagemaker-runtime", region_name=aws_region(), config=settings)
    except BotoCoreError as error:
        raise ConfigError(
            f"predictor.endpoint_name: there is no way to SageMaker: {_short(error)}",
            "Set AWS_REGION and credentials, or ask a model by ANALYZER_MODEL_SCRIPT or ANALYZER_MODEL_URL.",
        ) from error
