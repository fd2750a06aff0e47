import json

import pytest

from blackcat.infra.redaction import MASK, Redactor

CANARY = 'canary-7f3a/9"Zq+é'


@pytest.fixture
def redactor():
    made = Redactor()
    made.learn(CANARY)
    return made


@pytest.mark.parametrize(
    "text",
    [
        f"connecting with {CANARY} now",
        json.dumps({"exception": f"bad key {CANARY}"}),
        "https://api.example.com/?key=canary-7f3a%2F9%22Zq%2B%C3%A9",
        CANARY * 2,
    ],
)
def test_a_known_secret_is_masked_wherever_it_stands(redactor, text):
    redacted = redactor.text(text)
    assert "canary" not in redacted
    assert MASK in redacted


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer hidden-value-1",
        "'authorization': 'Basic hidden-value-1'",
        '{"password": "hidden-value-1"}',
        "password=hidden-value-1&user=ana",
        "postgres://ana:hidden-value-1@db.example.com/shop",
        "AWS_SECRET_ACCESS_KEY=hidden-value-1",
        "https://sqs/?X-Amz-Signature=hidden-value-1&X-Amz-Date=20260101",
        "x-api-key: hidden-value-1",
    ],
)
def test_what_looks_like_a_credential_is_masked(text):
    redacted = Redactor().text(text)
    assert "hidden-value-1" not in redacted


@pytest.mark.parametrize(
    "text",
    [
        "queue start_payment_cmd: 12 messages",
        "https://sqs.us-east-1.example.com/000/q?x=1",
        "a token was refused",
    ],
)
def test_ordinary_text_stays_as_it_is(text):
    assert Redactor().text(text) == text


def test_values_under_telling_keys_are_masked_at_any_depth():
    fields = {
        "user": "ana",
        "db": {"Password": "x", "port": 5432},
        "headers": [{"X-Api-Key": "k"}],
        "token": None,
    }
    assert Redactor().fields(fields) == {
        "user": "ana",
        "db": {"Password": MASK, "port": 5432},
        "headers": [{"X-Api-Key": MASK}],
        "token": None,
    }


def test_a_short_value_is_not_learned_for_it_would_mask_ordinary_words():
    redactor = Redactor()
    redactor.learn("dev")
    assert redactor.text("environment dev") == "environment dev"
