"""Lambda as a rollout sees it: functions with their versions, aliases, layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol

from blackcat.application.packaging.target import Target

LATEST = "$LATEST"


class Status(Enum):
    """Whether a version can be changed and invoked."""

    READY = "ready"
    PENDING = "pending"
    FAILED = "failed"


@dataclass(frozen=True)
class Configuration:
    """A function's configuration; memory in MB, timeout in seconds, layers as ARNs of versions.

    ``others`` is all that a rollout leaves as it is, such as the role: a version is only as another when
    that is the same, too.
    """

    runtime: str
    architecture: str
    handler: str
    memory: int
    timeout: int
    environment: Mapping[str, str] = field(default_factory=dict)
    layers: tuple[str, ...] = ()
    others: str = ""


@dataclass(frozen=True)
class Version:
    """A published version, or $LATEST, which is what gets published.

    ``revision`` changes with every change of it; ``code_sha256`` is that of its zip, in hex.
    """

    number: str
    revision: str
    code_sha256: str
    configuration: Configuration
    status: Status = Status.READY
    reason: str = ""


@dataclass(frozen=True)
class Alias:
    """A name that points at a version, and the version that it pointed at before."""

    name: str
    version: str
    previous: str | None
    revision: str


@dataclass(frozen=True)
class Answer:
    """What an invocation came to; ``failed`` when the function raised, timed out or could not be loaded."""

    payload: bytes
    failed: bool = False


class Functions(Protocol):
    """The functions of an account and region.

    Each call raises FunctionNotFound for what does not exist. Those that take a ``revision`` raise
    ConditionFailed, and change nothing, when it is no longer the function's, or another change is under way.
    """

    def version(self, function: str, number: str = LATEST) -> Version: ...

    def published(self, function: str) -> Sequence[Version]:
        """The published versions, the newest first; their status may not be told."""
        ...

    def create(self, function: str, code: Path, configuration: Configuration, *, role: str) -> None: ...

    def update_code(self, function: str, code: Path, *, architecture: str, revision: str) -> None: ...

    def configure(self, function: str, configuration: Configuration, *, revision: str) -> None:
        """Set runtime, handler, memory, timeout, environment and layers."""
        ...

    def publish(self, function: str, *, code_sha256: str, revision: str) -> Version:
        """Make a version of $LATEST; the newest one again where nothing has changed since."""
        ...

    def invoke(self, function: str, number: str, event: bytes) -> Answer: ...


class Aliases(Protocol):
    """The aliases of functions; ConditionFailed is raised as for these."""

    def find(self, function: str, name: str) -> Alias | None: ...

    def create(self, function: str, name: str, version: str) -> Alias: ...

    def move(self, function: str, alias: Alias, version: str) -> Alias:
        """Point it at that version, with all of its traffic, and remember the one before."""
        ...


class Layers(Protocol):
    """The layers of an account and region."""

    def find(self, name: str, sha256: str) -> str | None:
        """The ARN of the layer's version that is that zip."""
        ...

    def publish(self, name: str, content: Path, *, sha256: str, targets: Sequence[Target]) -> str:
        """Make a version of that zip, for these runtimes and architectures; its ARN."""
        ...
