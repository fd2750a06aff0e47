"""The project's container, open for as long as the service runs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from blackcat.application.entrypoint import load
from blackcat.application.ports import Resolver
from blackcat.errors import EntrypointError


@contextmanager
def opened_container(reference: str | Callable[..., Any] | None) -> Iterator[Resolver | None]:
    """Call what the registry's ``container`` names; a context manager is entered, and left at the end.

    Yields None when the registry names none. Raises EntrypointError for what cannot resolve types.
    """
    if reference is None:
        yield None
        return
    subject = f"container {_name(reference)}"
    built = load(reference, subject=subject)()
    if isinstance(built, AbstractContextManager):
        with built as entered:
            yield _resolver(entered, subject)
    else:
        yield _resolver(built, subject)


def _resolver(candidate: Any, subject: str) -> Resolver:
    if inspect.isgenerator(candidate):
        raise EntrypointError(
            f"{subject} is a generator function: decorate it with @contextlib.contextmanager"
        )
    if not callable(getattr(candidate, "resolve", None)):
        kind = type(candidate).__name__
        raise EntrypointError(f"{subject} gave a {kind}, which has no resolve(type): return a punq.Container")
    resolver: Resolver = candidate
    return resolver


def _name(reference: str | Callable[..., Any]) -> str:
    return f"'{reference}'" if isinstance(reference, str) else repr(getattr(reference, "__name__", reference))
