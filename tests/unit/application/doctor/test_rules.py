"""The list of codes: stable, complete, documented."""

from __future__ import annotations

import re
from pathlib import Path

from blackcat.application.doctor import rules
from blackcat.domain.findings import Rule, Severity

PAGE = Path(__file__).parents[4] / "docs" / "en" / "inspect.md"


def test_each_rule_has_a_code_of_its_own():
    declared = [value for value in vars(rules).values() if isinstance(value, Rule)]
    assert len(declared) == len(rules.RULES)
    assert all(re.fullmatch(r"BC\d{3}", code) for code in rules.RULES)


def test_the_documentation_lists_every_code_with_its_severity_and_title():
    listed = re.findall(r"^\| (BC\d{3}) \| (\w+) \| ([^|]+?) \|", PAGE.read_text(), re.MULTILINE)
    known = [(rule.code, rule.severity.value, rule.title) for rule in rules.RULES.values()]
    assert sorted(listed) == sorted(known)


def test_each_rule_says_why_and_how_to_mend_it():
    for rule in rules.RULES.values():
        assert rule.why, rule.code
        assert rule.mend, rule.code
        assert isinstance(rule.severity, Severity)


def test_each_rule_is_provoked_by_a_test():
    tests = [
        *Path(__file__).parent.glob("test_*.py"),
        Path(__file__).parents[3] / "integration/test_cli_inspect.py",
    ]
    provoked = {code for test in tests for code in re.findall(r"BC\d{3}", test.read_text())}
    assert rules.RULES.keys() - provoked == set()
