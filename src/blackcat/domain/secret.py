"""A secret as it was read: one version of it, which shows nothing of itself."""

from __future__ import annotations

import difflib
import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from blackcat.errors import InvalidSecret

# https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
CURRENT = "AWSCURRENT"
PENDING = "AWSPENDING"
PREVIOUS = "AWSPREVIOUS"

# What AWS's own database secrets hold besides the password; masked, these words would be missing all
# over the logs.
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html
PLAIN_KEYS = frozenset(
    {
        *("engine", "host", "port", "username", "dbname", "dbInstanceIdentifier", "dbClusterIdentifier"),
        *("masterarn", "ssl", "serviceName", "namespaceName"),
    }
)


@dataclass(frozen=True, slots=True)
class SecretValue:
    """One version of a secret, under the name that it was asked for; up to 64 KB of text or bytes.

    Its repr and its errors never show the content. ``stages`` are the labels of this version, such as
    AWSCURRENT.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
    """

    name: str
    content: str | bytes = field(repr=False)
    version_id: str
    stages: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        """The text. Raises InvalidSecret when the secret is binary."""
        if isinstance(self.content, bytes):
            raise InvalidSecret(f"secret '{self.name}' is binary: read it with .binary")
        return self.content

    @property
    def binary(self) -> bytes:
        """The bytes. Raises InvalidSecret when the secret is text."""
        if isinstance(self.content, str):
            raise InvalidSecret(f"secret '{self.name}' is text: read it with .text or .json()")
        return self.content

    def json(self) -> Any:
        """What its JSON says. Raises InvalidSecret when it is none."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):  # its message is harmless, its attributes hold the whole text
            problem = f"secret '{self.name}' is not JSON: store JSON in it, or read it with .text"
        raise InvalidSecret(problem)

    def key(self, key: str) -> Any:
        """What stands under a key of its JSON. Raises InvalidSecret, which suggests the nearest key."""
        found = self.json()
        if not isinstance(found, Mapping):
            raise InvalidSecret(f"secret '{self.name}' has no keys: it is not a JSON object")
        if key not in found:
            nearest = difflib.get_close_matches(key, found, n=1)
            hint = f" (did you mean '{nearest[0]}'?)" if nearest else ""
            raise InvalidSecret(f"secret '{self.name}' has no key '{key}'{hint}")
        return found[key]

    def confidential(self, *, plain: Container[str] = PLAIN_KEYS) -> Iterator[str]:
        """Every text that must not be seen: the whole, and what stands under other keys than these."""
        if isinstance(self.content, bytes):
            yield self.content.decode(errors="ignore")
            return
        yield self.content
        try:
            yield from confidential(json.loads(self.content), plain=plain)
        except (ValueError, RecursionError):
            return


def confidential(value: Any, *, plain: Container[str] = PLAIN_KEYS) -> Iterator[str]:
    """The texts and numbers in a JSON value, as texts; none of those under the ``plain`` keys."""
    if isinstance(value, Mapping):
        for key, member in value.items():
            if key not in plain:
                yield from confidential(member, plain=plain)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from confidential(member, plain=plain)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
