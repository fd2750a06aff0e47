"""By which variables a setting is known, and where its annotation says that it is kept."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import AliasChoices
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from blackcat.domain.references import FromParameter, FromSecret


def aliases(field: FieldInfo) -> list[str]:
    alias = field.validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias, field.alias]
    return list(dict.fromkeys(choice for choice in choices if isinstance(choice, str)))


def variables(cls: type[BaseSettings], name: str) -> list[str]:
    """All that set it, the usual one first, in upper case."""
    known = aliases(cls.model_fields[name]) or [f"{cls.model_config.get('env_prefix') or ''}{name}"]
    return [variable.upper() for variable in known]


def field_named(cls: type[BaseSettings], name: str) -> str | None:
    """The field of that name or alias; None when there is none."""
    if name in cls.model_fields:
        return name
    return next((field for field, info in cls.model_fields.items() if name in aliases(info)), None)


def kept_in(field: FieldInfo) -> FromSecret | FromParameter | None:
    """Where the field's annotation says that it is kept in AWS."""
    return next(_markers([*field.metadata, field.annotation]), None)


def _markers(metadata: Sequence[Any]) -> Iterator[FromSecret | FromParameter]:
    """Those of an ``Annotated``, also within a union: ``Annotated[str, FromSecret(…)] | None``."""
    for one in metadata:
        if isinstance(one, FromSecret | FromParameter):
            yield one
        else:
            yield from _markers([*getattr(one, "__metadata__", ()), *typing.get_args(one)])
