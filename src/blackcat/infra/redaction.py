"""Redaction: no secret leaves the process in a log line, a health report or a dead letter."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from threading import Lock
from typing import Any
from urllib.parse import quote

MASK = "***"

# Shorter values would mask ordinary words all over the logs.
_SHORTEST_SECRET = 4
_SECRET_KEY = re.compile(
    r"(?i)passw(or)?d|passphrase|secret|token|api[-_]?key|private[-_]?key|authorization|cookie|credential|signature"
)
_SECRET_TEXT = re.compile(
    r"""(?ix)
      (?P<head>
          (?:authorization|proxy-authorization|cookie|set-cookie|x-api-key|x-amz-security-token)["']?\s*[:=]\s*["']?(?:(?:bearer|basic|aws4-hmac-sha256)\s+)?
        | \bbearer\s+
        | (?:password|passwd|secret|api_?key|aws_secret_access_key|aws_session_token)["']?\s*[:=]\s*["']?
        | X-Amz-(?:Signature|Security-Token|Credential)=
        | ://[^\s/:@]*:(?=[^\s/@]+@)
      )
      (?P<secret>[^\s"',;&@]+)
    """
)
# What every match of it holds: looking for these first halves the cost of a log line.
_HINTS = (
    "authorization",
    "cookie",
    "api-key",
    "api_key",
    "apikey",
    "security-token",
    "session_token",
    "bearer",
    "passw",
    "secret",
    "x-amz-",
    "://",
)


class Redactor:
    """Masks what it was told is secret, what stands under a telling key, and what looks like a credential."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._lock = Lock()

    def learn(self, secret: str) -> None:
        """Mask this value from now on, wherever it appears: as it is, in JSON, in a URL."""
        if len(secret) < _SHORTEST_SECRET:
            return
        with self._lock:
            self._known |= {secret, json.dumps(secret)[1:-1], quote(secret, safe="")}
            longest_first = sorted(self._known, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def text(self, text: str) -> str:
        """The text without secrets."""
        if self._pattern:
            text = self._pattern.sub(MASK, text)
        lower = text.lower()
        if not any(hint in lower for hint in _HINTS):
            return text
        return _SECRET_TEXT.sub(lambda found: f"{found['head']}{MASK}", text)

    def fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields, with the values under telling keys masked at any depth."""
        return {key: MASK if _is_secret(key, value) else self._value(value) for key, value in fields.items()}

    def _value(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return self.fields(value)
        if isinstance(value, list | tuple):
            return [self._value(item) for item in value]
        return value


def _is_secret(key: Any, value: Any) -> bool:
    return bool(value) and not isinstance(value, bool) and _is_telling(str(key))


@lru_cache(maxsize=1024)
def _is_telling(key: str) -> bool:
    return bool(_SECRET_KEY.search(key))


redactor = Redactor()
"""The one of this process: a secret learned anywhere is masked everywhere."""
