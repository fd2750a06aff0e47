"""Runs that must break no rule, and the sum of what was done to them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chaos.run import Plan, Result, perform


@pytest.fixture
def survives(tmp_path: Path, record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Performs plans side by side on a transport, and fails with their histories if a rule is broken."""

    def performed(transport: str, plan: Plan, number: int) -> Result:
        folder = tmp_path / f"{number}-{transport}"
        folder.mkdir()
        return perform(plan, folder, transport=transport)

    def check(transport: str, *plans: Plan) -> None:
        with ThreadPoolExecutor(len(plans)) as pool:
            results = list(pool.map(performed, [transport] * len(plans), plans, range(len(plans))))
        for result in results:
            record_property("chaos", json.dumps({"messages": result.messages, "faults": result.faults}))
        broken = [result.report() for result in results if result.violations]
        assert not broken, "\n".join([f"on {transport}:", *broken])

    return check


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [
        report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])
    ]
    runs = [
        json.loads(value)
        for report in reports
        if report.when == "call"
        for name, value in report.user_properties
        if name == "chaos"
    ]
    if runs:
        faults: Counter[str] = Counter()
        for run in runs:
            faults.update(run["faults"])
        listed = ", ".join(f"{count} {kind}" for kind, count in sorted(faults.items()))
        messages = sum(run["messages"] for run in runs)
        terminalreporter.section("chaos")
        terminalreporter.line(f"{len(runs)} runs, {messages} messages, {faults.total()} faults: {listed}")
