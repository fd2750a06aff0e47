"""A small stand-in for AWS: several services and the providers of credentials, over real sockets.

It keeps no state worth a name. It counts connections, and writes down whose credentials signed what.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs

_SIGNED = re.compile(r"Credential=(?P<key>[^/]+)/\d+/[^/]+/(?P<service>[^/]+)/")
# No test is so slow that this ends it for another reason than a fault.
PATIENCE_SECONDS = 30.0


class Call(NamedTuple):
    service: str
    operation: str
    key: str


@dataclass(frozen=True)
class Refusal:
    """An error of AWS, in the shape of the service that is asked."""

    code: str
    message: str = "No."
    status: int = 403


class AwsStandin(ThreadingHTTPServer):
    """Answers SQS, SNS, DynamoDB, EventBridge, Secrets Manager, SSM and STS, and gives credentials.

    ``life`` is how long the next credentials last: each time they are asked for they are others. With
    ``failing`` it gives none. ``refuse`` says which calls are refused, and ``ahead`` by how much its clock
    differs from the machine's.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.life = timedelta(hours=1)
        self.failing = False
        self.answer_of_provider: Any = None
        self.refuse: Callable[[Call], Refusal | None] = lambda call: None
        self.ahead = timedelta(0)
        self.connections: Counter[str] = Counter()
        self.calls: list[Call] = []
        self.tokens: list[str] = []
        self.given = 0
        self.numbers = itertools.count()
        self.changed = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def keys(self, service: str = "sqs") -> list[str]:
        """The access keys that signed calls of the service, in the order of their first use."""
        return list(dict.fromkeys(call.key for call in self.calls if call.service == service))

    def wait_for(self, seen: Callable[[], Any]) -> None:
        ends = time.monotonic() + PATIENCE_SECONDS
        with self.changed:
            while not seen():
                # Not all that is waited for happens here.
                self.changed.wait(0.1)
                assert time.monotonic() < ends, (self.keys(), self.given, self.tokens[-3:])

    def credentials(self, token: str) -> Mapping[str, str] | None:
        with self.changed:
            self.tokens.append(token)
            self.given += not self.failing
            self.changed.notify_all()
            ends = datetime.now(timezone.utc) + self.life
            return {
                "AccessKeyId": f"AKID{self.given}",
                "SecretAccessKey": "secret",
                "Token": "session",
                "Expiration": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }

    def note(self, call: Call, *, first: bool) -> Refusal | None:
        with self.changed:
            self.calls.append(call)
            self.connections[call.service] += first
            self.changed.notify_all()
            return self.refuse(call)


class _Conversation(BaseHTTPRequestHandler):
    server: AwsStandin
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    first = True

    def do_GET(self) -> None:
        given = self.server.credentials(self.headers.get("Authorization", ""))
        if self.server.failing:
            self._answer(500, b"out of order")
        else:
            content = given if self.server.answer_of_provider is None else self.server.answer_of_provider
            self._answer(200, json.dumps(content).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        target = self.headers.get("X-Amz-Target", "")
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()} if not target else {}
        signed = _SIGNED.search(self.headers.get("Authorization", ""))
        service, key = (signed["service"], signed["key"]) if signed else ("sts", "")
        operation = target.rpartition(".")[2] or form["Action"]
        refusal = self.server.note(Call(service, operation, key), first=self.first)
        self.first = False
        if refusal:
            self._refuse(refusal, as_json=bool(target))
        elif target:
            self._answer(200, json.dumps(self._json(operation, json.loads(body))).encode())
        else:
            result = self._xml(operation, form)
            self._answer(
                200, _xml(f"{operation}Response", f"<{operation}Result>{result}</{operation}Result>")
            )

    def _refuse(self, refusal: Refusal, *, as_json: bool) -> None:
        if as_json:
            content = {"__type": f"com.amazon.coral.service#{refusal.code}", "message": refusal.message}
            self._answer(refusal.status, json.dumps(content).encode())
        else:
            error = f"<Error><Code>{refusal.code}</Code><Message>{refusal.message}</Message></Error>"
            self._answer(refusal.status, _xml("ErrorResponse", error))

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response_only(status)
        self.send_header("Date", formatdate(time.time() + self.server.ahead.total_seconds(), usegmt=True))
        self.send_header("x-amzn-RequestId", "r-1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def _json(self, operation: str, asked: Any) -> Any:
        done = {"Successful": [{"Id": one.get("Id")} for one in asked.get("Entries", ())], "Failed": []}
        answers = {
            "GetQueueUrl": {"QueueUrl": f"{self.server.url}/123456789012/orders"},
            "GetQueueAttributes": {"Attributes": {"VisibilityTimeout": "30"}},
            "ReceiveMessage": {"Messages": self._messages(asked.get("MaxNumberOfMessages", 1))},
            "SendMessage": {"MessageId": "m-1"},
            "DeleteMessageBatch": done,
            "ChangeMessageVisibilityBatch": done,
            "DescribeEventBus": {"Name": "shop"},
            "PutEvents": {"FailedEntryCount": 0, "Entries": [{"EventId": "e-1"}]},
            "GetSecretValue": {"Name": "db", "VersionId": "v-1", "SecretString": "word"},
            "GetParameters": {"Parameters": [{"Name": "/url", "Value": "text", "Type": "String"}]},
        }
        return answers.get(operation, {})

    def _messages(self, count: int) -> list[Any]:
        attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": "0"}
        names = [f"m-{next(self.server.numbers)}" for _ in range(count)]
        return [
            {"MessageId": name, "ReceiptHandle": name, "Body": "{}", "Attributes": attributes}
            for name in names
        ]

    def _xml(self, operation: str, form: Mapping[str, str]) -> str:
        if operation == "AssumeRoleWithWebIdentity":
            given = dict(self.server.credentials(form["WebIdentityToken"]) or {})
            given["SessionToken"] = given.pop("Token")
            inside = "".join(f"<{name}>{value}</{name}>" for name, value in given.items())
            return f"<Credentials>{inside}</Credentials>"
        return "<Account>123456789012</Account><MessageId>m-1</MessageId>"

    def log_message(self, *args: Any) -> None:
        """Stay quiet."""


def _xml(name: str, content: str) -> bytes:
    request = "<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata><RequestId>r-1</RequestId>"
    return f"<{name}>{content}{request}</{name}>".encode()


@contextmanager
def aws_standin(tls: ssl.SSLContext | None = None) -> Iterator[AwsStandin]:
    with AwsStandin(tls) as server, served(server):
        yield server


@contextmanager
def served(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def plain_environment(**variables: str) -> dict[str, str]:
    """An environment without what this machine knows of AWS and of proxies."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") and "BUNDLE" not in name and not name.upper().endswith("_PROXY")
    }
    nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return {**kept, **nothing, "AWS_EC2_METADATA_DISABLED": "true", **variables}


def run_python(*arguments: str, **variables: str) -> str:
    """What a program of its own prints. It has credentials and a region, and knows no other thing of AWS."""
    known = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-west-1"}
    ended = subprocess.run(
        [sys.executable, *arguments],
        env=plain_environment(**{**known, **variables}),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def call_every_service(threads: int = 1, each: int = 1, **variables: str) -> Any:
    """What every_service.py tells."""
    program = str(Path(__file__).with_name("every_service.py"))
    return json.loads(run_python(program, str(threads), str(each), **variables))
