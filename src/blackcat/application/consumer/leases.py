"""Leases: every held message is kept hidden from other receivers until it is settled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from threading import Condition

from blackcat.application.ports import Clock, Visibility
from blackcat.domain.message import Lease, Message

# A lease is renewed when half of it is gone: two heartbeats may fail before it runs out.
_RENEW_AT = 0.5
# Seconds that a settlement waits for a heartbeat of the same message, which would override it.
_EXTENSION_SECONDS = 5.0
# Durations are rounded to microseconds on their way to the queue.
_ROUNDING = 0.001


@dataclass(slots=True)
class _Held:
    message: Message
    expires_at: float
    give_up_at: float
    being_extended: bool = False
    being_deleted: bool = False


class LeaseBook:
    """When the lease of each held message must be extended; bookkeeping in monotonic seconds.

    A lease lasts ``visibility`` and is extended until ``longest`` after its handler began; then it
    runs out, and the message is another receiver's.
    """

    def __init__(self, *, visibility: timedelta, longest: timedelta, clock: Clock) -> None:
        self._visibility = visibility.total_seconds()
        self._longest = longest.total_seconds()
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._changed = Condition()

    def __len__(self) -> int:
        return len(self._held)

    @property
    def visibility(self) -> timedelta:
        return timedelta(seconds=self._visibility)

    def hold(self, messages: Iterable[Message]) -> None:
        """The leases of these messages begin now."""
        now = self._clock.monotonic()
        with self._changed:
            for message in messages:
                self._held[message.receipt] = _Held(message, now + self._visibility, now + self._longest)
                message.lease.run_until(now + self._visibility, self._clock.monotonic)

    def begin(self, message: Message) -> None:
        """Its handler begins: what it waited before does not count against the longest handling time."""
        with self._changed:
            if held := self._held.get(message.receipt):
                held.give_up_at = self._clock.monotonic() + self._longest

    def begin_delete(self, receipts: Iterable[str]) -> None:
        """Heartbeats leave these alone: a receipt that was deleted is no lease that was lost."""
        with self._changed:
            for receipt in receipts:
                if held := self._held.get(receipt):
                    held.being_deleted = True

    def end_delete(self, *, done: Iterable[str], failed: Iterable[str]) -> None:
        with self._changed:
            for receipt in done:
                self._held.pop(receipt, None)
            for receipt in failed:
                if held := self._held.get(receipt):
                    held.being_deleted = False

    def drop(self, receipts: Iterable[str]) -> None:
        """These are about to be released or hidden: no heartbeat may come after, or still be under way."""
        wanted = list(receipts)
        with self._changed:
            self._changed.wait_for(lambda: not self._extending(wanted), _EXTENSION_SECONDS)
            for receipt in wanted:
                self._held.pop(receipt, None)

    def lose(self, receipts: Iterable[str]) -> list[Message]:
        """These messages are no longer ours; their handlers can see it. Returns those that were."""
        with self._changed:
            found = [(receipt, self._held.get(receipt)) for receipt in receipts]
            lost = [held.message for _, held in found if held and not held.being_deleted]
            for message in lost:
                del self._held[message.receipt]
                message.lease.lose()
        return lost

    def take_due(self) -> list[Visibility]:
        """The extensions to ask for now; each must be answered by ``extended`` or ``not_extended``."""
        now = self._clock.monotonic()
        with self._changed:
            due = [held for held in self._held.values() if self._is_due(held, now)]
            for held in due:
                held.being_extended = True
            return [
                Visibility(
                    held.message.receipt,
                    timedelta(seconds=min(self._visibility, held.give_up_at - now)),
                )
                for held in due
            ]

    def extended(self, changes: Iterable[Visibility], asked_at: float) -> list[tuple[Lease, timedelta]]:
        """These extensions were granted; returns the leases that are still held, and their length now."""
        granted = []
        with self._changed:
            for change in changes:
                if held := self._held.get(change.receipt):
                    held.being_extended = False
                    held.expires_at = asked_at + change.timeout.total_seconds()
                    held.message.lease.run_until(held.expires_at, self._clock.monotonic)
                    granted.append((held.message.lease, change.timeout))
            self._changed.notify_all()
        return granted

    def not_extended(self, receipts: Iterable[str]) -> None:
        with self._changed:
            for receipt in receipts:
                if held := self._held.get(receipt):
                    held.being_extended = False
            self._changed.notify_all()

    def expired(self) -> list[str]:
        """The receipts whose leases ran out."""
        now = self._clock.monotonic()
        with self._changed:
            return [receipt for receipt, held in self._held.items() if held.expires_at <= now]

    def next_due(self) -> float | None:
        """When to look again; None while nothing is held."""
        with self._changed:
            return min((self._renew_at(held) for held in self._held.values()), default=None)

    def messages(self) -> list[Message]:
        """What is held and not being deleted, in the order in which it was received."""
        with self._changed:
            return [held.message for held in self._held.values() if not held.being_deleted]

    def _extending(self, receipts: Iterable[str]) -> bool:
        return any((held := self._held.get(receipt)) and held.being_extended for receipt in receipts)

    def _is_due(self, held: _Held, now: float) -> bool:
        busy = held.being_extended or held.being_deleted
        return not busy and self._renew_at(held) <= now < min(held.expires_at, held.give_up_at)

    def _renew_at(self, held: _Held) -> float:
        if held.expires_at >= held.give_up_at - _ROUNDING:  # extended to its end: it can only run out now
            return held.expires_at
        return held.expires_at - self._visibility * _RENEW_AT
