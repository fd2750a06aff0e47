"""Gunicorn whose workers are replaced before they end, so that no request meets a worker that goes.

A worker that has served enough requests, or in which one is stuck, asks for a replacement and goes on.
Once the replacement serves, the old one stops accepting, closes each connection with its next answer or
when it was idle for longer than balancers keep it, and ends. (Gunicorn's own ``max_requests`` ends a
worker first, and starts the next one then.)

The worker's loop never waits for a client: it accepts, it gives requests to threads, and it ends what
clients keep open for too long.
"""

from __future__ import annotations

import logging
import os
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from mmap import mmap
from random import randint
from socket import MSG_DONTWAIT, MSG_PEEK, SHUT_WR, socket
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from blackcat.application.events import EventLog
from blackcat.entrypoints.exit_status import FAILED
from blackcat.entrypoints.rest_api.arrivals import Arrivals, BodyArrival
from blackcat.entrypoints.rest_api.bodies import ARRIVAL, UNUSABLE
from blackcat.entrypoints.rest_api.lingering import Lingering
from blackcat.entrypoints.rest_api.running import RunningRequests

log = EventLog("blackcat.api")

_LOOK_SECONDS = 1.0
# A request line and its headers are one packet or a few.
_HEAD_SECONDS = 10.0
# What a stopping worker gives a request that is on its way; gunicorn's own figure for kept connections.
_LAST_HEAD_SECONDS = 2.0
# Once every thread is held for this long, who connects now had better wait for another worker.
_HELD_SECONDS = 5.0
_ANSWER_TO_WHO_WAITS = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
)


class Flag:
    """A bit that processes share after a fork: set once, by one of them."""

    def __init__(self) -> None:
        self._byte = mmap(-1, 1)

    def set(self) -> None:
        self._byte[0] = 1

    def is_set(self) -> bool:
        return self._byte[0] != 0


@dataclass(frozen=True)
class Serving:
    """What a worker has to know beyond gunicorn's own configuration.

    ``stopping`` is set when the whole server was asked to stop. ``max_requests`` of 0 means any number,
    ``last_seconds`` is how long a replaced worker may take to end, ``drain_seconds`` one that was stopped.
    """

    stopping: Flag
    running: RunningRequests
    max_requests: int
    jitter: int
    last_seconds: float
    drain_seconds: float

    def limit(self) -> int | None:
        return self.max_requests + randint(0, self.jitter) if self.max_requests else None


class RecyclingWorker(ThreadWorker):
    """A threaded worker with an end in steps; it is made in the master and runs after the fork."""

    app: Any  # the server's own application, which has `serving`

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._serving: Serving = self.app.serving
        self._limit = self._serving.limit()
        self._retired_at: float | None = None
        self._stopped_at: float | None = None
        self._next_look = 0.0
        self._is_blocked = False
        self._arrivals = Arrivals()
        self._in_line: dict[Any, None] = {}  # connections that no thread has taken yet
        self.serves = Flag()  # by the worker: it takes requests
        self.is_spent = Flag()  # by the worker: it wants to be replaced
        self.is_retired = Flag()  # by the master: others serve in its place

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self.wsgi = self._received(self.wsgi)

    def run(self) -> None:
        self._lingering = Lingering(self.poller, self._forget_connection)
        super().run()

    def notify(self) -> None:
        """Called by gunicorn in every turn of the worker's loop, several times for each request."""
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + _LOOK_SECONDS
            super().notify()  # a system call, for a master that wants to hear of us twice a minute
            self.serves.set()
            self._look(now)

    def wait_for_and_dispatch_events(self, timeout: float | None) -> None:
        """Called in every turn too, and also by a worker that stops."""
        longest = _LOOK_SECONDS if timeout is None else min(timeout, _LOOK_SECONDS)
        super().wait_for_and_dispatch_events(timeout=longest)
        self._lingering.end_overdue()
        self._arrivals.end_overdue()
        if not self.alive:
            self._stop(time.monotonic())

    def set_accept_enabled(self, enabled: bool | None) -> None:
        if self._is_blocked:
            self._is_blocked = self._is_held()
        super().set_accept_enabled(bool(enabled) and not self.is_retired.is_set() and not self._is_blocked)
        if not self.alive and self._serving.stopping.is_set():
            self._leave_the_address()

    def enqueue_req(self, conn: Any) -> None:
        self._in_line[conn] = None
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """In a thread: receive a request and answer it; what it returns tells what becomes of ``conn``."""
        self._in_line.pop(conn, None)
        connection = conn.sock
        if self._stopped_at is not None and _is_silent(connection):
            return False
        self._arrivals.expect(connection, self._head_seconds())
        try:
            return super().handle(conn)
        finally:
            self._arrivals.arrived(connection)

    def handle_request(self, req: Any, conn: Any) -> Any:
        self._arrivals.arrived(conn.sock)
        try:
            return super().handle_request(req, conn)
        finally:
            # Gunicorn reads what the view has left of the body.
            self._arrivals.expect(conn.sock, self._head_seconds())

    def finish_request(self, conn: Any, fs: Future[Any]) -> None:
        if fs.cancelled() or fs.exception() or fs.result():
            super().finish_request(conn, fs)
        else:
            self._lingering.add(conn.sock)

    def end_at_once_if_held(self) -> None:
        """A thread cannot be ended, and Python waits for it; its process can."""
        held = self.nr_conns - len(self._lingering)
        if self._stopped_at is not None and held > 0:
            log.error("worker.abandoned", connections=held)
            logging.shutdown()
            os._exit(FAILED)

    def _received(self, application: Any) -> Any:
        """Give bodies a deadline, and close connections with an answer where they have to be."""
        timeout = self._serving.running.timeout

        def serve(environ: dict[str, Any], start_response: Any) -> Any:
            if "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ:
                until = time.monotonic() + timeout
                environ[ARRIVAL] = BodyArrival(self._arrivals, environ["gunicorn.socket"], until)

            def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
                if self._closes_connections() or UNUSABLE in environ:
                    start_response.__self__.force_close()  # gunicorn's response
                return start_response(status, headers, exc_info)

            return application(environ, start)

        return serve

    def _closes_connections(self) -> bool:
        """Whether an answer shall be the last one of its connection."""
        return self.is_retired.is_set() or self._serving.stopping.is_set()

    def _head_seconds(self) -> float:
        return min(_HEAD_SECONDS if self.alive else _LAST_HEAD_SECONDS, self._serving.running.timeout)

    def _forget_connection(self) -> None:
        self.nr_conns -= 1

    def _is_held(self) -> bool:
        held = self._serving.running.count_longer_than(min(_HELD_SECONDS, self._serving.running.timeout))
        return bool(held >= self.cfg.threads)

    def _stop(self, now: float) -> None:
        """Who has sent a request is answered; who has not sent one is not waited for."""
        if self._stopped_at is None:
            self._stopped_at = now
            until = now + _LAST_HEAD_SECONDS
            self._arrivals.expect_at_the_latest(until)
            # Gunicorn 25 has no connections that it waits for in the loop.
            for conn in (*self.keepalived_conns, *getattr(self, "pending_conns", ())):
                conn.timeout = min(conn.timeout, until)
        if now - self._stopped_at > self._serving.drain_seconds and self.nr_conns > 0:
            raise SystemExit

    def _look(self, now: float) -> None:
        stuck = self._serving.running.stuck_count()
        self._is_blocked = self._is_held()
        if self._is_blocked:
            self.set_accept_enabled(False)
        if not self.is_spent.is_set():
            if stuck:
                self._ask_for_a_replacement("a request is stuck")
                self._tell_what_is_stuck()
            elif self._limit is not None and self.nr >= self._limit:
                self._ask_for_a_replacement("API_MAX_REQUESTS")
        elif self.is_retired.is_set() and self.alive:
            self._retire(now, stuck)

    def _ask_for_a_replacement(self, reason: str) -> None:
        self.is_spent.set()
        log.info("worker.spent", reason=reason, requests=self.nr)

    def _tell_what_is_stuck(self) -> None:
        for stuck in self._serving.running.stuck():
            log.error(
                "request.stuck",
                request_id=stuck.request_id,
                seconds=round(stuck.seconds, 1),
                stack=stuck.stack,
            )

    def _retire(self, now: float, stuck: int) -> None:
        """Others serve: take nothing new, and end with the last connection."""
        if self._retired_at is None:
            self._retired_at = now
            self.set_accept_enabled(False)
        overdue = now - self._retired_at > self._serving.last_seconds
        if self.nr_conns <= 0:
            self.alive = False
        elif overdue or stuck >= self.cfg.threads or self.nr_conns <= stuck:
            # A thread cannot be ended; its process can.
            log.error("worker.abandoned", connections=self.nr_conns, sent_away=len(self._in_line))
            for conn in list(self._in_line):
                _send_away(conn.sock)
            logging.shutdown()
            os._exit(FAILED)

    def _leave_the_address(self) -> None:
        """Take what has connected already, then refuse; gunicorn would let it wait, and drop it."""
        for listener in self.sockets:
            listener.setblocking(False)
            taken = -1
            while taken != self.nr_conns:
                taken = self.nr_conns
                self.accept(listener)
            listener.close()
        self.sockets = []


def _is_silent(connection: socket) -> bool:
    """Whether nothing has arrived that waits to be read."""
    try:
        connection.recv(1, MSG_PEEK | MSG_DONTWAIT)
    except BlockingIOError:
        return True
    except OSError:
        pass  # gunicorn meets it too
    return False


def _send_away(connection: socket) -> None:
    """Answer a request that nothing has begun with: it may be sent again, whatever it is."""
    with suppress(OSError):
        connection.setblocking(False)
        connection.recv(65_536)  # unread bytes would reset the connection, and the answer with it
        connection.send(_ANSWER_TO_WHO_WAITS)
        connection.shutdown(SHUT_WR)
