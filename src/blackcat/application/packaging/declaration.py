"""What pyproject.toml says of the project's Lambda function, under ``[tool.blackcat.lambda]``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from blackcat.application.packaging.leaks import leak
from blackcat.application.packaging.limits import MAX_LAYERS
from blackcat.application.packaging.target import GLIBC, MACHINES
from blackcat.errors import InvalidPackage

ALIASES = ("hom", "prod")

# https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
MEMORY_MB = (128, 10_240)
TIMEOUT_SECONDS = (1, 900)
# https://docs.aws.amazon.com/lambda/latest/api/API_PublishLayerVersion.html
LAYER_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LAYER_ARN = re.compile(r"arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:layer:[A-Za-z0-9_-]+:\d+")
_ROLE_ARN = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]+")
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
_VARIABLE = re.compile(r"[A-Za-z]\w+")
_WITH_PASSWORD = re.compile(r"://[^/\s:@]*:[^/\s@]+@")

HANDLER = "src.main.main"
HANDLER_OF_SERVICES = "blackcat.entrypoints.aws_lambda.handler"
_TABLE = "[tool.blackcat.lambda]"


@dataclass(frozen=True)
class Smoke:
    """The invocation that a new version has to pass.

    ``event`` is a JSON file of the project, otherwise a GET of ``path`` as a function URL sends it.
    ``status`` is the statusCode that must come back; 0 asks for none, only that nothing was raised.
    """

    event: str | None = None
    path: str = "/health"
    status: int = 200


@dataclass(frozen=True)
class DeclaredFunction:
    """The function as the project declares it; what is None is left as it is in AWS.

    ``environment`` is all of the function's variables, when there is one. ``layers`` are ARNs beside those
    of ``mew`` and ``ekans``, which name the two that are built. ``exclude`` are distributions that stay out
    of the layer, ``bucket`` takes uploads over 50 MB; ``compiled`` is whether .pyc files are packed.
    """

    function: str
    handler: str | None = None
    python: str = "3.12"
    architecture: str = "x86_64"
    memory: int | None = None
    timeout: int | None = None
    environment: Mapping[str, str] | None = None
    role: str | None = None
    mew: str = "mew"
    ekans: str = "ekans"
    layers: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    requirements: str | None = None
    bucket: str | None = None
    compiled: bool = True
    smoke: Smoke = field(default_factory=Smoke)


def declared(options: Mapping[str, Any], *, project: str, alias: str | None = None) -> DeclaredFunction:
    """The declaration that holds for an alias: its own table goes before what holds for both.

    ``project`` names the function where nothing else does. Raises InvalidPackage with every problem.
    """
    common = {name: value for name, value in options.items() if name not in ALIASES}
    own = options.get(alias, {}) if alias else {}
    tables = [(_TABLE, common), *((_table(one), options[one]) for one in ALIASES if one in options)]
    problems = [problem for where, table in tables for problem in _problems(where, table)]
    if problems:
        raise InvalidPackage("; ".join(problems))
    name = project.replace("-", "_")
    merged = {"function": name, "ekans": f"{name}_ekans", **common, **own}
    both = [table["environment"] for table in (common, own) if "environment" in table]
    if both:
        merged["environment"] = {name: text for table in both for name, text in table.items()}
    merged["smoke"] = Smoke(**{**common.get("smoke", {}), **own.get("smoke", {})})
    for name in ("layers", "sources", "exclude"):
        merged[name] = tuple(merged.get(name, ()))
    return checked(DeclaredFunction(**merged))


def _table(alias: str) -> str:
    return f"[tool.blackcat.lambda.{alias}]"


def checked(function: DeclaredFunction) -> DeclaredFunction:
    """The same; raises InvalidPackage for names that Lambda does not take, wherever they came from."""
    for what, name, pattern in (
        ("function", function.function, FUNCTION_NAME),
        ("ekans", function.ekans, LAYER_NAME),
    ):
        if not pattern.fullmatch(name):
            raise InvalidPackage(
                f"'{name}' is no name that Lambda takes (letters, digits, '-' and '_', up to 64): "
                f"set {what} in {_TABLE}"
            )
    return function


def _problems(where: str, table: Any) -> Iterator[str]:
    if not isinstance(table, Mapping):
        yield f"{where} must be a table"
        return
    for key, value in table.items():
        yield from (f"{where} {problem}" for problem in _problems_of(key, value))


def _problems_of(key: str, value: Any) -> Iterator[str]:
    kind = _KINDS.get(key)
    if kind is None:
        nearest = difflib.get_close_matches(key, _KINDS, n=1)
        hint = f"did you mean '{nearest[0]}'?" if nearest else f"it knows {', '.join(_KINDS)}"
        yield f"has '{key}', which Blackcat does not know: {hint}"
    elif not _is_a(value, kind):
        yield f"{key} must be {_SAID[kind]}"
    else:
        yield from _CHECKS[key](value) if key in _CHECKS else ()


def _is_a(value: Any, kind: str) -> bool:
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "list":
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if kind == "table":
        return isinstance(value, Mapping)
    return isinstance(value, str) and bool(value)


def _one_of(key: str, names: Any) -> Any:
    def check(value: str) -> Iterator[str]:
        if value not in names:
            yield f"{key} must be {', '.join(names)}: not '{value}'"

    return check


def _within(key: str, bounds: tuple[int, int], unit: str) -> Any:
    def check(value: int) -> Iterator[str]:
        if not bounds[0] <= value <= bounds[1]:
            yield f"{key} must be {bounds[0]} to {bounds[1]} {unit}: not {value}"

    return check


def _matching(key: str, pattern: re.Pattern[str], example: str) -> Any:
    def check(value: str) -> Iterator[str]:
        if not pattern.fullmatch(value):
            yield f"{key} must look like {example}: not '{value}'"

    return check


def _layers(value: list[str]) -> Iterator[str]:
    for arn in value:
        yield from _matching("layers", _LAYER_ARN, "arn:aws:lambda:eu-west-1:123456789012:layer:name:1")(arn)
    if len(value) > MAX_LAYERS - 2:
        yield f"layers has {len(value)}, and beside mew and ekans Lambda takes {MAX_LAYERS - 2}"


def _environment(value: Mapping[str, Any]) -> Iterator[str]:
    for name, text in value.items():
        if not _VARIABLE.fullmatch(name) or name.startswith(("AWS_LAMBDA_", "LAMBDA_")):
            yield f"environment has '{name}', which Lambda does not take as a variable's name"
        elif not isinstance(text, str):
            yield f"environment {name} must be a text: put it into quotes"
        elif leak(f'{name} = "{text}"'.encode()) or _WITH_PASSWORD.search(text):
            yield f"environment {name} holds a secret: keep it in Secrets Manager, and name it here"


def _smoke(value: Mapping[str, Any]) -> Iterator[str]:
    known = {"event": "text", "path": "text", "status": "int"}
    for key, one in value.items():
        if key not in known:
            yield f"smoke has '{key}', which Blackcat does not know: it knows {', '.join(known)}"
        elif not _is_a(one, known[key]):
            yield f"smoke.{key} must be {_SAID[known[key]]}"


_SAID = {
    "text": "a text",
    "int": "a whole number",
    "bool": "true or false",
    "list": "a list of texts",
    "table": "a table",
}
_OTHER_KINDS = {
    "memory": "int",
    "timeout": "int",
    "compiled": "bool",
    "environment": "table",
    "smoke": "table",
    "layers": "list",
    "sources": "list",
    "exclude": "list",
}
_KINDS = {one.name: _OTHER_KINDS.get(one.name, "text") for one in fields(DeclaredFunction)}
_NAME_EXAMPLE = "generic_send_email (letters, digits, '-' and '_', up to 64)"
_CHECKS = {
    "function": _matching("function", FUNCTION_NAME, _NAME_EXAMPLE),
    "mew": _matching("mew", LAYER_NAME, _NAME_EXAMPLE),
    "ekans": _matching("ekans", LAYER_NAME, _NAME_EXAMPLE),
    "python": _one_of("python", GLIBC),
    "architecture": _one_of("architecture", MACHINES),
    "memory": _within("memory", MEMORY_MB, "MB"),
    "timeout": _within("timeout", TIMEOUT_SECONDS, "seconds"),
    "role": _matching("role", _ROLE_ARN, "arn:aws:iam::123456789012:role/name"),
    "layers": _layers,
    "environment": _environment,
    "smoke": _smoke,
}
