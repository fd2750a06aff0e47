"""A start that fails is told in our log and to Lambda, without secrets, whatever it was that failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from blackcat.application.events import EventLog
from blackcat.application.handler import described
from blackcat.errors import ConfigurationError, EntrypointError, InjectionError
from blackcat.infra.redaction import redactor

log = EventLog("blackcat")


@contextmanager
def told_when_not_started() -> Iterator[None]:
    """Log what fails in the block, and raise it as ConfigurationError.

    Nothing else may leave an init phase: Lambda shows an error as it is, Python takes an AttributeError of
    the handler's module for a name that is not there, and a SystemExit tells nothing.
    """
    try:
        yield
    except ConfigurationError as error:
        shown = error.__cause__ if isinstance(error, EntrypointError | InjectionError) else None
        log.error("service.not_started", error=shown, reason=str(error))
        if (safe := redactor.text(str(error))) == str(error):
            raise
        raise ConfigurationError(safe) from None
    except (Exception, SystemExit) as error:
        reason = redactor.text(f"the project's code failed with {described(error)}")
        log.error("service.not_started", error=error, reason=reason)
        raise ConfigurationError(reason) from None
