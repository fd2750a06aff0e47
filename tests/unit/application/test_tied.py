"""Children that end with their parent, watched as processes."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from blackcat.application.tied import tied

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it is for Linux only")

PARENT = """
import subprocess, sys, threading
from blackcat.application.tied import tied

subprocess.Popen(tied([sys.executable, "-c", sys.argv[1]]), stdin=subprocess.DEVNULL)
threading.Event().wait()
"""
WAITING = "import threading; print('runs', flush=True); threading.Event().wait()"
ASKED = f"""
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: (print('asked', flush=True), sys.exit(0)))
{WAITING}
"""
# It ends when its standard input does, or by a signal.
CHILD = [sys.executable, "-c", "import sys; print('runs', flush=True); sys.stdin.read()"]


@pytest.mark.parametrize(("program", "last_words"), [(WAITING, ""), (ASKED, "asked\n")])
def test_a_child_is_asked_to_end_when_its_parent_is_killed(program, last_words):
    command = [sys.executable, "-c", PARENT, program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout.readline() == "runs\n"
        parent.kill()
        assert parent.stdout.read() == last_words  # comes back once nobody holds the pipe any more


def test_it_is_the_command_itself_that_runs():
    program = "import os, sys; print(os.getpid(), *sys.argv[1:])"
    process = subprocess.Popen(
        tied([sys.executable, "-c", program, "a b", "c"]), stdout=subprocess.PIPE, text=True
    )
    assert process.communicate()[0] == f"{process.pid} a b c\n"
    assert process.returncode == 0


def test_one_whose_parent_is_gone_before_it_starts_does_not_run():
    command = tied([sys.executable, "-c", "print('ran')"])
    command[command.index(str(os.getpid()))] = "1"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "gone already" in done.stderr


def test_what_a_thread_started_outlives_the_thread():
    with ThreadPoolExecutor(1) as threads:
        process = threads.submit(
            lambda: subprocess.Popen(tied(CHILD), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ).result()
        assert process.stdout.readline() == "runs\n"
    process.communicate("")
    assert process.returncode == 0
