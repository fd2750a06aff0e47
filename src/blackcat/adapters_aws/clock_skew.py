"""A machine's clock that AWS does not accept: known from the refusal, measured by the answer's date.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime

# A signature is good for five minutes to either side.
MAX_SKEW = timedelta(minutes=5)

_CLOCK_CODES = {"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"}
# The same codes tell of a wrong secret: SQS and SNS say the latter one, services with JSON the former.
_SIGNATURE_CODES = {"AuthFailure", "InvalidSignatureException", "SignatureDoesNotMatch"}
_OUT_OF_DATE = re.compile("Signature (expired|not yet current)")


def clock_ahead(headers: Mapping[str, str]) -> timedelta | None:
    """How far this machine's clock is ahead of the one that dated the answer, to the second."""
    try:
        date = parsedate_to_datetime(headers["date"])
    except (KeyError, TypeError, ValueError):
        return None
    return timedelta(seconds=round(time.time() - date.timestamp()))


def clock_advice(code: str, message: str, ahead: timedelta | None) -> str:
    """What to do about the clock; empty when the refusal is about something else."""
    if not _is_about_the_clock(code, message, ahead):
        return ""
    if not ahead:
        return "the machine's clock and AWS's differ: let NTP set it"
    side = "ahead of" if ahead > timedelta(0) else "behind"
    return f"the machine's clock is {abs(ahead)} (hours:minutes:seconds) {side} AWS's: let NTP set it"


def _is_about_the_clock(code: str, message: str, ahead: timedelta | None) -> bool:
    if code not in _SIGNATURE_CODES:
        return code in _CLOCK_CODES
    far_off = ahead is not None and abs(ahead) >= MAX_SKEW
    return far_off or bool(_OUT_OF_DATE.search(message))
