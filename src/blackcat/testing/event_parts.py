"""What events of AWS's have in common."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

REGION = "us-east-1"
ACCOUNT = "123456789012"

Event = dict[str, Any]


def arn(service: str, name: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"


def milliseconds(moment: datetime) -> str:
    """Since 1970, as a text."""
    return str(int(utc(moment).timestamp() * 1000))


def utc(moment: datetime) -> datetime:
    """Raises ValueError for a time without a time zone."""
    if moment.utcoffset() is None:
        raise ValueError(f"the time {moment} has no time zone: use datetime(..., tzinfo=timezone.utc)")
    return moment.astimezone(timezone.utc)
