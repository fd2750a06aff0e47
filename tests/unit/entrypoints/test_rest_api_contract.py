"""What the OpenAPI document promises, and what is answered."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import punq
import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from blackcat import Service, ServiceType, Settings
from blackcat.entrypoints.rest_api.application import create_app
from blackcat.errors import EntrypointError, InjectionError

PREAMBLE = """
import builtins
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Iterator, Literal, NamedTuple, Optional, Union
from uuid import UUID
from blackcat import Blueprint
from flask import Response, abort, request
from flask.views import MethodView, View
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, HttpUrl
from pydantic.alias_generators import to_camel

api = Blueprint("shop", __name__)

class Stock:
    def left(self) -> int:
        return 3

class Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
    order_id: int

class Cat(BaseModel):
    kind: Literal["cat"]

class Dog(BaseModel):
    kind: Literal["dog"]

Pet = Annotated[Union[Cat, Dog], Field(discriminator="kind")]

class Color(str, Enum):
    RED = "red"

class Point(NamedTuple):
    x: int
    y: int

@dataclass
class Times:
    took: timedelta
    by_id: dict[UUID, int]
    by_number: dict[int, str]
    camel: Camel
    at: datetime
    link: HttpUrl

ID = UUID(int=7)
"""


@pytest.fixture
def client_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., FlaskClient]]:
    """A client of the API that such a module makes."""
    monkeypatch.syspath_prepend(tmp_path)

    def build(code: str, **modules: str) -> FlaskClient:
        for name, text in {**modules, "contract_api": code}.items():
            (tmp_path / f"{name}.py").write_text(dedent(PREAMBLE) + dedent(text))
        container = punq.Container()
        module = __import__("contract_api")
        container.register(module.Stock)
        service = Service(name="shop", type=ServiceType.REST_API, endpoint_module="contract_api")
        return create_app(service, container, Settings()).test_client()

    yield build
    for name in [name for name in sys.modules if name.startswith("contract_")]:
        del sys.modules[name]


def document_of(client: FlaskClient) -> Any:
    document = client.get("/openapi.json").get_json()
    OpenAPIV31SpecValidator(document).validate()
    return document


NESTED = """
    leaf = Blueprint("leaf", __name__, url_prefix="/leaf")
    users = Blueprint("users", __name__, url_prefix="/users")
    admin = Blueprint("admin", __name__, url_prefix="/admin")

    @users.delete("/<int:number>")
    def delete(number: int) -> dict[str, int]:
        return {"deleted": number}

    @leaf.get("")
    def show() -> dict[str, int]:
        return {}

    @admin.before_request
    def only_admins() -> None:
        if request.headers.get("Authorization") != "admin":
            abort(401)

    users.register_blueprint(leaf)
    admin.register_blueprint(users)
"""


def test_a_nested_blueprint_is_served_behind_its_parent_s_hooks_only(client_of: Any) -> None:
    client = client_of(NESTED)
    known = {"Authorization": "admin"}
    assert client.delete("/users/1", headers=known).status_code == 404
    assert client.get("/leaf", headers=known).status_code == 404
    assert client.get("/users/leaf", headers=known).status_code == 404
    assert client.delete("/admin/users/1").status_code == 401
    assert client.delete("/admin/users/1", headers=known).get_json() == {"deleted": 1}
    assert client.get("/admin/users/leaf", headers=known).status_code == 200
    assert list(document_of(client)["paths"]) == ["/admin/users/{number}", "/admin/users/leaf"]


def test_an_imported_blueprint_is_served_unless_it_is_nested(client_of: Any) -> None:
    orders = """
    orders = Blueprint("orders", __name__, url_prefix="/orders")
    inner = Blueprint("inner", __name__, url_prefix="/inner")
    for one in (orders, inner):
        one.add_url_rule("/", "root", lambda: "fine")
    """
    client = client_of(
        "from contract_orders import inner, orders\napi.register_blueprint(inner)", contract_orders=orders
    )
    assert [client.get(path).status_code for path in ("/orders/", "/inner/")] == [200, 200]
    assert document_of(client)["paths"]["/inner/"]["get"]["tags"] == ["shop.inner"]


CLASSES = """
    class Items(MethodView):
        init_every_request = False

        def get(self, number: int, query: Camel, stock: Stock) -> Camel:
            return Camel(order_id=query.order_id + number + stock.left())

        def put(self, number: int, body: Camel) -> tuple[None, Literal[204]]:
            return None, 204

        def delete(self, number: int) -> None:
            raise SystemExit(1)

    class Pages(View):
        methods = ["GET", "POST"]

        def dispatch_request(self, stock: Stock) -> dict[str, int]:
            return {"left": stock.left()}

    api.add_url_rule("/items/<int:number>", view_func=Items.as_view("items"))
    api.add_url_rule("/pages", view_func=Pages.as_view("pages"))
"""


def test_the_methods_of_a_class_are_views(client_of: Any) -> None:
    client = client_of(CLASSES)
    assert client.get("/items/1?orderId=2").get_json() == {"orderId": 6}
    assert client.head("/items/1?orderId=2").status_code == 200
    assert client.get("/items/1").status_code == 422
    assert client.put("/items/1", json={"orderId": 1}).status_code == 204
    assert client.put("/items/1", json={}).status_code == 422
    assert client.delete("/items/1").status_code == 500
    assert client.post("/pages").get_json() == {"left": 3}
    paths = document_of(client)["paths"]
    assert {method: set(one["responses"]) for method, one in paths["/items/{number}"].items()} == {
        "get": {"200", "404", "422", "default"},
        "put": {"204", "400", "404", "413", "415", "422", "default"},
        "delete": {"204", "404", "default"},
    }
    assert "200" in paths["/pages"]["post"]["responses"]


def test_a_method_s_missing_binding_fails_the_start(client_of: Any) -> None:
    code = """
    class Unbound:
        def __init__(self, missing: int) -> None: ...
    class Items(MethodView):
        def get(self, service: Unbound) -> str: ...
    api.add_url_rule("/items", view_func=Items.as_view("items"))
    """
    with pytest.raises(InjectionError, match=r"view 'shop\.items', GET needs Unbound for 'service'"):
        client_of(code)


@pytest.mark.parametrize("name", ["body", "query"])
def test_a_body_or_query_without_annotation_is_refused(client_of: Any, name: str) -> None:
    with pytest.raises(EntrypointError, match=rf"view 'shop\.odd' has no annotation for '{name}'"):
        client_of(f"@api.post('/odd')\ndef odd({name}): ...")


def test_fields_go_by_their_alias_in_both_directions(client_of: Any) -> None:
    code = """
    class Order(BaseModel):
        model_config = ConfigDict(populate_by_name=True)
        number: int = Field(validation_alias="orderNumber", serialization_alias="no")

    class Search(BaseModel):
        model_config = ConfigDict(populate_by_name=True)
        tags: list[str] = Field(default=[], alias="tag")

    @api.post("/orders")
    def create(body: Order) -> list[Order]:
        return [body]

    @api.get("/orders")
    def search(query: Search) -> dict[str, Search]:
        return {"search": query}
    """
    client = client_of(code)
    assert client.post("/orders", json={"orderNumber": 1}).get_json() == [{"no": 1}]
    assert client.get("/orders?tag=a&tag=b").get_json() == {"search": {"tag": ["a", "b"]}}
    assert client.get("/orders?tags=a&tags=b").get_json() == {"search": {"tag": ["a", "b"]}}
    document = document_of(client)
    schemas = document["components"]["schemas"]
    assert [list(schemas[name]["properties"]) for name in ("Order-Input", "Order-Output")] == [
        ["orderNumber"],
        ["no"],
    ]
    assert document["paths"]["/orders"]["get"]["parameters"][0]["name"] == "tag"


TIMES = (
    "Times(timedelta(hours=1), {ID: 1}, {1: 'a'}, Camel(order_id=1), "
    "datetime(2026, 1, 1, tzinfo=timezone.utc), HttpUrl('https://a.example/'))"
)


@pytest.mark.parametrize(
    ("annotation", "returned", "status", "kind", "content"),
    [
        ("Optional[Cat]", "None", 200, "application/json", None),
        ("Optional[Cat]", "Cat(kind='cat')", 200, "application/json", {"kind": "cat"}),
        ("tuple[Optional[Cat], Literal[202]]", "(None, 202)", 202, "application/json", None),
        ("tuple[None, Literal[204]]", "(None, 204)", 204, None, ""),
        ("tuple[None, Literal[202]]", "(None, 202)", 202, None, ""),
        ("None", "None", 204, None, ""),
        ("Union[None, tuple[Cat, Literal[201]]]", "None", 204, None, ""),
        ("int", "3", 200, "application/json", 3),
        ("Decimal", "Decimal('1.50')", 200, "application/json", "1.50"),
        ("Color", "Color.RED", 200, "application/json", "red"),
        ("Point", "Point(1, 200)", 200, "application/json", [1, 200]),
        ("tuple[Point, Literal[201]]", "(Point(1, 2), 201)", 201, "application/json", [1, 2]),
        ("dict[UUID, int]", "{ID: 1}", 200, "application/json", {"00000000-0000-0000-0000-000000000007": 1}),
        ("dict[int, Camel]", "{1: Camel(order_id=1)}", 200, "application/json", {"1": {"orderId": 1}}),
        ("dict[date, set[int]]", "{date(2026, 1, 1): {1}}", 200, "application/json", {"2026-01-01": [1]}),
        ("dict[Color, int]", "{Color.RED: 1}", 200, "application/json", {"red": 1}),
        ("Iterator[str]", "(text for text in 'ab')", 200, "text/html", "ab"),
        ("Literal['a', 'b']", "'a'", 200, "text/html", "a"),
        ("Union[Cat, str]", "Cat(kind='cat')", 200, "application/json", {"kind": "cat"}),
        ("Union[Cat, str]", "'a'", 200, "text/html", "a"),
        (
            "Times",
            TIMES,
            200,
            "application/json",
            {
                "took": "PT1H",
                "by_id": {"00000000-0000-0000-0000-000000000007": 1},
                "by_number": {"1": "a"},
                "camel": {"orderId": 1},
                "at": "2026-01-01T00:00:00+00:00",
                "link": "https://a.example/",
            },
        ),
    ],
)
def test_an_answer_is_what_the_document_says(
    client_of: Any, annotation: str, returned: str, status: int, kind: str | None, content: Any
) -> None:
    client = client_of(f"@api.get('/x')\ndef view() -> {annotation}:\n    return {returned}")
    answer = client.get("/x")
    assert answer.status_code == status
    described = document_of(client)["paths"]["/x"]["get"]["responses"][str(status)]
    if kind is None:
        assert "content" not in described
        assert answer.data == b""
        return
    assert kind in described["content"]
    assert answer.mimetype == kind
    assert (answer.get_json() if kind == "application/json" else answer.text) == content


@pytest.mark.parametrize(
    ("annotation", "returned"),
    [
        ("Cat", "None"),
        ("dict[str, float]", "{'x': float('nan')}"),
        ("dict[str, Any]", "{'x': object()}"),
        ("dict[str, Any]", "{object(): 1}"),
        ("tuple[str, int]", "('', 'a', {}, 4)"),
    ],
)
def test_what_cannot_be_answered_is_logged_once_as_any_other_failure(
    client_of: Any, caplog: pytest.LogCaptureFixture, annotation: str, returned: str
) -> None:
    code = f"@api.get('/x')\ndef view() -> {annotation}:\n    return {returned}"
    client = client_of(code)
    with caplog.at_level(logging.ERROR):
        answer = client.get("/x")
    assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
    assert answer.get_json(force=True)["detail"].startswith("something failed on our side")
    assert [record.message for record in caplog.records] == ["request.failed"]


@pytest.mark.parametrize("raised", ["SystemExit", "KeyboardInterrupt", "GeneratorExit", "BaseException"])
@pytest.mark.parametrize("place", ["before_request", "after_request", "get('/x')"])
def test_nothing_that_is_raised_ends_the_process(client_of: Any, place: str, raised: str) -> None:
    code = f"""
    @api.get("/y")
    @api.get("/x")
    def fine() -> str:
        return "fine"

    @api.{place.replace("/x", "/z")}
    def leave(*_: Any) -> Any:
        raise {raised}("now")
    """
    answer = client_of(code).get("/z" if "get" in place else "/x")
    assert (answer.status_code, answer.content_type) == (500, "application/problem+json")


def test_routes_that_differ_in_their_names_only_share_a_path(client_of: Any) -> None:
    code = """
    @api.get("/orders/<int:number>/<part>")
    def show(number: int, part: str) -> str: ...

    @api.delete("/orders/<uuid:order_id>/<name>")
    def delete(order_id: UUID, name: str) -> str: ...
    """
    paths = document_of(client_of(code))["paths"]
    assert list(paths) == ["/orders/{number}/{part}"]
    number, part = paths["/orders/{number}/{part}"]["delete"]["parameters"]
    assert (number["name"], number["schema"]["format"], part["name"]) == ("number", "uuid", "part")


@pytest.mark.parametrize("second", ["<string:x>", "<uuid:y>"])
def test_a_route_that_openapi_cannot_tell_from_another_is_told_in_the_log(
    client_of: Any, caplog: pytest.LogCaptureFixture, second: str
) -> None:
    code = f"""
    @api.get("/a/<int:x>")
    def one(x: int) -> str: ...

    @api.get("/a/{second}")
    def two(**_: Any) -> str: ...
    """
    client = client_of(code)
    document_of(client)
    assert list(document_of(client)["paths"]) == ["/a/{x}"]
    (line,) = [record for record in caplog.records if record.message == "openapi.route_left_out"]
    assert (line.fields["method"], line.fields["route"]) == ("GET", f"/a/{second}")


def test_an_object_that_is_called_is_a_view_too(client_of: Any) -> None:
    code = """
    class Show:
        def __call__(self, stock: Stock) -> Camel:
            return Camel(order_id=stock.left())

    api.add_url_rule("/x", "show_it", Show())
    """
    client = client_of(code)
    assert client.get("/x").get_json() == {"orderId": 3}
    show = document_of(client)["paths"]["/x"]["get"]
    assert (show["summary"], list(show["responses"])) == ("Show it", ["200", "default"])


def test_a_handler_of_the_project_does_not_keep_a_failure_from_the_log(
    client_of: Any, caplog: pytest.LogCaptureFixture
) -> None:
    code = """
    @api.get("/x")
    def fine() -> str:
        return "fine"

    @api.after_request
    def fail(_: Response) -> Response:
        if not hasattr(request, "failed"):
            request.failed = True
            raise RuntimeError("now")
        return _

    @api.app_errorhandler(500)
    def sorry(_: Exception) -> tuple[str, int]:
        return "sorry", 500
    """
    client = client_of(code)
    with caplog.at_level(logging.ERROR):
        assert client.get("/x").text == "sorry"
    assert [record.message for record in caplog.records] == ["request.failed"]


def test_a_text_in_the_body_is_a_json_string(client_of: Any) -> None:
    client = client_of("@api.post('/x')\ndef view(body: str) -> str:\n    return body")
    assert client.post("/x", json="héllo").text == "héllo"
    assert client.post("/x", data="hello", content_type="application/json").status_code == 400
    (content,) = document_of(client)["paths"]["/x"]["post"]["requestBody"]["content"].values()
    assert content["schema"] == {"type": "string"}


@pytest.mark.parametrize(
    ("body", "message"), [({"kind": "s3cret"}, "Input should be one of 'cat', 'dog'"), ({}, "Field required")]
)
def test_a_wrong_tag_is_a_field_like_any_other(client_of: Any, body: Any, message: str) -> None:
    client = client_of("@api.post('/x')\ndef view(body: list[Pet]) -> list[Pet]:\n    return body")
    answer = client.post("/x", json=[body])
    assert answer.status_code == 422
    assert answer.get_json(force=True)["errors"] == [{"field": "0.kind", "message": message}]
    assert "s3cret" not in answer.text


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "-1E+400", "1" * 400])
@pytest.mark.parametrize("annotation", ["Any", "list[float]"])
def test_a_number_that_is_not_finite_is_refused(client_of: Any, annotation: str, number: str) -> None:
    client = client_of(f"@api.post('/x')\ndef view(body: {annotation}) -> {annotation}:\n    return body")
    answer = client.post("/x", data=f"[{number}]", content_type="application/json")
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    alone = client.post("/x", data=number, content_type="application/json")
    assert (alone.status_code, "finite" in alone.text) == (400, True)
    fine = client.post("/x", data="[1e-999, 1e300, 2]", content_type="application/json")
    assert fine.get_json() == [0.0, 1e300, 2]


@pytest.mark.parametrize("text", ["nan", "-Infinity", "1e999"])
@pytest.mark.parametrize("name", ["x", "many", "camelCase"])
def test_so_it_is_in_a_query(client_of: Any, name: str, text: str) -> None:
    code = """
    class Search(BaseModel):
        model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
        x: Optional[float] = None
        many: list[float] = []
        camel_case: float = 1
        name: Union[float, str] = ""

    @api.get("/x")
    def view(query: Search) -> Search:
        return query
    """
    client = client_of(code)
    answer = client.get(f"/x?{name}={text}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.get_json(force=True)["errors"]] == [name]
    assert client.get(f"/x?{name}=1.5&name=a").status_code == 200


def test_what_only_looks_like_such_a_number_is_taken(client_of: Any) -> None:
    client = client_of("@api.post('/x')\ndef view(body: Any) -> Any:\n    return body")
    assert client.post("/x", json=["NaN", "1e999"]).get_json() == ["NaN", "1e999"]
