"""HTTP in front of a function on this machine, as a function URL is on AWS."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from blackcat.testing.event_parts import Event
from blackcat.testing.http_events import function_url_event
from blackcat.testing.lambda_api import MAX_REQUEST_BYTES
from blackcat.testing.lambda_runtime import LambdaFunction, Reply

# How soon the server notices that it is to stop.
_POLL_SECONDS = 0.02
_TEXT = re.compile(r"text/|application/(json|javascript|xml)|[^;]+\+(json|xml)", re.IGNORECASE)
# Of the answer's own: the server writes them.
_OURS = frozenset({"content-length", "connection", "transfer-encoding", "date", "server"})


@dataclass(frozen=True)
class HttpAnswer:
    """What a client gets of a function's reply."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


class LambdaUrl:
    """Serves a function at ``url`` for as long as the block lasts; port 0 is any free one.

    Requests go to the function as events of a function URL, one at a time; ``on_reply`` sees each reply, to
    show its log, say. A failed invocation answers 502, as on AWS.
    https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
    """

    def __init__(
        self,
        function: LambdaFunction,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        on_reply: Callable[[Reply], None] = lambda reply: None,
    ) -> None:
        self._server = _Server((host, port), function, on_reply)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="lambda-url", daemon=True
        )

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def __enter__(self) -> LambdaUrl:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def http_answer(reply: Reply) -> HttpAnswer:
    """The response that AWS makes of a function's answer with payload format 2.0.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-response-payload
    """
    payload = reply.payload
    if reply.error:
        return _json_answer(502, {"Message": "Internal Server Error"})
    if not isinstance(payload, Mapping) or "statusCode" not in payload:
        return _json_answer(200, payload)
    headers = {"content-type": "application/json"} | {
        name.lower(): str(value) for name, value in (payload.get("headers") or {}).items()
    }
    cookies = [("set-cookie", cookie) for cookie in payload.get("cookies") or []]
    return HttpAnswer(int(payload["statusCode"]), [*headers.items(), *cookies], _body(payload))


def _body(payload: Mapping[str, Any]) -> bytes:
    body = payload.get("body")
    if body is None:
        return b""
    text = body if isinstance(body, str) else json.dumps(body)
    return base64.b64decode(text) if payload.get("isBase64Encoded") else text.encode()


def _json_answer(status: int, content: Any) -> HttpAnswer:
    return HttpAnswer(status, [("content-type", "application/json")], json.dumps(content).encode())


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], function: LambdaFunction, on_reply: Callable[[Reply], None]
    ) -> None:
        super().__init__(address, _Requests)
        self.function = function
        self.on_reply = on_reply


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            self.close_connection = True
            self._send(_json_answer(411, {"Message": "send a Content-Length"}))
        elif length > MAX_REQUEST_BYTES:
            self.close_connection = True
            self._send(_json_answer(413, {"Message": "Request Entity Too Large"}))
        else:
            self._send(self._invoked(self.rfile.read(length)))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815 - http.server's names

    def _invoked(self, body: bytes) -> HttpAnswer:
        try:
            reply = self.server.function.invoke(self._event(body))
        except ValueError:  # base64 made it too large
            return _json_answer(413, {"Message": "Request Entity Too Large"})
        self.server.on_reply(reply)
        return http_answer(reply)

    def _event(self, body: bytes) -> Event:
        where = urlsplit(self.path)
        headers = {name.lower(): ",".join(self.headers.get_all(name, [])) for name in self.headers}
        cookies = dict(
            pair.strip().split("=", 1) for pair in headers.pop("cookie", "").split(";") if "=" in pair
        )
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(where.query, keep_blank_values=True):
            query.setdefault(name, []).append(value)
        text = body and _TEXT.match(headers.get("content-type", ""))
        event = function_url_event(
            self.command,
            where.path,
            body=(body.decode() if text else body) if body else None,
            headers=headers,
            query=query,
            cookies=cookies,
        )
        return event | {"rawQueryString": where.query}

    def _send(self, answer: HttpAnswer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            if name not in _OURS:
                self.send_header(name, value)
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, *arguments: Any) -> None:
        """The function's own lines are enough."""
