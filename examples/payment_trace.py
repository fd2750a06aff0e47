"""One payment as one trace: orders it from the running services, and draws what they recorded.

``python examples/payment_trace.py docs/en/images/payment-trace.svg``. Every service is a process of its
own on an embedded AWS emulator, with ``TRACING=otlp``; this process is their collector.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from blackcat import ServiceRegistry
from blackcat.adapters_aws import AwsOptions, provision
from blackcat.infra.emulator import Emulator, running_emulator
from blackcat.testing.processes import ServiceProcess, stop_all
from blackcat.testing.span_collector import SpanCollector, span_collector
from blackcat.testing.spans import RecordedSpan, in_tree_order

EXAMPLES = Path(__file__).resolve().parent
PROJECTS = {
    "payment_api": EXAMPLES / "payment",
    "start_payment": EXAMPLES / "payment",
    "payment_processor": EXAMPLES / "payment_processor",
    "payment_processed": EXAMPLES / "payment",
}
SETTINGS = {
    "ENVIRONMENT": "dev",
    "LOG_FORMAT": "json",
    "RESOURCE_PREFIX": "",
    "HOST": "127.0.0.1",
    "PORT": "0",
    "HEALTH_HOST": "127.0.0.1",
    "HEALTH_PORT": "0",
    "API_WORKERS": "1",
    "CONSUMER_WAIT_SECONDS": "1",
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
}
PATIENCE_SECONDS = 60.0


def main(arguments: Sequence[str]) -> int:
    file = Path(arguments[0]) if arguments else EXAMPLES.parent / "docs/en/images/payment-trace.svg"
    trace = trace_of_a_payment()
    file.write_text(drawn(trace), encoding="utf-8")
    for depth, span in in_tree_order(trace):
        sys.stdout.write(f"{'  ' * depth}{span.name} ({span.service})\n")
    return 0


def trace_of_a_payment() -> list[RecordedSpan]:
    """All spans of the trace that begins with the order and ends with the confirmation."""
    with (
        tempfile.TemporaryDirectory() as logs,
        running_emulator() as emulator,
        span_collector() as collector,
        environment_of(emulator, collector),
    ):
        for project in set(PROJECTS.values()):
            provision(registry_of(project), AwsOptions(endpoint_url=emulator.url))
        with started(Path(logs)) as api:
            # The first one also looks up addresses and opens connections.
            for _ in range(2):
                wait_until_confirmed(f"{api}/payments/{order(f'{api}/payments')}")
    # Each service has ended by now, and before that it sent what was left of its spans.
    _, ordered = collector.spans.named("POST /payments")
    return [span for span in collector.spans if span.trace_id == ordered.trace_id]


def registry_of(project: Path) -> ServiceRegistry:
    # Both projects have a package `services`: neither can be imported under that name.
    registry: ServiceRegistry = runpy.run_path(str(project / "services" / "__init__.py"))["services"]
    return registry


@contextmanager
def environment_of(emulator: Emulator, collector: SpanCollector) -> Iterator[None]:
    """Whatever account and collector this terminal is set up for, the services never see them."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith(("AWS_", "OTEL_"))]:
        del os.environ[name]
    os.environ.update({**SETTINGS, **emulator.environment(), **collector.environment})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def started(logs: Path) -> Iterator[str]:
    """The address of the API, once it and the services behind it are healthy."""
    processes = [
        ServiceProcess(
            name,
            [sys.executable, "main.py"],
            cwd=project,
            environment={**os.environ, "SERVICE_NAME": name},
            log=logs / f"{name}.log",
        )
        for name, project in PROJECTS.items()
    ]
    try:
        for process in processes:
            process.wait_until_healthy()
        yield processes[0].url
    finally:
        stop_all(processes)


def order(payments: str) -> str:
    return str(fetch(payments, {"amount": "49.90", "currency": "BRL", "method": "pix"})["payment_id"])


def wait_until_confirmed(payment: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while fetch(payment).get("status") != "confirmed":
        if time.monotonic() > deadline:
            raise SystemExit(f"{payment} is not confirmed after {PATIENCE_SECONDS:.0f} seconds")
        time.sleep(0.1)


def fetch(url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json"})
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=30) as answer:
            content: dict[str, Any] = json.load(answer)
    except HTTPError as error:  # the payment is not there before the command has been handled
        content = json.load(error)
    return content


# The picture: a row for each span, its bar where it was in time.
ROW, TOP, NAMES, BARS, WIDTH = 22, 44, 400, 470, 940
COLOURS = ("#3b6fb6", "#2f8f6b", "#b6762b", "#8a4fa3", "#a33f4f")


def drawn(trace: Sequence[RecordedSpan]) -> str:
    """The trace as a waterfall, in SVG."""
    rows = list(in_tree_order(trace))
    services = list(dict.fromkeys(span.service for _, span in rows))
    colours = {service: COLOURS[index % len(COLOURS)] for index, service in enumerate(services)}
    began, ended = min(span.began for span in trace), max(span.ended for span in trace)
    height = TOP + ROW * len(rows) + 16
    view = f'viewBox="0 0 {WIDTH} {height}"'
    font = 'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="12"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {view} {font}>',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        *legend(colours),
        *scale((ended - began) / 1e6, height),
    ]
    for index, (depth, span) in enumerate(rows):
        parts += row(TOP + ROW * index, depth, span, colours[span.service], began, ended)
    return "\n".join([*parts, "</svg>", ""])


def legend(colours: Mapping[str, str]) -> Iterator[str]:
    for index, (service, colour) in enumerate(colours.items()):
        x = 12 + index * 190
        yield f'<rect x="{x}" y="10" width="11" height="11" rx="2" fill="{colour}"/>'
        yield f'<text x="{x + 17}" y="20" fill="#333333">{escape(service)}</text>'


def scale(milliseconds: float, height: int) -> Iterator[str]:
    for quarter in range(5):
        x = NAMES + BARS * quarter / 4
        yield f'<line x1="{x}" y1="{TOP - 4}" x2="{x}" y2="{height - 12}" stroke="#e3e3e3"/>'
        label = f"{milliseconds * quarter / 4:.0f} ms"
        yield f'<text x="{x}" y="{TOP - 8}" fill="#888888" font-size="10" text-anchor="middle">{label}</text>'


def row(y: int, depth: int, span: RecordedSpan, colour: str, began: int, ended: int) -> Iterator[str]:
    per_nanosecond = BARS / max(ended - began, 1)
    x = NAMES + (span.began - began) * per_nanosecond
    width = max((span.ended - span.began) * per_nanosecond, 2)
    took = f"{(span.ended - span.began) / 1e6:.1f} ms"
    yield f'<text x="{12 + 14 * depth}" y="{y + 15}" fill="{colour}">{escape(span.name)}</text>'
    yield f'<rect x="{x:.1f}" y="{y + 5}" width="{width:.1f}" height="12" rx="2" fill="{colour}"/>'
    yield f'<text x="{x + width + 5:.1f}" y="{y + 15}" fill="#888888" font-size="10">{took}</text>'


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
