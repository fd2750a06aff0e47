"""Every supported value is read back from a table as it was, or refused."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from blackcat.adapters_aws.dynamodb_values import decode, encode
from blackcat.domain.item import stored_value
from blackcat.errors import InvalidItem
from contracts.properties import DIGITS_KEPT, TIMES_SORT, VALUES_COME_BACK, VALUES_KEPT


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2**62


class Kind(str, Enum):
    A = "a"


class Weight(Enum):
    LIGHT = 0.1


class Permission(Flag):
    READ = 1
    WRITE = 2


_ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))

Typed = tuple[Any, st.SearchStrategy[Any]]

SCALARS: dict[str, Typed] = {
    "str": (str, st.text()),
    "bool": (bool, st.booleans()),
    "None": (None, st.none()),
    "int": (int, st.integers()),
    "Decimal": (Decimal, st.decimals(allow_nan=False)),
    "float": (float, st.floats()),
    "bytes": (bytes, st.binary()),
    "datetime": (datetime, st.datetimes(timezones=_ZONES) | st.datetimes()),
    "date": (date, st.dates()),
    "UUID": (UUID, st.uuids()),
    "Enum": (Colour, st.sampled_from(Colour)),
    "IntEnum": (Level, st.sampled_from(Level)),
    "str Enum": (Kind, st.sampled_from(Kind)),
    "float Enum": (Weight, st.sampled_from(Weight)),
}
of_every_type = pytest.mark.parametrize("scalar", SCALARS.values(), ids=SCALARS)


def _containers(type_: Any, values: st.SearchStrategy[Any]) -> list[Typed]:
    return [
        (list[type_], st.lists(values, max_size=5)),
        (tuple[type_, ...], st.lists(values, max_size=5).map(tuple)),
        (dict[str, type_], st.dictionaries(st.text(), values, max_size=5)),
        (dict[Kind, type_], st.dictionaries(st.sampled_from(Kind), values, max_size=5)),
    ]


def _sets(type_: Any, values: st.SearchStrategy[Any]) -> list[Typed]:
    return [
        (set[type_], st.sets(values, max_size=5)),
        (frozenset[type_], st.frozensets(values, max_size=5)),
    ]


def _value(scalar: Typed, data: st.DataObject) -> tuple[Any, Any]:
    """A type made of the scalar (itself, in containers, in containers of containers), and a value of it."""
    once = [*_containers(*scalar), *_sets(*scalar)]
    twice = [container for one in once for container in _containers(*one)]
    type_, values = data.draw(st.sampled_from([scalar, *once, *twice]))
    return type_, data.draw(values)


def test_the_page_tells_how_many_types_there_are() -> None:
    assert len(SCALARS) == VALUES_COME_BACK.kinds == VALUES_KEPT.kinds


@of_every_type
@settings(max_examples=VALUES_COME_BACK.cases)
@given(data=st.data())
def test_a_value_comes_back_or_is_refused(scalar: Typed, data: st.DataObject) -> None:
    type_, value = _value(scalar, data)
    try:
        wire = encode(stored_value(value, "value"))
    except InvalidItem:
        return
    assert TypeAdapter(type_).validate_python(decode(wire)) == value


@of_every_type
@settings(max_examples=VALUES_KEPT.cases)
@given(data=st.data())
def test_what_is_decoded_is_what_was_stored(scalar: Typed, data: st.DataObject) -> None:
    _, value = _value(scalar, data)
    try:
        kept = stored_value(value, "value")
    except InvalidItem:
        return
    assert decode(encode(kept)) == kept


@settings(max_examples=TIMES_SORT.cases)
@given(st.datetimes(timezones=_ZONES), st.datetimes(timezones=_ZONES))
def test_times_sort_as_text(first: datetime, second: datetime) -> None:
    try:
        texts = stored_value(first, "first"), stored_value(second, "second")
    except InvalidItem:
        return
    assert (texts[0] < texts[1]) == (first < second)


@settings(max_examples=DIGITS_KEPT.cases)
@given(st.integers(-(10**38) + 1, 10**38 - 1), st.integers(-90, 80))
def test_38_digits_are_kept(digits: int, exponent: int) -> None:
    number = Decimal(f"{digits}E{exponent}")
    assert decode(encode(stored_value(number, "n"))) == number


@pytest.mark.parametrize("value", [10**38 - 1, 10**125, -(10**125), Decimal("1E-130"), 5 * 10**120])
def test_numbers_within_the_range_pass(value: int | Decimal) -> None:
    assert decode(encode(stored_value(value, "n"))) == value


def test_bytes_may_be_mutable() -> None:
    assert decode(encode(stored_value(bytearray(b"a"), "b"))) == b"a"


@pytest.mark.parametrize(
    "value",
    [
        10**38 + 1,
        10**126,
        Decimal("0." + "1" * 39),
        Decimal("9E-131"),
        Decimal("1E+999999"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("-Infinity"),
        float("nan"),
        float("-inf"),
        5e-324,
        1.7e308,
    ],
)
def test_numbers_beyond_the_range_are_refused(value: Any) -> None:
    with pytest.raises(InvalidItem, match="price"):
        stored_value(value, "price")


def test_integers_are_written_without_exponent() -> None:
    assert encode(stored_value(Decimal("1E+3"), "n")) == {"N": "1000"}
    assert encode(stored_value(Decimal("1.50"), "n")) == {"N": "1.5"}
    assert decode({"N": "1000"}) == 1000
    assert isinstance(decode({"N": "-7"}), int)
    assert isinstance(decode({"N": "1.5"}), Decimal)


@pytest.mark.parametrize(
    ("value", "path", "hint"),
    [
        ([1, [2, object()]], r"value\[1\]\[1\]", "dict"),
        ({"a": {"b": datetime(2030, 1, 1)}}, r"value\.a\.b", "time zone"),  # noqa: DTZ001
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), "value", "UTC"),
        ({("a", 1)}, "value", "list"),
        ({frozenset({"a"})}, "value", "list"),
        ({None}, "value", "list"),
        ({UUID(int=0), str(UUID(int=0))}, "value", "same"),
        (Weight.LIGHT, "value", "str or int"),
        (Permission.READ | Permission.WRITE, "value", "str or int"),
        ({Colour.RED: 1}, "value", "text"),
        (TypeAdapter(int), "value", "dict"),
    ],
)
def test_a_refusal_names_the_value_and_the_remedy(value: Any, path: str, hint: str) -> None:
    with pytest.raises(InvalidItem, match=f"^{path}.*{hint}"):
        stored_value(value, "value")


def test_a_list_within_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InvalidItem, match="nested deeper than 32"):
        stored_value(endless, "value")
