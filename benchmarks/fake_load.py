"""How much the fake SQS bears: a client that sends prepared requests, many at a time, and counts answers."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from fake_queue import ACCOUNT
from lineup import contenders
from measure import QUEUE, FakeSqs, fake_sqs

_MESSAGES = 40_000
_AT_ONCE = 50
_RECEIPT = "{number}.1." + "A" * 400


@dataclass(frozen=True)
class Load:
    """What the fake did when nothing else held it up."""

    calls_per_second: float
    messages_per_second: float

    def __str__(self) -> str:
        return (
            f"A client that sends prepared requests, {_AT_ONCE} at a time, has {self.calls_per_second:,.0f} "
            "calls (receive ten, delete ten) answered per second: "
            f"{self.messages_per_second:,.0f} messages."
        )


def load(fake: FakeSqs) -> Load:
    """As many messages received and deleted as it can, ten at a time."""
    floor = next(contender for contender in contenders() if contender.key == "floor")
    fake.load(floor, _MESSAGES, 0.0)
    url = f"{fake.address}/{ACCOUNT}/{QUEUE}"
    receive = _request("ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10})
    deletes = [
        _request("DeleteMessageBatch", {"QueueUrl": url, "Entries": _entries(first)})
        for first in range(0, _MESSAGES, 10)
    ]
    place = urlsplit(fake.address)
    with socket.create_connection((place.hostname or "", place.port or 0)) as connection:
        began = time.monotonic()
        _pipeline(connection, [receive] * (_MESSAGES // 10))
        _pipeline(connection, deletes)
        took = time.monotonic() - began
    state = fake.state()
    if state["deleted"] != _MESSAGES:
        raise RuntimeError(f"the fake SQS deleted {state['deleted']} of {_MESSAGES} messages")
    return Load(_MESSAGES / 5 / took, _MESSAGES / took)


def _pipeline(connection: socket.socket, requests: Sequence[bytes]) -> None:
    for start in range(0, len(requests), _AT_ONCE):
        batch = requests[start : start + _AT_ONCE]
        connection.sendall(b"".join(batch))
        answered, rest = 0, b""
        while answered < len(batch):
            received = rest + connection.recv(1 << 20)
            answered += received.count(b"HTTP/1.1 ")
            rest = received[-8:]  # shorter than what is counted: nothing is counted twice


def _request(operation: str, parameters: dict[str, object]) -> bytes:
    body = json.dumps(parameters).encode()
    head = (
        f"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AmazonSQS.{operation}\r\n"
        f"Content-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _entries(first: int) -> list[dict[str, str]]:
    return [{"Id": str(index), "ReceiptHandle": _RECEIPT.format(number=first + index)} for index in range(10)]


if __name__ == "__main__":
    import sys

    with fake_sqs() as running:
        sys.stdout.write(f"{load(running)}\n")
