"""The next step of a rollout, from what is seen: pure, so that a run that was interrupted goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace

from blackcat.application.rollout.ports import Alias, Configuration, Status, Version
from blackcat.application.rollout.release import LayerContent, Release


@dataclass(frozen=True)
class Seen:
    """What stands in AWS, as far as it was looked at; ``passed`` are versions whose smoke passed just now."""

    layers: Mapping[str, str | None]
    latest: Version | None
    published: tuple[Version, ...]
    alias: Alias | None
    passed: frozenset[str] = frozenset()

    @property
    def arns(self) -> dict[str, str]:
        return {name: arn for name, arn in self.layers.items() if arn}


@dataclass(frozen=True)
class PublishLayer:
    layer: LayerContent

    def __str__(self) -> str:
        return f"publish layer {self.layer.name} ({self.layer.sha256[:12]})"


@dataclass(frozen=True)
class CreateFunction:
    configuration: Configuration

    def __str__(self) -> str:
        return "create the function"


@dataclass(frozen=True)
class UpdateCode:
    architecture: str

    def __str__(self) -> str:
        return "update the code"


@dataclass(frozen=True)
class Configure:
    configuration: Configuration
    changed: tuple[str, ...]

    def __str__(self) -> str:
        return f"update the configuration: {', '.join(self.changed)}"


@dataclass(frozen=True)
class Publish:
    def __str__(self) -> str:
        return "publish a version"


@dataclass(frozen=True)
class Try:
    version: str

    def __str__(self) -> str:
        return f"invoke version {self.version}"


@dataclass(frozen=True)
class CreateAlias:
    name: str
    version: str

    def __str__(self) -> str:
        return f"create alias {self.name} on version {self.version}"


@dataclass(frozen=True)
class MoveAlias:
    alias: Alias
    version: str

    def __str__(self) -> str:
        return f"move alias {self.alias.name} from version {self.alias.version} to {self.version}"


Step = PublishLayer | CreateFunction | UpdateCode | Configure | Publish | Try | CreateAlias | MoveAlias


def next_step(release: Release, alias: str, seen: Seen) -> Step | None:
    """What is to be done next; None when the alias points at what was to be rolled out.

    A version that is as wanted already is taken again, whoever published it: the same code has one version.
    """
    for layer in release.layers:
        if seen.layers[layer.name] is None:
            return PublishLayer(layer)
    if seen.latest is None:
        return CreateFunction(release.configured(None, seen.arns))
    version = wanted_version(release, seen)
    if version is None:
        return _towards_a_version(release, seen.latest, seen)
    if version.number not in seen.passed:
        return Try(version.number)
    if seen.alias is None:
        return CreateAlias(alias, version.number)
    return None if seen.alias.version == version.number else MoveAlias(seen.alias, version.number)


def wanted_version(release: Release, seen: Seen) -> Version | None:
    """The newest published version that is what is to be rolled out."""
    if seen.latest is None:
        return None
    wanted = release.configured(seen.latest.configuration, seen.arns)
    return next(
        (
            version
            for version in seen.published
            if version.code_sha256 == release.code_sha256 and version.configuration == wanted
        ),
        None,
    )


def planned(release: Release, alias: str, seen: Seen) -> Iterator[Step]:
    """All steps that are left, if each does what it should."""
    while step := next_step(release, alias, seen):
        yield step
        seen = _assumed(step, release, seen)


def _towards_a_version(release: Release, latest: Version, seen: Seen) -> Step:
    now = latest.configuration
    wanted = release.configured(now, seen.arns)
    other_code = latest.code_sha256 != release.code_sha256 or now.architecture != wanted.architecture
    if other_code or latest.status is Status.FAILED:
        return UpdateCode(wanted.architecture)
    changed = [one.name for one in fields(wanted) if getattr(now, one.name) != getattr(wanted, one.name)]
    return Configure(wanted, tuple(changed)) if changed else Publish()


def _assumed(step: Step, release: Release, seen: Seen) -> Seen:
    latest = seen.latest
    if isinstance(step, PublishLayer):
        return replace(seen, layers={**seen.layers, step.layer.name: f"(new {step.layer.name})"})
    if isinstance(step, CreateFunction):
        return replace(seen, latest=Version("$LATEST", "", release.code_sha256, step.configuration))
    if isinstance(step, Try):
        return replace(seen, passed=seen.passed | {step.version})
    if isinstance(step, CreateAlias | MoveAlias):
        name = step.name if isinstance(step, CreateAlias) else step.alias.name
        return replace(seen, alias=Alias(name, step.version, None, ""))
    if latest is None:
        return seen
    if isinstance(step, UpdateCode):
        configuration = replace(latest.configuration, architecture=step.architecture)
        updated = replace(latest, code_sha256=release.code_sha256, configuration=configuration)
        return replace(seen, latest=replace(updated, status=Status.READY))
    if isinstance(step, Configure):
        return replace(seen, latest=replace(latest, configuration=step.configuration))
    return replace(seen, published=(replace(latest, number="(new)"), *seen.published))
