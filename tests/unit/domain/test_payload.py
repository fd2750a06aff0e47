import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from uuid import UUID

import pytest
from pydantic import BaseModel

from blackcat.domain.payload import encode
from blackcat.errors import EncodingError


class Method(str, Enum):
    PIX = "pix"


@dataclass
class Command:
    id: UUID
    amount: Decimal
    at: datetime
    method: Method


class Event(BaseModel):
    amount: Decimal
    on: date


def test_a_text_is_sent_as_it_is():
    assert encode("not json, olá") == "not json, olá"


def test_dataclasses_models_and_plain_values_become_json():
    command = Command(
        id=UUID(int=1),
        amount=Decimal("10.50"),
        at=datetime(2026, 1, 1, tzinfo=timezone.utc),
        method=Method.PIX,
    )
    payload = {
        "command": command,
        "event": Event(amount=Decimal("0.10"), on=date(2026, 1, 2)),
        "n": [1, None],
    }
    assert json.loads(encode(payload)) == {
        "command": {
            "id": "00000000-0000-0000-0000-000000000001",
            "amount": "10.50",
            "at": "2026-01-01T00:00:00+00:00",
            "method": "pix",
        },
        "event": {"amount": "0.10", "on": "2026-01-02"},
        "n": [1, None],
    }


def test_unicode_stays_readable_and_durations_are_seconds():
    assert encode({"nome": "José", "after": timedelta(minutes=1)}) == '{"nome":"José","after":60.0}'


def endless():
    content = []
    content.append(content)
    return content


@pytest.mark.parametrize(
    "payload", [float("nan"), {"a": b"x"}, object(), {1: "x"}, {"a": {2.5: 1}}, endless()]
)
def test_what_has_no_faithful_json_is_refused(payload):
    with pytest.raises(EncodingError, match="cannot be sent as JSON"):
        encode(payload)
