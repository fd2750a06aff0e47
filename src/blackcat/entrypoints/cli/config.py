"""``blackcat config``: every setting, its value or mask, and where it came from."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from blackcat.entrypoints.cli.output import as_json, printable, results_only, table
from blackcat.entrypoints.exit_status import CONFIGURATION

if TYPE_CHECKING:
    from blackcat.domain.registry import ServiceRegistry
    from blackcat.domain.service import Service
    from blackcat.domain.setting import Setting
    from blackcat.infra.project.project import Project

# Where a project in the lambda layout declares its settings.
LAMBDA_SETTINGS = "src.config"

# Settings that only one type of service reads, by the beginning of their names.
_OF_TYPE = {
    "consumer": ("CONSUMER_", "HEALTH_", "SQS_"),
    "rest-api": ("API_", "HOST", "PORT"),
    "worker": ("WORKER_",),
}


@click.command("config")
@click.argument("service", required=False)
@click.option("--json", "json_", is_flag=True, help="As JSON, for scripts.")
@click.pass_context
def command(ctx: click.Context, service: str | None, json_: bool) -> None:
    """Show every setting, its value or mask, and where it came from.

    SERVICE limits the list to what that service reads. Besides Blackcat's own settings these are the
    classes of settings (subclasses of blackcat.Settings) that the project's container and entrypoints
    import. Secrets are masked. The exit status is 78 when a setting is missing or wrong.

    \b
    Example:
      blackcat config payment_api
      ENVIRONMENT=staging blackcat config --json
    """
    from blackcat.infra.project.project import find_project
    from blackcat.infra.settings.report import setting_report

    project = find_project(ctx.obj)
    with results_only():
        modules, chosen = _declaring(project, service)
        failures = list(_load_settings(modules))
        report = [setting for setting in setting_report(project.root) if _is_read(setting, chosen)]
    click.echo(as_json([setting.as_json() for setting in report]) if json_ else _tables(report))
    problems = sum(setting.problem is not None for setting in report)
    for failure in failures:
        click.echo(f"{click.style('error', fg='red')}: {printable(failure)}", err=True)
    if problems:
        click.echo(f"{click.style('error', fg='red')}: {_counted(problems)} missing or wrong", err=True)
    if problems or failures:
        ctx.exit(CONFIGURATION)


def _declaring(project: Project, name: str | None) -> tuple[list[str], list[Service]]:
    """The modules that declare settings, and the services that read them; all, unless one is named."""
    from blackcat.errors import UnknownService

    if project.layout == "lambda" and name is None:
        project.enter()
        return [LAMBDA_SETTINGS], []
    registry = project.registry()
    chosen = [one for one in registry if name in (None, one.name)]
    if not chosen and name:
        raise UnknownService(_unknown(name, registry))
    references = [registry.container, *(one.entrypoint or one.endpoint_module for one in chosen)]
    return [one.partition(":")[0] for one in references if isinstance(one, str)], chosen


def _unknown(name: str, registry: ServiceRegistry) -> str:
    names = [service.name for service in registry]
    nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f" (did you mean '{nearest[0]}'?)" if nearest else ""
    return f"there is no service '{name}'{hint}: the services are {', '.join(names) or 'none'}"


def _load_settings(modules: Iterable[str]) -> Iterator[str]:
    """Import what declares settings, nothing is built; yields what cannot be imported."""
    from blackcat.application.entrypoint import load_module

    for module in dict.fromkeys(modules):
        try:
            load_module(module, subject="settings")
        except Exception as error:
            yield str(error)


def _is_read(setting: Setting, services: Sequence[Service]) -> bool:
    """Whether one of these services reads it: what no type claims, all do."""
    types = {service.type.value for service in services} or set(_OF_TYPE)
    claimed_by = {kind for kind, names in _OF_TYPE.items() if setting.variable.startswith(names or ("?",))}
    return setting.owner != "Settings" or not claimed_by or bool(claimed_by & types)


def _tables(report: Iterable[Setting]) -> str:
    return "\n\n".join(
        f"{click.style(_title(owner), underline=True)}\n{_table(list(settings))}"
        for owner, settings in groupby(report, key=lambda setting: setting.owner)
    )


def _title(owner: str) -> str:
    return "Blackcat" if owner == "Settings" else owner


def _table(settings: Sequence[Setting]) -> str:
    return table(
        ["setting", "value", "from"],
        [(one.variable, _value(one.value), _origin(one)) for one in settings],
    )


def _value(value: Any) -> str:
    if value is None:
        return "-"
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _origin(setting: Setting) -> str:
    source = click.style(setting.source, dim=setting.source == "default")
    if setting.problem is None:
        return source
    return f"{source}\n{click.style(printable(setting.problem), fg='red')}"


def _counted(problems: int) -> str:
    return "1 setting is" if problems == 1 else f"{problems} settings are"
