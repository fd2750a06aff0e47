"""Views: plain functions whose parameters are filled by name and by type.

Parameters of the route are Flask's; ``body`` is the JSON body and ``query`` the query string, each
validated by its annotation; every other annotated parameter is injected from the container.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import wraps
from math import isfinite
from typing import Any

from flask import Flask, abort, request
from flask.views import MethodView
from werkzeug.routing import Rule

from blackcat.application.entrypoint import dependencies, injected
from blackcat.application.ports import Resolver
from blackcat.entrypoints.rest_api.answers import Answer, answers_of
from blackcat.entrypoints.rest_api.json_schemas import list_fields, number_fields
from blackcat.entrypoints.rest_api.responses import response_of
from blackcat.errors import DecodingError, EntrypointError
from blackcat.infra.payloads import json_decoder_for, mapping_decoder_for

BODY = "body"
QUERY = "query"
_NOT_FINITE = "Input should be a finite number"
# What may be a number that a float does not hold, which has 308 digits at most. One pattern of both, or one
# that starts anywhere in a run of digits, takes ten times as long.
_LARGE_EXPONENT = re.compile(r"[eE]\+?\d{3}")
_MANY_DIGITS = re.compile(r"[\s:,\[-]\d{309}")


@dataclass(frozen=True)
class _Binding:
    """What a function of the project is given besides the route's parameters, and what it answers."""

    readers: tuple[tuple[str, Callable[[], Any]], ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, Answer] = field(default_factory=dict)

    def call(self, view: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        for name, reader in self.readers:
            arguments[name] = reader()
        return response_of(view(**arguments, **self.fixed), self.answers)


def bind_views(app: Flask, resolver: Resolver | None) -> None:
    """Fill the parameters of every view of the application; of a class, those of each method.

    Raises InjectionError or EntrypointError, naming the view and the parameter.
    """
    for endpoint, view in app.view_functions.items():
        rules = list(app.url_map.iter_rules(endpoint))
        route_arguments = {name for rule in rules for name in (*rule.arguments, *(rule.defaults or ()))}
        if hasattr(view, "view_class"):
            methods = {method for rule in rules for method in rule.methods or ()}
            by_method = {
                method: _binding(written, f"view '{endpoint}', {method}", route_arguments, resolver, bound=1)
                for method in sorted(methods)
                if (written := written_for(view, method)) is not view
            }
            app.view_functions[endpoint] = _bound_class(view, by_method)
        else:
            binding = _binding(view, f"view '{endpoint}'", route_arguments, resolver)
            app.view_functions[endpoint] = _bound(view, binding)


def written_for(view: Callable[..., Any], method: str) -> Callable[..., Any]:
    """The function that the project wrote for a method: the view, or where that is a class, one in it."""
    view_class = getattr(view, "view_class", None)
    if view_class is None:
        return view
    names = ("head", "get") if method == "HEAD" else (method.lower(),)
    written = next((getattr(view_class, name) for name in names if hasattr(view_class, name)), None)
    if written is None and view_class.dispatch_request is not MethodView.dispatch_request:
        written = view_class.dispatch_request
    return written or view


def request_parameters(view: Callable[..., Any], rule: Rule) -> dict[str, Any]:
    """The annotations of a view's ``body`` and ``query``, as far as it takes them from the request."""
    in_route = {*rule.arguments, *(rule.defaults or ())}
    parameters = dependencies(view, subject=f"view '{rule.endpoint}'")
    return {name: parameters[name] for name in (BODY, QUERY) if name in parameters and name not in in_route}


def _bound(view: Callable[..., Any], binding: _Binding) -> Callable[..., Any]:
    @wraps(view)
    def call(**arguments: Any) -> Any:
        return binding.call(view, arguments)

    return call


def _bound_class(view: Callable[..., Any], by_method: Mapping[str, _Binding]) -> Callable[..., Any]:
    nothing = _Binding()

    @wraps(view)
    def call(**arguments: Any) -> Any:
        return by_method.get(request.method, nothing).call(view, arguments)

    return call


def _binding(
    written: Callable[..., Any],
    subject: str,
    route_arguments: Collection[str],
    resolver: Resolver | None,
    *,
    bound: int = 0,
) -> _Binding:
    """``bound`` parameters at the start are not to be filled: the ``self`` of a method."""
    parameters = list(dependencies(written, subject=subject).items())[bound:]
    wanted = {name: annotation for name, annotation in parameters if name not in route_arguments}
    readers = _readers(wanted, subject)
    others = {name: kind for name, kind in wanted.items() if name not in readers}
    return _Binding(
        readers=tuple(readers.items()),
        fixed=injected(others, resolver, subject=subject),
        answers=answers_of(written),
    )


def _readers(wanted: dict[str, Any], subject: str) -> dict[str, Callable[[], Any]]:
    readers: dict[str, Callable[[], Any]] = {}
    for name in (BODY, QUERY):
        if name in wanted and wanted[name] is None:
            raise EntrypointError(
                f"{subject} has no annotation for '{name}': annotate it with a pydantic model, a dataclass, "
                "a TypedDict or dict"
            )
    if BODY in wanted:
        decode = json_decoder_for(wanted[BODY], subject=subject)
        readers[BODY] = lambda: decode(_json_text())
    if QUERY in wanted:
        decode_query = mapping_decoder_for(wanted[QUERY], subject=subject)
        lists, numbers = list_fields(wanted[QUERY]), number_fields(wanted[QUERY])
        readers[QUERY] = lambda: decode_query(_query_values(lists, numbers))
    return readers


def _query_values(lists: Collection[str], numbers: Collection[str]) -> dict[str, Any]:
    """``?tag=a&tag=b`` fills a list; of anything else the first one counts."""
    for name in numbers:
        if any(map(_is_infinite, request.args.getlist(name))):
            raise DecodingError(f"{name}: {_NOT_FINITE}", fields={name: _NOT_FINITE})
    values: dict[str, Any] = request.args.to_dict()
    return {name: request.args.getlist(name) if name in lists else value for name, value in values.items()}


def _is_infinite(text: str) -> bool:
    try:
        return not isfinite(float(text))
    except ValueError:  # which pydantic tells better
        return False


def _json_text() -> str:
    # Most clients send it like this, and reading it as a mimetype takes longer than the rest.
    if request.environ.get("CONTENT_TYPE") != "application/json" and not request.is_json:
        abort(415, "send the body as JSON, with the header 'Content-Type: application/json'")
    data = request.get_data(cache=True)
    if not data:
        raise DecodingError("the request needs a JSON body")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise DecodingError("the body is not UTF-8") from error
    if _may_be_infinite(text):
        _refuse_no_numbers(text)
    return text


def _may_be_infinite(text: str) -> bool:
    return (
        "NaN" in text
        or "Infinity" in text
        or _LARGE_EXPONENT.search(text) is not None
        or _MANY_DIGITS.search(f" {text}") is not None
    )


def _refuse_no_numbers(text: str) -> None:
    """pydantic takes NaN and the infinite, for a float and for Any; an answer could not tell of them."""
    try:
        json.loads(text, parse_constant=_no_number, parse_float=_finite, parse_int=_finite)
    except (json.JSONDecodeError, RecursionError):
        return  # which pydantic tells better


def _finite(digits: str) -> float:
    number = float(digits)
    return number if isfinite(number) else _no_number(digits)


def _no_number(_: str) -> float:
    raise DecodingError("the body holds a number that is not finite, or larger than a float can be")
