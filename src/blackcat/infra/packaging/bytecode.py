"""Sources compiled by the target's own Python, so that a cold start need not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from blackcat.application.packaging.artifact import Entry
from blackcat.errors import InvalidPackage
from blackcat.infra.packaging.compiler import BYTES

_COMPILER = Path(__file__).with_name("compiler.py")
_ABOUT = (
    "import sys; v = sys.version_info; "
    "print(sys.implementation.name, '%d.%d' % v[:2], v.releaselevel, '%d.%d.%d' % v[:3], sys.executable)"
)


@dataclass(frozen=True)
class Interpreter:
    """A Python that is installed here; ``release`` as in "3.12.1"."""

    path: str
    release: str

    def compiled(self, entries: Iterable[Entry], prefix: PurePosixPath) -> list[Entry]:
        """The .pyc of each source, for beside it; those that do not compile have none.

        Below ``prefix`` they say that they stand. The same entries come to the same bytes. Raises
        InvalidPackage.
        """
        sources = {entry.path: entry for entry in entries if entry.path.suffix == ".py"}
        paths = sorted(sources)
        asked = [(str(prefix / path), sources[path].read().decode(BYTES)) for path in paths]
        answered = zip(paths, self._compiler(json.dumps(asked)), strict=True)
        return [
            Entry.holding(_place(path, self.release), content.encode(BYTES))
            for path, content in answered
            if content
        ]

    def _compiler(self, asked: str) -> list[str | None]:
        done = _alone(self.path, str(_COMPILER), asked=asked)
        if done.returncode:
            raise InvalidPackage(f"{self.path} cannot compile what is packed: {done.stderr.strip()}")
        answer: list[str | None] = json.loads(done.stdout)
        return answer


def interpreter_of(python: str, environment: Mapping[str, str] = os.environ) -> Interpreter | None:
    """CPython of that version ("3.12"): this one, that on PATH, or pyenv's newest; None for none of them."""
    for path in _candidates(python, environment):
        if found := _tried(path, python):
            return found
    return None


def _candidates(python: str, environment: Mapping[str, str]) -> Iterator[str]:
    yield sys.executable
    if on_path := shutil.which(f"python{python}", path=environment.get("PATH", os.defpath)):
        yield on_path
    root = environment.get("PYENV_ROOT") or Path(environment.get("HOME", "/")) / ".pyenv"
    found = Path(root, "versions").glob(f"{python}.*/bin/python{python}")
    yield from map(str, sorted(found, key=_patch, reverse=True))


def _patch(path: Path) -> int:
    patch = path.parts[-3].rpartition(".")[2]
    return int(patch) if patch.isdecimal() else -1


def _tried(path: str, python: str) -> Interpreter | None:
    """A name on PATH may be a shim that runs nothing; an early release's bytecode is not that of Lambda."""
    try:
        done = _alone(path, "-c", _ABOUT)
    except OSError:
        return None
    told = done.stdout.strip().split(" ", 4)
    if done.returncode or told[:3] != ["cpython", python, "final"]:
        return None
    return Interpreter(told[4], told[3])


def _alone(path: str, *arguments: str, asked: str = "") -> subprocess.CompletedProcess[str]:
    """Without what sites and users have python do at its start, and with one seed: bytes depend on both."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [path, "-S", "-s", "-W", "ignore", *arguments],
        input=asked,
        env={**others, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def _place(source: PurePosixPath, release: str) -> PurePosixPath:
    """https://peps.python.org/pep-3147/"""
    tag = "".join(release.split(".")[:2])
    return source.parent / "__pycache__" / f"{source.stem}.cpython-{tag}.pyc"
