"""Where an event of Lambda's comes from, told from what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from enum import Enum
from typing import Any

from blackcat.errors import InvalidEvent, UnknownEvent

Event = Mapping[str, Any]


class Kind(Enum):
    """The sources that Blackcat takes events from; the value is what an error calls them."""

    SQS = "SQS"
    SNS = "SNS"
    EVENTBRIDGE = "EventBridge"
    SCHEDULE = "a schedule"
    API_GATEWAY_V1 = "API Gateway (payload format 1.0)"
    API_GATEWAY_V2 = "API Gateway (payload format 2.0)"
    FUNCTION_URL = "a function URL"
    ALB = "an Application Load Balancer"
    DIRECT = "a direct invocation"

    @property
    def http(self) -> bool:
        """Whether it is a request, which wants a response with a status."""
        return self in _HTTP


_HTTP = frozenset({Kind.API_GATEWAY_V1, Kind.API_GATEWAY_V2, Kind.FUNCTION_URL, Kind.ALB})
TAKEN = ", ".join(kind.value for kind in Kind)

# What a record of each source has, when it does not say where it comes from.
_RECORDS = {"aws:sqs": Kind.SQS, "aws:sns": Kind.SNS}
_MARKS = {"receiptHandle": Kind.SQS, "messageId": Kind.SQS, "Sns": Kind.SNS}
# An event with one of these is no invocation of somebody's own: the field, and what sends it.
_FOREIGN = {
    "awslogs": "CloudWatch Logs",
    "triggerSource": "Cognito",
    "methodArn": "an authorizer of API Gateway",
    "routeArn": "an authorizer of API Gateway",
    "ResponseURL": "a custom resource of CloudFormation",
    "invocationId": "Data Firehose, or S3 Batch Operations",
    "rmqMessagesByQueue": "Amazon MQ",
    "messagesByQueue": "Amazon MQ",
    "CodePipeline.job": "CodePipeline",
    "sessionState": "Lex",
}

# EventBridge's own events of a rule's schedule, and those that EventBridge Scheduler sends without an input.
_SCHEDULED = "Scheduled Event"
_SCHEDULERS = ("aws.events", "aws.scheduler")
# Where an input of EventBridge Scheduler's, or a call of somebody's own, may tell when a run was due.
SCHEDULED_AT = "scheduled_at"


def kind_of(event: Any) -> Kind:
    """Where the event comes from. Raises UnknownEvent, which names what else it looks like.

    Fields may be missing: what reads them says so. An object with no mark of any AWS service is a direct
    invocation, ``{}`` and ``null`` too.
    https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html
    """
    if event is None:
        return Kind.DIRECT
    if not isinstance(event, Mapping):
        raise UnknownEvent(f"an event is a JSON object, not {_described(event)}: invoke it with {{…}}")
    if "Records" in event:
        return _of_records(event["Records"])
    if "requestContext" in event or "httpMethod" in event or "rawPath" in event:
        return _of_request(event)
    if "detail-type" in event:
        scheduled = event["detail-type"] == _SCHEDULED and event.get("source") in _SCHEDULERS
        return Kind.SCHEDULE if scheduled else Kind.EVENTBRIDGE
    for field, sender in _FOREIGN.items():
        if field in event:
            raise unknown(sender)
    if "eventSource" in event:
        raise unknown(str(event["eventSource"]))
    return Kind.DIRECT


def required(event: Event, path: str, kind: type | tuple[type, ...] = str, *, of: str) -> Any:
    """The field at ``path`` (names with dots between). Raises InvalidEvent, which names it."""
    found: Any = event
    for name in path.split("."):
        if not isinstance(found, Mapping) or found.get(name) is None:
            raise InvalidEvent(f"{of} has no '{path}': send it as AWS does")
        found = found[name]
    if not isinstance(found, kind):
        raise InvalidEvent(f"'{path}' of {of} cannot be {_described(found)}: send it as AWS does")
    return found


def scheduled_time(event: Event | None) -> datetime | None:
    """When a run was due: the ``time`` of a schedule's event, ``scheduled_at`` of any other.

    ``{"scheduled_at": "<aws.scheduler.scheduled-time>"}`` as the input of EventBridge Scheduler gives it.
    Raises InvalidEvent for what is no time.
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    """
    kind = kind_of(event)
    if kind is Kind.SCHEDULE:
        return utc_time(required(event or {}, "time", of="the event of a schedule"), of="time")
    told = (event or {}).get(SCHEDULED_AT)
    return None if told is None else utc_time(told, of=SCHEDULED_AT)


def utc_time(told: Any, *, of: str) -> datetime:
    """A time as AWS writes it, in UTC where it names no zone. Raises InvalidEvent."""
    try:
        # Python 3.10 knows no Z.
        moment = datetime.fromisoformat(told.replace("Z", "+00:00"))
    except (ValueError, AttributeError):
        raise InvalidEvent(
            f"'{of}' is no time: {_described(told)}; write it as 2026-01-31T12:00:00Z"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def unknown(sender: str) -> UnknownEvent:
    """The error for an event of a source that is not taken."""
    return UnknownEvent(f"an event of {sender}: this function takes events of {TAKEN}")


def _of_records(records: Any) -> Kind:
    if not isinstance(records, list) or not records:
        raise UnknownEvent(f"'Records' is a list of one record or more, not {_described(records)}")
    told = [record for record in records if isinstance(record, Mapping)]
    for record in told:
        source = record.get("eventSource") or record.get("EventSource")
        if isinstance(source, str) and source in _RECORDS:
            return _RECORDS[source]
        if source is not None:
            raise unknown(str(source))
    for record in told:
        for field, kind in _MARKS.items():
            if field in record:
                return kind
    if any("cf" in record for record in told):
        raise unknown("CloudFront")
    raise UnknownEvent("no record says where it comes from: 'eventSource' is missing")


def _of_request(event: Event) -> Kind:
    context = event.get("requestContext")
    context = context if isinstance(context, Mapping) else {}
    if "connectionId" in context:
        raise unknown("a WebSocket API of API Gateway")
    if "methodArn" in event or "routeArn" in event:
        raise unknown("an authorizer of API Gateway")
    if "requestPayload" in event:
        raise unknown("another function (a record for its destination)")
    if "serviceNetworkArn" in context or "serviceArn" in context:
        raise unknown("VPC Lattice")
    if "elb" in context:
        return Kind.ALB
    if "http" in context or "rawPath" in event or event.get("version") == "2.0":
        of_url = ".lambda-url." in str(context.get("domainName", ""))
        return Kind.FUNCTION_URL if of_url else Kind.API_GATEWAY_V2
    return Kind.API_GATEWAY_V1


def _described(value: Any) -> str:
    """What it is, never what it says: an event may hold anything."""
    if isinstance(value, list) and not value:
        return "an empty list"
    names = {"str": "a text", "list": "a list", "dict": "an object", "NoneType": "null", "bool": "a bool"}
    return names.get(type(value).__name__, "a number" if isinstance(value, int | float) else "something else")
