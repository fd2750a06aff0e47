"""Events are known by their names."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from .....domain.models.notification_models import PixExpired, RecordNotification

EXPIRED = {"event": "pix_expired", "payment_id": "p-1", "recipient": "ana@example.com", "reference": "A-1"}


def test_an_event_is_known_by_its_name() -> None:
    assert isinstance(RecordNotification.model_validate({"event": EXPIRED}).event, PixExpired)


def test_an_event_that_nobody_knows_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ValidationError, match="'pix_awaited', 'pix_expired', 'installment_due'"):
        RecordNotification.model_validate({"event": {**EXPIRED, "event": "pix_lost"}})
