"""``blackcat iam-policy``: what a service may do in AWS, and nothing more."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from blackcat.entrypoints.cli.output import as_json, results_only

if TYPE_CHECKING:
    from blackcat.application.iam.arns import Place
    from blackcat.application.iam.policy import Reference, Statement
    from blackcat.domain.registry import ServiceRegistry
    from blackcat.domain.service import Service

# What is not told stays to be filled in, by envsubst or Terraform's templatefile for example.
_REGION = "${AWS_REGION}"
_ACCOUNT = "${AWS_ACCOUNT_ID}"

_REGION_NAME = re.compile(r"[a-z0-9-]+")
_PREFIX = re.compile(r"[A-Za-z0-9_.-]*")
_PARAMETER = re.compile(r"(arn:[a-z-]+:ssm:[a-z0-9-]+:\d{12}:parameter/)?[A-Za-z0-9_./-]+(:[A-Za-z0-9_.-]+)?")
_ACCOUNT_ID = re.compile(r"\d{12}")
_KEY_ARN = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+")


@click.command("iam-policy")
@click.argument("service", required=False)
@click.option("--account", metavar="ID", help=f"The AWS account's number; otherwise {_ACCOUNT} stands there.")
@click.option("--region", metavar="NAME", help=f"Otherwise AWS_REGION, or {_REGION} stands there.")
@click.option("--prefix", metavar="TEXT", help="The RESOURCE_PREFIX; otherwise that of the environment.")
@click.option(
    "--kms-key",
    "kms_keys",
    multiple=True,
    metavar="ARN",
    help="A customer-managed key that encrypts the resources or settings; may be given several times.",
)
@click.option("--secret", "secrets", multiple=True, metavar="NAME", help="A secret that holds settings.")
@click.option(
    "--parameter", "parameters", multiple=True, metavar="NAME", help="An SSM parameter that is one."
)
@click.option(
    "--task-protection",
    metavar="CLUSTER",
    help="For a consumer with ECS_TASK_PROTECTION: the name of its ECS cluster.",
)
@click.option(
    "--trust", is_flag=True, help="Print who may take the role instead: ECS, for this account only."
)
@click.option("--cloudformation", is_flag=True, help="ARNs for a template's Fn::Sub, with ${ResourcePrefix}.")
@click.pass_context
def command(
    ctx: click.Context,
    service: str | None,
    account: str | None,
    region: str | None,
    prefix: str | None,
    kms_keys: Sequence[str],
    secrets: Sequence[str],
    parameters: Sequence[str],
    task_protection: str | None,
    trust: bool,
    cloudformation: bool,
) -> None:
    """Print the IAM policy of SERVICE: the actions that its type and its grants need, on their ARNs alone.

    SERVICE may be left out where SERVICE_NAME is set or the project has one service.

    \b
    Example:
      blackcat iam-policy start_payment
      blackcat iam-policy start_payment --account 123456789012 --region eu-west-1 > policy.json
      blackcat iam-policy start_payment --kms-key arn:aws:kms:eu-west-1:123456789012:key/1234abcd-…
    """
    from blackcat.application.iam.arns import CLOUDFORMATION
    from blackcat.application.iam.policy import document, protection_statement
    from blackcat.application.iam.trust import ecs_trust
    from blackcat.domain.references import FromParameter, FromSecret
    from blackcat.infra.project.project import find_project
    from blackcat.infra.settings.references import referenced_by

    _refuse(account, kms_keys, parameters)
    if cloudformation and (account or region or prefix):
        raise click.UsageError(
            "--cloudformation leaves account, region and prefix to the template: take it alone"
        )
    project = find_project(ctx.obj)
    with results_only():
        registry = project.registry()
    chosen = _chosen(registry, service)
    place = CLOUDFORMATION if cloudformation else _place(account, region, prefix)
    if trust:
        click.echo(as_json(ecs_trust(place)))
        return
    with results_only():
        settings, failures = referenced_by(project, registry, [chosen])
    for failure in failures:
        click.echo(f"warning: settings that it keeps in AWS are not in the policy: {failure}", err=True)
    settings += map(FromSecret, secrets)
    settings += map(FromParameter, parameters)
    found = _statements(chosen, registry, place, kms_keys, settings)
    if task_protection:
        found.append(protection_statement(place, task_protection))
    if not found:
        click.echo(
            f"'{chosen.name}' declares nothing of AWS's and no setting that is kept there: no policy; "
            "name what variables alone tell (SECRETS_NAME, …_SECRET, …_PARAMETER) with --secret, --parameter",
            err=True,
        )
        return
    policy = document(found)
    _tell_size(policy)
    click.echo(as_json(policy))


def _chosen(registry: ServiceRegistry, name: str | None) -> Service:
    services = list(registry)
    wanted = name or os.environ.get("SERVICE_NAME")
    if wanted or not services:
        return registry.select(wanted)
    if len(services) > 1:
        raise click.UsageError(f"name one of the services: {', '.join(one.name for one in services)}")
    return services[0]


def _statements(
    service: Service,
    registry: ServiceRegistry,
    place: Place,
    kms_keys: Sequence[str],
    settings: Sequence[Reference],
) -> list[Statement]:
    from blackcat.application.iam.policy import (
        key_statements,
        resource_statements,
        settings_statements,
        wanted_by,
    )

    wanted = wanted_by(service, registry)
    return [
        *resource_statements(wanted, place),
        *settings_statements(place, settings),
        *(key_statements(wanted, place, kms_keys, settings) if kms_keys else ()),
    ]


def _place(account: str | None, region: str | None, prefix: str | None) -> Place:
    from blackcat.application.iam.arns import Place

    region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or _REGION
    prefix = os.environ.get("RESOURCE_PREFIX", "") if prefix is None else prefix
    if region != _REGION and not _REGION_NAME.fullmatch(region):
        raise click.UsageError(f"'{region}' is no region: write its name, such as eu-west-1")
    if not _PREFIX.fullmatch(prefix):
        raise click.UsageError(f"'{prefix}' is no RESOURCE_PREFIX: write letters, digits, '_', '-' or '.'")
    return Place.of(region=region, account=account or _ACCOUNT, prefix=prefix)


def _refuse(account: str | None, kms_keys: Sequence[str], parameters: Sequence[str]) -> None:
    if account is not None and not _ACCOUNT_ID.fullmatch(account):
        raise click.UsageError(f"--account takes the 12 digits of an AWS account's number, not '{account}'")
    for key in kms_keys:
        if not _KEY_ARN.fullmatch(key):
            raise click.UsageError(
                f"--kms-key takes the key's ARN, not '{key}': an alias does not do in a policy; "
                "`aws kms describe-key` tells the ARN"
            )
    for name in parameters:
        if not _PARAMETER.fullmatch(name):
            raise click.UsageError(f"--parameter takes a parameter's name or ARN, not '{name}'")


def _tell_size(policy: dict[str, Any]) -> None:
    from blackcat.application.iam.policy import ROLE_POLICY_MAX, size

    if (taken := size(policy)) > ROLE_POLICY_MAX:
        click.echo(
            f"warning: the policy has {taken} characters, and the inline policies of a role hold "
            f"{ROLE_POLICY_MAX}: split the service, or attach the statements as several managed policies",
            err=True,
        )
