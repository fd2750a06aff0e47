"""What the domain's interfaces are bound to: built at first need, once per process."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from threading import RLock
from typing import Any, TypeVar, get_type_hints

from blackcat.application.entrypoint import dependencies, injected
from blackcat.errors import EntrypointError, InjectionError

T = TypeVar("T")


class Parts:
    """One instance of each type: of an interface by the function that is annotated to return it.

    Any other class is built from the annotations of its own fields, which are parts too.
    """

    def __init__(self, bindings: Iterable[Callable[[], Any]]) -> None:
        self._makers = _by_type(bindings)
        self._built: dict[Any, Any] = {}
        self._making: list[str] = []
        self._lock = RLock()

    def resolve(self, service_key: type[T]) -> T:
        """Raises InjectionError for what is not bound, or what the making of it raised as its cause."""
        with self._lock:
            if service_key not in self._built:
                self._built[service_key] = self._made(service_key)
            part: T = self._built[service_key]
            return part

    def _made(self, kind: Any) -> Any:
        name = getattr(kind, "__name__", str(kind))
        if name in self._making:
            raise InjectionError(f"{' needs '.join([*self._making, name])}: let one of them do without")
        self._making.append(name)
        try:
            if kind in self._makers:
                return self._makers[kind]()
            return self._composed(kind, name)
        finally:
            self._making.pop()

    def _composed(self, kind: Any, name: str) -> Any:
        if not inspect.isclass(kind) or inspect.isabstract(kind) or getattr(kind, "_is_protocol", False):
            raise InjectionError(
                f"nothing is bound to {name}: add a function that returns it to the bindings of "
                "core/mew/core.py"
            )
        if kind.__module__ == "builtins":
            raise InjectionError(f"a {name} says nothing of what is wanted: annotate it with an interface")
        return kind(**injected(dependencies(kind, subject=name), self, subject=name))


def _by_type(bindings: Iterable[Callable[[], Any]]) -> Mapping[Any, Callable[[], Any]]:
    makers: dict[Any, Callable[[], Any]] = {}
    for maker in bindings:
        kind = _returned(maker)
        if kind in makers:
            raise InjectionError(
                f"{kind.__name__} is bound twice, by {_named(makers[kind])} and {_named(maker)}: keep one"
            )
        makers[kind] = maker
    return makers


def _returned(maker: Callable[[], Any]) -> Any:
    try:
        kind = get_type_hints(maker).get("return")
    except NameError as error:
        raise EntrypointError(f"the annotation of {_named(maker)} cannot be read: {error}") from error
    if not inspect.isclass(kind) or kind is type(None):
        raise EntrypointError(f"{_named(maker)} does not say what it makes: annotate what it returns")
    return kind


def _named(maker: Callable[[], Any]) -> str:
    return getattr(maker, "__qualname__", repr(maker))
