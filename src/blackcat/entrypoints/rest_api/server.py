"""The servers of a REST API: gunicorn, and a development server on request."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from threading import Thread
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import AppImportError
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
# What a stop keeps back of its budget, to close the container and end the processes.
_CLOSING_SECONDS = 2


def run_rest_api(service: Service, registry: ServiceRegistry, settings: Settings) -> int:
    """Serve until told to stop; returns the exit status."""
    if settings.api_server == "development":
        return _run_development_server(service, registry, settings)
    try:
        _Gunicorn(service, registry, settings).run()
    except SystemExit as end:
        return _exit_status(end.code)
    return DONE


def _exit_status(code: Any) -> int:
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
    def __init__(self, service: Service, registry: ServiceRegistry, settings: Settings) -> None:
        self._service = service
        self._registry = registry
        self._settings = settings
        self._open = ExitStack()
        super().__init__()

    def load_config(self) -> None:
        settings = self._settings
        options = {
            "bind": f"{settings.host}:{settings.port}",
            "workers": settings.api_workers,
            "worker_class": "gthread",
            "threads": settings.api_threads,
            "keepalive": _KEEPALIVE_SECONDS,
            "graceful_timeout": max(1, int(settings.shutdown_timeout_seconds) - _CLOSING_SECONDS),
            "control_socket_disable": True,
            "logger_class": _Logger,
            "when_ready": _announce,
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
            # The one exception that gunicorn does not answer by starting the worker again, for ever.
            raise AppImportError(str(error)) from None


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
        server = make_server(settings.host, settings.port, app, threaded=True)
        log.warning("api.development_server", host=settings.host, port=server.server_port)
        log.info("api.listening", host=settings.host, port=server.server_port)
        Thread(target=server.serve_forever, name="development-server", daemon=True).start()
        shutdown.wait()
        server.shutdown()
    return DONE
