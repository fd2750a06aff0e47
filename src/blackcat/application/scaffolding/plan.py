"""What would change in a project's folder if files were written to it."""

from __future__ import annotations

import difflib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath


@dataclass(frozen=True)
class File:
    """A file as it should be; its path is relative to the project.

    ``edit`` marks the new content of a file that stands there already, such as the registry: it was
    made from the present one, so that replacing it loses nothing.
    """

    path: PurePosixPath
    content: str
    edit: bool = False


class Kind(Enum):
    """What becomes of a file."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Change:
    """One file, before and after; ``before`` is None for one that is not there yet."""

    path: PurePosixPath
    kind: Kind
    before: str | None
    after: str

    def diff(self) -> str:
        """A unified diff, as `patch` reads it; empty for an unchanged file."""
        old = "/dev/null" if self.before is None else f"a/{self.path}"
        lines = difflib.unified_diff(
            _lines(self.before or ""), _lines(self.after), fromfile=old, tofile=f"b/{self.path}"
        )
        return "".join(_ended(line) for line in lines)


def changes(
    files: Sequence[File], read: Callable[[PurePosixPath], str | None], *, replaces: bool
) -> list[Change]:
    """What writing these files would do; ``read`` gives a file's present content, or None.

    A file that stands there with another content is a conflict, unless it is an edit or ``replaces``
    says that it may be replaced.
    """
    return [_change(file, read(file.path), replaces=replaces) for file in files]


def tree(changes: Sequence[Change]) -> str:
    """The files as a drawing of their folders; what is not newly created says what becomes of it."""
    return "\n".join(_drawn({change.path.parts: change for change in changes}, indent=""))


def _change(file: File, before: str | None, *, replaces: bool) -> Change:
    if before is None:
        kind = Kind.CREATED
    elif before == file.content:
        kind = Kind.UNCHANGED
    else:
        kind = Kind.CHANGED if file.edit or replaces else Kind.CONFLICT
    return Change(path=file.path, kind=kind, before=before, after=file.content)


def _lines(text: str) -> list[str]:
    # Not splitlines(): it also splits at form feeds and the like, which are part of a line.
    return list(io.StringIO(text))


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _drawn(below: Mapping[tuple[str, ...], Change], *, indent: str) -> Iterator[str]:
    """The lines for what is below a folder, keyed by the rest of its path; folders come first."""
    names = sorted({parts[0] for parts in below}, key=lambda name: ((name,) in below, name))
    for name in names:
        last = name == names[-1]
        branch = f"{indent}{'└── ' if last else '├── '}{name}"
        change = below.get((name,))
        if change is None:
            inner = {parts[1:]: change for parts, change in below.items() if parts[0] == name}
            yield f"{branch}/"
            yield from _drawn(inner, indent=f"{indent}{'    ' if last else '│   '}")
        else:
            yield branch if change.kind is Kind.CREATED else f"{branch}  ({change.kind.value})"
