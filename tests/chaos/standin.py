"""An SQS of our own over HTTP: the model of blackcat.testing behind the AWS JSON protocol, with faults."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any, Literal

from blackcat.application.ports import BatchFailure
from blackcat.domain.outgoing import MAX_MESSAGE_BYTES
from blackcat.errors import InvalidMessage, InvalidRequest, QueueNotFound
from chaos.faults import REFUSALS, SKEW_SECONDS, SKEWED, Fault, FaultPlan
from chaos.history import Recorder
from chaos.queues import Call, RecordedQueues
from chaos.tables import ConditionNotMet, RecordedKeys
from chaos.wire import Json, md5, outgoing, received

ACCOUNT = "000000000000"
REGION = "eu-west-1"
_CREDENTIAL = re.compile(r"Credential=([^/]+)/")
# Closes a connection with a reset instead of an end.
_RESET = struct.pack("ii", 1, 0)
_EARLY = (0.05, 0.6)
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
_SIGNATURE_SECONDS = 300.0

Moment = Literal["before", "after", "answered"]
Disturb = Callable[[str, str, int, Moment], None]
"""Told of each call: client, operation, number of the call, and where it stands."""


class Hangup(Exception):  # noqa: N818 - what happens, not an error
    """The connection ends without an answer."""


class StandIn:
    """Answers the calls of consumers, as SQS would or as the fault plan says."""

    def __init__(
        self, queues: RecordedQueues, recorder: Recorder, faults: FaultPlan, disturb: Disturb
    ) -> None:
        self.url = ""
        self.faulting = True
        self.ahead = 0.0  # seconds that the service's clock is ahead of the machine's
        self._queues = queues
        self._keys = RecordedKeys(recorder)
        self._recorder = recorder
        self._faults = faults
        self._disturb = disturb
        self._numbers: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._operations: Mapping[str, Callable[[Json, Call, Fault | None], Json]] = {
            "GetQueueUrl": self._queue_url,
            "GetQueueAttributes": self._queue_attributes,
            "SendMessage": self._send,
            "SendMessageBatch": self._send_batch,
            "ReceiveMessage": self._receive,
            "DeleteMessage": self._delete,
            "DeleteMessageBatch": self._delete_batch,
            "ChangeMessageVisibility": self._change_visibility,
            "ChangeMessageVisibilityBatch": self._change_visibility_batch,
            "PutItem": lambda parameters, call, fault: self._keys.put(parameters, call),
            "GetItem": lambda parameters, call, fault: self._keys.get(parameters, call),
        }

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Answer on a free port meanwhile."""
        with _Server(self) as server:
            self.url = f"http://127.0.0.1:{server.server_address[1]}"
            thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join()

    def answer(
        self, operation: str, parameters: Json, client: str, connection: int, signed_at: float
    ) -> tuple[int, Json, int, float]:
        """Status, body, number of the call, and when it is by the service's clock.

        Raises Hangup when it gets no answer.
        """
        with self._lock:
            self._numbers[operation] += 1
            number = self._numbers[operation]
        fault = self._faults.draw(operation, number) if self.faulting else None
        if abs(time.time() + self.ahead - signed_at) > _SIGNATURE_SECONDS:
            fault = Fault("clock-skew")
        if fault:
            self._recorder.record(
                "fault",
                client=client,
                operation=operation,
                fault=fault.kind,
                until=time.monotonic() + fault.seconds,
            )
        self._disturb(client, operation, number, "before")
        answered = not fault or not fault.kind.startswith(("reset", "silent"))
        call = Call(client, connection, operation, answered, fault.kind if fault else "")
        status, body = self._outcome(operation, parameters, call, fault)
        self._disturb(client, operation, number, "after")
        if fault and fault.kind in ("silent-after", "slow"):
            time.sleep(fault.seconds)
        if not answered:
            raise Hangup
        skewed = SKEW_SECONDS if fault and fault.kind in SKEWED else 0.0
        return status, body, number, time.time() + max(self.ahead, skewed)

    def answered(self, client: str, operation: str, number: int) -> None:
        self._disturb(client, operation, number, "answered")

    def _outcome(self, operation: str, parameters: Json, call: Call, fault: Fault | None) -> tuple[int, Json]:
        if fault and (fault.kind in REFUSALS or fault.kind.endswith("-before")):
            self._withhold_all(parameters, call)
            if fault.kind not in REFUSALS:
                time.sleep(fault.seconds if fault.kind == "silent-before" else 0)
                raise Hangup
            status, code, message = REFUSALS[fault.kind]
            return status, _error(code, message)
        try:
            return 200, self._operations[operation](parameters, call, fault)
        except QueueNotFound as error:
            self._recorder.record("missed", client=call.client, operation=operation)
            return 400, _error("QueueDoesNotExist", error.detail)
        except ConditionNotMet:
            return 400, _error("ConditionalCheckFailedException", "The conditional request failed")
        except InvalidMessage as error:
            return 400, _error("InvalidParameterValue", str(error))
        except InvalidRequest as error:
            return 400, _error(error.code or "InvalidParameterValue", error.detail)

    def _withhold_all(self, parameters: Json, call: Call) -> None:
        for entry in parameters.get("Entries", [parameters]):
            if "ReceiptHandle" in entry:
                self._withhold(_queue(parameters), entry, call)

    def _withhold(self, queue: str, entry: Json, call: Call) -> None:
        timeout = timedelta(seconds=entry["VisibilityTimeout"]) if "VisibilityTimeout" in entry else None
        self._queues.withhold(queue, entry["ReceiptHandle"], timeout, call)

    def _queue_url(self, parameters: Json, call: Call, fault: Fault | None) -> Json:
        name = parameters["QueueName"]
        self._queues.describe(name)
        return {"QueueUrl": f"{self.url}/{ACCOUNT}/{name}"}

    def _queue_attributes(self, parameters: Json, call: Call, fault: Fault | None) -> Json:
        name = _queue(parameters)
        description, depth = self._queues.describe(name), self._queues.depth(name)
        attributes = {
            "VisibilityTimeout": str(int(description.visibility_timeout.total_seconds())),
            "ApproximateNumberOfMessages": str(depth.waiting),
            "ApproximateNumberOfMessagesNotVisible": str(depth.in_flight),
            "ApproximateNumberOfMessagesDelayed": str(depth.delayed),
        }
        if description.dead_letter_queue:
            target = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{description.dead_letter_queue}"
            policy = {"deadLetterTargetArn": target, "maxReceiveCount": description.max_receive_count}
            attributes["RedrivePolicy"] = json.dumps(policy)
        wanted = parameters.get("AttributeNames", [])
        return {
            "Attributes": {name: attributes[name] for name in attributes if name in wanted or "All" in wanted}
        }

    def _send(self, parameters: Json, call: Call, fault: Fault | None) -> Json:
        message = outgoing(parameters)
        return {
            "MessageId": self._queues.put(_queue(parameters), message, call),
            "MD5OfMessageBody": md5(message.body),
        }

    def _send_batch(self, parameters: Json, call: Call, fault: Fault | None) -> Json:
        if sum(outgoing(entry).size for entry in parameters["Entries"]) > MAX_MESSAGE_BYTES:
            raise InvalidRequest("the batch is longer than one message may be", code="BatchRequestTooLong")

        def send(entry: Json, index: int) -> Json | BatchFailure:
            try:
                return self._send({**entry, "QueueUrl": parameters["QueueUrl"]}, call, fault)
            except InvalidRequest as error:
                return BatchFailure(index, error.code, error.detail, error.transient)

        return _in_batch(parameters, fault, send, lambda entry: None)

    def _receive(self, parameters: Json, call: Call, fault: Fault | None) -> Json:
        queue = _queue(parameters)
        messages = self._queues.take(
            queue,
            parameters.get("MaxNumberOfMessages", 1),
            parameters.get("WaitTimeSeconds", 0),
            call,
            twice=fault is not None and fault.kind == "duplicate",
        )
        if fault and fault.kind == "early-expiry" and messages:
            random = Random(fault.seed)
            victim = random.choice(messages).receipt
            timer = threading.Timer(random.uniform(*_EARLY), self._queues.expire, (queue, victim))
            timer.daemon = True
            timer.start()
        return {"Messages": [received(message) for message in messages]} if messages else {}

    def _delete(self, parameters: Json, call: Call, fault: Fault | None) -> Json:
        return _single(self._queues.delete(_queue(parameters), parameters["ReceiptHandle"], 0, call))

    def _delete_batch(self, parameters: Json, call: Call, fault: Fault | None) -> Json:
        queue = _queue(parameters)
        return _in_batch(
            parameters,
            fault,
            lambda entry, index: self._queues.delete(queue, entry["ReceiptHandle"], index, call) or {},
            lambda entry: self._withhold(queue, entry, call),
        )

    def _change_visibility(self, parameters: Json, call: Call, fault: Fault | None) -> Json:
        return _single(self._hide(_queue(parameters), parameters, 0, call))

    def _change_visibility_batch(self, parameters: Json, call: Call, fault: Fault | None) -> Json:
        queue = _queue(parameters)
        return _in_batch(
            parameters,
            fault,
            lambda entry, index: self._hide(queue, entry, index, call) or {},
            lambda entry: self._withhold(queue, entry, call),
        )

    def _hide(self, queue: str, entry: Json, index: int, call: Call) -> BatchFailure | None:
        timeout = timedelta(seconds=entry["VisibilityTimeout"])
        return self._queues.hide(queue, entry["ReceiptHandle"], timeout, index, call)


def _in_batch(
    parameters: Json,
    fault: Fault | None,
    act: Callable[[Json, int], Json | BatchFailure],
    withhold: Callable[[Json], None],
) -> Json:
    answer: Json = {"Successful": [], "Failed": []}
    spoiled = _spoiled(len(parameters["Entries"]), fault)
    for index, entry in enumerate(parameters["Entries"]):
        if index in spoiled:
            withhold(entry)
            answer["Failed"].append(_spoiled_entry(entry["Id"], fault))
            continue
        result = act(entry, index)
        if isinstance(result, BatchFailure):
            answer["Failed"].append(
                {"Id": entry["Id"], "Code": result.code, "Message": result.reason, "SenderFault": True}
            )
        else:
            answer["Successful"].append({"Id": entry["Id"], **result})
    return {name: entries for name, entries in answer.items() if entries}


def _spoiled(count: int, fault: Fault | None) -> set[int]:
    """Which entries of a batch a partial failure hits: at least one."""
    if fault is None or not fault.kind.startswith("partial"):
        return set()
    random = Random(fault.seed)
    return set(random.sample(range(count), random.randint(1, count)))


def _spoiled_entry(entry_id: str, fault: Fault | None) -> Json:
    if fault and fault.kind == "partial-sender":
        return {"Id": entry_id, "Code": "InvalidParameterValue", "Message": "refused", "SenderFault": True}
    return {"Id": entry_id, "Code": "InternalError", "Message": "try again", "SenderFault": False}


def _single(failure: BatchFailure | None) -> Json:
    if failure:
        raise InvalidRequest(failure.reason, code=failure.code)
    return {}


def _queue(parameters: Json) -> str:
    name: str = parameters["QueueUrl"].rpartition("/")[2]
    return name


def _error(code: str, message: str) -> Json:
    return {"__type": f"com.amazonaws.sqs#{code}", "message": message}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, standin: StandIn) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.standin = standin

    def shutdown_request(self, request: Any) -> None:
        # Without an orderly end before it: a reset must arrive as one.
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections of killed clients break."""


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body in one packet: two would wait for each other's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        credential = _CREDENTIAL.search(self.headers["Authorization"] or "")
        client = credential[1] if credential else ""
        parameters = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        signed_at = datetime.strptime(self.headers["X-Amz-Date"], "%Y%m%dT%H%M%S%z").astimezone(timezone.utc)
        try:
            status, body, number, now = self.server.standin.answer(
                operation, parameters, client, self.client_address[1], signed_at.timestamp()
            )
        except Hangup:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.close_connection = True
            return
        self._reply(status, json.dumps(body).encode(), now)
        self.server.standin.answered(client, operation, number)

    def _reply(self, status: int, body: bytes, now: float) -> None:
        self.send_response_only(status)
        self.send_header("Date", formatdate(now, usegmt=True))
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """The history tells it all."""
