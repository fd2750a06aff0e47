import json
import logging
import re
import subprocess
import sys
import threading

import pytest
import structlog

from blackcat.application.events import EventLog
from blackcat.errors import QueueNotFound
from blackcat.infra.logs.lines import JsonLines
from blackcat.infra.logs.logs import bind_log_fields, clear_log_fields, configure_logs, write_line
from blackcat.infra.logs.output import OutputHandler
from blackcat.infra.redaction import redactor


def configure():
    configure_logs(
        level="DEBUG",
        format="json",
        service="orders",
        environment="staging",
        version="1.2.3",
        identity={"task": "t-1"},
    )


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
        assert (line["version"], line["task"]) == ("1.2.3", "t-1")
        assert list(line)[:4] == ["timestamp", "level", "event", "service"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["timestamp"])


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
    assert line["error"] == {"kind": "QueueNotFound", "message": str(error)}


def test_an_exception_carries_its_traceback_in_one_line(lines):
    configure()
    try:
        raise ValueError("boom")
    except ValueError as error:
        EventLog("blackcat.x").error("message.failed", error=error)
    (line,) = lines()
    assert (line["error"]["kind"], line["error"]["message"]) == ("ValueError", "boom")
    assert line["error"]["stack"].startswith("Traceback")
    assert line["error"]["stack"].endswith("ValueError: boom")


@pytest.mark.parametrize("raised", [ValueError("boom"), ValueError()])
def test_every_kind_of_logger_tells_an_exception_alike(lines, raised):
    configure()
    try:
        raise raised
    except ValueError:
        logging.getLogger("shop").exception("failed %s", "here")
        structlog.get_logger("shop").exception("failed here")
        structlog.get_logger("shop").error("failed here", exc_info=raised)
    for line in lines():
        assert (line["event"], line["level"]) == ("failed here", "error")
        assert (line["error"]["kind"], line["error"]["message"]) == ("ValueError", str(raised))
        assert "Traceback" in line["error"]["stack"]
        assert "exc_info" not in line


def test_an_error_told_as_text_has_the_same_type(lines):
    configure()
    structlog.get_logger("shop").error("payment.failed", error="card refused")
    (line,) = lines()
    assert line["error"] == {"message": "card refused"}


def test_a_field_named_as_one_of_ours_takes_nothing_away(lines):
    configure()
    clash = {
        "service": "other",
        "environment": "x",
        "version": 7,
        "task": "y",
        "level": "high",
        "logger": "z",
    }
    structlog.get_logger("shop").info("one", timestamp="noon", **clash)
    logging.getLogger("shop").info("one", extra={"event": "two", "timestamp": "noon", **clash})
    EventLog("shop").info("one", timestamp="noon", _record=1, _logger=2, **clash)
    for line in lines():
        assert (line["event"], line["level"], line["logger"]) == ("one", "info", "shop")
        assert (line["service"], line["environment"], line["version"]) == ("orders", "staging", "1.2.3")
        assert {name: line[f"{name}_"] for name in clash} == clash
        assert line["timestamp_"] == "noon"


def test_numbers_stay_numbers_and_what_is_nested_stays_nested(lines):
    configure()
    structlog.get_logger("shop").info("one", amount=12.5, count=3, paid=True, order={"id": 7, "tags": ["a"]})
    (line,) = lines()
    assert (line["amount"], line["count"], line["paid"]) == (12.5, 3, True)
    assert line["order"] == {"id": 7, "tags": ["a"]}


def test_a_number_that_json_has_not_costs_no_line(lines):
    configure()
    structlog.get_logger("shop").info("one", ratio=float("nan"), deep={"most": [float("inf"), 1]})
    (line,) = lines()
    assert line["ratio"] == "nan"
    assert line["deep"] == {"most": ["inf", 1]}


def test_a_line_that_cloudwatch_would_cut_is_cut_here_and_still_json(lines):
    configure()
    structlog.get_logger("shop").info("x" * 300_000, kept=7, text="é" * 300_000, many=["y" * 100] * 5000)
    (line,) = lines()
    assert line["kept"] == 7
    assert line["service"] == "orders"
    assert len(json.dumps(line)) < 200_000
    assert "290000 characters" in line["text"]


def test_a_line_of_its_own_is_written_whatever_the_level(lines, capsys):
    configure_logs(level="ERROR", format="console")
    write_line('{"_aws": {}}')
    assert capsys.readouterr().out == '{"_aws": {}}\n'


def test_arguments_that_do_not_fit_cost_no_line(lines):
    configure()
    logging.getLogger("shop").info("%d items", "x")
    (line,) = lines()
    assert line["event"] == "%d items ('x',)"


class Silent:
    """An object of a project's whose text cannot be had."""

    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize(
    ("text", "arguments", "expected"),
    [
        ("order %(id)s", ({"wrong": 1},), "order %(id)s"),
        ("order %(id)s", (1, 2), "order %(id)s"),
        ("order %s", (Silent(),), "order %s ['<Silent without text>']"),
        ("order %s", (1, 2), "order %s (1, 2)"),
        ("order %d", ("x",), "order %d ('x',)"),
        ("order 100%", (1,), "order 100% (1,)"),
        (Silent(), (), "<Silent without text>"),
        (Silent(), (1,), "<Silent without text>"),
        (7, (1,), "7 (1,)"),
        ({"order": 1}, (), "{'order': 1}"),
    ],
)
def test_no_log_call_raises_and_each_writes_its_line(capsys, lines, form, text, arguments, expected):
    configure_logs(format=form)
    logging.getLogger("shop").info(text, *arguments)
    structlog.get_logger("shop").info(text, *arguments)
    standard, structured = capsys.readouterr().out.splitlines()
    assert expected in standard
    assert expected in structured


def test_what_cannot_be_formatted_says_where_it_was_logged(tmp_path):
    class Broken(logging.Formatter):
        def format(self, record):
            return f"{record.msg}{record.fields}"

    with (tmp_path / "out").open("w") as out:
        handler = OutputHandler(out.fileno(), "utf-8")
        handler.setFormatter(Broken())
        handler.handle(logging.makeLogRecord({"msg": "order.placed", "name": "shop", "pathname": "a.py"}))
    written = (tmp_path / "out").read_text()
    assert "logs.not_written" in written
    assert "'log': 'shop'" in written
    assert "a.py" in written


def test_a_field_named_line_is_a_field(lines):
    configure()
    redactor.learn("canary-line-secret")
    logging.getLogger("shop").info("csv.bad", extra={"line": "canary-line-secret", "number": 12})
    structlog.get_logger("shop").info("csv.bad", line="canary-line-secret", number=12)
    EventLog("shop").info("csv.bad", line="canary-line-secret", number=12)
    written = lines()
    assert len(written) == 3
    for line in written:
        assert (line["event"], line["line"], line["number"]) == ("csv.bad", "***", 12)
        assert line["service"] == "orders"


def _circular():
    made = {"kept": 1}
    made["itself"] = made
    return made


def _deep():
    made = []
    for _ in range(3_000):
        made = [made]
    return made


class Unreadable(dict):
    def items(self):
        raise RuntimeError("closed")


class Ambiguous:
    """As an array of numpy's, or a data frame."""

    def __bool__(self):
        raise ValueError("the truth of it is ambiguous")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (_circular(), '{"kept": 1, "itself": "<circular>"}'),
        (10**5000, "an integer of 16610 bits"),
        ([-(10**5000)], "an integer of"),
        (_deep(), "nested too deep"),
        (Silent(), "Silent without text"),
        ({Silent(): 1}, "Silent without text"),
        (Unreadable(a=1), "Unreadable that cannot be read"),
        (Ambiguous(), "Ambiguous object"),
    ],
    ids=["circular", "integer", "integers", "deep", "value", "name", "mapping", "truth"],
)
def test_a_value_that_cannot_be_written_costs_neither_its_line_nor_the_other_fields(lines, given, expected):
    configure()
    logging.getLogger("shop").info(
        "order.placed", extra={"order": given, "amount": 7, "password": "hunter22"}
    )
    structlog.get_logger("shop").info("order.placed", order=given, amount=7, password="hunter22")
    standard, structured = lines()
    for line in (standard, structured):
        assert (line["event"], line["amount"], line["password"]) == ("order.placed", 7, "***")
        assert expected in json.dumps(line["order"])


def test_a_value_that_cannot_be_written_is_shown_on_a_terminal_too(capsys, lines):
    configure_logs(format="console")
    logging.getLogger("shop").info("order.placed", extra={"order": _deep(), "amount": 7, "stack": 3})
    output = capsys.readouterr().out
    assert "order.placed" in output
    assert "nested too deep" in output


def test_an_error_whose_text_cannot_be_had_is_told_by_its_kind(lines):
    class RefusedError(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    configure()
    EventLog("shop").error("payment.failed", error=RefusedError())
    (line,) = lines()
    assert (line["error"]["kind"], line["error"]["message"]) == (
        "RefusedError",
        "<RefusedError without text>",
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "\U0001f600" * 190_000},
        {"text": "\ud800" * 60_000},
        {f"field_{number}": "x" * 9_999 for number in range(100)},
        {f"field_{number}": "\U0001f600" * 99 for number in range(5_000)},
        {"deep": {"one": {"two": ["x" * 99] * 5_000}}},
        {"many": {f"field_{number}": "x" * 99 for number in range(5_000)}},
        {"name" * 100_000: 1},
    ],
    ids=["emoji", "surrogates", "many_texts", "many_fields", "deep", "mapping", "name"],
)
def test_a_line_is_never_longer_than_its_limit_in_bytes(fields, tmp_path):
    with (tmp_path / "out").open("w") as out:
        handler = OutputHandler(out.fileno(), "utf-8")
        handler.setFormatter(JsonLines({"service": "orders"}))
        error = ValueError("boom")
        record = {"msg": "order.placed", "name": "shop", "exc_info": (ValueError, error, None), **fields}
        handler.handle(logging.makeLogRecord(record))
    written = (tmp_path / "out").read_bytes()
    assert len(written) <= 200_001
    line = json.loads(written)
    assert (line["event"], line["service"], line["logger"]) == ("order.placed", "orders", "shop")
    assert line["error"]["kind"] == "ValueError"


def test_fields_that_are_too_many_are_counted(lines):
    configure()
    logging.getLogger("shop").info("one", extra={f"field_{number}": "x" * 99 for number in range(5_000)})
    (line,) = lines()
    assert line["field_0"] == "x" * 99
    kept = sum(name.startswith("field_") for name in line)
    assert line["fields_left_out"] == 5_000 - kept


def test_a_huge_error_keeps_its_parts_and_the_ends_of_its_stack(lines):
    configure()
    try:
        raise ValueError("x" * 300_000 + " the end")
    except ValueError:
        logging.getLogger("shop").exception("order.failed")
    (line,) = lines()
    assert (line["logger"], line["error"]["kind"]) == ("shop", "ValueError")
    assert "characters" in line["error"]["message"]
    assert line["error"]["stack"].startswith("Traceback")
    assert line["error"]["stack"].endswith(" the end")


def test_what_is_bound_is_not_what_a_line_says_of_itself(lines):
    configure()
    bind_log_fields(message_id="m-1", trace_id="t-1", customer="c-1")
    try:
        logging.getLogger("shop").info("one", extra={"message_id": "forged", "customer": "c-2"})
        structlog.get_logger("shop").info("one", message_id="forged", customer="c-2")
        EventLog("shop").info("one", message_id="m-1", customer="c-2")
    finally:
        clear_log_fields()
    logging.getLogger("shop").info("one", extra={"message_id": "m-2"})
    standard, structured, same, unbound = lines()
    for line in (standard, structured):
        assert (line["message_id"], line["message_id_"], line["trace_id"]) == ("m-1", "forged", "t-1")
        assert line["customer"] == "c-2"
    assert (same["message_id"], "message_id_" in same) == ("m-1", False)
    assert unbound["message_id"] == "m-2"


def test_no_line_of_the_log_can_be_read_as_metrics(lines):
    configure()
    logging.getLogger("shop").info("one", extra={"_aws": {"CloudWatchMetrics": []}})
    (line,) = lines()
    assert "_aws" not in line
    assert line["_aws_"] == {"CloudWatchMetrics": []}


def test_a_renamed_field_takes_no_other_fields_place(lines):
    configure()
    logging.getLogger("shop").info("one", extra={"service_": "a", "service": "b", "service__": "c"})
    bind_log_fields(service="d")
    try:
        logging.getLogger("shop").info("two")
    finally:
        clear_log_fields()
    line, bound = lines()
    assert {line["service_"], line["service__"], line["service___"]} == {"a", "b", "c"}
    assert (line["service"], bound["service"], bound["service_"]) == ("orders", "orders", "d")


def test_an_errors_own_fields_do_not_take_those_of_the_program(lines):
    configure()
    logging.getLogger("shop").error("one", extra={"error": {"mine": 1}}, exc_info=ValueError("boom"))
    (line,) = lines()
    assert (line["error"]["kind"], line["error_"]) == ("ValueError", {"mine": 1})


def test_fields_that_others_give_a_meaning_are_written(lines):
    configure()
    logging.getLogger("shop").info("one", extra={"fields": [1, 2], "_record": 3})
    structlog.get_logger("shop").info("one", stack="mine", fields=[1, 2])
    standard, structured = lines()
    assert (standard["fields"], standard["_record"]) == ([1, 2], 3)
    assert (structured["fields"], structured["stack"]) == ([1, 2], "mine")


def test_where_a_line_was_logged_is_told_when_asked_for(lines):
    configure()
    logging.getLogger("shop").info("one", stack_info=True)
    structlog.get_logger("shop").info("one", stack_info=True)
    standard, structured = lines()
    for line in (standard, structured):
        assert "test_where_a_line_was_logged" in line["stack"]
        assert "stack_info" not in line


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
from blackcat.infra.logs.logs import configure_logs
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
