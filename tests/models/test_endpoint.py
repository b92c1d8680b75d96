"""Models behind HTTP, asked over real sockets."""

from __future__ import annotations

import json
import math
import socket

import numpy as np
import pytest
from endpoint_service import endpoint, hang, sums
from http_service import serving

from analyzer.attributions.features import Feature, Features
from analyzer.errors import ConfigError, ModelError
from analyzer.models import endpoint as endpoint_module
from analyzer.models.model import ModelAccess, Requests, open_model

FEATURES = Features((Feature("a", integral=True), Feature("b b")))
BLOCK = np.array([[1.0, 0.5], [2.0, 0.25], [3.0, 0.125]])
JSON = {"content_type": "application/json"}
SUMS = [[1.5], [2.25], [3.125]]


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(endpoint_module, "BACKOFF", 0.01)
    endpoint_module._pool.cache_clear()


def model_at(url, features=FEATURES, **settings):
    requests = Requests(**{k: settings.pop(k) for k in list(settings) if k in Requests.__dataclass_fields__})
    return open_model(ModelAccess(url=url, requests=requests, **settings), features)


def answer(body, kind="application/json"):
    return lambda asked: (200, kind, body if isinstance(body, str) else json.dumps(body))


def test_csv_goes_to_invocations_in_batches_and_back():
    with endpoint(sums) as service:
        headers = {"custom_attributes": "c=1", "target_model": "m.tar.gz", "accept_type": "text/csv"}
        model = model_at(service.url, batch_rows=2, **headers)
        assert model.predict(BLOCK).tolist() == SUMS
    assert [each.path for each in service.asked] == ["/invocations"] * 2
    assert [each.body for each in service.asked] == ["1,0.5\n2,0.25", "3,0.125"]
    headers = service.asked[0].headers
    assert headers["Content-Type"] == headers["Accept"] == "text/csv"
    assert headers["X-Amzn-SageMaker-Custom-Attributes"] == "c=1"
    assert headers["X-Amzn-SageMaker-Target-Model"] == "m.tar.gz"
    assert (model.calls, model.rows) == (2, 3)


def test_a_path_of_the_url_is_kept():
    with endpoint(sums) as service:
        model_at(f"{service.url}/v1/models/m:predict").predict(BLOCK)
    assert service.asked[0].path == "/v1/models/m:predict"


def test_texts_and_missing_values_are_written_as_such():
    features = Features((Feature("city", ("Ulm, Donau", "Wien")), Feature("n")))
    with endpoint(lambda asked: (200, "text/csv", "1\n2\n3")) as service:
        model_at(service.url, features).predict(np.array([[0.0, 1.5], [1.0, math.nan], [math.nan, 2.0]]))
    assert service.asked[0].body == '"Ulm, Donau",1.5\nWien,\n,2.0'


@pytest.mark.parametrize(
    ("settings", "body"),
    [
        (
            {"content_type": "application/jsonlines"},
            '{"features":[1, 0.5]}\n{"features":[2, 0.25]}\n{"features":[3, 0.125]}',
        ),
        (
            {**JSON, "content_template": '{"instances":$records}', "record_template": "$features_kvp"},
            '{"instances":[{"a": 1, "b b": 0.5},{"a": 2, "b b": 0.25},{"a": 3, "b b": 0.125}]}',
        ),
        (
            {**JSON, "content_template": '{"instances":$records}'},
            '{"instances":[[1, 0.5],[2, 0.25],[3, 0.125]]}',
        ),
        (
            {
                "content_type": "application/json",
                "content_template": '{"r":$records,"x":1}',
                "record_template": '{"n":$feature_names,"B":"${b b}"}',
            },
            '{"r":[{"n":["a", "b b"],"B":0.5},{"n":["a", "b b"],"B":0.25},{"n":["a", "b b"],"B":0.125}],"x":1}',
        ),
    ],
)
def test_json_is_written_by_the_templates(settings, body):
    with endpoint(answer([1, 2, 3])) as service:
        assert model_at(service.url, **settings).predict(BLOCK).tolist() == [[1], [2], [3]]
    assert service.asked[0].body == body


def test_a_value_that_looks_like_a_placeholder_stays_as_it_is():
    texts = ("$feature_names", "${b b}")
    features = Features((Feature("a", texts), Feature("b b")))
    template = {"content_template": '{"all":$records}', "record_template": '{"kvp":$features_kvp,"b":"${b b}"}'}
    with endpoint(answer([1, 2])) as service:
        model_at(service.url, features, **JSON, **template).predict(np.array([[0.0, 0.5], [1.0, 0.5]]))
    assert json.loads(service.asked[0].body) == {"all": [{"kvp": {"a": text, "b b": 0.5}, "b": 0.5} for text in texts]}


@pytest.mark.parametrize("template", ['{"one":$record}', '{"one":$features}'])
def test_a_template_of_one_record_sends_one_by_one(template):
    with endpoint(lambda asked: (200, "application/json", str(sum(json.loads(asked.body)["one"])))) as service:
        model = model_at(service.url, content_type="application/json", content_template=template)
        assert model.predict(BLOCK).tolist() == SUMS
    assert len(service.asked) == 3


@pytest.mark.parametrize(
    ("body", "kind", "settings", "expected"),
    [
        ("0.1,0.2,0.3", "text/csv", {}, [[0.1], [0.2], [0.3]]),
        ("0.1,0.9\n0.2,0.8\n0.3,0.7\n", "text/csv; charset=utf-8", {}, [[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]]),
        ("yes,0.9\nno,0.8\nno,0.7", "text/csv", {"probability": 1}, [[0.9], [0.8], [0.7]]),
        ('a,"[0.1, 0.9]"\nb,"[0, 1]"\nb,"[1, 0]"', "text/csv", {"probability": "1"}, [[0.1, 0.9], [0, 1], [1, 0]]),
        ('{"s":0.1}\n{"s":0.2}\n\n{"s":0.3}', "application/jsonlines", {}, [[0.1], [0.2], [0.3]]),
        ('{"l":1,"s":[0.1,0.9]}\n' * 3, "application/jsonlines", {"label": "l", "probability": "s"}, [[0.1, 0.9]] * 3),
        ({"p": [{"score": 0.1}, {"score": 0.2}, {"score": 0.3}]}, "application/json", {}, [[0.1], [0.2], [0.3]]),
        (
            {"p": [{"l": 1, "s": 0.1}, {"l": 0, "s": 0.2}, {"l": 0, "s": 0.3}]},
            "application/json",
            {"label": "p[*].s"},
            [[0.1], [0.2], [0.3]],
        ),
        ([[1, 2], [3, 4], [5, 6]], "binary/whatever", {"accept_type": "application/json"}, [[1, 2], [3, 4], [5, 6]]),
    ],
)  # fmt: skip
def test_scores_are_found_in_answers(body, kind, settings, expected):
    with endpoint(answer(body, kind)) as service:
        assert model_at(service.url, **settings).predict(BLOCK).tolist() == expected


def test_failures_that_pass_are_tried_again():
    with endpoint(lambda asked: (503, "text/plain", "busy") if asked.number < 2 else sums(asked)) as service:
        assert model_at(service.url, retries=2).predict(BLOCK).tolist() == SUMS
    assert len(service.asked) == 3


def test_an_endpoint_that_always_fails_is_named_with_batch_and_status():
    broken = (500, "text/plain", "out of memory")
    with endpoint(lambda asked: broken) as service, pytest.raises(ModelError) as error:
        model_at(service.url, retries=1).predict(BLOCK)
    text = str(error.value)
    assert service.url in text
    assert "status 500 2 times: 'out of memory'" in text
    assert "batch 1 of 3 rows" in text
    assert "nor does it for one record alone" in text
    assert len(service.asked) == 4, "two for the batch, two for the record alone"


def test_an_endpoint_that_redirects_is_told_by_its_status():
    with serving() as service:
        service.answers, service.headers = [307], {"Location": "http://127.0.0.1:1/invocations"}
        with pytest.raises(ModelError, match="it answered with status 307") as error:
            model_at(service.url, retries=2).predict(BLOCK[:1])
    assert "did not answer" not in str(error.value)
    assert len(service.posted) == 1


def test_an_endpoint_that_hangs_is_given_up():
    with endpoint(hang(5)) as service, pytest.raises(ModelError) as error:
        model_at(service.url, timeout=0.1, retries=1).predict(BLOCK)
    assert "did not answer in 2 tries of up to 0.1 s" in str(error.value)
    assert "batch 1 of 3 rows" in str(error.value)


def test_nobody_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ModelError, match=rf"127\.0\.0\.1:{port}/invocations did not answer in 1 tries"):
        model_at(f"http://127.0.0.1:{port}", retries=0).predict(BLOCK)


def test_an_endpoint_that_takes_single_records_alone_gets_them(caplog):
    def respond(asked):
        return sums(asked) if len(asked.rows()) == 1 else (400, "text/plain", "one record, please")

    with endpoint(respond) as service:
        model = model_at(service.url)
        assert model.predict(BLOCK).tolist() == SUMS
        assert model.predict(BLOCK).tolist() == SUMS
    assert [len(each.rows()) for each in service.asked] == [3, 1, 1, 1, 1, 1, 1], "a batch is not tried again"
    assert caplog.text.count("sent one by one") == 1


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ("1\n2", "text/csv", "it answered 2 x 1 scores for 3 rows"),
        ("1\n2\nNaN", "text/csv", "answered nan for row 3, and for 1 rows in all"),
        ("<html>oops</html>", "text/html", "cannot be read as text/html"),
        ('{"a": ', "application/json", "cannot be read as application/json"),
        ({"a": 1, "b": 2}, "application/json", "there are no scores"),
        (["x", "y", "z"], "application/json", "answered with what are no numbers"),
        ([[[1]], [[2]], [[3]]], "application/json", "answered 3 x 1 x 1 scores for 3 rows"),
        ([[1, 2], [3], [4, 5]], "application/json", "what are no numbers"),
        ("", "text/csv", "answered 0 x 1 scores for 3 rows"),
    ],
)
def test_answers_that_are_no_scores_are_refused(body, kind, said):
    with endpoint(answer(body, kind)) as service, pytest.raises(ModelError) as error:
        model_at(service.url).predict(BLOCK)
    assert said in str(error.value)
    assert service.url in str(error.value)


def test_a_number_of_scores_that_changes_is_refused():
    with endpoint(lambda asked: (200, "text/csv", "1" if asked.number == 0 else "1,2")) as service:
        model = model_at(service.url)
        model.predict(BLOCK[:1])
        with pytest.raises(ModelError, match="2 scores a row, and 1 before"):
            model.predict(BLOCK[:1])


def test_a_request_that_is_too_large_is_cut(monkeypatch):
    monkeypatch.setattr(endpoint_module, "MOST_BYTES", 12)
    with endpoint(sums) as service:
        assert model_at(service.url).predict(BLOCK).tolist() == SUMS
    assert [each.body for each in service.asked] == ["1,0.5", "2,0.25", "3,0.125"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"content_type": "application/x-parquet"}, "content_type is 'application/x-parquet'"),
        ({"content_type": "application/json"}, "content_template is None"),
        ({"content_type": "application/jsonlines", "content_template": "{}"}, "no place for the features"),
        ({"label": "a[", "accept_type": "application/json"}, "no JMESPath"),
    ],
)
def test_requests_that_make_no_sense_are_refused(settings, said):
    with endpoint(answer("1")) as service, pytest.raises(ConfigError) as error:
        model_at(service.url, **settings).predict(BLOCK)
    assert said in str(error.value)


def test_a_url_that_is_none_is_refused_and_its_password_not_shown():
    with pytest.raises(ConfigError, match="Set it to a URL"):
        model_at("localhost:8080")
    with pytest.raises(ModelError) as error:
        model_at("http://me:secret@127.0.0.1:1", retries=0).predict(BLOCK)
    assert "secret" not in str(error.value)


def test_an_endpoint_of_sagemaker_is_invoked(monkeypatch):
    """Against a real HTTP service in the place of SageMaker's runtime."""
    for name, value in {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(name, value)
    endpoint_module._client.cache_clear()
    with endpoint(sums) as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", service.url)
        model = open_model(ModelAccess(endpoint_name="churn", requests=Requests(target_model="m")), FEATURES)
        assert model.predict(BLOCK).tolist() == SUMS
    assert service.asked[0].path == "/endpoints/churn/invocations"
    assert service.asked[0].headers["X-Amzn-SageMaker-Target-Model"] == "m"
    endpoint_module._client.cache_clear()


def test_an_endpoint_of_sagemaker_that_fails_is_named(monkeypatch):
    for name, value in {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(name, value)
    endpoint_module._client.cache_clear()
    with endpoint(lambda asked: (424, "application/json", '{"Message": "model is broken"}')) as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", service.url)
        model = open_model(ModelAccess(endpoint_name="churn", retries=0), FEATURES)
        with pytest.raises(ModelError, match=r"endpoint churn: SageMaker answered .*424"):
            model.predict(BLOCK)
    endpoint_module._client.cache_clear()
