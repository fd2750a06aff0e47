"""Notifications as messages ask for them."""

from __future__ import annotations

from .....domain.commands.notification_commands import record_notification
from .....domain.models.notification_models import PaymentRefused, RecordNotification
from .....domain.operations.notification_operations import NotificationOperations
from ....fakes import FrozenClock, InMemoryDatabase


def test_an_event_becomes_a_notification() -> None:
    operations = NotificationOperations(FrozenClock(), InMemoryDatabase(notifications=["notification_id"]))
    event = PaymentRefused(payment_id="p-1", recipient="ana@example.com", reference="A-1")
    record_notification(RecordNotification(event=event), operations)
    assert [told.subject for told in operations.unread("ana@example.com")] == ["A-1 was not paid"]
