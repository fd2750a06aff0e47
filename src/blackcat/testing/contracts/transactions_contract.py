"""What all transactions keep to."""

from __future__ import annotations

import threading
import uuid

import pytest

from blackcat.application.ports import Check, Delete, Save, Table, Transactions, Write
from blackcat.domain.item import UNVERSIONED
from blackcat.errors import (
    ConditionFailed,
    InvalidItem,
    InvalidRequest,
    TransactionCanceled,
    TransientError,
)
from blackcat.resources import TableResource


class TransactionsContract:
    """Inherit it, and give the fixtures ``transactions``, ``orders`` and ``ledger``.

    The last two are Tables for the resources below; other items may be in them.
    """

    orders_resource = TableResource("contract_orders", key="id")
    ledger_resource = TableResource("contract_ledger", key="account", sort_key="entry", sort_key_type="N")

    @pytest.fixture
    def id(self) -> str:
        """What the items of one test have in common."""
        return uuid.uuid4().hex

    def test_writes_are_carried_out_across_tables(
        self, transactions: Transactions, orders: Table, ledger: Table, id: str
    ) -> None:
        ledger.save({"account": id, "entry": 1})
        orders.save({"id": f"{id}-customer", "version": 3})
        transactions.write(
            [
                Save(orders, {"id": id, "state": "paid"}, version=0),
                Save(ledger, {"account": id, "entry": 2}),
                Delete(ledger, {"account": id, "entry": 1}),
                Check(orders, {"id": f"{id}-customer"}, version=3),
            ]
        )
        assert orders.get({"id": id}) == {"id": id, "state": "paid", "version": 1}
        assert [item["entry"] for item in ledger.query(id)] == [2]
        transactions.write([])

    def test_nothing_is_written_when_a_condition_does_not_hold(
        self, transactions: Transactions, orders: Table, ledger: Table, id: str
    ) -> None:
        orders.save({"id": id, "version": 2})
        with pytest.raises(TransactionCanceled) as raised:
            transactions.write(
                [
                    Save(ledger, {"account": id, "entry": 1}),
                    Save(orders, {"id": id, "state": "lost"}, version=1),
                    Check(ledger, {"account": id, "entry": 9}, version=1),
                ]
            )
        assert list(ledger.query(id)) == []
        assert orders.get({"id": id}) == {"id": id, "version": 2}
        assert not raised.value.transient
        failures = raised.value.failures
        assert [type(failure) for failure in failures.values()] == [ConditionFailed, ConditionFailed]
        assert {position: failure.resource for position, failure in failures.items()} == {
            1: orders.name,
            2: ledger.name,
        }

    @pytest.mark.parametrize("version", [0, 2])
    def test_a_delete_spares_another_version(
        self, transactions: Transactions, orders: Table, id: str, version: int
    ) -> None:
        orders.save({"id": id, "version": 1})
        with pytest.raises(TransactionCanceled):
            transactions.write([Delete(orders, {"id": id}, version=version)])
        transactions.write([Delete(orders, {"id": id}, version=1)])
        assert orders.get({"id": id}) is None

    def test_a_check_of_version_zero_is_for_what_is_not_there(
        self, transactions: Transactions, orders: Table, ledger: Table, id: str
    ) -> None:
        writes: list[Write] = [
            Check(orders, {"id": id}, version=0),
            Save(ledger, {"account": id, "entry": 1}),
        ]
        transactions.write(writes)
        orders.save({"id": id})
        with pytest.raises(TransactionCanceled):
            transactions.write(writes)

    def test_what_has_no_version_is_written_while_it_has_none(
        self, transactions: Transactions, orders: Table, ledger: Table, id: str
    ) -> None:
        orders.save({"id": id})
        ledger.save({"account": id, "entry": 1})
        orders.save({"id": f"{id}-seen"})
        writes: list[Write] = [
            Save(orders, {"id": id, "state": "paid"}, version=UNVERSIONED),
            Delete(ledger, {"account": id, "entry": 1}, version=UNVERSIONED),
            Check(orders, {"id": f"{id}-seen"}, version=UNVERSIONED),
        ]
        transactions.write(writes)
        assert orders.get({"id": id}) == {"id": id, "state": "paid", "version": 1}
        assert list(ledger.query(id)) == []
        with pytest.raises(TransactionCanceled) as raised:
            transactions.write(writes)
        assert sorted(raised.value.failures) == [0, 1]

    def test_a_token_makes_a_repetition_harmless(
        self, transactions: Transactions, orders: Table, id: str
    ) -> None:
        token = str(uuid.uuid4())
        for _ in range(2):
            transactions.write([Save(orders, {"id": id}, version=0)], token=token)
        with pytest.raises(InvalidRequest):
            transactions.write([Save(orders, {"id": id, "x": 1}, version=1)], token=token)
        with pytest.raises(TransactionCanceled):
            transactions.write([Save(orders, {"id": id}, version=0)], token=str(uuid.uuid4()))
        assert orders.get({"id": id}) == {"id": id, "version": 1}

    @pytest.mark.parametrize("token", ["", "x" * 37])
    def test_a_token_has_up_to_36_characters(
        self, transactions: Transactions, orders: Table, id: str, token: str
    ) -> None:
        with pytest.raises(InvalidRequest, match="36"):
            transactions.write([Save(orders, {"id": id})], token=token)

    def test_100_items_are_written_and_no_more(
        self, transactions: Transactions, ledger: Table, id: str
    ) -> None:
        transactions.write(Save(ledger, {"account": id, "entry": entry}) for entry in range(100))
        assert len(list(ledger.query(id))) == 100
        with pytest.raises(InvalidRequest, match="100 items, not 101"):
            transactions.write(Save(ledger, {"account": id, "entry": entry, "x": 1}) for entry in range(101))

    def test_an_item_is_written_once(self, transactions: Transactions, orders: Table, id: str) -> None:
        with pytest.raises(InvalidRequest, match="once"):
            transactions.write([Save(orders, {"id": id}), Check(orders, {"id": id}, version=0)])
        assert orders.get({"id": id}) is None

    def test_what_no_table_takes_is_refused_whole(
        self, transactions: Transactions, orders: Table, id: str
    ) -> None:
        with pytest.raises(InvalidItem, match="price"):
            transactions.write(
                [Save(orders, {"id": id}), Save(orders, {"id": f"{id}-2", "price": float("nan")})]
            )
        with pytest.raises(InvalidItem, match="version"):
            transactions.write(
                [Save(orders, {"id": id}), Save(orders, {"id": f"{id}-2", "version": "first"})]
            )
        with pytest.raises(InvalidItem, match="id"):
            transactions.write([Save(orders, {"id": id}), Delete(orders, {"name": "x"})])
        assert orders.get({"id": id}) is None

    def test_items_are_read_as_of_one_moment(
        self, transactions: Transactions, orders: Table, ledger: Table, id: str
    ) -> None:
        orders.save({"id": id, "n": 1})
        ledger.save({"account": id, "entry": 1})
        found = transactions.read(
            [
                (ledger, {"account": id, "entry": 1}),
                (orders, {"id": f"{id}-none"}),
                (orders, {"id": id}),
            ]
        )
        assert found == [{"account": id, "entry": 1}, None, {"id": id, "n": 1}]
        assert transactions.read([]) == []

    def test_no_money_is_lost_between_accounts(
        self, transactions: Transactions, ledger: Table, id: str
    ) -> None:
        keys = [{"account": id, "entry": entry} for entry in (1, 2)]
        for key in keys:
            ledger.save({**key, "cents": 100}, version=0)

        def transfer() -> None:
            for _ in range(200):
                source, target = (item or {} for item in transactions.read((ledger, key) for key in keys))
                writes = [
                    Save(ledger, {**source, "cents": source["cents"] - 1}, version=source["version"]),
                    Save(ledger, {**target, "cents": target["cents"] + 1}, version=target["version"]),
                ]
                try:
                    transactions.write(writes)
                except (TransactionCanceled, TransientError):
                    continue
                return
            raise AssertionError("200 attempts were not enough")

        threads = [threading.Thread(target=transfer) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [item["cents"] for item in ledger.query(id)] == [92, 108]
