"""The messages on the page are those of the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from tests.docs.blocks import ROOT

PAGE = ROOT / "docs" / "en" / "troubleshooting.md"
# The first cell of a row: a message, with an ellipsis for what varies.
MESSAGES = re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def texts() -> Iterator[str]:
    """Every text in the code, with an ellipsis for what is filled in."""
    for file in sorted((ROOT / "src" / "blackcat").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
                yield "".join(map(str, parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


@pytest.fixture(scope="module")
def told() -> list[str]:
    return list(texts())


@pytest.mark.parametrize("message", MESSAGES)
def test_the_code_says_so(message: str, told: list[str]) -> None:
    parts = [re.escape(part) for part in re.split("…", message)]
    pattern = re.compile(".*".join(parts), re.DOTALL)
    assert any(map(pattern.search, told))


def test_there_are_messages() -> None:
    assert len(MESSAGES) > 40
