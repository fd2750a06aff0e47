"""What traces cost: CPU time of the thread that does it, best of five. ``python benchmarks/tracing.py``"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from logging import getLogger
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from blackcat import Attribute, Message, Service, ServiceType
from blackcat.adapters_aws.spans import call_span, is_traced, record_receive, with_trace
from blackcat.application.tracing import NoTracer, tracing
from blackcat.entrypoints.consumer import message_handler
from blackcat.infra.tracing.opentelemetry import OpenTelemetryTracer, XRayIds

SENDER = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-"
REPEATS = 5


class Kept(SpanExporter):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans.extend(spans)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None: ...


def accepting(body: dict[str, Any]) -> None: ...


def handler() -> Callable[[Message], Any]:
    return message_handler(
        Service(name="orders", type=ServiceType.CONSUMER, queue_name="orders_cmd", entrypoint=accepting), None
    )


def message(flags: str) -> Message:
    return Message(id="m", body="{}", attributes={"traceparent": Attribute(SENDER + flags)})


def call() -> None:
    with call_span("dynamodb", "PutItem", "payments", {}):
        pass


def send() -> None:
    with call_span("sqs", "SendMessage", "orders", {}):
        with_trace("SendMessage", {"MessageBody": "x" * 300})


def check() -> bool:
    return tracing.enabled and is_traced("PutItem")


def microseconds(action: Callable[[], Any], count: int = 4000) -> float:
    best = float("inf")
    for _ in range(REPEATS):
        began = time.thread_time()
        for _ in range(count):
            action()
        best = min(best, (time.thread_time() - began) / count)
    return best * 1e6


def main() -> int:
    getLogger().setLevel("ERROR")
    sampled, dropped = message("01"), message("00")
    plain = handler()
    off = microseconds(lambda: plain(sampled))
    kept = Kept()
    provider = TracerProvider(id_generator=XRayIds(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(kept))
    tracing.use(OpenTelemetryTracer(provider))
    handle = handler()
    rows = {
        "a message, not traced": off,
        "traced, in addition": microseconds(lambda: handle(sampled)) - off,
        "of a trace that is not sampled": microseconds(lambda: handle(dropped)) - off,
    }
    with tracing.span("handler"):
        rows["a call to AWS"] = microseconds(call)
        rows["one that sends"] = microseconds(send)
    rows["a poll of ten messages"] = microseconds(
        lambda: record_receive("orders", [sampled] * 10, began=1), 500
    )
    provider.force_flush()
    batch = kept.spans[:512]
    rows["encoding a span"] = microseconds(lambda: encode_spans(batch).SerializeToString(), 5) / len(batch)
    tracing.use(NoTracer())
    rows["with TRACING=none"] = microseconds(check, 200_000)
    for name, cost in rows.items():
        sys.stdout.write(f"{name:<34}{cost:>9.2f} µs\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
