"""The record of what an alias points at, kept in the repository: ``deployments/hom.json``."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from blackcat.application.rollout.release import Release
from blackcat.application.rollout.rollout import Deployed
from blackcat.errors import BlackcatError

FOLDER = "deployments"
_COMMIT_VARIABLES = ("GITHUB_SHA", "CI_COMMIT_SHA")


def record_of(
    function: str,
    deployed: Deployed,
    *,
    release: Release | None,
    commit: str | None,
    changed: bool | None,
    when: datetime,
) -> dict[str, Any]:
    """What a record tells; without ``release`` it is of a rollback. Names and hashes, no values.

    ``commit`` is what was checked out; the code may be another where files were ``changed`` since.
    """
    version, alias = deployed.version, deployed.alias
    hashes = {layer.name: layer.sha256 for layer in release.layers} if release else {}
    return {
        "function": function,
        "alias": alias.name,
        "version": alias.version,
        "previous": alias.previous,
        "by": "rollout" if release else "rollback",
        "commit": commit,
        "uncommitted_changes": changed,
        "when": when.isoformat(timespec="seconds"),
        "code_sha256": version.code_sha256,
        "layers": list(version.configuration.layers),
        "layers_sha256": hashes,
        "runtime": version.configuration.runtime,
        "architecture": version.configuration.architecture,
    }


def write_record(root: Path, record: Mapping[str, Any]) -> Path:
    """Write it whole or not at all; returns the file. Raises BlackcatError: the alias was moved by then."""
    path = root / FOLDER / f"{record['alias']}.json"
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(exist_ok=True)
        try:
            beside.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise BlackcatError(
            f"the alias is at version {record['version']}, and that cannot be recorded: {error}; mend it, "
            "and run it again: all that is left is the record"
        ) from error
    return path


def is_changed(root: Path) -> bool | None:
    """Whether there is more, or other, than was committed; records aside. None outside a repository."""
    said = _git(root, "status", "--porcelain", "--", ".", f":(exclude){FOLDER}")
    return None if said is None else bool(said)


def commit_of(root: Path) -> str | None:
    """The commit that is checked out, as the pipeline or git tells it; None outside a repository."""
    told = next((os.environ[name] for name in _COMMIT_VARIABLES if os.environ.get(name)), None)
    if told:
        return told
    return _git(root, "rev-parse", "HEAD") or None


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    except OSError:  # there is no git here
        return None
    return done.stdout.strip() if done.returncode == 0 else None
