"""The function as Lambda calls it: everything loads, is bound, and is found by the events that mean it."""

from __future__ import annotations

import json

import pytest
from blackcat.errors import InvalidEvent
from blackcat.testing.events import sqs_event, sqs_record
from blackcat.testing.http_events import api_gateway_v2_event
from blackcat.testing.lambda_context import LambdaContext

from ...main import main


def test_everything_loads_and_is_given_what_it_needs() -> None:
    answer = main({"job": "health"}, LambdaContext())

    assert answer["status"] == "ok"


def test_a_request_is_answered_by_the_endpoints() -> None:
    answer = main(api_gateway_v2_event("GET", "/health"), LambdaContext())

    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"status": "ok"}


def test_a_message_that_means_no_command_comes_back_alone() -> None:
    record = sqs_record({"command": "nobody_knows"})

    answer = main(sqs_event(record), LambdaContext())

    assert answer == {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}


def test_an_unknown_job_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(InvalidEvent, match=r"there is no job 'nobody_knows'.*health"):
        main({"job": "nobody_knows"}, LambdaContext())
