"""The record of a build: what each zip is, and what went into it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from blackcat.application.packaging.artifact import Artifact
from blackcat.application.packaging.target import Target
from blackcat.errors import InvalidPackage

FILE = "manifest.json"
_FORMAT = 1


@dataclass(frozen=True)
class Manifest:
    """The artifacts of one build, and where they run. It tells neither times nor paths: builds compare.

    ``compiled`` is the release of Python that compiled them ("3.12.1"); None where none did.
    """

    target: Target
    artifacts: tuple[Artifact, ...]
    compiled: str | None = None

    def artifact(self, name: str) -> Artifact:
        """Raises InvalidPackage when there is none of that name."""
        for artifact in self.artifacts:
            if artifact.name == name:
                return artifact
        raise InvalidPackage(f"{FILE} has no artifact '{name}': build again with `blackcat package`")

    def dumped(self) -> str:
        content = {
            "format": _FORMAT,
            "python": self.target.python,
            "architecture": self.target.architecture,
            "compiled": self.compiled,
            "artifacts": [artifact.as_json() for artifact in self.artifacts],
        }
        return json.dumps(content, indent=2) + "\n"

    @classmethod
    def loaded(cls, text: str) -> Manifest:
        """Raises InvalidPackage for what is no manifest of this Blackcat's."""
        try:
            content = json.loads(text)
            if content["format"] != _FORMAT:
                raise ValueError(f"format {content['format']}")
            artifacts = tuple(Artifact.from_json(one) for one in content["artifacts"])
            target = Target(content["python"], content["architecture"])
            return cls(target, artifacts, content["compiled"])
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidPackage(
                f"{FILE} is none ({type(error).__name__}: {error}): build again, with `blackcat package`"
            ) from error


def lock(artifacts: Sequence[Artifact]) -> list[str]:
    """What went in, one line each: name, version and the wheel's hash."""
    return [f"{one} --hash=sha256:{one.sha256}" for artifact in artifacts for one in artifact.packages]
