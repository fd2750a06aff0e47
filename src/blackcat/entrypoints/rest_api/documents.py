"""``/openapi.json``, and ``/docs``: a page that shows it without the internet and under a strict policy."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, json, request, url_for
from jinja2 import Environment, FileSystemLoader

from blackcat.entrypoints.rest_api.examples import example_of
from blackcat.entrypoints.rest_api.json_schemas import Json
from blackcat.entrypoints.rest_api.openapi import openapi_document

_PAGES = Path(__file__).with_name("pages")
_FILES = {"docs.css": "text/css", "docs.js": "text/javascript"}
# Its own style sheet and script, and requests to this API; nothing inline, nothing from elsewhere.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


def add_documents(app: Flask, *, title: str, version: str, described: Collection[str]) -> None:
    """Serve what the application says of the ``described`` endpoints; read when first asked for."""

    @cache
    def document() -> Json:
        return openapi_document(app, title=title, version=version, endpoints=described)

    def openapi() -> Response:
        content = document()
        if request.script_root:  # behind a gateway's stage, or mounted below a path
            content = {**content, "servers": [{"url": request.script_root}]}
        return Response(json.dumps(content), content_type="application/json")

    def docs() -> Response:
        page = _pages().get_template("docs.html.jinja")
        html = page.render(
            document=document(),
            operations=_operations(document()),
            root=request.script_root,
            url_for=url_for,
        )
        return Response(html, headers={"Content-Security-Policy": _POLICY})

    def docs_file(name: str) -> Response:
        text = (_PAGES / name).read_text()
        return Response(text, mimetype=_FILES[name], headers={"Cache-Control": "max-age=3600"})

    names = ", ".join(f"'{name}'" for name in _FILES)
    app.add_url_rule("/openapi.json", "openapi", openapi)
    app.add_url_rule("/docs", "docs", docs)
    app.add_url_rule(f"/docs/<any({names}):name>", "docs_file", docs_file)


@cache
def _pages() -> Environment:
    return Environment(loader=FileSystemLoader(_PAGES), autoescape=True, trim_blocks=True, lstrip_blocks=True)


def _operations(document: Json) -> Iterator[dict[str, Any]]:
    """What the page shows of each operation."""
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield {
                **operation,
                "method": method.upper(),
                "path": path,
                "body": _sample(operation.get("requestBody", {}), schemas),
                "answers": [
                    (status, answer["description"], _sample(answer, schemas))
                    for status, answer in operation["responses"].items()
                ],
            }


def _sample(described: Json, schemas: Json) -> str | None:
    """An example of the JSON that is sent or answered; None where nothing is known of it."""
    schema = described.get("content", {}).get("application/json", {}).get("schema")
    return None if schema is None else json.dumps(example_of(schema, schemas), indent=2)
