"""The embedded AWS emulator: installed once into an environment of its own, run as a process of its own.

ministack pins its own botocore, so it must never share an environment with the services.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from blackcat.application.tied import tied
from blackcat.errors import EmulatorError
from blackcat.infra.free_ports import HOST, any_free_port, is_free

EMULATOR = "ministack==1.5.33"
REGION = "us-east-1"

_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_PORTS_TRIED = 5
_READY_MARKER = ".ready"
# Stands for the port in the command of another emulator.
_PORT = "{port}"


@dataclass(frozen=True)
class Emulator:
    """A running emulator."""

    url: str
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid

    def is_running(self) -> bool:
        """Whether it has not ended by itself."""
        return self.process.poll() is None

    def environment(self) -> dict[str, str]:
        """The variables that make a child process use this emulator instead of AWS."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            # No ordinary word: logs mask it wherever it appears.
            "AWS_SECRET_ACCESS_KEY": "secret-of-the-emulator",
            "NO_PROXY": f"{HOST},localhost",
        }

    def reset(self) -> None:
        """Remove every resource. Raises EmulatorError when the emulator does not answer."""
        request = urllib.request.Request(f"{self.url}/_ministack/reset", method="POST")
        try:
            with _open(request):
                pass
        except OSError as error:
            raise EmulatorError(f"the emulator at {self.url} cannot be reset: {error}") from error


@contextlib.contextmanager
def running_emulator(
    *,
    state_dir: Path | None = None,
    log: Path | None = None,
    ports: Iterable[int] = (),
    command: Sequence[str] | None = None,
) -> Iterator[Emulator]:
    """An emulator on this machine, healthy on entering and stopped on leaving, also by a signal (on Linux).

    It takes the first of ``ports`` that is free, or else any free one. With ``state_dir`` its resources
    outlive it: they are written there when it stops. Its output is appended to ``log``. The first use
    installs it, unless ``command`` starts another one: a ministack of the user's own, or anything that
    answers HTTP at the port that is put in place of ``{port}``. Raises EmulatorError.
    """
    starting = command or [str(emulator_python()), "-m", "ministack"]
    with tempfile.TemporaryDirectory(prefix="blackcat-emulator-") as scratch:
        output = log or Path(scratch, "emulator.log")
        process, url = _start(starting, Path(scratch), state_dir, output, ports)
        try:
            yield Emulator(url, process)
        finally:
            _stop(process)


def emulator_python() -> Path:
    """The Python that runs the emulator, from an environment that is built at the first call.

    It is kept in the user's cache folder (XDG_CACHE_HOME, or ~/.cache). Processes that ask at once
    wait for the one that builds; a build that was interrupted is done again. Raises EmulatorError.
    """
    folder = _environment_folder()
    if not _is_ready(folder):
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with folder.with_name(f"{folder.name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not _is_ready(folder):
                    _build(folder)
        except OSError as error:
            raise EmulatorError(
                f"the emulator cannot be installed into {folder}: {error}; "
                "set XDG_CACHE_HOME to a folder that can be written"
            ) from error
    return _python_of(folder)


def _environment_folder() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    version = EMULATOR.partition("==")[2]
    return cache / "blackcat" / f"emulator-{version}-py{sys.version_info.major}.{sys.version_info.minor}"


def _python_of(folder: Path) -> Path:
    return folder / "bin" / "python"


def _is_ready(folder: Path) -> bool:
    # The interpreter is a link, which dangles after the Python that it was built with was removed.
    return (folder / _READY_MARKER).exists() and _python_of(folder).exists()


def _build(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    _run(
        [sys.executable, "-m", "venv", str(folder)],
        "a virtual environment cannot be made: install Python's venv module (python3-venv on Debian)",
    )
    _run(
        [str(_python_of(folder)), "-m", "pip", "install", "--quiet", "--no-input", EMULATOR],
        f"{EMULATOR} cannot be installed: check that pip reaches its package index",
    )
    (folder / _READY_MARKER).write_text(EMULATOR)


def _run(command: list[str], problem: str) -> None:
    # Ours could lead it to packages that were installed for another Python.
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise EmulatorError(f"{problem}\n{_tail(done.stdout)}")


def _start(
    command: Sequence[str], scratch: Path, state_dir: Path | None, output: Path, ports: Iterable[int]
) -> tuple[subprocess.Popen[bytes], str]:
    for port in itertools.chain(filter(is_free, ports), (any_free_port() for _ in range(_PORTS_TRIED))):
        token = secrets.token_hex(8)
        filled_in = [part.replace(_PORT, str(port)) for part in command]
        with output.open("ab") as log:
            process = _launch(filled_in, _environment(port, token, scratch, state_dir), log)
        url = f"http://{HOST}:{port}"
        answers = _answers_at_all if filled_in != list(command) else _is_ours
        try:
            if _became_healthy(process, partial(answers, url, token)):
                return process, url
        except BaseException:
            _stop(process)
            raise
        _stop(process)
        if "already in use" not in _read(output).lower():
            break
    raise EmulatorError(f"the emulator does not start; the end of its output:\n{_tail(_read(output))}")


def _launch(command: list[str], environment: dict[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    if shutil.which(command[0]) is None:
        raise EmulatorError(f"the emulator's command '{command[0]}' cannot be run: there is no such program")
    try:
        return subprocess.Popen(
            tied(command),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Ctrl-C in a terminal goes to the whole group: the services must still reach their queues.
            start_new_session=True,
        )
    except OSError as error:
        raise EmulatorError(f"the emulator's command '{command[0]}' cannot be run: {error}") from error


def _environment(port: int, token: str, scratch: Path, state_dir: Path | None) -> dict[str, str]:
    """A short list instead of ours: AWS_ENDPOINT_URL, LOG_LEVEL or SERVICES would change the emulator."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    state = {"PERSIST_STATE": "1", "STATE_DIR": str(state_dir.absolute())} if state_dir else {}
    return {
        **kept,
        **state,
        "GATEWAY_PORT": str(port),
        "BIND_HOST": HOST,
        "MINISTACK_REGION": REGION,
        "MINISTACK_EDITION": token,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "TMPDIR": str(scratch),
    }


def _became_healthy(process: subprocess.Popen[bytes], answers: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if answers():
            return True
        time.sleep(0.05)
    return False


def _is_ours(url: str, token: str) -> bool:
    # Another emulator may have taken the port meanwhile: the token, which health shows, is ours alone.
    try:
        with _open(urllib.request.Request(f"{url}/_ministack/health")) as response:
            return bool(json.load(response).get("edition") == token)
    except (OSError, ValueError):
        return False


def _answers_at_all(url: str, token: str) -> bool:
    try:
        with _open(urllib.request.Request(url)):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _open(request: urllib.request.Request) -> contextlib.closing[IO[bytes]]:
    # An HTTP proxy of the environment would be asked for 127.0.0.1 otherwise.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return contextlib.closing(direct.open(request, timeout=10))


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _tail(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-15:])
