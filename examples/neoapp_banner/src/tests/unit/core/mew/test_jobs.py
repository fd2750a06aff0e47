"""A schedule finds its job by its name."""

from __future__ import annotations

import pytest
from blackcat.errors import InvalidEvent
from blackcat.testing.events import schedule_event

from .....core.mew.jobs import jobs


@pytest.mark.parametrize("job", jobs.names)
def test_a_rule_that_is_named_after_a_job_starts_it(job: str) -> None:
    event = schedule_event(rule=f"neoapp-banner-{job.replace('_', '-')}")

    assert jobs.named_by(event) == job


def test_a_rule_of_another_name_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="is named after no job"):
        jobs.named_by(schedule_event(rule="every-five-minutes"))
