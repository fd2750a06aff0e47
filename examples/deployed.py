"""The payment demo on what CloudFormation made, each service with its own role: ``make deployment-proof``.

The templates of both example projects, as ``blackcat generate-deploy`` wrote them, become stacks on an
emulator that speaks TLS and checks signatures and policies: ``deploy/ecs/resources.yaml`` as it stands, and
of ``services.yaml`` the task roles, since there is no Fargate. The services then run with no provisioning,
each with credentials of its own role alone, which this program takes in the place of ECS: it makes the roles
trust its own account first, and adds to each action the name by which the emulator alone knows its batch.
``--without SERVICE:ACTION`` takes one action out of a role, and so shows that the demo needs it. The exit
status is the demo's.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import boto3
import demo
from demo import PAYMENT, PROCESSOR, DemoFailed, Queues, eventually, registry_of, say

from blackcat.application.deployment.names import logical_ids
from blackcat.application.tied import tied
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.errors import BlackcatError
from blackcat.infra.emulator import REGION, emulator_python
from blackcat.infra.free_ports import HOST, any_free_port
from blackcat.infra.settings.configuration import Settings

# Whichever project comes first creates the topics that both name.
STACKS = {
    "payment": (PAYMENT, {}),
    "payment-processor": (
        PROCESSOR,
        {"CreatePaymentStartedTopic": "false", "CreatePaymentProcessedTopic": "false"},
    ),
}
RESOURCES, SERVICES = "resources", "services"

# The emulator asks for the name of the call where IAM knows the single action only.
BATCHES = {
    "sqs:DeleteMessage": "sqs:DeleteMessageBatch",
    "sqs:ChangeMessageVisibility": "sqs:ChangeMessageVisibilityBatch",
    "sqs:SendMessage": "sqs:SendMessageBatch",
    "sns:Publish": "sns:PublishBatch",
}

Statements = list[dict[str, Any]]


def main() -> int:
    parser = argparse.ArgumentParser(description="The payment demo on what CloudFormation made.")
    parser.add_argument("--without", metavar="SERVICE:ACTION", help="an action to take out of a role first")
    without = parser.parse_args().without
    logs = Path(tempfile.mkdtemp(prefix="blackcat-deployed-"))
    try:
        with emulator(logs) as variables:
            run(variables, logs, without)
    except (DemoFailed, BlackcatError, OSError) as error:
        say(f"\nFAILED: {error}\nlogs: {logs}")
        return 1
    shutil.rmtree(logs, ignore_errors=True)
    return 0


def run(variables: Mapping[str, str], logs: Path, without: str | None) -> None:
    demo.use_only({**demo.SETTINGS, **variables, "LOG_LEVEL": "DEBUG"})
    registries = [registry_of(project) for project, _ in STACKS.values()]
    services = [service for registry in registries for service in registry]
    roles: dict[str, str] = {}
    for name, (project, parameters) in STACKS.items():
        roles |= deploy(name, project, parameters)
    for service in services:
        adapt(roles[service.name], without if (without or "").startswith(f"{service.name}:") else None)
    access = {service.name: credentials(roles[service.name]) for service in services}
    say(f"{len(roles)} roles, each taken by the one service that it is for")
    demo.demonstrate(Queues(registries, Settings()), logs, access)
    report(services, roles, logs)


def deploy(name: str, project: Path, parameters: Mapping[str, str]) -> dict[str, str]:
    """Create the project's stacks; the name of each service's role."""
    given = {**told(project, RESOURCES), **parameters}
    os.environ["RESOURCE_PREFIX"] = given["ResourcePrefix"]
    create(f"{name}-resources", template(project, RESOURCES), given)
    roles = task_roles(template(project, SERVICES))
    of_roles = {key: value for key, value in told(project, SERVICES).items() if f"\n  {key}:\n" in roles}
    return roles_of(registry_of(project), create(f"{name}-roles", roles, of_roles))


def template(project: Path, name: str) -> str:
    return (project / f"deploy/ecs/{name}.yaml").read_text()


def told(project: Path, name: str) -> dict[str, str]:
    parameters: dict[str, str] = json.loads((project / f"deploy/ecs/dev-{name}.json").read_text())[
        "Parameters"
    ]
    return parameters


def task_roles(services: str) -> str:
    """The task roles of a template with all that they name, as a template of their own."""
    sections = dict(re.findall(r"^(\w+):\n((?:  .*\n)+)", services, re.MULTILINE))
    entries = {
        name: re.findall(r"^(  (\w+):.*\n(?:    .*\n)*)", text, re.MULTILINE)
        for name, text in sections.items()
    }
    roles = "".join(text for text, name in entries["Resources"] if name.endswith("TaskRole"))
    conditions = "".join(text for text, name in entries["Conditions"] if re.search(rf"\b{name}\b", roles))
    named = "".join(
        text for text, name in entries["Parameters"] if re.search(rf"\b{name}\b", roles + conditions)
    )
    return f"Parameters:\n{named}Conditions:\n{conditions}Resources:\n{roles}"


def create(name: str, body: str, given: Mapping[str, str]) -> list[dict[str, str]]:
    """Create a stack; what it made."""
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=body,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    eventually(f"stack {name}", lambda: not status(cloudformation, name).endswith("_IN_PROGRESS"))
    if (ended := status(cloudformation, name)) != "CREATE_COMPLETE":
        raise DemoFailed(f"stack {name}: {ended}: {failures(cloudformation, name)}")
    made: list[dict[str, str]] = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    say(f"stack {name}: {ended}, {len(made)} resources")
    return made


def roles_of(registry: ServiceRegistry, made: Sequence[Mapping[str, str]]) -> dict[str, str]:
    ids = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in made}
    logical = logical_ids(service.name for service in registry)
    return {service: ids[f"{id_}TaskRole"] for service, id_ in logical.items()}


def status(cloudformation: Any, name: str) -> str:
    told: str = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    return told


def failures(cloudformation: Any, name: str) -> list[str]:
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
        for event in events
        if event["ResourceStatus"].endswith("FAILED")
    ]


def adapt(role: str, without: str | None) -> None:
    """Take an action out of a role's policy if asked to, and add what only the emulator asks for."""
    statements = policy(role)
    if without:
        action = without.partition(":")[2]
        if not any(action in statement["Action"] for statement in statements):
            raise DemoFailed(f"{role} does not grant {action}: there is nothing to take out")
        for statement in statements:
            statement["Action"] = [one for one in statement["Action"] if one != action]
        say(f"without {action}: {role}")
    for statement in statements:
        statement["Action"] += [BATCHES[action] for action in statement["Action"] if action in BATCHES]
    document = {"Version": "2012-10-17", "Statement": [one for one in statements if one["Action"]]}
    boto3.client("iam").put_role_policy(RoleName=role, PolicyName="uses", PolicyDocument=json.dumps(document))


def policy(role: str) -> Statements:
    found = boto3.client("iam").get_role_policy(RoleName=role, PolicyName="uses")
    statements: Statements = found["PolicyDocument"]["Statement"]
    return statements


def credentials(role: str) -> dict[str, str]:
    """What a process of the service gets to call AWS with, from this program in the place of ECS."""
    iam = boto3.client("iam")
    arn = iam.get_role(RoleName=role)["Role"]["Arn"]
    account = {"AWS": arn.partition(":role/")[0] + ":root"}
    trust = {"Effect": "Allow", "Principal": account, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=document)
    given = boto3.client("sts").assume_role(RoleArn=arn, RoleSessionName="deployed")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
    }


def report(services: Sequence[Service], roles: Mapping[str, str], logs: Path) -> None:
    """Which calls the services made; all of them were allowed."""
    say("\nwhat each service called, as its log tells")
    for service in services:
        lines = (logs / f"{service.name}.log").read_text().splitlines()
        told = [json.loads(line) for line in lines if '"aws.called"' in line]
        calls = {f"{line['aws_service']}:{line['aws_operation']}" for line in told}
        say(f"{service.name:<25}{', '.join(sorted(calls))}")


@contextlib.contextmanager
def emulator(logs: Path) -> Iterator[dict[str, str]]:
    """An emulator with TLS that checks what each caller may do; the variables that lead to it."""
    port = any_free_port()
    url = f"https://{HOST}:{port}"
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    options = {"GATEWAY_PORT": str(port), "BIND_HOST": HOST, "MINISTACK_REGION": REGION, "TMPDIR": str(logs)}
    with (logs / "emulator.log").open("w") as output:
        process = subprocess.Popen(
            tied([str(emulator_python()), "-m", "ministack"]),
            env={**kept, **options, "AUTH": "true", "USE_SSL": "1", "IOT_MTLS_ENABLED": "0"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        certificate = logs / "ministack-tls" / "server.crt"
        eventually("the emulator answers", lambda: answers(process, url, certificate))
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CA_BUNDLE": str(certificate),
            # The emulator takes this name for the account's root; the services never see it.
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "secret-of-the-emulator",
        }
    finally:
        process.kill()  # it keeps nothing, and would wait for connections that are kept alive
        process.wait()


def answers(process: subprocess.Popen[bytes], url: str, certificate: Path) -> bool:
    if process.poll() is not None:
        raise DemoFailed(f"the emulator ended with {process.returncode}")
    try:
        context = ssl.create_default_context(cafile=str(certificate))
        with urlopen(f"{url}/_ministack/health", context=context, timeout=5):
            return True
    except HTTPError:
        return True
    except OSError:
        time.sleep(0.05)
        return False


if __name__ == "__main__":
    sys.exit(main())
