"""What was built, taken up again to be rolled out."""

from __future__ import annotations

import json
from pathlib import Path

from blackcat.application.packaging.artifact import EKANS, FUNCTION, MEW, Artifact
from blackcat.application.packaging.declaration import HANDLER, HANDLER_OF_SERVICES, DeclaredFunction, Smoke
from blackcat.application.packaging.manifest import FILE, Manifest
from blackcat.application.packaging.target import Target
from blackcat.application.rollout.release import LayerContent, Release, layer_name, targets_of
from blackcat.application.rollout.smoke import request
from blackcat.errors import InvalidPackage
from blackcat.infra.packaging.zips import sha256_of


def built_release(root: Path, output: Path, declared: DeclaredFunction) -> Release:
    """The release that `blackcat package` built into ``output``. Raises InvalidPackage.

    It is refused when a zip is no longer the one of the manifest, or when it was built for another Python or
    architecture than what is declared.
    """
    manifest = _manifest(output)
    _require_target(manifest.target, declared)
    for artifact in manifest.artifacts:
        _require_unchanged(output, artifact)
    function = manifest.artifact(FUNCTION)
    return Release(
        declared=declared,
        target=manifest.target,
        code=output / function.file,
        code_sha256=function.sha256,
        layers=tuple(
            _layer(manifest.artifact(name), output, manifest.target, declared) for name in (MEW, EKANS)
        ),
        event=_event(root, declared.smoke),
    )


def handler_of(root: Path) -> str:
    """The handler where nothing is declared, by the project's layout."""
    return HANDLER if (root / "src" / "main.py").is_file() else HANDLER_OF_SERVICES


def _manifest(output: Path) -> Manifest:
    try:
        return Manifest.loaded((output / FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidPackage(f"{output} has no {FILE}: build with `blackcat package` first") from error


def _require_target(built: Target, declared: DeclaredFunction) -> None:
    wanted = Target(declared.python, declared.architecture)
    if built != wanted:
        raise InvalidPackage(
            f"{FILE} is of a build for {built}, and pyproject.toml declares {wanted}: declare what was "
            "built, or build again with `blackcat package`"
        )


def _require_unchanged(output: Path, artifact: Artifact) -> None:
    path = output / artifact.file
    if not path.is_file() or sha256_of(path) != artifact.sha256:
        raise InvalidPackage(f"{path} is not what {FILE} tells of: build again with `blackcat package`")


def _layer(artifact: Artifact, output: Path, target: Target, declared: DeclaredFunction) -> LayerContent:
    name, targets = layer_name(artifact.name, declared), targets_of(artifact.name, target)
    return LayerContent(name, output / artifact.file, artifact.sha256, tuple(targets))


def _event(root: Path, smoke: Smoke) -> bytes:
    if smoke.event is None:
        return json.dumps(request(smoke.path)).encode()
    try:
        content = (root / smoke.event).read_bytes()
        json.loads(content)
    except (OSError, ValueError) as error:
        raise InvalidPackage(
            f"the event of the smoke invocation, {root / smoke.event}, cannot be read as JSON: {error}"
        ) from error
    return content
