"""From the environment to adapters: which address is called, and one store of secrets for all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import SecretStr

from blackcat import FromSecret, Service, ServiceRegistry, ServiceType, Settings, connect
from blackcat.adapters_aws import AwsOptions, Provisioner, SecretsManagerStore
from blackcat.adapters_aws.calls import AwsCalls
from blackcat.adapters_aws.clients import client
from blackcat.entrypoints.connections import aws_options as options_of
from blackcat.entrypoints.consumer import run_consumer
from blackcat.errors import ConfigurationError
from blackcat.infra.emulator import Emulator
from blackcat.infra.redaction import redactor
from blackcat.resources import EventBusResource, SecretResource, TopicResource

LOCAL, OTHER = "http://127.0.0.1:1", "http://127.0.0.1:2"


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS", "AWS_PROFILE", "ENVIRONMENT", "RESOURCE_PREFIX"):
        monkeypatch.setenv(name, "to be undone at the end")
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_REGION", "us-east-1")


def called(service: str, **arguments: str) -> str:
    url: str = client(service, options_of(Settings(**arguments))).meta.endpoint_url
    return url


def test_the_address_of_a_service_goes_before_the_one_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", LOCAL)
    assert (called("sqs"), called("sns")) == (LOCAL, LOCAL)
    monkeypatch.setenv("AWS_ENDPOINT_URL", OTHER)
    assert called("sns") == OTHER
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", LOCAL)
    assert called("secretsmanager") == LOCAL
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert "amazonaws.com" in called("events")


def test_an_address_in_the_code_goes_before_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", LOCAL)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", LOCAL)
    assert called("sqs", aws_endpoint_url=OTHER) == OTHER


def test_nothing_is_provisioned_where_one_service_leads_to_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", LOCAL)
    assert Provisioner(options_of(Settings()))
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "https://dynamodb.us-east-1.amazonaws.com")
    with pytest.raises(ConfigurationError, match="the address of dynamodb leads to a real AWS account"):
        Provisioner(options_of(Settings()))
    monkeypatch.delenv("AWS_ENDPOINT_URL_DYNAMODB")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", LOCAL)
    with pytest.raises(ConfigurationError, match="emulator only"):
        Provisioner(options_of(Settings()))


def test_a_declared_secret_is_provisioned_once_connected_and_a_setting(
    emulator: Emulator, aws_options: AwsOptions, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.url)
    monkeypatch.setenv("RESOURCE_PREFIX", unique)
    secret = SecretResource("db", dev_value={"username": "shop", "password": f"canary-{unique}"})
    provisioner = Provisioner(aws_options, prefix=unique)
    provisioner.create(secret)
    calls = AwsCalls("secretsmanager", aws_options)
    calls.read(
        "PutSecretValue", unique, SecretId=f"{unique}db", SecretString='{"password": "canary-changed"}'
    )
    provisioner.create(secret)

    class ShopSettings(Settings):
        password: Annotated[SecretStr, FromSecret(secret, key="password")]

    assert connect(secret).get().key("password") == "canary-changed"
    assert ShopSettings().password.get_secret_value() == "canary-changed"
    assert redactor.text("refused: canary-changed") == "refused: ***"
    assert connect(secret).name == f"{unique}db"


@pytest.mark.parametrize("value", ["text", b"\x00bytes", ["a", 1]])
def test_a_dev_value_may_be_anything(aws_options: AwsOptions, unique: str, value: object) -> None:
    Provisioner(aws_options).create(SecretResource(unique, dev_value=value))
    found = SecretsManagerStore(aws_options).get(unique)
    assert (found.content if isinstance(value, str | bytes) else found.json()) == value


def test_a_secret_without_a_dev_value_says_what_to_write(aws_options: AwsOptions, unique: str) -> None:
    with pytest.raises(ConfigurationError, match=f"SecretResource\\('{unique}', dev_value="):
        Provisioner(aws_options).create(SecretResource(unique))
    of_another = SecretResource(f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{unique}-AbCdEf")
    Provisioner(aws_options).create(of_another)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (EventBusResource("shop").rule(pattern={"source": ["shop"]}), "EventBridge delivers to SQS only"),
        (TopicResource("placed").subscription(filter_policy={"amount": [{"numeric": [">", 1]}]}), "exact"),
        (TopicResource("placed.fifo"), "topic 'placed.fifo'"),
    ],
)
def test_what_rabbitmq_cannot_deliver_does_not_start_on_it(source, reason):
    service = Service(
        name="orders",
        type=ServiceType.CONSUMER,
        entrypoint="shop.consumers:OrderConsumer",
        queue_name="orders",
        subscribes=[source],
    )
    settings = Settings(queue_backend="rabbitmq", rabbitmq_url="amqp://localhost/")
    with pytest.raises(ConfigurationError, match=reason):
        run_consumer(service, ServiceRegistry([service]), settings)
