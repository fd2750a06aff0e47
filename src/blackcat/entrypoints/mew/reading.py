"""A project's settings as they are now: read when they are needed, and again every few minutes."""

from __future__ import annotations

from datetime import timedelta
from threading import Lock
from typing import TypeVar, cast

from blackcat.application.clock import SystemClock
from blackcat.application.events import EventLog
from blackcat.application.ports import Clock
from blackcat.errors import SettingsError
from blackcat.infra.settings.configuration import Settings, filled
from blackcat.infra.settings.problems import explained

S = TypeVar("S", bound=Settings)

# As long as a secret is kept: a rotated one is taken up after so long at the latest.
KEPT = timedelta(minutes=5)

log = EventLog("blackcat.mew")


class SettingsReader:
    """Gives an instance of any class of settings, read at most every five minutes.

    The first of its classes is the project's own. A class is read when it is first asked for: what no
    request needs costs nothing, and a secret that is missing stops only what needs it. ``check`` reads
    all of them.
    """

    def __init__(self, *classes: type[Settings], clock: Clock | None = None) -> None:
        self.classes = classes or (Settings,)
        self._clock = clock or SystemClock()
        self._read: dict[type[Settings], tuple[Settings, float]] = {}
        self._lock = Lock()

    def __call__(self, kind: type[S]) -> S:
        """The settings of that class. Raises SettingsError.

        When they cannot be read again, those of the last reading hold.
        """
        with self._lock:
            known = self._read.get(kind)
            if known and self._clock.monotonic() < known[1]:
                return cast(S, known[0])
            try:
                settings = kind()
            except SettingsError as error:
                if known is None:
                    raise
                log.warning("settings.not_read_again", error=error)
                settings = cast(S, known[0])
            self._read[kind] = settings, self._clock.monotonic() + KEPT.total_seconds()
            return settings

    def forget(self) -> None:
        """Read each class anew when it is next asked for."""
        with self._lock:
            self._read.clear()

    def check(self) -> None:
        """Raises SettingsError, which names everything that is wrong in any of the classes."""
        problems = [one for kind in self.classes for one in filled(kind.__new__(kind), {})]
        if problems:
            raise SettingsError(explained(dict.fromkeys(problems)))
