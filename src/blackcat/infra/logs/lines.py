"""What stands in a log line, and how it is written: the same fields for every kind of logger."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import structlog

from blackcat.application.tracing import tracing
from blackcat.errors import RemoteError
from blackcat.infra.logs.values import plain, shortened, size, strict_json, text_of
from blackcat.infra.redaction import redactor

# What a record has anyway; the rest is what the program gave as ``extra``.
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
# What structlog's own processors look at.
_STRUCTLOG = ("event", "exc_info", "_from_structlog", "_record")
# ``_aws`` would make a metric of a line.
_OWN = ("timestamp", "level", "event", "logger", "_aws")
# Whose they are is known better than by the program that logs.
_BOUND = frozenset({"message_id", "request_id", "trace_id", "span_id"})
# CloudWatch Logs takes 1 MB, but 256 KB in some regions and of some agents, and half a line is no JSON.
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
_LONGEST_LINE = 200_000
# Of a character: a lone surrogate is written as ``\ud800``.
_MOST_BYTES = 6


class WholeLine(logging.LogRecord):
    """A line that is written as it is; of a type of its own, which no field of a program's can imitate."""

    def __init__(self, line: str) -> None:
        super().__init__("blackcat", logging.INFO, "", 0, line, None, None)


def iso_timestamp(moment: datetime) -> str:
    """UTC with milliseconds, as CloudWatch Logs Insights and Datadog read it."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class JsonLines(logging.Formatter):
    """One JSON object for each record, ``constant`` fields in all of them, secrets masked.

    A field of the program's that has the name of one of ours gets an underscore behind it.
    """

    def __init__(self, constant: Mapping[str, str]) -> None:
        super().__init__()
        self._constant = constant
        self._taken = frozenset((*_OWN, *constant))

    def format(self, record: logging.LogRecord) -> str:
        if isinstance(record, WholeLine):
            return str(record.msg)
        event, fields, error = told(record, self._taken)
        if error is not None:
            shown = described(error)
            fields = {**shown, **_beside(frozenset(shown), fields)}
        elif isinstance(fields.get("error"), str):  # one type under one name, whoever writes it
            fields["error"] = {"message": fields["error"]}
        first = {"timestamp": _time(record), "level": record.levelname.lower(), "event": event}
        return _line({**first, **self._constant, "logger": record.name, **fields})


class ReadableLines(logging.Formatter):
    """A line to read for each record, and under it the traceback."""

    def __init__(self, constant: Mapping[str, str], *, colors: bool) -> None:
        super().__init__()
        self._taken = frozenset((*_OWN, *constant))
        self._constant = constant
        self._render = structlog.dev.ConsoleRenderer(
            colors=colors,
            # The pretty one prints local variables: message bodies among them.
            exception_formatter=structlog.dev.plain_traceback,
        )

    def format(self, record: logging.LogRecord) -> str:
        if isinstance(record, WholeLine):
            return str(record.msg)
        event, fields, error = told(record, self._taken)
        if error is not None:
            stack = {} if isinstance(error, RemoteError) else {"exception": _stack(error)}
            fields |= {"error": text_of(error), **error.fields()} if isinstance(error, RemoteError) else stack
        first = {"timestamp": _time(record), "level": record.levelname.lower(), "event": event}
        shown = {**first, **self._constant, **fields, "logger": record.name}
        try:
            return self._rendered(record, redactor.fields(shown))
        except Exception:
            return self._rendered(record, {name: str(one) for name, one in _written(shown).items()})

    def _rendered(self, record: logging.LogRecord, shown: dict[str, Any]) -> str:
        return self._render(record.name, record.levelname.lower(), shown)


def told(
    record: logging.LogRecord, taken: frozenset[str]
) -> tuple[str, dict[str, Any], BaseException | None]:
    """The event, its fields and its error; those bound to the thread are among the fields."""
    bound = structlog.contextvars.get_contextvars()
    if tracing.enabled:
        bound |= tracing.log_fields()
    if isinstance(record.msg, dict) and "_logger" in record.__dict__:
        given = record.msg
        event, info = text_of(given.get("event", "")), given.get("exc_info")
        fields = {name: value for name, value in given.items() if name not in _STRUCTLOG}
    else:
        event, info = _message(record), record.exc_info
        fields = {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
        if isinstance(fields.get("fields"), dict):
            fields |= fields.pop("fields")
        if record.stack_info:
            fields.setdefault("stack", record.stack_info)
    if not bound:
        return event, _beside(taken, fields), _error(info)
    fixed = {name for name in _BOUND & bound.keys() & fields.keys() if text_of(fields[name]) != bound[name]}
    return event, {**_beside(taken, bound), **_beside(taken | fixed, fields)}, _error(info)


def _beside(taken: frozenset[str], fields: dict[str, Any]) -> dict[str, Any]:
    """The fields; those whose names are taken with an underscore, or as many as make it another name."""
    if taken.isdisjoint(fields):
        return fields
    beside = {name: value for name, value in fields.items() if name not in taken}
    for name in (name for name in fields if name in taken):
        free = f"{name}_"
        while free in taken or free in beside:
            free += "_"
        beside[free] = fields[name]
    return beside


def _message(record: logging.LogRecord) -> str:
    """The text with its arguments, or beside them where they do not fit."""
    try:
        return record.getMessage()
    except Exception:  # whatever it is: a line is not worth a message
        return beside_its_arguments(record.msg, record.args)


def beside_its_arguments(text: Any, arguments: Any) -> str:
    """What is logged of ``log.info("%d items", "x")``."""
    if not arguments:
        return text_of(text)
    try:
        return f"{text_of(text)} {arguments}"
    except Exception:
        return f"{text_of(text)} {plain(arguments)}"


def described(error: BaseException) -> dict[str, Any]:
    """An exception as Datadog's error tracking reads it; a failed call needs no traceback, but its fields."""
    if isinstance(error, RemoteError):
        return {"error": {"kind": type(error).__name__, "message": text_of(error)}, **error.fields()}
    return {"error": {"kind": type(error).__name__, "message": text_of(error), "stack": _stack(error)}}


def _error(info: Any) -> BaseException | None:
    if info is True:
        return sys.exc_info()[1]
    found = info[1] if isinstance(info, tuple) else info
    return found if isinstance(found, BaseException) else None


def _stack(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error)).rstrip()
    except Exception:
        return f"<{type(error).__name__} without traceback>"


def _time(record: logging.LogRecord) -> str:
    return iso_timestamp(datetime.fromtimestamp(record.created, timezone.utc))


def _line(fields: Mapping[str, Any]) -> str:
    """The fields as JSON, whatever they are: masked first, then cut, for half a secret would not be known."""
    try:
        shown = redactor.fields(fields)
        line = strict_json(shown)
    except Exception:
        shown = _written(fields)
        line = strict_json(shown)
    if len(line) * _MOST_BYTES <= _LONGEST_LINE or size(line) <= _LONGEST_LINE:
        return line
    return strict_json(shortened(shown, longest=_LONGEST_LINE))


def _written(fields: Mapping[str, Any]) -> dict[str, Any]:
    return redactor.fields({name: plain(value) for name, value in fields.items()})
