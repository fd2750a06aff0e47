"""The templates for CloudFormation, as its linter reads them."""

import json
import re
from pathlib import Path

import pytest
from cfnlint.api import lint
from cfnlint.decode.cfn_yaml import loads

from unit.deployment.projects import REGISTRIES, everything, write

ROOT = Path(__file__).parents[3]
TEMPLATES = {"kubernetes": "deploy/kubernetes/aws.yaml", "lambda": "deploy/lambda/template.yaml"}


def assert_clean(text):
    assert [f"{match.linenumber}: {match.rule.id} {match.message}" for match in lint(text)] == []


@pytest.mark.parametrize(
    ("target", "name"),
    [*(("lambda", name) for name in REGISTRIES), ("kubernetes", "everything"), ("kubernetes", "one API")],
)
def test_the_linter_of_cloudformation_finds_nothing(project, target, name):
    root = write(project, REGISTRIES[name](), [target])
    assert_clean((root / TEMPLATES[target]).read_text())


@pytest.mark.parametrize("target", TEMPLATES)
def test_parameters_of_every_environment_are_the_template_s(project, target):
    root = write(project, everything(), [target])
    template = loads((root / TEMPLATES[target]).read_text())
    files = sorted((root / "deploy").rglob("*.json"))
    assert len(files) == 3
    for file in files:
        given = json.loads(file.read_text())["Parameters"]
        assert given.keys() <= template["Parameters"].keys()
        wanted = {name for name, one in template["Parameters"].items() if "Default" not in one}
        assert wanted <= given.keys()


def functions(root):
    template = loads((root / TEMPLATES["lambda"]).read_text())
    resources = template["Resources"].values()
    found = [one["Properties"] for one in resources if one["Type"] == "AWS::Serverless::Function"]
    return {one["Environment"]["Variables"]["SERVICE_NAME"]: one for one in found}, template


def test_functions_hear_of_what_their_services_are_for(project):
    found, template = functions(write(project, everything(), ["lambda"]))
    assert list(found) == ["on", "a_b", "a-b", "A" * 63, "null", "by_hand-", "api_", "Api"]
    queue = found["on"]["Events"]["Queue"]["Properties"]
    assert queue["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert queue["ScalingConfig"] == {"MaximumConcurrency": 10}
    schedule = found["A" * 63]["Events"]["Schedule"]["Properties"]
    assert schedule["ScheduleExpression"] == "cron(0/15 9-17 ? * MON-FRI *)"
    assert schedule["ScheduleExpressionTimezone"] == "America/Sao_Paulo"
    assert "Events" not in found["by_hand-"]
    assert found["api_"]["FunctionUrlConfig"] == {"AuthType": "AWS_IAM"}
    assert template["Globals"]["Function"]["Handler"] == "blackcat.entrypoints.aws_lambda.handler"


def test_a_queue_hides_a_message_six_times_as_long_as_its_function_may_take(project):
    found, template = functions(write(project, everything(), ["lambda"]))
    for function in found.values():
        if "Queue" in function.get("Events", {}):
            queue = function["Events"]["Queue"]["Properties"]["Queue"]["Fn::GetAtt"][0]
            visibility = template["Resources"][queue]["Properties"]["VisibilityTimeout"]
            assert visibility >= 6 * function["Timeout"]


def test_every_function_has_a_role_of_its_own_and_names_that_fit(project):
    found, _ = functions(write(project, everything(), ["lambda"]))
    roles = [function["Role"]["Fn::GetAtt"][0] for function in found.values()]
    names = [function["FunctionName"]["Fn::Sub"] for function in found.values()]
    assert len(set(roles)) == len(set(names)) == len(found)
    assert all(re.fullmatch(r"[a-z0-9-]{1,64}", name.replace("${Environment}", "staging")) for name in names)


def test_the_code_is_where_cloudformation_package_looks_for_it(project):
    found, template = functions(write(project, everything(), ["lambda"]))
    assert {function["CodeUri"] for function in found.values()} == {"../../dist/function.zip"}
    # Of Globals it knows nothing: what is named there is taken as it is.
    assert "../" not in json.dumps(template["Globals"])


def test_apis_are_closed_until_somebody_opens_them(project):
    root = write(project, everything(), ["lambda"])
    _, template = functions(root)
    assert template["Parameters"]["ApiAccess"]["Default"] == "iam"
    assert json.loads((root / "deploy/lambda/prod.json").read_text())["Parameters"]["ApiAccess"] == "iam"
    resources = template["Resources"].values()
    routes = [one["Properties"] for one in resources if one["Type"] == "AWS::ApiGatewayV2::Route"]
    assert len(routes) == 2
    for route in routes:
        assert route["AuthorizationType"] == {
            "Fn::If": ["ApiPublic", "NONE", {"Fn::If": ["ApiJwt", "JWT", "AWS_IAM"]}]
        }
    assert all("Http" not in str(one.get("Properties", {}).get("Events", {})) for one in resources)
    stages = [one["Properties"] for one in resources if one["Type"] == "AWS::ApiGatewayV2::Stage"]
    assert all("AccessLogSettings" in stage for stage in stages)


@pytest.mark.parametrize("target", TEMPLATES)
def test_a_settings_secret_under_a_key_of_one_s_own_can_be_read(project, target):
    template = loads((write(project, everything(), [target]) / TEMPLATES[target]).read_text())
    roles = [one for one in template["Resources"].values() if one["Type"] == "AWS::IAM::Role"]
    assert len(roles) == 8
    for role in roles:
        [(condition, decrypt)] = under_conditions(role, "DecryptSettings")
        assert condition == "SettingsEncrypted"
        assert decrypt["Resource"] == [{"Fn::Sub": "${SettingsKeyArn}"}]
        assert decrypt["Condition"]["StringEquals"]["kms:ViaService"] == [
            {"Fn::Sub": "secretsmanager.${AWS::Region}.${AWS::URLSuffix}"}
        ]


def under_conditions(part, sid, condition=None):
    """The statements of that name, each with the condition that it stands under."""
    if isinstance(part, dict):
        if part.get("Sid") == sid:
            yield condition, part
        condition = part["Fn::If"][0] if "Fn::If" in part else condition
        part = [*part.values()]
    if isinstance(part, list):
        for one in part:
            yield from under_conditions(one, sid, condition)
