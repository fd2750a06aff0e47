"""``blackcat services``: list the services of this project."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from blackcat.entrypoints.cli.output import as_json, printable, results_only, table

if TYPE_CHECKING:
    from blackcat.domain.registry import ServiceRegistry
    from blackcat.domain.service import Service

_HEADERS = ("name", "type", "queue or route", "schedule", "grants")


@click.command("services")
@click.option("--json", "json_", is_flag=True, help="As JSON, for scripts.")
@click.pass_context
def command(ctx: click.Context, json_: bool) -> None:
    """List the services of this project: name, type, queue or routes, schedule and grants.

    Only the modules of REST APIs are imported, to see their routes; of one that does not load, the
    module's name is shown.

    \b
    Example:
      blackcat services
      blackcat services --json
    """
    from blackcat.infra.project.project import find_project

    with results_only():
        registry = find_project(ctx.obj).registry()
        described = [_described(service, registry) for service in registry]
    if json_:
        click.echo(as_json(described))
    elif described:
        click.echo(table(_HEADERS, map(_row, described)))
    else:
        click.echo("There are no services yet: blackcat generate-service NAME --type consumer", err=True)


def _described(service: Service, registry: ServiceRegistry) -> dict[str, Any]:
    queue = registry.queue_of(service) if service.queue_name else None
    return {
        "name": service.name,
        "type": service.type.value,
        "entrypoint": _named(service.entrypoint or service.endpoint_module),
        "queue": queue.name if queue else None,
        "dead_letter_queue": queue.dead_letter.name if queue and queue.dead_letter else None,
        "topics": [subscription.topic.name for subscription in service.subscriptions],
        "rules": [{"event_bus": rule.bus.name, "pattern": dict(rule.pattern)} for rule in service.rules],
        "routes": _routes(service),
        "schedule": service.schedule,
        "timezone": service.timezone,
        "exclusive": service.exclusive,
        "grants": [{"access": one.access.value, "resource": one.resource.name} for one in service.grants],
    }


def _routes(service: Service) -> Sequence[str] | None:
    if not service.endpoint_module:
        return None
    from blackcat.entrypoints.cli.routes import routes_of

    return routes_of(service)


def _row(described: dict[str, Any]) -> tuple[str, ...]:
    grants = "\n".join(f"{grant['access']} {grant['resource']}" for grant in described["grants"])
    when = " ".join(filter(None, (described["schedule"], described["timezone"])))
    reached = "\n".join(printable(line) for line in _reached(described))
    return described["name"], described["type"], reached, when, grants


def _reached(described: dict[str, Any]) -> Iterator[str]:
    """By what a service is reached: its queue, with what feeds that, or its routes."""
    if described["queue"]:
        yield described["queue"]
        yield from (f"  from {topic}" for topic in described["topics"])
        buses = dict.fromkeys(rule["event_bus"] for rule in described["rules"])
        yield from (f"  from event bus {bus}" for bus in buses)
    elif described["type"] == "rest-api":
        yield from described["routes"] or [described["entrypoint"]]


def _named(reference: Any) -> str:
    if isinstance(reference, str):
        return reference
    return f"{getattr(reference, '__module__', '')}:{getattr(reference, '__qualname__', repr(reference))}"
