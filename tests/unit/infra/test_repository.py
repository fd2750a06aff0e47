"""Typed entities in a table: guarded by their version, read page by page, exact or refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass, field, replace
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any, get_type_hints
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    RootModel,
    SecretStr,
    create_model,
    field_serializer,
    model_serializer,
)

from blackcat import DynamoRepository
from blackcat.adapters_aws.dynamodb_values import decode_item, encode_item
from blackcat.application.ports import Save, Table
from blackcat.domain.conditions import at_least
from blackcat.errors import (
    ConditionFailed,
    DecodingError,
    InvalidDeclaration,
    InvalidItem,
    InvalidRequest,
    TransactionCanceled,
)
from blackcat.infra.entities import EntityCodec
from blackcat.resources import TableIndex, TableResource
from blackcat.testing import InMemoryTable, InMemoryTransactions
from contracts.properties import ENTITIES_COME_BACK

ORDERS = TableResource(
    "orders",
    key="customer",
    sort_key="number",
    sort_key_type="N",
    indexes=[TableIndex("by_state", key="state", sort_key="placed_at"), TableIndex("by_agent", key="agent")],
    ttl="expires_at",
)
NOW = datetime(2030, 1, 1, tzinfo=timezone.utc)


class State(Enum):
    OPEN = "open"
    PAID = "paid"


@dataclass(frozen=True, kw_only=True)
class Order:
    customer: str
    number: int
    state: State = State.OPEN
    placed_at: datetime = NOW
    amount: Decimal = Decimal("9.90")
    agent: str | None = None
    expires_at: datetime | None = None
    version: int = 0


class OrderModel(BaseModel, frozen=True, extra="forbid"):
    customer: str
    number: int
    state: State = State.OPEN
    placed_at: datetime = NOW
    amount: Decimal = Decimal("9.90")
    agent: str | None = None
    expires_at: datetime | None = None
    version: int = 0


@pytest.fixture
def table() -> InMemoryTable:
    return InMemoryTable(ORDERS)


@pytest.fixture(params=[Order, OrderModel])
def order(request: pytest.FixtureRequest) -> Callable[..., Any]:
    def build(number: int = 1, **more: Any) -> Any:
        return request.param(customer="ana", number=number, **more)

    return build


@pytest.fixture
def orders(order: Callable[..., Any], table: InMemoryTable) -> DynamoRepository[Any]:
    return DynamoRepository(type(order()), table)


def test_what_is_saved_is_read_back(orders: DynamoRepository[Any], order: Callable[..., Any]) -> None:
    assert orders.get("ana", 1) is None
    saved = orders.save(order(amount=Decimal("1.50"), state=State.PAID))
    assert saved == order(amount=Decimal("1.50"), state=State.PAID, version=1)
    assert orders.get("ana", 1) == saved


def test_of_two_writers_the_second_is_refused(
    orders: DynamoRepository[Any], order: Callable[..., Any]
) -> None:
    first = orders.save(order())
    with pytest.raises(ConditionFailed):
        orders.save(order())
    second = orders.save(first)
    assert second.version == 2
    for late in (orders.save, orders.delete):
        with pytest.raises(ConditionFailed):
            late(first)
    orders.delete(second)
    assert orders.get("ana", 1) is None


@pytest.mark.parametrize("more", [{}, {"version": 0}])
def test_what_was_written_without_a_version_is_saved_once(
    orders: DynamoRepository[Any], order: Callable[..., Any], table: Table, more: dict[str, Any]
) -> None:
    legacy = {"customer": "ana", "number": 1, "amount": 5}
    table.save({**legacy, **more})
    found = orders.get("ana", 1)
    assert found.version == -1
    assert [found] == list(orders.query("ana")) == orders.get_batch([("ana", 1)])
    assert [found] == orders.page("ana", size=1).entities
    with pytest.raises(ConditionFailed):  # a new one must not replace what it never read
        orders.save(order())
    saved = orders.save(found)
    assert (saved.amount, saved.version) == (5, 1)
    for late in (orders.save, orders.delete):
        with pytest.raises(ConditionFailed):
            late(found)
    table.save(legacy)
    orders.delete(found)
    assert orders.get("ana", 1) is None


def test_what_was_written_without_a_version_stands_in_transactions(
    orders: DynamoRepository[Any], table: Table
) -> None:
    for number in (1, 2, 3):
        table.save({"customer": "ana", "number": number})
    first, gone, seen = orders.query("ana")
    InMemoryTransactions().write([orders.saving(first), orders.deleting(gone), orders.unchanged(seen)])
    assert [(one.number, one.version) for one in orders.query("ana")] == [(1, 1), (3, -1)]


def test_what_its_next_version_makes_invalid_is_not_written() -> None:
    class Once(BaseModel):
        id: str
        version: int = Field(default=0, le=1)

    table = InMemoryTable(TableResource("once", key="id"))
    repository = DynamoRepository(Once, table)
    saved = repository.save(Once(id="1"))
    with pytest.raises(InvalidItem, match="version"):
        repository.save(saved)
    assert repository.get("1") == saved


def test_without_versions_the_last_writer_wins(table: InMemoryTable) -> None:
    @dataclass
    class Note:
        customer: str
        number: int
        text: str

    with pytest.raises(InvalidDeclaration, match="Note has no version: add the field"):
        DynamoRepository(Note, table)
    notes = DynamoRepository(Note, table, versioned=False)
    notes.save(Note("ana", 1, "a"))
    assert notes.save(Note("ana", 1, "b")) == Note("ana", 1, "b")
    notes.save_batch(Note("ana", number, "c") for number in range(2, 40))
    assert [note.text for note in notes.query("ana", limit=3)] == ["b", "c", "c"]
    notes.delete(Note("ana", 1, "another"))
    assert notes.get("ana", 1) is None


def test_batches_do_not_guard_versions(orders: DynamoRepository[Any], order: Callable[..., Any]) -> None:
    with pytest.raises(InvalidDeclaration, match="versioned=False"):
        orders.save_batch([order()])


def test_a_batch_is_read_by_keys(orders: DynamoRepository[Any], order: Callable[..., Any]) -> None:
    saved = orders.save(order(2))
    assert orders.get_batch([("ana", 1), ("ana", 2)]) == [None, saved]
    with pytest.raises(InvalidItem, match="customer and number, not 1 values"):
        orders.get_batch(["ana"])
    with pytest.raises(InvalidItem, match="not 3 values"):
        orders.get("ana", 1, 2)


def test_entities_are_queried(orders: DynamoRepository[Any], order: Callable[..., Any]) -> None:
    for number in range(4):
        orders.save(order(number, placed_at=NOW + timedelta(days=number)))
    assert [one.number for one in orders.query("ana", ascending=False, limit=2)] == [3, 2]
    since = orders.query(State.OPEN, index="by_state", sort=at_least(NOW + timedelta(days=2)))
    assert [one.number for one in since] == [2, 3]
    assert [one.number for one in orders.query("ana", consistent=True)] == [0, 1, 2, 3]


@pytest.mark.parametrize("index", [None, "by_state"])
@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("size", [1, 2, 4, 5])
def test_pages_go_on_where_the_last_one_ended(
    orders: DynamoRepository[Any], order: Callable[..., Any], index: str | None, ascending: bool, size: int
) -> None:
    for number in range(4):
        orders.save(order(number))
    partition = State.OPEN if index else "ana"
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = orders.page(partition, size=size, cursor=cursor, index=index, ascending=ascending)
        seen += [one.number for one in page.entities]
        cursor, pages = page.cursor, pages + 1
    assert seen == sorted(range(4), reverse=not ascending)
    assert pages == -(-4 // size)  # none of them is empty


@pytest.mark.parametrize("size", [0, -1])
def test_a_page_has_room_for_one(orders: DynamoRepository[Any], size: int) -> None:
    with pytest.raises(InvalidRequest, match=f"1 item or more, not {size}"):
        orders.page("ana", size=size)


@pytest.mark.parametrize(
    "cursor", ["x", "é", "WzFd", "bnVsbA", "WyJhbmEiLCAiTmFOIl0", "WyJib2IiLCAiMSJd", "====", "W1tdLFtdXQ"]
)
def test_a_cursor_of_another_query_is_refused(
    orders: DynamoRepository[Any], order: Callable[..., Any], cursor: str
) -> None:
    with pytest.raises(DecodingError, match="the cursor is none that this query gave"):
        orders.page("ana", size=1, cursor=cursor)


def test_a_cursor_holds_keys_of_any_type() -> None:
    @dataclass
    class Blob:
        id: bytes
        at: Decimal
        version: int = 0

    resource = TableResource("blobs", key="id", key_type="B", sort_key="at", sort_key_type="N")
    blobs = DynamoRepository(Blob, InMemoryTable(resource))
    for number in ("1.5", "2", "1E+20"):
        blobs.save(Blob(b"\x00\xff", Decimal(number)))
    first = blobs.page(b"\x00\xff", size=2)
    assert first.cursor is not None
    rest = blobs.page(b"\x00\xff", size=2, cursor=first.cursor)
    assert [blob.at for blob in rest.entities] == [Decimal("1E+20")]


def test_entities_stand_in_transactions(
    orders: DynamoRepository[Any], order: Callable[..., Any], table: Table
) -> None:
    transactions = InMemoryTransactions()
    first, gone, seen = (orders.save(order(number)) for number in (1, 2, 3))
    writes = [orders.saving(first), orders.deleting(gone), orders.unchanged(seen), orders.saving(order(4))]
    transactions.write(writes)
    assert [(one.number, one.version) for one in orders.query("ana")] == [(1, 2), (3, 1), (4, 1)]
    with pytest.raises(TransactionCanceled) as raised:
        transactions.write([orders.saving(seen), orders.saving(first)])
    assert list(raised.value.failures) == [1]
    assert writes[0] == Save(table, writes[0].item, version=1)


def test_what_a_table_holds_of_another_kind_is_named(orders: DynamoRepository[Any], table: Table) -> None:
    table.save({"customer": "ana", "number": 1, "state": "canary-4711", "version": 1})
    with pytest.raises(DecodingError, match="table 'orders' holds an item that is no Order.*state") as raised:
        orders.get("ana", 1)
    assert "state" in raised.value.fields
    assert "canary-4711" not in str(raised.value)


def test_an_entity_that_fails_on_its_own_is_told_without_its_text() -> None:
    @dataclass
    class Touchy:
        id: str

        def __post_init__(self) -> None:
            if self.id == "canary-4711":
                raise LookupError(self.id)

    table = InMemoryTable(TableResource("touchy", key="id"))
    table.save({"id": "canary-4711"})
    with pytest.raises(DecodingError, match="no Touchy: LookupError") as raised:
        DynamoRepository(Touchy, table, versioned=False).get("canary-4711")
    assert "canary-4711" not in str(raised.value)


def test_what_pydantic_cannot_take_apart_is_refused() -> None:
    class Odd(BaseModel):
        id: str
        value: int

        @field_serializer("value")
        def halved(self, value: int) -> int:
            return value // 2

    table = InMemoryTable(TableResource("odd", key="id"))
    odd = DynamoRepository(Odd, table, versioned=False)
    with pytest.raises(InvalidItem, match="Odd"):
        odd.save(Odd.model_construct(id="1", value="canary-4711"))
    with pytest.raises(InvalidItem, match="value"):
        odd.save(Odd(id="1", value=5))


def test_none_keeps_an_entity_out_of_an_index(
    orders: DynamoRepository[Any], order: Callable[..., Any]
) -> None:
    orders.save(order(1))
    orders.save(order(2, agent="bia"))
    assert [one.number for one in orders.query("bia", index="by_agent")] == [2]
    assert orders.get("ana", 1).agent is None


def test_a_ttl_is_kept_to_the_second(orders: DynamoRepository[Any], order: Callable[..., Any]) -> None:
    soon = NOW + timedelta(microseconds=1)
    saved = orders.save(order(expires_at=soon))
    assert saved.expires_at == NOW + timedelta(seconds=1)
    assert orders.get("ana", 1) == saved
    assert orders.save(saved) == orders.get("ana", 1)


def test_a_ttl_comes_back_as_late_as_it_may_be(
    orders: DynamoRepository[Any], order: Callable[..., Any]
) -> None:
    last = datetime(2603, 10, 11, 11, 33, 20, tzinfo=timezone.utc)
    orders.save(order(expires_at=last))
    assert orders.get("ana", 1).expires_at == last
    for never in (last + timedelta(seconds=1), datetime.max.replace(tzinfo=timezone.utc)):
        with pytest.raises(InvalidItem, match=r"expires_at.*2603.*store None"):
            orders.save(order(2, expires_at=never))


def test_a_ttl_that_would_come_back_as_a_number_is_refused() -> None:
    @dataclass
    class Note:
        id: str
        expires_at: Any

    table = InMemoryTable(TableResource("notes", key="id", ttl="expires_at"))
    with pytest.raises(InvalidItem, match="expires_at"):
        DynamoRepository(Note, table, versioned=False).save(Note("1", NOW))


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 10, 25, 2, 30),  # noqa: DTZ001 - the zone follows
        datetime(2026, 10, 25, 2, 30, fold=1),  # noqa: DTZ001
        datetime(2026, 3, 29, 2, 30),  # noqa: DTZ001 - which no clock shows
        datetime(2026, 7, 25, 2, 30),  # noqa: DTZ001
    ],
    ids=["before", "after", "left out", "any other"],
)
def test_a_time_at_a_change_of_clocks_is_stored(moment: datetime) -> None:
    @dataclass
    class Note:
        id: str
        at: datetime
        more: list[datetime]
        marks: dict[datetime, set[datetime]]

    repository = DynamoRepository(Note, InMemoryTable(TableResource("notes", key="id")), versioned=False)
    at = moment.replace(tzinfo=ZoneInfo("Europe/Berlin"))
    repository.save(Note("1", at, [at], {at: {at}}))
    found = repository.get("1")
    assert found is not None
    instants = [found.at, *found.more, *found.marks, *next(iter(found.marks.values()))]
    assert {instant.timestamp() for instant in instants} == {at.timestamp()}


def test_expired_items_stay_until_they_are_removed(table: InMemoryTable) -> None:
    orders = DynamoRepository(Order, table)
    for number, days in enumerate((1, 2)):
        orders.save(Order(customer="ana", number=number, expires_at=NOW + timedelta(days=days)))
    orders.save(Order(customer="ana", number=5))
    assert len(list(orders.query("ana"))) == 3
    assert table.expire(NOW + timedelta(days=1)) == 1
    assert [one.number for one in orders.query("ana")] == [1, 5]


def test_only_dataclasses_and_models_are_entities(table: InMemoryTable) -> None:
    for kind in (dict, RootModel[dict[str, int]], Any):
        with pytest.raises(InvalidDeclaration, match="dataclass or a pydantic model"):
            DynamoRepository(kind, table)


def test_a_version_that_cannot_be_set_is_refused(table: InMemoryTable) -> None:
    @dataclass
    class Odd:
        customer: str
        number: int
        version: int = field(default=0, init=False)

    with pytest.raises(InvalidDeclaration, match=r"Odd\.version is init=False.*make it version: int = 0"):
        DynamoRepository(Odd, table)


def test_what_only_the_constructor_takes_is_refused(table: InMemoryTable) -> None:
    @dataclass
    class Odd:
        customer: str
        number: int
        seed: InitVar[int]
        version: int = 0

    with pytest.raises(InvalidDeclaration, match="Odd takes seed as InitVar, which no item holds"):
        DynamoRepository(Odd, table)


def test_what_the_constructor_need_not_be_given_is_no_hindrance(table: InMemoryTable) -> None:
    @dataclass
    class Odd:
        customer: str
        number: int
        seed: InitVar[int] = 3
        version: int = 0
        total: int = field(default=0, init=False)

    repository = DynamoRepository(Odd, table)
    odd = Odd("ana", 1)
    assert repository.save(odd) == repository.get("ana", 1)
    odd.total = 5
    with pytest.raises(InvalidItem, match="total"):
        repository.save(odd)


def test_an_alias_is_the_attributes_name() -> None:
    class Payment(BaseModel):
        id: UUID = Field(alias="payment_id")
        version: int = 0

    table = InMemoryTable(TableResource("payments", key="payment_id"))
    payments = DynamoRepository(Payment, table)
    saved = payments.save(Payment(payment_id=uuid4()))
    assert payments.get(saved.id) == saved
    assert table.get({"payment_id": saved.id}) == {"payment_id": str(saved.id), "version": 1}


def test_the_version_takes_no_alias(table: InMemoryTable) -> None:
    class Payment(BaseModel):
        customer: str
        number: int
        version: int = Field(default=0, alias="v")

    with pytest.raises(InvalidDeclaration, match="takes no alias"):
        DynamoRepository(Payment, table).save(Payment(customer="ana", number=1))


class Secretive(BaseModel):
    id: str = "1"
    password: SecretStr = SecretStr("canary-4711")


class Loose(BaseModel):
    id: str = "1"
    value: Any = None


@dataclass
class Strict:
    id: str
    required: str | None
    by: str = "x"


class Hidden(BaseModel):
    id: str = "1"
    token: str = Field(default="", exclude=True)


class Nested(BaseModel):
    id: str = "1"
    inner: Hidden


class Masked(BaseModel):
    id: str = "1"
    token: str

    @field_serializer("token")
    def masked(self, token: str) -> str:
        return "***"


class Partial(BaseModel):
    id: str = "1"
    token: str = ""

    @model_serializer
    def partly(self) -> dict[str, str]:
        return {"id": self.id}


@pytest.mark.parametrize(
    ("entity", "says"),
    [
        (Secretive(), "password"),
        (Loose(value=UUID(int=1)), "value"),
        (Loose(value=NOW), "value"),
        (Loose(value=(1, 2)), "value"),
        (Loose(value={1: "a"}), "value"),
        (Loose(value=datetime(2030, 1, 1)), "time zone"),  # noqa: DTZ001 - that it has none is the point
        (Loose(value=float("nan")), "no number"),
        (Loose(value=10**40 + 1), "38 digits"),
        (Loose(value=object()), "cannot store a object"),
        (Loose(value={1: "a", "1": "b"}), "value"),
        (Loose(value=0.1), "float, not Any"),
        (Loose(value=0.5), "float, not Any"),
        (Loose(value={"a": [1.0]}), "float, not Any"),
        (Loose(value={1.5, 2}), "float, not Any"),
        (Loose(value=Strict("1", None)), "value"),
        (Hidden(token="canary-4711"), "token.*no exclude"),
        (Loose(value=[Hidden(token="canary-4711")]), "value"),
        (Nested(inner=Hidden(token="canary-4711")), "inner.*no exclude"),
        (Masked(token="canary-4711"), "token"),
        (Partial(token="canary-4711"), "token"),
    ],
)
def test_what_would_come_back_as_something_else_is_refused(entity: Any, says: str) -> None:
    repository = DynamoRepository(
        type(entity), InMemoryTable(TableResource("loose", key="id")), versioned=False
    )
    with pytest.raises(InvalidItem, match=says) as raised:
        repository.save(entity)
    assert "canary-4711" not in str(raised.value)


@pytest.mark.parametrize("value", [1, Decimal("1.5"), {"a": [Decimal("0.1"), None, True]}, {1, 2}])
def test_what_needs_no_annotation_comes_back(value: Any) -> None:
    repository = DynamoRepository(Loose, InMemoryTable(TableResource("loose", key="id")), versioned=False)
    repository.save(Loose(value=value))
    assert repository.get("1") == Loose(value=value)


def test_what_is_hidden_may_be_its_default() -> None:
    repository = DynamoRepository(Nested, InMemoryTable(TableResource("nested", key="id")), versioned=False)
    assert repository.save(Nested(inner=Hidden())) == repository.get("1")


class Tag:
    """It has no equality of its own."""

    def __init__(self, text: str) -> None:
        self.text = text


class Label(BaseModel, arbitrary_types_allowed=True):
    tag: Annotated[Tag, BeforeValidator(lambda tag: tag if isinstance(tag, Tag) else Tag(tag))]

    @field_serializer("tag")
    def text(self, tag: Tag) -> str:
        return tag.text


@dataclass(eq=False)
class Tagged:
    id: str
    label: Label
    hidden: Annotated[str, Field(exclude=True)] = ""  # which pydantic regards in models only


def test_an_entity_and_its_values_need_no_equality() -> None:
    repository = DynamoRepository(Tagged, InMemoryTable(TableResource("tagged", key="id")), versioned=False)
    repository.save(Tagged("1", Label(tag=Tag("a")), "b"))
    found = repository.get("1")
    assert found is not None
    assert (found.label.tag.text, found.hidden) == ("a", "b")


class Heavy(BaseModel):
    weight: float


class Fragile(Heavy):
    layers: int


@dataclass
class Parcel:
    id: str
    content: list[Heavy]


def test_what_a_subclass_adds_is_not_lost() -> None:
    parcels = DynamoRepository(Parcel, InMemoryTable(TableResource("parcels", key="id")), versioned=False)
    parcels.save(Parcel("1", [Heavy(weight=1)]))
    with pytest.raises(InvalidItem, match="content"):
        parcels.save(Parcel("2", [Fragile(weight=1, layers=2)]))


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Kind(str, Enum):
    A = "a"
    B = ""


@dataclass
class Address:
    street: str
    number: int | None


class Part(BaseModel):
    weight: float
    address: Address | None


_numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=9)
_zones = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_times = st.datetimes(datetime(1000, 1, 1), datetime(9000, 1, 1), timezones=_zones)  # noqa: DTZ001
_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
_floats = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e100, max_value=1e100).filter(
    lambda number: number == 0 or abs(number) > 1e-100
)
_addresses = st.builds(Address, _texts, st.none() | st.integers(0, 99))
_parts = st.builds(Part, weight=_floats, address=st.none() | _addresses)


@dataclass
class Everything:
    id: UUID
    text: str
    whole: int
    flag: bool
    number: Decimal
    real: float
    raw: bytes
    moment: datetime
    day: date
    hour: time
    span: timedelta
    path: Path
    state: State
    level: Level
    kind: Kind
    maybe: int | None
    either: int | str
    texts: set[str]
    numbers: frozenset[Decimal]
    flags: set[bool]
    levels: set[Level]
    listed: list[Decimal]
    pair: tuple[int, str]
    by_text: dict[str, bytes]
    by_number: dict[int, datetime]
    by_id: dict[UUID, State]
    parts: list[Part]
    address: Address
    nested: dict[str, list[dict[str, set[int]]]] = field(default_factory=dict)


_everything = st.builds(
    Everything,
    id=st.uuids(),
    text=_texts,
    whole=st.integers(-(10**30), 10**30),
    flag=st.booleans(),
    number=_numbers,
    real=_floats,
    raw=st.binary(max_size=5),
    moment=_times,
    day=st.dates(),
    hour=st.times(),
    span=st.timedeltas(timedelta(days=-10_000), timedelta(days=10_000)),
    path=st.sampled_from([Path("/a/b"), Path()]),
    state=st.sampled_from(State),
    level=st.sampled_from(Level),
    kind=st.sampled_from(Kind),
    maybe=st.none() | st.integers(-5, 5),
    either=st.integers(-5, 5) | _texts,
    texts=st.sets(_texts, max_size=3),
    numbers=st.frozensets(_numbers, max_size=3),
    flags=st.sets(st.booleans()),
    levels=st.sets(st.sampled_from(Level)),
    listed=st.lists(_numbers, max_size=3),
    pair=st.tuples(st.integers(-5, 5), _texts),
    by_text=st.dictionaries(_texts.filter(bool), st.binary(max_size=3), max_size=3),
    by_number=st.dictionaries(st.integers(-5, 5), _times, max_size=3),
    by_id=st.dictionaries(st.uuids(), st.sampled_from(State), max_size=3),
    parts=st.lists(_parts, max_size=2),
    address=_addresses,
    nested=st.dictionaries(
        st.sampled_from("ab"),
        st.lists(st.dictionaries(st.sampled_from("cd"), st.sets(st.integers(-5, 5), max_size=2)), max_size=2),
    ),
)


EverythingModel = create_model(
    "EverythingModel", **{name: (hint, ...) for name, hint in get_type_hints(Everything).items()}
)


@pytest.mark.parametrize("kind", [Everything, EverythingModel])
@settings(max_examples=ENTITIES_COME_BACK.cases)
@given(_everything)
def test_every_field_comes_back_over_the_wire(kind: type[Any], everything: Everything) -> None:
    entity = kind(**vars(everything))
    codec = EntityCodec(kind, TableResource("everything", key="id"))
    wire = encode_item(codec.item(entity))
    assert codec.entity(decode_item(wire)) == entity


def test_a_frozen_entity_gets_its_version(orders: DynamoRepository[Any], order: Callable[..., Any]) -> None:
    saved = orders.save(order())
    with pytest.raises(Exception, match="frozen|cannot assign"):
        saved.version = 3
    assert replace(Order(customer="ana", number=1), version=1).version == saved.version
