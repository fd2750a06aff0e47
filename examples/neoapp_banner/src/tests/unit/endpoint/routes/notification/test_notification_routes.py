"""Notifications over HTTP: unread, read, not found."""

from __future__ import annotations

from fastapi.testclient import TestClient

from ......domain.models.notification_models import PaymentRefused, RecordNotification
from ......domain.operations.notification_operations import NotificationOperations
from ......endpoint.main import build_app
from ......endpoint.utils import given
from .....fakes import FrozenClock, InMemoryDatabase


def test_a_notification_is_unread_until_it_was_read() -> None:
    operations = NotificationOperations(FrozenClock(), InMemoryDatabase(notifications=["notification_id"]))
    event = PaymentRefused(payment_id="p-1", recipient="ana@example.com", reference="A-1")
    operations.record(RecordNotification(event=event))
    app = build_app()
    app.dependency_overrides[given(NotificationOperations)] = lambda: operations
    with TestClient(app) as client:
        [told] = client.get("/notification", params={"recipient": "ana@example.com"}).json()
        assert told["subject"] == "A-1 was not paid"
        assert client.post(f"/notification/{told['notification_id']}/read").status_code == 204
        assert client.get("/notification", params={"recipient": "ana@example.com"}).json() == []
        assert client.post("/notification/nothing/read").status_code == 404
