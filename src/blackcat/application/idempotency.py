"""Idempotency: a message that comes twice is handled once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import uuid4

from blackcat.application.clock import SystemClock
from blackcat.application.events import EventLog
from blackcat.application.middleware import Next
from blackcat.application.ports import Clock, Table
from blackcat.domain.item import VERSION
from blackcat.domain.message import Message
from blackcat.domain.outcome import HANDLED, Deferred, Handled, Outcome, Rejected, Retried
from blackcat.errors import ConditionFailed, RemoteError

log = EventLog("blackcat.idempotency")

# A heartbeat of the same message may change the record at the same time, hardly twice.
_CHANGE_ATTEMPTS = 5

KeyOf = Callable[[Message], str | None]
"""The key under which a message is the same as another; None when it has none."""


def by_message_id(message: Message) -> str:
    """The id that SQS gave: the same for redeliveries, another for a message that was sent twice."""
    return message.envelope.id if message.envelope else message.id


def by_deduplication_id(message: Message) -> str | None:
    """The deduplication id of a FIFO message."""
    return message.deduplication_id


def by_field(name: str) -> KeyOf:
    """A field of the payload, which must be a JSON object: what the sender calls the same."""

    def key(message: Message) -> str | None:
        try:
            payload = json.loads(message.body)
        except (ValueError, RecursionError):  # no JSON, or too deep: the decoder will say so
            return None
        value = payload.get(name) if isinstance(payload, dict) else None
        known = isinstance(value, str | int) and not isinstance(value, bool)
        return (str(value) or None) if known else None

    return key


@dataclass(frozen=True, slots=True)
class Begun:
    """The message is ours to handle; ``token`` proves it."""

    token: str


@dataclass(frozen=True, slots=True)
class InProgress:
    """Another receiver is handling it; its lease runs out after ``left``."""

    left: timedelta


@dataclass(frozen=True, slots=True)
class Done:
    """It was handled before."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another payload was handled, or is being handled, under the same key."""


class IdempotencyStore(Protocol):
    """Remembers which keys are being handled, and which were. Every verb raises RemoteError."""

    def begin(self, key: str, *, fingerprint: str, lease: timedelta) -> Begun | InProgress | Done | Conflict:
        """Take the key for ``lease``, unless it is taken or done."""
        ...

    def extend(self, key: str, token: str, *, lease: timedelta) -> None:
        """Keep a key that we took for ``lease`` from now; nothing when it is no longer ours."""
        ...

    def finish(self, key: str, token: str, *, keep: timedelta) -> None:
        """Remember the key as done for ``keep``; nothing when it is no longer ours."""
        ...

    def abandon(self, key: str, token: str) -> None:
        """Let another attempt take the key; nothing when it is no longer ours."""
        ...


class Idempotency:
    """A middleware that handles each key once.

    While a message is handled its key is taken for as long as the message's own lease, so that a
    crash leaves nothing stuck beyond it; a duplicate that arrives meanwhile comes back when the lease
    has run out. Once handled, duplicates are acknowledged without the handler, for ``keep``. A
    payload that differs under the same key is rejected. A message without key is handled as it comes.

    ``scope`` goes before each key: services that share a store need one each, or they would take each
    other's messages for their own. ``lease`` holds for messages that no consumer holds (in tests, say).
    """

    def __init__(
        self,
        *,
        store: IdempotencyStore,
        key: KeyOf = by_message_id,
        scope: str = "",
        lease: timedelta = timedelta(seconds=60),
        keep: timedelta = timedelta(days=1),
    ) -> None:
        self._store = store
        self._key = key
        self._scope = scope
        self._lease = lease
        self._keep = keep

    def __call__(self, message: Message, call_next: Next) -> Outcome:
        found = self._key(message)
        if found is None:
            return call_next(message)
        key = f"{self._scope}:{found}" if self._scope else found
        lease = message.lease.left()
        try:
            begun = self._store.begin(
                key, fingerprint=_fingerprint(message), lease=self._lease if lease is None else lease
            )
        except RemoteError as error:
            return Retried("the idempotency store cannot be asked", error)
        if isinstance(begun, Begun):
            if not message.lease.held:  # the store took so long that it may be in other hands
                return self._left(key, begun.token, message)
            return self._handle(key, begun.token, message, call_next)
        return _not_ours(begun, message)

    def _handle(self, key: str, token: str, message: Message, call_next: Next) -> Outcome:
        message.lease.on_extended(lambda lease: self._extend(key, token, lease))
        outcome = call_next(message)
        try:
            if isinstance(outcome, Handled):
                self._store.finish(key, token, keep=self._keep)
            else:
                self._store.abandon(key, token)
        except RemoteError as error:
            # The outcome stands. A duplicate that comes before the key's lease has run out waits for it.
            log.error("idempotency.not_recorded", error=error, message_id=message.id)
        return outcome

    def _left(self, key: str, token: str, message: Message) -> Outcome:
        try:
            self._store.abandon(key, token)
        except RemoteError as error:
            log.warning("idempotency.not_abandoned", error=error, message_id=message.id)
        return Deferred("its lease ran out before it could begin", timedelta(0))

    def _extend(self, key: str, token: str, lease: timedelta) -> None:
        try:
            self._store.extend(key, token, lease=lease)
        except RemoteError as error:
            log.warning("idempotency.not_extended", error=error)


class TableIdempotencyStore:
    """Keys in a table with the primary key ``key``; ``expires_at`` is the attribute for its TTL.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
    """

    def __init__(self, table: Table, *, clock: Clock | None = None) -> None:
        self._table = table
        self._clock = clock or SystemClock()

    def begin(self, key: str, *, fingerprint: str, lease: timedelta) -> Begun | InProgress | Done | Conflict:
        token = uuid4().hex
        taken = self._record(key, token, fingerprint, lease)
        try:
            self._table.save(taken, version=0)
        except ConditionFailed:
            return self._take_over(key, token, taken)
        return Begun(token)

    def extend(self, key: str, token: str, *, lease: timedelta) -> None:
        self._change(key, token, {"until": self._clock.now() + lease})

    def finish(self, key: str, token: str, *, keep: timedelta) -> None:
        until = self._clock.now() + keep
        self._change(key, token, {"done": True, "until": until, "expires_at": _epoch(until)})

    def abandon(self, key: str, token: str) -> None:
        # Without its token: a heartbeat on its way must not take the key again.
        self._change(key, token, {"until": self._clock.now(), "token": ""})

    def _take_over(
        self, key: str, token: str, taken: dict[str, object]
    ) -> Begun | InProgress | Done | Conflict:
        found = self._table.get({"key": key})
        if found is not None and found["token"] == token:  # ours: only the answer was lost
            return Begun(token)
        if found is None:  # it was there a moment ago: whoever removed it may take it again first
            return InProgress(timedelta(seconds=1))
        left = datetime.fromisoformat(found["until"]) - self._clock.now()
        if left > timedelta(0):
            if found["fingerprint"] != taken["fingerprint"]:
                return Conflict()
            return Done() if found["done"] else InProgress(left)
        try:
            self._table.save(taken, version=found[VERSION])
        except ConditionFailed:
            now = self._table.get({"key": key})
            if now is None or now["token"] != token:  # ours, when only the answer was lost
                return InProgress(timedelta(seconds=1))
        return Begun(token)

    def _record(self, key: str, token: str, fingerprint: str, lease: timedelta) -> dict[str, object]:
        until = self._clock.now() + lease
        return {
            "key": key,
            "token": token,
            "fingerprint": fingerprint,
            "done": False,
            "until": until,
            # Read again only after a crash: a day beyond the lease leaves time to look into it.
            "expires_at": _epoch(until + timedelta(days=1)),
        }

    def _change(self, key: str, token: str, changes: dict[str, object]) -> None:
        for _ in range(_CHANGE_ATTEMPTS):
            found = self._table.get({"key": key})
            # What is done is not extended any more: a heartbeat may come after the end.
            if found is None or found["token"] != token or found["done"]:
                return
            try:
                self._table.save({**found, **changes}, version=found[VERSION])
            except ConditionFailed:  # a heartbeat of ours came between, or another receiver took over
                continue
            return
        log.warning("idempotency.not_changed", key=key)


def _not_ours(found: InProgress | Done | Conflict, message: Message) -> Outcome:
    if isinstance(found, Done):
        log.info("message.duplicate", message_id=message.id)
        return HANDLED
    if isinstance(found, InProgress):
        return Deferred("a duplicate of it is being handled", found.left)
    return Rejected("another payload was sent under the same idempotency key")


def _fingerprint(message: Message) -> str:
    return hashlib.sha256(message.body.encode(errors="surrogatepass")).hexdigest()


def _epoch(moment: datetime) -> int:
    return int(moment.timestamp())
