"""Lambda in memory: functions, versions, aliases and layers, as strict as AWS about who came first."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from blackcat.application.packaging.target import Target
from blackcat.application.rollout.ports import LATEST, Alias, Answer, Configuration, Status, Version
from blackcat.errors import ConditionFailed, FunctionNotFound

Handler = Callable[[bytes], Answer]


def healthy(event: bytes) -> Answer:
    return Answer(b'{"statusCode": 200}')


@dataclass
class _Function:
    latest: Version
    published: list[Version] = field(default_factory=list)
    published_revision: str = ""
    looks_until_ready: int = 0


class InMemoryFunctions:
    """Functions whose code is never run: ``handlers`` answer invocations, by the hash of the code in hex.

    A change is under way for ``looks`` looks at the function, as on AWS for a while; its revision changes
    when it ends, once more. Code whose hash is in ``unfit`` never gets ready.
    """

    def __init__(self, *, looks: int = 1) -> None:
        self._functions: dict[str, _Function] = {}
        self._revisions = count(1)
        self._looks = looks
        self.handlers: dict[str, Handler] = {}
        self.unfit: set[str] = set()

    def version(self, function: str, number: str = LATEST) -> Version:
        found = self._found(function)
        if number == LATEST:
            return self._looked_at(found)
        for version in found.published:
            if version.number == number:
                return version
        raise FunctionNotFound(f"there is no version {number}", resource=function)

    def published(self, function: str) -> Sequence[Version]:
        return list(reversed(self._found(function).published))

    def create(self, function: str, code: Path, configuration: Configuration, *, role: str) -> None:
        if function in self._functions:
            raise ConditionFailed("the function exists already", resource=function)
        configuration = replace(configuration, others=role)
        latest = Version(LATEST, self._revision(), _sha256(code), configuration, Status.PENDING)
        self._functions[function] = _Function(latest, looks_until_ready=self._looks)

    def update_code(self, function: str, code: Path, *, architecture: str, revision: str) -> None:
        found = self._guarded(function, revision)
        configuration = replace(found.latest.configuration, architecture=architecture)
        self._change(found, replace(found.latest, code_sha256=_sha256(code), configuration=configuration))

    def configure(self, function: str, configuration: Configuration, *, revision: str) -> None:
        found = self._guarded(function, revision)
        now = found.latest.configuration
        configuration = replace(configuration, architecture=now.architecture, others=now.others)
        self._change(found, replace(found.latest, configuration=configuration))

    def publish(self, function: str, *, code_sha256: str, revision: str) -> Version:
        found = self._guarded(function, revision)
        if found.latest.code_sha256 != code_sha256:
            raise ConditionFailed("the code is another one", resource=function)
        if found.published_revision != found.latest.revision:
            number = str(len(found.published) + 1)
            found.published.append(replace(found.latest, number=number, revision=self._revision()))
            found.published_revision = found.latest.revision
        return found.published[-1]

    def invoke(self, function: str, number: str, event: bytes) -> Answer:
        version = self.version(function, number)
        return self.handlers.get(version.code_sha256, healthy)(event)

    def _found(self, function: str) -> _Function:
        if function not in self._functions:
            raise FunctionNotFound("create it, or check its name", resource=function)
        return self._functions[function]

    def _guarded(self, function: str, revision: str) -> _Function:
        found = self._found(function)
        if found.latest.status is Status.PENDING:
            raise ConditionFailed("an update is in progress", resource=function)
        if found.latest.revision != revision:
            raise ConditionFailed("the revision is another one", resource=function)
        return found

    def _change(self, found: _Function, latest: Version) -> None:
        found.latest = replace(latest, revision=self._revision(), status=Status.PENDING, reason="")
        found.looks_until_ready = self._looks

    def _looked_at(self, found: _Function) -> Version:
        if found.latest.status is Status.PENDING and found.looks_until_ready <= 0:
            unfit = found.latest.code_sha256 in self.unfit
            status, reason = (Status.FAILED, "the code is unfit") if unfit else (Status.READY, "")
            found.latest = replace(found.latest, revision=self._revision(), status=status, reason=reason)
        found.looks_until_ready -= 1
        return found.latest

    def _revision(self) -> str:
        return f"revision-{next(self._revisions)}"


class InMemoryAliases:
    """The aliases of functions in memory."""

    def __init__(self) -> None:
        self._aliases: dict[tuple[str, str], Alias] = {}
        self._revisions = count(1)

    def find(self, function: str, name: str) -> Alias | None:
        return self._aliases.get((function, name))

    def create(self, function: str, name: str, version: str) -> Alias:
        if (function, name) in self._aliases:
            raise ConditionFailed("the alias exists already", resource=function)
        return self._put(function, Alias(name, version, None, ""))

    def move(self, function: str, alias: Alias, version: str) -> Alias:
        now = self._aliases.get((function, alias.name))
        if now is None:
            raise FunctionNotFound(f"there is no alias '{alias.name}'", resource=function)
        if now.revision != alias.revision:
            raise ConditionFailed("the alias was moved meanwhile", resource=function)
        return self._put(function, Alias(alias.name, version, now.version, ""))

    def _put(self, function: str, alias: Alias) -> Alias:
        alias = replace(alias, revision=f"alias-{next(self._revisions)}")
        self._aliases[function, alias.name] = alias
        return alias


class InMemoryLayers:
    """Layers in memory; ``published`` are the ARNs in the order of their publication."""

    def __init__(self) -> None:
        self._arns: dict[tuple[str, str], str] = {}
        self.published: list[str] = []

    def find(self, name: str, sha256: str) -> str | None:
        return self._arns.get((name, sha256))

    def publish(self, name: str, content: Path, *, sha256: str, targets: Sequence[Target]) -> str:
        number = sum(f":{name}:" in arn for arn in self.published) + 1
        arn = f"arn:aws:lambda:us-east-1:000000000000:layer:{name}:{number}"
        self._arns[name, _sha256(content)] = arn
        self.published.append(arn)
        return arn


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
