"""The local stand-in for Lambda's runtime: what it does to a process is what Lambda does."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from blackcat.testing.events import function_url_event
from blackcat.testing.lambda_runtime import LambdaFunction
from blackcat.testing.lambda_url import LambdaUrl

HANDLER = dedent(
    """
    import json, os, random, sys, time

    count, drawn = 0, random.random()

    def main(event, context):
        global count
        count += 1
        print("seen", json.dumps(event))
        match = event.get("do") if isinstance(event, dict) else None
        if match == "raise":
            raise ValueError("bad")
        if match == "exit":
            os._exit(3)
        if match == "sleep":
            time.sleep(60)
        if match == "large":
            return "x" * 7_000_000
        if match == "tell":
            return {
                "request": context.aws_request_id,
                "remaining": context.get_remaining_time_in_millis(),
                "name": context.function_name,
                "trace": os.environ["_X_AMZN_TRACE_ID"],
                "path": sys.path,
                "secret": os.environ.get("NOT_FOR_FUNCTIONS"),
                "library_path": os.environ.get("LD_LIBRARY_PATH"),
            }
        return {"count": count, "pid": os.getpid(), "event": event}

    def web(event, context):
        if event["rawPath"] == "/plain":
            return {"just": "json"}
        if event["rawPath"] == "/fail":
            raise ValueError("bad")
        told = {"headers": {"X-Kind": "echo"}, "cookies": ["a=1", "b=2"]}
        return {"statusCode": 201, **told, "body": json.dumps(event)}
    """
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "main.py").write_text(HANDLER)
    return tmp_path


def test_one_process_takes_one_event_after_the_other(root: Path) -> None:
    with LambdaFunction("main.main", root=root) as function:
        first, second = function.invoke({"a": 1}), function.invoke(None)
        assert first.value() == {"count": 1, "pid": function.pid, "event": {"a": 1}}
        assert second.value()["count"] == 2
        assert (first.cold, second.cold) == (True, False)
        assert (first.log, second.log) == ('seen {"a": 1}\n', "seen null\n")
        assert function.output == first.log + second.log


def test_the_process_sees_lambdas_variables_its_layers_and_nothing_of_ours(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOT_FOR_FUNCTIONS", "1")
    with LambdaFunction(
        "main.main", root=root, layers=[tmp_path / "layer"], timeout=timedelta(seconds=30), name="shop"
    ) as function:
        reply = function.invoke({"do": "tell"}, trace="Root=1-5759e988-bd862e3fe1be46a994272793")
    told = reply.value()
    assert told["request"] == reply.request_id
    assert 0 < told["remaining"] <= 30_000
    assert (told["name"], told["secret"]) == ("shop", None)
    assert told["trace"] == "Root=1-5759e988-bd862e3fe1be46a994272793"
    assert str(tmp_path / "layer" / "python") in told["path"]
    assert told["library_path"] == str(tmp_path / "layer" / "lib")


def test_an_exception_is_the_functions_error_and_the_process_goes_on(root: Path) -> None:
    with LambdaFunction("main.main", root=root) as function:
        reply = function.invoke({"do": "raise"})
        assert (reply.error, reply.payload["errorMessage"]) == ("ValueError", "bad")
        assert not function.invoke({}).cold
        with pytest.raises(AssertionError, match="the function failed"):
            reply.value()


@pytest.mark.parametrize(
    ("do", "error", "message"),
    [
        ("sleep", "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
        ("exit", "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        ("large", "Function.ResponseSizeTooLarge", "exceeded maximum allowed payload size (6291556 bytes)"),
    ],
)
def test_what_ends_a_process_starts_it_anew(root: Path, do: str, error: str, message: str) -> None:
    with LambdaFunction("main.main", root=root, timeout=timedelta(seconds=1)) as function:
        reply = function.invoke({"do": do})
        assert reply.error == error
        assert message in reply.payload["errorMessage"]
        again = function.invoke({})
        assert again.cold
        assert again.value()["count"] == 1


def test_an_event_above_the_limits_is_refused(root: Path) -> None:
    with LambdaFunction("main.main", root=root) as function:
        with pytest.raises(ValueError, match="the limit is 6291456"):
            function.invoke("x" * 6_291_456)
        with pytest.raises(ValueError, match="the limit is 1048576"):
            function.invoke("x" * 1_048_576, asynchronous=True)


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        ("main.nothing", "Runtime.HandlerNotFound"),
        ("nothing.main", "Runtime.ImportModuleError"),
        ("nothing", "Runtime.MalformedHandlerName"),
    ],
)
def test_a_function_that_cannot_start_says_so_each_time(root: Path, handler: str, error: str) -> None:
    with LambdaFunction(handler, root=root) as function:
        for _ in range(2):
            reply = function.invoke({})
            assert (reply.error, reply.cold) == (error, True)
            assert function.pid is None


def test_a_module_that_ends_the_process_is_told(root: Path) -> None:
    (root / "main.py").write_text("import os; os._exit(7)")
    with LambdaFunction("main.main", root=root) as function:
        assert "exit status 7" in function.invoke({}).payload["errorMessage"]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="the state of a process is read from /proc")
def test_a_frozen_process_stands_still_between_events(root: Path) -> None:
    with LambdaFunction("main.main", root=root, freeze=True) as function:
        for count in (1, 2):
            assert function.invoke({}).value()["count"] == count
            assert Path(f"/proc/{function.pid}/stat").read_text().split()[2] == "T"


def test_snap_start_runs_its_hooks(root: Path) -> None:
    (root / "main.py").write_text(
        HANDLER
        + dedent(
            """
            from snapshot_restore_py import register_after_restore, register_before_snapshot

            register_before_snapshot(print, "before")
            register_after_restore(print, "after")
            """
        )
    )
    with LambdaFunction("main.main", root=root, snap_start=True) as function:
        assert function.invoke({}).log == "before\nafter\nseen {}\n"


@pytest.mark.parametrize("timeout", [timedelta(0), timedelta(minutes=16)])
def test_a_timeout_that_lambda_refuses_is_refused(root: Path, timeout: timedelta) -> None:
    with pytest.raises(ValueError, match="1 second to 15 minutes"):
        LambdaFunction("main.main", root=root, timeout=timeout)


def test_a_url_is_a_function_url(root: Path) -> None:
    replies = []
    with (
        LambdaFunction("main.web", root=root) as function,
        LambdaUrl(function, on_reply=replies.append) as served,
    ):
        asked = urllib.request.Request(
            f"{served.url}/a%20b?x=1&x=2&y=%26",
            data=b"\xff\x00",
            headers={"Cookie": "c=3; d=4"},
            method="PUT",
        )
        with urllib.request.urlopen(asked) as answer:
            event = json.load(answer)
            assert (answer.status, answer.headers["x-kind"]) == (201, "echo")
            assert answer.headers.get_all("set-cookie") == ["a=1", "b=2"]
        assert event["requestContext"]["http"]["method"] == "PUT"
        assert (event["rawPath"], event["rawQueryString"]) == ("/a%20b", "x=1&x=2&y=%26")
        assert event["queryStringParameters"] == {"x": "1,2", "y": "&"}
        assert event["cookies"] == ["c=3", "d=4"]
        assert base64.b64decode(event["body"]) == b"\xff\x00"
        assert event.keys() >= function_url_event("GET", "/").keys()
        with urllib.request.urlopen(f"{served.url}/plain") as answer:
            assert json.load(answer) == {"just": "json"}
        with pytest.raises(urllib.error.HTTPError) as failed:
            urllib.request.urlopen(f"{served.url}/fail")
        assert failed.value.code == 502
        assert [reply.error for reply in replies] == ["", "", "ValueError"]


def test_a_request_above_the_limit_is_refused(root: Path) -> None:
    with LambdaFunction("main.web", root=root) as function, LambdaUrl(function) as served:
        for size in (7_000_000, 5_000_000):  # the second one is too large in base64
            with pytest.raises((urllib.error.HTTPError, ConnectionError, urllib.error.URLError)) as refused:
                urllib.request.urlopen(f"{served.url}/", data=b"\xff" * size)
            if isinstance(refused.value, urllib.error.HTTPError):
                assert refused.value.code == 413
