"""A Lambda function on this machine: a real process, given its events by Lambda's own protocol."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

from blackcat.testing.event_parts import REGION, arn
from blackcat.testing.lambda_api import (
    MAX_ASYNCHRONOUS_BYTES,
    MAX_REQUEST_BYTES,
    Ended,
    Invocation,
)
from blackcat.testing.lambda_sandbox import Sandbox

# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib
INIT_SECONDS = 10.0
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html
DEFAULT_TIMEOUT = timedelta(seconds=3)
MAX_TIMEOUT = timedelta(minutes=15)


@dataclass(frozen=True)
class Reply:
    """What an invocation came to.

    ``payload`` is the answer as JSON has it, or Lambda's error with ``errorType`` and ``errorMessage``; then
    ``error`` is the type (``Sandbox.Timedout``, or that of an exception). ``log`` is what the function wrote
    meanwhile, from its start where this invocation is its first.
    """

    payload: Any
    error: str
    request_id: str
    cold: bool
    log: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of the log that are JSON objects."""
        return [parsed for line in self.log.splitlines() if (parsed := _parsed(line)) is not None]

    def value(self) -> Any:
        """The answer. Raises AssertionError, with the log, when the invocation failed."""
        assert not self.error, f"the function failed with {self.payload}; it wrote:\n{self.log}"
        return self.payload


class LambdaFunction:
    """``handler`` (``main.main``) of the folder ``root``, run by awslambdaric as on Lambda.

    The process starts with the first invocation and serves the later ones, one at a time. It is given
    Lambda's variables, PATH and ``environment``, nothing else of this process's; ``layers`` are folders laid
    out as layers are (``python/…``, ``lib/…``). With ``freeze`` it is stopped between invocations (SIGSTOP),
    as Lambda freezes it. One that exceeds ``timeout`` (Lambda's default: 3 seconds) is killed, and the next
    invocation starts another. With ``snap_start`` hooks for snapshots run as SnapStart runs them.
    """

    def __init__(
        self,
        handler: str,
        *,
        root: Path,
        environment: Mapping[str, str] | None = None,
        layers: Sequence[Path] = (),
        timeout: timedelta = DEFAULT_TIMEOUT,
        memory_mb: int = 128,
        name: str = "function",
        version: str = "$LATEST",
        freeze: bool = False,
        snap_start: bool = False,
        python: str = sys.executable,
    ) -> None:
        if not timedelta(seconds=1) <= timeout <= MAX_TIMEOUT:
            raise ValueError(f"a function's timeout is 1 second to 15 minutes, not {timeout}")
        self.name = name
        self._python = python
        self._command = [python, "-m", "awslambdaric", handler]
        self._root = root.absolute()
        self._timeout = timeout.total_seconds()
        self._freeze = freeze
        self._snap_start = snap_start
        given = self._lambda_variables(handler, version, memory_mb, snap_start) | dict(environment or {})
        self._variables = given | _search_paths(self._root, layers, given)
        self._arn = arn("lambda", f"function:{name}")
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - the log is read after the process has ended
        self._told = 0
        self._sandbox: Sandbox | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> LambdaFunction:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process that took the last event, if it has not ended."""
        return self._sandbox.pid if self._sandbox and not self._sandbox.dead else None

    @property
    def output(self) -> str:
        """All that the function wrote, over all its processes."""
        return self._read(0)

    def invoke(self, event: Any, *, asynchronous: bool = False, trace: str | None = None) -> Reply:
        """Run the handler with the event and wait for its end; ``trace`` is an X-Ray header.

        ``asynchronous`` only lowers the limit: nothing is tried again. Raises ValueError for an event above
        Lambda's limits (6 MB, asynchronous 1 MB).
        https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
        """
        body = json.dumps(event).encode()
        limit = MAX_ASYNCHRONOUS_BYTES if asynchronous else MAX_REQUEST_BYTES
        if len(body) > limit:
            raise ValueError(f"Lambda refuses an event of {len(body)} bytes: the limit is {limit}")
        with self._lock:
            return self._invoke(body, trace)

    def close(self) -> None:
        """End the process."""
        with self._lock:
            if self._sandbox:
                self._sandbox.kill()

    def _invoke(self, body: bytes, trace: str | None) -> Reply:
        request_id = str(uuid4())
        warm = self._sandbox if self._sandbox and not self._sandbox.dead else None
        if warm:
            warm.thaw()
        sandbox = warm or self._started()
        ended = sandbox.init_failure() or sandbox.run(
            lambda: self._invocation(request_id, body, trace), self._timeout
        )
        if not sandbox.rest(freeze=self._freeze):
            self._sandbox = None
        return Reply(
            payload=_payload(ended, request_id),
            error=ended.error and _error_type(ended),
            request_id=request_id,
            cold=warm is None,
            log=self._new_log(),
        )

    def _started(self) -> Sandbox:
        """A process that asks for its first event; a slow start is begun again, as Lambda does."""
        sandbox = self._start()
        if not sandbox.wait_until_ready(INIT_SECONDS, snap_start=self._snap_start):
            sandbox.kill()
            sandbox = self._start()
            sandbox.wait_until_ready(self._timeout, snap_start=self._snap_start)
        return sandbox

    def _start(self) -> Sandbox:
        self._sandbox = Sandbox(
            self._command, cwd=self._root, environment=self._variables, log=self._log.fileno()
        )
        return self._sandbox

    def _invocation(self, request_id: str, body: bytes, trace: str | None) -> Invocation:
        return Invocation(
            request_id,
            body,
            {
                "Lambda-Runtime-Aws-Request-Id": request_id,
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self._timeout) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": self._arn,
                "Lambda-Runtime-Trace-Id": trace
                or f"Root=1-{int(time.time()):08x}-{uuid4().hex[:24]};Sampled=0",
            },
        )

    def _lambda_variables(
        self, handler: str, version: str, memory_mb: int, snap_start: bool
    ) -> dict[str, str]:
        """https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"""
        return {
            "_HANDLER": handler,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{_version(self._python)}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb),
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": version,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start" if snap_start else "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": f"local/[{version}]{uuid4().hex}",
            "AWS_REGION": REGION,
            "LAMBDA_TASK_ROOT": str(self._root),
            "LANG": "en_US.UTF-8",
            "PATH": os.environ.get("PATH", os.defpath),
            "TZ": ":UTC",
        }

    def _new_log(self) -> str:
        text = self._read(self._told)
        self._told = os.fstat(self._log.fileno()).st_size
        return text

    def _read(self, since: int) -> str:
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), max(0, size - since), since).decode(errors="replace")


def _version(python: str) -> str:
    asked = "import sys; print('{}.{}'.format(*sys.version_info))"
    if python == sys.executable:
        return "{}.{}".format(*sys.version_info)
    return subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True).stdout.strip()


def _search_paths(root: Path, layers: Sequence[Path], given: Mapping[str, str]) -> dict[str, str]:
    folders = [layer.absolute() for layer in layers]
    added = {
        "PYTHONPATH": [root, *(folder / "python" for folder in folders)],
        "LD_LIBRARY_PATH": [folder / "lib" for folder in folders],
    }
    return {
        name: os.pathsep.join([*map(str, paths), *filter(None, [given.get(name)])])
        for name, paths in added.items()
        if paths
    }


def _payload(ended: Ended, request_id: str) -> Any:
    payload: Any = json.loads(ended.body) if ended.body else None
    if ended.error.startswith(("Sandbox.", "Runtime.Exit")):
        payload["errorMessage"] = f"RequestId: {request_id} Error: {payload['errorMessage']}"
    return payload


def _error_type(ended: Ended) -> str:
    """The type that the answer names, where it does: the header says Unhandled of all exceptions."""
    try:
        return str(json.loads(ended.body).get("errorType") or ended.error)
    except (ValueError, AttributeError):
        return ended.error


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        parsed = json.loads(line)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None
