"""Log events with fields, through the standard library: no vendor, and silent until configured."""

from __future__ import annotations

import logging
from typing import Any


class EventLog:
    """Logs events (``message.handled``) with fields; ``blackcat.infra.logs.logs`` renders and redacts them.

    An ``error`` gives the line its exception and, for a RemoteError, the fields of the failed call.
    """

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, **fields: Any) -> None:
        self._log(logging.DEBUG, event, None, fields)

    def info(self, event: str, **fields: Any) -> None:
        self._log(logging.INFO, event, None, fields)

    def warning(self, event: str, *, error: BaseException | None = None, **fields: Any) -> None:
        self._log(logging.WARNING, event, error, fields)

    def error(self, event: str, *, error: BaseException | None = None, **fields: Any) -> None:
        self._log(logging.ERROR, event, error, fields)

    def _log(self, level: int, event: str, error: BaseException | None, fields: dict[str, Any]) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, event, exc_info=error, extra={"fields": fields})
