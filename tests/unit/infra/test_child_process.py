"""Child processes, their lines and their ends."""

import os
import select
import signal
import subprocess
import sys
import time

import pytest

from blackcat.infra.child_process import ChildProcess

ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def start(tmp_path):
    started = []

    def python(program):
        started.append(ChildProcess([sys.executable, "-c", program], cwd=tmp_path, environment=ENVIRONMENT))
        return started[-1]

    yield python
    for process in started:
        process.kill()


def lines_until_its_end(process):
    found = []
    while True:
        select.select([process], [], [], 60)
        lines = process.lines()
        if lines is None:
            return [*found, *process.close()]
        found += lines


def test_both_outputs_come_in_order_and_the_last_line_needs_no_end(start):
    process = start("import sys; print('a'); print('b', file=sys.stderr); sys.stdout.write('c\\r\\nd')")
    assert lines_until_its_end(process) == ["a", "b", "c", "d"]
    assert process.poll() == 0


def test_lines_never_wait(start):
    process = start("import time; time.sleep(600)")
    assert process.lines() == []
    assert process.poll() is None
    process.kill()
    assert process.close() == []
    assert process.poll() == -signal.SIGKILL


def test_odd_bytes_and_endless_lines_are_shown(start):
    process = start("import os; os.write(1, b'\\xff\\xfe\\n' + b'x' * 200_000)")
    first, *rest = lines_until_its_end(process)
    assert first == "\ufffd\ufffd"
    assert "".join(rest) == "x" * 200_000


def test_what_was_written_before_the_end_is_never_lost(start):
    process = start("print('x\\n' * 5_000, end='')")
    while process.poll() is None:
        time.sleep(0.01)
    assert process.close() == ["x"] * 5_000


def test_closing_ends_what_it_has_left_behind(start):
    process = start(
        "import os, subprocess, sys\n"
        "left = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(left.pid)"
    )
    while process.poll() is None:
        time.sleep(0.01)
    left = int(process.close()[0])
    while _is_running(left):
        time.sleep(0.01)


def _is_running(pid):
    """An orphan is reaped by others: it may be dead and still be there."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
    return bool(state.strip()) and not state.startswith("Z")


def test_it_has_no_terminal_and_its_own_session(start):
    process = start("import os, sys; print(os.getsid(0) == os.getpid(), sys.stdin.read() == '')")
    assert lines_until_its_end(process) == ["True True"]
