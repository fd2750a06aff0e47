"""The embedded emulator: installed once, started and stopped as a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from blackcat.adapters_aws import AwsOptions, Provisioner, SqsBroker
from blackcat.errors import EmulatorError, QueueNotFound
from blackcat.infra.emulator import EMULATOR, Emulator, emulator_python, running_emulator
from blackcat.resources import QueueResource


def _options(emulator: Emulator) -> AwsOptions:
    return AwsOptions(region="us-east-1", endpoint_url=emulator.url)


def test_it_runs_the_pinned_version_apart_from_ours(emulator: Emulator) -> None:
    python = emulator_python()
    assert python == emulator_python()
    assert python != Path(sys.executable)
    shown = subprocess.run(
        [python, "-c", "import importlib.metadata as m; print(m.version('ministack'))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"ministack=={shown.stdout.strip()}" == EMULATOR


def test_reset_removes_everything(emulator: Emulator, unique: str) -> None:
    with running_emulator() as other:
        assert other.url != emulator.url
        Provisioner(_options(other)).create(QueueResource(unique))
        other.reset()
        with pytest.raises(QueueNotFound):
            SqsBroker(_options(other)).describe(unique)


def test_it_ends_with_its_context_and_leaves_nothing() -> None:
    with running_emulator() as emulator:
        port = int(emulator.url.rpartition(":")[2])
        assert _listens(port)
        os.kill(emulator.pid, 0)
    assert not _listens(port)
    with pytest.raises(ProcessLookupError):
        os.kill(emulator.pid, 0)
    with pytest.raises(EmulatorError, match="cannot be reset"):
        emulator.reset()


def test_it_listens_on_this_machine_only(emulator: Emulator) -> None:
    assert emulator.url.startswith("http://127.0.0.1:")
    with pytest.raises(OSError, match="refused"), socket.socket() as other:
        other.connect(("127.0.0.2", int(emulator.url.rpartition(":")[2])))


def test_a_taken_port_leads_to_another(emulator: Emulator) -> None:
    another_emulators = int(emulator.url.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", 0)) as server:
        silent = server.getsockname()[1]
        with running_emulator(ports=[another_emulators, silent]) as second:
            assert int(second.url.rpartition(":")[2]) not in (another_emulators, silent)
            assert second.pid != emulator.pid


def test_its_state_outlives_it(emulator: Emulator, tmp_path: Path, unique: str) -> None:
    state, log = tmp_path / "state", tmp_path / "emulator.log"
    for _ in range(2):
        with running_emulator(state_dir=state, log=log) as first:
            Provisioner(_options(first)).create(QueueResource(unique))
            SqsBroker(_options(first)).queue(unique).send("x")
    with running_emulator(state_dir=state, log=log) as last:
        assert SqsBroker(_options(last)).depth(unique).total == 2
    assert log.exists()


def test_child_processes_find_it_by_the_environment(emulator: Emulator, unique: str) -> None:
    Provisioner(_options(emulator)).create(QueueResource(unique))
    program = f"import boto3, sys\nprint(boto3.client('sqs').get_queue_url(QueueName='{unique}')['QueueUrl'])"
    shown = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"], **emulator.environment()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip().endswith(unique)


def _run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


START = "from blackcat.infra.emulator import running_emulator\nwith running_emulator() as e: e.reset()"
INSTALL = "from blackcat.infra.emulator import emulator_python\nprint(emulator_python())"


def test_our_environment_does_not_reach_it() -> None:
    misleading = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "LOG_LEVEL": "nonsense",
        "SERVICES": "s3",
        "GATEWAY_PORT": "1",
        "PYTHONPATH": f"{Path(__file__).parents[3] / 'src'}",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "http_proxy": "http://127.0.0.1:1",
    }
    assert _run(START, **misleading).returncode == 0


def test_an_interrupted_installation_is_done_again(tmp_path: Path) -> None:
    folder = tmp_path / "blackcat" / emulator_python().parents[1].name
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text("half of it")
    broken = _run(INSTALL, XDG_CACHE_HOME=str(tmp_path), PIP_NO_INDEX="1", PIP_FIND_LINKS="")
    assert "EmulatorError" in broken.stderr
    assert "package index" in broken.stderr
    assert not (folder / ".ready").exists()
    assert "half of it" not in (folder / "bin" / "python").read_bytes().decode(errors="replace")


@pytest.mark.long  # installs the emulator anew: twenty seconds
def test_two_processes_install_once(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", INSTALL],
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    answers = [process.communicate()[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert answers[0] == answers[1]
    assert Path(answers[0]).is_relative_to(tmp_path)
    assert _run(START, XDG_CACHE_HOME=str(tmp_path)).returncode == 0


def test_a_cache_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = _run(INSTALL, XDG_CACHE_HOME=str(tmp_path / "file"))
    assert "EmulatorError" in ended.stderr
    assert "XDG_CACHE_HOME" in ended.stderr


def test_a_command_of_ones_own_is_started_instead() -> None:
    ministack = [str(emulator_python()), "-m", "ministack"]
    with running_emulator(command=ministack) as emulator:
        emulator.reset()
        assert emulator.is_running()
    server = [sys.executable, "-m", "http.server", "{port}", "--bind", "127.0.0.1"]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running_emulator(command=server, ports=[port]) as other:
            assert other.is_running()
            assert other.url != f"http://127.0.0.1:{port}"
    assert not other.is_running()


def test_a_command_that_does_not_start_says_so() -> None:
    with (
        pytest.raises(EmulatorError, match="'no-such-emulator' cannot be run"),
        running_emulator(command=["no-such-emulator"]),
    ):
        pass
    program = "print('no licence'); raise SystemExit(1)"
    with (
        pytest.raises(EmulatorError, match="no licence"),
        running_emulator(command=[sys.executable, "-c", program]),
    ):
        pass


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
