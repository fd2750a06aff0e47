"""Findings: what is wrong with a project or its resources, why it matters, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """How bad a finding is; an error means that something is broken now."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Something that may be found. Its ``code`` is stable: it is never given to another rule.

    ``title`` says what is wrong in general, ``why`` what follows from it, ``mend`` what to do.
    """

    code: str
    severity: Severity
    title: str
    why: str
    mend: str

    def found(self, subject: str, what: str, *, mend: str = "") -> Finding:
        """The finding about ``subject``; ``mend`` when it is clearer here than the rule's own."""
        return Finding(rule=self, subject=subject, what=what, mend=mend or self.mend)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A rule that is broken: by whom, and how exactly."""

    rule: Rule
    subject: str
    what: str
    mend: str

    @property
    def severity(self) -> Severity:
        return self.rule.severity

    def as_json(self) -> dict[str, str]:
        return {
            "code": self.rule.code,
            "severity": self.severity.value,
            "subject": self.subject,
            "what": self.what,
            "why": self.rule.why,
            "mend": self.mend,
        }


@dataclass(frozen=True)
class Unchecked:
    """Something that could not be looked at, and why: neither good nor bad."""

    subject: str
    reason: str

    def as_json(self) -> dict[str, str]:
        return {"subject": self.subject, "reason": self.reason}


@dataclass(frozen=True)
class Diagnosis:
    """All that was found, the worst first, and all that could not be checked."""

    findings: Sequence[Finding] = ()
    unchecked: Sequence[Unchecked] = ()

    @classmethod
    def of(cls, results: Iterator[Finding | Unchecked]) -> Diagnosis:
        everything = list(dict.fromkeys(results))
        found = [result for result in everything if isinstance(result, Finding)]
        return cls(
            findings=sorted(found, key=lambda one: (list(Severity).index(one.severity), one.rule.code)),
            unchecked=[result for result in everything if isinstance(result, Unchecked)],
        )

    @property
    def broken(self) -> bool:
        return self.count(Severity.ERROR) > 0

    def count(self, severity: Severity) -> int:
        return sum(finding.severity is severity for finding in self.findings)
