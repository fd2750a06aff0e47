"""A table in memory, with DynamoDB's keys, versions, indexes and sort order."""

from __future__ import annotations

import copy
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

from blackcat.application.ports import Item
from blackcat.domain.conditions import KeyCondition
from blackcat.domain.item import VERSION, key_value, stored, stored_key, stored_version
from blackcat.errors import ConditionFailed, InvalidItem, InvalidRequest
from blackcat.resources import TableIndex, TableResource

Stored = dict[str, Any]

_HOLDS: dict[str, Callable[..., bool]] = {
    "=": lambda value, other: value == other,
    "<": lambda value, other: value < other,
    "<=": lambda value, other: value <= other,
    ">": lambda value, other: value > other,
    ">=": lambda value, other: value >= other,
    "between": lambda value, lowest, highest: lowest <= value <= highest,
    "begins_with": lambda value, prefix: value.startswith(prefix),
}


class InMemoryTable:
    """A table that stores and refuses the same values as DynamoDB's. Safe to share between threads."""

    def __init__(self, resource: TableResource) -> None:
        self.resource = resource
        self._lock = threading.Lock()
        self._items: dict[tuple[Any, ...], Stored] = {}

    @property
    def name(self) -> str:
        return self.resource.name

    def save(self, item: Item, *, version: int | None = None) -> int:
        saved = stored(item if version is None else {**item, VERSION: version + 1}, self.resource)
        new_version = stored_version(saved)
        place = self._place(saved)
        with self._lock:
            current = self._items.get(place)
            if version == 0:
                self._require(current is None)
            elif version is not None:
                self._require(current is not None and current.get(VERSION) == version)
            self._items[place] = saved
        return new_version

    def get(self, key: Item) -> Stored | None:
        place = self._place(stored_key(key, self.resource))
        with self._lock:
            return copy.deepcopy(self._items.get(place))

    def delete(self, key: Item, *, version: int | None = None) -> None:
        place = self._place(stored_key(key, self.resource))
        with self._lock:
            if version is not None:
                current = self._items.get(place, {})
                self._require(current.get(VERSION, 0) == version)
            self._items.pop(place, None)

    def query(
        self,
        partition: Any,
        *,
        sort: KeyCondition | None = None,
        index: str | None = None,
        ascending: bool = True,
        limit: int | None = None,
    ) -> Iterator[Stored]:
        keyed = self.resource.index(index) if index else self.resource
        wanted = key_value(self.resource, keyed.key, keyed.key_type, partition)
        holds = self._condition(keyed, sort)
        with self._lock:
            found = [item for item in self._items.values() if item.get(keyed.key) == wanted and holds(item)]
        name = keyed.sort_key
        if name:
            found.sort(key=lambda item: item[name], reverse=not ascending)
        return itertools.islice(map(copy.deepcopy, found), limit)

    def _condition(
        self, keyed: TableResource | TableIndex, sort: KeyCondition | None
    ) -> Callable[[Stored], bool]:
        name = keyed.sort_key
        if sort is None:
            # An index holds only the items that have its keys.
            return lambda item: name is None or name in item
        if name is None:
            raise InvalidItem(f"'{keyed.name}' has no sort_key: leave the sort condition out")
        if sort.operator == "begins_with" and keyed.sort_key_type == "N":
            raise InvalidRequest(f"'{name}' is a number: begins_with is for text", resource=self.name)
        operands = [key_value(self.resource, name, keyed.sort_key_type, value) for value in sort.values]
        return lambda item: name in item and _HOLDS[sort.operator](item[name], *operands)

    def _place(self, item: Item) -> tuple[Any, ...]:
        names = (self.resource.key, self.resource.sort_key)
        return tuple(item[name] for name in names if name)

    def _require(self, holds: bool) -> None:
        if not holds:
            raise ConditionFailed(
                "another writer came first; read the item again and decide anew",
                resource=self.name,
                code="ConditionalCheckFailedException",
            )
