"""Checks, each run for itself: one that fails leaves the others' findings as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from blackcat.application.doctor import rules
from blackcat.application.handler import described
from blackcat.domain.findings import Diagnosis, Finding, Unchecked

Results = Iterator[Finding | Unchecked]


@dataclass(frozen=True)
class Check:
    """Something to look at; ``run`` yields what it finds as it goes."""

    subject: str
    run: Callable[[], Iterable[Finding | Unchecked]]


def diagnose(checks: Iterable[Check]) -> Diagnosis:
    """The findings of all checks; what a check raises becomes a finding of its own."""
    return Diagnosis.of(result for check in checks for result in _guarded(check))


def _guarded(check: Check) -> Results:
    try:
        yield from check.run()
    except Exception as error:
        yield rules.CHECK_FAILED.found(check.subject, described(error))
