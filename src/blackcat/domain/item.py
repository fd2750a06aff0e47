"""What a table stores for a Python value: the same rules for every adapter.

A value is stored so that it can be read back as it was, or refused: never rounded, cut or guessed at.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta, timezone
from decimal import Context, Decimal
from enum import Enum, Flag
from typing import Any
from uuid import UUID

from blackcat.domain.item_size import MAX_ITEM_SIZE, item_size
from blackcat.errors import InvalidItem, InvalidRequest
from blackcat.resources import KeyType, TableIndex, TableResource

VERSION = "version"  # the attribute that conditional saves compare and count up
# What a conditional write requires of an item that was written without a version: that it still has none.
# Not 0, which requires that there is no item: a new one must not replace what it never read.
UNVERSIONED = -1

MAX_DIGITS = 38
MAX_EXPONENT = 125
MIN_EXPONENT = -130
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
MAX_DEPTH = 32
MAX_PARTITION_KEY_SIZE = 2048
MAX_SORT_KEY_SIZE = 1024
# The year 2603. Beyond it pydantic reads milliseconds; DynamoDB takes those for seconds, and keeps the item.
MAX_EXPIRY = 20_000_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

_KEY_TYPES: Mapping[KeyType, tuple[tuple[type, ...], str]] = {
    "S": ((str,), "text"),
    "N": ((int, Decimal), "a number"),
    "B": ((bytes,), "bytes"),
}


def stored(item: Mapping[str, Any], table: TableResource) -> dict[str, Any]:
    """The item as the table keeps it. Raises InvalidItem, naming the value and what to do about it.

    What is kept: None, bool, str, bytes, int, Decimal, and lists, sets and string-keyed dicts of these.
    Integral numbers are kept as int, others as Decimal, datetimes as UTC text that sorts by time; only
    the one in the table's ``ttl`` as whole seconds since 1970, rounded up.
    """
    kept = {
        _name(name, ""): _expiry(value, name) if name == table.ttl else stored_value(value, _name(name, ""))
        for name, value in item.items()
    }
    for name in key_types(table):
        if name not in kept:
            raise InvalidItem(f"table '{table.name}': the item lacks its key attribute '{name}'")
    all_keyed: list[TableResource | TableIndex] = [table, *table.indexes]
    for keyed in all_keyed:
        for name in key_types(keyed):
            if name in kept:
                _check_key(table, keyed, name, kept[name])
    if (size := item_size(kept)) > MAX_ITEM_SIZE:
        raise InvalidItem(
            f"table '{table.name}': an item has up to {MAX_ITEM_SIZE} bytes, not {size}: split it, "
            "or keep what is large elsewhere, in S3 say"
        )
    return kept


def saved_item(item: Mapping[str, Any], table: TableResource, version: int | None) -> dict[str, Any]:
    """The item as a save with that ``version`` keeps it. Raises InvalidItem."""
    return stored(item if version is None else {**item, VERSION: next_version(version)}, table)


def stored_key(key: Mapping[str, Any], table: TableResource) -> dict[str, Any]:
    """The primary key of an item, as the table keeps it. Raises InvalidItem unless it is whole."""
    types = key_types(table)
    if set(key) != set(types):
        expected = " and ".join(f"'{name}'" for name in types)
        given = ", ".join(f"'{name}'" for name in key) or "nothing"
        raise InvalidItem(f"table '{table.name}': a key has exactly {expected}, not {given}")
    return {name: key_value(table, table, name, value) for name, value in key.items()}


def key_value(table: TableResource, keyed: TableResource | TableIndex, name: str, value: Any) -> Any:
    """One attribute of the key of ``keyed``, the table or an index of it, as the table keeps it.

    Raises InvalidItem for another type than declared, and for what is empty or too long.
    """
    kept = stored_value(value, name)
    _check_key(table, keyed, name, kept)
    return kept


def stored_position(
    after: Mapping[str, Any], table: TableResource, keyed: TableResource | TableIndex, partition: Any
) -> dict[str, Any]:
    """Where a query goes on after an item: all its key attributes. Raises InvalidItem."""
    owners = {name: owner for owner in (table, keyed) for name in key_types(owner)}
    missing = ", ".join(f"'{name}'" for name in owners if name not in after)
    if missing:
        raise InvalidItem(f"table '{table.name}': the item to go on after lacks its key attribute {missing}")
    position = {name: key_value(table, owner, name, after[name]) for name, owner in owners.items()}
    if position[keyed.key] != partition:
        raise InvalidItem(f"table '{table.name}': the item to go on after is of another partition")
    return position


def place(item: Mapping[str, Any], table: TableResource) -> tuple[Any, ...]:
    """What no two items of the table have in common: the values of its primary key."""
    return tuple(item[name] for name in key_types(table))


def require_distinct(items: Sequence[Mapping[str, Any]], table: TableResource) -> None:
    """Raises InvalidItem when two of the items, or of their keys, have the same primary key."""
    places = [place(item, table) for item in items]
    if len(set(places)) < len(places):
        raise InvalidItem(f"table '{table.name}': an item stands in the batch twice: keep the last one")


def stored_version(item: Mapping[str, Any]) -> int:
    """The version that an item says it has; 0 when it says nothing. Raises InvalidItem."""
    version = item.get(VERSION, 0)
    if isinstance(version, bool) or not isinstance(version, int) or version < 0:
        raise InvalidItem(f"{VERSION}: it must be an int of 0 or more, since conditional saves count it up")
    return version


def next_version(version: int) -> int:
    """What a save that requires this version stores as the next one. Raises InvalidItem."""
    return 1 if version == UNVERSIONED else stored_version({VERSION: version}) + 1


def require_limit(limit: int | None, table: TableResource) -> None:
    """Raises InvalidRequest for a limit that lets nothing through, which DynamoDB refuses."""
    if limit is not None and limit < 1:
        raise InvalidRequest(
            f"a query gives 1 item or more, not {limit}: leave out the limit for all", resource=table.name
        )


def stored_value(value: Any, path: str) -> Any:
    """One value as a table keeps it; ``path`` tells where it stands. Raises InvalidItem."""
    return _stored(value, path, 1)


def _stored(value: Any, path: str, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    for kinds, convert in _SCALARS:
        if isinstance(value, kinds):
            return convert(value, path)
    for kinds, gather in _CONTAINERS:
        if isinstance(value, kinds):
            if depth > MAX_DEPTH:
                raise InvalidItem(f"{path}: nested deeper than {MAX_DEPTH} levels: store it as JSON text")
            return gather(value, path, depth + 1)
    hint = "store its model_dump()" if hasattr(value, "model_dump") else "make it text, a number or a dict"
    raise InvalidItem(f"{path}: a table cannot store a {type(value).__name__}: {hint}")


def _enum(value: Enum, path: str) -> Any:
    if isinstance(value, Flag) or isinstance(value.value, bool) or not isinstance(value.value, str | int):
        raise InvalidItem(f"{path}: {value} cannot be read back from its value: use str or int values")
    return stored_value(value.value, path)


def _text(value: str, path: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidItem(f"{path}: the text is not valid Unicode: store it as bytes") from error
    return str.__str__(value)


def _number(value: int | float | Decimal, path: str) -> int | Decimal:
    # A float's repr is the shortest text that gives the same float back: at most 17 digits.
    number = Decimal(float.__repr__(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise InvalidItem(f"{path}: {value} is no number that a table can store: leave it out, or store None")
    if not number:
        return 0
    if len("".join(map(str, number.as_tuple().digits)).strip("0")) > MAX_DIGITS:
        raise InvalidItem(f"{path}: a number has up to {MAX_DIGITS} digits: round it, or store it as text")
    if not MIN_EXPONENT <= number.adjusted() <= MAX_EXPONENT:
        raise InvalidItem(
            f"{path}: a number lies between 1E{MIN_EXPONENT} and 1E+{MAX_EXPONENT + 1}: store it as text"
        )
    return int(number) if number == number.to_integral_value() else _EXACT.normalize(number)


def _expiry(value: Any, path: str) -> int | None:
    if value is None:
        return None
    seconds = whole_seconds(value) if _is_instant(value) else value
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        raise InvalidItem(
            f"{path}: it is the table's ttl: "
            "store a datetime with time zone, whole seconds since 1970, or None"
        )
    if not 0 <= seconds <= MAX_EXPIRY:
        raise InvalidItem(
            f"{path}: a ttl lies between the years 1970 and 2603, in whole seconds: "
            "for an item that stays store None"
        )
    return seconds


def whole_seconds(instant: datetime) -> int:
    """The seconds since 1970, rounded up: an item never goes before its ttl."""
    return -((_EPOCH - instant) // timedelta(seconds=1))


def _is_instant(value: Any) -> bool:
    return isinstance(value, datetime) and value.utcoffset() is not None


def _datetime(value: datetime, path: str) -> str:
    if value.utcoffset() is None:
        raise InvalidItem(f"{path}: the time {value} has no time zone: use datetime.now(timezone.utc)")
    try:
        return value.astimezone(timezone.utc).isoformat(timespec="microseconds")
    except OverflowError as error:
        raise InvalidItem(f"{path}: the time {value} has no equivalent in UTC: store it as text") from error


def _mapping(value: Mapping[Any, Any], path: str, depth: int) -> dict[str, Any]:
    return {_name(name, path): _stored(member, f"{path}.{name}", depth) for name, member in value.items()}


def _name(name: Any, path: str) -> str:
    where = f"{path}: " if path else ""
    if not isinstance(name, str):
        raise InvalidItem(f"{where}the key {name!r} is not text: convert the mapping's keys to str")
    if not name:
        raise InvalidItem(f"{where}an attribute needs a name of at least one character")
    return _text(name, path or repr(name))


def _list(value: Sequence[Any], path: str, depth: int) -> list[Any]:
    return [_stored(member, f"{path}[{index}]", depth) for index, member in enumerate(value)]


def _set(value: AbstractSet[Any], path: str, depth: int) -> set[Any]:
    if not value:
        raise InvalidItem(f"{path}: a table cannot store an empty set: leave it out, or store a list")
    members = [_stored(member, f"{path}{{}}", depth) for member in value]
    if not any(all(_is_a(kinds, member) for member in members) for kinds, _ in _KEY_TYPES.values()):
        raise InvalidItem(f"{path}: a set holds only texts, only numbers or only bytes: store a list")
    if len(set(members)) < len(value):
        raise InvalidItem(f"{path}: two members of the set would be stored as the same: store a list")
    return set(members)


def key_types(keyed: TableResource | TableIndex) -> dict[str, KeyType]:
    """The key attributes of a table or an index, with their types."""
    types = {keyed.key: keyed.key_type}
    if keyed.sort_key:
        types[keyed.sort_key] = keyed.sort_key_type
    return types


def _check_key(table: TableResource, keyed: TableResource | TableIndex, name: str, value: Any) -> None:
    type_ = key_types(keyed)[name]
    kinds, called = _KEY_TYPES[type_]
    if not _is_a(kinds, value):
        raise InvalidItem(f"table '{table.name}': key attribute '{name}' must be {called} ({type_})")
    if value in ("", b""):
        raise InvalidItem(f"table '{table.name}': key attribute '{name}' must not be empty")
    longest = MAX_PARTITION_KEY_SIZE if name == keyed.key else MAX_SORT_KEY_SIZE
    if item_size({"": value}) > longest:
        raise InvalidItem(
            f"table '{table.name}': key attribute '{name}' has up to {longest} bytes: take a hash of it"
        )


def _is_a(kinds: tuple[type, ...], value: Any) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


_EXACT = Context(prec=MAX_DIGITS)
_SCALARS: tuple[tuple[type | tuple[type, ...], Callable[[Any, str], Any]], ...] = (
    (Enum, _enum),  # first: an enum's members may be texts or numbers too
    (str, _text),
    ((int, float, Decimal), _number),
    ((bytes, bytearray), lambda value, _: bytes(value)),
    (datetime, _datetime),  # before date, of which it is one
    (date, lambda value, _: value.isoformat()),
    (UUID, lambda value, _: str(value)),
)
_CONTAINERS: tuple[tuple[type | tuple[type, ...], Callable[[Any, str, int], Any]], ...] = (
    (Mapping, _mapping),
    ((list, tuple), _list),
    (AbstractSet, _set),
)
