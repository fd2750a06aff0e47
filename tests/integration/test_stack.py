"""What the template makes is what the registry declares, as the doctor sees it."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest

from blackcat.adapters_aws import AwsOptions
from blackcat.adapters_aws.inspection import AwsAccount
from blackcat.application.doctor.aws import aws_checks
from blackcat.application.doctor.examination import diagnose
from blackcat.infra.emulator import REGION, Emulator
from blackcat.infra.project.project import Project
from unit.application.iam.everything import EVERYTHING, theirs
from unit.deployment.projects import write

# What is found all the same: the emulator's CloudFormation leaves out a FIFO topic's deduplication and the
# time to live of tables, it has no other account's secrets, and one queue is declared so.
EXPECTED = {
    ("BC617", "shipped.fifo"),
    ("BC647", "orders"),
    ("BC647", "seen"),
    ("BC661", theirs.name),
    ("BC615", "orders_cmd_dlq"),
}


@pytest.fixture
def made(emulator: Emulator, unique: str, tmp_path: Path) -> str:
    """The prefix of all that the template of a registry with everything made."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    root = write(Project(tmp_path), EVERYTHING, ["ecs"])
    given = json.loads((root / "deploy/ecs/dev-resources.json").read_text())["Parameters"]
    given["ResourcePrefix"] = prefix = f"{unique}_"
    cloudformation = boto3.client("cloudformation", endpoint_url=emulator.url, region_name=REGION)
    cloudformation.create_stack(
        StackName=unique,
        TemplateBody=(root / "deploy/ecs/resources.yaml").read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName=unique, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    return prefix


def test_the_doctor_finds_what_is_declared_in_what_the_template_made(
    made: str, aws_options: AwsOptions
) -> None:
    diagnosis = diagnose(aws_checks(EVERYTHING, AwsAccount(aws_options), prefix=made))
    told = {(one.rule.code, one.subject.split("'")[1].removeprefix(made)) for one in diagnosis.findings}
    assert told == EXPECTED
    assert not diagnosis.unchecked
