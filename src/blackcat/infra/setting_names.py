"""By which variables a setting is known."""

from __future__ import annotations

from pydantic import AliasChoices
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings


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
