"""The lines of requirements files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath

from blackcat.errors import InvalidPackage

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_INCLUDED = re.compile(r"(?:-r|--requirement)[ =]*(\S+)")
_OPTION = re.compile(r"--[A-Za-z-]+|-[A-Za-z]")
_CONSTRAINTS = ("-c", "--constraint")
_INDEXES = ("-i", "--index-url", "--extra-index-url", "--no-index", "-f", "--find-links")
_EDITABLE = ("-e", "--editable")
_SOURCE = re.compile(r"(?:^|@\s*)(?:git|hg|svn|bzr)\+|^\.{0,2}/(?!.*\.whl\b)")
_COMMENT = re.compile(r"(^|\s)#.*")


def requirement_lines(
    path: PurePosixPath, read: Callable[[PurePosixPath], str], including: Sequence[PurePosixPath] = ()
) -> Iterator[str]:
    """Each requirement of a file as one line, with those of the files that it includes.

    Raises InvalidPackage for what cannot be left out: constraints, indexes (a package of theirs would be
    looked for elsewhere), what is editable or built from source, and files that include each other.
    https://pip.pypa.io/en/stable/reference/requirements-file-format/
    """
    if path in including:
        raise InvalidPackage(f"{path} includes itself, by way of {', '.join(map(str, including))}")
    for line in read(path).replace("\\\n", " ").splitlines():
        text = _COMMENT.sub("", line).strip()
        if included := _INCLUDED.fullmatch(text):
            yield from requirement_lines(_normal(path.parent / included[1]), read, (*including, path))
        elif refusal := _refusal(text):
            raise InvalidPackage(f"{path} has {refusal}")
        elif text and not _OPTION.match(text):
            yield text


def _normal(path: PurePosixPath) -> PurePosixPath:
    return PurePosixPath(posixpath.normpath(path))


def _refusal(text: str) -> str:
    """Why a line cannot be packed; its value is not told, since addresses may hold passwords."""
    found = _OPTION.match(text)
    option = found[0] if found else ""
    if option in _CONSTRAINTS:
        return f"'{option}', and constraints are not read: pin the versions in it"
    if option in _INDEXES:
        return f"'{option}', and indexes are pip's own to know: `pip config set`, or PIP_EXTRA_INDEX_URL"
    if option in _EDITABLE:
        return (
            f"'{option}', and only wheels are packed: name the project's folders in [tool.blackcat.lambda] "
            "sources, and require what they need"
        )
    if _SOURCE.search(text):
        return (
            f"{name_of(text) or 'a package'} from its source, and only wheels are packed: make one with "
            "`pip wheel`, require it by name and version, and name its folder with --find-links"
        )
    return ""


def name_of(requirement: str) -> str:
    """The normalized name of what is required: "blackcat" of "Blackcat[odbc]>=1". Empty for a bare path."""
    found = _NAME.match(requirement)
    rest = requirement[found.end() :] if found else requirement
    if found is None or rest.startswith(("/", ":", "+")):
        return ""
    return normalized(found[0])


def normalized(name: str) -> str:
    """https://packaging.python.org/en/latest/specifications/name-normalization/"""
    return re.sub(r"[-_.]+", "-", name).lower()


def is_pinned(requirement: str) -> bool:
    """Whether only one version will do."""
    return "==" in requirement.partition(";")[0] or " @ " in requirement
