"""``blackcat invoke``: a service's code once, on this machine."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from uuid import uuid4

import click

from blackcat.domain.message import Attribute, Message
from blackcat.domain.service import Service, ServiceType
from blackcat.entrypoints.cli.logs import log_to_stderr
from blackcat.entrypoints.cli.outcome import exit_status, outcome_json, outcome_text
from blackcat.entrypoints.cli.output import as_json, printable, results_only
from blackcat.entrypoints.cli.parameters import attribute, read_text
from blackcat.entrypoints.cli.place import Place, find_place
from blackcat.entrypoints.exit_status import DONE, FAILED, LOCK_HELD

if TYPE_CHECKING:
    from blackcat.domain.outcome import Outcome

_REQUEST = re.compile(r"\s*[A-Za-z]+\s+/\S*\s*")
_FIRST_ERROR = 400


@click.command()
@click.argument("service")
@click.argument("body", required=False)
@click.argument("request_body", required=False)
@click.option(
    "-a",
    "--attribute",
    "attributes",
    type=attribute,
    metavar="NAME=VALUE",
    multiple=True,
    help="A message attribute: name=value, name:Number=42, name:Binary=aGk=. Repeat for more.",
)
@click.option("--group", help="The message group.")
@click.option("--json", "with_json", is_flag=True, help="Print the outcome as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    service: str,
    body: str | None,
    request_body: str | None,
    attributes: tuple[tuple[str, Attribute], ...],
    group: str | None,
    with_json: bool,
) -> int:
    """Run the code of a SERVICE once, on this machine, without a queue or server.

    A consumer gets BODY (the text, - for standard input, or @FILE) as a message, through its decoding,
    middleware and handler. A worker takes no body and runs once. A REST API takes one request, as
    'METHOD /PATH', and its JSON. Adapters reach the running `blackcat dev`, or what .env says.
    The outcome is printed, logs go to stderr. Exits with 0 when it was handled, with 75 when another run
    holds the worker's lock, otherwise with 1.

    \b
    Examples:
      blackcat invoke start_payment '{"payment_id": "…", "amount": "49.90"}'
      blackcat invoke start_payment @command.json --attribute source=cli
      blackcat invoke expire_pending_payments
      blackcat invoke payment_api 'GET /payments/1'
      blackcat invoke payment_api 'POST /payments' '{"amount": "49.90"}'
    """
    text = None if body is None else read_text(body)
    content = None if request_body is None else read_text(request_body)
    place = find_place(ctx.obj)
    found = place.service(service)
    _check_arguments(found, text, content, message_options=bool(attributes or group))
    click.echo(f"running {found.name} here; {place.around()}", err=True)
    if found.type is ServiceType.REST_API:
        return _request(place, found, text or "", content, with_json)
    if found.type is ServiceType.WORKER:
        return _job(place, found, with_json)
    with results_only():
        log_to_stderr(place, found)
        outcome = _handled(place, found, _message(text or "", attributes, group))
    return _tell(outcome, with_json)


def _check_arguments(
    service: Service, body: str | None, content: str | None, *, message_options: bool
) -> None:
    if service.type is not ServiceType.CONSUMER and message_options:
        raise click.UsageError(f"'{service.name}' takes no message: leave --attribute and --group out")
    if service.type is ServiceType.CONSUMER and body is None:
        raise click.UsageError(f"consumer '{service.name}' needs a BODY: the text, - or @FILE")
    if service.type is ServiceType.WORKER and body is not None:
        raise click.UsageError(f"worker '{service.name}' takes no BODY: leave it out")
    if service.type is ServiceType.REST_API and not _REQUEST.fullmatch(body or ""):
        raise click.UsageError(f"REST API '{service.name}' needs a request, such as 'GET /health'")
    if service.type is not ServiceType.REST_API and content is not None:
        raise click.UsageError("only a REST API takes a second body")


def _message(body: str, attributes: tuple[tuple[str, Attribute], ...], group: str | None) -> Message:
    return Message(
        id=str(uuid4()),
        body=body,
        attributes=dict(attributes),
        group_id=group,
        sent_at=datetime.now(timezone.utc),
    )


def _handled(place: Place, service: Service, message: Message) -> Outcome:
    from blackcat.entrypoints.invocation import handle_once

    return handle_once(service, place.registry, message)


def _tell(outcome: Outcome, with_json: bool) -> int:
    click.echo(as_json(outcome_json(outcome)) if with_json else outcome_text(outcome))
    return exit_status(outcome)


def _job(place: Place, service: Service, with_json: bool) -> int:
    from blackcat.entrypoints.invocation import Skipped, run_once

    with results_only():
        log_to_stderr(place, service)
        outcome = run_once(service, place.registry, place.settings)
    if not isinstance(outcome, Skipped):
        return _tell(outcome, with_json)
    if with_json:
        click.echo(as_json({"outcome": "skipped", "reason": outcome.reason}))
    else:
        click.echo(f"{click.style('skipped', fg='yellow', bold=True)}: {printable(outcome.reason)}")
    return LOCK_HELD


def _request(place: Place, service: Service, request: str, content: str | None, with_json: bool) -> int:
    from blackcat.entrypoints.invocation import request_once

    method, path = request.split()
    with results_only():
        log_to_stderr(place, service)
        reply = request_once(
            service,
            place.registry,
            place.settings,
            method=method.upper(),
            path=path,
            body=content,
        )
    if with_json:
        click.echo(as_json({"status": reply.status, "headers": reply.headers, "body": reply.body}))
    else:
        click.echo(f"HTTP {reply.status}", err=True)
        click.echo(reply.body)
    return DONE if reply.status < _FIRST_ERROR else FAILED
