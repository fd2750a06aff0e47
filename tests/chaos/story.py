"""The events of a history, put together: what became of each message, delivery and process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf

from chaos.history import Event

SIGKILL, SIGTERM, SIGSTOP, SIGCONT = "SIGKILL", "SIGTERM", "SIGSTOP", "SIGCONT"
# What befalls the queue, its clock, or what the handlers depend on, for some time.
QUEUE_DELETED, QUEUE_PURGED = "queue-deleted", "queue-purged"
CLOCK_AHEAD, OUTAGE = "clock-ahead", "outage"
UPHEAVALS = (QUEUE_DELETED, QUEUE_PURGED, CLOCK_AHEAD, OUTAGE)


@dataclass
class Delivery:
    """A message given out once: from its receive to the end of its receipt."""

    received: Event
    position: int = 0
    keyed: bool = False
    began: Event | None = None
    ended: Event | None = None
    deletes: list[Event] = field(default_factory=list)
    changes: list[Event] = field(default_factory=list)
    expired: Event | None = None
    discarded: float = inf

    @property
    def client(self) -> str:
        return self.received.client

    @property
    def name(self) -> str:
        return f"{self.received.label} (receive {self.received.count} of {self.client})"

    def ended_before(self, at: float, outcome: str | None = None) -> bool:
        ended = self.ended
        return ended is not None and ended.at <= at and outcome in (None, ended.outcome)

    def deleted_at(self) -> float:
        """When it went: deleted by its client, or with its queue."""
        return min((event.at for event in self.deletes if event.effect), default=self.discarded)

    def hidden_until(self, at: float) -> float:
        """When its visibility timeout ends, as far as it was set by ``at``."""
        until = self.received.until
        for change in self.changes:
            if change.effect and change.at <= at:
                until = change.until
        expired = self.expired
        return min(until, expired.at) if expired and expired.at <= at else until

    def lapsed_at(self) -> float:
        """When its visibility timeout ran out, without anybody's asking; infinity when it did not."""
        until = self.received.until
        for change in self.changes:
            if not change.effect:
                continue
            if change.at > until:
                break
            until = change.until
            if self.is_settled_by(change):
                return inf
        if self.expired and self.expired.at <= until:
            return self.expired.at
        return until if until < self.deleted_at() else inf

    def is_settled_by(self, change: Event) -> bool:
        """Whether this change of visibility gives the message back: heartbeats never shorten a lease."""
        if self.keyed and self.began is None and change is self.changes[-1]:
            return True  # put off, since its key is taken
        return self._is_shorter(change) or self.ended_before(change.at)

    def settled_at(self) -> float:
        """When its client deleted it or gave it back; infinity when it did not."""
        given_back = (change.at for change in self.changes if change.effect and self.is_settled_by(change))
        return min(self.deleted_at(), min(given_back, default=inf))

    def given_back_at(self) -> float:
        """When its client made it visible sooner; infinity when it did not."""
        return min((c.at for c in self.changes if c.effect and self._is_shorter(c)), default=inf)

    def _is_shorter(self, change: Event) -> bool:
        before = [self.received, *(c for c in self.changes if c.effect and c.at < change.at)]
        return change.until < before[-1].until

    def let_go_at(self) -> float:
        """When its client first asked for that, with effect or without."""
        given_back = [change.at for change in self.changes if self.is_settled_by(change)]
        return min([*given_back, *(event.at for event in self.deletes)], default=inf)

    @property
    def attempts(self) -> list[Event]:
        """What its client asked for in its name, in order."""
        return sorted([*self.deletes, *self.changes], key=lambda event: event.at)


@dataclass
class Sent:
    """A message of the queue under test, with its deliveries."""

    event: Event
    order: int
    deliveries: list[Delivery] = field(default_factory=list)
    copies: list[Event] = field(default_factory=list)
    discarded: float = inf

    def done_at(self, most_receives: int) -> float:
        """When it was handled to its end, or stood in the dead-letter queue; infinity for never."""
        ends = [d.ended.at for d in self.deliveries if d.ended and d.ended.outcome == "ok"]
        copies = [copy.at for copy in self.copies]
        return min([*ends, *copies, self.redriven_at(most_receives), self.discarded])

    def redriven_at(self, most_receives: int) -> float:
        """From when on SQS moves it to the dead-letter queue: its last receive's visibility ran out."""
        if not self.deliveries or self.deliveries[-1].received.count < most_receives:
            return inf
        if self.discarded < inf or any(delivery.deleted_at() < inf for delivery in self.deliveries):
            return inf
        return self.deliveries[-1].hidden_until(inf)


@dataclass
class Process:
    """A consumer, from its start to its end."""

    client: str
    started: float = inf
    first_poll: float = inf
    last_poll: float = -inf
    signals: list[Event] = field(default_factory=list)
    exited: Event | None = None

    def signalled(self, name: str) -> float:
        """When it got that signal first; infinity for never."""
        return min((event.at for event in self.signals if event.outcome == name), default=inf)

    def stopped(self) -> list[tuple[float, float]]:
        """When SIGSTOP held it."""
        spans, since = [], None
        for event in self.signals:
            if event.outcome == SIGSTOP:
                since = event.at if since is None else since
            elif event.outcome in (SIGCONT, SIGKILL) and since is not None:
                spans.append((since, event.at))
                since = None
        return spans if since is None else [*spans, (since, inf)]

    def ended_at(self) -> float:
        return self.exited.at if self.exited else inf


class Story:
    """A history by its messages, deliveries and processes. ``queue`` is the one under test."""

    def __init__(self, events: Iterable[Event], queue: str) -> None:
        self.events: Sequence[Event] = sorted(events, key=lambda event: event.at)
        self.queue = queue
        self.sent: dict[str, Sent] = {}
        self.deliveries: dict[str, Delivery] = {}
        self.processes: dict[str, Process] = {}
        self.left: dict[str, list[Event]] = defaultdict(list)
        self.keys: dict[str, list[Event]] = defaultdict(list)
        self.health: dict[str, list[Event]] = defaultdict(list)
        self.missed: dict[str, list[Event]] = defaultdict(list)
        self.faults = [event for event in self.events if event.kind == "fault"]
        for event in self.events:
            getattr(self, f"_{event.kind}", self._nothing)(event)

    @property
    def end(self) -> float:
        return self.events[-1].at if self.events else 0.0

    def groups(self) -> dict[str, list[Sent]]:
        """The messages of each FIFO group in their order."""
        groups = defaultdict(list)
        for sent in self.sent.values():
            if sent.event.group is not None:
                groups[sent.event.group].append(sent)
        return groups

    def same_as(self, sent: Sent) -> list[Sent]:
        """The messages of the same idempotency key: itself alone when it has none."""
        key = sent.event.key
        return [one for one in self.sent.values() if one.event.key == key] if key else [sent]

    def upheavals(self, kind: str) -> list[tuple[float, float]]:
        """When it lasted."""
        return [(event.at, event.until) for event in self.faults if event.fault == kind]

    def _nothing(self, event: Event) -> None:
        """Events that concern no message."""

    def _sent(self, event: Event) -> None:
        if event.queue == self.queue:
            self.sent.setdefault(event.message, Sent(event, order=len(self.sent)))
            return
        for sent in self.sent.values():
            if sent.event.label == event.label:
                sent.copies.append(event)

    def _polled(self, event: Event) -> None:
        process = self._process(event)
        process.first_poll = min(process.first_poll, event.at)
        process.last_poll = max(process.last_poll, event.at)

    def _received(self, event: Event) -> None:
        if event.queue != self.queue:
            return
        sent = self.sent[event.message]
        delivery = Delivery(event, position=len(self.deliveries), keyed=bool(sent.event.key))
        self.deliveries[event.receipt] = delivery
        sent.deliveries.append(delivery)

    def _hidden(self, event: Event) -> None:
        if delivery := self.deliveries.get(event.receipt):
            delivery.changes.append(event)

    def _deleted(self, event: Event) -> None:
        if delivery := self.deliveries.get(event.receipt):
            delivery.deletes.append(event)

    def _expired(self, event: Event) -> None:
        if delivery := self.deliveries.get(event.receipt):
            delivery.expired = event

    def _began(self, event: Event) -> None:
        self.deliveries[event.receipt].began = event

    def _ended(self, event: Event) -> None:
        self.deliveries[event.receipt].ended = event

    def _started(self, event: Event) -> None:
        self._process(event).started = event.at

    def _signalled(self, event: Event) -> None:
        self._process(event).signals.append(event)

    def _exited(self, event: Event) -> None:
        self._process(event).exited = event

    def _discarded(self, event: Event) -> None:
        if sent := self.sent.get(event.message):
            sent.discarded = event.at
            for delivery in sent.deliveries:
                delivery.discarded = event.at

    def _key(self, event: Event) -> None:
        self.keys[event.key].append(event)

    def _health(self, event: Event) -> None:
        self.health[event.client].append(event)

    def _missed(self, event: Event) -> None:
        self.missed[event.client].append(event)

    def _left(self, event: Event) -> None:
        self.left[event.queue].append(event)

    def _process(self, event: Event) -> Process:
        return self.processes.setdefault(event.client, Process(event.client))
