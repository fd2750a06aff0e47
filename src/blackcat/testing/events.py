"""Events as AWS hands them to a Lambda function, built in one line each.

Payloads are encoded as everything that Blackcat sends: a ``str`` as it is, all else as JSON. Times are
those at which a FrozenClock starts, unless told otherwise, and need a time zone (ValueError); ids are new
each time.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from blackcat.domain.message import Attribute, AttributeValue
from blackcat.domain.payload import encode, plain
from blackcat.resources import FIFO_SUFFIX
from blackcat.testing.clock import START
from blackcat.testing.event_parts import ACCOUNT, REGION, Event, arn, milliseconds, utc
from blackcat.testing.http_events import (
    alb_event,
    api_gateway_v1_event,
    api_gateway_v2_event,
    function_url_event,
)
from blackcat.testing.lambda_context import LambdaContext

__all__ = [
    "ACCOUNT",
    "REGION",
    "Event",
    "LambdaContext",
    "alb_event",
    "api_gateway_v1_event",
    "api_gateway_v2_event",
    "eventbridge_event",
    "function_url_event",
    "schedule_event",
    "sns_event",
    "sns_notification",
    "sqs_event",
    "sqs_record",
]


def sqs_event(*records: Event) -> Event:
    """What Lambda gets of a queue: records from ``sqs_record``.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """
    return {"Records": list(records)}


def sqs_record(
    payload: Any,
    *,
    queue: str = "queue",
    attributes: Mapping[str, AttributeValue] | None = None,
    group_id: str | None = None,
    deduplication_id: str | None = None,
    receive_count: int = 1,
    sent_at: datetime = START,
) -> Event:
    """One message of a queue; one of a FIFO queue (``orders.fifo``) needs its ``group_id``."""
    if queue.endswith(FIFO_SUFFIX) != (group_id is not None):
        raise ValueError(f"a message of a FIFO queue has a group_id, no other has: queue '{queue}'")
    body = encode(payload)
    sent = milliseconds(sent_at)
    ordering = {
        "MessageGroupId": group_id,
        "MessageDeduplicationId": deduplication_id or _sha256(body),
        "SequenceNumber": f"{uuid4().int % 10**20:020}",
    }
    return {
        "messageId": str(uuid4()),
        "receiptHandle": uuid4().hex,
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": str(receive_count),
            "SentTimestamp": sent,
            "SenderId": "AIDAEXAMPLE",
            "ApproximateFirstReceiveTimestamp": sent,
            **(ordering if group_id is not None else {}),
        },
        "messageAttributes": {name: _sqs_attribute(value) for name, value in (attributes or {}).items()},
        "md5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": arn("sqs", queue),
        "awsRegion": REGION,
    }


def sns_event(*notifications: Event) -> Event:
    """What Lambda gets of a topic that it subscribes to: notifications from ``sns_notification``.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
    """
    return {"Records": [_sns_record(notification) for notification in notifications]}


def sns_notification(
    payload: Any,
    *,
    topic: str = "topic",
    subject: str | None = None,
    attributes: Mapping[str, AttributeValue] | None = None,
    published_at: datetime = START,
) -> Event:
    """A message of a topic in its envelope; ``sqs_record(sns_notification(…))`` is how a queue gets it.

    https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
    """
    return {
        "Type": "Notification",
        "MessageId": str(uuid4()),
        "TopicArn": arn("sns", topic),
        **({"Subject": subject} if subject is not None else {}),
        "Message": encode(payload),
        "Timestamp": f"{utc(published_at):%Y-%m-%dT%H:%M:%S}.{published_at.microsecond // 1000:03}Z",
        "SignatureVersion": "1",
        "Signature": "EXAMPLE",
        "SigningCertURL": f"https://sns.{REGION}.amazonaws.com/SimpleNotificationService-example.pem",
        "UnsubscribeURL": f"https://sns.{REGION}.amazonaws.com/?Action=Unsubscribe",
        "MessageAttributes": {name: _sns_attribute(value) for name, value in (attributes or {}).items()},
    }


def eventbridge_event(
    detail: Any,
    *,
    source: str = "test",
    detail_type: str = "Test",
    resources: Sequence[str] = (),
    time: datetime = START,
) -> Event:
    """An event of a bus, as Lambda gets it; ``sqs_record(eventbridge_event(…))`` is how a queue does.

    ``detail`` is a JSON object, or the text of one. Raises ValueError for another.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
    """
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": f"{utc(time):%Y-%m-%dT%H:%M:%S}Z",
        "region": REGION,
        "resources": list(resources),
        "detail": _object(detail),
    }


def schedule_event(*, rule: str = "rule", schedule: str | None = None, time: datetime = START) -> Event:
    """What a rule's schedule sends; with the name of a ``schedule``, what EventBridge Scheduler sends.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
    """
    if schedule is None:
        return eventbridge_event(
            {},
            source="aws.events",
            detail_type="Scheduled Event",
            resources=[arn("events", f"rule/{rule}")],
            time=time,
        )
    sent = eventbridge_event(
        {},
        source="aws.scheduler",
        detail_type="Scheduled Event",
        resources=[arn("scheduler", f"schedule/default/{schedule}")],
        time=time,
    )
    return sent | {"detail": "{}"}  # a text, where that of a rule is an object


def _sns_record(notification: Event) -> Event:
    # Lambda spells two of the names in another way, and always has a subject.
    spelled = {"SigningCertURL": "SigningCertUrl", "UnsubscribeURL": "UnsubscribeUrl"}
    renamed = {spelled.get(name, name): value for name, value in notification.items()}
    return {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": f"{notification['TopicArn']}:{uuid4()}",
        "Sns": {"Subject": None, **renamed},
    }


def _sqs_attribute(value: AttributeValue) -> Event:
    attribute = Attribute.of(value)
    if isinstance(attribute.value, bytes):
        content = {"binaryValue": base64.b64encode(attribute.value).decode()}
    else:
        content = {"stringValue": attribute.value}
    return {**content, "stringListValues": [], "binaryListValues": [], "dataType": attribute.type}


def _sns_attribute(value: AttributeValue) -> Event:
    attribute = Attribute.of(value)
    raw = attribute.value
    return {
        "Type": attribute.type,
        "Value": base64.b64encode(raw).decode() if isinstance(raw, bytes) else raw,
    }


def _object(detail: Any) -> dict[str, Any]:
    content = json.loads(detail) if isinstance(detail, str) else plain(detail)
    if not isinstance(content, dict):
        raise ValueError(f"the detail of an event is a JSON object, not {detail!r}: put it under a name")
    return content


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
