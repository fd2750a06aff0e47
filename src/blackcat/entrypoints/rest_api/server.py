"""The servers of a REST API: gunicorn, and a development server on request."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from contextlib import ExitStack
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
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.entrypoints.exit_status import CONFIGURATION, DONE, FAILED
from blackcat.entrypoints.rest_api.application import create_app
from blackcat.entrypoints.signals import stop_signals
from blackcat.errors import ConfigurationError
from blackcat.infra.configuration import Settings

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


def run_rest_api(service: Service, registry: ServiceRegistry, settings: Settings) -> int:
    """Serve until told to stop; returns the exit status. Raises ConfigurationError."""
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


def _listening(settings: Settings) -> socket.socket:
    """The address is taken here, because gunicorn retries for seconds and then says little."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"the API cannot listen on {settings.host}:{settings.port} ({error}): set HOST and PORT to a "
            "free address, or PORT=0 for any free port"
        ) from error


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


class _Gunicorn(BaseApplication):
    def __init__(
        self, service: Service, registry: ServiceRegistry, settings: Settings, listener: socket.socket
    ) -> None:
        # Handed over: gunicorn closes it.
        self._listener = listener.detach()
        self._service = service
        self._registry = registry
        self._settings = settings
        self._open = ExitStack()
        self._is_replacement = False
        super().__init__()

    def load_config(self) -> None:
        settings = self._settings
        options = {
            "bind": f"fd://{self._listener}",
            "workers": settings.api_workers,
            "worker_class": "gthread",
            "threads": settings.api_threads,
            "keepalive": _KEEPALIVE_SECONDS,
            "graceful_timeout": max(1, int(settings.shutdown_timeout_seconds) - _CLOSING_SECONDS),
            "control_socket_disable": True,
            "logger_class": _Logger,
            "when_ready": _announce,
            "post_fork": self._note_generation,
            "on_exit": lambda server: log.info("api.stopped"),
            "post_worker_init": _leave_interrupts_to_the_master,
            "worker_exit": lambda server, worker: self._open.close(),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """In each worker, after the fork: no connection is shared between processes."""
        try:
            resolver = self._open.enter_context(opened_container(self._registry.container))
            return create_app(self._service, resolver, self._settings)
        except ConfigurationError as error:
            log.error("service.not_started", error=error.__cause__, reason=str(error))
            self._refuse_to_boot(Arbiter.APP_LOAD_ERROR)
        except (Exception, SystemExit) as error:
            log.error("service.failed", error=error)
            self._refuse_to_boot(Arbiter.WORKER_BOOT_ERROR)

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


def _announce(arbiter: Any) -> None:
    """Name the address; a second SIGTERM, or Ctrl-C, ends what the first one is still waiting for."""
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
            os._exit(FAILED)
        queue_signal(number, frame)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _leave_interrupts_to_the_master(worker: Any) -> None:
    # Ctrl-C reaches the whole process group; the master passes it on as SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run_development_server(service: Service, registry: ServiceRegistry, settings: Settings) -> int:
    shutdown = Shutdown(budget=settings.shutdown_timeout, clock=SystemClock())
    with stop_signals(shutdown), opened_container(registry.container) as resolver:
        app = create_app(service, resolver, settings)
        listener = _listening(settings)
        port = listener.getsockname()[1]
        server = make_server(settings.host, settings.port, app, threaded=True, fd=listener.fileno())
        log.warning("api.development_server", host=settings.host, port=port)
        log.info("api.listening", host=settings.host, port=port)
        Thread(target=server.serve_forever, name="development-server", daemon=True).start()
        shutdown.watch(shutdown.requested.is_set)
        server.shutdown()
    return DONE
