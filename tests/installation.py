"""Blackcat as users have it: its wheel, installed by pip into an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

# What a project is held to, by the tools of this environment.
CHECKS: dict[str, tuple[str, ...]] = {
    "tests": ("python", "-m", "pytest", "-q"),
    "style": (str(Path(sys.executable).with_name("ruff")), "check", "."),
    "format": (str(Path(sys.executable).with_name("ruff")), "format", "--check", "."),
    "types": ("python", "-m", "mypy"),
    "layers": ("python", "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"),
}


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel: its programs, and the variables that processes in it see."""

    programs: Path
    environment: dict[str, str]

    def run(self, *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """The outcome of a command; the programs of this environment go before others of their name."""
        program = self.programs / command[0]
        return subprocess.run(
            [program if program.exists() else command[0], *command[1:]],
            capture_output=True,
            text=True,
            cwd=cwd,
            env=self.environment,
            check=False,
            timeout=300,
        )

    def check(self, project: Path) -> None:
        """The project's tests pass; its style, format, types and layers hold. Else AssertionError."""
        for name, command in CHECKS.items():
            done = self.run(*command, cwd=project)
            assert done.returncode == 0, f"{name}\n{done.stdout}\n{done.stderr}"


def built_wheel(folder: Path) -> Path:
    """The wheel of this checkout, built into that folder."""
    _python("-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    [wheel] = folder.glob("*.whl")
    return wheel


def installed_wheel(folder: Path) -> Installed:
    """An environment in that folder with the wheel of this checkout, and with what is installed here.

    The requirements and tools of this environment are lent to it: a path file shows them, but not this
    checkout, which stands in a path file of its own.
    """
    wheel = built_wheel(folder / "dist")
    venv.create(folder / "venv", symlinks=True)
    programs = folder / "venv" / "bin"
    install = ("install", "-q", "--no-deps", "--no-index", str(wheel))
    _python("-m", "pip", "--python", str(programs / "python"), *install)
    [site_packages] = (folder / "venv" / "lib").glob("python*/site-packages")
    (site_packages / "lent.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return Installed(programs, _without_this_checkout(programs))


def _without_this_checkout(programs: Path) -> dict[str, str]:
    outer = ("AWS_", "PYTHON", "PYTEST", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(outer)}
    return {**kept, "PATH": f"{programs}{os.pathsep}{kept.get('PATH', '')}"}


def _python(*arguments: str) -> None:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
