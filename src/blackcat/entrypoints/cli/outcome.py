"""What became of a message, as the command line tells it."""

from __future__ import annotations

from typing import Any

import click

from blackcat.domain.outcome import Handled, Outcome, Rejected, Retried
from blackcat.entrypoints.cli.output import printable
from blackcat.entrypoints.exit_status import DONE, FAILED
from blackcat.errors import DecodingError


def exit_status(outcome: Outcome) -> int:
    """Raises Abort when Ctrl-C ended the handler."""
    if isinstance(_error(outcome), KeyboardInterrupt):
        raise click.Abort
    return DONE if isinstance(outcome, Handled) else FAILED


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    from blackcat.infra.redaction import redactor

    if isinstance(outcome, Handled):
        return {"outcome": "handled"}
    after = None if isinstance(outcome, Rejected) else outcome.after
    error = _error(outcome)
    known = {
        "outcome": type(outcome).__name__.lower(),
        "reason": redactor.text(outcome.reason),
        "exception": type(error.__cause__ or error).__name__ if error else None,
        "fields": _fields(error) if isinstance(error, DecodingError) else None,
        "after_seconds": after.total_seconds() if after is not None else None,
    }
    return {name: value for name, value in known.items() if value not in (None, {})}


def _fields(error: DecodingError) -> dict[str, str]:
    """What is wrong with each field; under a telling name too, since it is advice and no value."""
    from blackcat.infra.redaction import redactor

    return {name: redactor.text(problem) for name, problem in error.fields.items()}


def outcome_text(outcome: Outcome) -> str:
    """The outcome in a line, and the fields of a body that cannot be decoded in one each."""
    told = outcome_json(outcome)
    head = click.style(told["outcome"], fg="green" if isinstance(outcome, Handled) else "red", bold=True)
    fields = told.get("fields", {})
    # The reason repeats each field.
    reason = "the body cannot be decoded" if fields else told.get("reason", "")
    lines = [f"{head}: {printable(reason)}" if reason else head]
    lines += [f"  {name}: {printable(str(problem))}" for name, problem in fields.items()]
    if "after_seconds" in told:
        lines.append(f"  a consumer would see it again after {told['after_seconds']:g} seconds")
    return "\n".join(lines)


def _error(outcome: Outcome) -> BaseException | None:
    return outcome.error if isinstance(outcome, Retried | Rejected) else None
