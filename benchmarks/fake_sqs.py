"""A fake SQS over HTTP, fast enough not to be what a benchmark measures.

It speaks AWS JSON 1.0, as botocore, aiobotocore and kombu do, on one connection one request after the
other. Messages are encoded when they are loaded; nothing is written to disk and signatures are not
checked. Besides SQS's operations it answers, under ``/_bench/``:

``POST load``   forget everything and hold these messages: ``{"queue", "messages": [{"Body": …}],
                "visibility_timeout", "latency"}``, with the seconds to add to every call
``GET state``   counters of calls and messages, and when what happened (monotonic seconds)
``GET wait``    the same, as soon as ``for=first`` message was received or ``for=done``, all were
                deleted, and at the latest after ``seconds``

    python benchmarks/fake_sqs.py --port 0      prints its address, and runs until it is told to stop
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from typing import Any

import uvloop
from fake_account import FakeSqs


class Connection(asyncio.Protocol):
    """HTTP/1.1, as far as clients of SQS speak it: a length is given, and nothing comes in chunks."""

    def __init__(self, sqs: FakeSqs) -> None:
        self._sqs = sqs
        self._buffer = bytearray()
        self._needed = 0
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) > self._needed and (request := self._next()):
            self._serve(*request)

    def _next(self) -> tuple[bytes, bytes] | None:
        buffer = self._buffer
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = bytes(buffer[: end + 2]).lower()
        size = end + 4 + int(_header(head, b"content-length") or 0)
        if len(buffer) < size:
            if not self._needed and _header(head, b"expect"):
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._needed = size - 1
            return None
        request = bytes(buffer[: end + 2]), bytes(buffer[end + 4 : size])
        del buffer[:size]
        self._needed = 0
        return request

    def _serve(self, head: bytes, body: bytes) -> None:
        path = head[head.index(b" ") + 1 : head.index(b" HTTP/")]
        if path.startswith(b"/_bench/"):
            self._sqs.control(path.decode(), body, self._answer)
            return
        target = head.lower().find(b"\r\nx-amz-target:")
        if target < 0:
            self._answer(b"HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n")
            return
        operation = head[target + 15 : head.index(b"\r\n", target + 2)].strip().decode()
        self._sqs.call(operation.removeprefix("AmazonSQS."), body, self._answer)

    def _answer(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


def _header(head: bytes, name: bytes) -> bytes:
    start = head.find(b"\r\n" + name + b":")
    return b"" if start < 0 else head[start + len(name) + 3 : head.index(b"\r\n", start + 2)].strip()


async def serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    sqs = FakeSqs()
    server = await loop.create_server(lambda: Connection(sqs), "127.0.0.1", port, backlog=1000)
    sqs.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    sys.stdout.write(sqs.address + "\n")
    sys.stdout.flush()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="A fake SQS for benchmarks")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    port = parser.parse_args().port
    uvloop.run(serve(port))


if __name__ == "__main__":
    main()
