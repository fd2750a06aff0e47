"""The OpenAPI 3.1 document of an application, read from its views: plain functions with annotations.

pydantic writes JSON Schema 2020-12, which is what OpenAPI 3.1 takes as it is.
https://spec.openapis.org/oas/v3.1.1.html
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from blackcat.application.events import EventLog
from blackcat.entrypoints.rest_api.answers import JSON, Answer, answers_of
from blackcat.entrypoints.rest_api.json_schemas import Json, Schemas, Wanted
from blackcat.entrypoints.rest_api.routes import converters_of, names_in, path_of, shape_of
from blackcat.entrypoints.rest_api.views import BODY, QUERY, request_parameters, written_for

log = EventLog("blackcat.api")

# Answered by Flask itself on every route.
_AUTOMATIC = {"HEAD", "OPTIONS"}
_PROBLEM_JSON = "application/problem+json"
_OF_BODIES = (400, 413, 415, 422)
_OF_QUERIES = (422,)
_OF_ROUTES = (404,)
_PROBLEM: Json = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string", "description": "Leads to the lines of the log."},
        "errors": {
            "type": "array",
            "description": "The fields that are missing or wrong.",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


@dataclass(frozen=True)
class _Operation:
    """One method of one route, with what its view says of it."""

    id: str
    method: str
    rule: Rule
    view: Callable[..., Any]
    inputs: Mapping[str, Any]
    answers: Mapping[str, Answer]


def openapi_document(app: Flask, *, title: str, version: str, endpoints: Collection[str]) -> Json:
    """The document of all routes to these endpoints.

    An annotation that has no JSON Schema is left out, and a route whose path OpenAPI cannot tell from that
    of another one, of which a line in the log tells.
    """
    operations = list(_operations(app, endpoints))
    schemas = Schemas(dict(wanted for operation in operations for wanted in _wanted(operation)))
    problem = schemas.add("Problem", _PROBLEM)
    paths: dict[str, Json] = {}
    by_shape: dict[str, str] = {}
    for operation in operations:
        path = by_shape.setdefault(shape_of(operation.rule), path_of(operation.rule))
        method = operation.method.lower()
        if method in paths.setdefault(path, {}):
            log.warning(
                "openapi.route_left_out",
                route=operation.rule.rule,
                method=operation.method,
                hint=f"the document has another one at {path}; OpenAPI tells paths apart by their text only",
            )
        else:
            paths[path][method] = _described(operation, path, schemas, problem)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version or "unversioned"},
        "paths": paths,
        "components": {"schemas": schemas.used_in(paths)},
    }


def _operations(app: Flask, endpoints: Collection[str]) -> Iterator[_Operation]:
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in endpoints or rule.build_only:
            continue
        methods = sorted((rule.methods or set()) - _AUTOMATIC)
        alone = len(methods) == 1 and len(list(app.url_map.iter_rules(rule.endpoint))) == 1
        for method in methods:
            view = _view(app.view_functions[rule.endpoint], method)
            name = rule.endpoint.replace(".", "_")
            yield _Operation(
                id=name if alone else f"{method.lower()}_{name}_{_words(rule.rule)}".rstrip("_"),
                method=method,
                rule=rule,
                view=view,
                inputs=request_parameters(view, rule),
                answers=answers_of(view),
            )


def _view(view: Callable[..., Any], method: str) -> Callable[..., Any]:
    """The function that the project wrote, below its decorators."""
    unwrapped: Callable[..., Any] = inspect.unwrap(written_for(view, method))
    return unwrapped


def _words(path: str) -> str:
    return "_".join(re.findall(r"\w+", path))


def _wanted(operation: _Operation) -> Iterator[tuple[tuple[str, str], Wanted]]:
    for name, annotation in operation.inputs.items():
        yield (operation.id, name), Wanted(annotation, "validation")
    for status, answer in operation.answers.items():
        if JSON in answer.content_types:
            yield (operation.id, status), Wanted(answer.annotation, "serialization")


def _described(operation: _Operation, path: str, schemas: Schemas, problem: Json) -> Json:
    summary, _, description = (inspect.getdoc(operation.view) or "").partition("\n\n")
    tag, dot, endpoint = operation.rule.endpoint.rpartition(".")
    name = getattr(operation.view, "__name__", endpoint)
    optional: Json = {
        "description": description.strip(),
        "tags": [tag] if dot else [],
        "parameters": [*_route_parameters(operation.rule, path), *_query_parameters(operation, schemas)],
        "requestBody": _body(operation, schemas),
        "deprecated": bool(getattr(operation.view, "__deprecated__", None)),
    }
    return {
        "operationId": operation.id,
        "summary": " ".join(summary.split()) or name.replace("_", " ").capitalize(),
        **{name: value for name, value in optional.items() if value},
        "responses": {
            **{status: _answer(operation, status, schemas) for status in operation.answers},
            **{str(status): _problem(status, problem) for status in _problem_statuses(operation)},
            "default": _problem(None, problem),
        },
    }


def _route_parameters(rule: Rule, path: str) -> Iterator[Json]:
    """Named as in the path, which another route may have named first."""
    for name, schema in zip(names_in(path), converters_of(rule), strict=True):
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(operation: _Operation, schemas: Schemas) -> Iterator[Json]:
    if QUERY not in operation.inputs:
        return
    schema = schemas.resolved((operation.id, QUERY))
    for name, member in schema.get("properties", {}).items():
        parameter: Json = {"name": name, "in": "query", "schema": member}
        if name in schema.get("required", ()):
            parameter["required"] = True
        if "description" in member:
            parameter["description"] = member["description"]
        yield parameter


def _body(operation: _Operation, schemas: Schemas) -> Json:
    if BODY not in operation.inputs:
        return {}
    schema = schemas.of((operation.id, BODY))
    return {"required": True, "content": {JSON: {"schema": schema}}}


def _answer(operation: _Operation, status: str, schemas: Schemas) -> Json:
    answer = operation.answers[status]
    described: Json = {"description": HTTPStatus(int(status)).phrase if status.isdigit() else "Success"}
    if answer.content_types:
        described["content"] = {
            kind: {"schema": schemas.of((operation.id, status))} if kind == JSON else {}
            for kind in answer.content_types
        }
    return described


def _problem_statuses(operation: _Operation) -> Iterable[int]:
    statuses = {
        *(_OF_BODIES if BODY in operation.inputs else ()),
        *(_OF_QUERIES if QUERY in operation.inputs else ()),
        *(_OF_ROUTES if operation.rule.arguments else ()),
    }
    return sorted(status for status in statuses if str(status) not in operation.answers)


def _problem(status: int | None, schema: Json) -> Json:
    description = HTTPStatus(status).phrase if status else "A problem"
    return {"description": description, "content": {_PROBLEM_JSON: {"schema": schema}}}
