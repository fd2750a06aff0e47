import io
import json
import logging
import sys
from textwrap import dedent

import punq
import pytest

from blackcat import Check, Service, ServiceType, Settings
from blackcat.application.metrics import NoMetrics, metrics
from blackcat.entrypoints.rest_api.application import create_app
from blackcat.errors import EntrypointError, InjectionError

MODULE = dedent(
    """
    from dataclasses import dataclass
    from datetime import datetime, timezone
    from decimal import Decimal
    from typing import Annotated
    from flask import Blueprint, abort
    from pydantic import BaseModel, Field
    from blackcat.errors import Throttled

    blueprint = Blueprint("orders", __name__)
    other = Blueprint("other", __name__, url_prefix="/other")

    class Stock:
        def left(self, sku: str) -> int:
            return 3

    class Order(BaseModel):
        sku: str
        amount: Annotated[Decimal, Field(gt=0)]

    class Page(BaseModel):
        size: int = 10

    @dataclass
    class Answer:
        sku: str
        left: int
        at: datetime = datetime(2026, 1, 1, tzinfo=timezone.utc)
        price: Decimal = Decimal("1.50")

    @blueprint.post("/orders/<sku>")
    def order(sku: str, body: Order, stock: Stock):
        return Answer(body.sku, stock.left(sku)), 201, {"Location": "/orders/1"}

    @blueprint.get("/orders")
    def orders(query: Page):
        return {"size": query.size}

    @blueprint.get("/model")
    def model():
        return Order(sku="a", amount=Decimal("2.50"))

    @blueprint.get("/missing")
    def missing():
        abort(404, "there is no order 7")

    @blueprint.get("/broken")
    def broken():
        raise RuntimeError("canary in the exception's text")

    @blueprint.get("/throttled")
    def throttled():
        raise Throttled("slow down")

    @blueprint.get("/exit")
    def leave():
        raise SystemExit(3)

    @blueprint.get("/unsendable")
    def unsendable():
        from blackcat.domain.payload import encode
        return encode({"x": object()})

    @other.before_app_request
    def authenticate():
        from flask import request
        if request.args.get("user") == "nobody":
            return {"detail": "who are you?"}, 401
        if request.args.get("user") == "broken":
            raise RuntimeError("canary in a hook")

    @other.get("/")
    def root():
        return "fine"

    @other.get("/page")
    def page():
        return "<b>mine</b>", {"Content-Security-Policy": "default-src 'self'", "Cache-Control": "max-age=60"}

    @other.get("/patient")
    def patient():
        from flask import request
        import time
        from blackcat.entrypoints.rest_api.deadline import time_left
        before = time_left().total_seconds()
        time.sleep(float(request.args["seconds"]))
        return {"before": before, "after": time_left().total_seconds()}

    @other.get("/nan")
    def nan():
        return {"x": float("nan")}
    """
)


@pytest.fixture
def service(tmp_path, monkeypatch):
    (tmp_path / "shop_api.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield Service(name="shop_api", type=ServiceType.REST_API, endpoint_module="shop_api")
    sys.modules.pop("shop_api", None)


@pytest.fixture
def client(service):
    import shop_api

    container = punq.Container().register(shop_api.Stock)
    return create_app(service, container, Settings(api_max_body_bytes=1000)).test_client()


def problem(response, status):
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    content = response.get_json(force=True)
    assert content["status"] == status
    assert content["request_id"] == response.headers["X-Request-Id"]
    return content


def test_a_view_gets_route_body_and_injected_parameters(client):
    response = client.post("/orders/a1", json={"sku": "a1", "amount": "1.5"})
    assert response.status_code == 201
    assert response.headers["Location"] == "/orders/1"
    assert response.get_json() == {
        "sku": "a1",
        "left": 3,
        "at": "2026-01-01T00:00:00+00:00",
        "price": "1.50",
    }


def test_a_view_gets_its_query_string_validated(client):
    assert client.get("/orders?size=3").get_json() == {"size": 3}
    assert client.get("/orders").get_json() == {"size": 10}
    assert problem(client.get("/orders?size=many"), 422)["errors"][0]["field"] == "size"


def test_a_model_becomes_json_and_every_blueprint_is_served(client):
    assert client.get("/model").get_json() == {"sku": "a", "amount": "2.50"}
    assert client.get("/other/").text == "fine"


def test_validation_errors_name_the_fields_and_no_value(client):
    response = client.post("/orders/a1", json={"amount": -77})
    content = problem(response, 422)
    assert {error["field"] for error in content["errors"]} == {"sku", "amount"}
    assert "-77" not in response.text


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (b"{broken", "application/json", 400),
        (b"", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"sku=1", "application/x-www-form-urlencoded", 415),
        (b"{}", None, 415),
        (b'{"sku": "' + b"x" * 2000 + b'"}', "application/json", 413),
        (b"[" * 900, "application/json", 400),
    ],
)
def test_a_body_that_cannot_be_read_is_a_problem(client, data, content_type, status):
    problem(client.post("/orders/a1", data=data, content_type=content_type), status)


def test_unknown_routes_wrong_methods_and_aborts_are_problems(client):
    problem(client.get("/nowhere"), 404)
    wrong_method = client.delete("/orders")
    problem(wrong_method, 405)
    assert "GET" in wrong_method.headers["Allow"]
    assert problem(client.get("/missing"), 404)["detail"] == "there is no order 7"


def test_an_unexpected_error_tells_nothing_and_is_logged_once(client, caplog):
    with caplog.at_level(logging.ERROR):
        response = client.get("/broken")
    problem(response, 500)
    assert "canary" not in response.text
    assert [record.message for record in caplog.records] == ["request.failed"]


def test_a_transient_error_of_aws_is_a_503_that_says_to_try_again(client):
    response = client.get("/throttled")
    problem(response, 503)
    assert response.headers["Retry-After"] == "1"


def test_the_request_id_is_taken_over_when_it_is_harmless(client):
    assert client.get("/other/", headers={"X-Request-Id": "abc-1"}).headers["X-Request-Id"] == "abc-1"
    given = client.get("/other/", headers={"X-Request-Id": "a b; drop"}).headers["X-Request-Id"]
    assert len(given) == 32


def test_each_request_is_logged_with_its_route(client, caplog):
    with caplog.at_level(logging.INFO):
        client.post("/orders/a1", json={"sku": "a1", "amount": "1.5"})
    fields = next(record.fields for record in caplog.records if record.message == "request.handled")
    assert (fields["method"], fields["route"], fields["status"]) == ("POST", "/orders/<sku>", 201)


def test_health_is_inside(client):
    response = client.get("/health")
    assert response.status_code == 200
    assert response.get_json()["status"] == "healthy"


def test_a_missing_binding_fails_the_start_and_names_the_view(service):
    with pytest.raises(InjectionError, match=r"view 'orders\.order' needs Stock for 'stock'"):
        create_app(service, punq.Container(), Settings())


def test_a_module_without_blueprint_is_refused(tmp_path, monkeypatch):
    (tmp_path / "shop_empty_api.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    service = Service(name="api", type=ServiceType.REST_API, endpoint_module="shop_empty_api")
    with pytest.raises(EntrypointError, match="holds no Blueprint"):
        create_app(service, None, Settings())


def test_the_description_of_an_error_is_json_even_with_odd_paths(client):
    response = client.get("/%22%3Cscript%3E")
    assert json.loads(response.text)["instance"] == '/"<script>'


def test_a_view_that_exits_is_an_answer_like_any_other_failure(client):
    problem(client.get("/exit"), 500)


def test_what_the_service_cannot_send_is_its_own_failure(client):
    problem(client.get("/unsendable"), 500)


def test_hooks_of_the_project_run_within_request_ids_and_problems(client):
    refused = client.get("/other/?user=nobody")
    assert refused.status_code == 401
    assert refused.headers["X-Request-Id"]
    broken = client.get("/other/?user=broken")
    problem(broken, 500)
    assert "canary" not in broken.text


@pytest.mark.parametrize(("size", "status"), [(900, 201), (1500, 413)])
def test_a_body_without_length_is_bounded_too(client, size, status):
    body = b'{"sku": "a1", "amount": "1.5"}'.ljust(size)
    response = client.post(
        "/orders/a1",
        input_stream=io.BytesIO(body),
        headers={"Transfer-Encoding": "chunked", "Content-Type": "application/json"},
    )
    assert response.status_code == status


def test_every_answer_carries_security_headers(client):
    for response in (
        client.get("/orders"),
        client.get("/nowhere"),
        client.get("/health"),
        client.get("/broken"),
    ):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert response.headers["Cache-Control"] == "no-store"
        assert "Strict-Transport-Security" not in response.headers


def test_what_a_project_sets_itself_stays(client):
    response = client.get("/other/page")
    assert response.headers.getlist("Content-Security-Policy") == ["default-src 'self'"]
    assert response.headers.getlist("Cache-Control") == ["max-age=60"]


@pytest.mark.parametrize(
    "request_", [{"headers": {"X-Forwarded-Proto": "https"}}, {"base_url": "https://localhost"}]
)
def test_over_https_browsers_are_told_to_stay_there(client, request_):
    assert client.get("/orders", **request_).headers["Strict-Transport-Security"] == "max-age=31536000"


def test_a_view_knows_the_time_that_is_left(service):
    settings = Settings(api_request_timeout_seconds=0.05)
    import shop_api

    client = create_app(service, punq.Container().register(shop_api.Stock), settings).test_client()
    content = client.get("/other/patient?seconds=0").get_json()
    assert 0 < content["after"] <= content["before"] <= 0.05
    late = problem(client.get("/other/patient?seconds=0.06"), 504)
    assert late["detail"] == "the request took longer than 0.05 seconds"


def test_a_late_answer_is_sent_and_told_in_the_log(service, caplog):
    import shop_api

    settings = Settings(api_request_timeout_seconds=0.000001)
    client = create_app(service, punq.Container().register(shop_api.Stock), settings).test_client()
    assert client.get("/orders").status_code == 200
    (line,) = [record for record in caplog.records if record.message == "request.handled"]
    assert (line.levelname, line.fields["late"]) == ("WARNING", True)


def test_a_request_id_leads_from_the_problem_to_the_header_also_when_a_hook_fails(client):
    content = problem(client.get("/other/?user=broken", headers={"X-Request-Id": "abc"}), 500)
    assert content["request_id"] == "abc"


def test_numbers_that_json_does_not_have_are_a_failure_of_ours(client):
    problem(client.get("/other/nan"), 500)


class Recorded:
    def __init__(self):
        self.counted, self.observed, self.gauges = [], [], []

    def count(self, name, value=1, /, **labels):
        self.counted.append((name, labels))

    def observe(self, name, value, /, **labels):
        self.observed.append((name, labels))

    def gauge(self, name, value, /, **labels):
        self.gauges.append((name, value))


@pytest.fixture
def recorded():
    kept = Recorded()
    metrics.use(kept)
    yield kept
    metrics.use(NoMetrics())


def test_requests_are_measured_by_route_and_never_by_path(client, recorded):
    client.post("/orders/a1", json={"sku": "a1", "amount": "1.5"})
    client.get("/nowhere/4711")
    client.open("/orders", method="BREW")
    labels = [
        {"method": "POST", "route": "/orders/<sku>", "status": "201"},
        {"method": "GET", "route": "(unmatched)", "status": "404"},
        {"method": "OTHER", "route": "(unmatched)", "status": "405"},
    ]
    assert recorded.counted == [("blackcat_http_requests", one) for one in labels]
    assert recorded.observed == [("blackcat_http_request_duration_seconds", one) for one in labels]
    assert recorded.gauges == [("blackcat_http_requests_in_flight", number) for number in (1, 0)] * 3


def test_the_probes_answer_head_too_and_tell_of_checks(service):
    import shop_api

    checked = Service(
        name="shop_api",
        type=ServiceType.REST_API,
        endpoint_module="shop_api",
        checks=[Check("database", lambda: False)],
    )
    client = create_app(checked, punq.Container().register(shop_api.Stock), Settings()).test_client()
    statuses = {path: client.get(path).status_code for path in ("/health", "/health/live", "/health/ready")}
    assert statuses == {"/health": 200, "/health/live": 200, "/health/ready": 503}
    assert {path: client.head(path).status_code for path in statuses} == statuses
    assert client.get("/health").get_json()["reasons"] == ["check 'database' failed"]


def test_probes_are_logged_at_debug(client, caplog):
    with caplog.at_level(logging.INFO):
        client.get("/health")
        client.get("/health/ready")
    assert not caplog.records


def test_a_project_may_have_its_own_health_and_docs(tmp_path, monkeypatch):
    (tmp_path / "own_api.py").write_text(
        "from flask import Blueprint\n"
        "blueprint = Blueprint('own', __name__)\n"
        "blueprint.add_url_rule('/health', 'health', lambda: 'mine')\n"
        "blueprint.add_url_rule('/docs', 'docs', lambda: 'mine')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    service = Service(name="own", type=ServiceType.REST_API, endpoint_module="own_api")
    client = create_app(service, None, Settings()).test_client()
    assert [client.get(path).text for path in ("/health", "/docs")] == ["mine", "mine"]
    assert client.get("/health/live").status_code == 200
