"""Installs the wheel into an empty environment on each Python found, and follows the tutorial there.

As a newcomer would: every command of the page is run, those that install too, so it needs pip's package
index. `make release-check PYTHONS="3.10 3.13"` tries these only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.docs.blocks import blocks_of  # noqa: E402 - the folder above is this repository
from tests.docs.sandbox import furnished  # noqa: E402 - the same

VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
TUTORIAL = ROOT / "docs" / "en" / "tutorial.md"
# What a newcomer's shell has of ours.
KEPT = ("HOME", "LANG", "PATH", "TMPDIR", "XDG_CACHE_HOME", "PIP_CONFIG_FILE", "PIP_INDEX_URL", "HTTPS_PROXY")


def pythons(wanted: list[str]) -> Iterator[tuple[str, str]]:
    """Versions and interpreters that are here, from the PATH or from pyenv."""
    for version in wanted:
        candidates = (shutil.which(f"python{version}"), _of_pyenv(version))
        if found := next((python for python in candidates if python and _works(python)), None):
            yield version, found


def _works(python: str) -> bool:
    """pyenv's shims stand for versions too that are not chosen; Debian's Pythons may lack venv."""
    command = [python, "-c", "import ensurepip, venv"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _of_pyenv(version: str) -> str | None:
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    releases = sorted(versions.glob(f"{version}.*/bin/python"), key=lambda path: path.parts[-3])
    return str(releases[-1]) if releases else None


def follow(python: str, wheel: Path, folder: Path) -> None:
    """The wheel in a new environment, and the tutorial in a new folder."""
    venv, place = folder / "venv", folder / "tutorial"
    place.mkdir()
    run(python, "-m", "venv", str(venv))
    pip = (str(venv / "bin" / "python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check")
    run(*pip, str(wheel))
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    path = os.pathsep.join([str(venv / "bin"), kept["PATH"]])
    # Free ports, so that two checks may go on at once.
    environment = {**kept, "PATH": path, "HEALTH_PORT": "0", "PORT": "0", "NO_COLOR": "1"}
    with furnished(place, TUTORIAL.name, environment, python=str(venv / "bin" / "python")) as tutorial:
        tutorial.follow(blocks_of(TUTORIAL))


def run(*command: str) -> None:
    # What finds this checkout must not find it in the new environment.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def main() -> None:
    wanted = os.environ.get("PYTHONS", " ".join(VERSIONS)).split()
    with tempfile.TemporaryDirectory(prefix="blackcat-release-") as scratch:
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", f"{scratch}/dist")
        [wheel] = Path(scratch, "dist").glob("*.whl")
        tried = dict(pythons(wanted))
        for version, python in tried.items():
            begun = time.monotonic()
            folder = Path(scratch, version)
            folder.mkdir()
            follow(python, wheel, folder)
            print(f"Python {version}: {wheel.name} is installed, and the tutorial holds", end="")
            print(f" ({time.monotonic() - begun:.0f} s)", flush=True)
        missing = [version for version in wanted if version not in tried]
    if missing:
        print(f"not here, so not tried: Python {', '.join(missing)}")
    if not tried:
        sys.exit("no Python from 3.10 on was found")


if __name__ == "__main__":
    main()
