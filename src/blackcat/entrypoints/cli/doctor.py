"""``blackcat doctor``: find what is broken, why it matters and how to mend it."""

from __future__ import annotations

import contextlib
import sys
import textwrap
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from blackcat.domain.findings import Diagnosis, Finding, Severity, Unchecked
from blackcat.entrypoints.cli.output import as_json, printable, results_only
from blackcat.entrypoints.exit_status import FAILED

if TYPE_CHECKING:
    from blackcat.application.doctor.examination import Check, Results
    from blackcat.application.doctor.starting import Start
    from blackcat.application.doctor.timing import RunSettings
    from blackcat.domain.registry import ServiceRegistry
    from blackcat.infra.project.project import Project
    from blackcat.infra.settings.configuration import Settings

_WIDTH = 100
_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "blue"}


@click.command("doctor")
@click.option("--aws", is_flag=True, help="Compare AWS with the declaration, too; only ever reads.")
@click.option("--json", "json_", is_flag=True, help="As JSON, for scripts.")
@click.pass_context
def command(ctx: click.Context, aws: bool, json_: bool) -> None:
    """Find what is broken, why it matters and how to mend it.

    Checks the registry, the code of every service, the container, the settings of this environment,
    queues and subscriptions as declared, and the project's layers. With --aws also what the
    environment points to: queues, topics and subscriptions, event buses and rules, tables, secrets
    and the permissions of the present role. Nothing is ever created or changed. The exit status is 1
    when an error is found.

    \b
    Example:
      blackcat doctor
      ENVIRONMENT=staging blackcat doctor --aws --json
    """
    from blackcat.application.doctor.examination import diagnose
    from blackcat.infra.project.project import find_project

    project = find_project(ctx.obj)
    with results_only():
        diagnosis = diagnose(_checks(project, aws=aws))
    click.echo(as_json(_fields(diagnosis)) if json_ else _text(diagnosis))
    if diagnosis.broken:
        ctx.exit(FAILED)


def _checks(project: Project, *, aws: bool) -> Iterator[Check]:
    from blackcat.application.doctor.examination import Check
    from blackcat.application.doctor.runtime import python
    from blackcat.application.doctor.settings import settings as settings_check
    from blackcat.infra.settings.report import setting_report

    project.enter()
    if aws:
        from blackcat.entrypoints.cli.place import turn_to_running_dev

        turn_to_running_dev(project)
    settings = _settings()
    yield Check("Python", lambda: python(sys.version_info[:2]))
    if project.layout == "lambda":
        yield Check("start", _lambda_start)
        yield Check("settings", lambda: settings_check(setting_report(project.root)))
        return
    registry = _registry(project)
    if isinstance(registry, Finding):
        yield Check("registry", lambda: [registry, Unchecked("services", "the registry does not load")])
    else:
        yield from _registry_checks(registry, settings)
    # After the services, so that all their classes of settings are known.
    yield Check("settings", lambda: settings_check(setting_report(project.root)))
    yield Check("layers", lambda: _layers(project.root))
    if aws and not isinstance(registry, Finding):
        yield from _aws_checks(registry, settings)


def _registry_checks(registry: ServiceRegistry, settings: Settings | None) -> Iterator[Check]:
    from blackcat.application.doctor.examination import Check
    from blackcat.application.doctor.messaging import messaging
    from blackcat.application.doctor.schedules import schedules
    from blackcat.application.doctor.starting import starting
    from blackcat.application.doctor.timing import timing

    yield Check("messaging", lambda: messaging(registry))
    yield Check("schedules", lambda: schedules(registry))
    if settings is None:
        unchecked = Unchecked("durations of consumers", "Blackcat's own settings are wrong")
        yield Check("durations", lambda: [unchecked])
    else:
        yield Check("durations", lambda: timing(registry, _run_settings(settings)))
    yield Check("start", lambda: starting(registry, _start(settings)))


def _aws_checks(registry: ServiceRegistry, settings: Settings | None) -> Iterator[Check]:
    from blackcat.adapters_aws.destination import destination
    from blackcat.adapters_aws.inspection import AwsAccount
    from blackcat.application.doctor.aws import aws_checks
    from blackcat.application.doctor.broker import queues_in_broker
    from blackcat.application.doctor.examination import Check
    from blackcat.entrypoints.connections import aws_options, broker
    from blackcat.errors import ConfigurationError

    if settings is None:
        unchecked = Unchecked("everything in AWS", "Blackcat's own settings are wrong")
        yield Check("AWS", lambda: [unchecked])
        return
    options = aws_options(settings)
    with contextlib.suppress(ConfigurationError):  # the checks tell it
        beside = " and in RabbitMQ" if settings.queue_backend == "rabbitmq" else ""
        click.echo(f"looking {destination('sqs', options)}{beside}", err=True)
    known = any(service.name == settings.service_name for service in registry)
    if settings.queue_backend == "rabbitmq":
        prefix = settings.resource_prefix
        yield Check("RabbitMQ", lambda: queues_in_broker(registry, broker(settings), prefix=prefix))
    yield from aws_checks(
        registry,
        AwsAccount(options),
        prefix=settings.resource_prefix,
        service=settings.service_name if known else None,
        messaging=settings.queue_backend == "sqs",
    )


def _lambda_start() -> Results:
    """The function of a project in the lambda layout, with all that it needs; its rules are its own tests."""
    from blackcat.application.doctor import rules
    from blackcat.application.entrypoint import load
    from blackcat.errors import EntrypointError, InjectionError, SettingsError

    subject = "the function src.main.main"
    try:
        load("src.main:main.check", subject=subject)()
    except SettingsError:
        yield Unchecked(subject, "settings are missing or wrong")
    except InjectionError as error:
        yield rules.NOT_INJECTED.found(subject, str(error))
    except EntrypointError as error:
        yield rules.ENTRYPOINT_DOES_NOT_LOAD.found(subject, str(error))
    except (Exception, SystemExit) as error:
        yield rules.START_FAILS.found(subject, f"{type(error).__name__}: {error}")


def _registry(project: Project) -> ServiceRegistry | Finding:
    from blackcat.application.doctor import rules
    from blackcat.errors import ConfigurationError

    try:
        return project.registry()
    except ConfigurationError as error:
        return rules.REGISTRY_DOES_NOT_LOAD.found(project.services, str(error))
    except SystemExit as end:
        return rules.REGISTRY_DOES_NOT_LOAD.found(project.services, f"importing it ended with {end!r}")


def _settings() -> Settings | None:
    """Blackcat's own settings as they are here; None when they are wrong, which a check tells."""
    from blackcat.errors import SettingsError
    from blackcat.infra.settings.configuration import Settings, export_aws_variables

    try:
        settings = Settings()
        export_aws_variables()
    except SettingsError:
        return None
    return settings


def _run_settings(settings: Settings) -> RunSettings:
    from blackcat.application.doctor.timing import RunSettings

    return RunSettings(
        wait=timedelta(seconds=settings.consumer_wait_seconds),
        budget=settings.shutdown_timeout,
        max_handling=timedelta(seconds=settings.consumer_max_handling_seconds),
        dry_run=settings.aws_dry_run,
        prefix=settings.resource_prefix,
    )


def _start(settings: Settings | None) -> Start:
    from blackcat.entrypoints.rehearsal import build
    from blackcat.infra.settings.configuration import Settings

    return lambda service, resolver: build(service, resolver, settings or Settings.model_construct())


def _layers(root: Path) -> Results:
    """By import-linter where the project has contracts, by our own look at the imports otherwise."""
    from blackcat.application.doctor.architecture import contracts, layers
    from blackcat.infra.project.import_contracts import checked_contracts
    from blackcat.infra.project.sources import project_sources

    verdict = checked_contracts(root)
    if verdict is None or verdict.problem:
        if verdict and verdict.problem:
            yield Unchecked("contracts of import-linter", verdict.problem)
        yield from layers(project_sources(root))
    else:
        yield from contracts(verdict)


def _fields(diagnosis: Diagnosis) -> dict[str, object]:
    return {
        "findings": [finding.as_json() for finding in diagnosis.findings],
        "unchecked": [unchecked.as_json() for unchecked in diagnosis.unchecked],
        **{f"{severity.value}s": diagnosis.count(severity) for severity in Severity},
    }


def _text(diagnosis: Diagnosis) -> str:
    parts = [*map(_finding, diagnosis.findings), *map(_unchecked, diagnosis.unchecked)]
    return "\n\n".join([*parts, _summary(diagnosis)])


def _finding(finding: Finding) -> str:
    severity = click.style(finding.severity.value, fg=_COLOURS[finding.severity], bold=True)
    subject = click.style(printable(finding.subject), bold=True)
    lines = [f"{severity} {finding.rule.code}  {subject}"]
    lines += [_paragraph(finding.what, "  "), _paragraph(finding.rule.why, "  why   ")]
    return "\n".join([*lines, _paragraph(finding.mend, "  mend  ")])


def _unchecked(unchecked: Unchecked) -> str:
    heading = click.style("not checked", bold=True)
    return f"{heading}  {printable(unchecked.subject)}\n{_paragraph(unchecked.reason, '  ')}"


def _paragraph(text: str, label: str) -> str:
    return textwrap.fill(
        printable(" ".join(text.split())),
        _WIDTH,
        initial_indent=label,
        subsequent_indent=" " * len(label),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _summary(diagnosis: Diagnosis) -> str:
    if not diagnosis.findings:
        return click.style("Nothing is wrong.", fg="green")
    counts = [(diagnosis.count(severity), severity.value) for severity in Severity]
    told = [f"{count} {name}{'s' if count > 1 and name != 'info' else ''}" for count, name in counts if count]
    return ", ".join(told)
