import json
import logging
import subprocess
import sys
import threading

import pytest
import structlog

from blackcat.application.events import EventLog
from blackcat.errors import QueueNotFound
from blackcat.infra.logs import bind_log_fields, clear_log_fields, configure_logs


def configure():
    configure_logs(level="DEBUG", format="json", service="orders", environment="staging")


@pytest.fixture
def lines(capsys):
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    hooks, raising = (sys.excepthook, threading.excepthook), logging.raiseExceptions

    def read():
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    yield read
    root.handlers, logging.raiseExceptions = handlers, raising
    root.setLevel(level)
    sys.excepthook, threading.excepthook = hooks
    logging.captureWarnings(False)
    structlog.reset_defaults()


def test_events_of_every_kind_of_logger_are_lines_with_the_same_fields(lines):
    configure()
    EventLog("blackcat.x").info("message.handled", attempt=1)
    logging.getLogger("shop").info("order.placed", extra={"order": 7})
    structlog.get_logger("shop").info("order.placed", order=7)
    logging.getLogger("shop").info("order %s placed", 7)
    ours, standard, structured, positional = lines()
    assert (ours["event"], ours["attempt"]) == ("message.handled", 1)
    assert (standard["event"], standard["order"]) == ("order.placed", 7)
    assert (structured["event"], structured["order"]) == ("order.placed", 7)
    assert positional["event"] == "order 7 placed"
    for line in (ours, standard, structured, positional):
        assert (line["service"], line["environment"], line["level"]) == ("orders", "staging", "info")
        assert line["timestamp"].endswith("Z")


def test_bound_fields_are_on_every_line_of_the_thread_until_cleared(lines):
    configure()
    bind_log_fields(message_id="m-1")
    logging.getLogger("shop").info("one")
    clear_log_fields()
    logging.getLogger("shop").info("two")
    one, two = lines()
    assert one["message_id"] == "m-1"
    assert "message_id" not in two


def test_a_failed_call_to_aws_is_told_in_fields_without_traceback(lines):
    configure()
    error = QueueNotFound(
        "create it", service="sqs", operation="GetQueueUrl", resource="orders", request_id="r-1"
    )
    EventLog("blackcat.x").warning("queue.poll_failed", error=error)
    (line,) = lines()
    assert line["aws_operation"] == "GetQueueUrl"
    assert line["aws_request_id"] == "r-1"
    assert line["transient"] is False
    assert "exception" not in line


def test_an_exception_carries_its_traceback_in_one_line(lines):
    configure()
    try:
        raise ValueError("boom")
    except ValueError as error:
        EventLog("blackcat.x").error("message.failed", error=error)
    (line,) = lines()
    assert "ValueError: boom" in line["exception"]


def test_arguments_that_do_not_fit_cost_no_line(lines):
    configure()
    logging.getLogger("shop").info("%d items", "x")
    (line,) = lines()
    assert line["event"] == "%d items ('x',)"


def test_the_readable_format_has_the_traceback_and_no_local_variables(capsys, lines):
    configure_logs(level="DEBUG", format="console")
    body = {"card": "a-local-variable-with-4111"}
    try:
        raise ValueError(f"boom {len(body)}")
    except ValueError as error:
        EventLog("blackcat.x").error("worker.failed", error=error)
    output = capsys.readouterr().out
    assert "ValueError: boom 1" in output
    assert "4111" not in output


def test_what_cannot_be_json_is_still_logged(lines):
    configure()
    logging.getLogger("shop").info("odd", extra={"thing": object(), "text": "\ud800"})
    (line,) = lines()
    assert "object object" in line["thing"]


@pytest.mark.parametrize(
    "name", ["botocore", "botocore.endpoint", "urllib3.connectionpool", "boto3.resources"]
)
def test_libraries_that_print_requests_are_never_heard_below_info(lines, name):
    configure()
    logger = logging.getLogger(name)
    logger.setLevel(logging.DEBUG)
    logger.debug("a request with its credentials")
    assert lines() == []
    logger.setLevel(logging.NOTSET)


SCRIPT = """
import sys, threading, warnings
from blackcat.infra.logs import configure_logs
from blackcat.infra.redaction import redactor
redactor.learn("canary-secret")
configure_logs(format="json")
warnings.warn("the canary-secret is old")
thread = threading.Thread(target=lambda: {}["canary-secret"], name="t")
thread.start()
thread.join()
class Ending:
    def __del__(self):
        raise RuntimeError("the canary-secret in a finalizer")
ending = Ending()
del ending
raise RuntimeError("the canary-secret was refused")
"""


def test_warnings_and_uncaught_exceptions_are_redacted_lines():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == ""
    events = [json.loads(line)["event"] for line in done.stdout.splitlines()]
    assert "thread.uncaught_exception" in events
    assert "process.uncaught_exception" in events
    assert "canary" not in done.stdout
    assert "process.unraisable_exception" in events
    assert done.stdout.count("***") >= 4
