"""The lambda layout: how its projects and operations are named, and which files belong to its examples."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from blackcat.application.scaffolding.plan import File
from blackcat.application.scaffolding.source import parsed
from blackcat.domain.naming import Name
from blackcat.errors import InvalidName, ProjectError

LAYOUT = "lambda"
COMMANDS = PurePosixPath("src/domain/commands")

# The names stand in lines of generated code, twice in some.
OPERATION_MAX = 40

_SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")
_RULE = "write <project>_<functionality> in snake_case, both parts, such as"
# The application answers /health itself, and describes itself under the others.
_TAKEN_ROUTES = frozenset({"docs", "health", "redoc"})
# What generated modules import or define under these names already.
_TAKEN_WORDS = frozenset({"annotations", "clock", "router"})
_OF_AN_EXAMPLE = re.compile(r"(^|[_./])(banner|payment|installment|notification)s?([_./]|$)")


@dataclass(frozen=True)
class ProjectName:
    """``neoapp_genia_voice``: the product ``neoapp``, and its functionality ``genia_voice``."""

    project: Name
    product: Name
    functionality: Name


def project_name(text: str) -> ProjectName:
    """Raises InvalidName, with the rule and a name that keeps it."""
    if not _SNAKE.fullmatch(text):
        shown = text if len(text) <= 80 else f"{text[:60]}..."
        raise InvalidName(
            f"{shown!r} cannot be the name of a project in the lambda layout: {_RULE} {proper_name(text)}"
        )
    name = Name.parse(text, what="project")
    return ProjectName(name, Name(name.words[:1]), Name(name.words[1:]))


def proper_name(text: str) -> str:
    """The nearest name that keeps the rule."""
    plain = unicodedata.normalize("NFKD", text[:60]).encode("ascii", "ignore").decode()
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", plain)]
    while words and words[0].isdigit():
        del words[0]
    if not words:
        return "generic_send_email"
    return "_".join(words) if len(words) > 1 else f"{words[0]}_send_email"


def operation_name(text: str) -> Name:
    """The name of an operation. Raises InvalidName for what its code could not be called."""
    name = Name.parse(text, what="operation")
    if len(name.snake) > OPERATION_MAX:
        raise _taken(text, f"it has {len(name.snake)} characters, and {OPERATION_MAX} fit", "shorten it")
    if name.words[0] in ("test", "tests"):
        raise _taken(text, f"pytest would take {name.snake} for a test", "put the word elsewhere")
    if name.kebab in _TAKEN_ROUTES:
        raise _taken(text, f"the application answers /{name.kebab} itself", "add a word")
    if name.snake in _TAKEN_WORDS:
        raise _taken(text, f"generated code has a name {name.snake} already", "add a word")
    return name


def refuse_taken_command(name: Name, modules: Iterable[File]) -> None:
    """Raises InvalidName when one of these modules has a command of that name, ProjectError for no Python."""
    own = COMMANDS / f"{name.snake}_commands.py"
    for module in modules:
        if module.path != own and name.snake in _functions(module):
            raise InvalidName(
                f"'{name.snake}' cannot be the name of an operation: {module.path} has a command of that "
                "name already; choose another"
            )


def is_of_an_example(template: str) -> bool:
    """Whether a template's path names one of the operations that the example project has."""
    return _OF_AN_EXAMPLE.search(template) is not None


def _functions(module: File) -> set[str]:
    try:
        body = parsed(module.content).body
    except (SyntaxError, ValueError) as error:
        raise ProjectError(f"{module.path} is no Python: {error}; mend it and run again") from error
    return {one.name for one in body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}


def _taken(text: str, problem: str, mend: str) -> InvalidName:
    return InvalidName(f"{text!r} cannot be the name of an operation: {problem}; {mend}")
