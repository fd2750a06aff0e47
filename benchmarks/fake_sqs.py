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
import hashlib
import heapq
import signal
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs

import uvloop
from orjson import dumps, loads

ACCOUNT = "000000000000"
# About as long as the receipt handles of AWS, which every delete has to carry back.
_PADDING = "A" * 400
_HEAD = (
    b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: 5a1d1c2e-0000-4000-8000-000000000000\r\n"
    b"Content-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n"
)
_HEAD_OF_ERROR = (
    b"HTTP/1.1 400 Bad Request\r\nx-amzn-RequestId: 5a1d1c2e-0000-4000-8000-000000000000\r\n"
    b"x-amzn-query-error: %s;Sender\r\n"
    b"Content-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n"
)

Parameters = dict[str, Any]
Answer = Callable[[bytes], None]


class RefusedError(Exception):
    """A call that SQS would answer with an error."""

    def __init__(self, code: str, query_code: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.query_code = query_code or code


class Held:
    """A message in the queue, its unchanging parts encoded once."""

    __slots__ = ("attributes", "count", "encoded", "expires", "number")

    def __init__(self, number: int, body: str, attributes: Parameters | None) -> None:
        self.number = number
        self.count = 0
        self.expires = 0.0
        md5 = hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
        fields = {"MessageId": f"{number:08x}-0000-4000-8000-000000000000", "MD5OfBody": md5, "Body": body}
        self.encoded = dumps(fields)[:-1]
        self.attributes = b',"MessageAttributes":' + dumps(attributes) if attributes else b""

    @property
    def receipt(self) -> str:
        return f"{self.number}.{self.count}.{_PADDING}"


class Waiter:
    """A ReceiveMessage that waits for a message."""

    __slots__ = ("answer", "parameters", "timer")

    def __init__(self, parameters: Parameters, answer: Answer) -> None:
        self.parameters = parameters
        self.answer = answer
        self.timer: asyncio.TimerHandle | None = None


class Queue:
    """One queue: visible messages in order, hidden ones until their visibility timeout runs out."""

    def __init__(self, name: str, address: str, visibility_timeout: float = 30.0) -> None:
        self.name = name
        self.url = f"{address}/{ACCOUNT}/{name}"
        self.visibility_timeout = visibility_timeout
        self.messages: dict[int, Held] = {}
        self.visible: deque[Held] = deque()
        self.hidden: dict[int, Held] = {}
        self.expiries: list[tuple[float, int]] = []
        self.waiters: deque[Waiter] = deque()
        self.most_waiting = 0
        self.redelivered = 0
        self.deleted = 0

    def add(self, body: str, attributes: Parameters | None = None) -> Held:
        held = Held(len(self.messages), body, attributes)
        self.messages[held.number] = held
        self.visible.append(held)
        return held

    def take(self, parameters: Parameters) -> bytes:
        """The answer to a receive; empty when there is no message."""
        now = time.monotonic()
        self.reveal(now)
        if not self.visible:
            return b""
        timeout = parameters.get("VisibilityTimeout", self.visibility_timeout)
        asked = _asked(parameters)
        found = [
            self._hand_out(self.visible.popleft(), now + timeout, asked)
            for _ in range(min(parameters.get("MaxNumberOfMessages", 1), len(self.visible)))
        ]
        return b'{"Messages":[' + b",".join(found) + b"]}"

    def delete(self, receipt: str) -> None:
        held = self._held(receipt)
        if held is None:
            return
        if self.hidden.pop(held.number, None) is None:
            self.visible.remove(held)
        del self.messages[held.number]
        self.deleted += 1

    def change_visibility(self, receipt: str, timeout: float) -> None:
        held = self._held(receipt)
        if held is None or held.number not in self.hidden:
            raise RefusedError("ReceiptHandleIsInvalid")
        self._hide_until(held, time.monotonic() + timeout)

    def reveal(self, now: float) -> None:
        """What was hidden long enough is visible again."""
        while self.expiries and self.expiries[0][0] <= now:
            expires, number = heapq.heappop(self.expiries)
            held = self.hidden.get(number)
            if held is not None and held.expires == expires:
                del self.hidden[number]
                self.visible.append(held)

    def serve_waiters(self) -> None:
        while self.waiters and (answer := self.take(self.waiters[0].parameters)):
            waiter = self.waiters.popleft()
            if waiter.timer:
                waiter.timer.cancel()
            waiter.answer(answer)

    def drop_waiters(self) -> None:
        for waiter in self.waiters:
            if waiter.timer:
                waiter.timer.cancel()
        self.waiters.clear()

    def _hand_out(self, held: Held, expires: float, asked: tuple[bool, bool]) -> bytes:
        held.count += 1
        self.redelivered += held.count > 1
        self._hide_until(held, expires)
        system, attributes = asked
        parts = [held.encoded, b',"ReceiptHandle":"', held.receipt.encode(), b'"']
        if system:
            parts.append(
                b',"Attributes":{"SenderId":"AIDAEXAMPLE","ApproximateFirstReceiveTimestamp":"1790000000000",'
                b'"ApproximateReceiveCount":"%d","SentTimestamp":"1790000000000"}' % held.count
            )
        if attributes:
            parts.append(held.attributes)
        parts.append(b"}")
        return b"".join(parts)

    def _hide_until(self, held: Held, expires: float) -> None:
        held.expires = expires
        self.hidden[held.number] = held
        heapq.heappush(self.expiries, (expires, held.number))

    def _held(self, receipt: str) -> Held | None:
        """The message that this receipt stands for; None when it is deleted."""
        try:
            number, count, _ = receipt.split(".")
            held = self.messages.get(int(number))
        except ValueError:
            raise RefusedError("ReceiptHandleIsInvalid") from None
        return held if held is not None and held.count == int(count) else None


def _asked(parameters: Parameters) -> tuple[bool, bool]:
    """Whether system attributes and message attributes are wanted."""
    system = parameters.get("MessageSystemAttributeNames") or parameters.get("AttributeNames")
    return bool(system), bool(parameters.get("MessageAttributeNames"))


class FakeSqs:
    """The queues and operations of one account, and what is counted about them."""

    def __init__(self) -> None:
        self.address = ""
        self._loop = asyncio.get_running_loop()
        self._watchers: list[tuple[str, Answer]] = []
        self.queues: dict[str, Queue] = {}
        self._operations = {
            "GetQueueUrl": self._get_queue_url,
            "CreateQueue": self._create_queue,
            "ListQueues": self._list_queues,
            "GetQueueAttributes": self._get_queue_attributes,
            "SetQueueAttributes": self._nothing,
            "TagQueue": self._nothing,
            "PurgeQueue": self._purge_queue,
            "SendMessage": self._send_message,
            "SendMessageBatch": self._send_message_batch,
            "DeleteMessage": self._delete_message,
            "DeleteMessageBatch": self._delete_message_batch,
            "ChangeMessageVisibility": self._change_visibility,
            "ChangeMessageVisibilityBatch": self._change_visibility_batch,
        }
        self.forget()

    def forget(self, latency: float = 0.0) -> None:
        for queue in self.queues.values():
            queue.drop_waiters()  # of processes that are gone
        self.latency = latency
        self.queues = {}
        self.calls: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.loaded = 0
        self.first_received: float | None = None
        self.done: float | None = None

    def call(self, operation: str, body: bytes, answer: Answer) -> None:
        self.calls[operation] += 1
        if self.latency:
            self._loop.call_later(self.latency, self._call, operation, body, answer)
        else:
            self._call(operation, body, answer)

    def _call(self, operation: str, body: bytes, answer: Answer) -> None:
        parameters = loads(body)
        try:
            if operation == "ReceiveMessage":
                self._receive(parameters, answer)
            elif operation in self._operations:
                result = dumps(self._operations[operation](parameters))
                answer(_HEAD % len(result) + result)
            else:
                raise RefusedError("UnknownOperation", "InvalidAction")
        except RefusedError as refusal:
            self.refused[refusal.code] += 1
            result = dumps({"__type": f"com.amazonaws.sqs#{refusal.code}", "message": refusal.code})
            answer(_HEAD_OF_ERROR % (refusal.query_code.encode(), len(result)) + result)

    # What the harness asks

    def control(self, path: str, body: bytes, answer: Answer) -> None:
        action, _, query = path.removeprefix("/_bench/").partition("?")
        if action == "load":
            self._load(loads(body))
            self._answer_state(answer)
        elif action == "wait":
            asked = {name: values[0] for name, values in parse_qs(query).items()}
            self._watch(asked["for"], float(asked["seconds"]), answer)
        else:
            self._answer_state(answer)

    def state(self) -> Parameters:
        now = time.monotonic()
        queues = self.queues.values()
        for queue in queues:
            queue.reveal(now)
        return {
            "now": now,
            "calls": dict(self.calls),
            "refused": dict(self.refused),
            "loaded": self.loaded,
            "visible": sum(len(queue.visible) for queue in queues),
            "hidden": sum(len(queue.hidden) for queue in queues),
            "deleted": sum(queue.deleted for queue in queues),
            "redelivered": sum(queue.redelivered for queue in queues),
            "most_waiting": max((queue.most_waiting for queue in queues), default=0),
            "first_received": self.first_received,
            "done": self.done,
        }

    def _answer_state(self, answer: Answer) -> None:
        result = dumps(self.state())
        answer(_HEAD % len(result) + result)

    def _load(self, wanted: Parameters) -> None:
        self.forget(wanted.get("latency", 0.0))
        queue = Queue(wanted["queue"], self.address, wanted.get("visibility_timeout", 30.0))
        self.queues[queue.name] = queue
        for message in wanted["messages"]:
            queue.add(message["Body"], message.get("MessageAttributes"))
        self.loaded = len(queue.messages)

    def _watch(self, event: str, seconds: float, answer: Answer) -> None:
        happened = self.first_received if event == "first" else self.done
        if happened is not None:
            self._answer_state(answer)
            return
        watcher = (event, answer)
        self._watchers.append(watcher)
        self._loop.call_later(seconds, self._stop_watching, watcher)

    def _stop_watching(self, watcher: tuple[str, Answer]) -> None:
        if watcher in self._watchers:
            self._watchers.remove(watcher)
            self._answer_state(watcher[1])

    def _happened(self, event: str) -> None:
        for watcher in [watcher for watcher in self._watchers if watcher[0] == event]:
            self._stop_watching(watcher)

    # SQS's operations

    def _queue(self, parameters: Parameters) -> Queue:
        name = parameters.get("QueueName") or parameters.get("QueueUrl", "").rpartition("/")[2]
        if name not in self.queues:
            raise RefusedError("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue")
        return self.queues[name]

    def _receive(self, parameters: Parameters, answer: Answer) -> None:
        queue = self._queue(parameters)
        found = queue.take(parameters)
        wait = parameters.get("WaitTimeSeconds", 0)
        if found or not wait:
            self._received(found, answer)
            return
        waiter = Waiter(parameters, lambda found: self._received(found, answer))
        waiter.timer = self._loop.call_later(wait, self._end_wait, queue, waiter)
        queue.waiters.append(waiter)
        queue.most_waiting = max(queue.most_waiting, len(queue.waiters))
        if queue.expiries:
            delay = max(queue.expiries[0][0] - time.monotonic(), 0.001)
            self._loop.call_later(delay, queue.serve_waiters)

    def _end_wait(self, queue: Queue, waiter: Waiter) -> None:
        queue.waiters.remove(waiter)
        waiter.answer(b"")

    def _received(self, found: bytes, answer: Answer) -> None:
        found = found or b"{}"
        answer(_HEAD % len(found) + found)
        if self.first_received is None and len(found) > 2:
            self.first_received = time.monotonic()
            self._happened("first")

    def _get_queue_url(self, parameters: Parameters) -> Parameters:
        return {"QueueUrl": self._queue(parameters).url}

    def _create_queue(self, parameters: Parameters) -> Parameters:
        name = parameters["QueueName"]
        return {"QueueUrl": self.queues.setdefault(name, Queue(name, self.address)).url}

    def _list_queues(self, parameters: Parameters) -> Parameters:
        prefix = parameters.get("QueueNamePrefix", "")
        return {"QueueUrls": [queue.url for name, queue in self.queues.items() if name.startswith(prefix)]}

    def _get_queue_attributes(self, parameters: Parameters) -> Parameters:
        queue = self._queue(parameters)
        attributes = {
            "VisibilityTimeout": str(int(queue.visibility_timeout)),
            "QueueArn": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:{queue.name}",
            "ApproximateNumberOfMessages": str(len(queue.visible)),
            "ApproximateNumberOfMessagesNotVisible": str(len(queue.hidden)),
            "ApproximateNumberOfMessagesDelayed": "0",
        }
        names = parameters.get("AttributeNames") or []
        return {"Attributes": {k: v for k, v in attributes.items() if k in names or "All" in names}}

    def _nothing(self, parameters: Parameters) -> Parameters:
        self._queue(parameters)
        return {}

    def _purge_queue(self, parameters: Parameters) -> Parameters:
        queue = self._queue(parameters)
        for collection in (queue.messages, queue.visible, queue.hidden):
            collection.clear()
        return {}

    def _send_message(self, parameters: Parameters) -> Parameters:
        queue = self._queue(parameters)
        held = queue.add(parameters["MessageBody"], parameters.get("MessageAttributes"))
        fields = loads(held.encoded + b"}")
        queue.serve_waiters()
        return {"MessageId": fields["MessageId"], "MD5OfMessageBody": fields["MD5OfBody"]}

    def _send_message_batch(self, parameters: Parameters) -> Parameters:
        entries = parameters["Entries"]
        url = parameters["QueueUrl"]
        return {
            "Successful": [{"Id": e["Id"], **self._send_message({"QueueUrl": url, **e})} for e in entries]
        }

    def _delete_message(self, parameters: Parameters) -> Parameters:
        queue = self._queue(parameters)
        queue.delete(parameters["ReceiptHandle"])
        self._check_done(queue)
        return {}

    def _delete_message_batch(self, parameters: Parameters) -> Parameters:
        queue = self._queue(parameters)
        result = self._each(parameters["Entries"], lambda entry: queue.delete(entry["ReceiptHandle"]))
        self._check_done(queue)
        return result

    def _change_visibility(self, parameters: Parameters) -> Parameters:
        queue = self._queue(parameters)
        queue.change_visibility(parameters["ReceiptHandle"], parameters["VisibilityTimeout"])
        queue.serve_waiters()
        return {}

    def _change_visibility_batch(self, parameters: Parameters) -> Parameters:
        queue = self._queue(parameters)

        def change(entry: Parameters) -> None:
            queue.change_visibility(entry["ReceiptHandle"], entry["VisibilityTimeout"])

        result = self._each(parameters["Entries"], change)
        queue.serve_waiters()
        return result

    def _each(self, entries: Sequence[Parameters], act: Callable[[Parameters], None]) -> Parameters:
        successful, failed = [], []
        for entry in entries:
            try:
                act(entry)
                successful.append({"Id": entry["Id"]})
            except RefusedError as refusal:
                self.refused[refusal.code] += 1
                failed.append({"Id": entry["Id"], "Code": refusal.code, "SenderFault": True})
        return {"Successful": successful, "Failed": failed} if failed else {"Successful": successful}

    def _check_done(self, queue: Queue) -> None:
        if self.loaded and queue.deleted == self.loaded and self.done is None:
            self.done = time.monotonic()
            self._happened("done")


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
