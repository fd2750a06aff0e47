"""``blackcat run``: the process is the service."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from blackcat.infra.emulator import Emulator
from tests.integration.conftest import PATIENCE_SECONDS

ONE_WORKER = """
from blackcat import Service, ServiceRegistry, ServiceType

services = ServiceRegistry([Service(name="only_one", type=ServiceType.WORKER, entrypoint="jobs:job")])
"""
ANOTHER = 'Service(name="another", type=ServiceType.WORKER, entrypoint="jobs:job")])'
JOB = """
import os

def job():
    names = ("SERVICE_NAME", "SHARED", "STRONGER", "OF_THE_SHELL")
    print("seen", os.getpid(), *(os.environ.get(name) for name in names))

def handle(body: dict): ...
"""
CONSUMER = """
from blackcat import Service, ServiceRegistry, ServiceType

services = ServiceRegistry(
    [Service(name="waits", type=ServiceType.CONSUMER, entrypoint="jobs:handle", queue_name="nobody_made")]
)
"""
MAIN = "from blackcat import run_microservice\nfrom services import services\nrun_microservice(services)\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "services.py").write_text(ONE_WORKER)
    (tmp_path / "jobs.py").write_text(JOB)
    (tmp_path / ".env").write_text("SHARED=env\nSTRONGER=env\nOF_THE_SHELL=env\n")
    (tmp_path / ".env.dev").write_text("STRONGER=env.dev\nOF_THE_SHELL=env.dev\n")
    return tmp_path


@pytest.fixture
def run(project: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start ``blackcat run``; whatever still runs at the end of the test is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        ours = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "blackcat", "run", *arguments],
                cwd=project,
                env={**ours, "PYTHONUNBUFFERED": "1", **environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, output, errors


@pytest.mark.parametrize("with_main", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_it_runs_as_the_service_with_the_environment_of_env_files(
    run: Callable[..., subprocess.Popen[str]], project: Path, with_main: bool, named: bool
) -> None:
    if with_main:
        (project / "main.py").write_text(MAIN)
    process = run(*(["only_one"] if named else []), OF_THE_SHELL="shell")
    status, output, errors = ended(process)
    assert (status, errors) == (0, "")
    assert f"seen {process.pid} only_one env env.dev shell" in output


def test_which_service_of_many(run: Callable[..., subprocess.Popen[str]], project: Path) -> None:
    (project / "services.py").write_text(ONE_WORKER.replace("])\n", f", {ANOTHER}\n"))
    status, _, errors = ended(run())
    assert status == 78
    assert "blackcat run only_one\n  blackcat run another\n" in errors
    assert "another env env.dev" in ended(run(SERVICE_NAME="another"))[1]
    assert "only_one env env.dev" in ended(run("only_one", SERVICE_NAME="another"))[1]
    (project / ".env").write_text("SERVICE_NAME=another\n")
    assert "seen" in ended(run())[1]
    status, output, _ = ended(run("anothr"))
    assert status == 78
    assert "did you mean 'another'?" in output


def test_main_py_decides_the_exit_status(run: Callable[..., subprocess.Popen[str]], project: Path) -> None:
    (project / "main.py").write_text("import sys\nprint(__name__, __file__, sys.argv)\nsys.exit(7)\n")
    main = project / "main.py"
    assert ended(run("x")) == (7, f"__main__ {main} ['{main}']\n", "")


def test_an_error_in_main_py_is_shown_as_python_shows_it(
    run: Callable[..., subprocess.Popen[str]], project: Path
) -> None:
    (project / "main.py").write_text("def fail():\n    return 1 / 0\nfail()\n")
    status, _, errors = ended(run("x"))
    assert status == 1
    assert errors.startswith(f'Traceback (most recent call last):\n  File "{project / "main.py"}", line 3')
    assert errors.endswith("ZeroDivisionError: division by zero\n")
    assert "runpy" not in errors


@pytest.mark.parametrize("with_main", [True, False])
def test_a_wrong_declaration_is_one_line(
    run: Callable[..., subprocess.Popen[str]], project: Path, with_main: bool
) -> None:
    if with_main:
        (project / "main.py").write_text(MAIN)
    (project / "services.py").write_text(ONE_WORKER.replace('"only_one"', '"8"'))
    status, _, errors = ended(run("x"))
    assert status == 78
    assert "worker '8' has a name that SERVICE_NAME could not carry everywhere" in errors
    assert "Traceback" not in errors


def test_an_env_file_that_is_not_utf8_is_named(
    run: Callable[..., subprocess.Popen[str]], project: Path
) -> None:
    (project / ".env.dev").write_bytes(b"A=\xff\xfe\n")
    status, _, errors = ended(run())
    assert (status, errors) == (78, "error: .env.dev is not UTF-8: save it as UTF-8\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_reach_the_service(
    run: Callable[..., subprocess.Popen[str]], project: Path, emulator: Emulator, number: signal.Signals
) -> None:
    (project / "main.py").write_text(MAIN)
    (project / "services.py").write_text(CONSUMER)
    gone = {**emulator.environment(), "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "HEALTH_PORT": "0"}
    process = run(**gone)
    assert process.stdout
    seen = ""
    while "queue.open_failed" not in seen:
        line = process.stdout.readline()
        assert line, f"{seen}{ended(process)}"
        seen += line
    process.send_signal(number)
    status, output, _ = ended(process)
    assert status == 0
    assert "consumer.stopped" in output
