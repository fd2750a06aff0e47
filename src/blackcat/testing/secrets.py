"""Secrets in memory, with Secrets Manager's versions and stages."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Mapping
from typing import Any

from blackcat.domain.secret import CURRENT, PENDING, PREVIOUS, SecretValue
from blackcat.errors import SecretNotFound


class InMemorySecretStore:
    """A store whose secrets a test creates, rotates and deletes. Safe to share between threads.

    ``calls`` are the names that were asked for, in order: what a cache spares can be seen there.
    """

    def __init__(self, secrets: Mapping[str, Any] | None = None) -> None:
        self._lock = threading.RLock()
        self._versions: dict[str, dict[str, str | bytes]] = {}
        self._stages: dict[str, dict[str, str]] = {}
        self.calls: list[str] = []
        for name, content in (secrets or {}).items():
            self.put(name, content)

    def get(self, name: str, *, stage: str = CURRENT, version_id: str | None = None) -> SecretValue:
        with self._lock:
            self.calls.append(name)
            known = _name_in(name)
            found = version_id or self._stages.get(known, {}).get(stage)
            if found not in self._versions.get(known, {}):
                raise _not_found(name, f"version '{version_id}'" if version_id else stage)
            stages = frozenset(label for label, id_ in self._stages[known].items() if id_ == found)
            return SecretValue(name, self._versions[known][found], found, stages)

    def put(self, name: str, content: Any, *, stage: str = CURRENT) -> str:
        """Store a new version: text or bytes as they are, anything else as JSON; returns its id.

        The version that was AWSCURRENT becomes AWSPREVIOUS.
        """
        version_id = str(uuid.uuid4())
        with self._lock:
            as_is = isinstance(content, str | bytes)
            self._versions.setdefault(name, {})[version_id] = content if as_is else json.dumps(content)
            self._label(name, stage, version_id)
        return version_id

    def promote(self, name: str) -> None:
        """End a rotation: the version that is AWSPENDING becomes AWSCURRENT. Raises SecretNotFound."""
        with self._lock:
            if PENDING not in self._stages.get(name, {}):
                raise _not_found(name, PENDING)
            self._label(name, CURRENT, self._stages[name].pop(PENDING))

    def delete(self, name: str) -> None:
        """Mark it for deletion: it cannot be read any more. Raises SecretNotFound."""
        with self._lock:
            if name not in self._versions:
                raise _not_found(name, CURRENT)
            del self._versions[name], self._stages[name]

    def arn(self, name: str) -> str:
        """An ARN under which the secret can be read, too."""
        return f"arn:aws:secretsmanager:us-east-1:000000000000:secret:{name}-AbCdEf"

    def _label(self, name: str, stage: str, version_id: str) -> None:
        stages = self._stages.setdefault(name, {})
        if stage == CURRENT and CURRENT in stages:
            stages[PREVIOUS] = stages[CURRENT]
        stages[stage] = version_id


def _name_in(name: str) -> str:
    """The secret's name, which an ARN holds with six random characters at its end."""
    return name.split(":", 6)[6].rpartition("-")[0] if name.startswith("arn:") else name


def _not_found(name: str, version: str) -> SecretNotFound:
    return SecretNotFound(
        f"there is no such secret, or it has no {version}; create it, or check its name", resource=name
    )
