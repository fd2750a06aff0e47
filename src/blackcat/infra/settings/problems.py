"""What is wrong with settings, gathered so that all of it is told at once, and no value of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """A setting that is missing or wrong.

    ``variable`` is how it is set, empty for what concerns several; ``within`` leads to the part of it
    that is wrong. ``verb`` says what is the matter, such as "is not set". It keeps the name from standing
    right before a colon, where the redactor would take the text for the value of, say, API_KEY.
    """

    text: str
    variable: str = ""
    within: tuple[str, ...] = ()
    verb: str = "is wrong"

    @property
    def subject(self) -> str:
        return "__".join((self.variable, *self.within)).upper()


_gathered: ContextVar[list[Problem] | None] = ContextVar("problems of settings", default=None)


@contextmanager
def gathered() -> Iterator[list[Problem]]:
    """The list that ``tell`` fills meanwhile."""
    problems: list[Problem] = []
    token = _gathered.set(problems)
    try:
        yield problems
    finally:
        _gathered.reset(token)


def tell(problem: Problem) -> bool:
    """Add to what is gathered; False where nobody gathers."""
    problems = _gathered.get()
    if problems is None:
        return False
    problems.append(problem)
    return True


def explained(problems: Iterable[Problem]) -> str:
    """All of them in one text; settings with the same problem are named together."""
    subjects: dict[tuple[str, str], dict[str, None]] = {}
    for problem in problems:
        subjects.setdefault((problem.verb, problem.text), {})[problem.subject] = None
    return "settings are missing or wrong: " + "; ".join(
        _sentence(list(filter(None, names)), verb, text) for (verb, text), names in subjects.items()
    )


def _sentence(names: Sequence[str], verb: str, text: str) -> str:
    if not names:
        return text
    if len(names) > 1 and verb.startswith("is "):
        verb = f"are {verb.removeprefix('is ')}"
    return f"{', '.join(names)} {verb}: {text}"
