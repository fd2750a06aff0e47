"""The running ``blackcat dev`` of a project: how commands in another terminal find its emulator."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from blackcat.errors import ProjectError

FOLDER = ".blackcat"  # what dev keeps in a project; git ignores it

_SESSION = "dev.json"
_LOCK = "dev.lock"
# Whoever asks whether a dev runs holds the lock for that moment.
_LOCK_TRIES = 20
_BETWEEN_TRIES_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class DevSession:
    """What runs: the address of AWS's stand-in, and of each service.

    ``queue_backend`` is its QUEUE_BACKEND; ``services`` has the address of an API, the health address of a
    consumer and None for a worker.
    """

    pid: int
    endpoint_url: str
    region: str
    queue_backend: str = "sqs"
    services: Mapping[str, str | None] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """The variables that lead a process to it: the address, the region, credentials that open nothing."""
        return local_environment(self.endpoint_url, self.region)


def local_environment(endpoint_url: str, region: str) -> dict[str, str]:
    """The variables for an emulator at that address, so that no real credentials are ever sent there."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": "test",
        # No ordinary word: logs mask it wherever it appears.
        "AWS_SECRET_ACCESS_KEY": "secret-of-the-emulator",
        "NO_PROXY": "127.0.0.1,localhost",
    }


def find_session(root: Path) -> DevSession | None:
    """The ``blackcat dev`` that runs in that project; None when none does, even if one left its file."""
    try:
        described = json.loads((root / FOLDER / _SESSION).read_text(encoding="utf-8"))
        with (root / FOLDER / _LOCK).open("rb") as lock:
            return None if _taken(lock, fcntl.LOCK_SH) else DevSession(**described)
    except (OSError, ValueError, TypeError):
        return None


def dev_folder(root: Path) -> Path:
    """The project's ``.blackcat``, made if need be, which ignores itself in git. Raises ProjectError."""
    folder = root / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise ProjectError(
            f"{folder} is needed for what dev keeps there, and cannot be written: {error}"
        ) from error
    return folder


@contextlib.contextmanager
def only_dev_of(root: Path) -> Iterator[None]:
    """Hold the project meanwhile; forget its session on leaving. Raises ProjectError when it is held."""
    folder = dev_folder(root)
    with (folder / _LOCK).open("wb") as lock:
        # A process that ends in any way gives it back, so nothing stale is ever left to clean up.
        if not _taken_in_time(lock):
            running = find_session(root)
            which = f" (process {running.pid})" if running else ""
            raise ProjectError(f"`blackcat dev` already runs in {root}{which}: stop that one first")
        try:
            yield
        finally:
            (folder / _SESSION).unlink(missing_ok=True)


def write_session(root: Path, session: DevSession) -> None:
    """Tell other commands; only inside ``only_dev_of``."""
    folder = dev_folder(root)
    draft = folder / f"{_SESSION}.{os.getpid()}"
    draft.write_text(json.dumps(asdict(session), indent=2), encoding="utf-8")
    draft.replace(folder / _SESSION)


def _taken_in_time(lock: IO[bytes]) -> bool:
    for _ in range(_LOCK_TRIES):
        if _taken(lock, fcntl.LOCK_EX):
            return True
        time.sleep(_BETWEEN_TRIES_SECONDS)
    return False


def _taken(lock: IO[bytes], kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
