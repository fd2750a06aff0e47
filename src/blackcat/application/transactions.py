"""What every transaction keeps to, whatever carries it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blackcat.application.ports import Item, Save, Table, Write
from blackcat.domain.item import place, stored, stored_key, stored_version
from blackcat.errors import InvalidRequest, RemoteError, TransactionCanceled

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
MAX_TRANSACTION_ITEMS = 100
MAX_TOKEN_LENGTH = 36

Place = tuple[Any, ...]


def place_of_write(write: Write) -> Place:
    """Which item of which table is written. Raises InvalidItem."""
    if isinstance(write, Save):
        table = write.table.resource
        item = stored(write.item, table)
        stored_version(item)
        return (table.name, *place(item, table))
    return place_of_key(write.table, write.key)


def place_of_key(table: Table, key: Item) -> Place:
    """Which item of which table is meant. Raises InvalidItem."""
    return (table.name, *place(stored_key(key, table.resource), table.resource))


def require_valid(places: Sequence[Place], token: str | None = None) -> None:
    """Raises InvalidRequest unless these items can stand in one transaction."""
    if len(places) > MAX_TRANSACTION_ITEMS:
        raise InvalidRequest(
            f"a transaction takes {MAX_TRANSACTION_ITEMS} items, not {len(places)}: split it, or write less"
        )
    if len(set(places)) < len(places):
        raise InvalidRequest("a transaction names an item once: put its writes into one")
    if token is not None and not 1 <= len(token) <= MAX_TOKEN_LENGTH:
        raise InvalidRequest(f"a token has 1 to {MAX_TOKEN_LENGTH} characters: take a message id, or a UUID")


def canceled(failures: Mapping[int, RemoteError]) -> TransactionCanceled:
    """The error for conditions that did not hold; ``failures`` by the position of their writes."""
    position, first = next(iter(failures.items()))
    return TransactionCanceled(
        f"nothing was written, since {len(failures)} of its writes were refused, "
        f"first number {position}, on '{first.resource}': {first.detail}",
        failures=failures,
        service=first.service,
        operation=first.operation,
        resource=first.resource,
        code=first.code,
        request_id=first.request_id,
    )
