"""Secrets Manager and SSM Parameter Store as sources of settings; nothing is called without need."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource
from pydantic_settings import SettingsError as SourceError

from blackcat.domain.references import FromParameter, FromSecret
from blackcat.domain.secret import PLAIN_KEYS, confidential
from blackcat.errors import BlackcatError, InvalidDeclaration, InvalidSecret
from blackcat.infra.redaction import redactor
from blackcat.infra.settings.names import kept_in, variables
from blackcat.infra.settings.problems import Problem, tell
from blackcat.infra.settings.stores import Place, Reading

Kept = TypeVar("Kept")

# Read before any secret is: to find it, and the .env file that may name it.
_KNOWN_BEFORE = frozenset(
    {"environment", "aws_region", "aws_endpoint_url", "resource_prefix", "secrets_name"}
)


@dataclass(frozen=True)
class Found:
    """A value as it is kept, and the texts in it that must not be seen."""

    value: Any = field(repr=False)
    hidden: tuple[str, ...] = field(default=(), repr=False)


class RemoteSource(PydanticBaseSettingsSource):
    """Settings that are kept in one place in AWS.

    ``origin`` names the place. ``confidential`` holds, once they were read, the fields whose values must
    not be shown. What cannot be read is told, and does not keep the rest from being read.
    """

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        *,
        origin: str,
        fields: Sequence[str],
        find: Callable[[], Mapping[str, Found]],
    ) -> None:
        super().__init__(settings_cls)
        self.origin = origin
        self.confidential: set[str] = set()
        self._fields = fields
        self._find = find

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return field_name if field_name in self._fields else None, field_name, False

    def __call__(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, found in self._find().items():
            for text in found.hidden:
                redactor.learn(text)
                self.confidential.add(name)
            values |= self._read(name, found.value)
        return values

    def _read(self, name: str, value: Any) -> dict[str, Any]:
        """The value, read as one of the environment: by its aliases, as JSON where the type is complex."""
        if value is None or isinstance(value, bytes):
            return {name: value}
        variable = variables(self.settings_cls, name)[0]
        text = value if isinstance(value, str) else json.dumps(value)
        environment = EnvSettingsSource(self.settings_cls)
        environment.env_vars = {variable: text, variable.lower(): text}
        try:
            return environment()
        except SourceError:
            _tell(variable, f"what {self.origin} holds for it is not JSON")
            return {}


def remote_sources(
    cls: type[BaseSettings], arguments: Mapping[str, Any], told: Mapping[str, str], own: frozenset[str]
) -> list[RemoteSource]:
    """A source for each place that holds a setting which neither arguments nor ``told`` give.

    ``told`` is what environment and ``.env`` files say. The settings named in ``own`` are no secrets.
    """
    names = {name: variables(cls, name) for name in cls.model_fields}
    fields = {variable for known in names.values() for variable in known}
    given = {argument.upper(): value for argument, value in arguments.items()}

    def said(name: str) -> list[Any]:
        """What the stronger sources say, the strongest first."""
        by_argument = [given[one] for one in (name.upper(), *names[name]) if one in given]
        return [*by_argument, *(told[one] for one in names[name] if one in told)]

    def strongest(name: str) -> Any:
        return next(iter(said(name)), None)

    missing = [name for name in names if not said(name)]
    pointers = {variable: text for variable, text in told.items() if variable not in fields}
    references = {
        name: reference
        for name in missing
        if (reference := _reference(cls.model_fields[name], names[name][0], pointers))
    }
    secrets = {name: one for name, one in references.items() if isinstance(one, FromSecret)}
    parameters = {name: one.name for name, one in references.items() if isinstance(one, FromParameter)}
    place = Place(strongest("aws_region"), strongest("aws_endpoint_url"), strongest("resource_prefix") or "")
    reading = Reading(place, list(parameters.values()))
    unnamed = [name for name in missing if name not in {*references, *_KNOWN_BEFORE}]
    return [
        *_secret_sources(cls, secrets, reading),
        *_shared_secret_source(cls, strongest("secrets_name"), unnamed, reading, own),
        *_parameter_sources(cls, parameters, reading),
    ]


def _reference(field: FieldInfo, variable: str, told: Mapping[str, str]) -> FromSecret | FromParameter | None:
    """Where the field is kept: as environment or ``.env`` say, or else its annotation."""
    if secret := told.get(f"{variable}_SECRET"):
        return _parsed(FromSecret.parse, secret, variable, f"{variable}_SECRET")
    if parameter := told.get(f"{variable}_PARAMETER"):
        return _parsed(FromParameter, parameter, variable, f"{variable}_PARAMETER")
    return kept_in(field)


def _parsed(parse: Callable[[str], Kept], text: str, variable: str, pointer: str) -> Kept | None:
    try:
        return parse(text)
    except InvalidDeclaration as error:
        tell(Problem(str(error), variable, verb=f"is wrong in {pointer}"))
        return None


def _secret_sources(
    cls: type[BaseSettings], references: Mapping[str, FromSecret], reading: Reading
) -> Iterator[RemoteSource]:
    by_version: dict[tuple[str, str, str | None], dict[str, FromSecret]] = {}
    for name, reference in references.items():
        by_version.setdefault(reference.version(reading.place.prefix), {})[name] = reference
    for (secret, *_), fields in by_version.items():
        find = partial(_each, cls, fields, partial(_of_secret, reading))
        yield RemoteSource(cls, origin=f"secret {secret}", fields=list(fields), find=find)


def _shared_secret_source(
    cls: type[BaseSettings], secret: str | None, fields: Sequence[str], reading: Reading, own: frozenset[str]
) -> Iterator[RemoteSource]:
    if secret:
        find = partial(_of_shared_secret, cls, secret, fields, reading, own)
        yield RemoteSource(cls, origin=f"secret {secret}", fields=(), find=find)


def _parameter_sources(
    cls: type[BaseSettings], names: Mapping[str, str], reading: Reading
) -> Iterator[RemoteSource]:
    for name, parameter in names.items():
        find = partial(_each, cls, {name: parameter}, partial(_of_parameter, reading))
        yield RemoteSource(cls, origin=f"parameter {parameter}", fields=[name], find=find)


def _each(
    cls: type[BaseSettings], places: Mapping[str, Kept], find: Callable[[Kept], Found]
) -> Mapping[str, Found]:
    """What is found of each field; what is not is told."""
    found = {}
    for name, place in places.items():
        try:
            found[name] = find(place)
        except BlackcatError as error:
            variable = variables(cls, name)[0]
            _tell(variable, f"{error}; or set it in the environment or in .env", verb="cannot be read")
    return found


def _of_secret(reading: Reading, reference: FromSecret) -> Found:
    value = reading.secret(reference)
    if reference.key is None:
        return Found(value.content, tuple(value.confidential()))
    return _under(reference.key, value.key(reference.key))


def _of_parameter(reading: Reading, name: str) -> Found:
    parameter = reading.parameter(name)
    return Found(parameter.value, (parameter.value,) if parameter.secret else ())


def _of_shared_secret(
    cls: type[BaseSettings], secret: str, fields: Sequence[str], reading: Reading, own: frozenset[str]
) -> Mapping[str, Found]:
    """What the secret's keys give: each is the name of a variable, or of a field."""
    try:
        held = _object(reading, secret)
    except BlackcatError as error:
        _tell("SECRETS_NAME", str(error), verb="cannot be read")
        return {}
    found = {}
    for name in fields:
        for variable in dict.fromkeys((*variables(cls, name), name.upper())):
            keys = [key for key in held if key.upper() == variable]
            if len(keys) > 1:
                _tell(variable, f"secret '{secret}' has {' and '.join(keys)}: keep one of them")
            for key in keys:
                found[name] = Found(held[key]) if name in own else _under(key, held[key])
    return found


def _object(reading: Reading, secret: str) -> Mapping[str, Any]:
    held = reading.secret(FromSecret(secret)).json()
    if not isinstance(held, Mapping):
        raise InvalidSecret(f"secret '{secret}' is not a JSON object: its keys should be names of settings")
    return held


def _under(key: str, value: Any) -> Found:
    return Found(value, () if key in PLAIN_KEYS else tuple(confidential(value)))


def _tell(variable: str, text: str, *, verb: str = "is wrong") -> None:
    """Raises pydantic-settings' own error where nobody gathers problems."""
    if not tell(Problem(text, variable, verb=verb)):
        raise SourceError(f"{variable} {verb}: {text}")
