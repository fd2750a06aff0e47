"""The servers of a REST API: gunicorn, and a development server on request."""

from __future__ import annotations

import os
import signal
import socket
import struct
import sys
import time
from contextlib import ExitStack
from functools import partial
from threading import Thread
from typing import Any, NoReturn

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from gunicorn.glogging import Logger
from werkzeug.serving import make_server

from blackcat.application.clock import SystemClock
from blackcat.application.container import opened_container
from blackcat.application.events import EventLog
from blackcat.application.shutdown import Shutdown
from blackcat.application.tracing import tracing
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.entrypoints.exit_status import CONFIGURATION, DONE, FAILED
from blackcat.entrypoints.platform import container_memory
from blackcat.entrypoints.rest_api.application import create_app
from blackcat.entrypoints.rest_api.arbiter import RecyclingArbiter
from blackcat.entrypoints.rest_api.recycling import Flag, RecyclingWorker, Serving
from blackcat.entrypoints.rest_api.running import RunningRequests
from blackcat.entrypoints.signals import end_at_once, stop_signals
from blackcat.entrypoints.traces import start_tracing
from blackcat.errors import ConfigurationError
from blackcat.infra.container import scratch_folder
from blackcat.infra.metrics.metrics import ServerMetrics
from blackcat.infra.platform.container_memory import watched_memory
from blackcat.infra.settings.configuration import Settings

log = EventLog("blackcat.api")

# An Application Load Balancer keeps idle connections for 60 seconds: the server must keep them longer,
# or the balancer sends a request into a closing connection.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
_KEEPALIVE_SECONDS = 75
# A replacement that cannot boot would otherwise be started over and over.
_BETWEEN_BOOTS_SECONDS = 1.0
# Connections that wait while every thread is busy, as gunicorn's own default.
_BACKLOG = 2048
# What a stop keeps back of its budget, to close the container and end the processes.
_CLOSING_SECONDS = 2
# Besides, gunicorn counts whole seconds, and one is the least.
_LEAST_DRAIN_SECONDS = _CLOSING_SECONDS + 1


def run_rest_api(service: Service, registry: ServiceRegistry, settings: Settings) -> int:
    """Serve until told to stop; returns the exit status. Raises ConfigurationError."""
    _check(settings)
    if settings.api_server == "development":
        return _run_development_server(service, registry, settings)
    master = os.getpid()
    try:
        _Gunicorn(service, registry, settings, _listening(settings)).run()
    except (SystemExit, HaltServer) as end:
        if os.getpid() != master:  # a worker's own end, which tells the master how it went
            raise
        return _exit_status(end)
    return DONE


def _check(settings: Settings) -> None:
    if settings.shutdown_delay_seconds > max(0.0, settings.shutdown_timeout_seconds - _LEAST_DRAIN_SECONDS):
        raise ConfigurationError(
            f"SHUTDOWN_DELAY_SECONDS must leave {_LEAST_DRAIN_SECONDS} seconds of SHUTDOWN_TIMEOUT_SECONDS, "
            "to finish what runs and to end"
        )


def _listening(settings: Settings) -> socket.socket:
    """The address is taken here, because gunicorn retries for seconds and then says little."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
        _limit_silence(listener, settings.api_request_timeout_seconds)
        return listener
    except OSError as error:
        raise ConfigurationError(
            f"the API cannot listen on {settings.host}:{settings.port} ({error}): set HOST and PORT to a "
            "free address, or PORT=0 for any free port"
        ) from error


def _limit_silence(listener: socket.socket, seconds: float) -> None:
    """A client that stops sending, or taking, holds a thread no longer than this.

    Gunicorn reads and writes without a limit; connections inherit these from their listener.
    """
    interval = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        listener.setsockopt(socket.SOL_SOCKET, option, interval)


def _exit_status(end: SystemExit | HaltServer) -> int:
    code = end.exit_status if isinstance(end, HaltServer) else end.code
    if code == Arbiter.APP_LOAD_ERROR:
        return CONFIGURATION
    return FAILED if code else DONE


class _Logger(Logger):
    """Gunicorn's own lines through Blackcat's logs, instead of handlers of its own."""

    def setup(self, cfg: Any) -> None:
        self.error_log.propagate = True
        # Its start and stop lines repeat ours.
        self.error_log.setLevel("WARNING")

    def error(self, msg: object, *args: object, **kwargs: Any) -> None:
        # Whoever sent it: the kernel is one of many, and at a stop it was the master.
        super().error(str(msg).replace(" Perhaps out of memory?", ""), *args, **kwargs)

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        if isinstance(sys.exc_info()[1], BlockingIOError):  # a client that was silent for too long
            self.info(msg, *args, **kwargs)
        else:
            super().exception(msg, *args, **kwargs)


class _Gunicorn(BaseApplication):
    def __init__(
        self, service: Service, registry: ServiceRegistry, settings: Settings, listener: socket.socket
    ) -> None:
        # Handed over: gunicorn closes it.
        self._listener = listener.detach()
        self._scratch = scratch_folder()
        self._service = service
        self._registry = registry
        self._settings = settings
        self._open = ExitStack()
        self._is_replacement = False
        self._metrics = ServerMetrics(service.name, settings, workers=settings.api_workers)
        self.serving = Serving(
            stopping=Flag(),
            running=RunningRequests(settings.api_request_timeout_seconds),
            max_requests=settings.api_max_requests,
            jitter=_jitter(settings),
            last_seconds=_KEEPALIVE_SECONDS + settings.api_request_timeout_seconds,
            drain_seconds=_drain_seconds(settings),
        )
        super().__init__()

    def run(self) -> None:
        RecyclingArbiter(self).run()

    def load_config(self) -> None:
        settings = self._settings
        options = {
            "bind": f"fd://{self._listener}",
            "workers": settings.api_workers,
            "worker_class": RecyclingWorker,
            "threads": settings.api_threads,
            "keepalive": _KEEPALIVE_SECONDS,
            # A worker ends by itself when its time is over; this is for one that cannot.
            "graceful_timeout": _drain_seconds(settings) + 1,
            "control_socket_disable": True,
            "worker_tmp_dir": self._scratch,  # heartbeats: on a slow or read-only disk they would fail
            "logger_class": _Logger,
            "when_ready": partial(_announce, self.serving.stopping, settings.shutdown_delay_seconds),
            "pre_fork": self._choose_metrics_place,
            "post_fork": self._note_generation,
            "on_exit": lambda server: log.info("api.stopped"),
            "post_worker_init": _leave_interrupts_to_the_master,
            "worker_exit": self._leave,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """In each worker, after the fork: no connection is shared between processes."""
        try:
            self._open.enter_context(self._metrics.recorded())
            start_tracing(self._service, self._settings)
            # Closed last: what is closed before it may be traced too.
            self._open.callback(tracing.close, _CLOSING_SECONDS)
            self._open.enter_context(watched_memory(container_memory()))
            resolver = self._open.enter_context(opened_container(self._registry.container))
            return create_app(
                self._service,
                resolver,
                self._settings,
                running=self.serving.running,
                stopping=self.serving.stopping.is_set,
            )
        except ConfigurationError as error:
            log.error("service.not_started", error=error.__cause__, reason=str(error))
            self._refuse_to_boot(Arbiter.APP_LOAD_ERROR)
        except (Exception, SystemExit) as error:
            log.error("service.failed", error=error)
            self._refuse_to_boot(Arbiter.WORKER_BOOT_ERROR)

    def _leave(self, arbiter: Any, worker: RecyclingWorker) -> None:
        self._open.close()
        worker.end_at_once_if_held()

    def _choose_metrics_place(self, arbiter: Any, worker: Any) -> None:
        taken = {other.metrics_place for other in arbiter.WORKERS.values()}
        worker.metrics_place = self._metrics.choose_place(taken)

    def _note_generation(self, arbiter: Any, worker: Any) -> None:
        self._is_replacement = worker.age > self._settings.api_workers

    def _refuse_to_boot(self, status: int) -> NoReturn:
        """End the API when it cannot start at all; a worker that replaces another is tried again.

        Its database may be away for a moment, while the other workers still serve.
        """
        if self._is_replacement:
            time.sleep(_BETWEEN_BOOTS_SECONDS)
            sys.exit(FAILED)
        sys.exit(status)


def _drain_seconds(settings: Settings) -> int:
    """What is left of the budget once the listener closes; gunicorn takes whole seconds."""
    left = settings.shutdown_timeout_seconds - settings.shutdown_delay_seconds
    return max(1, int(left) - _CLOSING_SECONDS)


def _jitter(settings: Settings) -> int:
    """Workers that began together shall not be replaced together."""
    given = settings.api_max_requests_jitter
    return settings.api_max_requests // 10 if given is None else given


def _announce(stopping: Flag, delay: float, arbiter: Any) -> None:
    """Name the address, and take over the signals that stop.

    The first one turns readiness red in all workers at once; after the delay the listener closes and
    what runs is finished. A second one ends what the first one is still waiting for.
    """
    for listener in arbiter.LISTENERS:
        host, port = listener.getsockname()[:2]
        log.info("api.listening", host=host, port=port)
    arbiter.handle_int = arbiter.handle_term  # gunicorn's own SIGINT drops running requests
    queue_signal = arbiter.signal
    received = 0

    def stop(number: int, frame: Any) -> None:
        nonlocal received
        received += 1
        if received > 1:
            for pid in list(arbiter.WORKERS):
                os.kill(pid, signal.SIGKILL)
            end_at_once(number)
        stopping.set()
        if delay:
            signal.setitimer(signal.ITIMER_REAL, delay)
        else:
            queue_signal(number, frame)

    signal.signal(signal.SIGALRM, lambda number, frame: queue_signal(signal.SIGTERM, frame))
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _leave_interrupts_to_the_master(worker: Any) -> None:
    # Ctrl-C reaches the whole process group; the master passes it on as SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run_development_server(service: Service, registry: ServiceRegistry, settings: Settings) -> int:
    shutdown = Shutdown(budget=settings.shutdown_timeout, clock=SystemClock())
    start_tracing(service, settings)
    numbers = ServerMetrics(service.name, settings, workers=1)
    with numbers.recorded(), stop_signals(shutdown), opened_container(registry.container) as resolver:
        app = create_app(service, resolver, settings, stopping=shutdown.requested.is_set)
        listener = _listening(settings)
        port = listener.getsockname()[1]
        server = make_server(settings.host, settings.port, app, threaded=True, fd=listener.fileno())
        log.warning("api.development_server", host=settings.host, port=port)
        log.info("api.listening", host=settings.host, port=port)
        Thread(target=server.serve_forever, name="development-server", daemon=True).start()
        shutdown.watch(shutdown.requested.is_set)
        server.shutdown()
    tracing.close(_CLOSING_SECONDS)
    return DONE
