"""What a dead letter tells, and the message that it is turned back into."""

from datetime import timedelta

import pytest

from blackcat import Attribute, Message
from blackcat.application.consumer.dead_letters import dead_letter_copy
from blackcat.application.redrive.dead_letter import (
    EXPLANATION,
    UNTOLD,
    DeadLetter,
    as_first_received,
    redriven_copy,
)
from blackcat.application.redrive.groups import by_reason
from blackcat.application.redrive.record import line, record
from blackcat.application.redrive.wanted import Wanted
from blackcat.domain.outcome import Rejected
from blackcat.testing.clock import START

FAILED = ValueError("x")
TRACE = "Root=1-67891233-abcdef012345678912345678;Sampled=1"
OWN = {"kind": Attribute("card"), "size": Attribute("3", "Number"), "raw": Attribute(b"\x00\xff", "Binary")}


def rejected(reason="no such customer", *, original=None, id="dead", error=FAILED, sent_at=START):
    """A message as it lies in the dead-letter queue after a consumer has rejected it."""
    first = original or Message(id="first", body="{}", attributes=OWN, receive_count=3, trace_header=TRACE)
    copy = dead_letter_copy(first, Rejected(reason, error), service="orders", version="1.2", redact=str)
    return Message(
        id=id,
        body=copy.body,
        attributes=copy.attributes,
        group_id=copy.group_id,
        receive_count=9,
        sent_at=sent_at,
    )


def moved_by_sqs(**fields):
    return Message(**{"id": "moved", "body": "{}", "attributes": OWN, "receive_count": 6, **fields})


def test_it_tells_what_the_consumer_wrote_into_the_copy():
    letter = DeadLetter(rejected())
    assert (letter.reason, letter.exception, letter.attempts) == ("no such customer", "ValueError", 3)
    assert (letter.service, letter.version) == ("orders", "1.2")


def test_what_sqs_moved_tells_nothing():
    letter = DeadLetter(moved_by_sqs())
    assert (letter.reason, letter.exception, letter.attempts) == (UNTOLD, None, None)
    assert letter.own_attributes == OWN


def test_a_redriven_copy_is_the_message_as_it_was_sent():
    copy = redriven_copy(rejected(), fifo=False)
    assert (copy.body, copy.attributes, copy.deduplication_id) == ("{}", OWN, None)


def test_everything_that_a_consumer_adds_is_known_and_taken_off():
    added = set(rejected().attributes) - set(OWN)
    assert added == set(EXPLANATION)


def test_in_a_fifo_queue_the_group_stays_and_the_dead_letter_names_the_copy():
    first = Message(id="first", body="{}", group_id="g", deduplication_id="spent")
    copy = redriven_copy(rejected(original=first), fifo=True)
    assert (copy.group_id, copy.deduplication_id) == ("g", "dead")


def test_a_replayed_message_is_what_a_consumer_would_receive():
    message = as_first_received(rejected())
    assert (message.attributes, message.receive_count, message.body) == (OWN, 1, "{}")


@pytest.mark.parametrize(
    ("which", "chosen"),
    [
        (Wanted(), True),
        (Wanted(ids=frozenset({"dead", "x"})), True),
        (Wanted(ids=frozenset({"x"})), False),
        (Wanted(reason="NO SUCH"), True),
        (Wanted(reason="timeout"), False),
        (Wanted(body="{"), True),
        (Wanted(body="["), False),
        (Wanted(sent_before=START + timedelta(seconds=1)), True),
        (Wanted(sent_before=START), False),
        (Wanted(sent_after=START), False),
        (Wanted(sent_after=START - timedelta(seconds=1), reason="customer"), True),
        (Wanted(sent_after=START - timedelta(seconds=1), reason="timeout"), False),
    ],
)
def test_every_condition_of_a_filter_must_hold(which, chosen):
    assert which(rejected()) is chosen


def test_what_has_no_time_matches_no_age():
    assert not Wanted(sent_before=START)(moved_by_sqs())
    assert Wanted(reason="moved by the queue")(moved_by_sqs())


def test_only_an_empty_filter_wants_everything():
    assert Wanted().everything
    assert not Wanted(body="x").everything


def test_reasons_that_differ_in_ids_only_are_one_group():
    uuids = ["3f2c1a90-1111-4222-8333-444455556667", "ffffffff-0000-4222-8333-444455556667"]
    reasons = [f"no payment {uuid}" for uuid in uuids] + ["no order 1234567", "no order 7654321"]
    groups = by_reason(DeadLetter(rejected(reason)) for reason in [*reasons, "no order 1234567"])
    assert [(group.reason, len(group.letters)) for group in groups] == [
        ("no order …", 3),
        ("no payment …", 2),
    ]


def test_statuses_and_exceptions_keep_groups_apart():
    letters = [rejected("HTTP 500"), rejected("HTTP 404"), rejected("HTTP 404", error=OSError())]
    assert len(by_reason(map(DeadLetter, letters))) == 3


def test_a_group_knows_its_times_and_attempts():
    later = START + timedelta(hours=1)
    five = Message(id="first", body="{}", receive_count=5)
    (group,) = by_reason(map(DeadLetter, [rejected(), rejected(sent_at=later, original=five), rejected()]))
    assert (group.oldest, group.newest, group.attempts) == (START, later, [3, 5])


def test_a_group_without_times_has_none():
    (group,) = by_reason([DeadLetter(moved_by_sqs())])
    assert (group.oldest, group.newest, group.attempts) == (None, None, [])


def test_a_record_holds_all_that_the_message_could_be_made_from_again():
    kept = record(rejected("é"))
    assert kept["id"] == "dead"
    assert kept["sent_at"] == START.isoformat()
    assert kept["attributes"]["raw"] == {"type": "Binary", "value": "AP8="}
    assert kept["attributes"]["blackcat.reason"] == {"type": "String", "value": "é"}
    assert "group_id" not in kept
    assert "\n" not in line(moved_by_sqs(body="a\nb"))
