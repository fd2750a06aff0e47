"""Secrets kept for a while, and fetched anew once they are refused."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from blackcat.application.events import EventLog
from blackcat.application.moment import Moment
from blackcat.application.ports import Clock, SecretStore
from blackcat.domain.secret import CURRENT, PENDING, SecretValue
from blackcat.errors import RemoteError, SecretNotFound, TransientError

TTL = timedelta(minutes=5)
STALE = timedelta(hours=1)
# Refused credentials come in swarms: every connection of every pool at once.
BETWEEN_REFRESHES = timedelta(seconds=5)

T = TypeVar("T")

log = EventLog(__name__)


@dataclass
class _Entry:
    """What is known of one secret and stage; a pending version stands in for a refused one."""

    value: SecretValue | None = None
    pending: SecretValue | None = None
    fetched: Moment | None = None
    failure: TransientError | None = None
    failed: Moment | None = None
    refreshed: Moment | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def given(self) -> SecretValue | None:
        return self.pending or self.value


class CachedSecrets:
    """A SecretStore that asks another one once per ``ttl`` and secret. Safe to share between threads.

    One thread fetches; the others wait for it, or go on with the value that is known. While AWS cannot be
    reached (a TransientError), a known value is given for up to ``stale`` beyond its ``ttl``, so that a
    service outlives an outage of Secrets Manager. That a secret is gone or denied is told at once.
    ``learn`` gets every value that is fetched: it tells the redactor.
    """

    def __init__(
        self,
        store: SecretStore,
        *,
        clock: Clock,
        ttl: timedelta = TTL,
        stale: timedelta = STALE,
        between_refreshes: timedelta = BETWEEN_REFRESHES,
        learn: Callable[[SecretValue], None] = lambda value: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ttl = ttl
        self._usable = ttl + stale
        self._between_refreshes = between_refreshes
        self._learn = learn
        self._lock = threading.Lock()
        self._entries: defaultdict[tuple[str, str], _Entry] = defaultdict(_Entry)

    def secret(self, name: str) -> Secret:
        """One of the secrets; nothing is fetched yet."""
        return Secret(name, self)

    def get(self, name: str, *, stage: str = CURRENT, version_id: str | None = None) -> SecretValue:
        entry = self._entry(name, version_id or stage)
        known = entry.given
        if known and self._within(self._ttl, entry.fetched):
            return known
        usable = known if self._within(self._usable, entry.fetched) else None
        if not entry.lock.acquire(blocking=usable is None) and usable is not None:
            return usable  # another thread is fetching it
        try:
            return self._renewed(entry, lambda: self._fetched(name, stage, version_id))
        finally:
            entry.lock.release()

    def refused(self, value: SecretValue, *, pending: bool = True) -> SecretValue | None:
        """What to try instead of a value that was refused: the current version, then the pending one.

        In the middle of a rotation the database may take the pending version only; ``pending=False`` leaves
        it out. What is given here, ``get`` gives from then on. None when nothing else is known and the
        secret was fetched anew within the last seconds, or cannot be fetched.
        """
        entry = self._entry(value.name, CURRENT)
        with entry.lock:
            if entry.pending == value:
                entry.pending = None
            if entry.given and entry.given.version_id != value.version_id:
                return entry.given  # another thread has asked already
            if self._within(self._between_refreshes, entry.refreshed):
                return None
            entry.refreshed = Moment.now(self._clock)
            try:
                return self._successor(entry, value, pending)
            except RemoteError as error:  # the refusal itself is the better error
                log.warning("secret.not_refreshed", error=error, secret=value.name)
                return None

    def _renewed(self, entry: _Entry, fetch: Callable[[], SecretValue]) -> SecretValue:
        if entry.given and self._within(self._ttl, entry.fetched):
            return entry.given  # by the thread that was waited for
        if entry.failure is None or not self._within(self._between_refreshes, entry.failed):
            try:
                return self._keep(entry, fetch())
            except TransientError as error:
                # Not at every call: one that gets no answer takes its time.
                entry.failure, entry.failed = error, Moment.now(self._clock)
                if entry.given:
                    log.warning("secret.not_refreshed", error=error, secret=entry.given.name)
        if entry.given and self._within(self._usable, entry.fetched):
            return entry.given
        raise entry.failure.with_traceback(None)

    def _successor(self, entry: _Entry, value: SecretValue, pending: bool) -> SecretValue | None:
        current = self._keep(entry, self._fetched(value.name, CURRENT))
        if current.version_id != value.version_id:
            log.info("secret.refreshed", secret=value.name, stage=CURRENT)
            return current
        return self._pending(entry, value) if pending else None

    def _pending(self, entry: _Entry, value: SecretValue) -> SecretValue | None:
        try:
            pending = self._fetched(value.name, PENDING)
        except SecretNotFound:
            return None  # no rotation is under way
        if pending.version_id == value.version_id:
            return None
        log.info("secret.refreshed", secret=value.name, stage=PENDING)
        entry.pending = pending
        return pending

    def _fetched(self, name: str, stage: str, version_id: str | None = None) -> SecretValue:
        found = self._store.get(name, stage=stage, version_id=version_id)
        self._learn(found)
        return found

    def _keep(self, entry: _Entry, value: SecretValue) -> SecretValue:
        entry.value, entry.pending, entry.failure = value, None, None
        entry.fetched = Moment.now(self._clock)
        return value

    def _within(self, time: timedelta, since: Moment | None) -> bool:
        return since is not None and Moment.now(self._clock) - since < time

    def _entry(self, name: str, version: str) -> _Entry:
        with self._lock:
            return self._entries[name, version]


class Secret:
    """One secret, as ``connect(secret)`` gives it: its value as it is now. Safe to share between threads.

    Ask for the value each time that it is needed, such as at each connection: it changes when the secret
    is rotated.
    """

    def __init__(self, name: str, secrets: CachedSecrets) -> None:
        self.name = name
        self._secrets = secrets

    def get(self, *, stage: str = CURRENT, version_id: str | None = None) -> SecretValue:
        """The value, fetched at most every 5 minutes. Raises RemoteError, such as SecretNotFound."""
        return self._secrets.get(self.name, stage=stage, version_id=version_id)

    def use(
        self,
        attempt: Callable[[SecretValue], T],
        *,
        refused: type[Exception] | tuple[type[Exception], ...],
        pending: bool = True,
    ) -> T:
        """What ``attempt`` returns with the value, or with its successor when it raises ``refused``.

        After a refusal the secret is fetched anew (at most every 5 seconds); if the current version is
        the one that was refused, the pending one of a rotation is tried, once, unless ``pending`` is False.
        Raises the refusal when none is left.
        """
        value = self.get()
        tried = {value.version_id}
        while True:
            try:
                return attempt(value)
            except refused:
                successor = self._secrets.refused(value, pending=pending)
                if successor is None or successor.version_id in tried:
                    raise
                value = successor
                tried.add(value.version_id)
