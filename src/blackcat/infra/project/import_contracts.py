"""The project's import-linter contracts, checked by import-linter itself."""

from __future__ import annotations

import configparser
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from blackcat.application.doctor.architecture import Contracts

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PROGRAM = "from importlinter.cli import lint_imports_command; lint_imports_command()"
_PATIENCE_SECONDS = 300


def checked_contracts(root: Path) -> Contracts | None:
    """What import-linter says of the project; None when it configures no contracts."""
    if not _are_configured(root):
        return None
    if importlib.util.find_spec("importlinter") is None:
        return Contracts(problem="the project has contracts and import-linter is not installed")
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, "--no-logo", "--no-cache"],
            cwd=root,
            env=_environment(root),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_PATIENCE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return Contracts(problem=f"import-linter did not end within {_PATIENCE_SECONDS} seconds")
    broken = tuple(_broken(done.stdout))
    if done.returncode and not broken:
        last = [line for line in done.stdout.splitlines() if line.strip()] or ["no output"]
        return Contracts(problem=f"import-linter failed: {last[-1]}")
    return Contracts(broken)


def _are_configured(root: Path) -> bool:
    if (root / ".importlinter").is_file():
        return True
    setup = configparser.ConfigParser(interpolation=None)
    try:
        setup.read(root / "setup.cfg", encoding="utf-8")
        pyproject = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return setup.has_section("importlinter")
    except (configparser.Error, ValueError):
        return False
    return setup.has_section("importlinter") or "importlinter" in pyproject.get("tool", {})


def _environment(root: Path) -> dict[str, str]:
    path = os.pathsep.join([str(root), str(root / "src"), os.environ.get("PYTHONPATH", "")])
    # One line per contract, however long its name.
    return {**os.environ, "PYTHONPATH": path, "COLUMNS": "1000", "NO_COLOR": "1"}


def _broken(output: str) -> Iterator[tuple[str, str]]:
    lines = output.splitlines()
    for name in [line.removesuffix(" BROKEN") for line in lines if line.endswith(" BROKEN")]:
        yield name, "; ".join(_details(lines, name)) or "see lint-imports"


def _details(lines: list[str], name: str) -> Iterator[str]:
    """The imports that are listed under the contract's own heading."""
    headings = [n for n, line in enumerate(lines[:-1]) if line == name and lines[n + 1].startswith("---")]
    for number in range(headings[-1] + 2 if headings else len(lines), len(lines)):
        if number + 1 < len(lines) and lines[number + 1].startswith("---"):
            return
        if lines[number].startswith("- "):
            yield lines[number].removeprefix("- ")
