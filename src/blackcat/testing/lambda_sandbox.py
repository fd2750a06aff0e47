"""The process of a Lambda function, from its start to its end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from blackcat.application.tied import tied
from blackcat.testing.lambda_api import Conversation, Ended, Invocation, RuntimeApi

_LOOK_SECONDS = 0.05
# What a process may take to ask for its next event after an answer, before it is frozen.
_NEXT_SECONDS = 5.0


class Sandbox:
    """One process and its Runtime API: Lambda calls it an execution environment."""

    def __init__(
        self, command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], log: int
    ) -> None:
        self._api = RuntimeApi()
        self._process = subprocess.Popen(
            # SIGTERM would wait for a frozen process to be thawed.
            tied(command, sent=signal.SIGKILL),
            cwd=cwd,
            env={**environment, "AWS_LAMBDA_RUNTIME_API": self._api.address},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def dead(self) -> bool:
        return self._process.poll() is not None

    @property
    def _talk(self) -> Conversation:
        return self._api.conversation

    def wait_until_ready(self, seconds: float, *, snap_start: bool) -> bool:
        """Whether it asked for its first event, or failed to start, in time."""
        deadline = time.monotonic() + seconds
        talk = self._talk
        if snap_start:
            self._until(lambda: talk.snapshot_taken or talk.init_error is not None, deadline)
            talk.restore()
        self._until(lambda: talk.ready or talk.init_error is not None, deadline)
        return talk.ready or talk.init_error is not None or self.dead

    def init_failure(self) -> Ended | None:
        if self._talk.init_error is not None:
            return self._talk.init_error
        if not self._talk.ready:
            return self._exited() if self.dead else None
        return None

    def run(self, invocation: Callable[[], Invocation], timeout: float) -> Ended:
        """Give it the event; it is killed when its time is over."""
        talk = self._talk
        talk.begin(invocation())
        self._until(lambda: talk.ended is not None, time.monotonic() + timeout)
        if talk.ended is not None:
            return talk.ended
        ended = self._exited() if self.dead else _timed_out(timeout)
        self.kill()
        return ended

    def rest(self, *, freeze: bool) -> bool:
        """After an invocation: whether it can take another one."""
        if self._talk.init_error is None:
            self._until(lambda: self._talk.ready, time.monotonic() + _NEXT_SECONDS)
        if not self._talk.ready or self._talk.init_error is not None or self.dead:
            self.kill()
            return False
        if freeze:
            self._freeze()
        return True

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._api.close()

    def _freeze(self) -> None:
        self._signal(signal.SIGSTOP)
        if hasattr(os, "waitid"):  # until it stands still; macOS has none before Python 3.13
            os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def _exited(self) -> Ended:
        status = self._process.wait()
        what = f"signal: {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        return _failed("Runtime.ExitError", f"Runtime exited with error: {what}")

    def _until(self, condition: Callable[[], bool], deadline: float) -> None:
        with self._talk.changed:
            while not condition() and not self.dead and (left := deadline - time.monotonic()) > 0:
                # Nobody tells of the end of a process.
                self._talk.changed.wait(min(left, _LOOK_SECONDS))

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def _timed_out(seconds: float) -> Ended:
    return _failed("Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds")


def _failed(kind: str, message: str) -> Ended:
    return Ended(json.dumps({"errorType": kind, "errorMessage": message}).encode(), kind)
