from datetime import datetime, timezone

import pytest

from blackcat.entrypoints.aws_lambda.events import Kind, kind_of, scheduled_time
from blackcat.errors import InvalidEvent, UnknownEvent
from blackcat.testing.events import alb_event, function_url_event, schedule_event
from cases.lambda_events import NAMES, golden, with_one_missing

KINDS = {
    "alb": Kind.ALB,
    "alb_multi_value": Kind.ALB,
    "api_gateway_v1": Kind.API_GATEWAY_V1,
    "api_gateway_v2": Kind.API_GATEWAY_V2,
    "direct": Kind.DIRECT,
    "eventbridge": Kind.EVENTBRIDGE,
    "function_url": Kind.FUNCTION_URL,
    "schedule_rule": Kind.SCHEDULE,
    "schedule_scheduler": Kind.SCHEDULE,
    "schedule_scheduler_input": Kind.DIRECT,
    "sns": Kind.SNS,
    "sqs": Kind.SQS,
    "sqs_fifo": Kind.SQS,
}


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_event_tells_its_source(name):
    assert kind_of(golden(name)) is KINDS[name]


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (alb_event("GET", "/"), Kind.ALB),
        (alb_event("GET", "/", multi_value=True), Kind.ALB),
        (function_url_event("GET", "/"), Kind.FUNCTION_URL),
        (schedule_event(), Kind.SCHEDULE),
        (schedule_event(schedule="nightly"), Kind.SCHEDULE),
        (None, Kind.DIRECT),
        ({"anything": 1}, Kind.DIRECT),
        ({"Records": [{"messageId": "1", "body": ""}]}, Kind.SQS),
    ],
)
def test_the_builders_events_and_short_ones_are_recognised(event, kind):
    assert kind_of(event) is kind


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ({"Records": [{"eventSource": "aws:s3"}]}, "aws:s3"),
        ({"Records": [{"eventSource": "aws:kinesis"}]}, "aws:kinesis"),
        ({"Records": [{"cf": {}}]}, "CloudFront"),
        ({"Records": []}, "one record or more"),
        ({"Records": {}}, "an object"),
        ({"Records": ["text"]}, "'eventSource' is missing"),
        ({"Records": [{"odd": 1}]}, "'eventSource' is missing"),
        ({"eventSource": "aws:kafka", "records": {}}, "aws:kafka"),
        ({"awslogs": {"data": ""}}, "CloudWatch Logs"),
        ({"triggerSource": "PreSignUp"}, "Cognito"),
        ({"type": "TOKEN", "methodArn": "arn"}, "an authorizer"),
        ({"type": "REQUEST", "methodArn": "arn", "httpMethod": "GET"}, "an authorizer"),
        ({"RequestType": "Create", "ResponseURL": "https"}, "CloudFormation"),
        ({"requestContext": {"connectionId": "1"}}, "WebSocket"),
        ({"requestContext": {"condition": "RetriesExhausted"}, "requestPayload": {}}, "another function"),
        ({"version": "2.0", "path": "/", "requestContext": {"serviceArn": "arn"}}, "VPC Lattice"),
        ([], "an empty list"),
        ("text", "a text"),
        (7, "a number"),
        (True, "a bool"),
    ],
)
def test_what_is_taken_from_no_source_is_named(event, told):
    with pytest.raises(UnknownEvent, match=told):
        kind_of(event)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_field_never_breaks_the_recognition(name):
    for path, event in with_one_missing(name):
        try:
            assert isinstance(kind_of(event), Kind)
        except UnknownEvent as error:
            assert path[0] in ("Records", "detail-type"), (path, error)  # noqa: PT017 - which of them


@pytest.mark.parametrize("name", ["schedule_rule", "schedule_scheduler", "schedule_scheduler_input"])
def test_a_schedule_tells_when_it_was_due(name):
    assert scheduled_time(golden(name)).tzinfo is not None


def test_an_invocation_without_a_time_is_due_now():
    assert scheduled_time({}) is None
    assert scheduled_time(None) is None


def test_a_time_without_a_zone_is_utc():
    assert scheduled_time({"scheduled_at": "2030-01-01T12:00:00"}) == datetime(
        2030, 1, 1, 12, tzinfo=timezone.utc
    )


@pytest.mark.parametrize("told", ["tomorrow", 7, "<aws.scheduler.scheduled-time>", ""])
def test_what_is_no_time_is_refused_with_the_field(told):
    with pytest.raises(InvalidEvent, match="'scheduled_at' is no time"):
        scheduled_time({"scheduled_at": told})


def test_a_schedule_without_a_time_is_refused_with_the_field():
    event = golden("schedule_rule")
    del event["time"]
    with pytest.raises(InvalidEvent, match="no 'time'"):
        scheduled_time(event)
