"""Redaction: no secret leaves the process in a log line, a health report or a dead letter."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from threading import Lock
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"

# Shorter values would mask ordinary words all over the logs.
_SHORTEST_SECRET = 4
# What a JSON secret or a setting may say, and no secret is.
_ORDINARY = {"true", "false", "none", "null", "True", "False", "None"}
_TELLING = "|".join(
    (
        *("passw(?:or)?d", "passwd", "pwd", "passphrase", "token", "api[-_]?key"),
        r"(?<!\d{12}:)secret(?!smanager\b)",  # in an ARN of Secrets Manager what follows is a name
        *("private[-_]?key", "credential", "signature", r"\bsig\b"),
    )
)
_SECRET_KEY = re.compile(rf"(?i){_TELLING}|authorization|cookie")
# What every match of the patterns below holds; looking for these first is cheaper than matching.
_HINTS = re.compile(
    "passw|pwd|passphrase|secret|token|api-key|api_key|apikey|private"
    "|credential|signature|sig|authorization|cookie|bearer|://"
)
# A quotation mark may be escaped, more than once: the text may hold JSON that holds JSON.
_QUOTE = r"""\\*["']"""
# How advice begins, such as "api_key: Field required". None of these is a secret; alone, each is masked.
_ADVICE = (
    r"(?<=:\s)(?:an?|the|it|its|they|no|not|nothing|two|blackcat|pydantic|field|input|value|string|extra|did"
    "|is|has|set|write|give|choose|use|add|put|store|list|leave|name|create|check|register|module|importing"
    r"|nested)\s[a-z'`]"
)
_SECRET_TEXTS = tuple(
    re.compile(pattern)
    for pattern in (
        # a header, to the end of its line or quotation
        rf"(?i)(?P<head>(?:authorization|cookie)(?:{_QUOTE})?\s*[:=]\s*(?:{_QUOTE})?)[^\"'\\\r\n]+",
        # a telling name with its value: in quotation marks, or up to the next separator
        rf"(?i)(?P<head>[\w.-]*(?:{_TELLING})[\w.-]*(?:{_QUOTE})?\s*[:=]\s*{_QUOTE})[^\"'\\]+",
        rf"(?i)(?P<head>[\w.-]*(?:{_TELLING})[\w.-]*\s*[:=]\s*)(?!{_ADVICE})[^\s\"'&,;)}}\]\\]+",
        r"(?i)(?P<head>\bbearer\s+)[\w.~+/=-]+",
        # the password in an address, which may hold what an address should have quoted
        r"(?P<head>://[^\s/:@]*:)[^\s]+(?=@)",
        r"(?s)(?P<head>-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?=-----END|\Z)",
    )
)
_KEPT_KEYS = 1000
_PERCENT_ENCODED = re.compile("%[0-9A-F]{2}")


class Redactor:
    """Masks what it was told is secret, what stands under a telling key, and what looks like a credential.

    It works on the values, before they are rendered: a rendered line has escapes of its own.
    """

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._keys: dict[str, str] = {}
        self._lock = Lock()

    def learn(self, secret: str) -> None:
        """Mask this value from now on wherever it appears: as it is, in JSON, in a URL, line by line."""
        forms = {form for form in _forms(secret) if len(form) >= _SHORTEST_SECRET} - _ORDINARY
        with self._lock:
            if forms <= self._known:
                return
            self._known |= forms
            longest_first = sorted(self._known, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))
            self._keys = {}

    def known_masked(self, text: str) -> str:
        """The text without the values that it was told; what only looks like a secret stays."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def text(self, text: str) -> str:
        """The text without secrets."""
        text = self.known_masked(text)
        if not _HINTS.search(text.lower()):
            return text
        for pattern in _SECRET_TEXTS:
            text = pattern.sub(lambda found: f"{found['head']}{MASK}", text)
        return text

    def fields(self, fields: Mapping[Any, Any]) -> dict[str, Any]:
        """The fields in JSON's types, without secrets; those under telling keys are masked at any depth."""
        return {
            self._key(key): MASK if _is_secret(key, value) else self.value(value)
            for key, value in fields.items()
        }

    def _key(self, key: Any) -> str:
        """The same few names stand in line after line."""
        keys = self._keys
        if key.__class__ is not str:
            return self.text(str(key))
        if (known := keys.get(key)) is None:
            known = self.text(key)
            if len(keys) < _KEPT_KEYS:
                keys[key] = known
        return known

    def value(self, value: Any) -> Any:
        """The value in JSON's types, without secrets."""
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return self.fields(value)
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        return self.text(_as_text(value))


def _forms(secret: str) -> Iterator[str]:
    """How a secret may stand in a text."""
    for line in {secret, *secret.splitlines()}:
        in_json = json.dumps(line)[1:-1], json.dumps(line, ensure_ascii=False)[1:-1]
        once = {line, repr(line)[1:-1], *in_json}
        yield from once
        yield from (json.dumps(form, ensure_ascii=False)[1:-1] for form in once)
        yield from _quoted(line)


def _quoted(line: str) -> Iterator[str]:
    """In URLs: by Python, by JavaScript, and with the other case of hexadecimal digits."""
    for quoted in (quote(line), quote(line, safe=""), quote_plus(line), quote(line, safe="!*'()")):
        yield quoted
        yield _PERCENT_ENCODED.sub(lambda found: found[0].lower(), quoted)


def _is_secret(key: Any, value: Any) -> bool:
    return bool(value) and not isinstance(value, bool) and _is_telling(str(key))


@lru_cache(maxsize=1024)
def _is_telling(key: str) -> bool:
    return bool(_SECRET_KEY.search(key))


def _as_text(value: Any) -> str:
    try:
        return str(value)
    except Exception:
        return f"<{type(value).__name__} without text>"


redactor = Redactor()
"""The one of this process: a secret learned anywhere is masked everywhere."""
