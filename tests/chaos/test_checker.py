"""Every rule of the checker can fail: a sound history, and what each rule says of a broken one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from chaos.checker import RULES, Protection, Terms, violations
from chaos.history import Event
from chaos.spans import busy, joined, within, without
from chaos.story import OUTAGE, QUEUE_DELETED, Story

TERMS = Terms(
    queue="q",
    dead_letters="q_dlq",
    visibility=3,
    most_receives=2,
    concurrency=2,
    budget=10,
    protection=Protection(failures=2, pause=5.0, rate=1.0),
    patience=5,
)


def sent(at: float, name: str, **fields: Any) -> Event:
    return Event(at=at, kind="sent", queue="q", message=name, label=name, body=f"body of {name}", **fields)


def received(at: float, name: str, receipt: str, **fields: Any) -> Event:
    fields = {"client": "A", "until": at + 3, "count": 1, **fields}
    return Event(at=at, kind="received", queue="q", message=name, label=name, receipt=receipt, **fields)


def began(at: float, receipt: str) -> Event:
    return Event(at=at, kind="began", client="A", receipt=receipt)


def ended(at: float, receipt: str, outcome: str = "ok") -> Event:
    return Event(at=at, kind="ended", client="A", receipt=receipt, outcome=outcome)


def hidden(at: float, receipt: str, seconds: float, **fields: Any) -> Event:
    return Event(at=at, kind="hidden", client="A", receipt=receipt, until=at + seconds, **fields)


def deleted(at: float, receipt: str, **fields: Any) -> Event:
    return Event(at=at, kind="deleted", client="A", receipt=receipt, **fields)


def copied(at: float, name: str, **fields: Any) -> Event:
    fields = {"reason": "why", "body": f"body of {name}", **fields}
    return Event(
        at=at, kind="sent", client="A", queue="q_dlq", message=f"copy of {name}", label=name, **fields
    )


def left(name: str, queue: str = "q", **fields: Any) -> Event:
    fields = {"message": name, "body": f"body of {name}", **fields}
    return Event(at=200.0, kind="left", queue=queue, label=name, **fields)


def signalled(at: float, name: str, client: str = "A") -> Event:
    return Event(at=at, kind="signalled", client=client, outcome=name)


def exited(at: float, status: str = "0", client: str = "A") -> Event:
    return Event(at=at, kind="exited", client=client, outcome=status)


def fault(at: float, **fields: Any) -> Event:
    return Event(at=at, kind="fault", client="A", fault="unavailable", **fields)


def _later(events: Iterable[Event], seconds: float) -> list[Event]:
    """The same again, with other messages."""
    return [
        replace(
            event,
            at=event.at + seconds,
            until=event.until + seconds,
            message=f"later {event.message}" if event.message else "",
            label=f"later {event.label}" if event.label else "",
            receipt=f"later {event.receipt}" if event.receipt else "",
        )
        for event in events
    ]


def upheaval(at: float, kind: str, seconds: float) -> Event:
    return Event(at=at, kind="fault", fault=kind, until=at + seconds)


def key_written(at: float, outcome: str) -> Event:
    return Event(at=at, kind="key", client="A", key="k", outcome=outcome)


def health(at: float, outcome: str, reason: str = "") -> Event:
    return Event(at=at, kind="health", client="A", outcome=outcome, reason=reason)


def failing(count: int, *, first: float, every: float) -> list[Event]:
    """Messages that are received, and fail at once, one after the other."""
    starts = [(f"m{n}", f"r{n}", first + n * every) for n in range(count)]
    return [
        event
        for name, receipt, at in starts
        for event in (
            sent(at - 0.1, name),
            received(at, name, receipt),
            began(at + 0.01, receipt),
            ended(at + 0.02, receipt, "raise"),
            hidden(at + 0.03, receipt, 0),
            Event(at=22.0, kind="discarded", queue="q", message=name, label=name),
        )
    ]


def quick(count: int, *, every: float) -> list[Event]:
    """Messages that are handled, one after the other."""
    starts = [(f"m{n}", f"r{n}", 2.0 + n * every) for n in range(count)]
    return [
        event
        for name, receipt, at in starts
        for event in (
            sent(at - 0.01, name),
            received(at, name, receipt),
            began(at, receipt),
            ended(at + 0.001, receipt),
            deleted(at + 0.002, receipt),
        )
    ]


BIRTH = [
    Event(at=0.0, kind="started", client="A"),
    Event(at=1.0, kind="polled", client="A"),
    Event(at=0.0, kind="started", client="B"),
    Event(at=1.0, kind="polled", client="B"),
]
DEATH = [signalled(100.0, "SIGTERM"), exited(101.0)]
OTHERS_DEATH = [signalled(100.0, "SIGTERM", "B"), exited(101.0, client="B")]
HANDLED = [sent(1.0, "m"), received(2.0, "m", "r"), began(2.1, "r"), ended(2.2, "r"), deleted(2.3, "r")]
FIRST = [
    replace(sent(1.0, "m1"), group="g"),
    replace(sent(1.1, "m2"), group="g"),
    received(2.0, "m1", "r1"),
    received(2.0, "m2", "r2"),
]
KEYED = [
    replace(sent(1.0, "m"), key="k"),
    replace(sent(1.0, "n"), key="k"),
    received(2.0, "m", "r"),
    key_written(2.05, "begun"),
    began(2.1, "r"),
    ended(2.2, "r"),
]
DONE = [key_written(2.25, "done"), deleted(2.3, "r")]
IN_ORDER = [*FIRST, began(2.1, "r1"), ended(2.2, "r1"), began(2.3, "r2"), ended(2.4, "r2")]
BOTH_DELETED = [deleted(2.5, "r1"), deleted(2.5, "r2")]
REJECTED = [
    *HANDLED[:3],
    ended(2.2, "r", "reject"),
    copied(2.3, "m"),
    deleted(2.4, "r"),
    left("m", "q_dlq", message="copy of m", reason="why"),
]


def broken_rules(events: Iterable[Event]) -> set[str]:
    events = list(events)
    ends = [] if any(event.kind == "exited" and event.client == "A" for event in events) else DEATH
    story = Story([*BIRTH, *events, *ends, *OTHERS_DEATH], "q")
    return {violation.rule for violation in violations(story, TERMS)}


SOUND = {
    "handled": HANDLED,
    "in order": [*IN_ORDER, *BOTH_DELETED],
    "rejected": REJECTED,
    "kept by heartbeats": [
        *HANDLED[:3],
        hidden(4.0, "r", 3),
        hidden(6.0, "r", 3),
        ended(8.0, "r"),
        deleted(8.1, "r"),
    ],
    "retried, then handled": [
        *HANDLED[:3],
        ended(2.2, "r", "raise"),
        hidden(2.3, "r", 1),
        received(3.4, "m", "again", count=2),
        began(3.5, "again"),
        ended(3.6, "again"),
        deleted(3.7, "again"),
    ],
    "given back, and received again, before it knew of the signal": [
        sent(99.0, "m"),
        received(99.9, "m", "r"),
        hidden(100.05, "r", 0),
        Event(at=100.1, kind="polled", client="A"),
        received(100.2, "m", "r2", count=2),
        hidden(100.3, "r2", 0),
        left("m"),
    ],
    "received too often, and moved by SQS": [
        *HANDLED[:3],
        ended(2.2, "r", "raise"),
        hidden(2.3, "r", 1),
        received(3.4, "m", "again", count=2),
        began(3.5, "again"),
        ended(3.6, "again", "raise"),
        hidden(3.7, "again", 1),
        left("m", "q_dlq"),
    ],
    "its delete failed, and it came back after a later one of its group": [
        *IN_ORDER,
        deleted(2.5, "r1", effect=False, fault="unavailable"),
        deleted(2.5, "r2"),
        hidden(2.6, "r1", 0),
        received(2.7, "m1", "back", count=2),
        began(2.8, "back"),
        ended(2.9, "back"),
        deleted(3.0, "back"),
    ],
    "stopped past its lease, with another at work on the message meanwhile": [
        *FIRST[:1],
        received(2.0, "m1", "r1"),
        began(2.1, "r1"),
        signalled(2.2, "SIGSTOP"),
        received(5.1, "m1", "other", client="B", count=2),
        replace(began(5.2, "other"), client="B"),
        signalled(5.3, "SIGCONT"),
        ended(5.4, "r1"),
        replace(ended(5.5, "other"), client="B"),
        deleted(
            5.6,
            "other",
        ),
    ],
    "begun right after a pause past its lease": [
        *HANDLED[:2],
        signalled(2.05, "SIGSTOP"),
        signalled(6.0, "SIGCONT"),
        began(6.01, "r"),
        ended(6.1, "r"),
        deleted(6.2, "r"),
    ],
    "left hidden by one that was killed": [
        sent(98.0, "m"),
        received(99.0, "m", "r"),
        began(99.1, "r"),
        signalled(99.2, "SIGKILL"),
        exited(99.2, "-9"),
        left("m"),
    ],
    "left hidden after three disturbed attempts": [
        sent(98.0, "m"),
        received(99.9, "m", "r"),
        *(hidden(100.0 + n / 10, "r", 0, effect=False, fault="unavailable") for n in range(3)),
        fault(50.0, until=110.0),
        left("m"),
    ],
    "several of a group in hand, for one handler": [
        event
        for n in range(3)
        for event in (
            replace(sent(1.0, f"m{n}"), group="g"),
            received(2.0, f"m{n}", f"r{n}"),
            began(2.1 + n / 10, f"r{n}"),
            ended(2.15 + n / 10, f"r{n}"),
            deleted(2.5, f"r{n}"),
        )
    ],
    "asked to end while it was starting": [
        Event(at=0.0, kind="started", client="C"),
        signalled(0.1, "SIGTERM", "C"),
        exited(0.2, "-15", "C"),
    ],
    "received too often, because its processes were killed": [
        sent(98.0, "m"),
        received(98.1, "m", "r"),
        hidden(98.2, "r", 0),
        received(98.3, "m", "r2", count=2),
        signalled(98.4, "SIGKILL"),
        exited(98.4, "-9"),
        left("m", "q_dlq"),
    ],
    "answered after its lease had run out": [
        sent(1.0, "m"),
        Event(at=1.5, kind="fault", client="A", operation="ReceiveMessage", fault="slow", until=5.0),
        received(2.0, "m", "r", operation="ReceiveMessage", fault="slow"),
        received(5.6, "m", "r2", count=2),
        began(5.7, "r2"),
        ended(5.8, "r2"),
        deleted(5.9, "r2"),
    ],
    "received too often, the last time by a process that was asked to end": [
        sent(99.0, "m"),
        received(99.9, "m", "r"),
        hidden(99.95, "r", 0),
        received(99.99, "m", "r2", count=2),
        hidden(100.1, "r2", 0),
        left("m", "q_dlq"),
    ],
    "a duplicate that comes when its key is done": [
        *KEYED,
        *DONE,
        received(3.0, "n", "other"),
        deleted(3.1, "other"),
    ],
    "a duplicate that is put off while its key is taken": [
        *KEYED[:5],
        received(2.15, "n", "other"),
        hidden(2.16, "other", 3),
        *KEYED[5:],
        *DONE,
        received(5.2, "n", "again", count=2),
        deleted(5.3, "again"),
    ],
    "killed between the effect and the record": [
        *KEYED,
        signalled(2.25, "SIGKILL"),
        exited(2.25, "-9"),
        received(5.1, "m", "again", client="B", count=2),
        replace(began(5.2, "again"), client="B"),
        replace(ended(5.3, "again"), client="B"),
        deleted(5.4, "again"),
        received(5.5, "n", "other", client="B"),
        deleted(5.6, "other"),
    ],
    "gone with its queue": [
        *HANDLED[:3],
        sent(1.5, "n"),
        upheaval(2.15, QUEUE_DELETED, 5.0),
        Event(at=2.16, kind="discarded", queue="q", message="m", label="m"),
        Event(at=2.16, kind="discarded", queue="q", message="n", label="n"),
        *(Event(at=2.2 + n / 10, kind="missed", client="A") for n in range(20)),
        ended(9.0, "r"),
    ],
    "a copy of a message that has no room for the reason": [
        replace(REJECTED[0], crowded=True),
        *REJECTED[1:4],
        copied(2.3, "m", reason=""),
        deleted(2.4, "r"),
        left("m", "q_dlq", message="copy of m"),
    ],
    "an outage, tried again after each pause": [
        upheaval(2.0, OUTAGE, 20.0),
        health(3.0, "healthy"),
        health(6.0, "degraded", "polling is paused"),
        health(40.0, "healthy"),
        *failing(8, first=2.5, every=2.4),
    ],
    "as fast as the rate limit lets it": quick(40, every=1.0),
    "its queue was gone for long, and it said so": [
        upheaval(2.0, QUEUE_DELETED, 30.0),
        health(20.0, "healthy"),
        health(30.0, "unhealthy", "no poll of queue 'q' has succeeded for 28 s"),
        health(40.0, "healthy"),
    ],
    "waiting while faults hold the process up": [
        *(fault(float(at)) for at in range(1, 30, 4)),
        sent(1.0, "m"),
        received(29.0, "m", "r"),
        began(29.1, "r"),
        ended(29.2, "r"),
        deleted(29.3, "r"),
    ],
}

BROKEN = {
    ("lost", "vanished"): [
        sent(1.0, "m"),
        received(1.5, "m", "r"),
        began(1.6, "r"),
        ended(1.7, "r", "raise"),
        hidden(1.8, "r", 1),
        received(2.9, "m", "r2", answered=False),
    ],
    ("lost", "only a copy without a reason"): [*REJECTED[:-1], left("m", "q_dlq", message="copy of m")],
    ("unexplained", "without a reason"): [*REJECTED[:-1], left("m", "q_dlq", message="copy of m")],
    ("unexplained", "another body"): [*REJECTED[:-1], replace(REJECTED[-1], body="other")],
    ("hasty", "before the end"): [*HANDLED[:3], deleted(2.15, "r"), ended(2.2, "r")],
    ("hasty", "although it failed"): [*HANDLED[:3], ended(2.2, "r", "raise"), deleted(2.3, "r")],
    ("hasty", "asked for in vain"): [*HANDLED[:3], deleted(2.15, "r", effect=False), *HANDLED[3:]],
    ("hasty", "on the word of another delivery"): [
        *HANDLED[:4],
        received(5.1, "m", "again", count=2),
        deleted(5.2, "again"),
    ],
    ("hasty", "before its copy stood"): [*REJECTED[:4], deleted(2.25, "r"), *REJECTED[4:]],
    ("disordered", "the later one first"): [
        *FIRST,
        began(2.1, "r2"),
        ended(2.2, "r2"),
        began(2.3, "r1"),
        ended(2.4, "r1"),
        *BOTH_DELETED,
    ],
    ("disordered", "on after a failure"): [
        *FIRST,
        began(2.1, "r1"),
        ended(2.2, "r1", "raise"),
        hidden(2.25, "r1", 1),
        began(2.3, "r2"),
        ended(2.4, "r2"),
        deleted(2.5, "r2"),
        left("m1"),
    ],
    ("disordered", "on after the last failure, in hand before SQS moved it"): [
        *FIRST[:2],
        received(2.0, "m1", "r1", count=2),
        received(2.0, "m2", "r2"),
        began(2.1, "r1"),
        ended(2.2, "r1", "raise"),
        hidden(2.25, "r1", 0),
        began(2.3, "r2"),
        ended(2.4, "r2"),
        deleted(2.5, "r2"),
        left("m1", "q_dlq"),
    ],
    ("overlapping", "two of a group at once"): [
        *FIRST,
        began(2.1, "r1"),
        began(2.15, "r2"),
        ended(2.2, "r1"),
        ended(2.3, "r2"),
        *BOTH_DELETED,
    ],
    ("overlapping", "released while its handler ran"): [
        *FIRST[:1],
        received(2.0, "m1", "r1"),
        began(2.1, "r1"),
        hidden(2.2, "r1", 0),
        received(2.3, "m1", "other", client="B", count=2),
        replace(began(2.4, "other"), client="B"),
        ended(2.5, "r1"),
        replace(ended(2.6, "other"), client="B"),
        deleted(2.7, "other"),
    ],
    ("stale", "begun on an expired receipt"): [
        *HANDLED[:2],
        Event(at=2.05, kind="expired", receipt="r", until=2.05),
        *HANDLED[2:],
    ],
    ("stale", "long after a pause"): [
        *HANDLED[:2],
        signalled(2.05, "SIGSTOP"),
        signalled(6.0, "SIGCONT"),
        began(6.2, "r"),
        ended(6.3, "r"),
        deleted(6.4, "r"),
    ],
    ("lapsed", "without a heartbeat"): [*HANDLED[:3], ended(8.0, "r"), deleted(8.1, "r")],
    ("lapsed", "disturbed elsewhere only"): [*HANDLED[:3], fault(3.0), ended(8.0, "r"), deleted(8.1, "r")],
    ("lapsed", "answered late, in time for a heartbeat"): [
        Event(at=1.5, kind="fault", client="A", operation="ReceiveMessage", fault="slow", until=3.7),
        sent(1.0, "m"),
        received(2.0, "m", "r", operation="ReceiveMessage", fault="slow"),
        *HANDLED[2:3],
        ended(8.0, "r"),
        deleted(8.1, "r"),
    ],
    ("hidden", "never given back"): [sent(99.0, "m"), received(99.9, "m", "r"), left("m")],
    ("hidden", "received after its end"): [sent(101.0, "m"), received(101.5, "m", "r"), left("m")],
    ("hidden", "one failed attempt"): [
        sent(98.0, "m"),
        received(99.9, "m", "r"),
        hidden(100.5, "r", 0, effect=False, fault="unavailable"),
        left("m"),
    ],
    ("reclaimed", "by a poll that was still open"): [
        sent(99.0, "m"),
        received(99.9, "m", "r"),
        hidden(100.1, "r", 0),
        received(100.2, "m", "r2", count=2),
        hidden(100.3, "r2", 0),
        left("m"),
    ],
    ("unclean", "another status"): [*HANDLED, signalled(98.0, "SIGTERM"), exited(99.0, "1")],
    ("unclean", "without being asked"): [Event(at=0.0, kind="started", client="C"), exited(3.0, client="C")],
    ("unclean", "never ended"): [Event(at=0.0, kind="started", client="C"), signalled(9.0, "SIGTERM", "C")],
    ("unclean", "over its budget"): [
        Event(at=0.0, kind="started", client="C"),
        signalled(9.0, "SIGTERM", "C"),
        exited(21.5, client="C"),
    ],
    ("idle", "visible and left alone"): [
        sent(1.0, "m"),
        received(7.0, "m", "r"),
        began(7.1, "r"),
        ended(7.2, "r"),
        deleted(7.3, "r"),
    ],
    ("idle", "in hand and not begun"): [
        *HANDLED[:2],
        hidden(4.0, "r", 3),
        hidden(6.0, "r", 3),
        began(7.5, "r"),
        ended(7.6, "r"),
        deleted(7.7, "r"),
    ],
    ("greedy", "more than it has handlers"): [
        event
        for n in range(3)
        for event in (
            sent(1.0, f"m{n}"),
            received(2.0, f"m{n}", f"r{n}"),
            began(2.1 + n / 10, f"r{n}"),
            ended(2.15 + n / 10, f"r{n}"),
            deleted(2.5, f"r{n}"),
        )
    ],
    ("greedy", "more groups than it has handlers"): [
        event
        for n in range(3)
        for event in (
            replace(sent(1.0, f"m{n}"), group=f"g{n}"),
            received(2.0, f"m{n}", f"r{n}"),
            began(2.1 + n / 10, f"r{n}"),
            ended(2.15 + n / 10, f"r{n}"),
            deleted(2.5, f"r{n}"),
        )
    ],
    ("burnt", "on and on"): [upheaval(2.0, OUTAGE, 20.0), *failing(14, first=2.5, every=1.0)],
    ("hurried", "all at once"): quick(14, every=0.01),
    ("hurried", "all at once, after a while"): [*quick(3, every=1.0), *_later(quick(14, every=0.01), 50.0)],
    ("twice", "although its key was done"): [
        *KEYED,
        *DONE,
        received(3.0, "n", "other"),
        began(3.1, "other"),
        ended(3.2, "other"),
        deleted(3.3, "other"),
    ],
    ("twice", "at once"): [
        *KEYED[:5],
        received(2.1, "n", "other"),
        began(2.15, "other"),
        ended(2.2, "r"),
        ended(2.25, "other"),
        *DONE,
        deleted(2.3, "other"),
    ],
    ("stuck", "put off for long"): [
        *KEYED[:5],
        received(2.15, "n", "other"),
        hidden(2.16, "other", 30),
        *KEYED[5:],
        *DONE,
        left("n"),
    ],
    ("stuck", "never handled"): [*KEYED[:2], left("m"), left("n")],
    ("hot", "without a pause"): [
        upheaval(2.0, QUEUE_DELETED, 5.0),
        *(Event(at=2.1 + n / 100, kind="missed", client="A") for n in range(50)),
    ],
    ("mistold", "unhealthy in an outage"): [
        upheaval(2.0, OUTAGE, 20.0),
        *failing(4, first=2.1, every=0.5),
        health(10.0, "unhealthy", "polling is paused"),
        health(40.0, "healthy"),
    ],
    ("mistold", "healthy without its queue"): [upheaval(2.0, QUEUE_DELETED, 30.0), health(30.0, "healthy")],
    ("mistold", "degraded for good"): [health(90.0, "degraded")],
    ("wasted", "never begun"): [
        sent(1.0, "m"),
        received(2.0, "m", "r"),
        hidden(2.1, "r", 0),
        received(2.2, "m", "r2", count=2),
        hidden(2.3, "r2", 0),
        left("m", "q_dlq"),
    ],
}


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_history_breaks_no_rule(name: str) -> None:
    assert broken_rules(SOUND[name]) == set()


@pytest.mark.parametrize(("rule", "how"), BROKEN)
def test_a_rule_sees_what_breaks_it(rule: str, how: str) -> None:
    assert rule in broken_rules(BROKEN[rule, how])


def test_no_rule_is_without_a_history_that_breaks_it() -> None:
    assert {rule for rule, _ in BROKEN} == set(RULES)


def test_spans() -> None:
    assert joined([(3, 4), (1, 2), (2, 3), (5, 5)]) == [(1, 4)]
    assert without([(1, 10)], [(0, 2), (3, 4), (9, 12)]) == [(2, 3), (4, 9)]
    assert within([(1, 5), (6, 9)], [(4, 7)]) == [(4, 5), (6, 7)]
    assert busy([(1, 5), (2, 6), (4, 9)], 2) == [(2, 6)]
