"""What every table does."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest

from blackcat.application.ports import Table
from blackcat.domain.conditions import (
    KeyCondition,
    at_least,
    at_most,
    begins_with,
    between,
    equal_to,
    greater_than,
    less_than,
)
from blackcat.domain.item import UNVERSIONED
from blackcat.errors import BlackcatError, ConditionFailed, InvalidItem, InvalidRequest
from blackcat.resources import TableIndex, TableResource


class Colour(Enum):
    RED = "red"


class TableContract:
    """Inherit it, and give the fixture ``table``: the Table for ``resource``; other items may be in it."""

    resource = TableResource(
        "contract_items",
        key="id",
        sort_key="number",
        sort_key_type="N",
        indexes=[TableIndex("by_status", key="status", sort_key="at"), TableIndex("by_owner", key="owner")],
        ttl="expires_at",
    )

    @pytest.fixture
    def id(self) -> str:
        """The partition of one test."""
        return uuid.uuid4().hex

    def test_what_is_saved_is_read_back(self, table: Table, id: str) -> None:
        item = {
            "id": id,
            "number": 1,
            "text": "São João",
            "empty": "",
            "bytes": b"\x00\xff",
            "yes": True,
            "none": None,
            "whole": 12345678901234567890123456789012345678,
            "fraction": Decimal("0.1"),
            "list": [1, "a", [None]],
            "map": {"size": 1, "inner": {"values": [Decimal("1.5")]}},
            "texts": {"a", "b"},
            "numbers": {1, Decimal("2.5")},
            "blobs": {b"a"},
        }
        table.save(item)
        assert table.get({"id": id, "number": 1}) == item

    def test_rich_values_are_stored_as_plain_ones(self, table: Table, id: str) -> None:
        identity = uuid.uuid4()
        moment = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=-3)))
        values = {"at": moment, "day": date(2030, 1, 2), "uuid": identity, "colour": Colour.RED, "float": 0.1}
        table.save({"id": id, "number": 1, **values, "tuple": (1, 2), "whole": Decimal("3.00")})
        assert table.get({"id": id, "number": 1}) == {
            "id": id,
            "number": 1,
            "at": "2030-01-02T06:04:05.000000+00:00",
            "day": "2030-01-02",
            "uuid": str(identity),
            "colour": "red",
            "float": Decimal("0.1"),
            "tuple": [1, 2],
            "whole": 3,
        }

    @pytest.mark.parametrize(
        ("value", "path"),
        [
            ({"items": [{}, {}, {"price": float("nan")}]}, r"value\.items\[2\]\.price"),
            (float("inf"), "value"),
            (10**38 + 1, "value"),
            (Decimal("1E+126"), "value"),
            (Decimal("1E-131"), "value"),
            (datetime(2030, 1, 1), "value"),  # noqa: DTZ001 - that it has no time zone is the point
            (set(), "value"),
            ({1, "a"}, "value"),
            ({True}, "value"),
            ({1: "a"}, "value"),
            ({"": "a"}, "value"),
            ([object()], r"value\[0\]"),
            ("\ud800", "value"),
            (timedelta(seconds=1), "value"),
        ],
    )
    def test_what_would_not_come_back_is_refused(self, table: Table, id: str, value: Any, path: str) -> None:
        with pytest.raises(InvalidItem, match=path):
            table.save({"id": id, "number": 1, "value": value})
        assert table.get({"id": id, "number": 1}) is None

    def test_a_missing_item_is_none(self, table: Table, id: str) -> None:
        assert table.get({"id": id, "number": 1}) is None

    def test_what_is_read_is_the_callers_own(self, table: Table, id: str) -> None:
        tags = ["a"]
        table.save({"id": id, "number": 1, "tags": tags})
        tags.append("b")
        read = table.get({"id": id, "number": 1})
        assert read is not None
        read["tags"].append("c")
        assert table.get({"id": id, "number": 1}) == {"id": id, "number": 1, "tags": ["a"]}

    def test_save_replaces_the_whole_item(self, table: Table, id: str) -> None:
        table.save({"id": id, "number": 1, "old": 1})
        table.save({"id": id, "number": 1, "new": 2})
        assert table.get({"id": id, "number": 1}) == {"id": id, "number": 1, "new": 2}

    def test_an_unconditional_save_keeps_the_items_own_version(self, table: Table, id: str) -> None:
        assert table.save({"id": id, "number": 1}) == 0
        assert table.save({"id": id, "number": 1, "version": 7}) == 7

    def test_versions_count_up(self, table: Table, id: str) -> None:
        key = {"id": id, "number": 1}
        assert table.save(key, version=0) == 1
        assert table.save({**key, "state": "paid"}, version=1) == 2
        assert table.get(key) == {**key, "state": "paid", "version": 2}

    def test_version_zero_is_for_new_items_only(self, table: Table, id: str) -> None:
        key = {"id": id, "number": 1}
        table.save(key)
        with pytest.raises(ConditionFailed):
            table.save({**key, "state": "second"}, version=0)
        assert table.get(key) == key

    @pytest.mark.parametrize("version", [1, 3])
    def test_another_version_is_not_overwritten(self, table: Table, id: str, version: int) -> None:
        key = {"id": id, "number": 1}
        table.save({**key, "version": 2})
        with pytest.raises(ConditionFailed) as raised:
            table.save({**key, "state": "lost"}, version=version)
        assert not raised.value.transient
        assert table.get(key) == {**key, "version": 2}

    def test_a_missing_item_has_no_version(self, table: Table, id: str) -> None:
        with pytest.raises(ConditionFailed):
            table.save({"id": id, "number": 1}, version=1)

    @pytest.mark.parametrize("more", [{}, {"version": 0}])
    def test_an_item_without_a_version_is_saved_while_it_has_none(
        self, table: Table, id: str, more: Mapping[str, Any]
    ) -> None:
        key = {"id": id, "number": 1}
        with pytest.raises(ConditionFailed):
            table.save(key, version=UNVERSIONED)
        table.save({**key, **more})
        assert table.save({**key, "state": "paid"}, version=UNVERSIONED) == 1
        with pytest.raises(ConditionFailed):
            table.save({**key, "state": "lost"}, version=UNVERSIONED)
        assert table.get(key) == {**key, "state": "paid", "version": 1}

    def test_an_item_without_a_version_is_deleted_while_it_has_none(self, table: Table, id: str) -> None:
        key = {"id": id, "number": 1}
        with pytest.raises(ConditionFailed):
            table.delete(key, version=UNVERSIONED)
        table.save({**key, "version": 1})
        with pytest.raises(ConditionFailed):
            table.delete(key, version=UNVERSIONED)
        table.save(key)
        table.delete(key, version=UNVERSIONED)
        assert table.get(key) is None

    def test_of_many_writers_one_wins(self, table: Table, id: str) -> None:
        key = {"id": id, "number": 1}
        outcomes: list[str] = []

        def write() -> None:
            try:
                table.save(key, version=0)
                outcomes.append("won")
            except ConditionFailed:
                outcomes.append("lost")

        threads = [threading.Thread(target=write) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["lost"] * 7 + ["won"]

    def test_a_version_must_be_a_count(self, table: Table, id: str) -> None:
        for version in ("1", -1, True, Decimal("1.5")):
            with pytest.raises(InvalidItem, match="version"):
                table.save({"id": id, "number": 1, "version": version})
        with pytest.raises(InvalidItem, match="version"):
            table.save({"id": id, "number": 1}, version=-2)

    def test_a_deleted_item_is_gone(self, table: Table, id: str) -> None:
        key = {"id": id, "number": 1}
        table.save(key)
        table.delete(key)
        assert table.get(key) is None
        table.delete(key)

    def test_a_conditional_delete_spares_another_version(self, table: Table, id: str) -> None:
        key = {"id": id, "number": 1}
        table.save({**key, "version": 2})
        for version in (0, 1):
            with pytest.raises(ConditionFailed):
                table.delete(key, version=version)
        table.delete(key, version=2)
        assert table.get(key) is None

    def test_version_zero_deletes_what_has_no_version(self, table: Table, id: str) -> None:
        for item in ({"id": id, "number": 1}, {"id": id, "number": 1, "version": 0}):
            table.save(item)
            table.delete({"id": id, "number": 1}, version=0)
            assert table.get({"id": id, "number": 1}) is None

    @pytest.mark.parametrize(
        "key",
        [
            {"id": "x"},
            {"number": 1},
            {"id": "x", "number": 1, "state": "paid"},
            {"id": 1, "number": 1},
            {"id": "x", "number": "1"},
            {"id": "x", "number": True},
            {"id": "", "number": 1},
        ],
    )
    def test_a_key_is_whole_and_of_its_types(self, table: Table, key: Mapping[str, Any]) -> None:
        with pytest.raises(InvalidItem, match="id|number"):
            table.get(key)
        with pytest.raises(InvalidItem, match="id|number"):
            table.delete(key)

    def test_an_item_has_its_keys(self, table: Table, id: str) -> None:
        for item in (
            {"id": id},
            {"number": 1},
            {"id": id, "number": "1"},
            {"id": id, "number": 1, "owner": 5},
        ):
            with pytest.raises(InvalidItem, match="id|number|owner"):
                table.save(item)

    @pytest.mark.parametrize(
        "value",
        ["x" * 500_000, "é" * 250_000, b"x" * 500_000, {"a": ["x" * 300_000, {"b": "x" * 300_000}]}],
        ids=["text", "letters of two bytes", "bytes", "nested"],
    )
    def test_an_item_is_no_larger_than_dynamodb_takes(self, table: Table, id: str, value: Any) -> None:
        key = {"id": id, "number": 1}
        with pytest.raises(InvalidItem, match="up to 409600 bytes"):
            table.save({**key, "value": value})
        with pytest.raises(InvalidItem, match="up to 409600 bytes"):
            table.write_batch(save=[{**key, "value": value}])
        assert table.get(key) is None
        table.save({**key, "value": "x" * 400_000})

    def test_keys_are_no_longer_than_dynamodb_takes(self, table: Table, id: str) -> None:
        for name, longest in {"id": 2048, "status": 2048, "at": 1024}.items():
            item = {"id": id, "number": 1, "status": id, "at": "2030"}
            for value in ("x" * (longest + 1), "é" * (longest // 2 + 1)):
                with pytest.raises(InvalidItem, match=f"'{name}' has up to {longest} bytes"):
                    table.save({**item, name: value})
            table.save({**item, name: id.ljust(longest, "x")})
        with pytest.raises(InvalidItem, match="2048"):
            table.get({"id": "x" * 2049, "number": 1})
        with pytest.raises(InvalidItem, match="2048"):
            table.query("x" * 2049)

    def test_query_gives_a_partition_in_order(self, table: Table, id: str) -> None:
        for number in (10, 9, Decimal("9.5"), -1):
            table.save({"id": id, "number": number})
        table.save({"id": f"{id}-other", "number": 5})
        assert [item["number"] for item in table.query(id)] == [-1, 9, Decimal("9.5"), 10]
        assert [item["number"] for item in table.query(id, ascending=False)] == [10, Decimal("9.5"), 9, -1]
        assert list(table.query(f"{id}-none")) == []

    @pytest.mark.parametrize("limit", [1, 3, 5, 9])
    def test_query_keeps_to_its_limit(self, table: Table, id: str, limit: int) -> None:
        for number in range(5):
            table.save({"id": id, "number": number})
        found = [item["number"] for item in table.query(id, limit=limit)]
        assert found == list(range(min(limit, 5)))

    @pytest.mark.parametrize("limit", [0, -1])
    def test_a_limit_lets_something_through(self, table: Table, id: str, limit: int) -> None:
        with pytest.raises(InvalidRequest, match=f"1 item or more, not {limit}"):
            table.query(id, limit=limit)

    def test_query_goes_on_over_many_pages(self, table: Table, id: str) -> None:
        text = "x" * 300_000  # a page of DynamoDB's holds 1 MB
        for number in range(5):
            table.save({"id": id, "number": number, "text": text})
        assert [item["number"] for item in table.query(id)] == list(range(5))
        assert [item["number"] for item in table.query(id, limit=4)] == list(range(4))

    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            (equal_to(2), [2]),
            (less_than(2), [0, 1]),
            (at_most(2), [0, 1, 2]),
            (greater_than(2), [3, 4]),
            (at_least(2), [2, 3, 4]),
            (between(1, 3), [1, 2, 3]),
        ],
    )
    def test_query_takes_a_condition_on_the_sort_key(
        self, table: Table, id: str, condition: KeyCondition, expected: list[int]
    ) -> None:
        for number in range(5):
            table.save({"id": id, "number": number})
        assert [item["number"] for item in table.query(id, sort=condition)] == expected

    def test_an_index_is_queried_by_its_own_keys(self, table: Table, id: str) -> None:
        moments = [datetime(2030, 1, day, tzinfo=timezone.utc) for day in (3, 1, 2)]
        for number, moment in enumerate(moments):
            table.save({"id": id, "number": number, "status": id, "at": moment})
        table.save({"id": id, "number": 9, "status": id})  # not in the index: it lacks the sort key
        found = table.query(id, index="by_status")
        assert [item["number"] for item in found] == [1, 2, 0]
        since = table.query(id, index="by_status", sort=at_least(moments[2]))
        assert [item["number"] for item in since] == [2, 0]
        in_january = table.query(id, index="by_status", sort=begins_with("2030-01"), limit=2)
        assert [item["number"] for item in in_january] == [1, 2]

    def test_an_index_may_have_no_sort_key(self, table: Table, id: str) -> None:
        table.save({"id": id, "number": 1, "owner": id})
        assert [item["number"] for item in table.query(id, index="by_owner")] == [1]
        with pytest.raises(InvalidItem, match="by_owner"):
            table.query(id, index="by_owner", sort=equal_to(1))

    @pytest.mark.parametrize("ascending", [True, False])
    def test_query_goes_on_after_an_item(self, table: Table, id: str, ascending: bool) -> None:
        for number in range(5):
            table.save({"id": id, "number": number, "note": "more than a key"})
        whole = list(table.query(id, ascending=ascending))
        first = list(table.query(id, ascending=ascending, limit=2))
        rest = list(table.query(id, ascending=ascending, after=first[-1]))
        assert first + rest == whole
        assert list(table.query(id, ascending=ascending, after=whole[-1])) == []

    def test_query_goes_on_after_an_item_that_is_gone(self, table: Table, id: str) -> None:
        for number in range(4):
            table.save({"id": id, "number": number})
        table.delete({"id": id, "number": 1})
        found = table.query(id, sort=at_most(2), after={"id": id, "number": 1})
        assert [item["number"] for item in found] == [2]

    def test_an_index_goes_on_after_an_item_though_its_keys_are_the_same(self, table: Table, id: str) -> None:
        moment = datetime(2030, 1, 1, tzinfo=timezone.utc)
        for number in range(5):
            table.save({"id": id, "number": number, "status": id, "at": moment})
        seen: list[int] = []
        last: Mapping[str, Any] | None = None
        for size in (2, 2, 1):
            page = list(table.query(id, index="by_status", limit=2, after=last))
            assert len(page) == size
            seen += [item["number"] for item in page]
            last = page[-1]
        assert list(table.query(id, index="by_status", limit=2, after=last)) == []
        assert sorted(seen) == list(range(5))

    def test_query_goes_on_within_its_partition_only(self, table: Table, id: str) -> None:
        with pytest.raises(InvalidItem, match="partition"):
            table.query(id, after={"id": "another", "number": 1})
        with pytest.raises(InvalidItem, match="'number'"):
            table.query(id, after={"id": id})
        with pytest.raises(InvalidItem, match="'at'"):
            table.query(id, index="by_status", after={"id": id, "number": 1, "status": id})

    def test_query_may_be_consistent_but_not_of_an_index(self, table: Table, id: str) -> None:
        table.save({"id": id, "number": 1, "owner": id})
        assert [item["number"] for item in table.query(id, consistent=True)] == [1]
        with pytest.raises(InvalidRequest):
            list(table.query(id, index="by_owner", consistent=True))

    def test_a_batch_is_read_in_the_order_of_its_keys(self, table: Table, id: str) -> None:
        for number in range(120):  # more than one call takes
            table.save({"id": id, "number": number})
        numbers = [*range(119, -1, -1), 500, 3]
        found = table.get_batch({"id": id, "number": number} for number in numbers)
        assert [item and item["number"] for item in found] == [*range(119, -1, -1), None, 3]
        assert table.get_batch([]) == []

    def test_a_batch_is_written(self, table: Table, id: str) -> None:
        for number in range(3):
            table.save({"id": id, "number": number, "version": 7})
        table.write_batch(
            save=({"id": id, "number": number, "new": True} for number in range(2, 60)),
            delete=[{"id": id, "number": 0}, {"id": id, "number": 1000}],
        )
        assert [item["number"] for item in table.query(id)] == list(range(1, 60))
        assert table.get({"id": id, "number": 2}) == {"id": id, "number": 2, "new": True}
        table.write_batch()

    def test_a_batch_larger_than_one_page_is_read_whole(self, table: Table, id: str) -> None:
        text = "x" * 300_000
        items = [{"id": id, "number": number, "text": text} for number in range(60)]  # 18 MB
        table.write_batch(save=items)
        found = table.get_batch({"id": id, "number": number} for number in range(60))
        assert [item and len(item["text"]) for item in found] == [300_000] * 60

    def test_a_batch_that_cannot_be_written_as_it_is_is_refused_whole(self, table: Table, id: str) -> None:
        good = {"id": id, "number": 1}
        with pytest.raises(InvalidItem, match="price"):
            table.write_batch(save=[good, {"id": id, "number": 2, "price": float("nan")}])
        with pytest.raises(InvalidItem, match="twice"):
            table.write_batch(save=[good, {**good, "x": 1}])
        with pytest.raises(InvalidItem, match="twice"):
            table.write_batch(save=[good], delete=[{"id": id, "number": Decimal(1)}])
        with pytest.raises(InvalidItem, match="number"):
            table.get_batch([good, {"id": id}])
        assert table.get(good) is None

    def test_a_ttl_is_stored_in_seconds(self, table: Table, id: str) -> None:
        moment = datetime(2100, 1, 1, 0, 0, 0, 1, tzinfo=timezone.utc)
        for number, expires_at in enumerate((moment, 4102444801, None, 0, 20_000_000_000)):
            table.save({"id": id, "number": number, "expires_at": expires_at})
        found = [item["expires_at"] for item in table.query(id)]
        assert found == [4102444801, 4102444801, None, 0, 20_000_000_000]

    @pytest.mark.parametrize(
        "expires_at",
        ["2100-01-01", 4102444800.5, True, datetime(2100, 1, 1)],  # noqa: DTZ001
    )
    def test_a_ttl_that_would_never_come_is_refused(self, table: Table, id: str, expires_at: Any) -> None:
        with pytest.raises(InvalidItem, match="expires_at"):
            table.save({"id": id, "number": 1, "expires_at": expires_at})

    @pytest.mark.parametrize(
        "expires_at",
        [
            datetime.max.replace(tzinfo=timezone.utc),
            datetime(2604, 1, 1, tzinfo=timezone.utc),
            datetime(1969, 12, 31, tzinfo=timezone.utc),
            20_000_000_001,
            4102444800000,
            -1,
        ],
    )
    def test_a_ttl_lies_between_1970_and_2603(self, table: Table, id: str, expires_at: Any) -> None:
        with pytest.raises(InvalidItem, match="expires_at.*1970 and 2603.*store None"):
            table.save({"id": id, "number": 1, "expires_at": expires_at})

    def test_a_table_tells_its_resource(self, table: Table) -> None:
        assert (table.resource.name, table.resource.key) == (table.name, "id")

    def test_an_unknown_index_is_named(self, table: Table) -> None:
        with pytest.raises(BlackcatError, match="by_status"):
            table.query("x", index="by_colour")

    def test_query_checks_its_keys(self, table: Table, id: str) -> None:
        with pytest.raises(InvalidItem, match="id"):
            table.query(1)
        with pytest.raises(InvalidItem, match="number"):
            table.query(id, sort=equal_to("1"))

    def test_a_number_begins_with_nothing(self, table: Table, id: str) -> None:
        with pytest.raises((InvalidItem, InvalidRequest)):
            list(table.query(id, sort=begins_with("1")))
