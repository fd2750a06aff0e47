"""Requests as AWS hands them to a Lambda function."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

from blackcat.domain.payload import encode
from blackcat.testing.clock import START
from blackcat.testing.event_parts import ACCOUNT, REGION, Event, arn, milliseconds

Query = Mapping[str, str | int | Sequence[str | int]]

_DOMAIN = f"api.execute-api.{REGION}.amazonaws.com"
_URL_DOMAIN = f"url.lambda-url.{REGION}.on.aws"
_BALANCER_DOMAIN = f"balancer.{REGION}.elb.amazonaws.com"
_CLIENT = "192.0.2.1"  # an address for documentation, which nobody has
_AGENT = "blackcat.testing"


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
            "requestTimeEpoch": int(milliseconds(at)),
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
    """A request to an HTTP API of API Gateway with payload format 2.0, which has the ``path`` decoded.

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
            "timeEpoch": int(milliseconds(at)),
        },
        "isBase64Encoded": in_base64,
    }
    # What a request does not have is left out here, where format 1.0 has null.
    present = {
        "cookies": [f"{name}={value}" for name, value in (cookies or {}).items()],
        "queryStringParameters": {name: ",".join(listed) for name, listed in values.items()},
    }
    return event | {k: v for k, v in present.items() if v} | ({} if content is None else {"body": content})


def function_url_event(
    method: str,
    path: str,
    *,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    query: Query | None = None,
    cookies: Mapping[str, str] | None = None,
    at: datetime = START,
) -> Event:
    """A request to a function URL: payload format 2.0 under a domain of Lambda's.

    A ``body`` that is no text or bytes is JSON, with its content type; bytes come in base64.
    https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
    """
    event = api_gateway_v2_event(
        method, path, body=body, headers=headers, query=query, cookies=cookies, at=at
    )
    if "host" not in map(str.lower, headers or {}):
        event["headers"]["host"] = _URL_DOMAIN
    event["requestContext"] |= {
        "accountId": "anonymous",
        "apiId": "url",
        "authentication": None,
        "domainName": _URL_DOMAIN,
        "domainPrefix": "url",
    }
    return event


def alb_event(
    method: str,
    path: str,
    *,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    query: Query | None = None,
    multi_value: bool = False,
) -> Event:
    """A request to an Application Load Balancer, whose target group has multi-value headers on or off.

    Names and values of the ``query`` come as they stand in the address, encoded. A ``body`` that is no text
    or bytes is JSON, with its content type; bytes come in base64.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
    """
    sent = {name.lower(): value for name, value in _headers(body, headers).items()}
    if "host" not in map(str.lower, headers or {}):
        sent["host"] = _BALANCER_DOMAIN
    sent |= {"x-forwarded-for": _CLIENT, "x-forwarded-port": "443", "x-forwarded-proto": "https"}
    values = {quote(name): [quote(one) for one in listed] for name, listed in _values(query).items()}
    content, in_base64 = _content(body)
    target = arn("elasticloadbalancing", "targetgroup/function/0123456789abcdef")
    return {
        "requestContext": {"elb": {"targetGroupArn": target}},
        "httpMethod": method,
        "path": path,
        **(_multiple(sent, values) if multi_value else _single(sent, values)),
        "body": content or "",
        "isBase64Encoded": in_base64,
    }


def _single(headers: Mapping[str, str], values: Mapping[str, Sequence[str]]) -> Event:
    return {
        "queryStringParameters": {name: listed[-1] for name, listed in values.items()},
        "headers": dict(headers),
    }


def _multiple(headers: Mapping[str, str], values: Mapping[str, Sequence[str]]) -> Event:
    return {
        "multiValueQueryStringParameters": {name: list(listed) for name, listed in values.items()},
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
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
