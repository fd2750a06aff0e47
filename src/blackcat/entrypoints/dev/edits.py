"""Edits of the project's files, told once they have settled."""

from __future__ import annotations

import time
from pathlib import Path

from blackcat.application.dev.changes import changed
from blackcat.infra.project.source_files import snapshot

# A walk over a few hundred files takes milliseconds: cheap enough, and the same on every system.
_BETWEEN_LOOKS_SECONDS = 0.4


class Edits:
    """Looks at the files' times; what is still being written is left to the next look."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._running = self._told = self._seen = snapshot(root)
        self._looked = time.monotonic()

    def settled(self) -> list[Path] | None:
        """The files that differ from those that run; None when nothing new is to be told."""
        if time.monotonic() < self._looked + _BETWEEN_LOOKS_SECONDS:
            return None
        before, self._seen = self._seen, snapshot(self._root)
        self._looked = time.monotonic()
        if self._seen != before or self._seen == self._told:
            return None
        self._told = self._seen
        return changed(self._running, self._told)

    def taken(self) -> None:
        """What was told last runs from now on."""
        self._running = self._told
