"""Rolling out a version of a Lambda function: step by step, each guarded, the alias last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from blackcat.application.ports import Clock
from blackcat.application.rollout.ports import LATEST, Alias, Aliases, Functions, Layers, Status, Version
from blackcat.application.rollout.release import Release
from blackcat.application.rollout.smoke import smoke_problem
from blackcat.application.rollout.steps import (
    Configure,
    CreateAlias,
    CreateFunction,
    MoveAlias,
    Publish,
    PublishLayer,
    Seen,
    Step,
    Try,
    UpdateCode,
    next_step,
    planned,
    wanted_version,
)
from blackcat.errors import ConditionFailed, FunctionNotFound, Overtaken, RolloutFailed, SmokeFailed

# How long Lambda may take to apply a change; AWS's own waiters give it five minutes.
# https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
PATIENCE = timedelta(minutes=10)
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 5.0


@dataclass(frozen=True)
class Deployed:
    """Where an alias points after a rollout, and where it pointed before."""

    alias: Alias
    version: Version


class Rollout:
    """Rolls versions of functions out.

    A step that another rollout undid, or that AWS refuses because of one, ends it with Overtaken. Whatever
    ends a run, the next one goes on from what stands in AWS. ``tell`` hears each step before it is taken.
    """

    def __init__(
        self,
        *,
        functions: Functions,
        aliases: Aliases,
        layers: Layers,
        clock: Clock,
        pause: Callable[[float], None],
        tell: Callable[[str], None],
    ) -> None:
        self._functions = functions
        self._aliases = aliases
        self._layers = layers
        self._clock = clock
        self._pause = pause
        self._tell = tell

    def run(self, release: Release, alias: str) -> Deployed:
        """Make the alias point at a version that is the release, and whose smoke passed.

        Raises FunctionNotFound where there is no function and no role to create it with, SmokeFailed,
        Overtaken or RolloutFailed: the alias is then where it was. Also RemoteError.
        """
        with _overtaken(release.function):
            seen = self._look(release, alias)
            done: set[type[Step]] = set()
            while step := next_step(release, alias, seen):
                self._require_not_undone(step, done, release.function)
                self._tell(str(step))
                seen = self._take(step, release, seen)
        version = wanted_version(release, seen)
        if seen.alias is None or version is None:
            raise RolloutFailed(f"alias '{alias}' of '{release.function}' was not reached")
        return Deployed(seen.alias, version)

    def plan(self, release: Release, alias: str) -> list[Step]:
        """The steps that ``run`` would take now; nothing is changed."""
        return list(planned(release, alias, self._look(release, alias)))

    def roll_back(self, function: str, name: str) -> Deployed:
        """Point the alias back at the version that it pointed at before; a second time undoes that.

        That version passed its smoke when it was rolled out. Raises RolloutFailed or Overtaken.
        """
        with _overtaken(function):
            alias = self._aliases.find(function, name)
            if alias is None or alias.previous is None:
                what = "does not exist" if alias is None else f"is at version {alias.version}, the first"
                raise RolloutFailed(
                    f"alias '{name}' of '{function}' {what}: there is nothing to roll back to"
                )
            version = self._previous(function, alias, alias.previous)
            self._tell(str(MoveAlias(alias, version.number)))
            return Deployed(self._aliases.move(function, alias, version.number), version)

    def _previous(self, function: str, alias: Alias, number: str) -> Version:
        try:
            return self._functions.version(function, number)
        except FunctionNotFound as error:
            raise RolloutFailed(
                f"alias '{alias.name}' of '{function}' was at version {number} before, which was deleted: "
                "deploy the code that you want"
            ) from error

    def _look(self, release: Release, alias: str) -> Seen:
        function = release.function
        layers = {layer.name: self._layers.find(layer.name, layer.sha256) for layer in release.layers}
        try:
            latest = self._settled(function, LATEST)
        except FunctionNotFound as error:
            if release.declared.role is None:
                raise FunctionNotFound(
                    f"there is no function '{function}' in this account and region: create it, or let it be "
                    "created by naming its role in [tool.blackcat.lambda]"
                ) from error
            return Seen(layers, None, (), None)
        published = tuple(self._functions.published(function))
        return Seen(layers, latest, published, self._aliases.find(function, alias))

    @staticmethod
    def _require_not_undone(step: Step, done: set[type[Step]], function: str) -> None:
        """What is to be done again was undone: two rollouts must not go on overwriting each other."""
        if isinstance(step, PublishLayer):
            return
        if type(step) in done:
            raise Overtaken(_TOLD.format(function=function))
        done.add(type(step))

    def _take(self, step: Step, release: Release, seen: Seen) -> Seen:
        function = release.function
        if isinstance(step, PublishLayer):
            return self._publish_layer(step, seen)
        if isinstance(step, CreateFunction):
            role = release.declared.role or ""
            self._functions.create(function, release.code, step.configuration, role=role)
            return replace(seen, latest=self._changed(function))
        if isinstance(step, Try):
            self._try(step.version, release)
            return replace(seen, passed=seen.passed | {step.version})
        if isinstance(step, CreateAlias):
            return replace(seen, alias=self._aliases.create(function, step.name, step.version))
        if isinstance(step, MoveAlias):
            return replace(seen, alias=self._aliases.move(function, step.alias, step.version))
        return self._change(step, release, seen)

    def _change(self, step: UpdateCode | Configure | Publish, release: Release, seen: Seen) -> Seen:
        """A change of $LATEST, or a version of it: of exactly what was seen, by its revision."""
        if seen.latest is None:
            raise FunctionNotFound(f"there is no function '{release.function}'")
        function, revision = release.function, seen.latest.revision
        if isinstance(step, UpdateCode):
            self._functions.update_code(
                function, release.code, architecture=step.architecture, revision=revision
            )
            return replace(seen, latest=self._changed(function))
        if isinstance(step, Configure):
            self._functions.configure(function, step.configuration, revision=revision)
            return replace(seen, latest=self._changed(function))
        version = self._functions.publish(function, code_sha256=release.code_sha256, revision=revision)
        version = replace(version, configuration=seen.latest.configuration)
        return replace(seen, published=(version, *seen.published))

    def _publish_layer(self, step: PublishLayer, seen: Seen) -> Seen:
        layer = step.layer
        arn = self._layers.publish(layer.name, layer.content, sha256=layer.sha256, targets=layer.targets)
        return replace(seen, layers={**seen.layers, layer.name: arn})

    def _try(self, number: str, release: Release) -> None:
        self._usable(self._settled(release.function, number), release.function)
        answer = self._functions.invoke(release.function, number, release.event)
        if problem := smoke_problem(release.smoke, answer):
            raise SmokeFailed(
                f"version {number} of '{release.function}' does not pass its smoke invocation: {problem}; no "
                "alias was moved; look into its log, with "
                f"`aws logs tail /aws/lambda/{release.function} --since 10m`"
            )

    def _changed(self, function: str) -> Version:
        return self._usable(self._settled(function, LATEST), function)

    @staticmethod
    def _usable(version: Version, function: str) -> Version:
        if version.status is Status.FAILED:
            raise RolloutFailed(
                f"Lambda could not make '{function}' {version.number} ready: {version.reason}"
            )
        return version

    def _settled(self, function: str, number: str) -> Version:
        """The version once no change of it is under way any more."""
        deadline, pause = self._clock.monotonic() + PATIENCE.total_seconds(), _FIRST_PAUSE
        while (version := self._functions.version(function, number)).status is Status.PENDING:
            if self._clock.monotonic() >= deadline:
                minutes = PATIENCE.total_seconds() / 60
                raise RolloutFailed(
                    f"Lambda is still changing '{function}' {number} after {minutes:g} minutes: run it again"
                )
            self._pause(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        return version


_TOLD = (
    "another rollout changed '{function}' at the same time, and this one stops: no alias was moved; "
    "see what the other came to, and run it again"
)


@contextmanager
def _overtaken(function: str) -> Iterator[None]:
    try:
        yield
    except ConditionFailed as error:
        raise Overtaken(_TOLD.format(function=function)) from error
