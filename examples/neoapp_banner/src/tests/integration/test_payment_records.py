"""The rules on a real database: what the in-memory one cannot get wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from blackcat.arbok.records import PostgresRecords

from ...domain.models.banner_models import CreateBanner
from ...domain.models.installment_models import RemindOfInstallments
from ...domain.models.payment_models import ChargePayment, SettlePayment
from ...domain.operations.banner_operations import BannerOperations
from ...domain.operations.installments_operations import InstallmentsOperations
from ...domain.operations.notification_operations import NotificationOperations
from ...domain.operations.payment_operations import PaymentOperations
from ..fakes import NOON, FixedText, FrozenClock, InMemoryGateway, ListModerator


class ConnectionDatabase:
    """Transactions of one connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @contextmanager
    def transaction(self) -> Iterator[PostgresRecords]:
        with self._connection.transaction():
            yield PostgresRecords(self._connection)


@pytest.fixture
def database(connection: Any) -> ConnectionDatabase:
    return ConnectionDatabase(connection)


def wanted(method: dict[str, Any], reference: str = "A-1") -> ChargePayment:
    customer = {"name": "Ana", "email": "ana@example.com", "document": "12345678909"}
    asked = {"reference": reference, "amount_cents": 100_000, "customer": customer, "method": method}
    return ChargePayment.model_validate(asked)


def test_banners_come_back_as_they_were_created(database: ConnectionDatabase) -> None:
    banners = BannerOperations(FrozenClock(), database, ListModerator(), FixedText())
    asked = {"banner_id": "summer", "title": "Summer", "image_url": "https://example.com/a.png"}
    period = {"starts_at": NOON, "ends_at": NOON + timedelta(days=1)}
    created = banners.create(CreateBanner.model_validate({**asked, **period}))
    assert banners.create(CreateBanner.model_validate({**asked, **period})) == created
    assert banners.shown_to("visitors") == [created]
    banners.withdraw("summer")
    assert banners.shown_to("visitors") == []


def test_a_payment_its_parts_and_its_notifications_are_kept_together(database: ConnectionDatabase) -> None:
    clock = FrozenClock()
    payments = PaymentOperations(clock, database, InMemoryGateway(clock))
    paid = payments.charge(wanted({"type": "card", "token": "tok_1", "installments": 10}))
    assert payments.charge(wanted({"type": "card", "token": "tok_1", "installments": 10})) == paid
    assert payments.get(paid.payment_id) == paid
    clock.advance(days=27)
    assert InstallmentsOperations(clock, database).remind(RemindOfInstallments()) == 1
    told = NotificationOperations(clock, database).unread("ana@example.com")
    assert [one.subject for one in told] == ["Installment 1 is due on 28/02/2030", "A-1 is paid"]


def test_what_is_refused_has_no_charge_and_ends_all_the_same(database: ConnectionDatabase) -> None:
    clock = FrozenClock()
    payments = PaymentOperations(clock, database, InMemoryGateway(clock))
    for reference in ("A-1", "A-2"):
        refused = payments.charge(wanted({"type": "card", "token": "tok_invalid"}, reference))
        assert (refused.status, refused.charge_id) == ("refused", None)
        assert payments.get(refused.payment_id) == refused


def test_pix_is_settled_or_expires(database: ConnectionDatabase) -> None:
    clock = FrozenClock()
    payments = PaymentOperations(clock, database, InMemoryGateway(clock))
    for reference in ("A-1", "A-2"):
        payments.charge(wanted({"type": "pix"}, reference))
    payments.settle(SettlePayment(charge_id="ch_A-1", status="paid"))
    clock.advance(hours=2)
    assert [payments.expire_unpaid() for _ in range(2)] == [1, 0]


def test_an_error_undoes_the_whole_transaction(database: ConnectionDatabase, connection: Any) -> None:
    row = {"notification_id": "n-1", "recipient": "ana", "subject": "s", "text": "t", "created_at": NOON}

    def twice_and_then_an_error() -> None:
        with database.transaction() as records:
            assert records.add("notifications", row)
            assert not records.add("notifications", row)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        twice_and_then_an_error()
    assert connection.execute("SELECT count(*) FROM notifications").fetchone() == (0,)
