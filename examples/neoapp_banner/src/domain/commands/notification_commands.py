"""What may be asked for in a queue: one command each function."""

from __future__ import annotations

from ..models.notification_models import RecordNotification
from ..operations.notification_operations import NotificationOperations


def record_notification(wanted: RecordNotification, operations: NotificationOperations) -> None:
    operations.record(wanted)
