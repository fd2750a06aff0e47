from dataclasses import dataclass
from decimal import Decimal

import pytest
from pydantic import BaseModel, field_validator
from typing_extensions import TypedDict

from blackcat import Message
from blackcat.errors import DecodingError, EntrypointError
from blackcat.infra.payloads import decoder_for


class Model(BaseModel):
    amount: Decimal

    @field_validator("amount")
    @classmethod
    def positive(cls, amount: Decimal) -> Decimal:
        if amount <= 0:
            raise ValueError("must be positive")
        return amount


@dataclass
class Record:
    amount: Decimal


class Typed(TypedDict):
    amount: Decimal


@pytest.mark.parametrize("annotation", [Model, Record, Typed])
def test_models_dataclasses_and_typed_dicts_are_validated(annotation):
    decode = decoder_for(annotation, subject="x")
    payload = decode('{"amount": "10.50"}')
    amount = payload["amount"] if isinstance(payload, dict) else payload.amount
    assert amount == Decimal("10.50")
    with pytest.raises(DecodingError) as wrong:
        decode('{"amount": "canary"}')
    assert list(wrong.value.fields) == ["amount"]
    assert "canary" not in str(wrong.value)


def test_a_validator_of_the_users_own_is_told_as_it_says_it():
    with pytest.raises(DecodingError, match="amount: Value error, must be positive"):
        decoder_for(Model, subject="x")('{"amount": "-1"}')


def test_dict_and_list():
    assert decoder_for(dict, subject="x")('{"a": [1]}') == {"a": [1]}
    with pytest.raises(DecodingError, match="should be an object"):
        decoder_for(dict, subject="x")("[]")


@pytest.mark.parametrize("body", ["", "{", "nope", "[" * 100_000])
def test_what_is_not_json_names_no_field(body):
    with pytest.raises(DecodingError) as wrong:
        decoder_for(dict, subject="x")(body)
    assert wrong.value.fields == {}


def test_text_and_messages_are_not_decoded():
    assert decoder_for(str, subject="x")("{") == "{"
    assert decoder_for(Message, subject="x") is None


def test_an_annotation_that_pydantic_cannot_read_fails_the_start():
    class Plain: ...

    with pytest.raises(EntrypointError, match="consumer 'x': pydantic cannot read"):
        decoder_for(Plain, subject="consumer 'x'")


def test_a_lack_of_memory_is_no_wrong_body():
    class Greedy(BaseModel):
        @field_validator("*")
        @classmethod
        def fail(cls, value):
            raise MemoryError

        amount: int

    with pytest.raises(MemoryError):
        decoder_for(Greedy, subject="x")('{"amount": 1}')
