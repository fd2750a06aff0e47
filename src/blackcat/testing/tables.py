"""A table in memory, with DynamoDB's keys, versions, indexes and sort order."""

from __future__ import annotations

import copy
import itertools
import operator
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from blackcat.application.ports import Item
from blackcat.domain.conditions import KeyCondition
from blackcat.domain.item import (
    UNVERSIONED,
    VERSION,
    key_value,
    place,
    require_distinct,
    require_limit,
    saved_item,
    stored,
    stored_key,
    stored_position,
    stored_version,
)
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
    """A table that stores and refuses the same values as DynamoDB's. Safe to share between threads.

    Items beyond their ``ttl`` stay until a test calls ``expire``, as DynamoDB's do for up to days.
    """

    def __init__(self, resource: TableResource) -> None:
        self._resource = resource
        self.lock = threading.RLock()
        self._items: dict[tuple[Any, ...], Stored] = {}

    @property
    def name(self) -> str:
        return self._resource.name

    @property
    def resource(self) -> TableResource:
        return self._resource

    def save(self, item: Item, *, version: int | None = None) -> int:
        saved = saved_item(item, self._resource, version)
        new_version = stored_version(saved)
        where = place(saved, self._resource)
        with self.lock:
            if version is not None:
                self.require_version(where, version, if_new=True)
            self._items[where] = saved
        return new_version

    def get(self, key: Item) -> Stored | None:
        with self.lock:
            return copy.deepcopy(self._items.get(self._place(key)))

    def delete(self, key: Item, *, version: int | None = None) -> None:
        where = self._place(key)
        with self.lock:
            if version is not None:
                self.require_version(where, version)
            self._items.pop(where, None)

    def query(
        self,
        partition: Any,
        *,
        sort: KeyCondition | None = None,
        index: str | None = None,
        ascending: bool = True,
        limit: int | None = None,
        after: Item | None = None,
        consistent: bool = False,
    ) -> Iterator[Stored]:
        require_limit(limit, self._resource)
        if index and consistent:
            raise InvalidRequest(f"index '{index}' gives no consistent reads", resource=self.name)
        keyed = self._resource.index(index) if index else self._resource
        wanted = key_value(self._resource, keyed, keyed.key, partition)
        holds = self._condition(keyed, sort)
        with self.lock:
            found = [item for item in self._items.values() if item.get(keyed.key) == wanted and holds(item)]
        found.sort(key=lambda item: self._order(keyed, item), reverse=not ascending)
        if after is not None:
            last = self._order(keyed, stored_position(after, self._resource, keyed, wanted))
            passed = operator.gt if ascending else operator.lt
            found = [item for item in found if passed(self._order(keyed, item), last)]
        return itertools.islice(map(copy.deepcopy, found), limit)

    def get_batch(self, keys: Iterable[Item]) -> list[Stored | None]:
        wanted = [stored_key(key, self._resource) for key in keys]
        return [self.get(key) for key in wanted]

    def write_batch(self, *, save: Iterable[Item] = (), delete: Iterable[Item] = ()) -> None:
        saved = [stored(item, self._resource) for item in save]
        deleted = [stored_key(key, self._resource) for key in delete]
        require_distinct([*saved, *deleted], self._resource)
        with self.lock:
            self._items.update({place(item, self._resource): item for item in saved})
            for key in deleted:
                self._items.pop(place(key, self._resource), None)

    def expire(self, now: datetime) -> int:
        """Removes what DynamoDB would by its ttl, some time after; returns how many items went."""
        ttl = self._resource.ttl
        with self.lock:
            late = [
                where
                for where, item in self._items.items()
                if ttl and item.get(ttl) is not None and item[ttl] <= now.timestamp()
            ]
            for where in late:
                del self._items[where]
        return len(late)

    def require_version(self, where: tuple[Any, ...], version: int, *, if_new: bool = False) -> None:
        """Raises ConditionFailed unless the item there has that version; with ``if_new``, 0 means no item."""
        current = self._items.get(where)
        if version == 0 and if_new:
            holds = current is None
        elif version == UNVERSIONED:
            holds = current is not None and current.get(VERSION, 0) == 0
        else:
            holds = (current or {}).get(VERSION, 0) == version
        if not holds:
            raise ConditionFailed(
                "another writer came first; read the item again and decide anew",
                resource=self.name,
                code="ConditionalCheckFailedException",
            )

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
        operands = [key_value(self._resource, keyed, name, value) for value in sort.values]
        return lambda item: name in item and _HOLDS[sort.operator](item[name], *operands)

    def _order(self, keyed: TableResource | TableIndex, item: Item) -> tuple[Any, ...]:
        # An index may hold several items of the same sort key: DynamoDB keeps them in some fixed order.
        first = (item[keyed.sort_key],) if keyed.sort_key else ()
        return (*first, *place(item, self._resource))

    def _place(self, key: Item) -> tuple[Any, ...]:
        return place(stored_key(key, self._resource), self._resource)
