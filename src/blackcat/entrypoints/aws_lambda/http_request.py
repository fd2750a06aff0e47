"""A request as Lambda's events tell it: what must be there, and where the application's own path begins."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from string import printable
from typing import Any
from urllib.parse import quote, unquote

from blackcat.entrypoints.aws_lambda.events import Event, Kind, required
from blackcat.errors import InvalidEvent

_FIELDS = {
    Kind.API_GATEWAY_V1: ("httpMethod", "path"),
    Kind.ALB: ("httpMethod", "path"),
    Kind.API_GATEWAY_V2: ("rawPath", "requestContext.http.method"),
    Kind.FUNCTION_URL: ("rawPath", "requestContext.http.method"),
}
_OBJECTS = ("requestContext", "headers", "queryStringParameters")
_LISTS = ("multiValueHeaders", "multiValueQueryStringParameters")
_TEXTS = (
    "rawQueryString",
    "resource",
    "requestContext.stage",
    "requestContext.http.protocol",
    "requestContext.http.sourceIp",
    "requestContext.identity.sourceIp",
)
_DEFAULT_STAGE = "$default"
_UNENCODED = printable.replace("%", "")
_PARAMETER = re.compile(r"\{([^{}+]+)\+?\}")


def complete_request(event: Event, kind: Kind) -> dict[str, Any]:
    """The event with what may be absent made empty, as the adapters of WSGI and ASGI take it.

    Raises InvalidEvent, which names what must not be absent or has another type.
    """
    _check(event, kind)
    context = event.get("requestContext") or {}
    if kind is Kind.API_GATEWAY_V2:
        # HTTP APIs send it decoded, all others as it stands in the address: it is to be decoded once.
        event = {**event, "rawPath": quote(event["rawPath"], safe=_UNENCODED)}
    complete = {
        **event,
        "headers": event.get("headers") or {},
        "isBase64Encoded": bool(event.get("isBase64Encoded")),
    }
    for name in _LISTS:
        if complete.get(name, ()) is None:  # what has one value for each name holds
            del complete[name]
    if "http" not in context:
        identity = {"sourceIp": "", **_present(context.get("identity") or {})}
        return {
            **complete,
            "resource": event.get("resource") or "",
            "version": "1.0",
            "requestContext": {**context, "identity": identity},
        }
    http = {"sourceIp": "", "protocol": "HTTP/1.1", **_present(context["http"]), "path": event["rawPath"]}
    return {
        **complete,
        "version": "2.0",
        "rawQueryString": event.get("rawQueryString") or "",
        "cookies": event.get("cookies") or [],
        "requestContext": {"stage": _DEFAULT_STAGE, **_present(context), "http": http},
    }


def mounted(event: Event) -> tuple[str, str]:
    """What the address has before the application's own path, and that path: ``("/hom", "/banner")``.

    API Gateway has the stage's name there: in the path of payload format 2.0, unless it is the default one,
    and in no field but the context's path of 1.0. The base path of a custom domain's mapping stands in the
    path of 1.0 too; the route has none of it.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-mappings.html
    """
    context = event["requestContext"]
    if "http" not in context:
        path, whole = event["path"], context.get("path")
        told = isinstance(whole, str) and whole.endswith(path)
        base = _base_path(event)
        return (whole.removesuffix(path) if told else "") + base, path.removeprefix(base) or "/"
    stage, path = f"/{context['stage']}", event["rawPath"]
    if stage != f"/{_DEFAULT_STAGE}" and (path == stage or path.startswith(f"{stage}/")):
        return stage, path.removeprefix(stage) or "/"
    return "", path


def _check(event: Event, kind: Kind) -> None:
    of = f"a request of {kind.value}"
    for path in _FIELDS[kind]:
        required(event, path, of=of)
    for name, problem in _problems(event):
        raise InvalidEvent(f"'{name}' of {of} {problem}: send it as AWS does")


def _problems(event: Event) -> Iterator[tuple[str, str]]:
    for name in (*_OBJECTS, *_LISTS):
        if not isinstance(event.get(name) or {}, Mapping):
            yield name, "is no object"
            return
    if not isinstance(_found(event, "requestContext.identity") or {}, Mapping):
        yield "requestContext.identity", "is no object"
    yield from _problems_of_values(event)
    yield from _problems_of_body(event)


def _problems_of_values(event: Event) -> Iterator[tuple[str, str]]:
    for name in ("headers", "queryStringParameters"):
        if not _are_texts(list((event.get(name) or {}).values())):
            yield name, "has a value that is no text"
    for name in _LISTS:
        if not all(map(_are_texts, (event.get(name) or {}).values())):
            yield name, "has a value that is no list of texts"
    if not _are_texts(event.get("cookies") or []):
        yield "cookies", "is no list of texts"
    for name in _TEXTS:
        if not isinstance(_found(event, name) or "", str):
            yield name, "is no text"


def _problems_of_body(event: Event) -> Iterator[tuple[str, str]]:
    body = event.get("body") or ""
    if not isinstance(body, str):
        yield "body", "is no text (other content travels in base64)"
    elif not isinstance(event.get("isBase64Encoded") or False, bool):
        yield "isBase64Encoded", "is neither true nor false"
    elif event.get("isBase64Encoded") and not _is_base64(body):
        yield "body", "is no base64, and isBase64Encoded is true"


def _found(event: Event, path: str) -> Any:
    found: Any = event
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _is_base64(text: str) -> bool:
    try:
        b64decode(text, validate=True)
    except ValueError:
        return False
    return True


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _base_path(event: Event) -> str:
    """What the path has before that of the route, whose parameters tell it: ``/{proxy+}``, say."""
    path, resource, told = event["path"].rstrip("/"), event["resource"], event.get("pathParameters")
    if not resource.startswith("/"):
        return ""
    values = told if isinstance(told, Mapping) else {}
    own = _PARAMETER.sub(lambda found: str(values.get(found[1], found[0])), resource).rstrip("/")
    decoded = unquote(path)  # as the values of parameters are
    base = decoded.removesuffix(own) if decoded.endswith(own) else ""
    return base if path.startswith(base) else ""


def _are_texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)
