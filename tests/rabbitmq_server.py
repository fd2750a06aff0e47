"""A RabbitMQ of our own, as a process.

``python tests/rabbitmq_server.py COMMAND ...`` runs a command whose queues are there.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from blackcat.adapters_rabbitmq import RabbitBroker, RabbitOptions
from blackcat.errors import QueueNotFound, Unreachable
from blackcat.infra.free_ports import HOST, any_free_port

# Debian's command in the usual place is a wrapper, for root and the user rabbitmq only.
_PLACES = os.pathsep.join(["/usr/lib/rabbitmq/bin", "/usr/local/sbin", "/usr/sbin", os.environ["PATH"]])
SERVER = shutil.which("rabbitmq-server", path=_PLACES)
_EPMD = shutil.which("epmd", path=_PLACES)
INSTALLED = bool(SERVER and _EPMD)
NOT_INSTALLED = (
    "RabbitMQ is not on this machine: install it, with apt-get install rabbitmq-server for example"
)

_START_SECONDS = 90


@contextlib.contextmanager
def running_rabbitmq(folder: Path) -> Iterator[RabbitOptions]:
    """Options that lead to an empty broker, which keeps what it has in ``folder``."""
    port, distribution_port, epmd_port = any_free_port(), any_free_port(), any_free_port()
    environment = os.environ | {
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(epmd_port),
        "ERL_EPMD_ADDRESS": HOST,
        "RABBITMQ_NODENAME": "blackcat@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": HOST,
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution_port),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_CONFIG_FILE": str(folder / "none"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
    }
    (folder / "plugins").write_text("[].\n")
    options = RabbitOptions(f"amqp://guest:guest@{HOST}:{port}/%2F")
    # Started by us, it ends with us: the one that RabbitMQ starts stays behind as a daemon.
    with (
        _process([str(_EPMD), "-port", str(epmd_port)], environment, folder / "epmd.log"),
        _process([str(SERVER)], environment, folder / "server.log") as server,
    ):
        _wait_for(options, server, folder / "server.log")
        yield options


@contextlib.contextmanager
def _process(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=_ignore_ctrl_c,  # whoever started it ends it, last
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ignore_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _wait_for(options: RabbitOptions, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        broker = RabbitBroker(options)
        try:
            broker.describe("none")
        except QueueNotFound:
            return
        except Unreachable:
            time.sleep(0.2)
        finally:
            broker.close()
    raise AssertionError(f"RabbitMQ did not start:\n{log.read_text(errors='replace')[-4000:]}")


def main() -> None:
    """Exits as the command does; 1 where RabbitMQ is not installed."""
    if not INSTALLED:
        sys.exit(NOT_INSTALLED)
    # `kill` stops it as Ctrl-C does: neither the command nor the broker outlives it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="blackcat-rabbitmq-") as folder:
        print("starting RabbitMQ ...", flush=True)
        with running_rabbitmq(Path(folder)) as options:
            status = _run(sys.argv[1:], {"QUEUE_BACKEND": "rabbitmq", "RABBITMQ_URL": options.url})
    sys.exit(status)


def _run(command: list[str], variables: dict[str, str]) -> int:
    """Its exit status; Ctrl-C is passed on, and then waited for."""
    child = subprocess.Popen(command, env=os.environ | variables, start_new_session=True)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            child.send_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
