"""Secrets kept for a while, and fetched anew once they are refused."""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from blackcat.application.events import EventLog
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
    fresh_until: float = -math.inf
    usable_until: float = -math.inf
    failure: TransientError | None = None
    no_fetch_before: float = -math.inf
    no_refresh_before: float = -math.inf
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
        self._ttl = ttl.total_seconds()
        self._stale = stale.total_seconds()
        self._between_refreshes = between_refreshes.total_seconds()
        self._learn = learn
        self._lock = threading.Lock()
        self._entries: defaultdict[tuple[str, str], _Entry] = defaultdict(_Entry)

    def secret(self, name: str) -> Secret:
        """One of the secrets; nothing is fetched yet."""
        return Secret(name, self)

    def get(self, name: str, *, stage: str = CURRENT, version_id: str | None = None) -> SecretValue:
        entry = self._entry(name, version_id or stage)
        known, now = entry.given, self._clock.monotonic()
        if known and now < entry.fresh_until:
            return known
        usable = known if now < entry.usable_until else None
        if not entry.lock.acquire(blocking=usable is None) and usable is not None:
            return usable  # another thread is fetching it
        try:
            return self._renewed(entry, lambda: self._fetched(name, stage, version_id))
        finally:
            entry.lock.release()

    def refused(self, value: SecretValue) -> SecretValue | None:
        """What to try instead of a value that was refused: the current version, then the pending one.

        In the middle of a rotation the database may take the pending version only. What is given here,
        ``get`` gives from then on. None when nothing else is known and the secret was fetched anew within
        the last seconds, or cannot be fetched.
        """
        entry = self._entry(value.name, CURRENT)
        with entry.lock:
            if entry.pending == value:
                entry.pending = None
            if entry.given and entry.given.version_id != value.version_id:
                return entry.given  # another thread has asked already
            now = self._clock.monotonic()
            if now < entry.no_refresh_before:
                return None
            entry.no_refresh_before = now + self._between_refreshes
            try:
                return self._successor(entry, value)
            except RemoteError as error:  # the refusal itself is the better error
                log.warning("secret.not_refreshed", error=error, secret=value.name)
                return None

    def _renewed(self, entry: _Entry, fetch: Callable[[], SecretValue]) -> SecretValue:
        now = self._clock.monotonic()
        if entry.given and now < entry.fresh_until:
            return entry.given  # by the thread that was waited for
        if entry.failure is None or now >= entry.no_fetch_before:
            try:
                return self._keep(entry, fetch())
            except TransientError as error:
                # Not at every call: one that gets no answer takes its time.
                entry.failure = error
                entry.no_fetch_before = self._clock.monotonic() + self._between_refreshes
                if entry.given:
                    log.warning("secret.not_refreshed", error=error, secret=entry.given.name)
        if entry.given and self._clock.monotonic() < entry.usable_until:
            return entry.given
        raise entry.failure.with_traceback(None)

    def _successor(self, entry: _Entry, value: SecretValue) -> SecretValue | None:
        current = self._keep(entry, self._fetched(value.name, CURRENT))
        if current.version_id != value.version_id:
            log.info("secret.refreshed", secret=value.name, stage=CURRENT)
            return current
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
        entry.fresh_until = self._clock.monotonic() + self._ttl
        entry.usable_until = entry.fresh_until + self._stale
        return value

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
    ) -> T:
        """What ``attempt`` returns with the value, or with its successor when it raises ``refused``.

        After a refusal the secret is fetched anew (at most every 5 seconds); if the current version is
        the one that was refused, the pending one of a rotation is tried, once. Raises the refusal when
        none is left.
        """
        value = self.get()
        tried = {value.version_id}
        while True:
            try:
                return attempt(value)
            except refused:
                successor = self._secrets.refused(value)
                if successor is None or successor.version_id in tried:
                    raise
                value = successor
                tried.add(value.version_id)
