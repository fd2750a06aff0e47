"""Structured logs: one JSON object per line (readable lines on a terminal), redacted at the last moment."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from blackcat.errors import RemoteError
from blackcat.infra.log_output import output_handler
from blackcat.infra.redaction import redactor

LogFormat = Literal["json", "console"]

# Below INFO these print requests whole, credentials included.
_TALKATIVE = ("botocore", "boto3", "urllib3", "s3transfer")
# What a reader looks for first, at the beginning of each line.
_FIRST = ("timestamp", "level", "event", "service")
_CREDENTIALS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN")


def configure_logs(
    *, level: str = "INFO", format: LogFormat | None = None, service: str = "", environment: str = ""
) -> None:
    """Send all logs of the process (structlog's and the standard library's) to standard output.

    Each line carries ``service`` and ``environment``. Uncaught exceptions and warnings become log
    lines too. ``format`` is JSON unless standard output is a terminal.
    """
    for name in _CREDENTIALS:
        redactor.learn(os.environ.get(name, ""))
    console = (format or ("console" if _on_a_terminal() else "json")) == "console"
    shared = _shared_processors(service, environment)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = output_handler(utf8=not console)
    handler.setFormatter(_formatter(shared, console))
    handler.addFilter(_not_talkative)
    handler.addFilter(_with_fitting_arguments)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    _quieten_libraries()
    _log_what_would_go_to_stderr()


def bind_log_fields(**fields: Any) -> None:
    """Add fields to every log line of this thread, until ``clear_log_fields``."""
    structlog.contextvars.bind_contextvars(**fields)


def clear_log_fields() -> None:
    structlog.contextvars.clear_contextvars()


def _shared_processors(service: str, environment: str) -> list[Processor]:
    constant = {key: value for key, value in (("service", service), ("environment", environment)) if value}

    def add_constants(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {**constant, **event}

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        _merge_fields,
        _add_remote_error,
        add_constants,
    ]


def _on_a_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _formatter(shared: Sequence[Processor], console: bool) -> logging.Formatter:
    render: Processor = (
        structlog.dev.ConsoleRenderer(
            colors=_on_a_terminal() and "NO_COLOR" not in os.environ,
            # The pretty one prints local variables: message bodies among them.
            exception_formatter=structlog.dev.plain_traceback,
        )
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )

    def render_redacted(logger: WrappedLogger, name: str, event: EventDict) -> str:
        fields = redactor.fields(event)
        first = {key: fields.pop(key) for key in _FIRST if key in fields}
        return str(render(logger, name, {**first, **fields}))

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            render_redacted,
        ],
    )


def _merge_fields(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The fields that an EventLog put on the record, beside what others gave as ``extra``."""
    fields = event.pop("fields", {}) if "_record" in event else {}
    return {**event, **fields}


def _add_remote_error(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Service, operation, resource and request id of a failed AWS call, which needs no traceback."""
    error = _exception(event)
    if not isinstance(error, RemoteError):
        return event
    return {**event, **error.fields(), "error": str(error), "exc_info": None}


def _exception(event: EventDict) -> BaseException | None:
    record = event.get("_record")
    found = record.exc_info if record else event.get("exc_info")
    if isinstance(found, tuple):
        found = found[1]
    return found if isinstance(found, BaseException) else None


def _not_talkative(record: logging.LogRecord) -> bool:
    # A filter too: libraries and users set levels of loggers after us.
    return record.levelno >= logging.INFO or not record.name.startswith(_TALKATIVE)


def _with_fitting_arguments(record: logging.LogRecord) -> bool:
    # ``log.info("%d items", "x")`` would cost the whole line.
    try:
        record.getMessage()
    except (TypeError, ValueError):
        record.msg, record.args = f"{record.msg} {record.args}", ()
    return True


def _quieten_libraries() -> None:
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.INFO, logging.getLogger().level))
    # At INFO they tell at each start where credentials and addresses were found.
    for name in ("botocore.configprovider", "botocore.credentials"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _log_what_would_go_to_stderr() -> None:
    logging.captureWarnings(True)
    # A failing handler would print the record's arguments, unredacted.
    logging.raiseExceptions = False
    sys.excepthook = _log_uncaught
    sys.unraisablehook = _log_unraisable
    threading.excepthook = _log_uncaught_in_thread


def _log_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    logging.getLogger("blackcat").critical("process.uncaught_exception", exc_info=(kind, error, traceback))


def _log_unraisable(unraisable: Any) -> None:
    logging.getLogger("blackcat").error("process.unraisable_exception", exc_info=unraisable.exc_value)


def _log_uncaught_in_thread(arguments: threading.ExceptHookArgs) -> None:
    logging.getLogger("blackcat").critical("thread.uncaught_exception", exc_info=arguments.exc_value)
