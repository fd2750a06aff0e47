"""Write src/.env for this machine from src/.env.example: ``python -m src.scripts.setup_env``.

    setup_env                                   ask for each variable; Enter keeps the value that is shown
    setup_env --yes --set ENVIRONMENT=dev       ask nothing
    setup_env --check                           only say whether the secrets exist that the settings name

A file that is there is not replaced without --force, which keeps its values as defaults. What is secret is
better left in Secrets Manager: no value is shown once it was typed.
"""

from __future__ import annotations

import argparse
import getpass
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import blackcat
from blackcat import BlackcatError, FromSecret
from blackcat.resources import SecretResource
from dotenv import dotenv_values

from ..config import Settings
from ..core.mew.config import settings_of

SRC = Path(__file__).parents[1]
DRIVERS = {"postgres_secret": "psycopg", "odbc_secret": "pyodbc", "mongo_secret": "pymongo"}
SECRET_WORDS = ("KEY", "PASSWORD", "TOKEN")

_LINE = re.compile(r"(?P<off>#?)(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>.*)")


@dataclass(frozen=True)
class Variable:
    """One line of the example; ``off`` is one that stands there as a comment."""

    name: str
    value: str
    off: bool

    @property
    def is_secret(self) -> bool:
        return self.name.endswith(SECRET_WORDS)


def main(arguments: Sequence[str] | None = None, src: Path = SRC) -> int:
    """The exit status: 0, or 1 if something has to be done first; the text on stderr says what."""
    asked = _parser().parse_args(arguments)
    try:
        if asked.check:
            return check_secrets()
        write_env(src, dict(asked.set), ask=keep if asked.yes else ask_terminal, replaces=asked.force)
    except (BlackcatError, NotWritten) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


class NotWritten(Exception):
    """The file was left as it is; the text says why."""


def write_env(src: Path, given: Mapping[str, str], *, ask: Callable[[Variable], str], replaces: bool) -> None:
    """Raises NotWritten."""
    target = src / ".env"
    if target.exists() and not replaces:
        raise NotWritten(f"{target} is there and was left as it is: --force replaces it")
    example = (src / ".env.example").read_text(encoding="utf-8")
    if unknown := sorted(set(given) - {variable.name for variable in variables(example)}):
        raise NotWritten(f"--set {', '.join(unknown)}: .env.example has no such variable")
    kept = {name: value or "" for name, value in dotenv_values(target, interpolate=False).items()}
    text = filled_in(example, {**kept, **given}, ask)
    target.touch(mode=0o600)
    target.write_text(text, encoding="utf-8")
    print(f"wrote {target}")


def variables(example: str) -> list[Variable]:
    return [found for line in example.splitlines() if (found := _variable(line))]


def filled_in(example: str, values: Mapping[str, str], ask: Callable[[Variable], str]) -> str:
    """The example with a value for each variable; those that are given are not asked for, and all kept."""
    lines = []
    for line in example.splitlines():
        variable = _variable(line)
        if variable is None:
            lines.append(line)
            continue
        value = values.get(variable.name)
        if value is None:
            value = ask(variable)
        unchanged = value == variable.value or not value
        lines.append(line if unchanged else f"{variable.name}={quoted(value)}")
    known = {variable.name for variable in variables(example)}
    others = [f"{name}={quoted(value)}" for name, value in values.items() if name not in known]
    return "\n".join([*lines, *others, ""])


def quoted(value: str) -> str:
    if re.fullmatch(r"[\w./:@%+,=-]*", value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def keep(variable: Variable) -> str:
    return variable.value


def ask_terminal(variable: Variable) -> str:
    if not sys.stdin.isatty():
        raise NotWritten("there is no terminal to ask at: say --yes, and --set NAME=VALUE for what differs")
    if variable.is_secret:
        return getpass.getpass(f"{variable.name} (not shown; Enter leaves it to Secrets Manager): ").strip()
    return input(f"{variable.name} [{variable.value}]: ").strip() or variable.value


def check_secrets() -> int:
    """Whether each secret that the settings name can be read; says nothing of what is in it."""
    missing = 0
    for name, key in secrets():
        try:
            secret = blackcat.connect(SecretResource(name)).get()
            if key:
                secret.key(key)
            print(f"{name}: there")
        except BlackcatError as error:
            missing += 1
            print(f"{name}: {error}", file=sys.stderr)
    return 1 if missing else 0


def secrets() -> list[tuple[str, str | None]]:
    """Those of the databases whose drivers are installed, and of the fields that are read from one, with the
    key of each.
    """
    settings = settings_of(Settings)
    databases = [(getattr(settings, field), None) for field, driver in DRIVERS.items() if find_spec(driver)]
    fields = [field for kind in settings_of.classes for field in kind.model_fields.values()]
    references = [found for field in fields for found in field.metadata if isinstance(found, FromSecret)]
    return [*databases, *((str(reference.secret), reference.key) for reference in references)]


def _variable(line: str) -> Variable | None:
    found = _LINE.fullmatch(line)
    return Variable(found["name"], found["value"], bool(found["off"])) if found else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="setup_env", description="Write src/.env for this machine.")
    parser.add_argument("--yes", action="store_true", help="ask nothing: take what the example says")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", type=_pair)
    parser.add_argument("--force", action="store_true", help="replace the file that is there")
    parser.add_argument("--check", action="store_true", help="only check that the secrets exist")
    return parser


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=VALUE")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
