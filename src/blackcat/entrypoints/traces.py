"""The start of tracing in a process, as the setting TRACING says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from blackcat.application.tracing import NoTracer, Tracer, tracing
from blackcat.domain.service import Service
from blackcat.errors import ConfigurationError
from blackcat.infra.settings.configuration import Settings, export_otel_variables

if TYPE_CHECKING:
    from blackcat.testing.spans import Spans

# What a stop, or the end of a run, leaves for the last spans; a collector that hangs costs no more.
FLUSH_SECONDS = 3.0


def start_tracing(service: Service, settings: Settings) -> None:
    """Record spans from now on; in a process that forks servers, called in each of these.

    Raises ConfigurationError when the extra is missing, or the OTEL_* variables make no sense.
    """
    if settings.tracing == "none":
        return
    export_otel_variables()
    with _extra(f"TRACING={settings.tracing}"):
        from blackcat.infra.tracing import opentelemetry
    tracing.use(
        opentelemetry.start_tracing(
            service=service.name, version=settings.service_version, environment=settings.environment
        )
    )


@contextmanager
def recorded_spans() -> Iterator[Spans]:
    """The spans of this process, for as long as the block lasts. Raises ConfigurationError."""
    tracer, spans = _recorder()
    spans.clear()
    tracing.use(tracer)
    try:
        yield spans
    finally:
        tracing.use(NoTracer())


@cache
def _recorder() -> tuple[Tracer, Spans]:
    # OpenTelemetry takes one provider for a whole process, and keeps it.
    with _extra("a record of spans"):
        from blackcat.infra.tracing.opentelemetry import recording_tracer
        from blackcat.testing.span_collector import SpanRecorder
    recorder = SpanRecorder()
    return recording_tracer(recorder), recorder.spans


@contextmanager
def _extra(what: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise ConfigurationError(
            f"{what} needs an extra: pip install 'blackcat[tracing]' ({error})"
        ) from error
