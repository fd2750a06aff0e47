"""A lock that one holder has at a time: a lease in a table, with a fencing token."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from blackcat.application.events import EventLog
from blackcat.application.ports import Clock, Table
from blackcat.domain.item import VERSION
from blackcat.errors import ConditionFailed, ConfigurationError

log = EventLog("blackcat.lock")

# Three renewals may fail before the lease runs out.
BEATS_PER_LEASE = 4

RAN_OUT = "its lease ran out before it was renewed: the process was paused, or the table away"

# Who writes between is an earlier write of ours, whose answer got lost: hardly twice.
_WRITES = 3

Wait = Callable[[float], bool]
"""Waits so many seconds; True when asked to give up before."""

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Held:
    """Another holder has the lock since a time, and ``until`` another, unless it renews its lease."""

    holder: str
    since: datetime
    until: datetime
    last_success: datetime | None


class TableLock:
    """The lock ``name``: an item of a table with the primary key ``name``.

    Its holder renews the lease; when it has crashed, the lease runs out and the next one takes over.
    The clocks of machines need not agree for that: a lease that is over by the taker's clock is watched
    for as long once more, by the taker's own monotonic seconds, and taken over only when nobody has
    renewed it meanwhile. A wrong clock makes a taker wait or give up, never two go at once.

    A holder that was paused may find itself overtaken: what it then writes can be told by its fencing
    token. Tokens grow from one taking to the next. They begin at the milliseconds since 1970, so that
    they go on growing when the item, or the whole table, was deleted.
    """

    def __init__(self, *, table: Table, name: str, holder: str, lease: timedelta, clock: Clock) -> None:
        self._table = table
        self._name = name
        self._holder = holder
        self._lease = lease
        self._clock = clock

    def acquire(self, wait: Wait) -> Lease | Held | None:
        """The lease, or who has it; None when ``wait`` said to give up.

        It waits only for what a crashed holder left: up to its whole lease. Raises RemoteError, or
        ConfigurationError when the table has something else under its name.
        """
        watch: _Watch | None = None
        while True:
            found = self._found()
            if found is None or not found["holder"] or (watch and watch.is_over(found)):
                if lease := self._take(found):
                    return lease
            elif watch is None and self._is_over(found):
                watch = _Watch(found, self._clock)
                log.warning("lock.watched", lock=self._name, holder=found["holder"], seconds=watch.left)
            elif watch is None or watch.is_renewed(found):
                return _held(found)
            elif wait(watch.pause):
                return None

    def _found(self) -> Record | None:
        found = self._table.get({"name": self._name})
        if found is not None and not self._is_lock(found):
            raise ConfigurationError(
                f"the table '{self._table.name}' holds an item '{self._name}' that is no lock of Blackcat's: "
                "delete it, and let nothing else write to this table"
            )
        return found

    def _is_lock(self, found: Record) -> bool:
        """Whether all that is read of it can be read."""
        try:
            _held(found)
            _identity(found)
            self._is_over(found)
            found["token"] + 1
        except (ArithmeticError, LookupError, TypeError, ValueError):
            return False
        return True

    def _is_over(self, found: Record) -> bool:
        """Also when it lasts so long that one of the two clocks must be wrong."""
        left = datetime.fromisoformat(found["until"]) - self._clock.now()
        return not timedelta(0) < left <= 2 * _lease_of(found)

    def _take(self, found: Record | None) -> Lease | None:
        """None when another was faster."""
        asked_at, now = self._clock.monotonic(), self._clock.now()
        record = {
            "name": self._name,
            "run": uuid4().hex,
            "holder": self._holder,
            "token": max(int(now.timestamp() * 1000), found["token"] + 1 if found else 0),
            "since": now.isoformat(),
            "until": (now + self._lease).isoformat(),
            "lease_seconds": self._lease.total_seconds(),
            "last_success": found["last_success"] if found else None,
        }
        try:
            version = self._table.save(record, version=found[VERSION] if found else 0)
        except ConditionFailed:
            now_there = self._table.get({"name": self._name})
            if now_there is None or now_there.get("run") != record["run"]:
                return None
            version = now_there[VERSION]  # ours: only the answer was lost
        return Lease(table=self._table, record=record, version=version, taken_at=asked_at, clock=self._clock)


class Lease:
    """The lock while it is ours, on our own monotonic clock. Safe to share between threads."""

    def __init__(self, *, table: Table, record: Record, version: int, taken_at: float, clock: Clock) -> None:
        self._table = table
        self._record = dict(record)
        self._version = version
        self._seconds = _lease_of(record).total_seconds()
        self._ends = taken_at + self._seconds
        self._clock = clock
        self._writing = threading.Lock()
        self._released = False
        self._loss = ""

    @property
    def token(self) -> int:
        """Greater than that of everyone who had the lock before."""
        return int(self._record["token"])

    @property
    def last_success(self) -> datetime | None:
        return _last_success(self._record)

    @property
    def loss(self) -> str:
        """Why it is no longer ours; empty until a renewal or the release has found that."""
        return self._loss

    @property
    def interval(self) -> float:
        """Seconds from one renewal to the next."""
        return self._seconds / BEATS_PER_LEASE

    @property
    def left(self) -> float:
        """Seconds until it runs out unless it is renewed; 0.0 when it has."""
        return max(0.0, self._ends - self._clock.monotonic())

    def renew(self) -> bool:
        """Whether it is still ours. Once it has run out it is never renewed. Raises RemoteError."""
        with self._writing:
            if self._released:
                return True
            if not self.left:
                self._loss = RAN_OUT
                return False
            asked_at = self._clock.monotonic()
            ours = self._write({"until": (self._clock.now() + timedelta(seconds=self._seconds)).isoformat()})
            if ours:
                self._ends = asked_at + self._seconds
            return ours

    def release(self, *, succeeded: bool) -> bool:
        """Let the next one take it at once; whether nobody had taken it before. Raises RemoteError."""
        with self._writing:
            self._released = True
            now = self._clock.now().isoformat()
            success = {"last_success": now} if succeeded else {}
            return self._write({"holder": "", "until": now, **success})

    def _write(self, changes: Record) -> bool:
        record = {**self._record, **changes}
        for _ in range(_WRITES):
            try:
                self._version = self._table.save(record, version=self._version)
            except ConditionFailed:
                found = self._table.get({"name": record["name"]})
                if found is None or found.get("run") != record["run"]:
                    self._loss = self._told(found)
                    return False
                self._version = found[VERSION]  # ours: the answer to this write or an earlier one was lost
                if found != {**record, VERSION: self._version}:
                    continue
            self._record = record
            return True
        self._loss = f"others keep writing to its item in the table '{self._table.name}'"
        return False

    def _told(self, found: Record | None) -> str:
        """What has become of the item, which is no longer ours."""
        if found is None:
            return f"its item was deleted from the table '{self._table.name}'"
        if "run" not in found or "holder" not in found:
            return f"something else was written over its item in the table '{self._table.name}'"
        return f"{found['holder'] or 'another run, which has ended since,'} has taken it"


class _Watch:
    """A lease that seems to be over, until it is known."""

    def __init__(self, found: Record, clock: Clock) -> None:
        self._seen = _identity(found)
        self._clock = clock
        self._seconds = _lease_of(found).total_seconds()
        self._ends = clock.monotonic() + self._seconds

    @property
    def left(self) -> float:
        return max(0.0, self._ends - self._clock.monotonic())

    @property
    def pause(self) -> float:
        return min(self._seconds / BEATS_PER_LEASE, self.left)

    def is_renewed(self, found: Record) -> bool:
        return _identity(found) != self._seen

    def is_over(self, found: Record) -> bool:
        return not self.is_renewed(found) and not self.left


def _identity(found: Record) -> tuple[str, int]:
    return found["run"], found[VERSION]


def _lease_of(found: Record) -> timedelta:
    return timedelta(seconds=float(found["lease_seconds"]))


def _held(found: Record) -> Held:
    return Held(
        holder=found["holder"],
        since=datetime.fromisoformat(found["since"]),
        until=datetime.fromisoformat(found["until"]),
        last_success=_last_success(found),
    )


def _last_success(found: Record) -> datetime | None:
    text = found["last_success"]
    return datetime.fromisoformat(text) if text else None
