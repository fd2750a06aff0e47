import json
import logging
import os
import subprocess
import sys
import threading

import pytest

from blackcat.infra.logs.output import OutputHandler

PIPE_BYTES = 65_536


class Pipe:
    """A pipe as standard output, whose reader may be slow or gone."""

    def __init__(self):
        self.read_end, self.write_end = os.pipe()
        self.handler = OutputHandler(self.write_end, "utf-8", patience=0.01)
        self.handler.setFormatter(logging.Formatter("%(message)s"))

    def log(self, text):
        self.handler.handle(logging.makeLogRecord({"msg": text}))

    def read(self):
        """What was written since, split into lines."""
        self.log("the last line")
        text = ""
        while not text.endswith("the last line\n"):
            text += os.read(self.read_end, PIPE_BYTES).decode()
        return text.splitlines()[:-1]


@pytest.fixture
def pipe():
    made = Pipe()
    yield made
    os.close(made.write_end)


def test_each_line_is_written_at_once(pipe):
    pipe.log("one")
    assert os.read(pipe.read_end, 100) == b"one\n"


def test_what_a_stalled_reader_does_not_take_is_dropped_and_counted(pipe):
    for number in range(100):
        pipe.log(f"{number:04}" + "x" * 2_000)
    taken = os.read(pipe.read_end, PIPE_BYTES).decode().splitlines()
    assert taken[0].startswith("0000")
    pipe.log("after")
    lines = pipe.read()
    assert lines[-2:] == ["logs.dropped", "after"]


def test_a_line_that_was_cut_off_does_not_spoil_the_next(pipe):
    pipe.log("x" * 2 * PIPE_BYTES)
    os.read(pipe.read_end, PIPE_BYTES)
    assert pipe.read()[-1] == "logs.dropped"


def test_a_line_longer_than_the_pipe_reaches_a_slow_reader_whole():
    read_end, write_end = os.pipe()
    handler = OutputHandler(write_end, "utf-8")
    line = "x" * 5 * PIPE_BYTES
    writer = threading.Thread(target=handler.handle, args=(logging.makeLogRecord({"msg": line}),))
    writer.start()
    with os.fdopen(read_end) as reader:
        assert reader.readline() == f"{line}\n"
    writer.join()
    os.close(write_end)


def test_a_reader_that_is_gone_raises_nothing(pipe):
    os.close(pipe.read_end)
    pipe.log("one")
    pipe.log("two")


def test_a_line_that_cannot_be_formatted_at_all_raises_nothing_and_is_counted(pipe):
    class Unable(logging.Formatter):
        def format(self, record):
            raise RecursionError

    able = pipe.handler.formatter
    pipe.handler.setFormatter(Unable())
    pipe.log("one")
    pipe.handler.setFormatter(able)
    pipe.log("two")
    assert [line for line in pipe.read() if line] == ["logs.dropped", "two"]


WRITERS = r"""
import logging, os
from blackcat.infra.logs.logs import configure_logs, write_line
configure_logs(format="json")
for worker in range(3):
    if not os.fork():
        for number in range(60):
            logging.getLogger("shop").info("long", extra={"text": str(worker) * 30_000})
            write_line('{"short": "%s"}' % (str(worker) * 1_000))
        os._exit(0)
for worker in range(3):
    os.wait()
"""


def test_long_lines_of_processes_do_not_mix_with_each_other_or_with_short_ones():
    done = subprocess.run([sys.executable, "-c", WRITERS], capture_output=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 3 * 60 * 2
    assert all(len(set(line.get("text", "x"))) == 1 for line in lines)


KILLED = r"""
import logging, os, signal, sys, time
from blackcat.infra.logs.turns import one_at_a_time
read_end, write_end = os.pipe()
child = os.fork()
if not child:
    with one_at_a_time(0) as its_turn:
        os.write(write_end, b"holds" if its_turn else b"waits")
        signal.pause()
os.read(read_end, 5)
with one_at_a_time(0.01) as its_turn:
    print("before", its_turn)
os.kill(child, signal.SIGKILL)
os.wait()
with one_at_a_time(0.01) as its_turn:
    print("after", its_turn)
"""


def test_a_process_that_is_killed_in_its_turn_holds_nobody_up():
    done = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["before", "False", "after", "True"]


SCRIPT = r"""
import logging
from blackcat.infra.logs.logs import configure_logs
configure_logs(format="json")
logging.getLogger("x").info("\u00e9\u20ac\U0001f600\ud800")
print("\u00e9\u20ac")
"""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_is_utf_8_whatever_the_locale(encoding):
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, check=True)
    assert json.loads(done.stdout.splitlines()[0])["event"] == "\u00e9\u20ac\U0001f600\ud800"


def test_a_process_without_standard_output_runs():
    command = ["sh", "-c", 'exec "$0" -c "$1" >&-', sys.executable, SCRIPT]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
