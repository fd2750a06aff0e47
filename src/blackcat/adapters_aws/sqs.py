"""SQS as broker: queues found by name."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from blackcat.adapters_aws.batches import Entry, call_in_batches, dry_answer
from blackcat.adapters_aws.calls import AwsCalls, Response
from blackcat.adapters_aws.clients import AwsOptions
from blackcat.adapters_aws.messages import received, wire_options
from blackcat.adapters_aws.spans import record_receive
from blackcat.application.ports import BatchResult, QueueDepth, QueueDescription, Visibility
from blackcat.application.tracing import tracing
from blackcat.domain.message import MAX_PER_RECEIVE, MAX_WAIT, AttributeValue, Message
from blackcat.domain.outgoing import MAX_MESSAGE_BYTES, OutgoingMessage, for_queue, outgoing
from blackcat.errors import InvalidRequest, QueueNotFound
from blackcat.resources import MAX_VISIBILITY


class SqsBroker:
    """The queues of one account and region."""

    def __init__(self, options: AwsOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._queues: dict[str, SqsQueue] = {}

    def queue(self, name: str) -> SqsQueue:
        with self._lock:
            return self._queues.setdefault(name, SqsQueue(name, self._options))

    def describe(self, name: str) -> QueueDescription:
        found = self.queue(name).attributes("VisibilityTimeout", "RedrivePolicy")
        redrive = json.loads(found.get("RedrivePolicy") or "{}")
        target = redrive.get("deadLetterTargetArn")
        return QueueDescription(
            visibility_timeout=timedelta(seconds=int(found["VisibilityTimeout"])),
            dead_letter_queue=target.rpartition(":")[2] if target else None,
            max_receive_count=int(redrive["maxReceiveCount"]) if target else None,
        )

    def depth(self, name: str) -> QueueDepth:
        waiting, in_flight, delayed = (
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        )
        found = self.queue(name).attributes(waiting, in_flight, delayed)
        return QueueDepth(int(found[waiting]), int(found[in_flight]), int(found[delayed]))


class SqsQueue:
    """One SQS queue; a name that ends in ``.fifo`` is a FIFO queue.

    Its address is asked for at the first call. Safe to share between threads.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html
    """

    def __init__(self, name: str, options: AwsOptions) -> None:
        self._name = name
        self._calls = AwsCalls("sqs", options)
        self._lock = threading.Lock()
        self._url: str | None = None

    @property
    def name(self) -> str:
        return self._name

    def send(
        self,
        payload: Any,
        *,
        attributes: Mapping[str, AttributeValue] | None = None,
        delay: timedelta | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
    ) -> str:
        message = outgoing(
            payload,
            attributes=attributes,
            delay=delay,
            group_id=group_id,
            deduplication_id=deduplication_id,
        )
        parameters = _send_parameters(for_queue(message, self._name))
        answer = self._write("SendMessage", dry={"MessageId": "dry-run"}, **parameters)
        message_id: str = answer["MessageId"]
        return message_id

    def send_batch(self, messages: Iterable[OutgoingMessage]) -> BatchResult:
        checked = [for_queue(message, self._name) for message in messages]
        entries = [Entry(_send_parameters(message), size=message.size) for message in checked]
        return self._batch("SendMessageBatch", entries)

    def receive(self, *, limit: int = MAX_PER_RECEIVE, wait: timedelta = timedelta(0)) -> Sequence[Message]:
        if not 1 <= limit <= MAX_PER_RECEIVE:
            raise InvalidRequest(f"limit must be 1 to {MAX_PER_RECEIVE}, not {limit}", resource=self._name)
        if not timedelta(0) <= wait <= MAX_WAIT:
            raise InvalidRequest(f"wait must lie between 0 and {MAX_WAIT}, not {wait}", resource=self._name)
        asked = time.time_ns()
        answer = self._read(
            "ReceiveMessage",
            MaxNumberOfMessages=limit,
            WaitTimeSeconds=_whole_seconds(wait),
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages = [received(wire) for wire in answer.get("Messages", ())]
        if messages and tracing.enabled:
            record_receive(self._name, messages, began=asked)
        return messages

    def delete(self, receipts: Sequence[str]) -> BatchResult:
        entries = [Entry({"ReceiptHandle": receipt}, receipt=receipt) for receipt in receipts]
        return self._batch("DeleteMessageBatch", entries)

    def extend(self, changes: Sequence[Visibility]) -> BatchResult:
        entries = [
            Entry(
                {"ReceiptHandle": change.receipt, "VisibilityTimeout": self._visibility(change.timeout)},
                receipt=change.receipt,
            )
            for change in changes
        ]
        return self._batch("ChangeMessageVisibilityBatch", entries)

    def release(self, receipts: Sequence[str]) -> BatchResult:
        return self.extend([Visibility(receipt, timedelta(0)) for receipt in receipts])

    def attributes(self, *names: str) -> dict[str, str]:
        """The queue's attributes, as SQS names and spells them. Raises QueueNotFound."""
        answer = self._read("GetQueueAttributes", AttributeNames=list(names))
        found: dict[str, str] = answer.get("Attributes", {})
        return found

    def _batch(self, operation: str, entries: Sequence[Entry]) -> BatchResult:
        def call(chunk: list[Response]) -> Response:
            return self._write(operation, dry=dry_answer(chunk), Entries=chunk)

        return call_in_batches(entries, call, max_bytes=MAX_MESSAGE_BYTES)

    def _read(self, operation: str, **parameters: Any) -> Response:
        try:
            return self._calls.read(operation, self._name, QueueUrl=self._found_url(), **parameters)
        except QueueNotFound:
            self._forget_url()
            raise

    def _write(self, operation: str, *, dry: Response, **parameters: Any) -> Response:
        try:
            url = self._found_url()
            return self._calls.write(operation, self._name, dry=dry, QueueUrl=url, **parameters)
        except QueueNotFound:
            self._forget_url()
            raise

    def _found_url(self) -> str:
        with self._lock:
            if self._url is None:
                answer = self._calls.read("GetQueueUrl", self._name, QueueName=self._name)
                self._url = answer["QueueUrl"]
            return self._url

    def _forget_url(self) -> None:
        # Whoever creates the queue again may do so under another address.
        with self._lock:
            self._url = None

    def _visibility(self, timeout: timedelta) -> int:
        if not timedelta(0) <= timeout <= MAX_VISIBILITY:
            raise InvalidRequest(
                f"a message can be hidden for 0 to {MAX_VISIBILITY}, not {timeout}", resource=self._name
            )
        return _whole_seconds(timeout)


def _send_parameters(message: OutgoingMessage) -> Response:
    parameters = {"MessageBody": message.body, **wire_options(message)}
    if message.delay is not None:
        parameters["DelaySeconds"] = _whole_seconds(message.delay)
    return parameters


def _whole_seconds(duration: timedelta) -> int:
    """Rounded up: SQS counts seconds, and a lease must not end before it was asked to."""
    return math.ceil(duration.total_seconds())
