"""What a service may do: the actions that it needs, on its own resources, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data

from blackcat import FromParameter, FromSecret, Service, ServiceRegistry, ServiceType
from blackcat.application.iam.arns import CLOUDFORMATION, Place
from blackcat.application.iam.cloudformation import statements_for
from blackcat.application.iam.policy import (
    Statement,
    document,
    key_statements,
    protection_statement,
    resource_statements,
    settings_statements,
    size,
    wanted_by,
)
from blackcat.application.iam.trust import ecs_trust, kubernetes_trust, lambda_trust, scheduler_trust
from blackcat.resources import EventBusResource, QueueResource, SecretResource
from unit.application.iam.everything import EVERYTHING, theirs

PLACE = Place.of(region="eu-west-1", account="123456789012", prefix="dev_")
TASKS = "arn:aws:ecs:eu-west-1:123456789012:task/shop"
SETTINGS = [
    FromSecret("shop/settings", key="url"),
    FromSecret("shop/settings", key="user"),
    FromSecret(SecretResource("shop/db")),
    FromParameter("/shop/url:3"),
]
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def statements_of(service: Service, place: Place = PLACE) -> list[Statement]:
    wanted = wanted_by(service, EVERYTHING)
    return [
        *resource_statements(wanted, place),
        *settings_statements(place, SETTINGS),
        *key_statements(wanted, place, [KEY], SETTINGS),
        protection_statement(place, "shop"),
    ]


def granted(name: str) -> dict[str, list[str]]:
    """The actions on each resource, by the end of its ARN."""
    statements = resource_statements(wanted_by(EVERYTHING.select(name), EVERYTHING), PLACE)
    return {arn.split(":", 5)[5]: list(one.actions) for one in statements for arn in one.resources}


def test_a_consumer_may_take_and_settle_its_messages_and_dead_letter_them() -> None:
    assert granted("in-order") == {
        "dev_ship.fifo": [
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:GetQueueUrl",
            "sqs:ReceiveMessage",
        ],
        "dev_ship_dlq.fifo": ["sqs:GetQueueUrl", "sqs:SendMessage"],
        "dev_shipped.fifo": ["sns:Publish"],
        "table/dev_seen": [
            "dynamodb:BatchGetItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:ConditionCheckItem",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
        ],
        "table/dev_stock.v2": [
            "dynamodb:BatchWriteItem",
            "dynamodb:ConditionCheckItem",
            "dynamodb:DeleteItem",
            "dynamodb:PutItem",
        ],
        "secret:their/key-AbCdEf": ["secretsmanager:GetSecretValue"],
    }


def test_a_worker_may_lock_and_what_it_declares() -> None:
    found = granted("tidy")
    assert found["table/dev_tidy_lock"] == ["dynamodb:GetItem", "dynamodb:PutItem"]
    assert found["event-bus/default"] == ["events:DescribeEventBus", "events:PutEvents"]


def test_an_index_is_only_queried() -> None:
    assert granted("shop_api") == {
        "table/dev_orders": ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"],
        "table/dev_orders/index/by_day": ["dynamodb:Query"],
    }


def test_a_service_without_grants_gets_no_statement() -> None:
    assert granted("admin_api") == {}
    assert [one["If"] for one in statements_for(EVERYTHING.select("admin_api"), EVERYTHING)] == [
        "SettingsInSecret",
        "SettingsEncrypted",
    ]


def test_a_secret_of_another_account_is_named_as_it_is() -> None:
    assert PLACE.arn(theirs) == theirs.name
    assert PLACE.arn(SecretResource(theirs.name.removesuffix("-AbCdEf"))).endswith("their/key-??????")
    assert PLACE.arn(SecretResource("shop/db")).endswith(":secret:dev_shop/db-??????")


def test_a_partition_follows_from_the_region() -> None:
    for region, partition, domain in [
        ("eu-west-1", "aws", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
    ]:
        place = Place.of(region=region, account="123456789012")
        assert place.arn(QueueResource("a")) == f"arn:{partition}:sqs:{region}:123456789012:a"
        assert place.domain == domain


def test_the_default_bus_bears_no_prefix() -> None:
    assert PLACE.arn(EventBusResource("default")).endswith(":event-bus/default")
    assert PLACE.arn(EventBusResource("bank")).endswith(":event-bus/dev_bank")


def test_the_key_is_used_through_the_services_that_are_used_only() -> None:
    wanted = wanted_by(EVERYTHING.select("shop_api"), EVERYTHING)
    (decrypt,) = key_statements(wanted, PLACE, [KEY])
    assert decrypt.actions == ["kms:Decrypt"]
    assert decrypt.condition == {"StringEquals": {"kms:ViaService": ["dynamodb.eu-west-1.amazonaws.com"]}}
    _, encrypt = key_statements(wanted_by(EVERYTHING.select("in-order"), EVERYTHING), PLACE, [KEY])
    assert encrypt.actions == ["kms:GenerateDataKey"]
    assert encrypt.condition["StringEquals"]["kms:ViaService"] == [
        "sns.eu-west-1.amazonaws.com",
        "sqs.eu-west-1.amazonaws.com",
    ]


def test_settings_are_read_under_the_names_that_they_tell() -> None:
    secrets, parameters = settings_statements(PLACE, SETTINGS)
    assert [arn.split(":", 5)[5] for arn in secrets.resources] == [
        "secret:shop/settings-??????",
        "secret:dev_shop/db-??????",
    ]
    assert parameters.actions == ["ssm:GetParameters"]
    assert parameters.resources == ["arn:aws:ssm:eu-west-1:123456789012:parameter/shop/url"]


def test_a_key_serves_settings_and_secrets_of_other_regions_too() -> None:
    far = SecretResource(theirs.name.replace("eu-west-1", "us-east-1"))
    (decrypt,) = key_statements({far: ["secretsmanager:GetSecretValue"]}, PLACE, [KEY], SETTINGS)
    assert decrypt.condition["StringEquals"]["kms:ViaService"] == [
        "secretsmanager.eu-west-1.amazonaws.com",
        "secretsmanager.us-east-1.amazonaws.com",
        "ssm.eu-west-1.amazonaws.com",
    ]


def test_a_template_takes_the_key_of_a_secret_of_another_account() -> None:
    (key,) = (
        one
        for one in statements_for(EVERYTHING.select("in-order"), EVERYTHING)
        if one["Sid"] == "DecryptTheSecret"
    )
    assert key["If"].endswith("TheirKeyAbCdEfSecretEncrypted")
    assert key["Resource"] == [f"${{{key['If'].removesuffix('Encrypted')}KeyArn}}"]


def test_a_template_lets_every_service_read_the_settings_that_classes_tell() -> None:
    found = statements_for(EVERYTHING.select("admin_api"), EVERYTHING, SETTINGS)
    assert [one["Sid"] for one in found if "If" not in one] == ["SettingsInSecrets", "SettingsInParameters"]


@pytest.mark.parametrize("service", list(EVERYTHING), ids=lambda service: service.name)
def test_no_resource_is_a_wildcard_and_no_statement_id_stands_twice(service: Service) -> None:
    statements = statements_of(service)
    for statement in statements:
        assert statement.actions
        wild = [text for text in (*statement.actions, *statement.resources) if "*" in text]
        assert wild == [text for text in statement.resources if text.startswith(f"{TASKS}/")]
        assert re.fullmatch(r"[A-Za-z0-9]+", statement.sid)
    assert len({statement.sid for statement in statements}) == len(statements)


@pytest.mark.parametrize("service", list(EVERYTHING), ids=lambda service: service.name)
def test_every_action_exists_and_knows_its_resource(service: Service) -> None:
    for statement in statements_of(service):
        for action in statement.actions:
            prefix, _, name = action.partition(":")
            found = get_action_data(prefix, name)
            assert found, f"IAM knows no action {action}"
            formats = [one["resource_arn_format"] for one in found[prefix]]
            for arn in statement.resources:
                assert any(fits(arn, form) for form in formats), f"{action} on {arn}"


@pytest.mark.parametrize("service", list(EVERYTHING), ids=lambda service: service.name)
def test_a_template_says_the_same(service: Service) -> None:
    wanted = wanted_by(service, EVERYTHING)
    in_template = [one for one in statements_for(service, EVERYTHING) if "If" not in one]
    assert in_template == [one.as_json() for one in resource_statements(wanted, CLOUDFORMATION)]
    filled = filled_in(in_template)
    assert filled == [one.as_json() for one in resource_statements(wanted, PLACE)]


def test_the_roles_are_for_this_account_only() -> None:
    (ecs,) = ecs_trust(PLACE)["Statement"]
    assert ecs["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnLike": {"aws:SourceArn": "arn:aws:ecs:eu-west-1:123456789012:*"},
    }
    (scheduler,) = scheduler_trust(PLACE)["Statement"]
    assert scheduler["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    assert lambda_trust(PLACE)["Statement"][0]["Principal"] == {"Service": "lambda.amazonaws.com"}
    pod = kubernetes_trust(PLACE, issuer="oidc.eks/id/A", namespace="shop", account_name="orders")
    assert pod["Statement"][0]["Condition"]["StringEquals"] == {
        "oidc.eks/id/A:aud": "sts.amazonaws.com",
        "oidc.eks/id/A:sub": "system:serviceaccount:shop:orders",
    }


def test_the_size_is_that_of_the_quota() -> None:
    many = [QueueResource(f"queue_{number:03}").send() for number in range(100)]
    service = Service(name="busy", type=ServiceType.WORKER, entrypoint="shop:busy", uses=many)
    wanted = wanted_by(service, ServiceRegistry([service]))
    policy = document(resource_statements(wanted, PLACE))
    assert 10_240 < size(policy) < 20_000
    assert size({"Version": "1"}) == len('{"Version":"1"}')


def fits(arn: str, form: str) -> bool:
    """Whether an ARN is of the form that IAM's tables tell; no form that is a wildcard fits."""
    pattern = re.sub(r"\\\$\\\{[^}]*\\\}", "[^:]+", re.escape(form))
    return form != "*" and re.fullmatch(pattern, arn) is not None


def filled_in(value: Any) -> Any:
    if isinstance(value, str):
        known = {
            "${AWS::Partition}": "aws",
            "${AWS::Region}": "eu-west-1",
            "${AWS::AccountId}": "123456789012",
            "${ResourcePrefix}": "dev_",
        }
        return re.sub(r"\$\{[^}]+\}", lambda found: known[found[0]], value)
    if isinstance(value, Mapping):
        return {key: filled_in(one) for key, one in value.items()}
    return list(map(filled_in, _each(value)))


def _each(values: Any) -> Iterator[Any]:
    yield from values
