"""One connection to the broker, kept by a thread of its own: pika's are not safe to share."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pika
from pika.adapters.blocking_connection import BlockingChannel

from blackcat.adapters_rabbitmq.deliveries import Deliveries
from blackcat.adapters_rabbitmq.errors import CONNECTION_ERRORS, SERVICE, translated
from blackcat.errors import ConfigurationError, NotFound, QueueNotFound, Unreachable

T = TypeVar("T")

# How long one call may take, the connection included; a call that took longer may still have its effect.
CALL_TIMEOUT_SECONDS = 60.0
# How often the thread looks up from waiting although nobody called it.
_TICK_SECONDS = 1.0


@dataclass(frozen=True)
class RabbitOptions:
    """Where the broker is: ``amqp://user:password@host:5672/vhost``, or ``amqps://`` for TLS.

    pika's parameters may follow as a query, such as ``?heartbeat=30&blocked_connection_timeout=20``.
    Raises ConfigurationError.

    https://www.rabbitmq.com/docs/uri-query-parameters
    """

    url: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.url.startswith(("amqp://", "amqps://")):
            raise ConfigurationError("RABBITMQ_URL must begin with amqp:// or amqps://")

    @property
    def address(self) -> str:
        """The host and port, without user and password."""
        parameters = pika.URLParameters(self.url)
        return f"{parameters.host}:{parameters.port}"


class Session:
    """A connection as its own thread sees it; nobody else may touch it."""

    def __init__(self, options: RabbitOptions) -> None:
        parameters = pika.URLParameters(options.url)
        if parameters.blocked_connection_timeout is None:
            # A broker short of memory or disk keeps publishers waiting for ever.
            parameters.blocked_connection_timeout = CALL_TIMEOUT_SECONDS / 2
        self.connection = pika.BlockingConnection(parameters)
        self._publishing: BlockingChannel | None = None
        self.deliveries = Deliveries(self.connection)

    def publishing(self) -> BlockingChannel:
        """A channel on which the broker confirms what it has taken."""
        if self._publishing is None or not self._publishing.is_open:
            self._publishing = self.connection.channel()
            self._publishing.confirm_delivery()
        return self._publishing

    @contextlib.contextmanager
    def asking(self) -> Iterator[BlockingChannel]:
        """A channel for one question: the broker closes a channel whose question it refuses."""
        channel = self.connection.channel()
        try:
            yield channel
        finally:
            if channel.is_open:
                channel.close()


@dataclass(frozen=True)
class _Call:
    function: Callable[[Session], Any]
    answer: Future[Any] = field(default_factory=Future)


class RabbitConnection:
    """Connects at the first call, and again after the connection was lost. Safe to share between threads.

    A forked child gets a connection of its own.
    """

    def __init__(self, options: RabbitOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._line: _Line | None = None
        self._owner = 0

    def call(
        self,
        function: Callable[[Session], T],
        *,
        operation: str,
        resource: str,
        missing: type[NotFound] = QueueNotFound,
    ) -> T:
        """What ``function`` returns, called in the connection's thread.

        Raises RemoteError; ``missing`` for a resource that is not there.
        """
        call = _Call(function)
        self._take(call)
        wait([call.answer], timeout=CALL_TIMEOUT_SECONDS)
        if not call.answer.done():
            detail = f"no answer within {CALL_TIMEOUT_SECONDS:.0f} seconds"
            raise Unreachable(detail, service=SERVICE, operation=operation, resource=resource)
        try:
            answer: T = call.answer.result()
        except CONNECTION_ERRORS as error:
            raise translated(error, operation, resource, missing) from error
        return answer

    def close(self) -> None:
        """Ends the connection; the broker gives what is still held to others at once."""
        with self._lock:
            line, self._line = self._line, None
        if line is not None and self._owner == os.getpid():
            line.close()

    def _take(self, call: _Call) -> None:
        with self._lock:
            if self._line is None or self._owner != os.getpid() or not self._line.put(call):
                self._line, self._owner = _Line(self._options, call), os.getpid()


class _Line:
    """The thread of one connection, and the calls that wait for it."""

    def __init__(self, options: RabbitOptions, first: _Call) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._calls = [first]  # before the thread starts, which may fail at once
        self._session: Session | None = None
        self._open = True
        self._thread = threading.Thread(target=self._run, name="rabbitmq", daemon=True)
        self._thread.start()

    def put(self, call: _Call) -> bool:
        """Whether the call was taken: not once the connection is gone."""
        with self._lock:
            if not self._open:
                return False
            self._calls.append(call)
            self._wake()
            return True

    def close(self) -> None:
        with self._lock:
            self._open = False
            self._wake()
        self._thread.join(CALL_TIMEOUT_SECONDS)

    def _wake(self) -> None:
        if self._session is not None:
            # Closed meanwhile: then the thread is on its way to fail what waits.
            with contextlib.suppress(*CONNECTION_ERRORS):
                self._session.connection.add_callback_threadsafe(_nothing)

    def _run(self) -> None:
        failure: Exception = Unreachable("the connection was closed", service=SERVICE)
        try:
            session = Session(self._options)
            with self._lock:
                self._session = session
            self._serve(session)
        except Exception as error:  # who waits must hear of it, whatever it is
            failure = error
        for call in self._end():
            call.answer.set_exception(failure)

    def _serve(self, session: Session) -> None:
        while self._open and session.connection.is_open:
            for call in self._waiting():
                _answer(call, session)
            session.connection.process_data_events(time_limit=_TICK_SECONDS)
        session.connection.close()

    def _waiting(self) -> list[_Call]:
        with self._lock:
            calls, self._calls = self._calls, []
        return calls

    def _end(self) -> list[_Call]:
        with self._lock:
            self._open, self._session = False, None
        return self._waiting()


def _answer(call: _Call, session: Session) -> None:
    try:
        result = call.function(session)
    except Exception as error:  # belongs to the caller, whatever it is
        call.answer.set_exception(error)
    else:
        call.answer.set_result(result)


def _nothing() -> None:
    """Ends the wait of process_data_events."""
