"""What ``send`` and ``publish`` share: from the command line's body to messages, each accounted for."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import click

from blackcat.application.sending import Line, Send, Sent, Unsent, send_lines
from blackcat.domain.message import Attribute
from blackcat.domain.outgoing import OutgoingMessage
from blackcat.entrypoints.cli.output import as_json, printable
from blackcat.entrypoints.cli.parameters import attribute, json_problem, read_text
from blackcat.entrypoints.exit_status import FAILED
from blackcat.errors import InvalidMessage, RemoteError
from blackcat.resources import FIFO_SUFFIX


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the command line says about the messages."""

    body: str
    attributes: dict[str, Attribute]
    raw: bool
    lines: bool
    count: int
    group: str | None
    deduplication_id: str | None
    failed: Path | None
    json: bool
    delay: timedelta | None = None

    @property
    def several(self) -> bool:
        return self.lines or self.count > 1


_PARAMETERS = (
    click.argument("body"),
    click.option(
        "-a",
        "--attribute",
        "attributes",
        type=attribute,
        metavar="NAME=VALUE",
        multiple=True,
        help="A message attribute: name=value, name:Number=42, name:Binary=aGk=. Repeat for more.",
    ),
    click.option("--raw", is_flag=True, help="Send the body as it is, JSON or not."),
    click.option("--count", type=click.IntRange(1), default=1, help="Send it that many times."),
    click.option("--lines", is_flag=True, help="Each line of the body is a message; blank ones are not."),
    click.option("--group", help="The message group: FIFO needs one."),
    click.option(
        "--deduplication-id",
        help="For FIFO: two of the same id within five minutes are one message. With --lines or --count, "
        "each message gets the id, a dash and its number.",
    ),
    click.option(
        "--failed",
        type=click.Path(path_type=Path, dir_okay=False, writable=True, resolve_path=True),
        help="Where lines that were not sent are written (otherwise stderr).",
    ),
    click.option("--json", is_flag=True, help="Print the message ids as JSON."),
)


def asks_for_messages(command: Callable[..., Any]) -> Callable[..., Any]:
    """The parameters of a command that sends: they make an Asked."""
    for parameter in reversed(_PARAMETERS):
        command = parameter(command)
    return command


def asked(*, attributes: Iterable[tuple[str, Attribute]], **given: Any) -> Asked:
    """What the command line says, checked as far as it can be. Raises UsageError."""
    found = Asked(attributes=dict(attributes), **given)
    if found.lines and found.count > 1:
        raise click.UsageError("--lines and --count go for two different things: give one of them")
    if found.failed and not found.lines:
        raise click.UsageError("--failed is for --lines: a single body is not lost")
    return found


def check_fifo(name: str, asked: Asked, kind: str) -> None:
    """Raises UsageError for what a FIFO queue or topic needs, or another does not take."""
    if not name.endswith(FIFO_SUFFIX):
        if asked.deduplication_id:
            raise click.UsageError(f"{kind} '{name}' is not FIFO: leave --deduplication-id out")
        return
    if not asked.group:
        raise click.UsageError(
            f"{kind} '{name}' is FIFO: give --group; messages of one group keep their order"
        )
    if asked.delay is not None:
        raise click.UsageError(f"{kind} '{name}' is FIFO and takes no --delay: it is declared on the queue")


def deliver(
    asked: Asked,
    *,
    text: Iterator[Line],
    check: Callable[[OutgoingMessage], OutgoingMessage],
    send: Send,
    destination: str,
    dry: bool,
) -> int:
    """Send, print the ids and account for every line; the exit status. Raises BlackcatError."""
    sent: list[Sent] = []
    unsent: list[Unsent] = []
    for one in send_lines(text, build=lambda line: check(_message(line, asked)), send=send, pause=time.sleep):
        if isinstance(one, Unsent):
            unsent.append(one)
            continue
        sent.append(one)
        if not asked.json:
            click.echo(one.message_id)
    if asked.json:
        click.echo(as_json(_as_json(sent, unsent)))
    if unsent:
        _give_back(unsent, asked, nothing_sent=not sent)
    _tell(sent, destination, dry)
    return FAILED if unsent else 0


def lines_of(asked: Asked) -> Iterator[Line]:
    """The texts to send, numbered from 1. Raises UsageError for a single body that is no JSON."""
    if asked.lines:
        # Only a newline ends a line: JSON may hold what Python takes for others.
        found = enumerate(read_text(asked.body).split("\n"), start=1)
        return (Line(number, text.removesuffix("\r")) for number, text in found if text.strip())
    body = read_text(asked.body)
    if not asked.raw:
        body = body.strip()
        _require_json(body)
    if not body:
        raise click.UsageError("the body is empty: a message needs at least one character")
    return map(Line, range(1, asked.count + 1), itertools.repeat(body))


def _require_json(body: str) -> None:
    problem = json_problem(body)
    if problem:
        raise click.UsageError(
            f"the body is not JSON ({problem}): put it in single quotes for the shell, "
            "as in '{\"id\": 1}', or send it as it is with --raw"
        )


def _message(line: Line, asked: Asked) -> OutgoingMessage:
    problem = json_problem(line.text) if asked.lines and not asked.raw else None
    if problem:
        raise InvalidMessage(f"it is not JSON ({problem}); --raw would send it as it is")
    deduplication_id = asked.deduplication_id
    return OutgoingMessage(
        body=line.text,
        attributes=asked.attributes,
        delay=asked.delay,
        group_id=asked.group,
        deduplication_id=f"{deduplication_id}-{line.number}"
        if deduplication_id and asked.several
        else deduplication_id,
    )


def _give_back(unsent: list[Unsent], asked: Asked, *, nothing_sent: bool) -> None:
    """Every line that was not sent, with the reason; nothing at all was sent: the reason alone."""
    first = unsent[0].error
    if asked.failed:
        asked.failed.write_text("".join(f"{one.line.text}\n" for one in unsent), encoding="utf-8")
    if nothing_sent and (isinstance(first, RemoteError) or not asked.lines):
        _raise(first)
    if not asked.lines:
        click.echo(f"{len(unsent)} of {asked.count} were not sent: {first}", err=True)
        return
    for one in unsent:
        click.echo(f"line {one.line.number} was not sent: {printable(str(one.error))}", err=True)
    if asked.failed:
        click.echo(f"{len(unsent)} lines that were not sent are in {asked.failed}", err=True)
        return
    click.echo("not sent:", err=True)
    for one in unsent:
        click.echo(one.line.text, err=True)


def _raise(error: Exception) -> NoReturn:
    if isinstance(error, RemoteError) and "deduplication" in str(error).lower():
        raise type(error)(f"{error}; give --deduplication-id") from error
    raise error


def _tell(sent: list[Sent], destination: str, dry: bool) -> None:
    if dry:
        click.echo(f"AWS_DRY_RUN is set: nothing was sent to {destination}", err=True)
        return
    kept = len({one.message_id for one in sent})
    swallowed = len(sent) - kept
    twice = f"; {swallowed} more were duplicates, which FIFO drops" if swallowed else ""
    what = "1 message" if kept == 1 else f"{kept} messages"
    click.echo(f"sent {what} to {destination}{twice}", err=True)


def _as_json(sent: list[Sent], unsent: list[Unsent]) -> dict[str, Any]:
    return {
        "sent": [{"line": one.line.number, "message_id": one.message_id} for one in sent],
        "unsent": [{"line": one.line.number, "reason": str(one.error)} for one in unsent],
    }
