"""What the clients of external services share: errors, and calls that are tried again where that is safe."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import cache, cached_property
from http import HTTPStatus
from random import Random
from typing import TYPE_CHECKING, Any

# Imported where it is used: what calls no service does not wait for it at a cold start.
if TYPE_CHECKING:
    from ssl import SSLContext

    import httpx

    Authorize = Callable[[httpx.Request], httpx.Request]

log = logging.getLogger(__name__)

LONGEST_QUOTE = 300
# Lambda freezes the process between invocations: a connection kept longer than this is likely dead.
KEEPALIVE_SECONDS = 15.0
CONNECT_SECONDS = 3.0


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(timezone.utc)


class ServiceError(Exception):
    """An external service did not do what it was asked.

    ServiceError
    ├── ServiceUnavailable      no answer, one in the 500s, too many requests: later it may work (transient)
    ├── RequestRefused          understood, and refused: no credit or quota left, a conflict (402, 409)
    ├── RequestInvalid          it has to be asked otherwise (the other 400s)
    └── AuthenticationFailed    the key is wrong, or may not do this (401, 403)
    """

    transient = False

    def __init__(self, service: str, detail: str, *, status: int | None = None) -> None:
        super().__init__(f"{service}: {detail}")
        self.service = service
        self.detail = detail
        self.status = status


class ServiceUnavailable(ServiceError):
    """The same request may succeed later."""

    transient = True


class RequestRefused(ServiceError):
    """The request was understood, and the service will not do it."""


class RequestInvalid(ServiceError):
    """The request is not as the service wants it."""


class AuthenticationFailed(ServiceError):
    """The service does not accept the key."""


@dataclass(frozen=True)
class Attempts:
    """How often and how long one call is tried: ``seconds`` are for all attempts and the waits between."""

    most: int = 3
    seconds: float = 20.0
    first_wait: float = 0.25
    longest_wait: float = 5.0


@dataclass(frozen=True, kw_only=True)
class HttpService:
    """JSON over HTTP with one external service, through one client that keeps its connections.

    ``connect`` makes the client at the first call: what calls no service needs none of its settings.
    A request that never reached the service, or that it put off (429), is tried again. One that may have been
    carried out is tried again only if it is ``repeatable``: it changes nothing, or has an idempotency key.
    """

    name: str
    connect: Callable[[], httpx.Client] = field(repr=False)
    attempts: Attempts = Attempts()
    sleep: Callable[[float], None] = time.sleep
    random: Random = field(default_factory=Random, repr=False)

    @cached_property
    def client(self) -> httpx.Client:
        return self.connect()

    def post(
        self,
        path: str,
        body: Mapping[str, Any],
        *,
        repeatable: bool,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The answer's JSON object. Raises ServiceError."""
        from httpx import RequestError

        ends = time.monotonic() + self.attempts.seconds
        for wait in self._waits():
            try:
                return self._answer(self._sent(path, body, headers or {}, ends - time.monotonic()))
            except (_NotNow, RequestError) as problem:
                may_repeat = repeatable or _was_not_carried_out(problem)
                pause = max(wait or 0, problem.retry_after if isinstance(problem, _NotNow) else 0)
                if not may_repeat or wait is None or time.monotonic() + pause >= ends:
                    raise self._unavailable(problem) from problem
                fields = {"service": self.name, "reason": _reason(problem)}
                log.warning("service.retried", extra={"fields": fields})
                self.sleep(pause)
        raise AssertionError("the last wait is None")

    def _sent(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, str], seconds: float
    ) -> httpx.Response:
        """In as much of the client's own timeouts as is left."""
        from httpx import Timeout

        timeouts = self.client.timeout.as_dict().items()
        left = {name: min(own or seconds, max(seconds, 0.001)) for name, own in timeouts}
        return self.client.post(path, json=body, headers=dict(headers), timeout=Timeout(**left))

    def _waits(self) -> Iterator[float | None]:
        """How long to wait after each attempt; None after the last one."""
        for attempt in range(self.attempts.most - 1):
            longest = min(self.attempts.first_wait * 2**attempt, self.attempts.longest_wait)
            yield self.random.uniform(0, longest)
        yield None

    def _answer(self, response: httpx.Response) -> dict[str, Any]:
        status = response.status_code
        if (status in (408, 429) or status >= 500) and not _is_out_of_quota(response):
            raise _NotNow(status, _retry_after(response))
        if response.is_success:
            return self._object(response)
        if status in (401, 403):
            # Not the answer's own text: some services quote a part of the key.
            raise AuthenticationFailed(self.name, f"its key is not accepted ({status})", status=status)
        kind = RequestRefused if status in (402, 409, 429) else RequestInvalid
        raise kind(self.name, f"{_message(response)} ({status})", status=status)

    def _object(self, response: httpx.Response) -> dict[str, Any]:
        with suppress(ValueError):
            found = response.json()
            if isinstance(found, dict):
                return found
        raise _NotNow(response.status_code, 0, "the answer is no JSON object")

    def _unavailable(self, problem: _NotNow | httpx.RequestError) -> ServiceUnavailable:
        status = problem.status if isinstance(problem, _NotNow) else None
        return ServiceUnavailable(self.name, f"{_reason(problem)}; try again later", status=status)


class _NotNow(Exception):
    """An answer that says: not now."""

    def __init__(self, status: int, retry_after: float, detail: str = "") -> None:
        super().__init__(detail or f"it answered {status}")
        self.status = status
        self.retry_after = retry_after


def http_client(base_url: str, *, seconds: float, authorize: Authorize) -> httpx.Client:
    """One client for all calls of this process."""
    from httpx import Client, Limits, Timeout

    return Client(
        base_url=base_url,
        auth=authorize,
        verify=_tls(),
        timeout=Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
        limits=Limits(max_connections=10, keepalive_expiry=KEEPALIVE_SECONDS),
        follow_redirects=False,
    )


@cache
def _tls() -> SSLContext:
    """One for all clients: it reads every certificate that the machine trusts, which takes its time."""
    from httpx import create_ssl_context

    return create_ssl_context()


def _was_not_carried_out(problem: _NotNow | httpx.RequestError) -> bool:
    from httpx import ConnectError, ConnectTimeout, PoolTimeout

    if isinstance(problem, _NotNow):
        return problem.status == HTTPStatus.TOO_MANY_REQUESTS
    return isinstance(problem, ConnectError | ConnectTimeout | PoolTimeout)


def _is_out_of_quota(response: httpx.Response) -> bool:
    """OpenAI's 429 for an account without credit, which no wait mends."""
    return response.status_code == HTTPStatus.TOO_MANY_REQUESTS and "insufficient_quota" in response.text


def _reason(problem: _NotNow | httpx.RequestError) -> str:
    from httpx import TimeoutException

    if isinstance(problem, TimeoutException):
        return "no answer in time"
    return str(problem) or type(problem).__name__


def _retry_after(response: httpx.Response) -> float:
    """Seconds; the header has either these or a date. What is neither counts as 0."""
    said = response.headers.get("retry-after", "")
    if said.isdecimal():
        return float(said)
    try:
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(timezone.utc)).total_seconds())
    except (TypeError, ValueError):
        return 0.0


def _message(response: httpx.Response) -> str:
    """What the service says is wrong, in the shapes of OpenAI and Pagar.me."""
    try:
        body = response.json()
        error = body.get("error", body)
        said = [str(error["message"])]
        for at, texts in (error.get("errors") or {}).items():
            said.append(f"{at}: {texts if isinstance(texts, str) else ' '.join(texts)}")
    except (AttributeError, KeyError, TypeError, ValueError):
        said = ["the request was not accepted"]
    return "; ".join(said)[:LONGEST_QUOTE]
