"""A stand-in for the ECS agent beside a container: real HTTP, scripted answers, every call recorded."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Event, Lock, Thread
from typing import Any

TASK_ID = "158d1c8083dd49d6b527399fd6414f5c"
ARN = f"arn:aws:ecs:us-west-2:111122223333:task/shop/{TASK_ID}"
# As in https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate-examples.html
TASK = {
    "Cluster": "arn:aws:ecs:us-west-2:111122223333:cluster/shop",
    "TaskARN": ARN,
    "Family": "orders",
    "Revision": "26",
    "DesiredStatus": "RUNNING",
    "KnownStatus": "RUNNING",
    "ServiceName": "orders-service",
    "Limits": {"CPU": 0.25, "Memory": 512},
    "AvailabilityZone": "us-west-2d",
    "LaunchType": "FARGATE",
    "Containers": [{"Name": "orders"}, {"Name": "log_router"}],
}
CONTAINER = {"DockerId": f"{TASK_ID}-1", "Name": "orders", "Limits": {"CPU": 2}}
DONE = (200, "what was asked")


def error(status: int, code: str, message: str = "no") -> tuple[int, object]:
    return status, {"requestID": "r-1", "error": {"Arn": ARN, "Code": code, "Message": message}}


def failure(reason: str) -> tuple[int, object]:
    """With status 200, as the agent passes on what ECS refuses."""
    return 200, {"failure": {"Arn": ARN, "Reason": reason, "Detail": "told by ECS"}}


class StandInAgent:
    """Answers with ``answers`` one after the other, the last one for ever; hangs while ``hanging`` is set."""

    def __init__(self) -> None:
        self.puts: list[dict[str, Any]] = []
        self.answers: list[tuple[int, object]] = [DONE]
        self.metadata: dict[str, tuple[int, object]] = {"/v4/x/task": (200, TASK), "/v4/x": (200, CONTAINER)}
        self.hanging = Event()
        self.ended = Event()
        self._lock = Lock()
        agent = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert self.path == "/api/x/task-protection/v1/state"
                self._answer(*agent.put(body))

            def do_GET(self) -> None:
                self._answer(*agent.metadata.get(self.path, (404, "page not found")))

            def _answer(self, status: int, content: object) -> None:
                agent.wait_while_hanging()
                text = content if isinstance(content, str) else json.dumps(content)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *args: Any) -> None:
                """Not on standard error."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/api/x"

    @property
    def metadata_uri(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v4/x"

    def put(self, body: dict[str, Any]) -> tuple[int, object]:
        with self._lock:
            self.puts.append(body)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is not DONE:
            return answer
        return 200, {"protection": {"TaskArn": ARN, "ProtectionEnabled": body["ProtectionEnabled"]}}

    def wait_while_hanging(self) -> None:
        while self.hanging.is_set() and not self.ended.is_set():
            time.sleep(0.01)


@contextmanager
def stand_in_agent() -> Iterator[StandInAgent]:
    agent = StandInAgent()
    Thread(target=agent.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield agent
    finally:
        agent.ended.set()
        agent.server.shutdown()
        agent.server.server_close()


@contextmanager
def raw_server(*, status: str = "200 OK", length: int, body: bytes, drip: float = 0.0) -> Iterator[str]:
    """Answers with the head, then the body (again and again, each ``drip`` seconds), then with silence.

    Gives its address. Each connection stays open until the end of the block.
    """
    ended = Event()

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65_536)
            head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
            with suppress(OSError):  # the other side may go first
                self.request.sendall(head.encode() + body)
                while drip and not ended.wait(drip):
                    self.request.sendall(body)
            ended.wait()

    server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
