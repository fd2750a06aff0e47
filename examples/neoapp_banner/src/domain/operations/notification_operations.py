"""How an event is told to a customer, once, and what each has not read yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ...core.utils.notations import Cents, Clock, Condition, Database, Records
from ..models.notification_models import (
    Event,
    InstallmentDue,
    Notification,
    NotificationNotFound,
    PaymentPaid,
    PaymentRefused,
    PixAwaited,
    PixExpired,
    RecordNotification,
)

TABLE = "notifications"


@dataclass(frozen=True)
class NotificationOperations:
    clock: Clock
    database: Database

    def record(self, wanted: RecordNotification) -> None:
        with self.database.transaction() as records:
            keep(records, wanted.event, self.clock.now())

    def unread(self, recipient: str) -> list[Notification]:
        """What this recipient has not read, the newest first."""
        with self.database.transaction() as records:
            rows = records.find(TABLE, ("recipient", "=", recipient), ("read_at", "=", None))
        return sorted((Notification(**row) for row in rows), key=_age, reverse=True)

    def mark_read(self, notification_id: str) -> None:
        """Marking twice is no mistake. Raises NotificationNotFound."""
        with self.database.transaction() as records:
            this: Condition = ("notification_id", "=", notification_id)
            if not records.find(TABLE, this):
                raise NotificationNotFound(f"there is no notification '{notification_id}'")
            records.change(TABLE, {"read_at": self.clock.now()}, this, ("read_at", "=", None))


def keep(records: Records, event: Event, now: datetime) -> bool:
    """Keep the notification of an event, in the transaction of the event; False if it is known."""
    return records.add(TABLE, compose(event, now).model_dump())


def compose(event: Event, now: datetime) -> Notification:
    subject, text = _words(event)
    return Notification(
        notification_id=_key(event), recipient=event.recipient, subject=subject, text=text, created_at=now
    )


def money(cents: Cents) -> str:
    """``R$ 1,234.50``"""
    return f"R$ {cents // 100:,}.{cents % 100:02}"


def _words(event: Event) -> tuple[str, str]:
    if isinstance(event, PaymentPaid):
        return (
            f"{event.reference} is paid",
            f"We received {money(event.amount_cents)}{_in_parts(event.parts)}.",
        )
    if isinstance(event, PaymentRefused):
        return f"{event.reference} was not paid", "The payment was refused. Try another card, or pay by pix."
    if isinstance(event, PixAwaited):
        return (
            f"Pay {event.reference} by pix",
            f"{money(event.amount_cents)}, with this code: {event.pix_code}",
        )
    if isinstance(event, PixExpired):
        return f"{event.reference} was not paid", "The pix code has expired. Order again to get a new one."
    return (
        f"Installment {event.number} is due on {event.due_on:%d/%m/%Y}",
        f"{money(event.amount_cents)} will be charged to your card.",
    )


def _in_parts(parts: int) -> str:
    return "" if parts == 1 else f", in {parts} installments"


def _key(event: Event) -> str:
    number = f"-{event.number}" if isinstance(event, InstallmentDue) else ""
    return f"{event.event.replace('_', '-')}-{event.payment_id}{number}"


def _age(notification: Notification) -> tuple[datetime, str]:
    return notification.created_at, notification.notification_id
