"""One invocation after the other: what is done around each of them, however it ends."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import copy_context
from threading import Timer
from typing import Any

from blackcat.application.events import EventLog
from blackcat.application.handler import described
from blackcat.application.metrics import metrics
from blackcat.application.tracing import Span, tracing
from blackcat.application.xray import TRACE_HEADER, xray_context
from blackcat.domain.service import ServiceType
from blackcat.entrypoints.aws_lambda.deadline import RESERVE_SECONDS, deadline_of
from blackcat.entrypoints.aws_lambda.events import Kind, kind_of
from blackcat.entrypoints.aws_lambda.sources import Invocation
from blackcat.entrypoints.aws_lambda.start import Started
from blackcat.errors import InvalidEvent, ServiceFailed
from blackcat.infra.logs.logs import bind_log_fields
from blackcat.infra.redaction import redactor

log = EventLog("blackcat")

# What telling of an invocation that is about to be killed takes.
_LAST_SECONDS = 0.3
# What traces may take at the end of an invocation, which is charged; a collector that hangs costs no more.
_TRACES_SECONDS = 1.0
# An error beyond 6 MB would end the process: Lambda takes no larger one.
_LONGEST_ERROR = 10_000
# As OpenTelemetry calls what triggers a function.
_TRIGGERS = {Kind.SCHEDULE: "timer", Kind.SQS: "pubsub", Kind.SNS: "pubsub", Kind.EVENTBRIDGE: "pubsub"}


# An event that asks whether the function has started, and has it do nothing: after a deployment, say.
CHECK = {"blackcat": "check"}


class LambdaHandler:
    """Takes the events of one service; logs, metrics and traces are out when an invocation ends, however.

    ``{"blackcat": "check"}`` is answered with the service's name, type and version, whatever its type.
    """

    def __init__(self, started: Started) -> None:
        self._service = started.service
        self._function = started.function
        # A job has its shutdown budget once it is asked to stop; messages and requests only have to end.
        worker = started.service.type is ServiceType.WORKER
        self._reserve = started.settings.shutdown_timeout_seconds if worker else RESERVE_SECONDS
        self._told = {
            "service": started.service.name,
            "type": started.service.type.value,
            "version": started.settings.service_version,
        }
        self._cold = True

    def __call__(self, event: Any, context: Any) -> Any:
        """What the service answers. Raises InvalidEvent or ServiceFailed; Lambda's log has no other error.

        What the project's code raises stands in our log, with its traceback and without secrets.
        """
        cold, self._cold = self._cold, False
        # A context of its own: log fields and spans end with it.
        return copy_context().run(self._invoke, event, context, cold)

    def _invoke(self, event: Any, context: Any, cold: bool) -> Any:
        bind_log_fields(lambda_request_id=context.aws_request_id, **({"cold_start": True} if cold else {}))
        with _flushed(context):
            if event == CHECK:
                return self._told
            try:
                kind = kind_of(event)
                invocation = Invocation(
                    event=event or {},
                    kind=kind,
                    context=context,
                    deadline=deadline_of(context, reserve=self._reserve),
                )
                with self._span(kind, context, cold):
                    # In a context of its own, too: what it binds, or clears, is not the invocation's.
                    return copy_context().run(self._function, invocation)
            except InvalidEvent as error:
                log.error("event.refused", reason=_short(str(error)))
                if len(str(error)) <= _LONGEST_ERROR:
                    raise
                raise type(error)(_short(str(error))) from None
            except ServiceFailed as error:
                log.error("invocation.failed", reason=_short(str(error)))
                raise ServiceFailed(_short(str(error))) from None
            except Exception as error:
                log.error("invocation.failed", error=error)
                raise ServiceFailed(_short(redactor.text(described(error)))) from None

    def _span(self, kind: Kind, context: Any, cold: bool) -> AbstractContextManager[Span | None]:
        if kind.http or not tracing.enabled:  # a request has a span of its own
            return nullcontext()
        return tracing.span(
            f"invoke {self._service.name}",
            kind="server",
            parent=_lambdas_span(),
            attributes={
                "faas.invocation_id": context.aws_request_id,
                "faas.coldstart": cold,
                "faas.trigger": _TRIGGERS.get(kind, "other"),
            },
        )


@contextmanager
def _flushed(context: Any) -> Iterator[None]:
    """Hand over metrics and traces at the end; shortly before the time is over, if that comes first."""
    left = context.get_remaining_time_in_millis() / 1000
    thread = threading.get_ident()
    last = Timer(max(0.0, left - _LAST_SECONDS), copy_context().run, [_tell_overdue, thread])
    last.daemon = True
    last.start()
    try:
        yield
    finally:
        last.cancel()
        _flush(max(0.0, context.get_remaining_time_in_millis() / 1000 - _LAST_SECONDS))


def _tell_overdue(thread: int) -> None:
    frame = sys._current_frames().get(thread)
    log.error(
        "invocation.overdue",
        reason="Lambda is about to end the function: raise its timeout, or have it do less at once",
        stack="".join(traceback.format_stack(frame)) if frame else "",
    )
    _flush(_LAST_SECONDS / 2)


def _flush(seconds: float) -> None:
    until = time.monotonic() + seconds
    try:
        metrics.flush()
    except Exception as error:  # whatever it is: an invocation does not fail for its numbers
        log.error("metrics.not_flushed", error=error)
    if tracing.enabled:
        tracing.flush(max(0.0, min(_TRACES_SECONDS, until - time.monotonic())))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_ERROR else f"{text[:_LONGEST_ERROR]}…"


def _lambdas_span() -> dict[str, str]:
    """Lambda's own segment where X-Ray keeps it, else its trace alone: sampling is then ours to decide."""
    told = os.environ.get("_X_AMZN_TRACE_ID", "")
    found = xray_context(told)
    if found is None:
        return {}
    if found.sampled:
        return {TRACE_HEADER: told}
    return {TRACE_HEADER: f"Root=1-{found.trace_id[:8]}-{found.trace_id[8:]}"}
