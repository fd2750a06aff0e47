"""Requests, messages and schedules through the function, with a real database behind it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

from blackcat.testing.events import schedule_event, sqs_event, sqs_record
from blackcat.testing.http_events import api_gateway_v2_event
from blackcat.testing.lambda_runtime import LambdaFunction
from blackcat.testing.lambda_url import http_answer

from ..standins import Answer, Trouble
from ..world import World, keep_secret

ANA = {"name": "Ana", "email": "ana@example.com", "document": "12345678909"}


def request(
    function: LambdaFunction, method: str, path: str, body: Any = None, **query: str
) -> tuple[int, Any]:
    """The status and the body of the answer."""
    answer = http_answer(function.invoke(api_gateway_v2_event(method, path, body=body, query=query)))
    return answer.status, json.loads(answer.body or b"null")


def payment(reference: str, **method: Any) -> dict[str, Any]:
    return {"reference": reference, "amount_cents": 100_000, "customer": ANA, "method": method}


def banner(banner_id: str, title: str = "Summer sale") -> dict[str, Any]:
    period = {"starts_at": "2020-01-01T00:00:00Z", "ends_at": "2020-03-01T00:00:00Z"}
    return {"banner_id": banner_id, "title": title, "image_url": "https://example.com/a.png", **period}


def current(banner_id: str, title: str = "Summer sale") -> dict[str, Any]:
    now = datetime.now(timezone.utc)
    ends = {"starts_at": now.isoformat(), "ends_at": (now + timedelta(days=1)).isoformat()}
    return {**banner(banner_id, title), **ends}


def test_a_banner_is_moderated_created_and_shown(function: LambdaFunction) -> None:
    assert request(function, "POST", "/banner", current("summer"))[0] == 201
    status, refused = request(function, "POST", "/banner", current("gore", "blood everywhere"))
    assert (status, refused["detail"]) == (422, "the title cannot be shown: violence, violence/graphic")
    _, shown = request(function, "GET", "/banner", audience="visitors")
    assert "summer" in [one["banner_id"] for one in shown]
    assert request(function, "POST", "/banner/title", {"about": "sale"}) == (
        200,
        {"title": "Summer, for less"},
    )


def test_a_card_is_charged_in_installments_once_though_an_answer_is_lost(
    function: LambdaFunction, world: World
) -> None:
    world.pagarme.troubles.append(Trouble(carried_out=True))
    card = payment("A-1", type="card", token="tok_1", installments=10)
    status, paid = request(function, "POST", "/payment", card)
    assert (status, paid["status"], paid["total_cents"]) == (201, "paid", 111_268)
    assert request(function, "GET", f"/payment/{paid['payment_id']}") == (200, paid)
    _, told = request(function, "GET", "/notification", recipient=ANA["email"])
    assert "We received R$ 1,112.68, in 10 installments." in [one["text"] for one in told]


def test_a_bad_record_comes_back_and_the_others_are_handled(function: LambdaFunction) -> None:
    pix = {"command": "charge_payment", "input": payment("B-1", type="pix")}
    good = sqs_record(current("by-queue"), attributes={"command": "create_banner"})
    bad = sqs_record(banner("too-late"), attributes={"command": "create_banner"})
    answer = function.invoke(sqs_event(good, bad, sqs_record(pix))).value()
    assert answer == {"batchItemFailures": [{"itemIdentifier": bad["messageId"]}]}
    assert request(function, "GET", "/banner/by-queue")[0] == 200
    settle = {"command": "settle_payment", "charge_id": "ch_B-1", "status": "paid"}
    assert function.invoke(sqs_event(sqs_record(settle))).value() == {"batchItemFailures": []}


def test_a_schedule_starts_a_job(function: LambdaFunction) -> None:
    assert function.invoke({"job": "remind_of_installments", "input": {"days_before": 31}}).value() >= 0
    assert function.invoke(schedule_event(rule="expire-unpaid-pix")).value() == 0


def test_a_provider_that_is_down_is_503_and_quotes_nothing(function: LambdaFunction, world: World) -> None:
    down = Trouble(Answer(500, {"message": "stack trace"}))
    world.pagarme.troubles.extend([down] * 3)
    status, said = request(function, "POST", "/payment", payment("C-1", type="pix"))
    assert status == 503
    assert "stack trace" not in json.dumps(said)


def test_a_database_that_cannot_be_reached_is_503_and_a_line_in_the_log(world: World) -> None:
    keep_secret(world.emulator, "unreachable", {**world.login, "host": "127.0.0.1", "port": 9})
    with world.function(POSTGRES_SECRET="unreachable") as function:
        reply = function.invoke(api_gateway_v2_event("GET", "/banner"))
        answer = http_answer(reply)
        assert answer.status == 503
        assert json.loads(answer.body)["title"] == "Service Unavailable"
        [line] = [line for line in reply.lines if line.get("event") == "request.failed"]
        assert "127.0.0.1:9" in json.dumps(line)
        assert str(world.login["password"]) not in reply.log
