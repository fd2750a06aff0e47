"""Where services send their spans in a test: a collector in this process, and a recorder of its own spans."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from blackcat.testing.spans import Spans, decoded


class SpanCollector:
    """Takes spans over OTLP/HTTP from the services that ``environment`` is given to."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.spans = Spans()

    @property
    def environment(self) -> dict[str, str]:
        """What makes a service send its spans here, soon."""
        return {
            "TRACING": "otlp",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }


@contextmanager
def span_collector() -> Iterator[SpanCollector]:
    """A collector on a free port of 127.0.0.1, for as long as the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Receiver)
    server.daemon_threads = True
    collector = SpanCollector(f"http://127.0.0.1:{server.server_port}")
    server.spans = collector.spans  # type: ignore[attr-defined]  # for the receivers, which know their server
    thread = threading.Thread(target=server.serve_forever, name="span-collector", daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            content = gzip.decompress(content)
        self.server.spans.add(decoded(ExportTraceServiceRequest.FromString(content)))  # type: ignore[attr-defined]
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None: ...


class SpanRecorder(SpanExporter):
    """Keeps the spans of this process as a collector would see them."""

    def __init__(self) -> None:
        self.spans = Spans()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans.add(decoded(encode_spans(spans)))
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None: ...
