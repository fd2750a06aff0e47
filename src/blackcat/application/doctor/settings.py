"""Checks of settings: each one that is missing or wrong."""

from __future__ import annotations

from collections.abc import Iterable

from blackcat.application.doctor import rules
from blackcat.application.doctor.examination import Results
from blackcat.domain.setting import Setting


def settings(report: Iterable[Setting]) -> Results:
    """What the classes of settings refuse, variable by variable."""
    for setting in report:
        if setting.problem:
            yield rules.SETTING_WRONG.found(setting.owner, f"{setting.variable}: {setting.problem}")
