"""Entities in a table: typed, guarded by their version, and read page by page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic

from blackcat.application.ports import Check, Delete, Save, Table
from blackcat.domain.conditions import KeyCondition
from blackcat.domain.cursor import cursor_after, position
from blackcat.domain.item import UNVERSIONED, VERSION, next_version, require_limit
from blackcat.errors import DecodingError, InvalidDeclaration, InvalidItem
from blackcat.infra.entities import Entity, EntityCodec


@dataclass(frozen=True)
class Page(Generic[Entity]):
    """Part of a query's entities, and the cursor for those that follow; None: there are no more."""

    entities: list[Entity]
    cursor: str | None = None


class DynamoRepository(Generic[Entity]):
    """Entities of one type, a dataclass or a pydantic model, in a table. Safe to share between threads.

    Fields (by their aliases) become attributes of the item. What is read equals what was saved, or the
    save is refused with InvalidItem; a stored item that is no such entity raises DecodingError.

    An entity has a field ``version: int = 0`` (0: never saved), which guards it: a save or delete
    raises ConditionFailed when another writer came first. ``versioned=False`` does without, so that the
    last writer wins. An item that somebody else wrote without a version is read as version -1, and may be
    saved while it still has none. Raises InvalidDeclaration.
    """

    def __init__(self, entity: type[Entity], table: Table, *, versioned: bool = True) -> None:
        self._table = table
        self._codec = EntityCodec(entity, table.resource)
        self._versioned = versioned
        if versioned and not self._codec.versioned:
            raise InvalidDeclaration(
                f"{entity.__name__} has no version: add the field version: int = 0, "
                "or say versioned=False to let the last writer win"
            )

    def get(self, *key: Any) -> Entity | None:
        """The entity under that partition key (and sort key, if the table has one), read consistently."""
        item = self._table.get(self._key(key))
        return None if item is None else self._entity(item)

    def get_batch(self, keys: Iterable[Any]) -> list[Entity | None]:
        """The entities under these keys, in their order; a tuple gives partition and sort key."""
        items = self._table.get_batch(self._key(key if isinstance(key, tuple) else (key,)) for key in keys)
        return [None if item is None else self._entity(item) for item in items]

    def save(self, entity: Entity) -> Entity:
        """Writes the entity, and returns it as it is stored: as ``get`` would, with its next version."""
        write, kept = self._saving(entity)
        self._table.save(write.item, version=write.version)
        return kept

    def save_batch(self, entities: Iterable[Entity]) -> None:
        """Writes any number of entities without versions, in few calls; not all or nothing."""
        if self._versioned:
            raise InvalidDeclaration(
                "batches take no conditions, so versions cannot be guarded: save one by one or in a "
                "transaction, or say versioned=False"
            )
        self._table.write_batch(save=[self._codec.item(entity) for entity in entities])

    def delete(self, entity: Entity) -> None:
        """Removes the entity, if it is there."""
        write = self.deleting(entity)
        self._table.delete(write.key, version=write.version)

    def saving(self, entity: Entity) -> Save:
        """The save as a write of a transaction."""
        write, _ = self._saving(entity)
        return write

    def deleting(self, entity: Entity) -> Delete:
        """The delete as a write of a transaction."""
        return Delete(self._table, self._key_of(entity), self._version(entity))

    def unchanged(self, entity: Entity) -> Check:
        """The condition, in a transaction, that the entity still has its version."""
        return Check(self._table, self._key_of(entity), getattr(entity, VERSION, 0))

    def query(
        self,
        partition: Any,
        *,
        sort: KeyCondition | None = None,
        index: str | None = None,
        ascending: bool = True,
        limit: int | None = None,
        consistent: bool = False,
    ) -> Iterator[Entity]:
        """The entities of one partition in the order of their sort key, fetched page by page as needed."""
        items = self._table.query(
            partition, sort=sort, index=index, ascending=ascending, limit=limit, consistent=consistent
        )
        return map(self._entity, items)

    def page(
        self,
        partition: Any,
        *,
        size: int,
        cursor: str | None = None,
        sort: KeyCondition | None = None,
        index: str | None = None,
        ascending: bool = True,
    ) -> Page[Entity]:
        """Up to ``size`` entities, 1 or more, and the cursor for the next page of the same query.

        A cursor is text for a client: readable key attributes, no secret. Raises DecodingError for one
        that this query did not give.
        """
        table = self._table.resource
        require_limit(size, table)
        after = position(cursor, table, index) if cursor else None
        try:
            items = self._table.query(
                partition, sort=sort, index=index, ascending=ascending, limit=size + 1, after=after
            )
        except InvalidItem as error:
            if after is None:
                raise
            raise DecodingError(f"the cursor is none that this query gave: {error}") from error
        found = list(items)
        more = cursor_after(found[size - 1], table, index) if len(found) > size else None
        return Page([self._entity(item) for item in found[:size]], more)

    def _key(self, values: tuple[Any, ...]) -> dict[str, Any]:
        names = [name for name in (self._table.resource.key, self._table.resource.sort_key) if name]
        if len(values) != len(names):
            raise InvalidItem(
                f"table '{self._table.name}': a key has {' and '.join(names)}, not {len(values)} values"
            )
        return dict(zip(names, values, strict=True))

    def _key_of(self, entity: Entity) -> dict[str, Any]:
        table, item = self._table.resource, self._codec.item(entity)
        return {name: item[name] for name in (table.key, table.sort_key) if name}

    def _saving(self, entity: Entity) -> tuple[Save, Entity]:
        version = self._version(entity)
        item, kept = self._codec.kept(entity, version=None if version is None else next_version(version))
        return Save(self._table, item, version), kept

    def _version(self, entity: Entity) -> int | None:
        return getattr(entity, VERSION) if self._versioned else None

    def _entity(self, item: dict[str, Any]) -> Entity:
        if self._versioned and item.get(VERSION, 0) == 0:
            item = {**item, VERSION: UNVERSIONED}
        return self._codec.entity(item)
