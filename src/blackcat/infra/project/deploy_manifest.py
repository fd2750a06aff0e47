"""What was generated last, and what becomes of a project's files when they are generated anew.

``deploy/.generated.json`` remembers the texts, packed, a line for each file; it is committed with them. What
differs from it was edited by somebody.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import os
import stat
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from blackcat.application.deployment.keeping import Decision, Fate, beside, decide
from blackcat.application.scaffolding.plan import Change, File, Kind
from blackcat.errors import ProjectError
from blackcat.infra.project.scaffolding import apply, reader

MANIFEST = PurePosixPath("deploy/.generated.json")

Texts = dict[PurePosixPath, str]


class Manifest:
    """The texts that were generated last, by the target that they are of."""

    def __init__(self, targets: Mapping[str, Texts]) -> None:
        self.targets = dict(targets)

    @classmethod
    def read(cls, root: Path) -> Manifest:
        """A project's manifest, empty where there is none yet. Raises ProjectError."""
        text = reader(root)(MANIFEST)
        if text is None:
            return cls({})
        try:
            return cls(
                {
                    target: {PurePosixPath(path): _unpacked(packed) for path, packed in files.items()}
                    for target, files in json.loads(text).items()
                }
            )
        except (ValueError, AttributeError, TypeError, binascii.Error, zlib.error) as error:
            raise ProjectError(
                f"{root / MANIFEST} is not what was written there: take it from version control, or delete "
                "it (files that you edited then stay, and the generated ones are written beside them)"
            ) from error

    def texts(self, targets: Collection[str]) -> Texts:
        return {path: text for target in targets for path, text in self.targets.get(target, {}).items()}

    def changed(
        self,
        generated: Mapping[str, Sequence[File]],
        decided: Sequence[Decision],
        *,
        without: Collection[str] = (),
    ) -> Manifest:
        """The same after those decisions about these targets; ``without`` are dropped."""
        bases = {decision.path: decision.base for decision in decided}
        new = {
            target: {file.path: base for file in files if (base := bases[file.path]) is not None}
            for target, files in generated.items()
        }
        kept = {**self.targets, **new}
        return Manifest({target: texts for target, texts in kept.items() if target not in without})

    def written(self) -> str:
        packed = {
            target: {str(path): _packed(text) for path, text in sorted(files.items())}
            for target, files in sorted(self.targets.items())
        }
        return json.dumps(packed, indent=1) + "\n"


def decisions(
    root: Path,
    manifest: Manifest,
    generated: Mapping[str, Sequence[File]],
    *,
    resolved: Collection[PurePosixPath] = (),
    force: bool = False,
) -> list[Decision]:
    """What becomes of every file of these targets, of those too that they no longer have."""
    read = reader(root)
    bases = manifest.texts(generated)
    texts = {file.path: file.content for files in generated.values() for file in files}
    others = manifest.texts(manifest.targets.keys() - generated.keys())
    paths = [*texts, *(path for path in bases if path not in texts and path not in others)]
    return [
        decide(
            path,
            base=bases.get(path),
            present=read(path),
            generated=texts.get(path),
            waiting=read(beside(path)) is not None,
            resolved=path in resolved,
            force=force,
        )
        for path in sorted(paths)
    ]


def write(
    root: Path,
    decided: Sequence[Decision],
    manifest: Manifest,
    *,
    resolved: Collection[PurePosixPath] = (),
) -> None:
    """Do what was decided, all or nothing, and remember it. Raises ProjectError."""
    read = reader(root)
    changes = [change for decision in decided for change in _changes(decision, read(beside(decision.path)))]
    before, after = read(MANIFEST), manifest.written()
    if before is None or Manifest.read(root).targets != manifest.targets:
        changes.append(_change(MANIFEST, before, after))
    _refuse(changes, root)
    gone = [decision.path for decision in decided if decision.fate is Fate.REMOVED]
    with contextlib.ExitStack() as undo:
        aside = [_put_aside(root / path, undo) for path in (*gone, *map(beside, resolved))]
        apply(changes, root)
        undo.pop_all()
    for path in aside:
        path.unlink(missing_ok=True)


def _put_aside(path: Path, undo: contextlib.ExitStack) -> Path:
    """What is to be deleted, under a name of its own until everything else is written."""
    hidden = path.with_name(f".{path.name}.{os.getpid()}.removed")
    try:
        path.replace(hidden)
    except FileNotFoundError:
        return hidden
    except OSError as error:
        raise ProjectError(f"nothing was written: {path} cannot be deleted: {error.strerror}") from error
    undo.callback(hidden.replace, path)
    return hidden


def _refuse(changes: Sequence[Change], root: Path) -> None:
    """Raises ProjectError for what could be written, but should not be."""
    for change in changes:
        target = root / change.path
        for folder in target.parents:
            if folder.is_file():
                raise ProjectError(
                    f"nothing was written: {folder} is a file: move it, a folder belongs there"
                )
        if change.before is not None and not target.stat().st_mode & stat.S_IWUSR:
            raise ProjectError(f"nothing was written: {target} is read-only: allow its owner to write it")


def _changes(decision: Decision, waiting: str | None) -> Iterator[Change]:
    if decision.fate is Fate.CONFLICT and decision.generated is not None:
        yield _change(beside(decision.path), waiting, decision.generated)
    elif decision.fate in (Fate.CREATED, Fate.REPLACED, Fate.MERGED) and decision.after is not None:
        yield _change(decision.path, decision.before, decision.after)


def _change(path: PurePosixPath, before: str | None, after: str) -> Change:
    return Change(path, Kind.CREATED if before is None else Kind.CHANGED, before, after)


def _packed(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _unpacked(packed: str) -> str:
    return zlib.decompress(base64.b64decode(packed)).decode()
