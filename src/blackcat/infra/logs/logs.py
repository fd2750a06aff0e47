"""Structured logs: one JSON object per line (readable lines on a terminal), redacted at the last moment."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal

import structlog
from structlog.typing import EventDict

from blackcat.infra.logs.lines import JsonLines, ReadableLines, WholeLine, beside_its_arguments
from blackcat.infra.logs.output import output_handler
from blackcat.infra.redaction import redactor

LogFormat = Literal["json", "console"]

# Below INFO these print requests whole, credentials included.
_TALKATIVE = ("botocore", "boto3", "urllib3", "s3transfer")
_CREDENTIALS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN")


def configure_logs(
    *,
    level: str = "INFO",
    format: LogFormat | None = None,
    service: str = "",
    environment: str = "",
    version: str = "",
    identity: Mapping[str, str] | None = None,
) -> None:
    """Send all logs of the process (structlog's and the standard library's) to standard output.

    Each line carries ``service``, ``environment``, ``version`` and the fields of ``identity`` (the task or
    pod). Uncaught exceptions and warnings become log lines too. ``format`` is JSON unless standard output
    is a terminal.
    """
    for name in _CREDENTIALS:
        redactor.learn(os.environ.get(name, ""))
    console = (format or ("console" if _on_a_terminal() else "json")) == "console"
    told = {"service": service, "environment": environment, "version": version, **(identity or {})}
    constant = {name: value for name, value in told.items() if value}
    structlog.configure(
        processors=[
            _with_its_arguments,
            structlog.processors.StackInfoRenderer(additional_ignores=["logging"]),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = output_handler(utf8=not console)
    handler.setFormatter(ReadableLines(constant, colors=_in_colors()) if console else JsonLines(constant))
    handler.addFilter(_not_talkative)
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


def write_line(line: str) -> None:
    """Write a line as it is, among the log's and whatever its level."""
    logging.getLogger("blackcat").handle(WholeLine(line))


def _on_a_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _in_colors() -> bool:
    return _on_a_terminal() and "NO_COLOR" not in os.environ


def _not_talkative(record: logging.LogRecord) -> bool:
    # A filter too: libraries and users set levels of loggers after us.
    return record.levelno >= logging.INFO or not record.name.startswith(_TALKATIVE)


def _with_its_arguments(logger: Any, method: str, given: EventDict) -> EventDict:
    """structlog's own PositionalArgumentsFormatter raises when they do not fit."""
    if not (arguments := given.pop("positional_args", ())):
        return given
    # As the standard library has it: one mapping alone is looked up by name.
    values = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], dict) else arguments
    try:
        given["event"] = given["event"] % values
    except Exception:  # whatever it is: a line is not worth a message
        given["event"] = beside_its_arguments(given.get("event"), arguments)
    return given


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
