import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blackcat.domain.outgoing_event import MAX_EVENT_BYTES, MAX_INTEGER, OutgoingEvent
from blackcat.errors import InvalidMessage
from blackcat.testing.event_patterns import matches


def event(**changes):
    return OutgoingEvent(**{"source": "shop", "detail_type": "Paid", "detail": "{}", **changes})


@dataclass
class Paid:
    amount: Decimal


def test_a_payload_becomes_the_detail():
    made = OutgoingEvent.of(Paid(Decimal("1.50")), source="shop", detail_type="Paid", resources=["arn:a"])
    assert made == event(detail='{"amount":"1.50"}', resources=("arn:a",))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"source": ""}, "who tells"),
        ({"source": "aws.s3"}, "only AWS's own"),
        ({"source": "a\x00"}, "U+0000"),
        ({"detail_type": ""}, "1 to 128"),
        ({"detail_type": "x" * 129}, "1 to 128"),
        ({"detail": "no json"}, "is no JSON"),
        ({"detail": '{"a": 1'}, "is no JSON"),
        ({"detail": ""}, "is no JSON"),
        ({"detail": "[1]"}, "not a list"),
        ({"detail": "null"}, "not a NoneType"),
        ({"detail": '"text"'}, "not a str"),
        ({"detail": '{"a": NaN}'}, "NaN"),
        ({"detail": '{"a": [-Infinity]}'}, "-Infinity"),
        ({"detail": f'{{"a": {MAX_INTEGER + 1}}}'}, "64 bits"),
        ({"detail": f'{{"a": {-MAX_INTEGER - 2}}}'}, "64 bits"),
        ({"detail": '{"a": "\ud800"}'}, "U+D800"),
        ({"detail": '{"a":' + "[" * 200_000 + "]" * 200_000 + "}"}, "1000 levels"),
        ({"resources": ("arn:\x00",)}, "U+0000"),
        ({"time": datetime(2030, 1, 1)}, "time zone"),  # noqa: DTZ001
        ({"time": "2030"}, "time must be a datetime with time zone, not str"),
        ({"time": datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5)))}, "in UTC"),
        ({"time": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))}, "in UTC"),
        ({"source": None}, "source must be text, not NoneType"),
        ({"detail_type": None}, "detail_type must be text, not NoneType"),
        ({"detail": {}}, "detail must be text, not dict"),
        ({"detail": '{"a": 1e999}'}, "beyond what a float"),
        ({"detail": '{"a": [-1e999]}'}, "beyond what a float"),
        ({"resources": "arn:a"}, "a list of ARNs, not str"),
        ({"resources": (5,)}, "ARNs, as texts"),
    ],
)
def test_an_event_that_eventbridge_would_refuse_cannot_be_built(changes, says):
    with pytest.raises(InvalidMessage) as refused:
        event(**changes)
    assert says in str(refused.value)


@pytest.mark.parametrize("resources", ["arn:a", None, 5])
def test_resources_are_a_list(resources):
    with pytest.raises(InvalidMessage, match="a list of ARNs"):
        OutgoingEvent.of({}, source="shop", detail_type="Paid", resources=resources)


@pytest.mark.parametrize("number", [MAX_INTEGER, -MAX_INTEGER - 1, 0])
def test_integers_of_64_bits_pass(number):
    assert json.loads(event(detail=json.dumps({"n": number})).detail) == {"n": number}


def test_the_size_is_counted_as_eventbridge_does():
    made = event(source="añ", detail='{"a":"é"}', resources=("arn:a", "b"), time=datetime.now(timezone.utc))
    assert made.size == 3 + len("Paid") + 10 + 6 + 14


def test_an_event_stays_below_1_mb():
    room = MAX_EVENT_BYTES - len("shop") - len("Paid") - len('{"a":""}')
    event(detail=json.dumps({"a": "x" * (room - 1)}, separators=(",", ":")))
    with pytest.raises(InvalidMessage, match="1000000"):
        event(detail=json.dumps({"a": "x" * room}, separators=(",", ":")))


def test_the_time_may_have_any_zone():
    moment = datetime(2030, 1, 1, tzinfo=timezone(timedelta(hours=-3)))
    assert event(time=moment).time == moment


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["a", "b", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from("abc"), JSON, max_size=3), st.sampled_from("abc"))
def test_a_field_either_exists_or_does_not(event, field):
    is_leaf = not isinstance(event.get(field), dict) and event.get(field) != []
    exists = matches({field: [{"exists": True}]}, event)
    assert exists != matches({field: [{"exists": False}]}, event)
    if field in event and is_leaf and not isinstance(event[field], list):
        assert exists
        assert matches({field: [event[field]]}, event)
        assert not matches({field: [{"anything-but": [event[field]]}]}, event)
