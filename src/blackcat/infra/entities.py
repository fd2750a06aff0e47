"""Entities as items of a table and back, with pydantic: dataclasses and models, exactly or not at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, RootModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic_core import PydanticSerializationError, to_jsonable_python

from blackcat.domain.item import VERSION, stored, stored_value, whole_seconds
from blackcat.errors import DecodingError, InvalidDeclaration, InvalidItem
from blackcat.infra.equality import fields_of, same
from blackcat.infra.payloads import payload_error
from blackcat.resources import TableResource

Entity = TypeVar("Entity")

_STORED_AS_THEY_ARE = (str, int, float, Decimal, bytes, bytearray, date, UUID, Enum)


class EntityCodec(Generic[Entity]):
    """Turns entities of one type, a dataclass or a pydantic model, into items of one table and back.

    Raises InvalidDeclaration for another kind of type, and for a dataclass that cannot be made of an item.
    """

    def __init__(self, entity: type[Entity], table: TableResource) -> None:
        self._entity = entity
        self._table = table
        if not dataclasses.is_dataclass(entity) and not _is_model(entity):
            raise InvalidDeclaration(f"{entity!r} is no entity: make it a dataclass or a pydantic model")
        _require_readable(entity)
        try:
            self._adapter: TypeAdapter[Entity] = TypeAdapter(entity)
        except PydanticUserError as error:
            raise InvalidDeclaration(f"pydantic cannot read {entity.__name__}: {error.message}") from error

    @property
    def versioned(self) -> bool:
        """Whether the entity has a field for its version."""
        entity: Any = self._entity
        return VERSION in (entity.model_fields if _is_model(entity) else entity.__dataclass_fields__)

    def item(self, entity: Entity) -> dict[str, Any]:
        """The entity as the table keeps it. Raises InvalidItem when it would not come back as it is."""
        item, _ = self.kept(entity)
        return item

    def kept(self, entity: Entity, *, version: int | None = None) -> tuple[dict[str, Any], Entity]:
        """The item, with that version instead of the entity's own, and the entity that will be read from it.

        Raises InvalidItem when they differ in anything else, InvalidDeclaration for a version with an alias.
        """
        plain = self._plain(entity)
        if version is not None:
            if VERSION not in plain:
                raise InvalidDeclaration(
                    "the field version must be stored under its own name: it takes no alias"
                )
            plain[VERSION] = version
        present = {name: value for name, value in plain.items() if not self._left_out(name, value)}
        item = stored({name: _storable(value) for name, value in present.items()}, self._table)
        try:
            back = self.entity(item)
        except DecodingError as error:
            raise InvalidItem(f"a {self._entity.__name__} that could not be read back: {error}") from error
        self._require_same(entity, back, without=VERSION if version is not None else None)
        return item, back

    def entity(self, item: Mapping[str, Any]) -> Entity:
        """The entity of an item. Raises DecodingError, which names the fields that are wrong."""
        try:
            return self._adapter.validate_python(item, strict=False)
        except ValidationError as error:
            found = payload_error(error)
            raise DecodingError(
                f"table '{self._table.name}' holds an item that is no {self._entity.__name__}: {found}",
                fields=found.fields,
            ) from error
        except Exception as error:  # the entity's own code failed; its text may hold a value
            raise DecodingError(
                f"table '{self._table.name}' holds an item that is no {self._entity.__name__}: "
                f"{type(error).__name__} while it was validated"
            ) from error

    def _left_out(self, name: str, value: Any) -> bool:
        # An index takes no None for a key of its own: an item without the attribute is just not in it.
        return value is None and any(name in (index.key, index.sort_key) for index in self._table.indexes)

    def _plain(self, entity: Entity) -> dict[str, Any]:
        try:
            plain: dict[str, Any] = self._adapter.dump_python(
                entity, by_alias=True, round_trip=True, serialize_as_any=True, warnings=False
            )
        except PydanticSerializationError as error:
            raise InvalidItem(f"pydantic cannot take this {self._entity.__name__} apart") from error
        return plain

    def _require_same(self, given: Entity, back: Entity, *, without: str | None) -> None:
        # Not the entities themselves, which may have no equality of their own.
        found = fields_of(back)
        changed = [
            name
            for name, value in fields_of(given).items()
            if name != without and not self._is_kept(value, found.get(name))
        ]
        if changed:
            raise InvalidItem(
                f"{', '.join(changed)}: the table would give back another value than it was given: annotate "
                f"the field of {self._entity.__name__} more narrowly (float, not Any), let its dump hold it "
                "(no exclude), or store it as text"
            )

    def _is_kept(self, value: Any, back: Any) -> bool:
        if same(value, back):
            return True
        # A ttl is rounded up; other times are kept to the microsecond, so no name need be asked for.
        is_instant = isinstance(value, datetime) and value.utcoffset() is not None
        return is_instant and self._table.ttl is not None and same(_rounded(value), back)


def _rounded(instant: datetime) -> datetime:
    return datetime.fromtimestamp(whole_seconds(instant), timezone.utc)


def _require_readable(entity: type[Any]) -> None:
    """Raises InvalidDeclaration for a dataclass that items cannot be turned into."""
    given = getattr(entity, "__dataclass_fields__", {})
    if VERSION in given and not given[VERSION].init:
        raise InvalidDeclaration(
            f"{entity.__name__}.version is init=False, so what is read could not be given its version: "
            "make it version: int = 0"
        )
    fields = {field.name for field in dataclasses.fields(entity)} if given else set()
    unkept = [name for name, field in given.items() if name not in fields and _is_required_init_var(field)]
    if unkept:
        raise InvalidDeclaration(
            f"{entity.__name__} takes {', '.join(unkept)} as InitVar, which no item holds: "
            "give a default, or make it a field"
        )


def _is_required_init_var(field: dataclasses.Field[Any]) -> bool:
    return "InitVar" in str(field.type) and field.default is dataclasses.MISSING


def _is_model(entity: Any) -> bool:
    return isinstance(entity, type) and issubclass(entity, BaseModel) and not issubclass(entity, RootModel)


def _storable(value: Any) -> Any:
    """The value in a form that a table takes or refuses; the field's annotation turns it back."""
    if value is None or isinstance(value, _STORED_AS_THEY_ARE):
        return value
    if isinstance(value, Mapping):
        return {_key(name): _storable(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(member) for member in value]
    if isinstance(value, AbstractSet):
        return _storable_set(value)
    return _as_json(value)


def _storable_set(value: AbstractSet[Any]) -> Any:
    """Itself, unless it is empty or mixed: those a table keeps as a list."""
    try:
        return stored_value(value, "")
    except InvalidItem:
        return [_storable(member) for member in value]


def _key(name: Any) -> Any:
    return name if isinstance(name, str) else next(iter(_as_json({name: None})))


def _as_json(value: Any) -> Any:
    """As pydantic writes it in JSON: a duration, a time of day, a path. What it cannot write stays."""
    try:
        return to_jsonable_python(value)
    except PydanticSerializationError:
        return value
