"""Names that people give to projects, contexts and services, and the forms they take in code."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from blackcat.errors import InvalidName

# What SERVICE_NAME takes. A queue named after it has 17 characters left for _cmd, _dlq and .fifo.
NAME_MAX = 63
# A package's name stands in every import line of its project.
PACKAGE_MAX = 40

# What a project has already, beside its context or within it.
_TAKEN_PACKAGES = frozenset(
    {"application", "blackcat", "conftest", "domain", "entrypoints", "infra", "main", "services", "tests"}
)
# git, ruff or both pass over folders of these names.
_IGNORED_FOLDERS = frozenset({"build", "dist", "node_modules", "venv"})

# No keywords, and yet generated code could not use them for anything else.
_TAKEN_WORDS = frozenset({"self", "cls"})
# Only an interactive Python has them.
_HARMLESS = frozenset({"copyright", "credits", "help", "license"})

_ALLOWED = re.compile(r"[A-Za-z0-9]+([-_][A-Za-z0-9]+)*")
_CAMEL_WORD = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z][a-z0-9]*|[0-9]+[a-z0-9]*")


@dataclass(frozen=True)
class Name:
    """A name as its words, in lower case: ("start", "payment")."""

    words: tuple[str, ...]

    @classmethod
    def parse(cls, text: str, *, what: str) -> Name:
        """Read a name in kebab, snake, camel or Pascal case; ``what`` says what it names: "service".

        Up to 63 characters. Raises InvalidName for what Python, SQS or SERVICE_NAME could not take.
        """
        for problem in _problems_of_text(text):
            raise _refused(text, what, problem)
        name = cls(tuple(_words(text)))
        for problem in name._problems():
            raise _refused(text, what, problem)
        return name

    @classmethod
    def parse_package(cls, text: str, *, what: str, installed: Collection[str] = ()) -> Name:
        """Read a name that becomes a top-level package of a project, up to 40 characters.

        ``installed`` are the packages that it must not hide. Raises InvalidName, also for modules of
        the standard library and what every project has already.
        """
        name = cls.parse(text, what=what)
        for problem in _package_problems(name.snake, installed):
            raise _refused(text, what, problem)
        return name

    @property
    def snake(self) -> str:
        return "_".join(self.words)

    @property
    def kebab(self) -> str:
        return "-".join(self.words)

    @property
    def pascal(self) -> str:
        return "".join(word.capitalize() for word in self.words)

    @property
    def upper(self) -> str:
        return self.snake.upper()

    @property
    def title(self) -> str:
        return " ".join(self.words).capitalize()

    def _problems(self) -> Iterator[str]:
        if len(self.snake) > NAME_MAX:
            yield f"it has {len(self.snake)} characters as its own snake case, and {NAME_MAX} fit: shorten it"
            return
        for form in (self.snake, self.pascal):
            if keyword.iskeyword(form) or keyword.issoftkeyword(form) or self.snake in _TAKEN_WORDS:
                yield f"{form} means something to Python: add a word, such as {self.snake}_orders"
            elif form in vars(builtins) and form not in _HARMLESS:
                yield f"it would hide Python's own {form}: add a word, such as {self.snake}_orders"


def _refused(text: str, what: str, problem: str) -> InvalidName:
    shown = text if len(text) <= 2 * NAME_MAX else f"{text[:NAME_MAX]}..."
    article = "an" if what[0] in "aeiou" else "a"
    return InvalidName(f"{shown!r} cannot be the name of {article} {what}: {problem}")


def _problems_of_text(text: str) -> Iterator[str]:
    rule = "use letters, digits, '-' and '_', starting with a letter, such as start-payment"
    if not text:
        yield f"it is empty; {rule}"
    elif not text.isascii():
        plain = _without_accents(text)
        such = f"write it as {plain}" if _ALLOWED.fullmatch(plain) else rule
        yield f"it has characters beyond ASCII, which AWS refuses in names; {such}"
    elif "/" in text or "\\" in text or "." in text:
        yield f"it has '.' or a slash, as paths and files do; {rule}"
    elif text[0].isdigit():
        yield f"it starts with a digit, which Python refuses; {rule}"
    elif not _ALLOWED.fullmatch(text):
        yield f"it has spaces, signs, or '-' and '_' where no words are between them; {rule}"


def _without_accents(text: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))


def _words(text: str) -> Iterator[str]:
    """What is in lower case already keeps its words; only capitals start new ones."""
    for part in re.split("[-_]", text):
        if part == part.lower():
            yield part
        else:
            yield from (word.lower() for word in _CAMEL_WORD.findall(part))


def _package_problems(package: str, installed: Collection[str]) -> Iterator[str]:
    if len(package) > PACKAGE_MAX:
        yield f"as a package, {package}, it may have {PACKAGE_MAX} characters: shorten it"
    elif package in _IGNORED_FOLDERS:
        yield f"tools pass over a folder called {package}: add a word, such as {package}_orders"
    elif package in _TAKEN_PACKAGES:
        yield f"every project has something called {package} already: choose another"
    elif package in sys.stdlib_module_names:
        yield f"it would hide Python's own module {package}: add a word, such as {package}_orders"
    elif package in installed:
        yield f"it would hide the installed package {package}: add a word, such as {package}_orders"
