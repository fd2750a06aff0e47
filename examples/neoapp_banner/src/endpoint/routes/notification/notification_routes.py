"""What customers are told, over HTTP."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter

from ....domain.models.notification_models import Notification
from ....domain.operations.notification_operations import NotificationOperations
from ...utils import Given

Operations = Annotated[NotificationOperations, Given(NotificationOperations)]

router = APIRouter(prefix="/notification", tags=["notification"])


@router.get("")
def unread(recipient: str, operations: Operations) -> list[Notification]:
    """What this recipient has not read yet, the newest first."""
    return operations.unread(recipient)


@router.post("/{notification_id}/read", status_code=HTTPStatus.NO_CONTENT)
def mark_read(notification_id: str, operations: Operations) -> None:
    """It was read."""
    operations.mark_read(notification_id)
