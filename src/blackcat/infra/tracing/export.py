"""Where spans are sent to, and what is said when they are not taken."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from threading import Lock

from opentelemetry.exporter.otlp.proto.http import trace_exporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from blackcat.application.events import EventLog
from blackcat.infra.redaction import redactor
from blackcat.infra.tracing.variables import check_variables, secrets

log = EventLog("blackcat.tracing")

# What OTLP/HTTP says of a batch that fails is said once in so many seconds.
_BETWEEN_REPORTS_SECONDS = 60.0


def exporter() -> ReportedExporter:
    """OTLP over HTTP, to where OTEL_EXPORTER_OTLP_ENDPOINT leads. Raises ConfigurationError, ValueError.

    https://opentelemetry.io/docs/specs/otel/protocol/exporter/
    """
    for secret in secrets(os.environ):
        redactor.learn(secret)
    check_variables(os.environ)
    logging.getLogger(trace_exporter.__name__).addFilter(sdk_log)
    return ReportedExporter(OTLPSpanExporter(), reason=lambda: sdk_log.text)


class ReportedExporter(SpanExporter):
    """Counts what is lost, and says it once a minute, instead of at each batch.

    ``ended`` belongs into the same provider: it counts what will come.
    """

    def __init__(
        self,
        inner: SpanExporter,
        *,
        reason: Callable[[], str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inner = inner
        self._reason = reason
        self._monotonic = monotonic
        self.ended = EndedSpans()
        self._done = 0
        self._lost = 0
        self._reported_at: float | None = None

    @property
    def unsent(self) -> int:
        """Spans that ended and were not taken, except those that were told to be lost."""
        return self.ended.count - self._done + self._lost

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            result = self._inner.export(spans)
        except Exception as error:
            result = SpanExportResult.FAILURE
            self._report(len(spans), f"{type(error).__name__}: {error}")
        else:
            if result is not SpanExportResult.SUCCESS:
                self._report(len(spans), self._reason())
        self._done += len(spans)
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()
        if self._lost:
            log.warning("tracing.spans_lost", count=self._lost)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)

    def _report(self, lost: int, reason: str) -> None:
        self._lost += lost
        now = self._monotonic()
        if self._reported_at is not None and now < self._reported_at + _BETWEEN_REPORTS_SECONDS:
            return
        log.warning("tracing.spans_lost", count=self._lost, reason=reason)
        self._lost, self._reported_at = 0, now


class EndedSpans(SpanProcessor):
    """Counts them, as far as they are sampled."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = Lock()

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is not None and span.context.trace_flags.sampled:
            with self._lock:
                self.count += 1


class _LastLine(logging.Filter):
    """Keeps what a logger says to itself: the SDK says it at every retry."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def filter(self, record: logging.LogRecord) -> bool:
        self.text = record.getMessage()
        return False


sdk_log = _LastLine()
"""Why a batch was not taken: the SDK's exporter tells that to its log alone."""
