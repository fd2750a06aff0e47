"""From an import string to something that can be called, with what it needs injected."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any, get_type_hints

from blackcat.application.ports import Resolver
from blackcat.application.worker.run import Run
from blackcat.domain.message import Message
from blackcat.errors import BlackcatError, EntrypointError, InjectionError


def load(reference: str | Callable[..., Any], *, subject: str) -> Any:
    """What an import string ``module:name`` stands for. Raises EntrypointError with the real cause."""
    if not isinstance(reference, str):
        return reference
    module_name, _, path = reference.partition(":")
    if not path:
        raise EntrypointError(f"{subject}: '{reference}' is no import string: write 'module:name'")
    target: Any = load_module(module_name, subject=subject)
    for name in path.split("."):
        if not hasattr(target, name):
            raise EntrypointError(f"{subject}: '{module_name}' has no '{name}' (import string '{reference}')")
        target = getattr(target, name)
    return target


def load_module(name: str, *, subject: str) -> Any:
    """The module of that name. Raises EntrypointError with the real cause."""
    try:
        return importlib.import_module(name)
    except BlackcatError:
        raise
    except (Exception, SystemExit) as error:
        cause = f"{type(error).__name__}: {error}"
        raise EntrypointError(f"{subject}: importing '{name}' failed with {cause}{_place(error)}") from error


@dataclass(frozen=True)
class ConsumerEntrypoint:
    """What a consumer's entrypoint takes: payload type, where the raw message goes, what is injected."""

    call: Callable[..., Any]
    payload_type: Any
    message_parameter: str | None
    injected: Mapping[str, Any]


def consumer_entrypoint(target: Any, resolver: Resolver | None, *, subject: str) -> ConsumerEntrypoint:
    """Build and inspect a consumer's entrypoint. Raises EntrypointError or InjectionError."""
    call = built(target, resolver, subject=subject)
    hints = _annotations(call, subject)
    names = [name for name, _ in _required_parameters(call)]
    if not names:
        raise EntrypointError(
            f"{subject} takes no payload: give its call a first parameter with an annotation"
        )
    payload, others = names[0], names[1:]
    if payload not in hints:
        raise EntrypointError(
            f"{subject} has no annotation for '{payload}': annotate it with a pydantic model, a dataclass, "
            "a TypedDict, dict, str or Message"
        )
    messages = [name for name in others if hints.get(name) is Message]
    wanted = {name: hints.get(name) for name in others if name not in messages}
    return ConsumerEntrypoint(
        call=call,
        payload_type=hints[payload],
        message_parameter=messages[0] if messages else None,
        injected=injected(wanted, resolver, subject=subject),
    )


def worker_entrypoint(target: Any, resolver: Resolver | None, *, subject: str) -> Callable[..., Any]:
    """Build a worker's entrypoint, its needs bound; it may be called with the Run that its job sees.

    Raises EntrypointError or InjectionError.
    """
    call = built(target, resolver, subject=subject)
    needs = dependencies(call, subject=subject)
    runs = [name for name, kind in needs.items() if kind is Run]
    wanted = {name: kind for name, kind in needs.items() if kind is not Run}
    arguments = injected(wanted, resolver, subject=subject)
    return lambda run=None: call(**arguments, **dict.fromkeys(runs, run or Run()))


def dependencies(call: Callable[..., Any], *, subject: str) -> dict[str, Any]:
    """The parameters without default, with their annotations (None where there is none)."""
    hints = _annotations(call, subject)
    return {name: hints.get(name) for name, _ in _required_parameters(call)}


def injected(wanted: Mapping[str, Any], resolver: Resolver | None, *, subject: str) -> dict[str, Any]:
    """An instance for each wanted type, from the container. Raises InjectionError, naming the type."""
    return {name: _resolved(name, kind, resolver, subject) for name, kind in wanted.items()}


def built(target: Any, resolver: Resolver | None, *, subject: str) -> Callable[..., Any]:
    """The callable itself, or an instance of the class with its needs injected.

    Raises EntrypointError or InjectionError.
    """
    if inspect.isclass(target):
        target = target(**injected(dependencies(target, subject=subject), resolver, subject=subject))
    if not callable(target):
        raise EntrypointError(f"{subject} cannot be called: give {type(target).__name__} a __call__ method")
    if inspect.iscoroutinefunction(target) or inspect.iscoroutinefunction(getattr(target, "__call__", None)):  # noqa: B004 - the method itself is wanted
        raise EntrypointError(f"{subject} is async: Blackcat runs handlers in threads; write it with 'def'")
    if inspect.isgeneratorfunction(target) or inspect.isgeneratorfunction(getattr(target, "__call__", None)):  # noqa: B004 - as above
        raise EntrypointError(f"{subject} uses 'yield', so a call of it would run nothing: write it without")
    return target  # type: ignore[no-any-return]  # callable() proves it, for a target that is Any


def _resolved(name: str, kind: Any, resolver: Resolver | None, subject: str) -> Any:
    if kind is Run:
        raise InjectionError(f"{subject} cannot have a Run for '{name}': only the call of a worker's job can")
    if kind is None:
        raise InjectionError(
            f"{subject} has no annotation for '{name}': annotate it, so that it can be injected"
        )
    wanted = getattr(kind, "__name__", str(kind))
    if resolver is None:
        raise InjectionError(
            f"{subject} needs {wanted} for '{name}', and there is no container: declare the service in a "
            "ServiceRegistry with container='module:build_container'"
        )
    try:
        return resolver.resolve(kind)
    except Exception as error:
        raise InjectionError(
            f"{subject} needs {wanted} for '{name}', which the container does not give: register it there "
            f"({type(error).__name__}: {error})"
        ) from error


def _annotations(call: Callable[..., Any], subject: str) -> dict[str, Any]:
    try:
        return get_type_hints(_annotated(call), include_extras=True)
    except NameError as error:
        raise EntrypointError(
            f"{subject}: an annotation cannot be read: {error}; import the name at run time, "
            "not under TYPE_CHECKING"
        ) from error


def _annotated(call: Callable[..., Any]) -> Any:
    if inspect.isclass(call):
        return call if is_dataclass(call) else call.__init__
    if inspect.isfunction(call) or inspect.ismethod(call):
        return call
    return type(call).__call__


def _required_parameters(call: Callable[..., Any]) -> Iterator[tuple[str, inspect.Parameter]]:
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    for name, parameter in inspect.signature(call).parameters.items():
        if parameter.default is inspect.Parameter.empty and parameter.kind not in variadic:
            yield name, parameter


def _place(error: BaseException) -> str:
    """Where in the user's code an import failed."""
    frame = error.__traceback__
    place = ""
    while frame is not None:
        filename = frame.tb_frame.f_code.co_filename
        if "importlib" not in filename and filename != __file__:
            place = f" ({filename}, line {frame.tb_lineno})"
        frame = frame.tb_next
    return place
