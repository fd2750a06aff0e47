"""Each event has its words, and is told once."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from .....domain.models.notification_models import (
    Event,
    InstallmentDue,
    NotificationNotFound,
    PaymentPaid,
    PaymentRefused,
    PixAwaited,
    PixExpired,
    RecordNotification,
)
from .....domain.operations.notification_operations import NotificationOperations, compose, money
from ....fakes import NOON, FrozenClock, InMemoryDatabase

ANA: dict[str, Any] = {"payment_id": "p-1", "recipient": "ana@example.com"}


@pytest.mark.parametrize(
    ("event", "subject", "text"),
    [
        (
            PaymentPaid(**ANA, reference="A-1", amount_cents=123_456),
            "A-1 is paid",
            "We received R$ 1,234.56.",
        ),
        (
            PaymentPaid(**ANA, reference="A-1", amount_cents=100, parts=3),
            "A-1 is paid",
            "We received R$ 1.00, in 3 installments.",
        ),
        (PaymentRefused(**ANA, reference="A-1"), "A-1 was not paid", "refused"),
        (
            PixAwaited(**ANA, reference="A-1", amount_cents=990, pix_code="00020"),
            "Pay A-1 by pix",
            "code: 00020",
        ),
        (PixExpired(**ANA, reference="A-1"), "A-1 was not paid", "expired"),
        (
            InstallmentDue(**ANA, number=2, amount_cents=5, due_on=date(2030, 2, 28)),
            "Installment 2 is due on 28/02/2030",
            "R$ 0.05",
        ),
    ],
)
def test_each_event_has_its_words(event: Event, subject: str, text: str) -> None:
    told = compose(event, NOON)
    assert (told.subject, told.recipient) == (subject, "ana@example.com")
    assert text in told.text


def test_money_is_written_with_two_digits_of_cents() -> None:
    assert [money(cents) for cents in (0, 7, 100_000_001)] == ["R$ 0.00", "R$ 0.07", "R$ 1,000,000.01"]


def test_an_event_that_comes_twice_is_told_once_until_it_is_read() -> None:
    clock = FrozenClock()
    notifications = NotificationOperations(clock, InMemoryDatabase(notifications=["notification_id"]))
    for event in (PaymentRefused(**ANA, reference="A-1"), PixExpired(**ANA, reference="A-1")):
        notifications.record(RecordNotification(event=event))
        notifications.record(RecordNotification(event=event))
        clock.advance(minutes=1)

    newest, oldest = notifications.unread("ana@example.com")
    assert (newest.notification_id, oldest.notification_id) == ("pix-expired-p-1", "payment-refused-p-1")
    notifications.mark_read("pix-expired-p-1")
    notifications.mark_read("pix-expired-p-1")
    assert notifications.unread("ana@example.com") == [oldest]
    assert notifications.unread("bia@example.com") == []


def test_what_is_not_there_cannot_be_marked_as_read() -> None:
    notifications = NotificationOperations(FrozenClock(), InMemoryDatabase(notifications=["notification_id"]))
    with pytest.raises(NotificationNotFound, match="no notification 'x'"):
        notifications.mark_read("x")
