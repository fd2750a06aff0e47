"""What logs, metrics and traces cost a message: the same consumer with each of them, beside one with none.

python benchmarks/observability.py --rounds 5
python benchmarks/observability.py --only logs,emf --transports lean --messages 20000

Rounds are interleaved, and each difference is taken within its round. Written to standard output.
"""

from __future__ import annotations

import argparse
import logging
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median

from figures import spread
from lineup import Contender
from measure import FakeSqs, Run, fake_sqs, measure

log = logging.getLogger("bench")

_SILENT = {"LOG_FORMAT": "json", "LOG_LEVEL": "WARNING", "METRICS": "none", "TRACING": "none"}
NOTHING = "nothing"
# What is switched on, by the settings that do so.
VARIANTS: Mapping[str, Mapping[str, str]] = {
    NOTHING: {},
    "logs": {"LOG_LEVEL": "INFO"},
    "emf": {"METRICS": "emf", "METRICS_INTERVAL_SECONDS": "1"},
    "prometheus": {"METRICS": "prometheus", "METRICS_INTERVAL_SECONDS": "1"},
    "traces": {"TRACING": "otlp"},
    "traces 10%": {
        "TRACING": "otlp",
        "OTEL_TRACES_SAMPLER": "traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.1",
    },
    "logs+emf": {"LOG_LEVEL": "INFO", "METRICS": "emf", "METRICS_INTERVAL_SECONDS": "1"},
}
_TRANSPORTS = ("boto3", "lean")
_HEALTH = {"HEALTH_HOST": "127.0.0.1", "HEALTH_PORT": "0"}


@dataclass
class Measured:
    """The runs of one variant, round by round."""

    runs: list[Run] = field(default_factory=list)

    def rates(self) -> list[float]:
        return [run.messages_per_second for run in self.runs]

    def microseconds(self) -> list[float]:
        """CPU time of the consumer for each message."""
        return [run.cpu_per_1000 * 1000 for run in self.runs]


def main() -> None:
    options = _options()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    chosen = [NOTHING, *(name for name in options.only if name != NOTHING)]
    results = {(transport, name): Measured() for transport in options.transports for name in chosen}
    with fake_sqs() as fake, span_sink() as sink:
        for number in range(1, options.rounds + 1):
            log.info("round %d of %d", number, options.rounds)
            for (transport, name), measured in results.items():
                measured.runs.append(_run(fake, transport, name, options, sink))
    sys.stdout.write(_report(results, options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What observing costs a message")
    parser.add_argument("--only", type=_names(VARIANTS), default=list(VARIANTS), help=", ".join(VARIANTS))
    parser.add_argument("--transports", type=_names(_TRANSPORTS), default=list(_TRANSPORTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=20.0, help="the longest run (20)")
    return parser.parse_args()


def _names(known: Collection[str]) -> Callable[[str], list[str]]:
    def parsed(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",")]
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(known)}")
        return names

    return parsed


@contextmanager
def span_sink() -> Iterator[str]:
    """The address of a collector that takes all spans, and keeps none."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Sink) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Sink(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


def _run(fake: FakeSqs, transport: str, name: str, options: argparse.Namespace, sink: str) -> Run:
    environment = {
        **_SILENT,
        **_HEALTH,
        "SQS_TRANSPORT": transport,
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink,
        **VARIANTS[name],
    }
    consumer = Contender(name, name, "blackcat_consumer", environment=environment, discards_output=True)
    run = measure(consumer, fake, count=options.messages, latency=0.0, seconds=options.seconds)
    log.info(
        "%-6s %-12s %7.0f/s  %5.1f us", transport, name, run.messages_per_second, run.cpu_per_1000 * 1000
    )
    return run


def _report(results: Mapping[tuple[str, str], Measured], options: argparse.Namespace) -> str:
    lines = [
        f"{options.rounds} rounds, interleaved, of {options.messages:,} messages; median (least to most)",
        "",
        "| transport | with | messages/s | CPU µs per message | more than nothing, µs |",
        "| --- | --- | --- | --- | --- |",
    ]
    for (transport, name), measured in results.items():
        base = results[transport, NOTHING].microseconds()
        more = [mine - its for mine, its in zip(measured.microseconds(), base, strict=True)]
        told = "" if name == NOTHING else f"{median(more):+.1f} ({min(more):+.1f} to {max(more):+.1f})"
        rate, cpu = spread(measured.rates()), spread(measured.microseconds(), 1)
        lines.append(f"| {transport} | {name} | {rate} | {cpu} | {told} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
