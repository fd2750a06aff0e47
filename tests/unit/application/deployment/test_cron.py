"""Schedules as Kubernetes reads them."""

import pytest

from blackcat import Service, ServiceType
from blackcat.application.deployment.cron import five_fields
from blackcat.errors import ConfigurationError


def worker(schedule, timezone=None):
    return Service(
        name="sweep", type=ServiceType.WORKER, entrypoint="a:b", schedule=schedule, timezone=timezone
    )


@pytest.mark.parametrize(
    ("schedule", "fields"),
    [
        ("rate(1 minute)", "* * * * *"),
        ("rate(5 minutes)", "*/5 * * * *"),
        ("rate(7 minutes)", "@every 7m"),
        ("rate(60 minutes)", "0 * * * *"),
        ("rate(90 minutes)", "@every 90m"),
        ("rate(6 hours)", "0 */6 * * *"),
        ("rate(5 hours)", "@every 300m"),
        ("rate(1 day)", "0 0 * * *"),
        ("rate(2 days)", "@every 2880m"),
        ("cron(0 3 * * ? *)", "0 3 * * *"),
        ("cron(0/15 9-17 ? * MON-FRI *)", "0,15,30,45 9,10,11,12,13,14,15,16,17 * * 1,2,3,4,5"),
        ("cron(30 8 ? * 1,7 *)", "30 8 * * 0,6"),
        ("cron(0 0 1 1,7 ? *)", "0 0 1 1,7 *"),
        ("cron(* * ? * * *)", "* * * * *"),
    ],
)
def test_five_fields_say_the_same(schedule, fields):
    assert five_fields(worker(schedule)) == fields


@pytest.mark.parametrize(
    ("schedule", "what"),
    [
        ("cron(0 3 L * ? *)", "'L' or 'W'"),
        ("cron(0 3 15W * ? *)", "'L' or 'W'"),
        ("cron(0 3 ? * 6#3 *)", "'L' or '#'"),
        ("cron(0 3 ? * 6L *)", "'L' or '#'"),
        ("cron(0 3 * * ? 2030)", "years"),
    ],
)
def test_what_cron_cannot_say_is_refused_with_a_way_out(schedule, what):
    with pytest.raises(ConfigurationError, match="worker 'sweep'") as refused:
        five_fields(worker(schedule))
    assert what in str(refused.value)
    assert "--target ecs" in str(refused.value)
