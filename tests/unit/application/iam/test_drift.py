"""What a service calls, held against what it is granted."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from blackcat import FromParameter, FromSecret
from blackcat.application.iam.drift import Call, Drift, Grants, calls_of
from blackcat.entrypoints.granted_calls import noted_in
from unit.application.iam.everything import EVERYTHING


def grants(name: str) -> Grants:
    return Grants(EVERYTHING.select(name), EVERYTHING, "t_")


def test_a_call_is_the_action_that_iam_knows() -> None:
    assert calls_of("sqs", "DeleteMessageBatch", "a") == [Call("sqs:DeleteMessage", "a")]
    assert calls_of("dynamodb", "TransactWriteItems", "a, b") == [
        Call("dynamodb:PutItem", "a"),
        Call("dynamodb:PutItem", "b"),
    ]
    assert calls_of("sts", "GetCallerIdentity", "") == []


def test_what_the_type_needs_is_granted_and_is_no_part_of_uses() -> None:
    assert grants("place_order").allow(Call("sqs:SendMessage", "t_orders_cmd_dlq"))
    assert not grants("place_order").allow(Call("sqs:SendMessage", "t_orders_cmd"))
    assert list(grants("send_mail").parts()) == []


def test_a_setting_may_be_read_that_a_class_says_is_kept_in_aws() -> None:
    url = Call("ssm:GetParameters", "/shop/url")
    password = Call("secretsmanager:GetSecretValue", "shop/db")
    none = Grants(EVERYTHING.select("admin_api"), EVERYTHING, "t_")
    kept = [FromParameter("/shop/url"), FromSecret("shop/db", key="password")]
    some = Grants(EVERYTHING.select("admin_api"), EVERYTHING, "t_", settings=lambda: kept)
    for call in (url, password):
        assert calls_of(*call.action.split(":"), call.resource) == [call]
        assert not none.allow(call)
        assert some.allow(call)
        assert some.reads_setting(call)
    assert none.told(url).endswith("'/shop/url': declare it as a setting with FromParameter")
    assert none.told(password).endswith("'shop/db': declare it in uses, or as a setting with FromSecret")


def test_a_grant_is_used_by_what_it_is_for_only() -> None:
    place = grants("place_order")
    assert list(place.used_by(Call("sqs:GetQueueUrl", "t_mail-cmd"))) == []
    assert list(place.used_by(Call("sqs:SendMessage", "t_mail-cmd"))) == ["send to queue 'mail-cmd'"]
    assert list(place.used_by(Call("sns:Publish", "t_orders"))) == ["publish to topic 'orders'"]
    assert list(place.used_by(Call("dynamodb:Query", "t_orders"))) == ["read table 'orders'"]


def test_only_services_that_were_tested_have_unused_grants() -> None:
    drift = Drift()
    drift.add("place_order", grants("place_order"), [])
    assert drift.unused() == []
    calls = [Call("dynamodb:PutItem", "t_orders"), Call("sns:Publish", "t_orders")]
    drift.add("place_order", grants("place_order"), calls)
    assert [line.partition(",")[0] for line in drift.unused()] == [
        "service 'place_order' is granted to put events on event bus 'shop'",
        "service 'place_order' is granted to read secret 'shop/db'",
        "service 'place_order' is granted to read table 'orders'",
        "service 'place_order' is granted to send to queue 'mail-cmd'",
    ]


def test_what_a_process_called_is_told_even_if_it_ends_badly(tmp_path: Path) -> None:
    drift, file = Drift(), tmp_path / "calls"
    with contextlib.suppress(AssertionError), noted_in(drift, file, EVERYTHING, prefix="t_"):
        file.write_text(json.dumps(["tidy", "sns:Publish", "t_orders"]) + "\n")
        raise AssertionError("status 1")
    assert drift.refused() == ["service 'tidy' is not granted sns:Publish on 'orders': declare it in uses"]


def test_what_processes_found_is_put_together() -> None:
    one, other = Drift(), Drift()
    one.add("tidy", grants("tidy"), [Call("dynamodb:Query", "t_stock.v2")])
    other.add("tidy", grants("tidy"), [Call("events:PutEvents", "default"), Call("sns:Publish", "t_orders")])
    one.merge(json.loads(json.dumps(other.as_json())))
    assert one.refused() == ["service 'tidy' is not granted sns:Publish on 'orders': declare it in uses"]
    assert [line.partition(",")[0] for line in one.unused()] == [
        "service 'tidy' is granted to consume queue 'mail_cmd'"
    ]
