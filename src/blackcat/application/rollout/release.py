"""What is to be rolled out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from blackcat.application.packaging.artifact import EKANS, MEW
from blackcat.application.packaging.declaration import HANDLER, DeclaredFunction, Smoke
from blackcat.application.packaging.target import GLIBC, MACHINES, Target
from blackcat.application.rollout.ports import Configuration

# What Lambda takes where a new function says nothing.
# https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
_MEMORY_MB = 128
_TIMEOUT_SECONDS = 3


@dataclass(frozen=True)
class LayerContent:
    """A layer as it was built: the name that it gets in AWS, its zip, and where it runs."""

    name: str
    content: Path
    sha256: str
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class Release:
    """A function's code, layers and configuration, as they are to be."""

    declared: DeclaredFunction
    target: Target
    code: Path
    code_sha256: str
    layers: tuple[LayerContent, ...]
    event: bytes

    @property
    def function(self) -> str:
        return self.declared.function

    @property
    def smoke(self) -> Smoke:
        return self.declared.smoke

    def configured(self, current: Configuration | None, layers: Mapping[str, str]) -> Configuration:
        """The configuration as it is to be; what is not declared stays as it is, or as Lambda has it."""
        declared = self.declared
        before = current or Configuration(
            self.target.runtime, self.target.architecture, HANDLER, _MEMORY_MB, _TIMEOUT_SECONDS
        )
        return replace(
            before,
            runtime=self.target.runtime,
            architecture=self.target.architecture,
            handler=declared.handler or before.handler,
            memory=declared.memory or before.memory,
            timeout=declared.timeout or before.timeout,
            environment=before.environment if declared.environment is None else dict(declared.environment),
            layers=(*(layers[layer.name] for layer in self.layers), *declared.layers),
        )


def targets_of(artifact: str, target: Target) -> Sequence[Target]:
    """Where a layer runs: the core, which is Python only, everywhere; compiled packages on their target."""
    if artifact == EKANS:
        return [target]
    return [Target(python, architecture) for python in GLIBC for architecture in MACHINES]


def layer_name(artifact: str, declared: DeclaredFunction) -> str:
    return {MEW: declared.mew, EKANS: declared.ekans}[artifact]
