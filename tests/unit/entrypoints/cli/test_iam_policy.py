"""`blackcat iam-policy`: what it prints, and what it refuses."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from blackcat.entrypoints.cli.main import blackcat
from blackcat.errors import UnknownService

REGISTRY = """\
from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.resources import QueueResource, TableResource

orders = TableResource("orders", key="id")
services = ServiceRegistry(
    [
        Service(name="orders", type=ServiceType.CONSUMER, entrypoint="a:b", queue_name="orders_cmd"),
        Service(name="idle", type=ServiceType.WORKER, entrypoint="a:b"),
    ]
)
"""
KEPT = """\
from typing import Annotated

from blackcat import FromParameter, FromSecret, Settings


class Kept(Settings):
    url: Annotated[str, FromParameter("/kept/url")]
    password: Annotated[str, FromSecret("kept/db", key="password")]


def container(): ...
"""
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "RESOURCE_PREFIX", "SERVICE_NAME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "services.py").write_text(REGISTRY)
    return tmp_path


def ran(shop: Path, *arguments: str) -> Result:
    for name in [name for name in sys.modules if name.split(".")[0] == "services"]:
        del sys.modules[name]
    return CliRunner().invoke(blackcat, ["-C", str(shop), "iam-policy", *arguments])


def resources(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [arn for one in json.loads(result.stdout)["Statement"] for arn in one["Resource"]]


def test_what_is_not_told_stays_to_be_filled_in(shop: Path) -> None:
    assert resources(ran(shop, "orders")) == [
        "arn:aws:sqs:${AWS_REGION}:${AWS_ACCOUNT_ID}:orders_cmd",
        "arn:aws:sqs:${AWS_REGION}:${AWS_ACCOUNT_ID}:orders_cmd_dlq",
    ]


def test_settings_that_the_container_says_are_kept_in_aws_may_be_read(shop: Path) -> None:
    (shop / "services.py").write_text(
        REGISTRY.replace("    ]\n)", '    ],\n    container="kept:container",\n)')
    )
    (shop / "kept.py").write_text(KEPT)
    (shop / "a.py").write_text("")
    done = ran(shop, "idle", "--kms-key", KEY)
    assert "warning" not in done.stderr
    assert [arn for arn in resources(done) if arn != KEY] == [
        "arn:aws:secretsmanager:${AWS_REGION}:${AWS_ACCOUNT_ID}:secret:kept/db-??????",
        "arn:aws:ssm:${AWS_REGION}:${AWS_ACCOUNT_ID}:parameter/kept/url",
    ]


def test_settings_that_cannot_be_seen_are_told(shop: Path) -> None:
    (shop / "services.py").write_text(REGISTRY.replace('"a:b"', '"gone.module:b"'))
    done = ran(shop, "idle")
    assert "settings that it keeps in AWS are not in the policy" in done.stderr
    assert "--secret, --parameter" in done.stderr


def test_a_consumer_may_protect_its_tasks(shop: Path) -> None:
    assert resources(ran(shop, "orders", "--task-protection", "main"))[-1].endswith(":task/main/*")


def test_what_is_told_stands_in_every_arn(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "cn-north-1")
    monkeypatch.setenv("RESOURCE_PREFIX", "dev_")
    monkeypatch.setenv("SERVICE_NAME", "orders")
    told = ran(shop, "--account", "123456789012", "--secret", "shop/db", "--parameter", "/shop/url:3")
    assert resources(told) == [
        "arn:aws-cn:sqs:cn-north-1:123456789012:dev_orders_cmd",
        "arn:aws-cn:sqs:cn-north-1:123456789012:dev_orders_cmd_dlq",
        "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:shop/db-??????",
        "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/shop/url",
    ]


def test_for_a_template_and_with_a_key(shop: Path) -> None:
    told = resources(ran(shop, "orders", "--cloudformation", "--kms-key", KEY))
    assert told[0] == "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${ResourcePrefix}orders_cmd"
    assert told[2:] == [KEY, KEY]


def test_who_may_take_the_role(shop: Path) -> None:
    trust = json.loads(ran(shop, "orders", "--trust", "--account", "123456789012").stdout)
    assert trust["Statement"][0]["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}


def test_a_service_that_calls_nothing_has_no_policy(shop: Path) -> None:
    result = ran(shop, "idle")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no policy" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name one of the services: orders, idle"),
        (["orders", "--account", "12"], "12 digits"),
        (["orders", "--region", "eu west"], "no region"),
        (["orders", "--prefix", "*"], "no RESOURCE_PREFIX"),
        (["orders", "--kms-key", "alias/shop"], "the key's ARN"),
        (["orders", "--parameter", "/shop/*"], "a parameter's name"),
        (["orders", "--cloudformation", "--prefix", "dev_"], "take it alone"),
    ],
)
def test_what_makes_no_policy_is_refused(shop: Path, arguments: list[str], said: str) -> None:
    result = ran(shop, *arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_an_unknown_service_is_told_with_the_known_ones(shop: Path) -> None:
    result = ran(shop, "oders")
    assert isinstance(result.exception, UnknownService)
    assert "did you mean 'orders'?" in str(result.exception)
