"""What is sent where, how it ends, and what is said when it is not taken."""

import json
import logging
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from blackcat.errors import ConfigurationError
from blackcat.infra.logs.logs import configure_logs
from blackcat.infra.redaction import redactor
from blackcat.infra.tracing.export import ReportedExporter, exporter
from blackcat.infra.tracing.opentelemetry import OpenTelemetryTracer, XRayIds, sending_tracer


class Script(SpanExporter):
    """Answers as it was told to."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def export(self, spans):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def shutdown(self): ...


@pytest.fixture
def logged(caplog):
    caplog.set_level(logging.INFO)
    return lambda: [
        (record.msg, record.fields) for record in caplog.records if record.name == "blackcat.tracing"
    ]


def test_what_is_lost_is_said_once_a_minute_with_its_number(logged):
    failed, taken = SpanExportResult.FAILURE, SpanExportResult.SUCCESS
    now = [1000.0]
    reported = ReportedExporter(
        Script(failed, failed, taken, ValueError("bad"), failed),
        reason=lambda: "connection refused",
        monotonic=lambda: now[0],
    )
    assert reported.export(["a", "b"]) is failed
    for _ in range(2):
        now[0] += 20
        reported.export(["c"])
    now[0] += 25
    assert reported.export(["d"]) is failed
    now[0] += 1
    reported.export(["e"])
    reported.shutdown()
    assert logged() == [
        ("tracing.spans_lost", {"count": 2, "reason": "connection refused"}),
        ("tracing.spans_lost", {"count": 2, "reason": "ValueError: bad"}),
        ("tracing.spans_lost", {"count": 1}),
    ]


def test_a_collector_that_is_away_costs_one_line_and_no_secret(monkeypatch, capsys):
    known = ("s3cr3t%20of-the-collector", "s3cr3t of-the-collector", "dXNlcjpwdw==")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    monkeypatch.setenv(
        "OTEL_EXPORTER_OTLP_HEADERS", f"x-vendor={known[0]} , other = Basic%20dXNlcjpwdw%3D%3D"
    )
    configure_logs(format="json")
    provider = TracerProvider(id_generator=XRayIds(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter(), schedule_delay_millis=50))
    tracer = OpenTelemetryTracer(provider)
    for _ in range(20):
        with tracer.span("any"):
            time.sleep(0.01)
    tracer.close(20)
    logging.getLogger("shop").warning("the header was %s or %s or %s", *known)
    logging.getLogger().handlers = []
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    lost = [line for line in lines if line["event"] == "tracing.spans_lost"]
    assert 1 <= len(lost) <= 2  # the first, and what was lost after it
    assert "reason" in lost[0]
    assert sum(line["count"] for line in lost) == 20
    assert lines[-1]["event"] == "the header was *** or *** or ***"
    assert len(lines) == len(lost) + 1


@pytest.fixture
def silent_collector():
    """It takes a request and never answers."""
    ended = Event()

    class Silent(BaseHTTPRequestHandler):
        def do_POST(self):
            ended.wait(60)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    ended.set()
    server.shutdown()
    server.server_close()


def test_a_collector_that_hangs_costs_no_more_than_the_time_that_is_left(
    monkeypatch, silent_collector, logged
):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", silent_collector)
    tracer = sending_tracer()
    for _ in range(3):
        with tracer.span("any"):
            pass
    began = time.monotonic()
    tracer.close(0.3)
    assert time.monotonic() - began < 5  # the SDK alone would wait for 30 seconds
    [(event, fields)] = logged()
    assert event == "tracing.spans_lost"
    assert fields["count"] == 3
    assert fields["reason"].startswith("not taken within 0.3 seconds")


@pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"])
def test_another_protocol_is_refused_with_what_to_do(monkeypatch, name):
    monkeypatch.setenv(name, "grpc")
    with pytest.raises(ConfigurationError, match=r"spans are sent over http/protobuf, not grpc: .*4318"):
        exporter()


def test_credentials_in_headers_are_learned(monkeypatch):
    monkeypatch.setenv(
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-team=abcd1234efgh5678,api-key=ab12,x-data=shop"
    )
    exporter()
    assert redactor.text("abcd1234efgh5678 ab12 shop") == "*** *** shop"


def test_what_is_unsent_is_what_ended_and_was_neither_taken_nor_told_to_be_lost():
    failed, taken = SpanExportResult.FAILURE, SpanExportResult.SUCCESS
    sent = ReportedExporter(Script(taken, failed, failed), reason=str, monotonic=lambda: 0.0)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(sent.ended)
    for _ in range(9):
        provider.get_tracer("any").start_span("any").end()
    for batch in (["a", "b"], ["c"], ["d", "e", "f"]):
        sent.export(batch)
    assert sent.unsent == 9 - 2 - 1  # of the second one a line told


def test_ids_are_as_random_as_samplers_need():
    ids = XRayIds()
    assert ids.is_trace_id_random()
    assert len({ids.generate_trace_id() & (2**56 - 1) for _ in range(1000)}) == 1000
    assert len({ids.generate_span_id() for _ in range(1000)}) == 1000
