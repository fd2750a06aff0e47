import base64
import json
import logging
import sys
from datetime import timedelta
from textwrap import dedent

import pytest

from blackcat import Service, ServiceType, Settings
from blackcat.entrypoints.aws_lambda.deadline import deadline_of
from blackcat.entrypoints.aws_lambda.events import kind_of
from blackcat.entrypoints.aws_lambda.serving import ApiFunction
from blackcat.entrypoints.aws_lambda.sources import Invocation
from blackcat.errors import InvalidEvent, UnknownEvent
from blackcat.testing.events import (
    LambdaContext,
    alb_event,
    api_gateway_v1_event,
    api_gateway_v2_event,
    function_url_event,
)
from cases.lambda_events import HTTP, NAMES, golden, with_one_missing

MODULE = dedent(
    """
    from flask import Blueprint, Response, request
    from blackcat.entrypoints.rest_api.deadline import time_left

    blueprint = Blueprint("orders", __name__)

    @blueprint.post("/orders/<name>")
    def order(name: str):
        return {
            "name": name,
            "tags": request.args.getlist("tag"),
            "page": request.args["page"],
            "json": request.get_json(),
            "cookies": request.cookies,
            "host": request.host,
            "scheme": request.scheme,
            "client": request.remote_addr,
        }

    @blueprint.post("/echo")
    def echo():
        return Response(request.get_data(), content_type="application/octet-stream")

    @blueprint.get("/cookies")
    def cookies():
        answer = Response("ok")
        answer.set_cookie("a", "1")
        answer.set_cookie("b", "2", expires=0)
        answer.headers.add("Vary", "Accept")
        answer.headers.add("Vary", "Origin")
        return answer

    @blueprint.get("/latin")
    def latin():
        return Response("caf\\u00e9".encode("latin-1"), content_type="text/plain; charset=iso-8859-1")

    @blueprint.get("/large/<int:size>")
    def large(size: int):
        return Response("x" * size, content_type="text/plain")

    @blueprint.get("/quotes/<int:size>")
    def quotes(size: int):
        return Response('"' * size, content_type="text/plain")

    @blueprint.get("/streamed")
    def streamed():
        return Response((part for part in ("a", "b")), content_type="text/plain")

    @blueprint.get("/cut")
    def cut():
        def parts():
            yield "a"
            raise RuntimeError("password=hunter2hunter2")
        return Response(parts(), content_type="text/plain")

    @blueprint.get("/image")
    def image():
        return Response(bytes([137, 80, 78, 71]), content_type="image/png")

    @blueprint.get("/mount")
    def mount():
        return {"root": request.script_root, "path": request.path}

    @blueprint.get("/left")
    def left():
        return {"seconds": time_left().total_seconds()}

    @blueprint.get("/broken")
    def broken():
        raise SystemExit("password=hunter2hunter2")
    """
)

EVENTS = {
    "alb": alb_event,
    "api_gateway_v1": api_gateway_v1_event,
    "api_gateway_v2": api_gateway_v2_event,
    "function_url": function_url_event,
}


@pytest.fixture(scope="module")
def function(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    (folder / "lambda_served.py").write_text(MODULE)
    sys.path.insert(0, str(folder))
    service = Service(name="orders", type=ServiceType.REST_API, endpoint_module="lambda_served")
    yield ApiFunction(service, None, Settings())
    sys.path.remove(str(folder))


@pytest.fixture
def call(function):
    def invoke(event, remaining=timedelta(seconds=29)):
        context = LambdaContext(remaining=remaining)
        return function(Invocation(event, kind_of(event), context, deadline_of(context)))

    return invoke


def body_of(answer):
    return base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()


@pytest.mark.parametrize("name", HTTP)
def test_a_golden_request_reaches_its_view_whole(call, name):
    answer = call(golden(name))
    assert answer["statusCode"] == 200, answer
    seen = json.loads(body_of(answer))
    assert seen["name"] == "café"
    assert seen["json"] == {"order_id": 1}
    assert seen["page"] == "1"
    assert seen["tags"] == (["b c"] if name == "alb" else ["a", "b c"])  # ALB passes the last one on
    assert seen["cookies"] == {"a": "1", "b": "2"}
    assert seen["client"] == "192.0.2.1"
    assert seen["scheme"] == ("http" if name.startswith("alb") else "https")


@pytest.mark.parametrize("name", HTTP)
def test_a_request_that_lacks_a_field_is_served_or_refused_with_its_name(call, name):
    for path, event in with_one_missing(name):
        try:
            answer = call(event)
        except UnknownEvent:
            pytest.fail(f"without {path} it is no request any more")
        except InvalidEvent as error:
            assert path[-1] in str(error), path  # noqa: PT017 - which of them
        else:
            assert answer["statusCode"] in (200, 400, 404, 415), (path, answer)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in HTTP])
def test_what_is_no_request_is_refused_with_what_is_taken(call, name):
    with pytest.raises(UnknownEvent, match="rest-api 'orders' takes events of API Gateway"):
        call(golden(name))


@pytest.mark.parametrize("build", EVENTS.values(), ids=EVENTS)
def test_bytes_travel_both_ways(call, build):
    content = bytes(range(256))
    answer = call(build("POST", "/echo", body=content, headers={"Content-Type": "application/octet-stream"}))
    assert answer["isBase64Encoded"]
    assert body_of(answer) == content


@pytest.mark.parametrize("build", EVENTS.values(), ids=EVENTS)
@pytest.mark.parametrize("body", ["abc", "é===", "!!!!", "eyJh!!!!", "YQ==ZGVm", "A==="])
def test_a_body_that_is_no_base64_is_refused(call, build, body):
    event = build("POST", "/echo") | {"body": body, "isBase64Encoded": True}
    with pytest.raises(InvalidEvent, match="'body' of .* is no base64"):
        call(event)


@pytest.mark.parametrize(
    "broken", [{"headers": [1]}, {"body": {"a": 1}}, {"headers": "text"}, {"requestContext": {"http": "GET"}}]
)
def test_fields_that_make_no_sense_are_named(call, broken):
    with pytest.raises(InvalidEvent, match=next(iter(broken))):
        call(api_gateway_v2_event("GET", "/cookies") | broken)


@pytest.mark.parametrize(
    ("build", "broken"),
    [
        (api_gateway_v2_event, {"headers": {"a": 5}}),
        (api_gateway_v2_event, {"cookies": [5]}),
        (api_gateway_v2_event, {"rawQueryString": 5}),
        (api_gateway_v2_event, {"isBase64Encoded": "false"}),
        (api_gateway_v1_event, {"multiValueHeaders": {"a": "text"}}),
        (api_gateway_v1_event, {"multiValueQueryStringParameters": {"a": None}}),
        (api_gateway_v1_event, {"requestContext": {"identity": "text"}}),
        (alb_event, {"queryStringParameters": {"a": 5}}),
    ],
)
def test_values_of_another_type_are_named(call, build, broken):
    [field] = broken
    with pytest.raises(InvalidEvent, match=f"'{field}"):
        call(build("GET", "/mount") | broken)


@pytest.mark.parametrize("field", ["sourceIp", "protocol"])
def test_what_a_request_is_sent_with_must_be_text_and_may_be_null(call, field):
    event = api_gateway_v2_event("GET", "/mount")
    event["requestContext"]["http"][field] = None
    assert call(event)["statusCode"] == 200
    event["requestContext"]["http"][field] = 5
    with pytest.raises(InvalidEvent, match=field):
        call(event)


def test_single_headers_and_queries_hold_where_the_multiple_ones_are_null(call):
    event = api_gateway_v1_event(
        "POST", "/orders/a", body={"a": 1}, query={"page": 1, "tag": "b"}, headers={"Cookie": "a=1"}
    )
    answer = call(event | {"multiValueHeaders": None, "multiValueQueryStringParameters": None})
    seen = json.loads(body_of(answer))
    assert (seen["json"], seen["cookies"], seen["page"], seen["tags"]) == ({"a": 1}, {"a": "1"}, "1", ["b"])


@pytest.mark.parametrize(
    ("path", "route", "parameters"),
    [
        ("/orders-api/mount", "/{proxy+}", {"proxy": "mount"}),
        ("/orders-api/mount", "/mount", None),
        ("/orders-api/mount", "/{name}", {"name": "mount"}),
    ],
)
def test_the_base_path_of_a_custom_domain_is_no_part_of_the_path(call, path, route, parameters):
    event = api_gateway_v1_event("GET", path)
    event |= {"resource": route, "pathParameters": parameters}
    event["requestContext"] |= {"path": path, "domainName": "api.example.com"}
    assert json.loads(body_of(call(event))) == {"root": "/orders-api", "path": "/mount"}


@pytest.mark.parametrize("build", EVENTS.values(), ids=EVENTS)
def test_a_body_that_fails_half_way_is_a_failure_and_not_a_part(call, caplog, build):
    answer = call(build("GET", "/cut"))
    assert (answer["statusCode"], json.loads(body_of(answer))["status"]) == (500, 500)
    assert "hunter2" not in answer["body"]
    assert "request.failed" in [line.message for line in caplog.records]


def test_bytes_that_are_no_text_have_no_encoding_of_their_own(call):
    answer = call(function_url_event("GET", "/image"))
    assert answer["isBase64Encoded"]
    assert "content-encoding" not in answer["headers"]


@pytest.mark.parametrize(
    ("build", "path", "name"),
    [
        (api_gateway_v2_event, "/orders/50%20off", "50%20off"),  # decoded by API Gateway already
        (api_gateway_v2_event, "/orders/café 100%", "café 100%"),
        (function_url_event, "/orders/50%20off", "50 off"),
        (api_gateway_v1_event, "/orders/50%20off", "50 off"),
        (alb_event, "/orders/50%20off", "50 off"),
    ],
)
def test_a_path_is_decoded_once(call, build, path, name):
    answer = call(build("POST", path, body={}, query={"page": 1}))
    assert json.loads(body_of(answer))["name"] == name


def test_texts_travel_as_they_are(call):
    answer = call(function_url_event("GET", "/streamed"))
    assert (answer["isBase64Encoded"], answer["body"]) == (False, "ab")


@pytest.mark.parametrize("build", EVENTS.values(), ids=EVENTS)
def test_a_text_that_is_not_utf_8_loses_nothing(call, build):
    answer = call(build("GET", "/latin"))
    assert answer["statusCode"] == 200
    assert body_of(answer).decode("latin-1") == "café"


def test_cookies_and_repeated_headers_survive_payload_format_2(call):
    answer = call(api_gateway_v2_event("GET", "/cookies"))
    assert [cookie.split("=")[0] for cookie in answer["cookies"]] == ["a", "b"]
    assert answer["headers"]["vary"] == "Accept, Origin"


@pytest.mark.parametrize(
    "event", [api_gateway_v1_event("GET", "/cookies"), alb_event("GET", "/cookies", multi_value=True)]
)
def test_cookies_survive_multi_value_headers(call, event):
    answer = call(event)
    assert len(answer["multiValueHeaders"]["Set-Cookie"]) == 2
    assert answer["multiValueHeaders"]["Vary"] == ["Accept", "Origin"]


def test_cookies_survive_single_headers(call):
    headers = call(alb_event("GET", "/cookies"))["headers"]
    cookies = [value for name, value in headers.items() if name.lower() == "set-cookie"]
    assert [cookie.split("=")[0] for cookie in cookies] == ["a", "b"]
    assert headers["Vary"] == "Accept, Origin"


def test_a_balancer_is_told_the_status_in_words(call):
    assert call(alb_event("GET", "/cookies"))["statusDescription"] == "200 OK"
    assert call(alb_event("GET", "/nothing"))["statusDescription"] == "404 Not Found"


@pytest.mark.parametrize(
    ("build", "size", "path"),
    [
        (api_gateway_v1_event, 6 * 1024 * 1024 - 3000, "large"),
        (function_url_event, 6 * 1024 * 1024 - 3000, "large"),
        (alb_event, 1024 * 1024 - 3000, "large"),
        (alb_event, 300_000, "quotes"),
    ],
)
def test_an_answer_at_the_limit_goes_through(call, build, size, path):
    answer = call(build("GET", f"/{path}/{size}"))
    assert (answer["statusCode"], len(answer["body"])) == (200, size)


@pytest.mark.parametrize(
    ("build", "size", "path"),
    [
        (api_gateway_v1_event, 6 * 1024 * 1024, "large"),
        (api_gateway_v2_event, 6 * 1024 * 1024, "large"),
        (function_url_event, 3 * 1024 * 1024 + 1, "quotes"),
        (alb_event, 1024 * 1024, "large"),
    ],
)
def test_an_answer_above_the_limit_is_one_that_says_so(call, caplog, build, size, path):
    with caplog.at_level(logging.ERROR):
        answer = call(build("GET", f"/{path}/{size}"))
    assert answer["statusCode"] == 500
    problem = json.loads(answer["body"])
    assert "is above the limit of" in problem["detail"]
    assert problem["status"] == 500
    [line] = caplog.records
    assert line.message == "response.too_large"
    assert line.fields["bytes"] > line.fields["limit_bytes"]


def test_a_request_has_less_time_than_the_function(call):
    answer = call(function_url_event("GET", "/left"), remaining=timedelta(seconds=5))
    assert 0 < json.loads(answer["body"])["seconds"] <= 4
    answer = call(function_url_event("GET", "/left"), remaining=timedelta(minutes=10))
    assert 29 < json.loads(answer["body"])["seconds"] <= 30


def test_lambdas_request_id_is_the_requests_unless_the_client_gave_one(function):
    context = LambdaContext()
    event = function_url_event("GET", "/cookies")
    answer = function(Invocation(event, kind_of(event), context, deadline_of(context)))
    assert answer["headers"]["x-request-id"] == context.aws_request_id
    event = function_url_event("GET", "/cookies", headers={"X-Request-Id": "mine"})
    answer = function(Invocation(event, kind_of(event), context, deadline_of(context)))
    assert answer["headers"]["x-request-id"] == "mine"


def test_the_stage_of_an_api_is_no_part_of_the_path(call):
    event = api_gateway_v2_event("GET", "/hom/streamed")
    event["requestContext"]["stage"] = "hom"
    assert call(event)["statusCode"] == 200
    event["requestContext"]["stage"] = "other"
    assert call(event)["statusCode"] == 404


def test_a_clients_own_forwarded_address_is_not_believed(call):
    event = alb_event("POST", "/orders/a", body={}, query={"page": 1})
    event["headers"]["x-forwarded-for"] = "203.0.113.7, 192.0.2.1"
    assert json.loads(call(event)["body"])["client"] == "192.0.2.1"


@pytest.mark.parametrize("build", EVENTS.values(), ids=EVENTS)
def test_a_view_that_fails_is_answered_without_telling_why(call, build):
    answer = call(build("GET", "/broken"))
    assert answer["statusCode"] == 500
    assert "hunter2" not in answer["body"]


@pytest.mark.parametrize("path", ["/日本", "/100%25", "/a b", "/%E6%97%A5"])
def test_odd_paths_are_not_found_and_nothing_worse(call, path):
    for build in EVENTS.values():
        assert call(build("GET", path))["statusCode"] == 404
