"""The code blocks of a page: fences, each with its language."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (*sorted((ROOT / "docs" / "en").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md")

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[\w-]*)[^\n]*\n(?P<code>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_PATH = re.compile(r"# (?P<path>(?:[\w.-]+/)*[\w.-]*\.\w+)(?::.*)?\n")
_PROMPT = "$ "


@dataclass(frozen=True)
class Command:
    """A command line of a console block, and the output that the page shows for it."""

    line: str
    output: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """A fence of a page."""

    page: str
    number: int
    language: str
    code: str

    @property
    def where(self) -> str:
        return f"{self.page}:{self.number}"

    @cached_property
    def path(self) -> str | None:
        """The file that the block is, which its first line names: ``# services/__init__.py``."""
        found = _PATH.match(self.code)
        return found["path"] if found else None

    @property
    def commands(self) -> list[Command]:
        """What a console block tells the reader to type; what stands below each is its output."""
        found: list[tuple[str, list[str]]] = []
        for line in self.code.splitlines():
            if line.startswith(_PROMPT):
                found.append((line.removeprefix(_PROMPT), []))
            elif found and found[-1][0].endswith("\\"):
                found[-1] = (f"{found[-1][0]}\n{line}", [])
            elif found and line.strip():
                found[-1][1].append(line.rstrip())
        return [Command(line, tuple(output)) for line, output in found]


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(page.name, text.count("\n", 0, found.start()) + 1, found["language"], _code(found))
        for found in _FENCE.finditer(text)
    ]


def _code(found: re.Match[str]) -> str:
    return textwrap.dedent(found["code"])
