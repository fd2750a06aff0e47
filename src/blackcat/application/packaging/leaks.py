"""Secrets in the text of files."""

from __future__ import annotations

import re
from collections.abc import Mapping

_KEY_BODY = rb"(?:\\r|\\n|\s)+(?:[A-Za-z-]+: [^\n]*\s+)*[A-Za-z0-9+/=]{24}"

# Where a pattern is only the shape of a key, what follows it must be one: code may look for such headers.
_KINDS: Mapping[str, re.Pattern[bytes]] = {
    "an AWS access key": re.compile(rb"(?<![A-Za-z0-9/+])A(?:KIA|SIA)(?![A-Z0-9]{9}EXAMPLE)[A-Z2-7]{16}\b"),
    "an AWS secret access key": re.compile(
        rb"aws_?secret_?(?:access_?)?key\W{1,8}(?![A-Za-z0-9/+]*EXAMPLEKEY)[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])",
        re.IGNORECASE,
    ),
    "a private key": re.compile(rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----" + _KEY_BODY),
    "an OpenAI key": re.compile(rb"\bsk-(?:proj|svcacct)-[A-Za-z0-9_-]{40,}"),
    "a live payment key": re.compile(rb"\b[sr]k_live_[A-Za-z0-9]{16,}"),
    "a GitHub token": re.compile(rb"\bgh[pousr]_[A-Za-z0-9]{36}\b"),
    "a Slack token": re.compile(rb"\bxox[abprs]-[A-Za-z0-9-]{20,}"),
}


def leak(content: bytes) -> str | None:
    """What kind of secret the text holds, and in which line: never the secret. None for none."""
    for kind, pattern in _KINDS.items():
        if found := pattern.search(content):
            line = content.count(b"\n", 0, found.start()) + 1
            return f"{kind} in line {line}"
    return None
