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
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from blackcat.domain.message import Attribute, AttributeValue
from blackcat.domain.payload import encode, plain
from blackcat.resources import FIFO_SUFFIX
from blackcat.testing.clock import START

REGION = "us-east-1"
ACCOUNT = "123456789012"

Event = dict[str, Any]
Query = Mapping[str, str | int | Sequence[str | int]]

_DOMAIN = f"api.execute-api.{REGION}.amazonaws.com"
_CLIENT = "192.0.2.1"  # an address for documentation, which nobody has
_AGENT = "blackcat.testing"


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
    milliseconds = _milliseconds(sent_at)
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
            "SentTimestamp": milliseconds,
            "SenderId": "AIDAEXAMPLE",
            "ApproximateFirstReceiveTimestamp": milliseconds,
            **(ordering if group_id is not None else {}),
        },
        "messageAttributes": {name: _sqs_attribute(value) for name, value in (attributes or {}).items()},
        "md5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": _arn("sqs", queue),
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
        "TopicArn": _arn("sns", topic),
        **({"Subject": subject} if subject is not None else {}),
        "Message": encode(payload),
        "Timestamp": f"{_utc(published_at):%Y-%m-%dT%H:%M:%S}.{published_at.microsecond // 1000:03}Z",
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
        "time": f"{_utc(time):%Y-%m-%dT%H:%M:%S}Z",
        "region": REGION,
        "resources": list(resources),
        "detail": _object(detail),
    }


def api_gateway_v1_event(
    method: str,
    path: str,
    *,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    query: Query | None = None,
    stage: str = "prod",
    at: datetime = START,
) -> Event:
    """A request to a REST API of API Gateway, or to an HTTP API with payload format 1.0.

    A ``body`` that is no text or bytes is JSON, with its content type; bytes come in base64.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    sent = _headers(body, headers)
    values = _values(query)
    content, in_base64 = _content(body)
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": {name: listed[-1] for name, listed in values.items()} or None,
        "multiValueQueryStringParameters": values or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "api",
            "domainName": _DOMAIN,
            "httpMethod": method,
            "identity": {"sourceIp": _CLIENT, "userAgent": _AGENT},
            "path": f"/{stage}{path}",
            "protocol": "HTTP/1.1",
            "requestId": str(uuid4()),
            "requestTimeEpoch": int(_milliseconds(at)),
            "resourcePath": "/{proxy+}",
            "stage": stage,
        },
        "body": content,
        "isBase64Encoded": in_base64,
    }


def api_gateway_v2_event(
    method: str,
    path: str,
    *,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    query: Query | None = None,
    cookies: Mapping[str, str] | None = None,
    at: datetime = START,
) -> Event:
    """A request to an HTTP API of API Gateway with payload format 2.0, or to a function URL.

    A ``body`` that is no text or bytes is JSON, with its content type; bytes come in base64.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    values = _values(query)
    content, in_base64 = _content(body)
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": urlencode(values, doseq=True),
        "headers": {name.lower(): value for name, value in _headers(body, headers).items()},
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "api",
            "domainName": _DOMAIN,
            "domainPrefix": "api",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": _CLIENT,
                "userAgent": _AGENT,
            },
            "requestId": str(uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "timeEpoch": int(_milliseconds(at)),
        },
        "isBase64Encoded": in_base64,
    }
    # What a request does not have is left out here, where format 1.0 has null.
    present = {
        "cookies": [f"{name}={value}" for name, value in (cookies or {}).items()],
        "queryStringParameters": {name: ",".join(listed) for name, listed in values.items()},
    }
    return event | {k: v for k, v in present.items() if v} | ({} if content is None else {"body": content})


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


def _headers(body: Any, headers: Mapping[str, str] | None) -> dict[str, str]:
    given = dict(headers or {})
    is_json = body is not None and not isinstance(body, str | bytes)
    if is_json and "content-type" not in map(str.lower, given):
        given["Content-Type"] = "application/json"
    return {"Host": _DOMAIN, "User-Agent": _AGENT, **given}


def _content(body: Any) -> tuple[str | None, bool]:
    """The body as the event holds it, and whether that is base64."""
    if body is None:
        return None, False
    if isinstance(body, bytes):
        return base64.b64encode(body).decode(), True
    return encode(body), False


def _values(query: Query | None) -> dict[str, list[str]]:
    """A name without a value is in no address, and so in no event."""
    listed = {
        name: [str(value)] if isinstance(value, str | int) else [str(one) for one in value]
        for name, value in (query or {}).items()
    }
    return {name: values for name, values in listed.items() if values}


def _object(detail: Any) -> dict[str, Any]:
    content = json.loads(detail) if isinstance(detail, str) else plain(detail)
    if not isinstance(content, dict):
        raise ValueError(f"the detail of an event is a JSON object, not {detail!r}: put it under a name")
    return content


def _arn(service: str, name: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"


def _milliseconds(moment: datetime) -> str:
    return str(int(_utc(moment).timestamp() * 1000))


def _utc(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise ValueError(f"the time {moment} has no time zone: use datetime(..., tzinfo=timezone.utc)")
    return moment.astimezone(timezone.utc)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
