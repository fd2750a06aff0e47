"""Fails unless a tag is the version of pyproject.toml, and the changelog has a section for it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def problems(tag: str, pyproject: str, changelog: str) -> list[str]:
    """What stands in the way of releasing that tag."""
    found = re.search(r'^version = "([^"]+)"$', pyproject, re.MULTILINE)
    version = found[1] if found else ""
    told = []
    if tag != f"v{version}":
        told.append(
            f"the tag is {tag}, and pyproject.toml says {version}: tag v{version}, or change it there"
        )
    section = re.search(rf"^## \[{re.escape(version)}\](.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if section is None:
        told.append(f"CHANGELOG.md has no section {version}: move what is unreleased there")
    elif "Not released yet" in section[1]:
        told.append(f"CHANGELOG.md calls {version} not released yet: write its date instead")
    return told


def main() -> None:
    files = (ROOT / name for name in ("pyproject.toml", "CHANGELOG.md"))
    told = problems(sys.argv[1], *(file.read_text(encoding="utf-8") for file in files))
    sys.exit("\n".join(told) or 0)


if __name__ == "__main__":
    main()
