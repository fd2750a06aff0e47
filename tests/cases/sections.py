"""Awkward input as text files, in sections: "===== what is awkward", and below it the text."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent


def sections(name: str) -> dict[str, str]:
    """The sections of ``tests/cases/<name>.txt`` by their titles."""
    text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    _, *parts = re.split(r"^===== (.*)\n", text, flags=re.MULTILINE)
    return {title: f"{body.rstrip()}\n" for title, body in zip(parts[::2], parts[1::2], strict=True)}
