"""A declared schedule as Kubernetes reads it: the five fields of cron.

https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from blackcat.domain.schedule import FIRST_YEAR, LAST_YEAR, Cron, DayOfMonth, DayOfWeek, Rate, schedule
from blackcat.domain.service import Service
from blackcat.errors import ConfigurationError

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


def five_fields(service: Service) -> str:
    """When that worker runs. Raises ConfigurationError for a schedule that cron cannot say.

    A rate that divides the hour or the day begins with it; another one runs ``@every`` so many minutes.
    """
    parsed = schedule(service.schedule or "", service.timezone)
    return _rate(parsed.every) if isinstance(parsed, Rate) else _cron(parsed, service)


def _rate(every: timedelta) -> str:
    minutes = every // timedelta(minutes=1)
    if every < _HOUR and _HOUR % every == timedelta(0):
        return "* * * * *" if minutes == 1 else f"*/{minutes} * * * *"
    if every == _DAY:
        return "0 0 * * *"
    if every % _HOUR == timedelta(0) and _DAY % every == timedelta(0):
        hours = every // _HOUR
        return "0 * * * *" if hours == 1 else f"0 */{hours} * * *"
    return f"@every {minutes}m"


def _cron(cron: Cron, service: Service) -> str:
    if len(cron.years) < LAST_YEAR - FIRST_YEAR + 1:
        raise _unsayable(service, "years")
    return " ".join(
        (
            _numbers(cron.minutes, 0, 59),
            _numbers(cron.hours, 0, 23),
            _numbers(_days_of_month(cron.days.of_month, service), 1, 31),
            _numbers(cron.months, 1, 12),
            # Sunday is 1 in AWS and 0 in cron.
            _numbers({day - 1 for day in _days_of_week(cron.days.of_week, service)}, 0, 6),
        )
    )


def _days_of_month(rules: Collection[DayOfMonth], service: Service) -> set[int]:
    if any(rule.last or rule.nearest_weekday_to is not None for rule in rules):
        raise _unsayable(service, "'L' or 'W' as its day of the month")
    return {number for rule in rules for number in rule.numbers}


def _days_of_week(rules: Collection[DayOfWeek], service: Service) -> set[int]:
    if any(rule.last or rule.nth is not None for rule in rules):
        raise _unsayable(service, "'L' or '#' as its day of the week")
    return {number for rule in rules for number in rule.numbers}


def _numbers(numbers: Collection[int], lowest: int, highest: int) -> str:
    """All of them, or none, is a star: the rule that is left out of the two for days."""
    if not numbers or len(numbers) == highest - lowest + 1:
        return "*"
    return ",".join(map(str, sorted(numbers)))


def _unsayable(service: Service, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"worker '{service.name}': {service.schedule} has {what}, which Kubernetes' cron cannot say: let it "
        "run on each day that may be one and decide in the worker, or deploy it with --target ecs or lambda"
    )
