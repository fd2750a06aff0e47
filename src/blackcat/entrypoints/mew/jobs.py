"""The jobs of a project: what a schedule or a direct invocation starts."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, TypeVar

from blackcat.entrypoints.aws_lambda.events import Event, Kind, kind_of, required
from blackcat.errors import InvalidDeclaration, InvalidEvent

# A direct invocation names the job: {"job": "expire_payments", "input": {…}}.
JOB = "job"
HEALTH = "health"

_PARTS_OF_AN_ARN = 6

Function = TypeVar("Function", bound=Callable[..., Any])


class Jobs:
    """The jobs of a project, by name: a command of the domain each, or a technical function.

    A schedule starts the job that its rule is named after: ``expire_payments`` is started by a rule called
    ``expire-payments``, or ``neoapp-banner-expire-payments``. Raises InvalidDeclaration for a name that is
    taken; ``health`` is there from the start.
    """

    def __init__(self) -> None:
        self._targets: dict[str, str | Callable[..., Any]] = {}

    def command(self, command: str, *, job: str | None = None) -> None:
        """Let a job of that name, or of the command's own, run a command; its input is the payload."""
        self._add(job or command, command)

    def function(self, function: Function) -> Function:
        """Let a job run this function (a decorator); its parameters are injected by their annotations."""
        self._add(function.__name__, function)
        return function

    @property
    def names(self) -> list[str]:
        return sorted([*self._targets, HEALTH])

    def target(self, name: str) -> str | Callable[..., Any]:
        """The name of a command, or a function."""
        return self._targets[name]

    def named_by(self, event: Event) -> str:
        """The job that the event means. Raises InvalidEvent, which lists the jobs that there are."""
        if kind_of(event) is Kind.SCHEDULE and JOB not in event:
            return self._of_rule(_rule(event))
        name = (event or {}).get(JOB)
        if not isinstance(name, str):
            raise InvalidEvent(
                f'the event names no job: invoke the function with {{"{JOB}": "name", "input": {{…}}}}; '
                f"the jobs are {', '.join(self.names)}"
            )
        if name not in self.names:
            nearest = difflib.get_close_matches(name, self.names, n=1, cutoff=0.6)
            meant = f" (did you mean '{nearest[0]}'?)" if nearest else ""
            raise InvalidEvent(f"there is no job '{name}'{meant}: the jobs are {', '.join(self.names)}")
        return name

    def _of_rule(self, rule: str) -> str:
        text = rule.replace("-", "_")
        found = [name for name in self.names if text == name or text.endswith(f"_{name}")]
        if not found:
            raise InvalidEvent(
                f"the schedule '{rule}' is named after no job: name it after one of {', '.join(self.names)}, "
                f'or let it send {{"{JOB}": "name"}}'
            )
        return max(found, key=len)

    def _add(self, name: str, target: str | Callable[..., Any]) -> None:
        if name in self.names:
            raise InvalidDeclaration(f"there is a job '{name}' already: give this one another name")
        self._targets[name] = target


def _rule(event: Event) -> str:
    """The name of the rule or schedule: ``arn:…:rule/name``, ``arn:…:schedule/group/name``."""
    resources = required(event, "resources", list, of="the event of a schedule")
    arns = [arn for arn in resources if isinstance(arn, str) and arn.count(":") >= _PARTS_OF_AN_ARN - 1]
    if not arns:
        raise InvalidEvent("'resources' of the event of a schedule names no rule: send it as AWS does")
    return arns[0].rpartition("/")[2]
