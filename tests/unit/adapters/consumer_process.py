"""A consumer as a process of its own, which calls a stand-in for AWS."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.unit.adapters.aws_standin import PATIENCE_SECONDS, AwsStandin, plain_environment

# Its handler sends, so that handlers call AWS beside the consumer's own threads.
_MAIN = """
from blackcat import Service, ServiceType, connect, run_microservice
from blackcat.resources import QueueResource

receipts = connect(QueueResource("receipts"))

def handle(body: dict) -> None:
    receipts.send(body)

run_microservice(Service(name="orders", type=ServiceType.CONSUMER, entrypoint=handle, queue_name="orders"))
"""


class ConsumerProcess:
    def __init__(self, log: Path, process: subprocess.Popen[str], standin: AwsStandin) -> None:
        self._log = log
        self._process = process
        self._standin = standin

    @property
    def log(self) -> str:
        return self._log.read_text()

    def until(self, seen: Callable[[], object]) -> None:
        """Wait until the stand-in has seen it; a service that ends has failed."""
        self._standin.wait_for(lambda: seen() or self._process.poll() is not None)
        assert self._process.poll() is None, self.log

    def stop(self) -> None:
        self._process.terminate()
        assert self._process.wait(PATIENCE_SECONDS) == 0, self.log


@contextmanager
def consumer_process(standin: AwsStandin, folder: Path, **variables: str) -> Iterator[ConsumerProcess]:
    settings = {
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_SQS": standin.url,
        "HEALTH_HOST": "127.0.0.1",
        "HEALTH_PORT": "0",
        "LOG_FORMAT": "json",
    }
    log = folder / "log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            [sys.executable, "-c", _MAIN],
            env=plain_environment(**{**settings, **variables}),
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        try:
            yield ConsumerProcess(log, process, standin)
        finally:
            process.kill()
