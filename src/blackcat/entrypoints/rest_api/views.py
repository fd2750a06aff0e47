"""Views: plain functions whose parameters are filled by name and by type.

Parameters of the route are Flask's; ``body`` is the JSON body and ``query`` the query string, each
validated by its annotation; every other annotated parameter is injected from the container.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import is_dataclass
from functools import wraps
from typing import Any

from flask import Flask, abort, jsonify, request

from blackcat.application.entrypoint import dependencies, injected
from blackcat.application.ports import Resolver
from blackcat.errors import DecodingError
from blackcat.infra.payloads import decoder_for, mapping_decoder_for

_BODY = "body"
_QUERY = "query"


def bind_views(app: Flask, resolver: Resolver | None) -> None:
    """Fill the parameters of every view of the application.

    Raises InjectionError or EntrypointError, naming the view and the parameter.
    """
    for endpoint, view in app.view_functions.items():
        if not hasattr(view, "view_class"):  # a MethodView is built by its own as_view()
            app.view_functions[endpoint] = _bound(view, endpoint, _route_arguments(app, endpoint), resolver)


def _route_arguments(app: Flask, endpoint: str) -> set[str]:
    rules = app.url_map.iter_rules(endpoint)
    return {name for rule in rules for name in (*rule.arguments, *(rule.defaults or ()))}


def _bound(
    view: Callable[..., Any], endpoint: str, route_arguments: Iterable[str], resolver: Resolver | None
) -> Callable[..., Any]:
    subject = f"view '{endpoint}'"
    wanted = {
        name: annotation
        for name, annotation in dependencies(view, subject=subject).items()
        if name not in route_arguments
    }
    read = _readers(wanted, subject)
    fixed = injected(
        {name: kind for name, kind in wanted.items() if name not in read}, resolver, subject=subject
    )

    @wraps(view)
    def call(**route: Any) -> Any:
        from_request = {name: reader() for name, reader in read.items()}
        try:
            return _response(view(**route, **fixed, **from_request))
        except (SystemExit, KeyboardInterrupt) as end:
            # Either would end the process, with every other request that it serves.
            raise RuntimeError(f"the view raised {type(end).__name__}") from end

    return call


def _readers(wanted: dict[str, Any], subject: str) -> dict[str, Callable[[], Any]]:
    readers: dict[str, Callable[[], Any]] = {}
    if _BODY in wanted:
        decode = decoder_for(wanted[_BODY], subject=subject) or str
        readers[_BODY] = lambda: decode(_json_text())
    if _QUERY in wanted:
        decode_query = mapping_decoder_for(wanted[_QUERY], subject=subject)
        readers[_QUERY] = lambda: decode_query(request.args.to_dict())
    return readers


def _json_text() -> str:
    if not request.is_json:
        abort(415, "send the body as JSON, with the header 'Content-Type: application/json'")
    data = request.get_data(cache=True)
    if not data:
        raise DecodingError("the request needs a JSON body")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise DecodingError("the body is not UTF-8") from error


def _response(result: Any) -> Any:
    """What Flask takes, from what a view returns: dataclasses and pydantic models become JSON."""
    if isinstance(result, tuple):
        first, *rest = result
        return (_response(first), *rest)
    if (is_dataclass(result) and not isinstance(result, type)) or hasattr(result, "model_dump"):
        return jsonify(result)
    return result
