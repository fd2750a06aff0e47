"""The process's credentials: those that botocore's providers give, asked for at each call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from botocore.credentials import RefreshableCredentials
from botocore.exceptions import CredentialRetrievalError, NoCredentialsError

from blackcat.adapters_aws.errors import refuses_credentials
from blackcat.application.events import EventLog

# Who has just given none, or none that last, is not asked again for so long.
PAUSE_SECONDS = 30.0

# What botocore's providers run into when they are answered with something unexpected.
_NOT_UNDERSTOOD = (AttributeError, KeyError, TypeError, ValueError)

log = EventLog(__name__)


class ProcessCredentials:
    """botocore's credentials for all clients of a process; safe to share between threads.

    ``load`` looks through botocore's providers, and does so at the first call. botocore renews
    credentials that end when 15 minutes are left. While that fails, those at hand serve until they end;
    when AWS refuses them, ``load`` is asked again.
    https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
    """

    def __init__(self, load: Callable[[], Any], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._load = load
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._source: Any = None
        self._held: Any = None
        self._resting_until = float("-inf")
        self._reloaded_at = float("-inf")
        self._changed_at = float("-inf")

    @property
    def renewable(self) -> bool:
        """Whether they come from a provider that will give others."""
        return isinstance(self._source, RefreshableCredentials)

    def get_frozen_credentials(self) -> Any:
        """Those to sign one request with. Raises what botocore's providers raise when there are none."""
        if self._held is not None and not self._near_end():
            return self._held
        # One thread asks for others; the rest go on with those at hand, while they hold.
        if not self._lock.acquire(blocking=not self._usable()):
            return self._held
        try:
            return self._renewed()
        finally:
            self._lock.release()

    def retry_refused(self, *, response: Any, attempts: int, **_: Any) -> float | None:
        """Handles botocore's event needs-retry: another attempt, at once, if others replace those refused."""
        if attempts > 1 or response is None or not refuses_credentials(response[1]):
            return None
        return 0.0 if self._replaced() else None

    def _renewed(self) -> Any:
        if self._usable() and self._monotonic() < self._resting_until:
            return self._held
        try:
            self._take(self._source)
        except Exception as error:
            if not self._usable():
                raise
            log.warning("credentials.not_renewed", reason=str(error), ask_again_in_seconds=PAUSE_SECONDS)
        if self._near_end():
            self._resting_until = self._monotonic() + PAUSE_SECONDS
        return self._held

    def _replaced(self) -> bool:
        with self._lock:
            if self._monotonic() - self._reloaded_at >= PAUSE_SECONDS:
                self._reloaded_at = self._monotonic()
                try:
                    self._take(None)
                except Exception as error:
                    log.warning("credentials.not_renewed", reason=str(error))
            # Another thread's refusal may have had them replaced just before.
            return self._monotonic() - self._changed_at < PAUSE_SECONDS

    def _take(self, source: Any) -> None:
        try:
            source = source or self._load()
            if source is None:
                raise NoCredentialsError
            frozen = source.get_frozen_credentials()
        except _NOT_UNDERSTOOD as error:
            provider = getattr(source, "method", None) or "the first that is set up"
            detail = f"its answer cannot be used ({type(error).__name__}: {error})"
            raise CredentialRetrievalError(provider=provider, error_msg=detail) from error
        self._source, before, self._held = source, self._held, frozen
        if before is None:
            log.info("credentials.found", provider=source.method)
        elif before != frozen:
            self._changed_at = self._monotonic()
            log.info("credentials.renewed", provider=source.method)

    def _near_end(self) -> bool:
        return self.renewable and self._source.refresh_needed()

    def _usable(self) -> bool:
        ended = self.renewable and self._source.refresh_needed(refresh_in=0)
        return self._held is not None and not ended

    # What else botocore's clients ask of credentials.

    @property
    def method(self) -> str | None:
        return getattr(self._source, "method", None)

    @property
    def access_key(self) -> str:
        return str(self.get_frozen_credentials().access_key)

    @property
    def secret_key(self) -> str:
        return str(self.get_frozen_credentials().secret_key)

    @property
    def token(self) -> str | None:
        token: str | None = self.get_frozen_credentials().token
        return token

    @property
    def account_id(self) -> str | None:
        return getattr(self.get_frozen_credentials(), "account_id", None)

    def get_deferred_property(self, name: str) -> Callable[[], Any]:
        return lambda: getattr(self, name, None)
