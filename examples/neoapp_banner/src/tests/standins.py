"""Local servers with the shapes of OpenAI's and Pagar.me's public APIs, and with their troubles on demand.

with openai_standin() as openai:
    openai.troubles.append(Trouble(Answer(429, headers={"retry-after": "1"})))
    ...  # ask openai.url
"""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OPENAI_KEY = "sk-test-openai"
PAGARME_KEY = "sk_test_pagarme"
REFUSED_CARD = "tok_refused"
UNFIT_WORD = "blood"


@dataclass(frozen=True)
class Request:
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Trouble:
    """What happens to one request: another answer; with none, the connection is cut, or held in silence.

    ``carried_out`` requests take effect, and only their answer is lost.
    """

    answer: Answer | None = None
    carried_out: bool = False
    silent: bool = False


@dataclass
class Standin:
    """A server in a thread of this process, and all that it was asked."""

    url: str
    closing: threading.Event = field(default_factory=threading.Event)
    requests: list[Request] = field(default_factory=list)
    troubles: deque[Trouble] = field(default_factory=deque)
    connections: set[tuple[str, int]] = field(default_factory=set)


@contextmanager
def standin(answer: Callable[[Request], Answer]) -> Iterator[Standin]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # connections are kept
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            asked = self._request()
            running.requests.append(asked)
            running.connections.add(self.client_address)
            trouble = running.troubles.popleft() if running.troubles else None
            if trouble is None:
                self._send(answer(asked))
                return
            if trouble.carried_out:
                answer(asked)
            if trouble.silent:
                running.closing.wait()
            if trouble.answer:
                self._send(trouble.answer)
            else:
                self._cut()

        def _request(self) -> Request:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            return Request(self.path, dict(self.headers.items()), json.loads(body or b"{}"))

        def _send(self, answer: Answer) -> None:
            content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in {"content-type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _cut(self) -> None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: what was asked stands in ``requests``."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running = Standin(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.002}, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        running.closing.set()
        server.shutdown()
        server.server_close()


@contextmanager
def openai_standin(text: str = "Summer, for less") -> Iterator[Standin]:
    """Its moderation objects to the word ``blood``."""

    def answer(request: Request) -> Answer:
        if request.headers.get("Authorization") != f"Bearer {OPENAI_KEY}":
            return _openai_error(401, f"Incorrect API key provided: {OPENAI_KEY[:6]}***.", "invalid_api_key")
        if request.path == "/responses":
            return Answer(200, _response(request.body, text))
        if request.path == "/moderations":
            return Answer(200, _moderation(request.body))
        return _openai_error(404, f"Invalid URL (POST {request.path})", None)

    with standin(answer) as running:
        yield running


def _openai_error(status: int, message: str, code: str | None) -> Answer:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return Answer(status, {"error": error})


def _response(asked: Mapping[str, Any], text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    message = {
        "type": "message",
        "id": "msg_1",
        "status": "completed",
        "role": "assistant",
        "content": content,
    }
    return {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "model": asked["model"],
        "output": [{"type": "reasoning", "id": "rs_1", "summary": []}, message],
    }


def _moderation(asked: Mapping[str, Any]) -> dict[str, Any]:
    unfit = UNFIT_WORD in asked["input"]
    categories = {"hate": False, "violence": unfit, "violence/graphic": unfit}
    scores = {category: 0.98 if applies else 0.01 for category, applies in categories.items()}
    result = {"flagged": unfit, "categories": categories, "category_scores": scores}
    return {"id": "modr-1", "model": asked["model"], "results": [result]}


@contextmanager
def pagarme_standin() -> Iterator[Standin]:
    """Keeps orders by their idempotency keys: what is sent again is answered as before, and charged once."""
    orders: dict[str, tuple[dict[str, Any], Answer]] = {}
    basic = base64.b64encode(f"{PAGARME_KEY}:".encode()).decode()

    def answer(request: Request) -> Answer:
        if request.headers.get("Authorization") != f"Basic {basic}":
            return Answer(401, {"message": "Authorization has been denied for this request."})
        if request.path != "/orders":
            return Answer(404, {"message": "Not found."})
        if not request.body["customer"].get("document"):
            errors = {"order.customer.document": ["The document field is required."]}
            return Answer(422, {"message": "The request is invalid.", "errors": errors})
        key = request.headers["Idempotency-Key"]
        before, made = orders.setdefault(key, (request.body, Answer(200, _order(request.body, len(orders)))))
        if before != request.body:
            return Answer(409, {"message": "The idempotency key was used with another request."})
        return made

    with standin(answer) as running:
        yield running


def _order(asked: Mapping[str, Any], number: int) -> dict[str, Any]:
    [payment] = asked["payments"]
    status, transaction = _transaction(payment)
    amount = sum(item["amount"] * item["quantity"] for item in asked["items"])
    charge = {
        "id": f"ch_{asked['code']}",
        "code": asked["code"],
        "amount": amount,
        "status": status,
        "currency": "BRL",
        "payment_method": payment["payment_method"],
        "last_transaction": {"id": f"tran_{number}", "amount": amount, **transaction},
    }
    return {
        "id": f"or_{number}",
        "code": asked["code"],
        "amount": amount,
        "status": status,
        "charges": [charge],
    }


def _transaction(payment: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if payment["payment_method"] == "pix":
        expires_at = datetime.now(timezone.utc) + timedelta(seconds=payment["pix"]["expires_in"])
        pix = {
            "qr_code": "00020101021226820014br.gov.bcb.pix",
            "expires_at": f"{expires_at:%Y-%m-%dT%H:%M:%SZ}",
        }
        return "pending", {"transaction_type": "pix", "status": "waiting_payment", "success": True, **pix}
    card = {"transaction_type": "credit_card", "installments": payment["credit_card"]["installments"]}
    if payment["credit_card"]["card_token"] == REFUSED_CARD:
        said = "Cartao sem saldo"
        return "failed", {**card, "status": "not_authorized", "success": False, "acquirer_message": said}
    return "paid", {**card, "status": "captured", "success": True, "acquirer_message": "Aprovada"}
