"""The README's first screen, followed as a reader would: its blocks are written to files and run."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.test_pytest_plugin import run_pytest

from tests.integration.conftest import until

README = Path(__file__).resolve().parents[2] / "README.md"
BLOCK = re.compile(r"```python\n# (?P<path>[\w/]+\.py)\n(?P<code>.*?)```", re.DOTALL)


@pytest.fixture
def project(tmp_path):
    blocks = {match["path"]: match["code"] for match in BLOCK.finditer(README.read_text())}
    assert set(blocks) >= {
        "services/__init__.py",
        "shop/consumers.py",
        "shop/container.py",
        "main.py",
        "try_it.py",
        "test_place_order.py",
        "test_place_order_on_aws.py",
    }
    for path, code in blocks.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(code)
    return tmp_path


def test_the_first_screen_handles_a_message_on_the_emulator(project, environment):
    output = project / "output.log"
    variables = {name: environment[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in environment}
    with output.open("w") as log:
        trial = subprocess.Popen(
            [sys.executable, "try_it.py"],
            cwd=project,
            env={**variables, "HEALTH_HOST": "127.0.0.1", "HEALTH_PORT": "0", "CONSUMER_WAIT_SECONDS": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: "message.handled" in output.read_text() or trial.poll() is not None, output.read_text())
    finally:
        trial.send_signal(signal.SIGINT)
        status = trial.wait(60)
    assert "message.handled" in output.read_text(), output.read_text()
    assert status == 0, output.read_text()


def test_its_tests_pass(project):
    done = run_pytest(
        project, "-p", "no:cacheprovider", PYTHONPATH=f"{os.environ.get('PYTHONPATH', '')}:{project}"
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_main_says_what_is_missing(project, environment):
    done = subprocess.run(
        [sys.executable, "main.py"], cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 78
    assert "SERVICE_NAME is not set: set it to one of the services: place_order" in done.stdout
