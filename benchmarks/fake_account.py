"""The operations of the fake SQS, and what is counted about them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from urllib.parse import parse_qs

from fake_queue import ACCOUNT, Answer, Parameters, Queue, RefusedError, Waiter
from orjson import dumps, loads

_HEAD = (
    b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: 5a1d1c2e-0000-4000-8000-000000000000\r\n"
    b"Content-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n"
)
_HEAD_OF_ERROR = (
    b"HTTP/1.1 400 Bad Request\r\nx-amzn-RequestId: 5a1d1c2e-0000-4000-8000-000000000000\r\n"
    b"x-amzn-query-error: %s;Sender\r\n"
    b"Content-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n"
)


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
