"""Requests to a REST API: a span for each, within that of its caller."""

import json
import logging
import sys
from textwrap import dedent

import pytest

from blackcat import Service, ServiceType, Settings
from blackcat.application.tracing import tracing
from blackcat.entrypoints.rest_api.application import create_app
from blackcat.infra.logs.logs import configure_logs
from blackcat.infra.redaction import redactor

TRACE = "5759e988bd862e3fe1be46a994272793"
PARENT = "53995c3f42cd8ad8"
MODULE = dedent(
    """
    from flask import Blueprint
    from blackcat.application.tracing import tracing
    from blackcat.errors import Throttled

    blueprint = Blueprint("orders", __name__)

    @blueprint.get("/orders/<int:id>")
    def order(id: int):
        return {"trace_id": tracing.trace_id()}

    @blueprint.get("/broken")
    def broken():
        raise RuntimeError("a bug")

    @blueprint.get("/throttled")
    def throttled():
        raise Throttled("slow down, item 4111", code="ThrottlingException")
    """
)


@pytest.fixture
def client(spans, tmp_path, monkeypatch):
    (tmp_path / "traced_views.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("traced_views", None)
    service = Service(name="api", type=ServiceType.REST_API, endpoint_module="traced_views")
    return create_app(service, None, Settings()).test_client()


def test_a_request_is_named_for_its_route_and_never_for_its_query(client, spans):
    assert client.get("/orders/7?token=secret").status_code == 200
    [span] = spans
    assert (span.name, span.kind, span.parent_id, span.error) == ("GET /orders/<int:id>", "server", "", "")
    assert span.attributes == {
        "http.request.method": "GET",
        "url.path": "/orders/7",
        "url.scheme": "http",
        "http.route": "/orders/<int:id>",
        "http.response.status_code": 200,
    }


def test_a_secret_in_a_path_stands_in_no_span(client, spans):
    redactor.learn("c4nary-in-a-path")
    client.get("/nowhere/c4nary-in-a-path")
    [span] = spans
    assert span.attributes["url.path"] == "/nowhere/***"


@pytest.mark.parametrize(
    ("headers", "parent"),
    [
        ({"traceparent": f"00-{TRACE}-{PARENT}-01"}, PARENT),
        ({"X-Amzn-Trace-Id": f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={PARENT};Sampled=1"}, PARENT),
        ({"X-Amzn-Trace-Id": f"Root=1-{TRACE[:8]}-{TRACE[8:]}"}, ""),  # a load balancer
    ],
)
def test_it_goes_on_in_the_trace_of_its_caller(client, spans, headers, parent):
    assert client.get("/orders/7", headers=headers).json == {"trace_id": TRACE}
    [span] = spans
    assert (span.trace_id, span.parent_id) == (TRACE, parent)
    assert tracing.trace_id() == ""


@pytest.mark.parametrize("header", ["", "00-x", "Root=1;;=", "\xff", "0" * 5000])
def test_nonsense_begins_a_trace_of_its_own(client, spans, header):
    assert (
        client.get("/orders/7", headers={"traceparent": header, "X-Amzn-Trace-Id": header}).status_code == 200
    )
    [span] = spans
    assert span.parent_id == ""


def test_failures_of_ours_fail_and_those_of_the_caller_do_not(client, spans):
    assert [client.get(path).status_code for path in ("/broken", "/throttled", "/nowhere", "/orders/x")] == [
        500,
        503,
        404,
        404,
    ]
    assert client.open("/orders/7", method="BREW").status_code == 405
    assert [(span.name, span.error, span.attributes["http.response.status_code"]) for span in spans] == [
        ("GET /broken", "RuntimeError", 500),
        ("GET /throttled", "ThrottlingException", 503),
        ("GET", "", 404),
        ("GET", "", 404),
        ("HTTP", "", 405),
    ]
    assert list(spans)[-1].attributes["http.request.method"] == "_OTHER"


def test_probes_leave_no_span(client, spans):
    for path in ("/health", "/health/live", "/health/ready"):
        assert client.get(path).status_code == 200
    assert len(spans) == 0


def test_the_log_line_of_a_request_tells_its_trace(client, spans, capsys):
    configure_logs(format="json")
    client.get("/orders/7")
    logging.getLogger().handlers = []
    [line] = [json.loads(one) for one in capsys.readouterr().out.splitlines()]
    [span] = spans
    assert (line["event"], line["trace_id"], line["span_id"]) == (
        "request.handled",
        span.trace_id,
        span.span_id,
    )
