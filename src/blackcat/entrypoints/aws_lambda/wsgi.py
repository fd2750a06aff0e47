"""Around the application: what apig-wsgi leaves out of Lambda's requests, and what answers lose in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import unquote

from blackcat.application.events import EventLog
from blackcat.entrypoints.aws_lambda.http_request import mounted
from blackcat.entrypoints.aws_lambda.http_response import PROBLEM, TEXTS, failure

log = EventLog("blackcat.api")

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]
Header = tuple[str, str]

# Where a name stands once for all values; a cookie's own commas forbid it to be one of a list.
_SET_COOKIE = "set-cookie"
_REQUEST_ID = "x-request-id"


def adapted(application: Wsgi) -> Wsgi:
    """The application for events: it sees the client's address, paths without the stage, and a request id.

    Answers keep every value of a repeated header, and every byte of a text that is not UTF-8.
    """

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        event = environ["apig_wsgi.full_event"]
        _complete(environ, event, environ["apig_wsgi.context"])
        started: list[tuple[str, list[Header]]] = []

        def start(status: str, headers: list[Header], exc_info: Any = None) -> Callable[[bytes], None]:
            started[:] = [(status, headers)]
            return parts.append

        parts: list[bytes] = []
        result = application(environ, start)
        try:
            parts.extend(result)
            status, headers = started[0]
            body = b"".join(parts)
        except Exception as error:  # in the middle of its body, of which nothing has been sent yet
            status, headers, body = _failed(error, started)
        finally:
            close = getattr(result, "close", None)
            if close:
                close()
        start_response(status, _marked(_kept(headers, event), body))
        return [body]

    return serve


def _failed(error: Exception, started: list[tuple[str, list[Header]]]) -> tuple[str, list[Header], bytes]:
    log.error("request.failed", error=error)
    kept = [header for _, headers in started for header in headers if header[0].lower() == _REQUEST_ID]
    body = failure("something failed on our side; the request id leads to it").encode()
    return "500 Internal Server Error", [*kept, ("Content-Type", PROBLEM)], body


def _complete(environ: dict[str, Any], event: dict[str, Any], context: Any) -> None:
    environ["wsgi.run_once"] = False
    # Lambda's own: it stands in the lines that Lambda itself writes, too.
    environ.setdefault("HTTP_X_REQUEST_ID", context.aws_request_id)
    environ["SCRIPT_NAME"], path = mounted(event)
    environ["PATH_INFO"] = unquote(path, encoding="iso-8859-1")
    told = event["requestContext"]
    if "elb" in told:
        # The balancer appends it to what a client claims.
        environ["REMOTE_ADDR"] = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    elif address := told.get("identity", {}).get("sourceIp"):
        environ["REMOTE_ADDR"] = address


def _kept(headers: Iterable[Header], event: dict[str, Any]) -> list[Header]:
    """Headers of which nothing is lost where the answer has one value for each name."""
    if event.get("version") != "2.0" and "multiValueHeaders" in event:
        return list(headers)
    cookies = [header for header in headers if header[0].lower() == _SET_COOKIE]
    others: dict[str, Header] = {}
    for name, value in headers:
        if name.lower() != _SET_COOKIE:
            known = others.get(name.lower())
            others[name.lower()] = (known[0], f"{known[1]}, {value}") if known else (name, value)
    if event.get("version") != "2.0":
        # Names are told apart by their case here, and nowhere after.
        cookies = [(name, value) for name, (_, value) in zip(_spellings(), cookies, strict=False)]
    return [*others.values(), *cookies]


def _spellings() -> Iterator[str]:
    letters = [index for index, letter in enumerate(_SET_COOKIE) if letter.isalpha()]
    for number in range(2 ** len(letters)):
        upper = {index for place, index in enumerate(letters) if number >> place & 1}
        yield "".join(letter.upper() if i in upper else letter for i, letter in enumerate(_SET_COOKIE))


def _marked(headers: list[Header], body: bytes) -> list[Header]:
    """A text of another encoding must travel in base64, as everything with a content encoding does."""
    told = {name.lower(): value for name, value in headers}
    if not told.get("content-type", "").startswith(TEXTS) or "content-encoding" in told:
        return headers  # in base64 anyway
    try:
        body.decode()
    except UnicodeDecodeError:
        return [*headers, ("Content-Encoding", "identity")]
    return headers
