"""Leases: every held message is kept hidden from other receivers until it is settled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock

from blackcat.application.ports import Visibility
from blackcat.domain.message import Message

# A lease is renewed when half of it is gone: two heartbeats may fail before it runs out.
_RENEW_AT = 0.5


@dataclass(slots=True)
class _Held:
    message: Message
    expires_at: float
    give_up_at: float


class LeaseBook:
    """When the lease of each held message must be extended; pure bookkeeping in monotonic seconds.

    A lease lasts ``visibility`` and is extended until ``longest`` after the receive; then it runs
    out, and the message is another receiver's.
    """

    def __init__(self, *, visibility: timedelta, longest: timedelta) -> None:
        # The visibility of a queue may be zero, where nothing is ever held.
        self._visibility = max(visibility.total_seconds(), 1.0)
        self._longest = longest.total_seconds()
        self._held: dict[str, _Held] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, receipt: str) -> bool:
        return receipt in self._held

    def hold(self, messages: Iterable[Message], now: float) -> None:
        with self._lock:
            for message in messages:
                self._held[message.receipt] = _Held(message, now + self._visibility, now + self._longest)

    def drop(self, receipts: Iterable[str]) -> None:
        """These messages are settled; their leases need no more care."""
        with self._lock:
            for receipt in receipts:
                self._held.pop(receipt, None)

    def lose(self, receipts: Iterable[str]) -> list[Message]:
        """These messages are no longer ours; their handlers can see it."""
        with self._lock:
            lost = [held.message for r in receipts if (held := self._held.pop(r, None)) is not None]
        for message in lost:
            message.lease.lose()
        return lost

    def due(self, now: float) -> list[Visibility]:
        """The extensions to ask for now."""
        with self._lock:
            return [
                Visibility(receipt, timedelta(seconds=min(self._visibility, held.give_up_at - now)))
                for receipt, held in self._held.items()
                if self._renew_at(held) <= now < held.give_up_at
            ]

    def extended(self, changes: Iterable[Visibility], now: float) -> None:
        """These extensions were granted; whoever follows a lease is told."""
        told = []
        with self._lock:
            for change in changes:
                if held := self._held.get(change.receipt):
                    held.expires_at = now + change.timeout.total_seconds()
                    told.append((held.message.lease, change.timeout))
        for lease, length in told:
            lease.extended(length)

    def expired(self, now: float) -> list[str]:
        """The receipts whose leases ran out."""
        with self._lock:
            return [receipt for receipt, held in self._held.items() if held.expires_at <= now]

    def next_due(self) -> float | None:
        """When to look again; None while nothing is held."""
        with self._lock:
            return min((self._renew_at(held) for held in self._held.values()), default=None)

    def _renew_at(self, held: _Held) -> float:
        if held.expires_at >= held.give_up_at:  # extended to its end already: nothing to do until it runs out
            return held.expires_at
        return held.expires_at - self._visibility * _RENEW_AT
