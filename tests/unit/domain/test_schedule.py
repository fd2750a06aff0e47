"""Schedules, beside what EventBridge's documentation says of each example."""

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blackcat.domain.schedule import FIRST_YEAR, LAST_YEAR, schedule
from blackcat.errors import InvalidDeclaration

NEW_YEAR = datetime(2026, 1, 1, tzinfo=timezone.utc)  # a Thursday


def runs(text, count, after=NEW_YEAR):
    found = []
    for _ in range(count):
        after = schedule(text).next_run(after)
        found.append(f"{after:%a %d %b %Y %H:%M}")
    return found


@pytest.mark.parametrize(
    ("text", "every"),
    [
        ("rate(1 minute)", timedelta(minutes=1)),
        ("rate(5 minutes)", timedelta(minutes=5)),
        ("rate(1 hour)", timedelta(hours=1)),
        ("rate(36 hours)", timedelta(hours=36)),
        ("rate(7 days)", timedelta(days=7)),
    ],
)
def test_a_rate_is_an_interval(text, every):
    assert schedule(text).next_run(NEW_YEAR) == NEW_YEAR + every


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cron(15 12 * * ? *)", ["Thu 01 Jan 2026 12:15", "Fri 02 Jan 2026 12:15"]),
        (
            "cron(0 18 ? * MON-FRI *)",
            ["Thu 01 Jan 2026 18:00", "Fri 02 Jan 2026 18:00", "Mon 05 Jan 2026 18:00"],
        ),
        ("cron(0 8 1 * ? *)", ["Thu 01 Jan 2026 08:00", "Sun 01 Feb 2026 08:00"]),
        ("cron(0/15 * * * ? *)", ["Thu 01 Jan 2026 00:15", "Thu 01 Jan 2026 00:30"]),
        (
            "cron(*/25 23 * * ? *)",
            ["Thu 01 Jan 2026 23:00", "Thu 01 Jan 2026 23:25", "Thu 01 Jan 2026 23:50"],
        ),
        ("cron(5/20 8-17/3 ? * 3,7 *)", ["Sat 03 Jan 2026 08:05", "Sat 03 Jan 2026 08:25"]),
        ("cron(0 9 ? * 2#1 *)", ["Mon 05 Jan 2026 09:00", "Mon 02 Feb 2026 09:00"]),
        ("cron(0 9 ? * SUN#5 *)", ["Sun 29 Mar 2026 09:00", "Sun 31 May 2026 09:00"]),
        ("cron(15 10 ? * 6L 2026-2027)", ["Fri 30 Jan 2026 10:15", "Fri 27 Feb 2026 10:15"]),
        ("cron(0 0 ? * L *)", ["Sat 03 Jan 2026 00:00", "Sat 10 Jan 2026 00:00"]),
        ("cron(0 0 L * ? *)", ["Sat 31 Jan 2026 00:00", "Sat 28 Feb 2026 00:00"]),
        ("cron(0 0 L 2 ? 2028)", ["Tue 29 Feb 2028 00:00"]),
        ("cron(0 0 3W * ? *)", ["Fri 02 Jan 2026 00:00", "Tue 03 Feb 2026 00:00"]),  # the 3rd is a Saturday
        ("cron(0 0 1W 8 ? 2026)", ["Mon 03 Aug 2026 00:00"]),  # a Saturday, and July is another month
        ("cron(0 0 31W 5 ? 2026)", ["Fri 29 May 2026 00:00"]),  # a Sunday, and June is another month
        ("cron(0 0 31W * ? *)", ["Fri 30 Jan 2026 00:00", "Tue 31 Mar 2026 00:00"]),  # February has none
        ("cron(30 2 29 FEB ? *)", ["Tue 29 Feb 2028 02:30", "Sun 29 Feb 2032 02:30"]),
        ("cron(0 0 1 jan,jul ? *)", ["Wed 01 Jul 2026 00:00", "Fri 01 Jan 2027 00:00"]),
        (
            "cron(0 0 1,L,15W 1 ? *)",
            ["Thu 15 Jan 2026 00:00", "Sat 31 Jan 2026 00:00", "Fri 01 Jan 2027 00:00"],
        ),
        ("cron(0 0 1 1 ? 2030/50)", ["Tue 01 Jan 2030 00:00", "Mon 01 Jan 2080 00:00"]),
    ],
)
def test_cron_expressions_mean_what_eventbridge_says(text, expected):
    assert runs(text, len(expected)) == expected


@pytest.mark.parametrize("text", ["cron(0 0 30 2 ? *)", "cron(0 0 1 1 ? 2020)", "cron(0 0 1 1 ? 2026)"])
def test_what_never_comes_again_has_no_next_run(text):
    assert schedule(text).next_run(NEW_YEAR) is None


def test_a_run_is_strictly_after_the_time_asked_for_even_within_its_minute():
    at_three = schedule("cron(0 3 * * ? *)")
    three = datetime(2026, 5, 1, 3, tzinfo=timezone.utc)
    assert at_three.next_run(three - timedelta(microseconds=1)) == three
    assert at_three.next_run(three) == three + timedelta(days=1)
    assert at_three.next_run(three + timedelta(seconds=30)) == three + timedelta(days=1)


def test_times_of_other_zones_are_compared_in_utc():
    sao_paulo = timezone(timedelta(hours=-3))
    late = datetime(2026, 5, 1, 23, 30, tzinfo=sao_paulo)
    assert schedule("cron(0 3 * * ? *)").next_run(late) == datetime(2026, 5, 2, 3, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rate(1 minutes)", "AWS wants 'rate(1 minute)'"),
        ("rate(5 minute)", "AWS wants 'rate(5 minutes)'"),
        ("rate(0 minutes)", "write 'rate"),
        ("rate(5 seconds)", "write 'rate"),
        ("rate( 5 minutes )", "write 'rate"),
        ("at(2026-01-01T00:00:00)", "write 'rate"),
        ("", "write 'rate"),
        ("cron(0 3 * * *)", "it has 5 fields"),
        ("cron()", "it has 0 fields"),
        ("cron(0 3 * * * *)", "only for one of them"),
        ("cron(0 3 ? * ? *)", "only for one of them"),
        ("cron(0 3 1 * MON *)", "only for one of them"),
        ("cron(60 3 * * ? *)", "minutes '60' is not within 0 to 59"),
        ("cron(0 24 * * ? *)", "hours '24' is not within 0 to 23"),
        ("cron(0 0 0 * ? *)", "day-of-month '0' is not within 1 to 31"),
        ("cron(0 0 LW * ? *)", "day-of-month 'L' is not within 1 to 31"),
        ("cron(0 0 1 13 ? *)", "month '13' is not within 1 to 12 or JAN to DEC"),
        ("cron(0 0 ? * 0 *)", "day-of-week '0' is not within 1 to 7 or SUN to SAT"),
        ("cron(0 0 ? * MON#6 *)", "day-of-week '6' is not within 1 to 5"),
        ("cron(0 0 ? * FRI-MON *)", "day-of-week 'FRI-MON' runs backwards"),
        ("cron(0 0 1 1 ? 2200)", "year '2200' is not within 1970 to 2199"),
        ("cron(*/0 0 1 1 ? *)", "minutes '0' is not within 1 to 59"),
        ("cron(1, 0 1 1 ? *)", "minutes '' is not within 0 to 59"),
        ("cron(-5 0 1 1 ? *)", "minutes '' is not within 0 to 59"),
        ("cron(? 0 1 1 ? *)", "minutes '?' is not within 0 to 59"),
        ("cron(٣ 0 1 1 ? *)", "minutes '٣' is not within 0 to 59"),
        (f"cron({'9' * 5000} 0 1 1 ? *)", "is not within 0 to 59"),
    ],
)
def test_what_aws_would_refuse_is_refused_with_the_field(text, problem):
    with pytest.raises(InvalidDeclaration) as refused:
        schedule(text)
    assert problem in str(refused.value)


def listed(lowest, highest):
    return st.lists(st.integers(lowest, highest), min_size=1, max_size=4, unique=True)


@settings(max_examples=300, deadline=None)
@given(
    minutes=listed(0, 59),
    hours=listed(0, 23),
    days=st.none() | listed(1, 28),
    weekdays=listed(1, 7),
    months=listed(1, 12),
    after=st.integers(0, 80 * 365 * 86_400).map(lambda seconds: NEW_YEAR + timedelta(seconds=seconds)),
)
def test_the_next_run_matches_and_no_match_lies_before_it(minutes, hours, days, weekdays, months, after):
    day_of_month = ",".join(map(str, days)) if days else "?"
    day_of_week = "?" if days else ",".join(map(str, weekdays))
    text = f"cron({_joined(minutes)} {_joined(hours)} {day_of_month} {_joined(months)} {day_of_week} *)"
    found = schedule(text).next_run(after)

    def is_due_on(day: date) -> bool:
        wanted = day.day in days if days else day.isoweekday() % 7 + 1 in weekdays
        return day.month in months and wanted

    assert found > after
    assert found.second == found.microsecond == 0
    assert (found.minute in minutes, found.hour in hours, is_due_on(found.date())) == (True, True, True)
    between = (after.date() + timedelta(days=n) for n in range((found.date() - after.date()).days + 1))
    for day in between:
        if is_due_on(day):
            times = [
                datetime(day.year, day.month, day.day, h, m, tzinfo=timezone.utc)
                for h in hours
                for m in minutes
            ]
            assert not [time for time in times if after < time < found]


def _joined(numbers):
    return ",".join(map(str, numbers))


def test_all_years_of_aws_are_known():
    first = datetime(FIRST_YEAR, 1, 1, tzinfo=timezone.utc) - timedelta(minutes=1)
    assert schedule("cron(0 0 1 1 ? *)").next_run(first).year == FIRST_YEAR
    last = datetime(LAST_YEAR, 1, 1, tzinfo=timezone.utc)
    assert schedule("cron(0 0 1 1 ? *)").next_run(last) is None
