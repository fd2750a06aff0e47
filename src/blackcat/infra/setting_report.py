"""What each setting is and where it came from: Blackcat's own settings, and the project's."""

from __future__ import annotations

import sys
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
)
from pydantic_settings import SettingsError as SourceError

from blackcat.domain.setting import Setting
from blackcat.infra.configuration import Settings
from blackcat.infra.redaction import MASK, redactor

ENVIRONMENT = "environment"
DEFAULT = "default"
NOT_SET = "not set"


@dataclass(frozen=True)
class Origin:
    """A source of settings under the label that people know it by, and the values that it gives."""

    label: str
    values: Mapping[str, Any]


def setting_report(root: Path) -> list[Setting]:
    """Blackcat's settings, then those of each class that the project's imported modules declare."""
    classes: list[type[Settings]] = [Settings, *_project_classes(root)]
    return [setting for cls in classes for setting in _reported(cls, classes)]


def _project_classes(root: Path) -> list[type[Settings]]:
    found = dict.fromkeys(cls for cls in _subclasses(Settings) if _is_within(cls, root))
    return sorted(found, key=lambda cls: (cls.__module__, cls.__qualname__))


def _subclasses(cls: type[Settings]) -> Iterator[type[Settings]]:
    for subclass in cls.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _is_within(cls: type, root: Path) -> bool:
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    path = Path(file or "").absolute()
    return path.is_relative_to(root) and "site-packages" not in path.parts


def _reported(cls: type[Settings], classes: Sequence[type[Settings]]) -> Iterator[Setting]:
    """What this class declares itself, or declares anew; the rest stands under the class above."""
    inherited = [above.model_fields for above in classes if above is not cls and issubclass(cls, above)]
    try:
        origins = list(_origins(cls))
    except UnicodeDecodeError:  # of an .env file; the validation tells it
        origins = [Origin(ENVIRONMENT, _given(cls, EnvSettingsSource(cls)))]
    values, problems = _validated(cls)
    for name, field in cls.model_fields.items():
        if not any(repr(fields.get(name)) == repr(field) for fields in inherited):
            yield _setting(cls, name, origins, values, problems.get(name))
    if "" in problems:
        yield Setting(variable=cls.__name__, value=None, source="", owner=cls.__name__, problem=problems[""])


def _setting(
    cls: type[Settings],
    name: str,
    origins: Sequence[Origin],
    values: Mapping[str, Any],
    problem: str | None,
) -> Setting:
    field = cls.model_fields[name]
    source, raw = _found(name, field, origins)
    variable = _variable(cls, name, field)
    return Setting(
        variable=variable,
        value=_shown(variable, field, values.get(name, raw)),
        source=source,
        owner=cls.__name__,
        problem=problem and redactor.text(problem),
    )


def _found(name: str, field: FieldInfo, origins: Sequence[Origin]) -> tuple[str, Any]:
    names = [name, *_aliases(field)]
    for origin in origins:
        for key, value in origin.values.items():
            if key.lower() in map(str.lower, names):
                return origin.label, value
    return (NOT_SET, None) if field.is_required() else (DEFAULT, field.get_default())


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
            yield Origin(_label(source), _given(cls, source))


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


def _validated(cls: type[Settings]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values, and the problems by field; under the empty name what concerns no single one."""
    settings = cls.__new__(cls)
    try:
        # Our own __init__ tells all problems in one text.
        BaseSettings.__init__(settings)
    except ValidationError as error:
        return {}, _problems(cls, error)
    except SourceError as error:
        return {}, {"": f"{error}: write it as JSON"}
    except UnicodeDecodeError:
        return {}, {"": "an .env file is not UTF-8: save it as UTF-8"}
    return {name: getattr(settings, name) for name in cls.model_fields}, {}


def _problems(cls: type[Settings], error: ValidationError) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        first, *within = list(map(str, problem["loc"])) or [""]
        message = problem["msg"].removeprefix("Value error, ")
        text = "set it in the environment or in .env" if problem["type"] == "missing" else message
        found.setdefault(_field_named(cls, first), []).append(": ".join([*within, text]))
    return {name: "; ".join(texts) for name, texts in found.items()}


def _field_named(cls: type[Settings], name: str) -> str:
    """The field that a problem's place begins with; none for what concerns several."""
    if name in cls.model_fields:
        return name
    return next((field for field, info in cls.model_fields.items() if name in _aliases(info)), "")


def _aliases(field: FieldInfo) -> list[str]:
    alias = field.validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias, field.alias]
    return [choice for choice in choices if isinstance(choice, str)]


def _variable(cls: type[Settings], name: str, field: FieldInfo) -> str:
    aliases = _aliases(field)
    return aliases[0].upper() if aliases else f"{cls.model_config.get('env_prefix') or ''}{name}".upper()


def _shown(variable: str, field: FieldInfo, value: Any) -> Any:
    """The value in JSON's types, without secrets."""
    if isinstance(value, SecretStr | SecretBytes):
        return MASK if value.get_secret_value() else ""
    if isinstance(value, str) and value and _holds_secret(field.annotation):
        return MASK
    return redactor.fields({variable: to_jsonable_python(value, fallback=str)})[variable]


def _holds_secret(annotation: Any) -> bool:
    """Whether a value of this type may be, or contain, a secret: it is masked before it is validated."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any(_holds_secret(field.annotation) for field in annotation.model_fields.values())
    return annotation in (SecretStr, SecretBytes) or any(map(_holds_secret, typing.get_args(annotation)))
