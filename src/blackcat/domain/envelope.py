"""What SNS and EventBridge put around a message's content; it is taken off once."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from blackcat.domain.message import Attribute, Envelope, Message
from blackcat.domain.outgoing import OutgoingMessage

_SNS_FIELDS = ("MessageId", "TopicArn", "Message", "Timestamp")
_EVENT_FIELDS = ("id", "detail-type", "source", "time", "region")  # moto leaves the account out


def unwrapped(message: Message) -> Message:
    """The message with the sender's own body and attributes.

    An SNS notification gives its ``Message``, an EventBridge event its ``detail``; everything else
    (raw delivery too) stays as it is. Only the outermost envelope is taken off.
    https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
    """
    if not _may_be_wrapped(message.body):
        return message
    try:
        wrapping = json.loads(message.body)
    except (ValueError, RecursionError):
        return message
    if not isinstance(wrapping, dict):
        return message
    if wrapping.get("Type") == "Notification" and _has_texts(wrapping, _SNS_FIELDS):
        return _from_sns(message, wrapping)
    if "detail" in wrapping and "version" in wrapping and _has_texts(wrapping, _EVENT_FIELDS):
        return _from_eventbridge(message, wrapping)
    return message


def sns_notification(message: OutgoingMessage, *, id: str, topic_arn: str, at: datetime) -> dict[str, Any]:
    """A topic's message as SNS puts it into a queue, but for what it signs.

    https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html
    """
    at = at.astimezone(timezone.utc)
    notification: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": id,
        "TopicArn": topic_arn,
        "Message": message.body,
        "Timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    if message.attributes:
        notification["MessageAttributes"] = {
            name: {"Type": attribute.type, "Value": _as_text(attribute)}
            for name, attribute in message.attributes.items()
        }
    return notification


def _as_text(attribute: Attribute) -> str:
    value = attribute.value
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _may_be_wrapped(body: str) -> bool:
    # Cheaper than parsing each body twice: most messages carry no envelope.
    return '"TopicArn"' in body or '"detail-type"' in body


def _has_texts(wrapping: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    return all(isinstance(wrapping.get(name), str) for name in names)


def _from_sns(message: Message, notification: Mapping[str, Any]) -> Message:
    attributes = notification.get("MessageAttributes")
    return _within(
        message,
        source=notification["TopicArn"],
        id=notification["MessageId"],
        body=notification["Message"],
        attributes=_sns_attributes(attributes if isinstance(attributes, dict) else {}),
    )


def _from_eventbridge(message: Message, event: Mapping[str, Any]) -> Message:
    return _within(
        message,
        source=event["source"],
        id=event["id"],
        body=json.dumps(event["detail"], ensure_ascii=False),
        attributes={
            "detail-type": Attribute(event["detail-type"]),
            "source": Attribute(event["source"]),
        },
    )


def _within(
    message: Message, *, source: str, id: str, body: str, attributes: Mapping[str, Attribute]
) -> Message:
    envelope = Envelope(source=source, id=id, body=message.body, attributes=message.attributes)
    return replace(message, body=body, attributes=attributes, envelope=envelope)


def _sns_attributes(attributes: Mapping[str, Any]) -> dict[str, Attribute]:
    return {
        name: _sns_attribute(attribute["Type"], attribute["Value"])
        for name, attribute in attributes.items()
        if isinstance(attribute, dict) and _has_texts(attribute, ("Type", "Value"))
    }


def _sns_attribute(type: str, value: str) -> Attribute:
    if type.startswith("Binary"):
        try:
            return Attribute(base64.b64decode(value, validate=True), type)
        except ValueError:
            return Attribute(value)
    return Attribute(value, type)
