"""What becomes of a generated file that stands in the project already, so that no edit is lost.

Three texts decide: ``base``, which was generated last; ``present``, which is there now; ``generated``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath

from blackcat.application.deployment.merge import merged


class Fate(Enum):
    """What becomes of a file; the value is how people are told."""

    CREATED = "created"
    REPLACED = "replaced"
    MERGED = "merged"
    CONFLICT = "in conflict"
    REMOVED = "removed"
    # Nothing is written for these:
    UNCHANGED = "unchanged"
    KEPT = "kept"
    LEFT_OUT = "left out"
    WAITING = "waiting"
    ORPHANED = "orphaned"


_WRITING = (Fate.CREATED, Fate.REPLACED, Fate.MERGED, Fate.CONFLICT, Fate.REMOVED)
_SETTLED = (Fate.UNCHANGED, Fate.KEPT, Fate.LEFT_OUT)
_REASONS = {
    Fate.MERGED: "with your edits in it",
    Fate.CONFLICT: "{why}; the new text is in {new}: take over what you need, then say `blackcat "
    "generate-deploy --resolved {path}`",
    Fate.REMOVED: "nothing declares it any more",
    Fate.KEPT: "as you edited it",
    Fate.LEFT_OUT: "you deleted it; --force writes it again",
    Fate.WAITING: "{new} is still there: take over what you need from it, and delete it",
    Fate.ORPHANED: "nothing declares it any more, and you edited it: delete it yourself",
}


@dataclass(frozen=True)
class Decision:
    """What becomes of one file; ``after`` is what it will hold, None for one that will not be there.

    ``base`` is what later runs compare with: a conflict keeps the old one, and so stays one in every clone of
    the repository until somebody settles it.
    """

    path: PurePosixPath
    fate: Fate
    before: str | None
    after: str | None
    generated: str | None
    base: str | None

    @property
    def settled(self) -> bool:
        """Whether the project and the registry agree on it."""
        return self.fate in _SETTLED

    @property
    def writes(self) -> bool:
        return self.fate in _WRITING

    @property
    def unresolved(self) -> bool:
        """Whether somebody has to look at it."""
        return self.fate in (Fate.CONFLICT, Fate.WAITING)

    @property
    def reason(self) -> str:
        why = "it was there before" if self.base is None else "you edited the lines that differ now"
        return _REASONS.get(self.fate, "").format(new=beside(self.path), path=self.path, why=why)


def beside(path: PurePosixPath) -> PurePosixPath:
    """Where a generated text goes that could not be merged: next to the file."""
    return path.with_name(f"{path.name}.new")


def decide(
    path: PurePosixPath,
    *,
    base: str | None,
    present: str | None,
    generated: str | None,
    waiting: bool = False,
    resolved: bool = False,
    force: bool = False,
) -> Decision:
    """What becomes of this file.

    ``generated`` is None where it is generated no more, ``waiting`` says that the text of an earlier conflict
    stands beside it still, ``resolved`` that the user's text is the right one, and ``force`` gives up the
    user's edits.
    """
    if resolved:
        base, waiting = generated, False
    # A checkout on Windows is no edit.
    found = None if present is None else present.replace("\r\n", "\n")
    if generated is None:
        fate, after = _without(base, found, force)
    elif found == generated:
        fate, after = Fate.UNCHANGED, found
    elif force:
        fate, after = (Fate.CREATED if found is None else Fate.REPLACED), generated
    elif found is None:
        fate, after = (Fate.CREATED, generated) if base is None else (Fate.LEFT_OUT, None)
    else:
        fate, after = _with_edits(base, found, generated)
    if waiting and fate in (Fate.UNCHANGED, Fate.KEPT):
        fate = Fate.WAITING
    if present is not None and "\r\n" in present and after is not None:
        after = after.replace("\n", "\r\n")
    return Decision(path, fate, present, after, generated, base if fate is Fate.CONFLICT else generated)


def _without(base: str | None, found: str | None, force: bool) -> tuple[Fate, str | None]:
    if found is None:
        return Fate.UNCHANGED, None
    return (Fate.REMOVED, None) if found == base or force else (Fate.ORPHANED, found)


def _with_edits(base: str | None, found: str, generated: str) -> tuple[Fate, str]:
    if base == generated:
        return Fate.KEPT, found
    if found == base:
        return Fate.REPLACED, generated
    both = None if base is None else merged(base, found, generated)
    if both is None:
        return Fate.CONFLICT, found
    return (Fate.KEPT if both == found else Fate.MERGED), both
