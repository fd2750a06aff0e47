"""The OpenAPI document, read from plain views, and the page that shows it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from blackcat import Service, ServiceType, Settings
from blackcat.entrypoints.rest_api.application import create_app

MODULE = dedent(
    '''
    from __future__ import annotations
    from dataclasses import dataclass
    from datetime import datetime
    from decimal import Decimal
    from enum import Enum
    from typing import Annotated, Any, Literal, Optional, TypedDict
    from uuid import UUID
    from flask import Blueprint, Response
    from flask.views import MethodView
    from pydantic import BaseModel, Field

    orders = Blueprint("orders", __name__, url_prefix="/orders")
    others = Blueprint("others", __name__)

    THINGS = "/things/<int:number>/<any(red, 'light blue'):colour>/<path:rest>"

    class Size(Enum):
        SMALL = "small"
        LARGE = "large"

    class Line(BaseModel):
        sku: str
        options: Optional["Line"] = None

    class NewOrder(BaseModel):
        """What is ordered."""
        lines: Annotated[list[Line], Field(min_length=1)]
        size: Size = Size.SMALL
        total: Decimal = Decimal(0)

    @dataclass
    class Order:
        id: UUID
        at: datetime
        size: Size

    class Page(BaseModel):
        after: Annotated[UUID, Field(description="The last one of the page before.")]
        tags: list[str] = []
        size: Size | None = None

    class Problem(BaseModel):
        """The project's own word."""
        trouble: str

    class NoSchema:
        pass

    @orders.post("")
    def create(body: NewOrder) -> tuple[Order, Literal[201], dict[str, str]]:
        """Order something.

        It is delivered
        tomorrow.
        """

    @orders.get("")
    def search(query: Page) -> list[Order]:
        return [query.model_dump(mode="json")]

    @orders.get("/<uuid:order_id>")
    def show(order_id: UUID) -> Order | tuple[Problem, Literal[410]]: ...

    @orders.delete("/<uuid:order_id>")
    def remove(order_id: UUID) -> tuple[str, Literal[204]]: ...

    @others.patch(THINGS)
    @others.put(THINGS)
    def things(number: int, colour: str, rest: str) -> tuple[dict[str, int], int]: ...

    @others.get("/text/<float(min=1.5):number>/<string(length=2):code>")
    def text(number: float, code: str) -> str: ...

    @others.get("/raw")
    def raw() -> Response: ...

    @others.get("/odd")
    def odd() -> NoSchema: ...

    @others.get("/silent")
    def silent(): ...

    class View(MethodView):
        def get(self) -> Order:
            """From a class."""

    others.add_url_rule("/class", view_func=View.as_view("view"))
    others.add_url_rule("/again", "text2", text, defaults={"number": 2.0, "code": "ab"})
    '''
)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    (tmp_path / "described_api.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield Service(name="shop_api", type=ServiceType.REST_API, endpoint_module="described_api")
    sys.modules.pop("described_api", None)


@pytest.fixture
def client(service: Service) -> FlaskClient:
    return create_app(service, None, Settings(service_version="1.2.3")).test_client()


@pytest.fixture
def document(client: FlaskClient) -> Any:
    answer = client.get("/openapi.json")
    assert answer.content_type == "application/json"
    return answer.get_json()


def schema_of(answer: Any) -> Any:
    return answer["content"]["application/json"]["schema"]


def test_it_is_valid_and_names_the_service(document: Any) -> None:
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1")
    assert document["info"] == {"title": "shop_api", "version": "1.2.3"}


def test_it_has_the_project_s_routes_and_no_other(document: Any) -> None:
    assert list(document["paths"]) == [
        "/orders",
        "/orders/{order_id}",
        "/things/{number}/{colour}/{rest}",
        "/text/{number}/{code}",
        "/raw",
        "/odd",
        "/silent",
        "/class",
        "/again",
    ]
    assert set(document["paths"]["/orders"]) == {"get", "post"}
    operations = [one for methods in document["paths"].values() for one in methods.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    assert all(operation["summary"] for operation in operations)


def test_a_body_and_an_answer_with_its_status(document: Any) -> None:
    create = document["paths"]["/orders"]["post"]
    assert (create["summary"], create["description"]) == ("Order something.", "It is delivered\ntomorrow.")
    assert create["tags"] == ["orders"]
    assert create["requestBody"]["required"]
    assert schema_of(create["requestBody"]) == {"$ref": "#/components/schemas/NewOrder"}
    assert schema_of(create["responses"]["201"]) == {"$ref": "#/components/schemas/Order"}
    assert set(create["responses"]) == {"201", "400", "413", "415", "422", "default"}
    new_order = document["components"]["schemas"]["NewOrder"]
    assert new_order["description"] == "What is ordered."
    assert new_order["required"] == ["lines"]
    assert new_order["properties"]["lines"]["minItems"] == 1
    assert {"Line", "Size"} <= set(document["components"]["schemas"])


def test_a_query_becomes_parameters(document: Any) -> None:
    search = document["paths"]["/orders"]["get"]
    after, tags, size = search["parameters"]
    assert (after["name"], after["in"], after["required"]) == ("after", "query", True)
    assert after["schema"]["format"] == "uuid"
    assert after["description"] == "The last one of the page before."
    assert tags["schema"]["type"] == "array"
    assert "required" not in size
    assert "Page" not in document["components"]["schemas"]
    assert schema_of(search["responses"]["200"])["items"] == {"$ref": "#/components/schemas/Order"}
    assert "422" in search["responses"]


def test_several_answers_of_one_view(document: Any) -> None:
    responses = document["paths"]["/orders/{order_id}"]["get"]["responses"]
    assert schema_of(responses["200"]) == {"$ref": "#/components/schemas/Order"}
    assert schema_of(responses["410"]) == {"$ref": "#/components/schemas/Problem"}
    assert "content" not in document["paths"]["/orders/{order_id}"]["delete"]["responses"]["204"]


def test_the_converters_of_routes(document: Any) -> None:
    things = document["paths"]["/things/{number}/{colour}/{rest}"]
    assert set(things) == {"put", "patch"}
    number, colour, rest = (parameter["schema"] for parameter in things["put"]["parameters"])
    assert number == {"type": "integer", "minimum": 0}
    assert colour == {"type": "string", "enum": ["light blue", "red"]}
    assert re.fullmatch(rest["pattern"], "a/b/c")
    number, code = (one["schema"] for one in document["paths"]["/text/{number}/{code}"]["get"]["parameters"])
    assert number == {"type": "number", "minimum": 1.5}
    assert re.fullmatch(code["pattern"], "ab")
    assert not re.fullmatch(code["pattern"], "abc")


def test_what_the_annotation_does_not_tell_is_left_open(document: Any) -> None:
    paths = document["paths"]
    assert schema_of(paths["/things/{number}/{colour}/{rest}"]["put"]["responses"]["2XX"])["type"] == "object"
    assert paths["/raw"]["get"]["responses"]["2XX"] == {"description": "Success"}
    assert paths["/silent"]["get"]["responses"]["2XX"] == {"description": "Success"}
    assert schema_of(paths["/odd"]["get"]["responses"]["200"]) == {}
    assert "text/html" in paths["/text/{number}/{code}"]["get"]["responses"]["200"]["content"]
    assert paths["/class"]["get"]["summary"] == "From a class."


def test_errors_are_problems_under_a_name_that_the_project_left_free(document: Any) -> None:
    problem = document["paths"]["/silent"]["get"]["responses"]["default"]["content"][
        "application/problem+json"
    ]
    assert problem["schema"] == {"$ref": "#/components/schemas/Problem_"}
    assert "trouble" in document["components"]["schemas"]["Problem"]["properties"]


def test_problems_are_what_the_document_says(client: FlaskClient, document: Any) -> None:
    problem = document["components"]["schemas"]["Problem_"]
    for answer in (client.get("/nowhere"), client.post("/orders", json={})):
        content = answer.get_json(force=True)
        assert set(problem["required"]) <= set(content) <= set(problem["properties"])


def test_a_query_takes_lists(client: FlaskClient) -> None:
    after = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
    answer = client.get(f"/orders?after={after}&tags=a&tags=b&size=small")
    assert answer.get_json() == [{"after": after, "tags": ["a", "b"], "size": "small"}]


def test_behind_a_prefix_the_document_says_so(client: FlaskClient) -> None:
    answer = client.get("/openapi.json", environ_overrides={"SCRIPT_NAME": "/prod"})
    assert answer.get_json()["servers"] == [{"url": "/prod"}]


def test_the_page_needs_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/docs")
    policy = page.headers["Content-Security-Policy"]
    assert page.content_type.startswith("text/html")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "://" not in page.text
    assert not re.search(r"<(style|script)>|\son\w+=|\sstyle=", page.text)
    for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        found = client.get(address)
        assert found.status_code == 200
        assert found.headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_shows_every_operation_and_escapes_what_it_shows(client: FlaskClient, document: Any) -> None:
    page = client.get("/docs").text
    for methods in document["paths"].values():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in page
    assert "&#34;lines&#34;" in page


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({}, 200),
        ({"environment": "prod"}, 404),
        ({"environment": "prod", "api_docs": True}, 200),
        ({"api_docs": False}, 404),
    ],
)
def test_in_prod_it_is_served_only_when_asked_for(
    service: Service, settings: dict[str, Any], status: int
) -> None:
    client = create_app(service, None, Settings(**settings)).test_client()
    assert [client.get(path).status_code for path in ("/openapi.json", "/docs")] == [status] * 2
