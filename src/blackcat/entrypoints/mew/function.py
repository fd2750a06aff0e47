"""From an invocation to what handles it: the application, a command or a job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic_core import to_jsonable_python

from blackcat.application.middleware import Next, folded
from blackcat.entrypoints.aws_lambda.batches import handle_batch
from blackcat.entrypoints.aws_lambda.events import Event, Kind
from blackcat.entrypoints.aws_lambda.sent import DIRECTLY, handle_directly, leased_records
from blackcat.entrypoints.aws_lambda.sources import Invocation
from blackcat.entrypoints.mew.serving import Requests
from blackcat.infra.logs.messages import log_message

Job = Callable[[Event, str], Any]


class MewFunction:
    """Requests go to an ASGI application, messages to commands, schedules and the rest to jobs.

    Of a queue's records those that are not handled are answered as failed, one after the other is handled:
    a pool has one connection or two. A topic or bus delivers its message again when the invocation fails.
    """

    def __init__(self, *, http: Callable[[], Any], handle: Next, job: Job) -> None:
        self._requests = Requests(http)
        self._handle = folded(handle, [log_message])
        self._job = job

    def __call__(self, invocation: Invocation) -> Any:
        """What Lambda answers with. Raises InvalidEvent, ServiceFailed, and what a job raises."""
        kind, event = invocation.kind, invocation.event
        if kind.http:
            return self._requests(invocation)
        if kind is Kind.SQS:
            return handle_batch(leased_records(invocation), self._handle, deadline=invocation.deadline)
        if kind in DIRECTLY:
            handle_directly(invocation, self._handle)
            return None
        return to_jsonable_python(self._job(event, invocation.context.aws_request_id))
