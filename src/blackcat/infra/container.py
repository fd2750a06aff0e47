"""What runs this process: an ECS task, a Kubernetes pod, or nothing that tells."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from blackcat.errors import ConfigurationError

# Container runtimes give it to every container, also with a read-only root.
_IN_MEMORY = "/dev/shm"  # noqa: S108 - a folder to make unpredictable names in
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "busybox", "zsh"})


@dataclass(frozen=True, kw_only=True)
class Platform:
    """``identity`` belongs on every log line: one short field; ``details`` on the first one only.

    Limits of the task as a whole (bytes, processors) are not in the control groups that its containers
    see. ``longest_stop`` is the time after SIGTERM that the platform never exceeds.
    """

    name: str = ""
    identity: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)
    memory_limit: int | None = None
    cpus: float | None = None
    longest_stop: timedelta | None = None


def credentials_source(environ: Mapping[str, str]) -> str:
    """Where boto3 takes its credentials from, as the environment tells; empty when it does not.

    In the order in which boto3 looks, without asking anyone:
    https://boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html
    """
    if environ.get("AWS_ACCESS_KEY_ID"):
        return "environment"
    if environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
        return "web identity"
    if environ.get("AWS_PROFILE"):
        return "profile"
    if environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        return "task role"
    if environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        return "container endpoint"
    return ""


def missing_role(platform: Platform, environ: Mapping[str, str]) -> str | None:
    """What to do when the platform gave this container no role, and nothing else did."""
    if credentials_source(environ):
        return None
    if platform.name == "ecs":
        return "the task has no role: set taskRoleArn in its task definition"
    if platform.name == "kubernetes":
        return (
            "the pod has no role: annotate its service account for IRSA, or associate it with one by EKS "
            "Pod Identity"
        )
    return None


def scratch_folder(in_memory: str = _IN_MEMORY) -> str:
    """Where small files may be made: in memory, or else in Python's own choice (TMPDIR, /tmp and the like).

    Raises ConfigurationError when nothing at all is writable.
    """
    if os.access(in_memory, os.W_OK | os.X_OK):
        return in_memory
    try:
        return tempfile.gettempdir()
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"no folder is writable here: mount a tmpfs of 1 MiB or more at {in_memory} or /tmp"
        ) from error


def swallowing_shell(parent: int, root: Path = Path("/")) -> str | None:
    """The shell that runs as process 1 in our place, and passes no signal on; None when there is none."""
    if parent != 1:
        return None
    try:
        name = (root / "proc/1/comm").read_text().strip()
    except OSError:
        return None
    return name if name in _SHELLS else None
