"""Secrets as values and as declared resources."""

import pytest

from blackcat.domain.secret import SecretValue, confidential
from blackcat.errors import InvalidDeclaration, InvalidSecret
from blackcat.resources import Access, Grant, SecretResource, with_prefix

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/db-AbCdEf"


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: SecretResource(""), "1 to 512 letters"),
        (lambda: SecretResource("shop db"), "1 to 512 letters"),
        (lambda: SecretResource(None), "1 to 512 letters"),
        (lambda: SecretResource("arn:aws:sqs:eu-west-1:123456789012:orders"), "or an ARN such as"),
        (lambda: SecretResource(ARN, dev_value="dev"), "dev_value needs a name"),
    ],
)
def test_a_secret_that_aws_would_refuse_cannot_be_declared(build, says):
    with pytest.raises(InvalidDeclaration) as refused:
        build()
    assert says in str(refused.value)


def test_a_declared_secret_shows_no_value_and_can_be_a_key():
    secret = SecretResource("shop/db", dev_value={"password": "canary"})
    assert "canary" not in repr(secret)
    assert {secret: 1}[SecretResource("shop/db", dev_value={"password": "canary"})] == 1
    assert secret.read() == Grant(secret, Access.READ)


def test_a_name_bears_the_prefix_and_an_arn_does_not():
    assert with_prefix(SecretResource("shop/db"), "staging_").name == "staging_shop/db"
    assert with_prefix(SecretResource(ARN), "staging_").name == ARN


@pytest.mark.parametrize(
    ("content", "read", "says"),
    [
        ("canary", lambda value: value.json(), "is not JSON"),
        ("[" * 60_000, lambda value: value.json(), "is not JSON"),
        ("canary", lambda value: value.key("a"), "is not JSON"),
        ('["canary"]', lambda value: value.key("a"), "has no keys"),
        ('{"password": "canary"}', lambda value: value.key("pasword"), r"did you mean 'password'\?"),
        ('{"password": "canary"}', lambda value: value.key("x"), "has no key 'x'$"),
        (b"canary", lambda value: value.json(), "is binary"),
        ("canary", lambda value: value.binary, "is text"),
    ],
)
def test_what_a_secret_is_not_is_told_without_it(content, read, says):
    value = SecretValue("shop/db", content, "v1")
    with pytest.raises(InvalidSecret, match=says) as refused:
        read(value)
    assert "canary" not in f"{refused.value!r} {refused.value.__context__!r} {value!r}"


def test_all_of_a_secret_is_confidential_but_what_databases_tell_of_themselves():
    value = SecretValue(
        "shop/db",
        '{"engine": "postgres", "username": "shop", "port": 5432, "password": "p", "m": [{"n": 77}, true]}',
        "v1",
    )
    assert list(value.confidential()) == [value.content, "p", "77"]
    assert list(confidential({"LOG_LEVEL": "INFO", "key": "k"}, plain={"LOG_LEVEL"})) == ["k"]
    assert list(SecretValue("a", b"\xffbytes", "v1").confidential()) == ["bytes"]
