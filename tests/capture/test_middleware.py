"""Real HTTP through a real server: answers are the same as without the middleware, and their traffic is captured."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time

import httpx
import pytest
from capture_files import files, payload, records

from analyzer.capture import CaptureMiddleware

CSV = {"content-type": "text/csv"}


async def body_of(receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


def answering(status=200, content_type=b"text/csv; charset=utf-8", pieces=None, pause=0.0):
    """An app that answers with what it was sent, or with pieces; a path /fails raises."""

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        body = await body_of(receive)
        if scope["path"] == "/fails":
            raise RuntimeError("the model failed")
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", content_type)]})
        for piece in pieces or ():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(pause)
        await send({"type": "http.response.body", "body": b"" if pieces else body})

    return app


async def lifespan(receive, send):
    for step in ("startup", "shutdown"):
        assert (await receive())["type"] == f"lifespan.{step}"
        await send({"type": f"lifespan.{step}.complete"})


def test_a_request_is_answered_and_captured(make, serve, tmp_path):
    capture = make()
    url = serve(CaptureMiddleware(answering(), capture))
    headers = {"X-Amzn-SageMaker-Inference-Id": "i-1", "X-Amzn-SageMaker-Custom-Attributes": "trace=1"}
    answer = httpx.post(f"{url}/invocations", content="1,2\n", headers={**CSV, **headers})
    assert (answer.status_code, answer.text) == (200, "1,2\n")
    serve.stop()
    (record,) = records(tmp_path)
    assert payload(record) == payload(record, "endpointOutput") == ("1,2\n", "CSV")
    assert record["captureData"]["endpointOutput"]["observedContentType"] == "text/csv; charset=utf-8"
    assert record["eventMetadata"]["inferenceId"] == "i-1"
    assert record["eventMetadata"]["customAttributes"] == ["trace=1"]


def test_only_posts_to_the_paths_that_are_named_are_captured(make, serve, tmp_path):
    capture = make()
    url = serve(CaptureMiddleware(answering(), capture, paths=["/invocations", "/models/*/predict"]))
    for path in ("/invocations", "/models/a/predict", "/ping", "/invocations/x"):
        assert httpx.post(f"{url}{path}", content=path, headers=CSV).text == path
    assert httpx.get(f"{url}/invocations").status_code == 200
    serve.stop()
    assert [payload(each)[0] for each in records(tmp_path)] == ["/invocations", "/models/a/predict"]


@pytest.mark.parametrize("status", [301, 404, 422, 500])
def test_refused_requests_are_not_captured(make, serve, tmp_path, status):
    capture = make()
    url = serve(CaptureMiddleware(answering(status), capture))
    assert httpx.post(f"{url}/invocations", content="1", headers=CSV).status_code == status
    serve.stop()
    assert capture.counts.unanswered == 1
    assert records(tmp_path) == []


def test_an_app_that_raises_still_does(make, serve, tmp_path):
    capture = make()
    url = serve(CaptureMiddleware(answering(), capture, paths=["/fails"]))
    assert httpx.post(f"{url}/fails", content="1").status_code == 500
    serve.stop()
    assert capture.counts.unanswered == 1


def test_a_streamed_answer_arrives_piece_by_piece_and_is_captured_as_one(make, serve, tmp_path):
    capture = make()
    pieces = [b'{"token":1}\n', b'{"token":2}\n', b'{"token":3}\n']
    url = serve(CaptureMiddleware(answering(content_type=b"application/jsonlines", pieces=pieces, pause=0.2), capture))
    with httpx.stream("POST", f"{url}/invocations", content=iter([b"1,", b"2"]), headers=CSV) as answer:
        arrived = [(piece, time.monotonic()) for piece in answer.iter_raw()]
    assert [piece for piece, _ in arrived] == pieces
    assert arrived[-1][1] - arrived[0][1] > 0.2
    serve.stop()
    (record,) = records(tmp_path)
    assert payload(record) == ("1,2", "CSV")
    assert payload(record, "endpointOutput") == (b"".join(pieces).decode(), "JSON")


def test_an_answer_that_breaks_off_is_not_captured(make, serve, tmp_path):
    capture = make()
    url = serve(CaptureMiddleware(answering(pieces=[b"x"] * 50, pause=0.05), capture))
    with httpx.stream("POST", f"{url}/invocations", content="1", headers=CSV) as answer:
        next(answer.iter_raw())
    end = time.monotonic() + 10
    while capture.counts.queued + capture.counts.unanswered == 0 and time.monotonic() < end:
        time.sleep(0.05)
    # The server tells the app of the broken connection or lets it send into nothing: one request, one count.
    assert capture.counts.queued + capture.counts.unanswered == 1


def test_a_stream_beyond_the_limit_is_passed_on_and_not_kept(make, serve, tmp_path):
    capture = make(max_body_bytes=1000)
    url = serve(CaptureMiddleware(answering(pieces=[b"x" * 500] * 10), capture))
    assert len(httpx.post(f"{url}/invocations", content="1", headers=CSV).content) == 5000
    assert httpx.post(f"{url}/invocations", content="1" * 1001, headers=CSV).status_code == 200
    serve.stop()
    assert capture.counts.too_large == 2
    assert records(tmp_path) == []


@pytest.mark.parametrize(("half", "left"), [("inputs", "endpointOutput"), ("outputs", "endpointInput")])
def test_a_half_that_is_not_wanted_may_be_of_any_size(make, serve, tmp_path, half, left):
    capture = make(max_body_bytes=1000, **{half: False})
    large, small = b"1" * 5000, b"2"
    sent, answered = (large, small) if half == "inputs" else (small, large)
    url = serve(CaptureMiddleware(answering(pieces=[answered]), capture))
    httpx.post(f"{url}/invocations", content=sent, headers=CSV)
    serve.stop()
    (record,) = records(tmp_path)
    assert list(record["captureData"]) == [left]
    assert payload(record, left)[0] == "2"


def test_other_content_is_base64(make, serve, tmp_path):
    capture = make()
    url = serve(CaptureMiddleware(answering(content_type=b"image/png"), capture))
    httpx.post(f"{url}/invocations", content=b"\x89PNG", headers={"content-type": "image/png"})
    serve.stop()
    assert payload(records(tmp_path)[0], "endpointOutput") == (base64.b64encode(b"\x89PNG").decode(), "BASE64")


def test_answers_can_carry_the_event_id(make, serve, tmp_path):
    capture = make()
    url = serve(CaptureMiddleware(answering(), capture, event_id_header="X-Event-Id"))
    ids = [httpx.post(f"{url}/invocations", content="1", headers=CSV).headers["X-Event-Id"] for _ in range(3)]
    serve.stop()
    assert [each["eventMetadata"]["eventId"] for each in records(tmp_path)] == ids


def test_the_shutdown_of_the_server_writes_everything(make, serve, tmp_path):
    capture = make(file_seconds=3600)
    url = serve(CaptureMiddleware(answering(), capture))
    for _ in range(5):
        httpx.post(f"{url}/invocations", content="1", headers=CSV)
    assert files(tmp_path) == []
    serve.stop()
    assert len(records(tmp_path)) == 5


def test_requests_at_once_each_keep_their_own_answer(make, serve, tmp_path):
    capture = make()
    url = serve(CaptureMiddleware(answering(), capture))

    def send(name: int) -> None:
        with httpx.Client() as client:
            for number in range(20):
                content = json.dumps({"n": f"{name}-{number}"})
                client.post(
                    f"{url}/invocations", content=content, headers={"X-Amzn-SageMaker-Inference-Id": f"{name}-{number}"}
                )

    threads = [threading.Thread(target=send, args=(name,)) for name in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    serve.stop()
    found = records(tmp_path)
    assert len(found) == 100
    for each in found:
        expected = json.dumps({"n": each["eventMetadata"]["inferenceId"]})
        assert base64.b64decode(payload(each)[0]).decode() == expected
        assert payload(each, "endpointOutput") == (expected, "CSV")


def test_a_capture_that_fails_is_not_noticed(make, serve, tmp_path, monkeypatch, caplog):
    capture = make()
    url = serve(CaptureMiddleware(answering(), capture))
    monkeypatch.setattr(capture._writer, "put", lambda _event, _size: 1 / 0)
    assert httpx.post(f"{url}/invocations", content="1", headers=CSV).text == "1"
    serve.stop()  # what is captured is captured after the answer
    assert capture.counts.failed == 1
    assert "ZeroDivisionError" in caplog.text


def test_sampling_leaves_requests_alone(make, serve):
    capture = make(sampling_percentage=50, seed=1)
    url = serve(CaptureMiddleware(answering(), capture))
    with httpx.Client() as client:
        assert {client.post(f"{url}/invocations", content="1", headers=CSV).text for _ in range(60)} == {"1"}
    assert capture.counts.sampled_out + capture.counts.queued == 60
    assert 15 <= capture.counts.queued <= 45


def test_fastapi_takes_it(make, serve, tmp_path):
    fastapi = pytest.importorskip("fastapi")
    app = fastapi.FastAPI()
    capture = make(file_seconds=3600)
    app.add_middleware(CaptureMiddleware, capture=capture, paths=["/predict"])

    @app.post("/predict")
    async def predict(features: dict[str, float]) -> dict[str, float]:
        return {"score": sum(features.values())}

    url = serve(app)
    assert httpx.post(f"{url}/predict", json={"a": 1, "b": 2}).json() == {"score": 3}
    assert httpx.post(f"{url}/predict", json={"a": "text"}).status_code == 422
    serve.stop()
    (record,) = records(tmp_path)
    assert payload(record, "endpointOutput") == ('{"score":3.0}', "JSON")
