"""Which settings are secret, and telling the redactor of their values before anything else sees them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard, TypeVar, get_args

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from blackcat.domain.references import FromSecret
from blackcat.domain.secret import PLAIN_KEYS, confidential
from blackcat.infra.redaction import redactor
from blackcat.infra.settings.names import aliases, kept_in, variables

T = TypeVar("T")


class LearnedBeforehand(BaseModel):
    """What all sources give together goes by here on its way to the validation.

    A validator of the project's own may put a value into its text, so the redactor knows it by then.
    """

    def __init__(self, /, **values: Any) -> None:
        if issubclass(cls := type(self), BaseSettings):
            learn(cls, values)
        super().__init__(**values)


def learn(cls: type[BaseSettings], values: Mapping[str, Any]) -> None:
    """Let the redactor know the secrets among values that are not validated yet, by variable or field."""
    given = {name.upper(): value for name, value in values.items()}
    for name, field in cls.model_fields.items():
        for variable in {name.upper(), *variables(cls, name)} & given.keys():
            for secret in _secrets_of(field, given[variable]):
                redactor.learn(secret)


def holds_secret(annotation: Any) -> bool:
    """Whether a value of this type may be, or contain, a secret: it is masked before it is validated."""
    if _is_a(annotation, BaseModel):
        return any(holds_secret(field.annotation) for field in annotation.model_fields.values())
    return _is_secret(annotation) or any(map(holds_secret, get_args(annotation)))


def is_secret(field: FieldInfo) -> bool:
    """Whether the field's declaration says that its value must not be shown, wherever it comes from."""
    kept = kept_in(field)
    return holds_secret(field.annotation) or (isinstance(kept, FromSecret) and kept.key not in PLAIN_KEYS)


def secrets_in(value: Any) -> Iterator[str]:
    """Every secret in a setting that was validated, at any depth."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, SecretBytes):
        yield value.get_secret_value().decode(errors="ignore")
    elif isinstance(value, BaseModel):
        yield from secrets_in([getattr(value, name) for name in type(value).model_fields])
    elif isinstance(value, Mapping):
        yield from secrets_in(list(value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        for member in value:
            yield from secrets_in(member)


def _secrets_of(field: FieldInfo, value: Any) -> Iterator[str]:
    yield from _secrets_by_type(field.annotation, value)
    kept = kept_in(field)
    if isinstance(kept, FromSecret) and kept.key not in PLAIN_KEYS:
        yield from _texts(value)


def _secrets_by_type(annotation: Any, value: Any) -> Iterator[str]:
    """The secrets in a value that is to become this type."""
    yield from secrets_in(value)
    if _is_a(annotation, BaseModel):
        content = _content(value)
        for name, field in annotation.model_fields.items() if isinstance(content, Mapping) else ():
            for key in {name, *aliases(field)} & content.keys():
                yield from _secrets_by_type(field.annotation, content[key])
    elif _is_secret(annotation):
        yield from _texts(value, plain=frozenset())
    else:
        for argument in filter(holds_secret, get_args(annotation)):
            for member in (value, *_members(_content(value))):
                yield from _secrets_by_type(argument, member)


def _is_secret(annotation: Any) -> bool:
    return _is_a(annotation, SecretStr) or _is_a(annotation, SecretBytes)


def _is_a(annotation: Any, kind: type[T]) -> TypeGuard[type[T]]:
    # Python 3.10 takes list[str] for a type, and not for one that may be compared.
    return inspect.isclass(annotation) and not get_args(annotation) and issubclass(annotation, kind)


def _texts(value: Any, plain: frozenset[str] = PLAIN_KEYS) -> Iterator[str]:
    """The value as a text, and what its JSON holds, if it is JSON."""
    if isinstance(value, bytes):
        value = value.decode(errors="ignore")
    if isinstance(value, str):
        yield value
    yield from confidential(_content(value), plain=plain)


def _content(value: Any) -> Any:
    """A text may be the JSON of several values, as in the environment."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _members(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list | tuple | set | frozenset):
        yield from value
