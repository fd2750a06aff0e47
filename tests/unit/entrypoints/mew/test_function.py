"""A whole function: from the event of each source to its answer."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response

from blackcat import Jobs, Mew, Settings, SettingsReader
from blackcat.domain.message import Message
from blackcat.entrypoints.aws_lambda.deadline import Deadline
from blackcat.entrypoints.aws_lambda.events import Kind
from blackcat.entrypoints.aws_lambda.sources import Invocation
from blackcat.entrypoints.mew.function import MewFunction
from blackcat.errors import ConfigurationError, InvalidEvent, ServiceFailed, SettingsError, UnknownEvent
from blackcat.testing.events import (
    eventbridge_event,
    schedule_event,
    sns_event,
    sns_notification,
    sqs_event,
    sqs_record,
)
from blackcat.testing.http_events import (
    alb_event,
    api_gateway_v1_event,
    api_gateway_v2_event,
    function_url_event,
)
from blackcat.testing.lambda_context import LambdaContext

COMMANDS = """
from __future__ import annotations
from pydantic import BaseModel

TAKEN = []

class Order(BaseModel):
    number: int = 0

def take(order: Order) -> dict[str, object]:
    if order.number < 0:
        raise ValueError(f"no such order, and the password is hunter2-hunter2")
    TAKEN.append(order.number)
    return {"taken": order.number, "orders": {1, 1}}
"""

REQUESTS = {
    "API Gateway v1": api_gateway_v1_event,
    "API Gateway v2": api_gateway_v2_event,
    "function URL": function_url_event,
    "ALB": alb_event,
    "ALB, many values": lambda *arguments, **named: alb_event(*arguments, **named, multi_value=True),
}


class Clock(Protocol):
    def now(self) -> int: ...


class Seven:
    def now(self) -> int:
        return 7


def clock() -> Clock:
    return Seven()


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, log_lines: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)


@pytest.fixture
def taken(package: Any) -> Any:
    """The package of commands; ``taken.order_commands.TAKEN`` is what they took."""
    return package(order_commands=COMMANDS)


@pytest.fixture
def main(taken: Any) -> Callable[[Any, Any], Any]:
    jobs = Jobs()
    jobs.command("take")
    jobs.command("take", job="take_nightly")

    @jobs.function
    def tell_time(clock: Clock) -> int:
        return clock.now()

    @jobs.function
    def fail() -> None:
        raise OSError("no route to the bank")

    mew = Mew(project="shop_orders", settings=SettingsReader(Settings), bindings=[clock], jobs=jobs)
    return mew.main(http=application, commands=lambda: taken)


def application() -> FastAPI:
    app = FastAPI()

    @app.post("/echo/{name}")
    async def echo(name: str, request: Request, tag: str = "") -> dict[str, Any]:
        body = await request.body()
        return {"name": name, "tag": tag, "body": body.decode(), "color": request.headers.get("x-color")}

    @app.get("/bytes")
    def raw() -> Response:
        return Response(b"\xff\x00", media_type="application/octet-stream")

    @app.get("/large")
    def large(size: int) -> PlainTextResponse:
        return PlainTextResponse("ã" * size)

    return app


@pytest.mark.parametrize("event", REQUESTS.values(), ids=REQUESTS)
def test_a_request_of_each_source_is_answered(main: Any, event: Any) -> None:
    request = event("POST", "/echo/ana", body={"a": "ç"}, headers={"X-Color": "red"}, query={"tag": "x y"})

    answer = main(request, LambdaContext())

    assert answer["statusCode"] == 200
    told = json.loads(answer["body"])
    assert (told["name"], told["tag"], told["color"]) == ("ana", "x y", "red")
    assert json.loads(told["body"]) == {"a": "ç"}


@pytest.mark.parametrize(("path", "status"), [("/hom/bytes", 200), ("/bytes", 200), ("/homage/bytes", 404)])
def test_a_path_without_the_stage_is_what_the_application_sees(main: Any, path: str, status: int) -> None:
    event = api_gateway_v2_event("GET", path)
    event["requestContext"]["stage"] = "hom"

    assert main(event, LambdaContext())["statusCode"] == status


@pytest.mark.parametrize("event", REQUESTS.values(), ids=REQUESTS)
def test_a_path_may_hold_any_letter(main: Any, event: Any) -> None:
    decoded = event is api_gateway_v2_event  # by API Gateway
    path = "/echo/joão +" if decoded else "/echo/jo%C3%A3o%20%2B"
    answer = main(event("POST", path), LambdaContext())

    assert json.loads(answer["body"])["name"] == "joão +"


@pytest.mark.parametrize("event", REQUESTS.values(), ids=REQUESTS)
def test_bytes_travel_in_base64_both_ways(main: Any, event: Any) -> None:
    received = json.loads(main(event("POST", "/echo/x", body="olá".encode()), LambdaContext())["body"])
    answer = main(event("GET", "/bytes"), LambdaContext())

    assert received["body"] == "olá"
    assert answer["isBase64Encoded"] is True
    assert base64.b64decode(answer["body"]) == b"\xff\x00"


@pytest.mark.parametrize("event", REQUESTS.values(), ids=REQUESTS)
def test_an_answer_above_lambdas_limit_is_an_error_that_says_so(main: Any, event: Any) -> None:
    answer = main(event("GET", "/large", query={"size": str(3 * 1024 * 1024)}), LambdaContext())

    assert answer["statusCode"] == 500
    assert "is above the limit of" in json.loads(answer["body"])["detail"]


@pytest.mark.parametrize(
    ("event", "absent"),
    [
        (api_gateway_v2_event("GET", "/bytes"), ("headers", "rawQueryString", "isBase64Encoded")),
        (function_url_event("GET", "/bytes"), ("headers", "rawQueryString", "isBase64Encoded")),
        (
            api_gateway_v1_event("GET", "/bytes"),
            ("headers", "multiValueHeaders", "resource", "isBase64Encoded"),
        ),
        (alb_event("GET", "/bytes"), ("headers", "queryStringParameters", "isBase64Encoded")),
    ],
)
def test_what_a_request_may_do_without_may_be_missing(main: Any, event: Any, absent: tuple[str, ...]) -> None:
    less = {name: value for name, value in event.items() if name not in absent}

    assert main(less, LambdaContext())["statusCode"] == 200


@pytest.mark.parametrize(
    ("event", "change", "problem"),
    [
        (api_gateway_v2_event("GET", "/bytes"), {"rawPath": None}, "has no 'rawPath'"),
        (
            api_gateway_v2_event("GET", "/bytes"),
            {"requestContext": {"http": {}}},
            "requestContext.http.method",
        ),
        (api_gateway_v1_event("GET", "/bytes"), {"path": None}, "has no 'path'"),
        (alb_event("GET", "/bytes"), {"httpMethod": 7}, "'httpMethod' of"),
        (function_url_event("GET", "/bytes"), {"headers": "x: y"}, "'headers' of .* is no object"),
        (
            function_url_event("GET", "/bytes"),
            {"headers": {"host": 7}},
            "'headers' of .* has a value that is",
        ),
        (alb_event("GET", "/"), {"multiValueHeaders": {"host": "a"}}, "has a value that is no list of texts"),
        (api_gateway_v2_event("GET", "/bytes"), {"cookies": "a=b"}, "'cookies' of .* is no list of texts"),
        (api_gateway_v2_event("GET", "/bytes"), {"rawQueryString": 7}, "'rawQueryString' of .* is no text"),
        (
            api_gateway_v1_event("GET", "/bytes"),
            {"requestContext": {"identity": "ana"}},
            "'requestContext.identity' of .* is no object",
        ),
        (function_url_event("GET", "/bytes"), {"body": {"a": 1}}, "'body' of .* is no text"),
        (
            api_gateway_v2_event("GET", "/bytes"),
            {"body": "abc", "isBase64Encoded": True},
            "is no base64, and isBase64Encoded is true",
        ),
    ],
)
def test_a_request_that_lacks_something_is_refused_and_told_what(
    main: Any, event: Any, change: Any, problem: str
) -> None:
    with pytest.raises(InvalidEvent, match=problem):
        main({**event, **change}, LambdaContext())


def test_of_a_queues_records_those_that_fail_come_back(main: Any, taken: Any) -> None:
    handled = sqs_record({"command": "take", "number": 1})
    refused = sqs_record({"command": "take", "number": -1})
    undecodable = sqs_record({"command": "take", "number": "many"})
    unknown = sqs_record({"command": "nobody_knows"})
    by_attribute = sqs_record({"number": 2}, attributes={"command": "take"})

    answer = main(sqs_event(handled, refused, undecodable, unknown, by_attribute), LambdaContext())

    failed = [one["itemIdentifier"] for one in answer["batchItemFailures"]]
    assert failed == [refused["messageId"], undecodable["messageId"], unknown["messageId"]]
    assert taken.order_commands.TAKEN == [1, 2]


def test_nothing_is_begun_without_time() -> None:
    record = sqs_record({"command": "take"})
    invocation = Invocation(
        event=sqs_event(record), kind=Kind.SQS, context=LambdaContext(), deadline=Deadline(lambda: 0.0)
    )
    handled: list[Message] = []

    function = MewFunction(http=application, handle=lambda message: handled.append(message), job=print)

    assert function(invocation) == {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}
    assert handled == []


def test_each_message_is_logged_with_its_outcome_and_no_body(main: Any, log_lines: Any) -> None:
    main(sqs_event(sqs_record({"command": "take", "number": 77_123})), LambdaContext())

    [line] = [line for line in log_lines() if line["event"] == "message.handled"]
    assert line["service"] == "shop_orders"
    assert "77123" not in json.dumps(line)


@pytest.mark.parametrize(
    ("event", "number"),
    [
        (sns_event(sns_notification({"command": "take", "number": 3})), 3),
        (eventbridge_event({"command": "take", "number": 4}, source="shop", detail_type="ordered"), 4),
    ],
)
def test_what_a_topic_or_a_bus_sends_is_handled(main: Any, taken: Any, event: Any, number: int) -> None:
    assert main(event, LambdaContext()) is None
    assert number in taken.order_commands.TAKEN


def test_a_message_of_a_topic_that_fails_fails_the_invocation(main: Any) -> None:
    with pytest.raises(ServiceFailed, match="was not handled: ValueError"):
        main(sns_event(sns_notification({"command": "take", "number": -1})), LambdaContext())


@pytest.mark.parametrize(
    ("event", "answer"),
    [
        ({"job": "take", "input": {"number": 5}}, {"taken": 5, "orders": [1]}),
        ({"job": "take"}, {"taken": 0, "orders": [1]}),
        (schedule_event(rule="shop-orders-take-nightly"), {"taken": 0, "orders": [1]}),
        ({"job": "tell_time"}, 7),
    ],
)
def test_a_job_answers_what_it_returns_as_json(main: Any, event: Any, answer: Any) -> None:
    told = main(event, LambdaContext())

    assert told == answer
    assert json.dumps(told)


@pytest.mark.parametrize(
    ("event", "kind", "problem"),
    [
        (
            {"job": "nobody_knows"},
            InvalidEvent,
            "there is no job 'nobody_knows'.*: the jobs are fail, health, take",
        ),
        ({"job": "take", "input": {"number": "many"}}, InvalidEvent, "the input does not fit command 'take'"),
        ({"job": "take", "input": [1]}, InvalidEvent, "the input does not fit command 'take'"),
        (None, InvalidEvent, "the event names no job"),
        ([], UnknownEvent, "an event is a JSON object"),
        ({"Records": [{"eventSource": "aws:s3"}]}, UnknownEvent, "aws:s3"),
        ({"job": "fail"}, ServiceFailed, "OSError: no route to the bank"),
    ],
)
def test_what_goes_wrong_is_said(main: Any, event: Any, kind: type[Exception], problem: str) -> None:
    with pytest.raises(kind, match=problem):
        main(event, LambdaContext())


def test_health_tells_what_there_is(main: Any) -> None:
    assert main({"job": "health"}, LambdaContext()) == {
        "status": "ok",
        "commands": ["take"],
        "jobs": ["fail", "health", "take", "take_nightly", "tell_time"],
    }


def test_health_fails_for_a_job_whose_command_is_not_there(taken: Any) -> None:
    jobs = Jobs()
    jobs.command("expire")
    mew = Mew(project="shop_orders", settings=SettingsReader(Settings), jobs=jobs)

    with pytest.raises(ConfigurationError, match="job 'expire' runs command 'expire', which is not there"):
        mew.main(http=application, commands=lambda: taken).check()


def test_health_fails_for_an_interface_that_nothing_is_bound_to(taken: Any) -> None:
    jobs = Jobs()

    @jobs.function
    def tell_time(clock: Clock) -> int:
        return clock.now()

    mew = Mew(project="shop_orders", settings=SettingsReader(Settings), jobs=jobs)

    with pytest.raises(ServiceFailed, match="needs Clock for 'clock', which the container does not give"):
        mew.main(http=application, commands=lambda: taken)({"job": "health"}, LambdaContext())


def test_wrong_settings_fail_the_start_on_lambda(taken: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "SHOUTING")
    mew = Mew(project="shop_orders", settings=SettingsReader(Settings))
    mew.main(http=application, commands=lambda: taken)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "shop_orders")

    with pytest.raises(SettingsError, match="LOG_LEVEL"):
        mew.main(http=application, commands=lambda: taken)


@pytest.mark.parametrize(
    ("initialization", "loaded"), [("on-demand", 0), ("provisioned-concurrency", 1), ("snap-start", 1)]
)
def test_where_nobody_waits_everything_is_loaded_at_the_start(
    taken: Any, monkeypatch: pytest.MonkeyPatch, initialization: str, loaded: int
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "shop_orders")
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", initialization)
    asked: list[str] = []
    mew = Mew(project="shop_orders", settings=SettingsReader(Settings))

    mew.main(http=lambda: asked.append("http"), commands=lambda: asked.append("commands") or taken)

    assert asked == ["http", "commands"] * loaded


@pytest.mark.parametrize("event", [api_gateway_v1_event, api_gateway_v2_event], ids=["v1", "v2"])
def test_the_applications_own_links_begin_with_the_stage(main: Any, event: Any) -> None:
    def told(path: str) -> str:
        request = event("GET", f"/hom{path}" if event is api_gateway_v2_event else path)
        request["requestContext"] |= {"stage": "hom", "path": f"/hom{path}"}
        answer = main(request, LambdaContext())
        assert answer["statusCode"] == 200
        return str(answer["body"])

    assert "url: '/hom/openapi.json'" in told("/docs")
    assert json.loads(told("/openapi.json"))["servers"] == [{"url": "/hom"}]


WITHOUT = """
import json, sys
from blackcat import Mew, Settings, SettingsReader
from blackcat.testing.lambda_context import LambdaContext
import package_of_commands

async def application(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})

mew = Mew(project="shop_orders", settings=SettingsReader(Settings))
main = mew.main(http=lambda: application, commands=lambda: package_of_commands)
answer = main(json.loads(sys.argv[1]), LambdaContext())
assert answer == {"batchItemFailures": []} or answer["statusCode"] == 200
print("modules:", *sys.modules)
"""
OF_REQUESTS = {"fastapi", "mangum", "starlette"}
OF_OTHERS = {
    "apig_wsgi",
    "blackcat.adapters_aws",
    "blackcat.entrypoints.rest_api",
    "boto3",
    "click",
    "flask",
    "jinja2",
    "werkzeug",
}


@pytest.mark.parametrize(
    ("event", "unneeded"),
    [
        (sqs_event(sqs_record({"command": "take"})), OF_OTHERS | OF_REQUESTS),
        (function_url_event("GET", "/"), OF_OTHERS),
    ],
    ids=["message", "request"],
)
def test_an_event_pays_for_nothing_that_others_need(tmp_path: Path, event: Any, unneeded: set[str]) -> None:
    folder = tmp_path / "package_of_commands"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "order_commands.py").write_text(COMMANDS)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, json.dumps(event)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert unneeded & set(done.stdout.partition("modules:")[2].split()) == set()
