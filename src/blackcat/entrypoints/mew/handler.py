"""The handler of a project's function, and its start: what every invocation then finds ready."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from threading import Lock
from typing import Any

from blackcat.application.events import EventLog
from blackcat.domain.service import Service, ServiceType
from blackcat.entrypoints.aws_lambda.invoking import LambdaHandler
from blackcat.entrypoints.aws_lambda.not_started import told_when_not_started
from blackcat.entrypoints.aws_lambda.snapshots import register_hooks
from blackcat.entrypoints.aws_lambda.start import Started, identity, start_telemetry
from blackcat.entrypoints.mew.function import MewFunction
from blackcat.entrypoints.mew.reading import SettingsReader
from blackcat.entrypoints.mew.work import Work
from blackcat.entrypoints.service_logs import configure_service_logs
from blackcat.infra.logs.logs import configure_logs
from blackcat.infra.settings.configuration import export_aws_variables

log = EventLog("blackcat")

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
_FUNCTION_NAME = "AWS_LAMBDA_FUNCTION_NAME"
_INITIALIZATION = "AWS_LAMBDA_INITIALIZATION_TYPE"
# Nobody waits for these to start: whatever an event may need is loaded, too.
_AHEAD = ("provisioned-concurrency", "snap-start")


class MewHandler:
    """What Lambda calls; it starts when it is made on Lambda, elsewhere at its first event.

    So a wrong setting fails the init phase, and a test may import the project without any.
    """

    def __init__(
        self,
        project: str,
        settings: SettingsReader,
        function: MewFunction,
        *,
        work: Work,
    ) -> None:
        self._project = project
        self._settings = settings
        self._function = function
        self._work = work
        self._handler: LambdaHandler | None = None
        self._lock = Lock()
        if os.environ.get(_FUNCTION_NAME):
            self._started()
            if os.environ.get(_INITIALIZATION) in _AHEAD:
                work.load()
                settings.forget()  # a snapshot must hold no secret

    def __call__(self, event: Any, context: Any) -> Any:
        """What Lambda answers with. Raises InvalidEvent, ServiceFailed, or SettingsError at the start."""
        return self._started()(event, context)

    def check(self) -> dict[str, Any]:
        """What the job ``health`` answers, without an invocation. Raises what is wrong."""
        return self._work.check()

    def _started(self) -> Callable[[Any, Any], Any]:
        with self._lock:
            if self._handler is None:
                self._handler = LambdaHandler(_start(self._project, self._settings, self._function))
            return self._handler


def _start(project: str, settings_of: SettingsReader, function: MewFunction) -> Started:
    configure_logs(service=project, identity=identity())
    with told_when_not_started():
        settings = settings_of(settings_of.classes[0])
        export_aws_variables()
        configure_service_logs(project, settings, identity())
        # What the invocation's own span and metrics are named after.
        service = Service(name=project, type=ServiceType.REST_API, endpoint_module="src.endpoint.main")
        start_telemetry(service, settings)
    log.info("service.started", type="mew", python=platform.python_version())
    register_hooks()
    return Started(service, settings, function)
