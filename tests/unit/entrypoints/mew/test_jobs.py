"""Which job a schedule or an invocation means."""

from __future__ import annotations

from typing import Any

import pytest

from blackcat.entrypoints.mew.jobs import Jobs
from blackcat.errors import InvalidDeclaration, InvalidEvent
from blackcat.testing.events import schedule_event


def jobs() -> Jobs:
    made = Jobs()
    made.command("expire_payments")
    made.command("expire", job="payments")
    made.function(sweep)
    return made


def sweep() -> None: ...


@pytest.mark.parametrize(
    ("event", "name"),
    [
        ({"job": "sweep"}, "sweep"),
        ({"job": "health", "input": {}}, "health"),
        (schedule_event(rule="sweep"), "sweep"),
        (schedule_event(rule="expire-payments"), "expire_payments"),
        (schedule_event(rule="neoapp-banner-expire-payments"), "expire_payments"),
        (schedule_event(schedule="neoapp_banner_sweep"), "sweep"),
        (schedule_event(rule="neoapp-payments"), "payments"),
        ({**schedule_event(rule="whatever"), "job": "sweep"}, "sweep"),
    ],
)
def test_the_event_names_its_job(event: dict[str, Any], name: str) -> None:
    assert jobs().named_by(event) == name


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (None, "the event names no job"),
        (
            {},
            r"invoke the function with {\"job\": \"name\", \"input\": {…}}; the jobs are expire_payments",
        ),
        ({"job": 3}, "the event names no job"),
        ({"job": "swep"}, r"there is no job 'swep' \(did you mean 'sweep'\?\): the jobs are expire_payments"),
        (
            schedule_event(rule="nightly"),
            "the schedule 'nightly' is named after no job: name it after one of",
        ),
        (schedule_event(rule="resweep"), "is named after no job"),
        ({**schedule_event(), "resources": []}, "names no rule"),
        ({**schedule_event(), "resources": ["sweep"]}, "names no rule"),
        ({**schedule_event(), "resources": None}, "has no 'resources'"),
    ],
)
def test_an_event_that_names_none_is_told_what_there_is(event: Any, problem: str) -> None:
    with pytest.raises(InvalidEvent, match=problem):
        jobs().named_by(event)


@pytest.mark.parametrize("name", ["sweep", "health"])
def test_a_name_is_given_once(name: str) -> None:
    with pytest.raises(InvalidDeclaration, match=f"there is a job '{name}' already"):
        jobs().command(name)
