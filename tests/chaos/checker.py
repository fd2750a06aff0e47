"""What must hold of every history, whatever went wrong. Pure: a history in, violations out.

Each rule is a function that yields a sentence for each violation:

``lost``         Every message that was sent was handled to its end, or is in its queue, or in the dead-letter
                 queue.
``unexplained``  A copy in the dead-letter queue has the original's body, and the reason.
``hasty``        Nobody asks to delete a message before the handler of that very delivery returned, or a copy
                 stood in the dead-letter queue.
``disordered``   No message of a FIFO group begins before every earlier one of the group is done: handled to
                 its end by any delivery, dead-lettered by a copy, or moved to the dead-letter queue by SQS.
                 What comes back after it was done may begin at any time: its delete failed or came too late,
                 and at-least-once allows it.
``overlapping``  Of a FIFO group one handler runs at a time. A handler whose lease ran out (its process was
                 stopped, its heartbeats failed) cannot be called back: whoever received the message after
                 that may run beside it.
``stale``        No handler begins on a delivery whose lease ran out. For ``grace`` after a SIGCONT it may
                 (nobody can look at the clock and begin in one step), and is then neither ``disordered`` nor
                 ``overlapping``.
``lapsed``       A held message keeps its lease: it does not run out under a live process, unless heartbeats
                 for that message were themselves disturbed, the process was, or the answer that brought it
                 came too late.
``hidden``       A process that ended with status 0 left none of its messages hidden, unless at least three
                 attempts in a row to give it back were disturbed, or the queue said it was no longer ours.
``reclaimed``    A process that was asked to end does not receive again what it gave back since: each receive
                 brings a message closer to the dead-letter queue.
``unclean``      A process that got SIGTERM and no SIGKILL ends with status 0 within its budget; one that got
                 neither does not end.
``idle``         With messages available and handlers free, they begin within ``patience``, while no fault
                 (or what it made the process wait) explains it.
``greedy``       A process never holds more messages that are not handled yet than it has handlers. Those of a
                 FIFO group, which one handler takes one after the other, count as one.
``wasted``       SQS moves no message to the dead-letter queue that was given back at each receive, and that
                 no handler ever saw. (A receive that a fault, a crash or a stop cut off is nobody's waste.)
``burnt``        During an outage a process receives no more than it takes to see it (as many failures as its
                 circuit breaker allows, what it had in hand, and one more poll) and to try again after each
                 pause.
``hurried``      With a rate limit no more handlers begin within any time than the limit gives for it, besides
                 a bucket of one second and what one poll had set aside. (And what the machine may have held
                 up for a second.)
``twice``        Of an idempotency key one handler completes. Another may after the first, if the first could
                 not be recorded as done: its process was killed between the effect and the record, its lease
                 ran out (its process was stopped, its receipt expired) so that another receiver took over
                 while nobody could call it back, or the table failed. Never after the key was done (save by
                 ``grace`` of a process that had its key, and stood still past its lease).
``stuck``        What is put off because its key is taken comes back within that key's lease, and no key stays
                 without a completed handler while its message is left in the queue.
``hot``          A process whose queue is gone asks for it at a bounded rate.
``mistold``      Health, where it was asked, says degraded during an outage and not unhealthy; says unhealthy,
                 and names the queue, once it is gone for longer than a poll and the grace; and says healthy
                 at last.

A message that went with its queue, or was purged, is lost to nobody's fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, takewhile
from math import inf

from chaos.history import Event
from chaos.spans import Span, busy, joined, within, without
from chaos.story import OUTAGE, QUEUE_DELETED, SIGKILL, SIGTERM, UPHEAVALS, Delivery, Process, Sent, Story

ENOUGH_ATTEMPTS = 3
# The status of a process that finds no queue when it starts.
NOT_CONFIGURED = 78
# After an upheaval the next poll may be as far away as polls that fail get.
LONGEST_PAUSE = 20.0
# How long polls may fail before a probe is told, and how long a probe takes to come by.
GRACE_SECONDS = 20.0
PROBE_SECONDS = 3.0
# SQS counts whole seconds.
ROUNDING_SECONDS = 1.0
MAX_PER_RECEIVE = 10
# How late the machine may let handlers begin.
NOISE_SECONDS = 1.0
# Calls for what is not there: so many for each message in hand, and per second.
CALLS_IN_HAND = 8
CALLS_PER_SECOND = 4


@dataclass(frozen=True)
class Protection:
    """What the service has against what it depends on: a circuit breaker, a rate limit."""

    failures: int | None = None
    pause: float = 0.0
    rate: float | None = None


@dataclass(frozen=True)
class Terms:
    """What the processes were started with, in seconds, and how much real time is allowed for what."""

    queue: str
    dead_letters: str
    visibility: float
    most_receives: int
    concurrency: int
    budget: float
    protection: Protection = Protection()
    poll_wait: float = 1.0
    patience: float = 5.0
    # Backoff after errors, botocore's and the consumer's own.
    shadow: float = 6.0
    grace: float = 0.05
    # What a process may need to end, once it has said all that it had to say.
    exit_slack: float = 2.0


@dataclass(frozen=True)
class Violation:
    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.what}"


def violations(story: Story, terms: Terms) -> list[Violation]:
    """All that is wrong with a history."""
    return [Violation(name, what) for name, rule in RULES.items() for what in rule(story, terms)]


def lost(story: Story, terms: Terms) -> Iterator[str]:
    in_queue = {event.message for event in story.left[terms.queue]}
    dead = story.left[terms.dead_letters]
    kept = in_queue | {event.message for event in dead}
    crowded = _crowded(story)
    copied = {event.label for event in dead if event.reason or event.label in crowded}
    for sent in story.sent.values():
        handled = sent.discarded < inf or any(_completed(same) for same in story.same_as(sent))
        if not (handled or sent.event.message in kept or sent.event.label in copied):
            yield f"{sent.event.label} was not handled to its end, and is nowhere"


def unexplained(story: Story, terms: Terms) -> Iterator[str]:
    crowded = _crowded(story)
    bodies = {sent.event.label: sent.event.body for sent in story.sent.values()}
    for event in story.left[terms.dead_letters]:
        if event.message not in story.sent and not event.reason and event.label not in crowded:
            yield f"the dead-letter copy of {event.label} has no reason"
        if event.body != bodies.get(event.label):
            yield f"the dead letter {event.label} has another body than what was sent"


def hasty(story: Story, terms: Terms) -> Iterator[str]:
    for sent, delivery in _deliveries(story):
        for asked in delivery.deletes:
            copied = any(copy.at <= asked.at for copy in sent.copies)
            if not (_completed_before(delivery, sent, asked.at, story) or copied):
                yield f"{delivery.name} was deleted at {asked.at:.3f} before it was done"


def disordered(story: Story, terms: Terms) -> Iterator[str]:
    for messages in story.groups().values():
        for earlier, later in combinations(messages, 2):
            for delivery in later.deliveries:
                if delivery.began and not (
                    _done(earlier, delivery, terms) or _after_pause(delivery, story, terms)
                ):
                    at = f"{delivery.began.at:.3f}"
                    yield f"{delivery.name} began at {at} before {earlier.event.label} was done"


def overlapping(story: Story, terms: Terms) -> Iterator[str]:
    for messages in story.groups().values():
        runs = sorted(
            (d for sent in messages for d in sent.deliveries if d.began),
            key=lambda d: d.began.at if d.began else 0,
        )
        for first, second in combinations(runs, 2):
            began = second.began.at if second.began else inf
            excused = first.lapsed_at() <= second.received.at or _after_pause(second, story, terms)
            if began < _run_of(first, story)[1] and not excused:
                yield f"{second.name} began at {began:.3f} while {first.name} was running"


def stale(story: Story, terms: Terms) -> Iterator[str]:
    for _, delivery in _deliveries(story):
        if delivery.began is None or delivery.began.at <= delivery.lapsed_at():
            continue
        if not _after_pause(delivery, story, terms):
            late = delivery.began.at - delivery.lapsed_at()
            yield f"{delivery.name} began {late:.3f} s after its lease had run out"


def lapsed(story: Story, terms: Terms) -> Iterator[str]:
    for sent, delivery in _deliveries(story):
        at = delivery.lapsed_at()
        if at == inf or delivery.expired or not delivery.received.answered or _has_twin(sent, delivery):
            continue
        held_since = max(delivery.received.at, at - terms.visibility)
        process = story.processes[delivery.client]
        alive = [(process.started, min(process.signalled(SIGKILL), process.ended_at()))]
        if without([(held_since, at)], without(alive, process.stopped())):
            continue
        if at <= _answered_at(delivery, story):
            continue
        settled = delivery.ended_before(at) and delivery.ended and delivery.ended.outcome != "ok"
        disturbed = any(event.fault for event in delivery.attempts if held_since <= event.at)
        if not settled and not disturbed:
            yield f"the lease of {delivery.name} ran out at {at:.3f}, with no heartbeat disturbed"


def hidden(story: Story, terms: Terms) -> Iterator[str]:
    for sent, delivery in _deliveries(story):
        process = story.processes[delivery.client]
        exited = process.exited
        if exited is None or exited.outcome != "0" or not delivery.received.answered:
            continue
        if delivery.settled_at() < inf or delivery.hidden_until(inf) <= exited.at or _excused(delivery):
            continue
        if not _deleted_by_then(sent, exited) and not _has_twin(sent, delivery):
            left = delivery.hidden_until(inf) - exited.at
            yield f"{delivery.name} was left hidden for {left:.1f} s by a clean stop"


def reclaimed(story: Story, terms: Terms) -> Iterator[str]:
    for sent in story.sent.values():
        for first, second in combinations(sent.deliveries, 2):
            process = story.processes[first.client]
            asked, dead = process.signalled(SIGTERM), process.signalled(SIGKILL)
            # Whoever polls does not know of the signal yet: on a busy machine it takes a while to come.
            asked = max(asked, process.last_poll)
            again = first.client == second.client and second.received.at < dead
            # A heartbeat that came too late, on a machine that stood still, gives nothing back.
            if again and asked <= first.given_back_at() <= second.received.at:
                yield f"{second.name} was received again by the process that had given it back to end"


def unclean(story: Story, terms: Terms) -> Iterator[str]:
    for process in story.processes.values():
        if process.signalled(SIGKILL) < inf:
            continue
        asked = process.signalled(SIGTERM)
        if process.exited is None:
            if asked < inf:
                yield f"{process.client} did not end after SIGTERM"
        elif process.exited.outcome == "-15" and process.first_poll == inf and asked < inf:
            continue  # the signal came before Python could take it: nothing had begun
        elif process.exited.outcome == str(NOT_CONFIGURED) and _started_without_queue(process, story):
            continue
        elif asked == inf or process.exited.outcome != "0":
            yield f"{process.client} ended with status {process.exited.outcome}"
        else:
            stopped = sum(end - max(start, asked) for start, end in process.stopped() if end > asked)
            took = process.exited.at - asked - stopped
            if took > terms.budget + terms.exit_slack:
                yield f"{process.client} took {took:.1f} s to end, of {terms.budget} s"


def idle(story: Story, terms: Terms) -> Iterator[str]:
    shadows = joined((event.at, _shadow_of(event, terms)) for event in story.faults)
    free = {
        client: without(_free(process, story, terms), shadows) for client, process in story.processes.items()
    }
    anybody = joined(span for spans in free.values() for span in spans)
    for sent in story.sent.values():
        for start, end in within(_available(sent, story, terms), anybody):
            if end - start > terms.patience:
                yield f"{sent.event.label} waited from {start:.3f} to {end:.3f} while handlers were free"
    for _, delivery in _deliveries(story):
        for start, end in within(_pending(delivery, story), free[delivery.client]):
            if end - start > terms.patience:
                yield f"{delivery.name} was kept from {start:.3f} to {end:.3f} while handlers were free"


def greedy(story: Story, terms: Terms) -> Iterator[str]:
    for process in story.processes.values():
        held: dict[str, list[Span]] = {}
        for sent, delivery in _deliveries(story):
            if delivery.client == process.client and delivery.received.answered:
                done = min(_handled_at(sent, delivery, story), delivery.let_go_at(), delivery.lapsed_at())
                lane = delivery.received.receipt if sent.event.group is None else sent.event.group
                held.setdefault(lane, []).append((delivery.received.at, done))
        for start, _ in busy(
            [span for spans in held.values() for span in joined(spans)], terms.concurrency + 1
        ):
            yield f"{process.client} held more than it has handlers for ({terms.concurrency}) at {start:.3f}"


def wasted(story: Story, terms: Terms) -> Iterator[str]:
    dead = {event.message for event in story.left[terms.dead_letters]}
    for sent in story.sent.values():
        if sent.event.message not in dead:
            continue
        given_back = all(
            delivery.settled_at() < story.processes[delivery.client].signalled(SIGTERM)
            for delivery in sent.deliveries
        )
        if given_back and not any(delivery.began for delivery in sent.deliveries):
            yield f"{sent.event.label} went to the dead-letter queue and no handler ever saw it"


def burnt(story: Story, terms: Terms) -> Iterator[str]:
    failures = terms.protection.failures
    if failures is None:
        return
    pollers = -(-terms.concurrency // MAX_PER_RECEIVE)
    for start, end in story.upheavals(OUTAGE):
        tries = int((end - start) / terms.protection.pause) + 1
        # What was received when the circuit opened is handled all the same.
        allowed = failures + terms.concurrency + tries * pollers
        for client in story.processes:
            received = [d for d in story.deliveries.values() if d.client == client]
            count = sum(start < d.received.at < end for d in received)
            if count > allowed:
                yield f"{client} received {count} messages in {end - start:.1f} s of outage, over {allowed}"


def hurried(story: Story, terms: Terms) -> Iterator[str]:
    rate = terms.protection.rate
    if rate is None:
        return
    burst = max(rate, 1.0) + MAX_PER_RECEIVE + rate * NOISE_SECONDS
    for client in story.processes:
        begun = sorted(d.began.at for d in story.deliveries.values() if d.client == client and d.began)
        if any(
            last - first + 1 > burst + rate * (begun[last] - begun[first])
            for first, last in combinations(range(len(begun)), 2)
        ):
            yield f"{client} began {len(begun)} handlers, too many of them within too short a time"


def twice(story: Story, terms: Terms) -> Iterator[str]:
    for key, states in story.keys.items():
        same = [sent for sent in story.sent.values() if sent.event.key == key]
        runs = [d for sent in same for d in sent.deliveries if d.began and d.ended_before(inf, "ok")]
        runs.sort(key=lambda d: d.began.at if d.began else inf)
        done_at = min((event.at for event in states if event.outcome == "done"), default=inf)
        for first, second in combinations(runs, 2):
            began = second.began.at if second.began else inf
            if _after_pause(second, story, terms):
                continue
            if began > done_at:
                yield f"{second.name} began at {began:.3f} although {key} was done at {done_at:.3f}"
            elif not _unrecorded(first, began, story):
                yield f"{second.name} began at {began:.3f} beside or after {first.name}"


def stuck(story: Story, terms: Terms) -> Iterator[str]:
    left = {event.message for event in story.left[terms.queue]}
    for sent, delivery in _deliveries(story):
        if not sent.event.key or delivery.began:
            continue
        for change in delivery.changes:
            put_off = change.until - change.at
            if put_off > terms.visibility + ROUNDING_SECONDS:
                yield f"{delivery.name} was put off for {put_off:.1f} s, longer than a key is taken"
    for sent in story.sent.values():
        done = any(_completed(same) for same in story.same_as(sent))
        if sent.event.key and sent.event.message in left and not done:
            yield f"{sent.event.label} is still in the queue, and nothing of its key was handled to its end"


def hot(story: Story, terms: Terms) -> Iterator[str]:
    for start, end in story.upheavals(QUEUE_DELETED):
        allowed = CALLS_IN_HAND * terms.concurrency + CALLS_PER_SECOND * (end - start)
        for client, missed in story.missed.items():
            count = sum(start <= event.at <= end for event in missed)
            if count > allowed:
                yield f"{client} asked {count} times in {end - start:.1f} s for a queue that was gone"


def mistold(story: Story, terms: Terms) -> Iterator[str]:
    for client, told in story.health.items():
        process = story.processes[client]
        asked_to_end = process.signalled(SIGTERM)
        told = [event for event in told if event.at < min(asked_to_end, process.signalled(SIGKILL))]
        if told and asked_to_end < inf and told[-1].outcome != "healthy":
            yield f"{client} said {told[-1].outcome} at last: {told[-1].reason}"
        if terms.protection.failures is not None:
            yield from _mistold_of_outages(client, told, story, terms.protection.failures)
        for start, end in story.upheavals(QUEUE_DELETED):
            since = max(start, process.first_poll) + terms.poll_wait + GRACE_SECONDS + PROBE_SECONDS
            said = [event for event in told if since <= event.at <= end]
            if any(event.outcome != "unhealthy" or story.queue not in event.reason for event in said):
                yield f"{client} did not say at {since:.3f} that its queue was gone since {start:.3f}"


def _mistold_of_outages(client: str, told: list[Event], story: Story, failures: int) -> Iterator[str]:
    for start, end in story.upheavals(OUTAGE):
        since = start + PROBE_SECONDS
        said = {event.outcome for event in told if since <= event.at <= end}
        failed = [
            d
            for d in story.deliveries.values()
            if d.client == client and d.ended and start < d.ended.at < since
        ]
        if said - {"degraded"} and len(failed) >= failures:
            yield f"{client} said {', '.join(sorted(said))} during an outage, from {start:.3f} to {end:.3f}"


RULES: Mapping[str, Callable[[Story, Terms], Iterator[str]]] = {
    rule.__name__: rule
    for rule in (
        lost,
        unexplained,
        hasty,
        disordered,
        overlapping,
        stale,
        lapsed,
        hidden,
        reclaimed,
        unclean,
        idle,
        greedy,
        wasted,
        burnt,
        hurried,
        twice,
        stuck,
        hot,
        mistold,
    )
}


def _deliveries(story: Story) -> Iterator[tuple[Sent, Delivery]]:
    for sent in story.sent.values():
        for delivery in sent.deliveries:
            yield sent, delivery


def _crowded(story: Story) -> set[str]:
    """The messages that leave no room for a reason beside them."""
    return {sent.event.label for sent in story.sent.values() if sent.event.crowded}


def _shadow_of(fault: Event, terms: Terms) -> float:
    """Until when a process may wait because of it."""
    longest = LONGEST_PAUSE if fault.fault in UPHEAVALS else 0.0
    return max(fault.until, fault.at) + max(terms.shadow, longest)


def _started_without_queue(process: Process, story: Story) -> bool:
    gone = story.upheavals(QUEUE_DELETED)
    return any(start < process.ended_at() and process.started < end for start, end in gone)


def _completed(sent: Sent) -> bool:
    return any(delivery.ended_before(inf, "ok") for delivery in sent.deliveries)


def _completed_before(delivery: Delivery, sent: Sent, at: float, story: Story) -> bool:
    """By the handler of that very delivery; with an idempotency key, by any handler of the key."""
    if delivery.ended_before(at, "ok"):
        return True
    same = story.same_as(sent) if sent.event.key else []
    return any(other.ended_before(at, "ok") for one in same for other in one.deliveries)


def _unrecorded(first: Delivery, at: float, story: Story) -> bool:
    """Whether something kept the end of that handler from being recorded as done before ``at``."""
    began = first.began.at if first.began else inf
    killed = story.processes[first.client].signalled(SIGKILL) <= at
    table_failed = any(
        fault.client == first.client and fault.operation in ("PutItem", "GetItem") and began <= fault.at <= at
        for fault in story.faults
    )
    return killed or table_failed or first.lapsed_at() <= at


def _done(earlier: Sent, later: Delivery, terms: Terms) -> bool:
    began = later.began.at if later.began else inf
    redriven = earlier.redriven_at(terms.most_receives)
    # SQS moves a message when somebody receives: a later one in hand by then was not waiting for that.
    return redriven <= later.received.at or (redriven != earlier.done_at(terms.most_receives) <= began)


def _after_pause(delivery: Delivery, story: Story, terms: Terms) -> bool:
    """Whether it began without its lease, and so soon after a SIGCONT that its process could not know."""
    began = delivery.began.at if delivery.began else inf
    stopped = story.processes[delivery.client].stopped()
    return delivery.lapsed_at() < began and any(end <= began <= end + terms.grace for _, end in stopped)


def _answered_at(delivery: Delivery, story: Story) -> float:
    """When its client got it: late, if that is what was done to the call."""
    received = delivery.received
    late = [
        fault.until - fault.at
        for fault in story.faults
        if (fault.client, fault.operation) == (received.client, received.operation)
        and fault.fault == received.fault == "slow"
        and fault.at <= received.at
    ]
    return received.at + (late[-1] if late else 0.0)


def _run_of(delivery: Delivery, story: Story) -> Span:
    """From the begin of its handler to its end, at the latest the end of its process."""
    began = delivery.began.at if delivery.began else inf
    if delivery.ended:
        return began, delivery.ended.at
    process = story.processes[delivery.client]
    return began, max(began, min(process.signalled(SIGKILL), process.ended_at()))


def _handled_at(sent: Sent, delivery: Delivery, story: Story) -> float:
    """When its handler was done; of what no handler sees nobody can tell, so it counts as at once."""
    if delivery.began:
        return _run_of(delivery, story)[1]
    if sent.event.key:
        return delivery.received.at  # its key may be taken, or done
    return inf if any(other.began for other in sent.deliveries) else delivery.received.at


def _has_twin(sent: Sent, delivery: Delivery) -> bool:
    # A duplicate shares its original's visibility: what one asks for, the other has too.
    count = delivery.received.count
    return sum(other.received.count == count for other in sent.deliveries) > 1


def _excused(delivery: Delivery) -> bool:
    attempts = delivery.attempts
    failed = list(takewhile(lambda event: not event.effect and event.fault != "", reversed(attempts)))
    refused = any(event.fault == "partial-sender" and not event.effect for event in attempts)
    return refused or len(failed) >= ENOUGH_ATTEMPTS


def _deleted_by_then(sent: Sent, exited: Event) -> bool:
    return any(delivery.deleted_at() <= exited.at for delivery in sent.deliveries)


def _free(process: Process, story: Story, terms: Terms) -> list[Span]:
    """When it should take messages in: it polls, is not stopping or stopped, and has a free handler."""
    end = min(process.signalled(SIGTERM), process.signalled(SIGKILL), process.ended_at(), story.end)
    runs = [_run_of(d, story) for d in story.deliveries.values() if d.client == process.client and d.began]
    held_up = [(start, stop + terms.shadow) for start, stop in process.stopped()]
    waits = [*busy(runs, terms.concurrency), *held_up, *_circuit_open(process, story, terms)]
    return without([(process.first_poll, end)], joined(waits))


def _circuit_open(process: Process, story: Story, terms: Terms) -> list[Span]:
    """When its circuit breaker may have kept it from polling."""
    if terms.protection.failures is None:
        return []
    failed = [d.ended for d in story.deliveries.values() if d.client == process.client and d.ended]
    pause = terms.protection.pause + terms.poll_wait
    return [(event.at, event.at + pause) for event in failed if event.outcome == "raise"]


def _available(sent: Sent, story: Story, terms: Terms) -> list[Span]:
    """When a receive would have got it."""
    done = min((delivery.deleted_at() for delivery in sent.deliveries), default=inf)
    until = min(done, sent.discarded, sent.redriven_at(terms.most_receives), story.end)
    own = without([(sent.event.at, until)], _in_flight(sent))
    if sent.event.group is None:
        return own
    return without(own, joined(s for other in story.groups()[sent.event.group] for s in _in_flight(other)))


def _in_flight(sent: Sent) -> list[Span]:
    spans = []
    for delivery in sent.deliveries:
        end = min(delivery.deleted_at(), delivery.hidden_until(inf))
        spans.append((delivery.received.at, end))
    return joined(spans)


def _pending(delivery: Delivery, story: Story) -> list[Span]:
    """When its client had it in hand and could have begun it."""
    if not delivery.received.answered:
        return []
    begun = delivery.began.at if delivery.began else inf
    end = min(begun, delivery.settled_at(), delivery.hidden_until(inf), story.end)
    group = delivery.received.group
    if group is None:
        return [(delivery.received.at, end)]
    runs = (
        _run_of(d, story)
        for sent in story.groups()[group]
        for d in sent.deliveries
        if d.began and d.client == delivery.client
    )
    return without([(delivery.received.at, end)], joined(runs))
