from __future__ import annotations

import pytest

from blackcat.application.packaging.declaration import Smoke
from blackcat.application.rollout.ports import Answer
from blackcat.application.rollout.smoke import smoke_problem


@pytest.mark.parametrize(
    ("smoke", "payload"),
    [
        (Smoke(), b'{"statusCode": 200, "body": "ok"}'),
        (Smoke(status=204), b'{"statusCode": 204}'),
        (Smoke(status=0), b"null"),
        (Smoke(status=0), b'{"batchItemFailures": []}'),
        (Smoke(status=0), b""),
    ],
)
def test_what_passes(smoke: Smoke, payload: bytes) -> None:
    assert smoke_problem(smoke, Answer(payload)) is None


@pytest.mark.parametrize("payload", [b"null", b"[]", b"ok", b"", b'{"statusCode": "200"}', b"\xff"])
def test_an_answer_without_a_status_does_not_pass(payload: bytes) -> None:
    assert smoke_problem(Smoke(), Answer(payload)) == "it answered with no statusCode, and 200 was expected"


def test_another_status_does_not_pass() -> None:
    answer = Answer(b'{"statusCode": 500}')
    assert smoke_problem(Smoke(), answer) == "it answered with status 500, and 200 was expected"


def test_what_the_runtime_says_is_told() -> None:
    text = b'{"errorType": "Runtime.ImportModuleError", "errorMessage": "No module named \'x\'"}'
    said = "it failed with Runtime.ImportModuleError: No module named 'x'"
    assert smoke_problem(Smoke(), Answer(text, failed=True)) == said


def test_what_the_project_raised_may_hold_anything_and_is_not_told() -> None:
    answer = Answer(b'{"errorType": "KeyError", "errorMessage": "canary-71"}', failed=True)
    assert smoke_problem(Smoke(status=0), answer) == "it raised KeyError"
