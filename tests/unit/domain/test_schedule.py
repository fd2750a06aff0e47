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


@pytest.mark.parametrize("text", ["cron(0 0 1 1 ? 2020)", "cron(* * * * ? 2020)", "cron(0 0 1 1 ? 2026)"])
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
        ("at(2026-01-01T00:00:00)", "leave the schedule out, and start it when it is time"),
        (None, "write 'rate"),
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
        ("cron(0 0 30 2 ? *)", "no year has such a day"),
        ("cron(0 0 31 2,4,6,9,11 ? *)", "no year has such a day"),
        ("cron(0 0 31W 2 ? *)", "no year has such a day"),
        ("cron(0 0 29 2 ? 2026,2027)", "no year that it names has such a day"),
        ("cron(0 0 ? 2 MON#5 2026)", "no year that it names has such a day"),
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


def local_runs(text, zone, count, after):
    found = []
    for _ in range(count):
        after = schedule(text, zone).next_run(after)
        found.append(f"{after:%d %b %H:%M} {after.astimezone(timezone.utc):%H:%M}Z")
    return found


def test_a_cron_goes_by_the_clocks_of_its_time_zone():
    assert local_runs("cron(0 3 * * ? *)", "America/Sao_Paulo", 2, NEW_YEAR) == [
        "01 Jan 03:00 06:00Z",
        "02 Jan 03:00 06:00Z",
    ]
    assert local_runs(
        "cron(0 12 * * ? *)", "Europe/Lisbon", 2, datetime(2026, 3, 28, tzinfo=timezone.utc)
    ) == [
        "28 Mar 12:00 12:00Z",
        "29 Mar 12:00 11:00Z",
    ]


def test_the_day_is_that_of_the_time_zone():
    evening = datetime(2026, 1, 2, 1, tzinfo=timezone.utc)  # in Sao Paulo it is the first still
    assert local_runs("cron(0 23 1 * ? *)", "America/Sao_Paulo", 1, evening) == ["01 Jan 23:00 02:00Z"]


# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time
def test_a_time_that_the_clocks_leave_out_is_left_out():
    spring = datetime(2026, 3, 7, 12, tzinfo=timezone.utc)  # at 2:00 of the 8th it becomes 3:00
    assert local_runs("cron(30 2 * * ? *)", "America/New_York", 2, spring) == [
        "09 Mar 02:30 06:30Z",
        "10 Mar 02:30 06:30Z",
    ]
    assert local_runs(
        "cron(0/30 1-3 * * ? *)", "America/New_York", 4, datetime(2026, 3, 8, 6, tzinfo=timezone.utc)
    ) == [
        "08 Mar 01:30 06:30Z",
        "08 Mar 03:00 07:00Z",
        "08 Mar 03:30 07:30Z",
        "09 Mar 01:00 05:00Z",
    ]


def test_a_time_that_the_clocks_show_twice_is_taken_once():
    autumn = datetime(2026, 10, 31, 12, tzinfo=timezone.utc)  # at 2:00 of the 1st it becomes 1:00 again
    assert local_runs("cron(30 1 * * ? *)", "America/New_York", 2, autumn) == [
        "01 Nov 01:30 05:30Z",
        "02 Nov 01:30 06:30Z",
    ]
    between = datetime(2026, 11, 1, 6, 15, tzinfo=timezone.utc)  # 1:15 for the second time
    assert local_runs("cron(30 1 * * ? *)", "America/New_York", 1, between) == ["02 Nov 01:30 06:30Z"]


def test_clocks_that_change_at_midnight_leave_out_the_start_of_a_day():
    spring = datetime(2018, 11, 3, 12, tzinfo=timezone.utc)  # Sao Paulo had no 0:00 on the 4th
    assert local_runs("cron(0 0 * * ? *)", "America/Sao_Paulo", 1, spring) == ["05 Nov 00:00 02:00Z"]


@pytest.mark.parametrize(
    ("text", "zone", "problem"),
    [
        ("cron(0 3 * * ? *)", "Mars/Olympus", "timezone 'Mars/Olympus': there is no such time zone"),
        ("cron(0 3 * * ? *)", "sao paulo", "did you mean America/Sao_Paulo?"),
        ("cron(0 3 * * ? *)", "america/sao_paulo", "America/Sao_Paulo"),
        ("cron(0 3 * * ? *)", "UTC+3", "write an IANA name"),
        ("cron(0 3 * * ? *)", "", "write an IANA name"),
        ("cron(0 3 * * ? *)", "America", "write an IANA name"),
        ("cron(0 3 * * ? *)", "../../etc/passwd", "write an IANA name"),
        ("cron(0 3 * * ? *)", "/etc/localtime", "write an IANA name"),
        ("cron(0 3 * * ? *)", "localtime", "write an IANA name"),
        ("cron(0 3 * * ? *)", "UTC\0", "write an IANA name"),
        ("cron(0 3 * * ? *)", 3, "write an IANA name"),
        ("rate(1 day)", "America/Sao_Paulo", "a rate goes by time that has passed"),
    ],
)
def test_a_time_zone_that_would_not_do_is_refused(text, zone, problem):
    with pytest.raises(InvalidDeclaration) as refused:
        schedule(text, zone)
    assert problem in str(refused.value)


@settings(max_examples=200, deadline=None)
@given(
    zone=st.sampled_from(
        ["America/Sao_Paulo", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Pacific/Apia"]
    ),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    after=st.integers(0, 40 * 365 * 86_400).map(
        lambda s: datetime(2000, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=s)
    ),
)
def test_in_every_zone_the_next_run_comes_within_two_days_at_its_time(zone, hour, minute, after):
    found = schedule(f"cron({minute} {hour} * * ? *)", zone).next_run(after)
    assert (found.hour, found.minute) == (hour, minute)
    passed = found.astimezone(timezone.utc) - after
    assert timedelta(0) < passed <= timedelta(hours=73)  # Apia left out a day, and clocks an hour
    assert (
        found.astimezone(timezone.utc).astimezone(found.tzinfo).strftime("%H:%M") == f"{hour:02}:{minute:02}"
    )


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
