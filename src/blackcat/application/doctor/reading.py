"""Reading an account for the checks: what cannot be read is told, once, and stops nothing else."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from blackcat.application.doctor import rules
from blackcat.domain.findings import Finding, Rule, Unchecked
from blackcat.errors import AccessDenied, NotFound, RemoteError

T = TypeVar("T")
Reading = Generator[Finding | Unchecked, None, T | None]


def read(subject: str, ask: Callable[[], T], missing: Rule) -> Reading[T]:
    """What ``ask`` returns; otherwise None, after yielding what stood in the way."""
    try:
        return ask()
    except NotFound:
        yield missing.found(subject, "it is not in this account and region")
    except AccessDenied as error:
        yield Unchecked(subject, f"the present role may not read it: {error}")
    except RemoteError as error:
        yield rules.AWS_DOES_NOT_ANSWER.found(subject, str(error))
    return None
