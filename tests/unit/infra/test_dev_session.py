"""How commands of another terminal find a running dev."""

import json
import os
import signal
import subprocess
import sys

import pytest

from blackcat.errors import ProjectError
from blackcat.infra.project.dev_session import DevSession, find_session, only_dev_of, write_session

SESSION = DevSession(
    pid=os.getpid(), endpoint_url="http://127.0.0.1:4566", region="us-east-1", services={"api": "http://x"}
)
HOLDS = """
import sys, time
from pathlib import Path
from blackcat.infra.project.dev_session import DevSession, only_dev_of, write_session
root = Path(sys.argv[1])
with only_dev_of(root):
    write_session(root, DevSession(pid=1, endpoint_url="http://127.0.0.1:1", region="eu-west-1"))
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def other_dev(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_session_is_found_while_it_runs_only(tmp_path):
    assert find_session(tmp_path) is None
    with only_dev_of(tmp_path):
        assert find_session(tmp_path) is None
        write_session(tmp_path, SESSION)
        assert find_session(tmp_path) == SESSION
    assert find_session(tmp_path) is None
    assert not list((tmp_path / ".blackcat").glob("dev.json*"))


def test_its_environment_leads_to_the_emulator_with_credentials_that_open_nothing():
    environment = SESSION.environment()
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "us-east-1"
    assert environment["AWS_ACCESS_KEY_ID"] == "test"


def test_a_dev_that_was_killed_leaves_no_session(tmp_path, other_dev):
    assert find_session(tmp_path).region == "eu-west-1"
    other_dev.send_signal(signal.SIGKILL)
    other_dev.wait()
    assert (tmp_path / ".blackcat" / "dev.json").exists()
    assert find_session(tmp_path) is None
    with only_dev_of(tmp_path):
        write_session(tmp_path, SESSION)
        assert find_session(tmp_path) == SESSION


def test_a_second_dev_is_refused_with_the_first_ones_process(tmp_path, other_dev):
    refused = pytest.raises(ProjectError, match=r"already runs in .* \(process 1\): stop that one first")
    with refused, only_dev_of(tmp_path):
        pass
    assert find_session(tmp_path) is not None


@pytest.mark.parametrize("content", ["", "{", "[]", '"x"', "{}", json.dumps({"pid": 1, "unknown": 2})])
def test_a_file_that_is_no_session_is_none(tmp_path, content):
    with only_dev_of(tmp_path):
        (tmp_path / ".blackcat" / "dev.json").write_text(content)
        assert find_session(tmp_path) is None


def test_git_ignores_what_dev_keeps(tmp_path):
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    with only_dev_of(tmp_path):
        write_session(tmp_path, SESSION)
        status = ["git", "status", "--porcelain", "--untracked-files=all"]
        shown = subprocess.run(status, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert shown.stdout == ""


def test_a_folder_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / ".blackcat").write_text("a file")
    with pytest.raises(ProjectError, match="cannot be written"), only_dev_of(tmp_path):
        pass
