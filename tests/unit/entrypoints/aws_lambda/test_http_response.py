import json

import pytest

from blackcat.entrypoints.aws_lambda.events import Kind
from blackcat.entrypoints.aws_lambda.http_response import MAX_RESPONSE_BYTES, finished


def answer(body):
    return {"statusCode": 200, "headers": {}, "isBase64Encoded": False, "body": body}


@pytest.mark.parametrize("runtime", ["AWS_Lambda_python3.10", "AWS_Lambda_python3.11", "AWS_Lambda_Image"])
@pytest.mark.parametrize("text", ["é" * 1_100_000, "😀" * 550_000])
def test_a_runtime_that_escapes_reaches_the_limit_sooner(monkeypatch, runtime, text):
    monkeypatch.setenv("AWS_EXECUTION_ENV", runtime)
    told = finished(answer(text), Kind.API_GATEWAY_V2)
    assert told["statusCode"] == 500
    assert len(json.dumps(told)) < MAX_RESPONSE_BYTES


@pytest.mark.parametrize("runtime", ["AWS_Lambda_python3.12", "AWS_Lambda_python3.14"])
def test_a_runtime_that_sends_texts_as_they_are_takes_more(monkeypatch, runtime):
    monkeypatch.setenv("AWS_EXECUTION_ENV", runtime)
    assert finished(answer("é" * 1_100_000), Kind.API_GATEWAY_V2)["statusCode"] == 200
