import logging
from datetime import datetime, timedelta, timezone

import pytest

from blackcat import Message
from blackcat.domain.outcome import HANDLED, Deferred, Rejected, Retried
from blackcat.infra.logs.messages import log_message

NOON = datetime(2020, 1, 1, 12, tzinfo=timezone.utc)


@pytest.fixture
def line(caplog):
    def logged(outcome, **message):
        caplog.clear()
        caplog.set_level(logging.INFO)
        assert log_message(Message(id="m-1", body="the body", **message), lambda _: outcome) is outcome
        (record,) = caplog.records
        return record.levelname, record.message, record.fields

    return logged


@pytest.mark.parametrize(
    ("outcome", "level", "event", "reason"),
    [
        (HANDLED, "INFO", "message.handled", None),
        (Deferred("later", timedelta(seconds=1)), "INFO", "message.deferred", "later"),
        (Retried("not yet"), "WARNING", "message.retried", "not yet"),
        (Rejected("no"), "ERROR", "message.rejected", "no"),
    ],
)
def test_each_outcome_is_one_line_with_its_durations(line, outcome, level, event, reason):
    its_level, its_event, fields = line(outcome, receive_count=3, sent_at=NOON)
    assert (its_level, its_event, fields.get("reason")) == (level, event, reason)
    assert fields["attempt"] == 3
    assert fields["duration_ms"] >= 0
    assert fields["queue_ms"] > 1_000_000
    assert "the body" not in str(fields)


def test_a_clock_that_is_ahead_makes_no_negative_age(line):
    assert line(HANDLED, sent_at=datetime.now(timezone.utc) + timedelta(hours=1))[2]["queue_ms"] == 0


def test_a_message_without_a_time_has_no_age(line):
    assert "queue_ms" not in line(HANDLED)[2]
