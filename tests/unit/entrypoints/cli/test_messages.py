"""What the texts of a command line stand for, before anything is called."""

from datetime import datetime, timedelta, timezone

import click
import pytest
from click.testing import CliRunner

from blackcat import Attribute, Message
from blackcat.application.redrive.dead_letter import DeadLetter
from blackcat.domain.outcome import HANDLED, Deferred, Rejected, Retried
from blackcat.entrypoints.cli.dlq import command as dlq
from blackcat.entrypoints.cli.dlq import text
from blackcat.entrypoints.cli.outcome import exit_status, outcome_json, outcome_text
from blackcat.entrypoints.cli.parameters import attribute, duration, json_problem, rate
from blackcat.entrypoints.cli.send import command as send


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("90s", 90), ("15m", 900), ("1h30m", 5400), ("2d", 172_800), ("1.5h", 5400), ("0s", 0)],
)
def test_durations(given, seconds):
    assert duration(given) == timedelta(seconds=seconds)


@pytest.mark.parametrize("given", ["", "90", "h", "1x", "-1s", "1h 30m", "1,5h", "9" * 30 + "d"])
def test_what_is_no_duration(given):
    with pytest.raises(click.BadParameter):
        duration(given)


@pytest.mark.parametrize(
    ("given", "per_second"), [("10/s", 10), ("10", 10), ("90/m", 1.5), ("1/h", 1 / 3600), ("0.5", 0.5)]
)
def test_rates(given, per_second):
    assert rate(given) == per_second


@pytest.mark.parametrize("given", ["", "fast", "0", "0/s", "501/s", "1/d", "-1/s", "1/s/s"])
def test_what_is_no_rate(given):
    with pytest.raises(click.BadParameter):
        rate(given)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("kind=card", Attribute("card")),
        ("kind=a=b:c", Attribute("a=b:c")),
        ("kind:Number=-1.5e3", Attribute("-1.5e3", "Number")),
        ("kind:Number.int=1", Attribute("1", "Number.int")),
        ("kind:Binary=AP8=", Attribute(b"\x00\xff", "Binary")),
    ],
)
def test_attributes(given, expected):
    assert attribute(given) == ("kind", expected)


@pytest.mark.parametrize(
    "given",
    [
        "kind",
        "=x",
        "kind:Text=x",
        "kind:Number=x",
        "kind:Number=NaN",
        "kind:Number=Infinity",
        "kind:Binary=~",
        "",
    ],
)
def test_what_is_no_attribute(given):
    with pytest.raises(click.BadParameter):
        attribute(given)


@pytest.mark.parametrize("given", ["{", "NaN", '{"a": Infinity}', "", "[" * 100_000, "'x'"])
def test_what_is_no_json(given):
    assert json_problem(given)


@pytest.mark.parametrize("given", ["{}", "1", '"é"', "null", " [1] "])
def test_json(given):
    assert json_problem(given) is None


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["q", "{}", "--lines", "--count", "2"], "give one of them"),
        (["q", "{}", "--failed", "x"], "--failed is for --lines"),
        (["q", ""], "not JSON"),
        (["q", "", "--raw"], "is empty"),
        (["q", "@no/such/file"], "no/such/file cannot be read: No such file"),
        (["q", "{}", "--count", "0"], "not in the range"),
        (["q", "-"], "standard input is not UTF-8"),
    ],
)
def test_a_wrong_command_line_is_refused_before_anything_is_looked_for(arguments, problem):
    done = CliRunner().invoke(send, arguments, input=b"\xff")
    assert done.exit_code == 2
    assert problem in done.output


def test_no_age_is_beyond_the_calendar(tmp_path):
    done = CliRunner().invoke(dlq, ["peek", "orders", "--older-than", "9999999d"], obj=tmp_path)
    assert done.exit_code == 2
    assert "14 days" in done.output


@pytest.mark.parametrize(
    ("ago", "told"),
    [
        (timedelta(0), "0s"),
        (timedelta(seconds=59), "59s"),
        (timedelta(hours=3, minutes=2, seconds=1), "3h 2m"),
        (timedelta(days=2, minutes=5), "2d 0h"),
        (-timedelta(hours=1), "0s"),
    ],
)
def test_ages_have_their_two_largest_units(ago, told):
    assert text.age(datetime.now(timezone.utc) - ago) == told


def test_nothing_that_a_message_holds_reaches_the_terminal_as_a_command():
    evil = {"x": Attribute("\x1b]0;title\x07"), "blackcat.reason": Attribute("\x1b[2J")}
    letter = DeadLetter(Message(id="m", body="\x1b[31m red", attributes=evil))
    assert "\x1b" not in click.unstyle(text.whole_text(letter, None))


def test_bodies_are_indented_where_they_are_json():
    assert text.pretty('{"a":"é"}') == '{\n  "a": "é"\n}'
    assert text.pretty("[" * 100_000).startswith("[[[")
    assert text.pretty("a\nb") == "a\nb"


@pytest.mark.parametrize(
    ("outcome", "status", "told"),
    [
        (HANDLED, 0, {"outcome": "handled"}),
        (
            Deferred("busy", timedelta(seconds=2)),
            1,
            {"outcome": "deferred", "reason": "busy", "after_seconds": 2.0},
        ),
        (Retried("no"), 1, {"outcome": "retried", "reason": "no"}),
        (Rejected("no", KeyError()), 1, {"outcome": "rejected", "reason": "no", "exception": "KeyError"}),
    ],
)
def test_outcomes(outcome, status, told):
    assert exit_status(outcome) == status
    assert outcome_json(outcome) == told
    assert outcome_text(outcome)


def test_ctrl_c_in_a_handler_is_no_outcome():
    with pytest.raises(click.Abort):
        exit_status(Retried("KeyboardInterrupt", KeyboardInterrupt()))
