"""``make demo-lambda``: one whole run, of which nothing is left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from blackcat.infra.postgres_server import missing_postgres

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def scratch(tmp_path):
    """Where the demo keeps its files: every process of its own names this folder in its environment."""
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


def test_the_demo_tells_its_story_and_leaves_nothing_behind(scratch):
    if reason := missing_postgres():
        pytest.skip(reason)
    # PostgreSQL does not run as root, and has to reach its folder.
    for folder in (scratch, *scratch.parents):
        if not folder.stat().st_mode & 0o001 and os.access(folder, os.W_OK):
            folder.chmod(folder.stat().st_mode | 0o011)
    done = subprocess.run(
        [sys.executable, "examples/demo_lambda.py"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(scratch)},
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the bad record alone comes back" in done.stdout
    assert "FAILED" not in done.stdout
    assert list(scratch.glob("blackcat-*")) == []
    assert processes_that_mention(scratch) == []


def processes_that_mention(folder):
    """On Linux; elsewhere there is no /proc, and nothing is found."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            said = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:  # it has ended, or is another user's
            continue
        if str(folder).encode() in said:
            found.append((process.name, said))
    return found
