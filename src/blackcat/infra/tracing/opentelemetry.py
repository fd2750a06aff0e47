"""Spans by OpenTelemetry's SDK, sent over OTLP as its own OTEL_* variables say.

Imported only by a service that traces: the SDK comes with the extra ``tracing``.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from blackcat.application.events import EventLog
from blackcat.application.tracing import Carrier, Kind, Span, Value
from blackcat.application.xray import TRACE_HEADER, trace_header, xray_context
from blackcat.errors import ConfigurationError, RemoteError
from blackcat.infra.redaction import redactor
from blackcat.infra.tracing.export import exporter, sdk_log

log = EventLog("blackcat.tracing")

_KINDS = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}
_W3C = TraceContextTextMapPropagator()
# They warn of each header that is no good, in its own words: anybody could fill the logs so.
_HEARD_FROM_CALLERS = ("opentelemetry.trace.span", "opentelemetry.trace.propagation.tracecontext")
# Enough for an explanation, in a trace of many spans.
_REASON_MAX = 500
# The trace that the next root span belongs to, told by somebody who has no span of its own in it.
_given_trace: ContextVar[int] = ContextVar("given_trace", default=0)


class OpenTelemetryTracer:
    """Blackcat's spans in OpenTelemetry's own context, so that those of the project's stand within them."""

    def __init__(self, provider: TracerProvider, *, unsent: Callable[[], int] | None = None) -> None:
        """``unsent`` counts the spans that are not sent yet, where anybody knows."""
        self._provider = provider
        self._unsent = unsent
        self._tracer = provider.get_tracer("blackcat")
        for logger in _HEARD_FROM_CALLERS:
            logging.getLogger(logger).setLevel(logging.ERROR)

    def install(self) -> None:
        """Take the project's own spans too; once in a process."""
        trace.set_tracer_provider(self._provider)

    @contextmanager
    def span(
        self,
        name: str,
        *,
        kind: Kind = "internal",
        parent: Carrier | None = None,
        links: Sequence[Carrier] = (),
        attributes: Mapping[str, Value] | None = None,
        began: int | None = None,
    ) -> Iterator[Span]:
        begin = partial(
            self._tracer.start_span,
            name,
            kind=_KINDS[kind],
            attributes=_masked(attributes) if attributes else None,
            links=list(_links(links)),
            start_time=began,
        )
        started = _begun_within(parent, begin) if parent else begin()
        recorded = _Recorded(started)
        token = attach(trace.set_span_in_context(started))
        try:
            yield recorded
        except BaseException as error:
            recorded.fail(error)
            raise
        finally:
            detach(token)
            started.end()

    def carrier(self) -> Carrier:
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return {}
        carrier: dict[str, str] = {}
        _W3C.inject(carrier)
        trace_id, span_id = trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)
        sampled = bool(context.trace_flags & TraceFlags.SAMPLED)
        return {**carrier, TRACE_HEADER: trace_header(trace_id, span_id, sampled=sampled)}

    def trace_id(self) -> str:
        context = trace.get_current_span().get_span_context()
        return trace.format_trace_id(context.trace_id) if context.is_valid else ""

    def log_fields(self) -> Mapping[str, str]:
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return {}
        return {
            "trace_id": trace.format_trace_id(context.trace_id),
            "span_id": trace.format_span_id(context.span_id),
        }

    def fail(self, error: BaseException | str) -> None:
        _Recorded(trace.get_current_span()).fail(error)

    def flush(self, timeout: float) -> None:
        self._within(timeout, self._provider.force_flush, otherwise="tracing.spans_waiting")

    def close(self, timeout: float) -> None:
        self._within(timeout, self._provider.shutdown, otherwise="tracing.spans_lost")

    def _within(self, timeout: float, send: Callable[[], object], *, otherwise: str) -> None:
        # The SDK would wait for an exporter that hangs far beyond any budget.
        sending = threading.Thread(target=send, name="tracing-send", daemon=True)
        sending.start()
        sending.join(timeout)
        if sending.is_alive():
            waited = f"not taken within {timeout:.1f} seconds"
            told: dict[str, Any] = {"count": self._unsent()} if self._unsent else {}
            told["reason"] = f"{waited}: {sdk_log.text}" if sdk_log.text else waited
            log.warning(otherwise, **told)


class _Recorded:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def set(self, attributes: Mapping[str, Value]) -> None:
        self._span.set_attributes(_masked(attributes))

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def fail(self, error: BaseException | str) -> None:
        if isinstance(self._span, ReadableSpan) and self._span.status.status_code is StatusCode.ERROR:
            return  # what failed first tells most
        if not isinstance(error, str):
            self._span.set_attribute("error.type", _type_of(error))
        self._span.set_status(Status(StatusCode.ERROR, _described(error)))


class XRayIds(IdGenerator):
    """Ids that X-Ray takes too: a trace's begins with the second in which it began.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids
    """

    def __init__(self) -> None:
        self._random = RandomIdGenerator()

    def generate_span_id(self) -> int:
        return self._random.generate_span_id()

    def generate_trace_id(self) -> int:
        return _given_trace.get() or int(time.time()) << 96 | random.getrandbits(96)

    def is_trace_id_random(self) -> bool:
        """Of what W3C asks to be random, the last 56 bits, all are."""
        return not _given_trace.get()


def start_tracing(*, service: str, version: str, environment: str) -> OpenTelemetryTracer:
    """A tracer that sends its spans away in the background; threads start now, so after any fork.

    A provider that the project, or ``opentelemetry-instrument``, has set up before is used as it is.
    Raises ConfigurationError.
    """
    if present := _present_provider():
        return OpenTelemetryTracer(present)
    try:
        tracer = sending_tracer(_resource(service, version, environment))
    except ValueError as error:
        raise ConfigurationError(f"tracing cannot start as the OTEL_* variables say: {error}") from error
    tracer.install()
    return tracer


def sending_tracer(resource: Resource | None = None) -> OpenTelemetryTracer:
    """A tracer whose spans go to a collector. Raises ConfigurationError, ValueError."""
    sent = exporter()
    provider = TracerProvider(resource=resource, id_generator=XRayIds(), shutdown_on_exit=False)
    provider.add_span_processor(sent.ended)
    provider.add_span_processor(BatchSpanProcessor(sent))
    return OpenTelemetryTracer(provider, unsent=lambda: sent.unsent)


def recording_tracer(recorder: SpanExporter) -> OpenTelemetryTracer:
    """A tracer that gives each span to a recorder as soon as it ends; OpenTelemetry keeps it for good."""
    provider = _present_provider() or TracerProvider(id_generator=XRayIds(), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(recorder))
    if _present_provider() is None:
        trace.set_tracer_provider(provider)
    return OpenTelemetryTracer(provider)


def _present_provider() -> TracerProvider | None:
    present = trace.get_tracer_provider()
    return present if isinstance(present, TracerProvider) else None


def _resource(service: str, version: str, environment: str) -> Resource:
    own = {
        "service.name": service,
        "service.version": version,
        "deployment.environment.name": environment,
    }
    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES go first, as everywhere.
    told = OTELResourceDetector().detect().attributes
    return Resource.create({**{name: value for name, value in own.items() if value}, **told})


def _begun_within(parent: Carrier, begin: Callable[..., trace.Span]) -> trace.Span:
    """Within the current span when a carrier tells nothing of sense."""
    if span := _span_context(parent):
        return begin(context=trace.set_span_in_context(NonRecordingSpan(span), Context()))
    told = xray_context(parent.get(TRACE_HEADER, ""))
    if told is None:
        return begin()
    # A load balancer names the trace and records no span: ours is the first one, and decides for all.
    token = _given_trace.set(int(told.trace_id, 16))
    try:
        return begin(context=Context())
    finally:
        _given_trace.reset(token)


def _span_context(carrier: Carrier) -> SpanContext | None:
    """The span that a carrier tells of; of AWS's header only one whose sampling is decided."""
    found = trace.get_current_span(_W3C.extract(carrier, Context())).get_span_context()
    if found.is_valid:
        return found
    told = xray_context(carrier.get(TRACE_HEADER, ""))
    if told is None or not told.span_id or told.sampled is None:
        return None
    flags = TraceFlags(TraceFlags.SAMPLED if told.sampled else TraceFlags.DEFAULT)
    return SpanContext(int(told.trace_id, 16), int(told.span_id, 16), is_remote=True, trace_flags=flags)


def _links(carriers: Sequence[Carrier]) -> Iterator[Link]:
    for carrier in carriers:
        if context := _span_context(carrier):
            yield Link(context)


def _type_of(error: BaseException) -> str:
    return (error.code if isinstance(error, RemoteError) else "") or type(error).__qualname__


def _masked(attributes: Mapping[str, Value]) -> dict[str, Value]:
    """The one place through which Blackcat's attributes go."""
    return {name: _masked_value(value) for name, value in attributes.items()}


def _masked_value(value: Value) -> Value:
    if isinstance(value, str):
        return redactor.text(value)
    return value if isinstance(value, bool | int | float) else [redactor.text(text) for text in value]


def _described(error: BaseException | str) -> str:
    """In words, without secrets; nothing of what AWS says, which may quote an item."""
    if isinstance(error, RemoteError):
        return ""
    try:
        text = str(error)
    except Exception:  # an error whose own text fails
        text = ""
    return redactor.text(text)[:_REASON_MAX]
