from __future__ import annotations

from typing import Any

import pytest

from blackcat.application.packaging.declaration import DeclaredFunction, Smoke, declared
from blackcat.errors import InvalidPackage

LAYER = "arn:aws:lambda:eu-west-1:123456789012:layer:insights:3"


def of(
    options: dict[str, Any], alias: str | None = None, project: str = "generic-send-email"
) -> DeclaredFunction:
    return declared(options, project=project, alias=alias)


def test_nothing_needs_to_be_declared() -> None:
    function = of({})
    assert (function.function, function.ekans, function.mew) == (
        "generic_send_email",
        "generic_send_email_ekans",
        "mew",
    )
    assert (function.memory, function.environment, function.smoke) == (None, None, Smoke())


def test_an_alias_goes_before_what_holds_for_both() -> None:
    options = {
        "memory": 512,
        "environment": {"LOG_LEVEL": "INFO", "COLOUR": "blue"},
        "smoke": {"path": "/ready"},
        "prod": {"memory": 1024, "environment": {"COLOUR": "green"}, "smoke": {"status": 204}},
        "hom": {"function": "other"},
    }
    prod, hom = of(options, "prod"), of(options, "hom")
    assert (prod.memory, hom.memory, hom.function) == (1024, 512, "other")
    assert prod.environment == {"LOG_LEVEL": "INFO", "COLOUR": "green"}
    assert hom.environment == {"LOG_LEVEL": "INFO", "COLOUR": "blue"}
    assert prod.smoke == Smoke(path="/ready", status=204)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"memmory": 512}, "has 'memmory', which Blackcat does not know: did you mean 'memory'?"),
        ({"memory": "512"}, "memory must be a whole number"),
        ({"memory": True}, "memory must be a whole number"),
        ({"memory": 64}, "memory must be 128 to 10240 MB: not 64"),
        ({"timeout": 901}, "timeout must be 1 to 900 seconds"),
        ({"python": "2.7"}, "python must be 3.10"),
        ({"architecture": "aarch64"}, "architecture must be x86_64, arm64"),
        ({"function": "a b"}, "function must look like"),
        ({"role": "admin"}, "role must look like arn:aws:iam"),
        ({"layers": ["insights"]}, "layers must look like arn:aws:lambda"),
        ({"layers": [LAYER] * 4}, "beside mew and ekans Lambda takes 3"),
        ({"layers": LAYER}, "layers must be a list of texts"),
        ({"environment": {"PORT": 1}}, "environment PORT must be a text"),
        (
            {"environment": {"DATABASE": "postgres://shop:canary@db/shop"}},
            "environment DATABASE holds a secret",
        ),
        ({"compiled": "no"}, "compiled must be true or false"),
        ({"environment": {"A-B": "1"}}, "environment has 'A-B'"),
        ({"environment": {"AWS_LAMBDA_X": "1"}}, "environment has 'AWS_LAMBDA_X'"),
        ({"smoke": {"staus": 1}}, "smoke has 'staus'"),
        ({"smoke": {"status": "200"}}, "smoke.status must be a whole number"),
        ({"hom": 3}, "[tool.blackcat.lambda.hom] must be a table"),
        ({"prod": {"timeout": 0}}, "[tool.blackcat.lambda.prod] timeout must be 1 to 900"),
    ],
)
def test_what_lambda_would_refuse_is_told_beforehand(options: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidPackage) as raised:
        of(options)
    assert told in str(raised.value)


def test_a_secret_among_the_variables_is_named_and_not_told() -> None:
    key = "AKIA" + "Q3EGRIZ7XSVLKJ5N"
    with pytest.raises(InvalidPackage, match="environment THEIR_KEY holds a secret") as raised:
        of({"environment": {"THEIR_KEY": key}})
    assert key not in str(raised.value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(InvalidPackage, match="(?s)memory must.*timeout must"):
        of({"memory": 1, "timeout": 0})


def test_a_project_whose_name_lambda_does_not_take_needs_another() -> None:
    with pytest.raises(InvalidPackage, match="'são' is no name that Lambda takes"):
        of({}, project="são")
