"""What the command line's texts stand for: durations, rates, attributes, bodies."""

from __future__ import annotations

import base64
import json
import re
import sys
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NoReturn

import click

from blackcat.domain.message import Attribute

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_RATE = re.compile(r"(\d+(?:\.\d+)?)(?:/(s|m|h))?")
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
_FASTEST = 500.0
_SLOWEST = 1 / 3600
_ATTRIBUTE = re.compile(r"([^:=]+)(?::([^=]+))?=(.*)", re.DOTALL)
_TYPE = re.compile(r"(String|Number|Binary)(\..+)?")


def duration(text: str) -> timedelta:
    """``90s``, ``15m``, ``1h30m``, ``2d``. Raises BadParameter."""
    parts = _PART.findall(text)
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != text:
        raise click.BadParameter(f"{text!r} is no duration: write 90s, 15m, 1h30m or 2d")
    try:
        return sum((float(number) * _UNITS[unit] for number, unit in parts), timedelta(0))
    except OverflowError:
        raise click.BadParameter(f"{text!r} is too long") from None


def rate(text: str) -> float:
    """``10/s``, ``90/m`` or ``10``, as messages per second. Raises BadParameter."""
    found = _RATE.fullmatch(text)
    if not found:
        raise click.BadParameter(f"{text!r} is no rate: write 10/s, or 90/m")
    per_second = float(found[1]) / _UNITS[found[2] or "s"].total_seconds()
    if not _SLOWEST <= per_second <= _FASTEST:
        raise click.BadParameter(f"{text!r} is out of bounds: from 1/h to {_FASTEST:.0f}/s")
    return per_second


def attribute(text: str) -> tuple[str, Attribute]:
    """``name=value``, ``name:Number=42`` or ``name:Binary=`` with base64. Raises BadParameter."""
    found = _ATTRIBUTE.fullmatch(text)
    if not found:
        raise click.BadParameter(f"{text!r}: write name=value, name:Number=42 or name:Binary=aGk=")
    name, kind, value = found[1], found[2] or "String", found[3]
    if not _TYPE.fullmatch(kind):
        raise click.BadParameter(f"{text!r}: the type is String, Number or Binary, not {kind}")
    if kind.startswith("Number") and not _is_number(value):
        raise click.BadParameter(f"{text!r}: {value!r} is no number")
    if not kind.startswith("Binary"):
        return name, Attribute(value, kind)
    try:
        return name, Attribute(base64.b64decode(value, validate=True), kind)
    except ValueError:
        raise click.BadParameter(f"{text!r}: a Binary value is written in base64") from None


def read_text(argument: str) -> str:
    """What BODY stands for: itself, standard input (``-``) or a file (``@file``). Raises UsageError."""
    try:
        if argument == "-":
            return sys.stdin.buffer.read().decode()
        return Path(argument[1:]).read_text(encoding="utf-8") if argument.startswith("@") else argument
    except OSError as error:
        raise click.UsageError(f"{argument[1:]} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise click.UsageError(
            f"{_named(argument)} is not UTF-8: encode it, in base64 for example"
        ) from error


def _named(argument: str) -> str:
    return "standard input" if argument == "-" else argument[1:]


def json_problem(text: str) -> str | None:
    """What keeps the text from being JSON, if anything does."""
    try:
        json.loads(text, parse_constant=_refuse)
    except RecursionError:
        return "it is nested too deeply"
    except ValueError as error:
        return str(error)
    return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False
