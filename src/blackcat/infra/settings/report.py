"""What each setting is and where it came from: Blackcat's own settings, and the project's."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretBytes, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python
from pydantic_settings import (
    DotEnvSettingsSource,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
)
from pydantic_settings import SettingsError as SourceError

from blackcat.domain.references import NamesSecret
from blackcat.domain.setting import Setting
from blackcat.errors import InvalidDeclaration
from blackcat.infra.redaction import MASK, redactor
from blackcat.infra.settings.configuration import Settings, filled
from blackcat.infra.settings.names import aliases, variables
from blackcat.infra.settings.problems import Problem
from blackcat.infra.settings.secrets import is_secret
from blackcat.resources import SecretResource

ENVIRONMENT = "environment"
DEFAULT = "default"
NOT_SET = "not set"


@dataclass(frozen=True)
class Origin:
    """A source of settings under the label that people know it by, and the values that it gives.

    Those of the ``confidential`` fields are not to be shown.
    """

    label: str
    values: Mapping[str, Any]
    confidential: Collection[str] = ()


@dataclass(frozen=True)
class Given:
    """A value as its source gives it, and where it came from."""

    source: str
    value: Any
    confidential: bool = False


def setting_report(root: Path) -> list[Setting]:
    """Blackcat's settings, then those of each class that the project's imported modules declare."""
    classes: list[type[Settings]] = [Settings, *project_classes(root)]
    # Before anything is shown: a secret may stand in the wrong variable too.
    validated = {cls: _validated(cls) for cls in classes}
    settings = [one for cls in classes for one in _reported(cls, classes, *validated[cls])]
    # What concerns no single setting is found with every class: it is told with the first.
    first = {(one.variable, one.problem): one for one in reversed(settings)}
    return [one for one in settings if one.source or first[one.variable, one.problem] is one]


def _owner(cls: type[Settings]) -> str:
    """The name of the class; a project's own Settings has its module's too."""
    is_namesake = cls is not Settings and cls.__name__ == Settings.__name__
    return f"{cls.__module__}.{cls.__name__}" if is_namesake else cls.__name__


def project_classes(root: Path) -> list[type[Settings]]:
    found = dict.fromkeys(cls for cls in _subclasses(Settings) if _is_within(cls, root))
    return sorted(found, key=lambda cls: (cls.__module__, cls.__qualname__))


def _subclasses(cls: type[Settings]) -> Iterator[type[Settings]]:
    for subclass in cls.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _is_within(cls: type, root: Path) -> bool:
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    path = Path(file).absolute() if file else None
    return path is not None and path.is_relative_to(root) and "site-packages" not in path.parts


def _reported(
    cls: type[Settings],
    classes: Sequence[type[Settings]],
    values: Mapping[str, Any],
    problems: Sequence[Problem],
) -> Iterator[Setting]:
    """What this class declares itself, or declares anew; the rest stands under the class above."""
    inherited = [above.model_fields for above in classes if above is not cls and issubclass(cls, above)]
    try:
        origins = list(_origins(cls))
    except UnicodeDecodeError:  # of an .env file; the validation tells it
        origins = [Origin(ENVIRONMENT, _given(cls, EnvSettingsSource(cls)))]
    for name, field in cls.model_fields.items():
        if not any(repr(fields.get(name)) == repr(field) for fields in inherited):
            yield _setting(cls, name, origins, values, problems)
    known = {variable for name in cls.model_fields for variable in variables(cls, name)}
    for problem in problems:
        if problem.variable not in known:
            subject = problem.variable or cls.__name__
            yield Setting(
                variable=subject, value=None, source="", owner=_owner(cls), problem=_text([problem])
            )


def _setting(
    cls: type[Settings],
    name: str,
    origins: Sequence[Origin],
    values: Mapping[str, Any],
    problems: Sequence[Problem],
) -> Setting:
    field = cls.model_fields[name]
    given = _found(name, field, origins)
    value = values.get(name, given.value)
    names = variables(cls, name)
    return Setting(
        variable=names[0],
        value=MASK if given.confidential else _shown(names[0], field, value),
        source=given.source,
        owner=_owner(cls),
        problem=_text([problem for problem in problems if problem.variable in names]),
    )


def _found(name: str, field: FieldInfo, origins: Sequence[Origin]) -> Given:
    names = [name, *aliases(field)]
    for origin in origins:
        for key, value in origin.values.items():
            if key.lower() in map(str.lower, names):
                return Given(origin.label, value, name in origin.confidential)
    return Given(NOT_SET, None) if field.is_required() else Given(DEFAULT, field.get_default())


def _origins(cls: type[Settings]) -> Iterator[Origin]:
    """The sources of this class, the strongest first."""
    sources = cls.settings_customise_sources(
        cls,
        InitSettingsSource(cls, init_kwargs={}),
        EnvSettingsSource(cls),
        DotEnvSettingsSource(cls),
        SecretsSettingsSource(cls),
    )
    for source in sources:
        if isinstance(source, DotEnvSettingsSource):
            yield from _files(cls, source)
        else:
            values = _given(cls, source)
            yield Origin(_label(source), values, getattr(source, "confidential", ()))


def _files(cls: type[Settings], source: DotEnvSettingsSource) -> Iterator[Origin]:
    """Each file for itself, the later one stronger, so that it can be named."""
    files = source.env_file if isinstance(source.env_file, list | tuple) else [source.env_file]
    for file in reversed([file for file in files if file is not None]):
        alone = DotEnvSettingsSource(cls, env_file=file, env_file_encoding=source.env_file_encoding)
        yield Origin(str(file), _given(cls, alone))


def _label(source: PydanticBaseSettingsSource) -> str:
    """A source of our own tells its ``origin``, such as the name of a secret."""
    if isinstance(source, EnvSettingsSource):
        return ENVIRONMENT
    return str(getattr(source, "origin", type(source).__name__))


def _given(cls: type[Settings], source: PydanticBaseSettingsSource) -> Mapping[str, Any]:
    try:
        return source()
    except (SourceError, UnicodeDecodeError):  # told by the validation, which reads the same source
        return {name: None for name, field in cls.model_fields.items() if _is_named(source, name, field)}


def _is_named(source: PydanticBaseSettingsSource, name: str, field: FieldInfo) -> bool:
    try:
        return source.get_field_value(field, name)[0] is not None
    except (SourceError, UnicodeDecodeError):
        return False


def _validated(cls: type[Settings]) -> tuple[dict[str, Any], list[Problem]]:
    """The values, unless there are problems, and the problems."""
    settings = cls.__new__(cls)
    problems = filled(settings, {})
    return {} if problems else {name: getattr(settings, name) for name in cls.model_fields}, problems


def _text(problems: Sequence[Problem]) -> str | None:
    texts = [": ".join([*problem.within, problem.text]) for problem in problems]
    return redactor.known_masked("; ".join(texts)) or None


def _shown(variable: str, field: FieldInfo, value: Any) -> Any:
    """The value in JSON's types, without secrets."""
    if isinstance(value, SecretStr | SecretBytes):
        return MASK if value.get_secret_value() else ""
    if isinstance(value, str) and value and is_secret(field):
        return MASK
    if _names_secret(field, value):
        return redactor.known_masked(value)
    return redactor.fields({variable: to_jsonable_python(value, fallback=str)})[variable]


def _names_secret(field: FieldInfo, value: Any) -> bool:
    """Whether it is a secret's name: what can be none may be the secret itself, by mistake."""
    if not any(isinstance(one, NamesSecret) for one in field.metadata):
        return False
    try:
        SecretResource(value)
    except InvalidDeclaration:
        return False
    return True
