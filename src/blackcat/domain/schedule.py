"""When a worker runs: ``rate(...)`` and ``cron(...)`` as EventBridge Scheduler reads them.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo

from blackcat.domain.time_zone import time_zone
from blackcat.errors import InvalidDeclaration

FIRST_YEAR, LAST_YEAR = 1970, 2199

_RATE = re.compile(r"rate\(([1-9]\d{0,5}) (minute|hour|day)(s?)\)")
_CRON = re.compile(r"cron\(([^()]*)\)")
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
# Sunday is the first day of AWS's week.
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_SATURDAY = 7
_UTC = timezone.utc
_FORMS = "write 'rate(5 minutes)' or 'cron(0 3 * * ? *)'"
_ONE_TIME = (
    "at(...) is over after one run, and a service is declared for good: leave the schedule out, and start "
    "it when it is time with `blackcat run`, or with a one-time schedule made in EventBridge Scheduler"
)


@dataclass(frozen=True)
class Rate:
    """At once, and again after each interval; a day is 24 hours, wherever clocks are changed."""

    every: timedelta

    def next_run(self, after: datetime) -> datetime:
        return after + self.every


@dataclass(frozen=True)
class Cron:
    """At the minutes that all fields match on the clocks of ``zone``.

    As EventBridge has it, a time that the clocks leave out when they go forward is left out, and one
    that they show twice when they go back is taken once, the first time.
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: Days
    months: frozenset[int]
    years: frozenset[int]
    zone: tzinfo = _UTC

    def next_run(self, after: datetime) -> datetime | None:
        """The first matching minute after that time (which has a time zone); None when there is none."""
        # Between datetimes of one zone Python compares what the clocks show, not when that was.
        after = after.astimezone(_UTC)
        for day in self._matching_days(after.astimezone(self.zone).date()):
            for hour in sorted(self.hours):
                for minute in sorted(self.minutes):
                    candidate = datetime.combine(day, time(hour, minute), self.zone)
                    if candidate.astimezone(_UTC) > after and _is_shown(candidate):
                        return candidate
        return None

    @property
    def matches_a_day(self) -> bool:
        """Whether the calendar has such a day in any of its years, past or to come."""
        return next(self._matching_days(date(FIRST_YEAR, 1, 1)), None) is not None

    def _matching_days(self, first: date) -> Iterator[date]:
        for year in sorted(self.years):
            for month in sorted(self.months):
                if (year, month) >= (first.year, first.month):
                    days = (date(year, month, day) for day in sorted(self.days.of(year, month)))
                    yield from (day for day in days if day >= first)


Schedule = Rate | Cron


def schedule(text: str, timezone: str | None = None) -> Schedule:
    """The schedule that the text describes. Raises InvalidDeclaration, naming the field and the fix.

    ``timezone`` is an IANA name, for a cron expression; without it, it goes by UTC.
    """
    zone = time_zone(timezone) if timezone is not None else None
    try:
        if not isinstance(text, str):
            raise _WrongPartError(_FORMS)
        if found := _RATE.fullmatch(text):
            return _rate(int(found[1]), found[2], found[3], timezone)
        if found := _CRON.fullmatch(text):
            return _cron(found[1].split(), zone or _UTC)
        raise _WrongPartError(_ONE_TIME if text.startswith("at(") else _FORMS)
    except _WrongPartError as problem:
        raise InvalidDeclaration(f"schedule {text!r}: {problem}") from None


class _WrongPartError(Exception):
    """What is wrong with a part of the text."""


def _rate(value: int, unit: str, plural: str, zone: str | None) -> Rate:
    if (value == 1) == bool(plural):
        raise _WrongPartError(f"AWS wants 'rate({value} {unit}{'' if value == 1 else 's'})'")
    if zone is not None:
        raise _WrongPartError(
            f"a rate goes by time that has passed, which timezone {zone!r} does not change: leave the "
            "timezone out, or write a cron expression"
        )
    return Rate(timedelta(**{f"{unit}s": value}))


def _cron(fields: list[str], zone: tzinfo) -> Cron:
    if len(fields) != 6:
        raise _WrongPartError(
            f"it has {len(fields)} fields: AWS wants six, minutes hours day-of-month month day-of-week year"
        )
    minutes, hours, day_of_month, month, day_of_week, year = (field.upper() for field in fields)
    if (day_of_month == "?") == (day_of_week == "?"):
        raise _WrongPartError("write '?' for day-of-month or for day-of-week, and only for one of them")
    cron = Cron(
        minutes=_numbers("minutes", minutes, 0, 59),
        hours=_numbers("hours", hours, 0, 23),
        days=Days(_days_of_month(day_of_month), _days_of_week(day_of_week)),
        months=_numbers("month", month, 1, 12, _MONTHS),
        years=_numbers("year", year, FIRST_YEAR, LAST_YEAR),
        zone=zone,
    )
    if not cron.matches_a_day:
        years = "no year" if year == "*" else "no year that it names"
        raise _WrongPartError(f"it would never run: {years} has such a day")
    return cron


def _is_shown(moment: datetime) -> bool:
    """Whether the clocks of its zone ever show it: they leave an hour out when they go forward."""
    return moment.astimezone(_UTC).astimezone(moment.tzinfo).replace(tzinfo=None) == moment.replace(
        tzinfo=None
    )


@dataclass(frozen=True)
class Days:
    """The days that a cron expression's day-of-month or day-of-week picks; the other one is empty."""

    of_month: tuple[DayOfMonth, ...]
    of_week: tuple[DayOfWeek, ...]

    def of(self, year: int, month: int) -> frozenset[int]:
        """Their numbers in that month."""
        rules: tuple[DayOfMonth | DayOfWeek, ...] = (*self.of_month, *self.of_week)
        return frozenset(day for rule in rules for day in rule.of(year, month))


@dataclass(frozen=True)
class DayOfMonth:
    """Numbered days; ``L``, the last one; ``15W``, the weekday nearest to the 15th within its month."""

    numbers: frozenset[int] = frozenset()
    last: bool = False
    nearest_weekday_to: int | None = None

    def of(self, year: int, month: int) -> set[int]:
        length = calendar.monthrange(year, month)[1]
        if self.last:
            return {length}
        if self.nearest_weekday_to is None:
            return {number for number in self.numbers if number <= length}
        if self.nearest_weekday_to > length:
            return set()
        return {_nearest_weekday(year, month, self.nearest_weekday_to, length)}


@dataclass(frozen=True)
class DayOfWeek:
    """Numbered days; ``6#3``, the third Friday of the month; ``6L``, its last Friday."""

    numbers: frozenset[int]
    nth: int | None = None
    last: bool = False

    def of(self, year: int, month: int) -> set[int]:
        length = calendar.monthrange(year, month)[1]
        # isoweekday() is 7 on Sunday, where AWS has 1.
        days = [
            day for day in range(1, length + 1) if date(year, month, day).isoweekday() % 7 + 1 in self.numbers
        ]
        if self.last:
            return set(days[-1:])
        return set(days) if self.nth is None else set(days[self.nth - 1 : self.nth])


def _nearest_weekday(year: int, month: int, day: int, length: int) -> int:
    weekday = date(year, month, day).isoweekday()
    if weekday == 6:
        return day - 1 if day > 1 else day + 2
    if weekday == 7:
        return day + 1 if day < length else day - 2
    return day


def _days_of_month(field: str) -> tuple[DayOfMonth, ...]:
    return () if field == "?" else tuple(_day_of_month(part) for part in field.split(","))


def _day_of_month(part: str) -> DayOfMonth:
    if part == "L":
        return DayOfMonth(last=True)
    if part.endswith("W"):
        return DayOfMonth(nearest_weekday_to=_number("day-of-month", part[:-1], 1, 31))
    return DayOfMonth(_numbers("day-of-month", part, 1, 31))


def _days_of_week(field: str) -> tuple[DayOfWeek, ...]:
    return () if field == "?" else tuple(_day_of_week(part) for part in field.split(","))


def _day_of_week(part: str) -> DayOfWeek:
    name = "day-of-week"
    if part == "L":
        return DayOfWeek(frozenset({_SATURDAY}))
    if part.endswith("L"):
        return DayOfWeek(frozenset({_number(name, part[:-1], 1, 7, _DAYS)}), last=True)
    day, nth_given, nth = part.partition("#")
    if nth_given:
        return DayOfWeek(frozenset({_number(name, day, 1, 7, _DAYS)}), nth=_number(name, nth, 1, 5))
    return DayOfWeek(_numbers(name, part, 1, 7, _DAYS))


def _numbers(
    name: str, field: str, lowest: int, highest: int, words: dict[str, int] | None = None
) -> frozenset[int]:
    """What lists (``1,2``), ranges (``1-5``), steps (``0/15``) and ``*`` stand for."""
    found: set[int] = set()
    for part in field.split(","):
        span, stepped, step = part.partition("/")
        first, ranged, last = span.partition("-")
        if span == "*":
            begin, end = lowest, highest
        else:
            begin = _number(name, first, lowest, highest, words)
            end = _number(name, last, lowest, highest, words) if ranged else highest if stepped else begin
        if begin > end:
            raise _WrongPartError(
                f"{name} '{part}' runs backwards: write it as a list, such as 'SAT,SUN,MON'"
            )
        found.update(range(begin, end + 1, _number(name, step, 1, highest) if stepped else 1))
    return frozenset(found)


def _number(name: str, text: str, lowest: int, highest: int, words: dict[str, int] | None = None) -> int:
    if words and text in words:
        return words[text]
    if not (re.fullmatch(r"[0-9]{1,4}", text) and lowest <= int(text) <= highest):
        named = f" or {next(iter(words))} to {list(words)[-1]}" if words else ""
        raise _WrongPartError(f"{name} '{text}' is not within {lowest} to {highest}{named}")
    return int(text)
