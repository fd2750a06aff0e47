"""The templates for ECS, as CloudFormation's linter and a reader see them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.decode.cfn_yaml import loads

from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.application.deployment.names import numbers
from blackcat.errors import ConfigurationError
from blackcat.infra.project.project import Project
from blackcat.resources import EventBusResource
from unit.deployment.projects import REGISTRIES, everything, write

ROOT = Path(__file__).parents[3]
TEMPLATES = ("resources", "services")


def read(root: Path, name: str) -> dict[str, Any]:
    template: dict[str, Any] = loads((root / f"deploy/ecs/{name}.yaml").read_text())
    return template


def of_type(template: dict[str, Any], type_: str) -> dict[str, dict[str, Any]]:
    return {
        name: one.get("Properties", {}) for name, one in template["Resources"].items() if one["Type"] == type_
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "pyproject.toml").write_text('[project]\nname = "2024 Shop"\n')
    return write(Project(folder), everything(), ["ecs"])


@pytest.fixture(scope="module")
def resources(root: Path) -> dict[str, Any]:
    return read(root, "resources")


@pytest.fixture(scope="module")
def services(root: Path) -> dict[str, Any]:
    return read(root, "services")


# A template takes the linter seconds: the others are those two with less in them.
IN_SHORT = ("everything", "one job")
LINTED = [
    pytest.param(name, marks=() if name in IN_SHORT else pytest.mark.long, id=name) for name in REGISTRIES
]


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("name", LINTED)
def test_the_linter_finds_nothing(project: Project, template: str, name: str) -> None:
    text = (write(project, REGISTRIES[name](), ["ecs"]) / f"deploy/ecs/{template}.yaml").read_text()
    assert [f"{one.linenumber}: {one.rule.id} {one.message}" for one in lint(text)] == []
    assert "\n\n" not in text
    assert not any(line.endswith(" ") for line in text.splitlines())


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_the_parameters_are_the_template_s(root: Path, template: str, environment: str) -> None:
    declared = read(root, template)["Parameters"]
    given = json.loads((root / f"deploy/ecs/{environment}-{template}.json").read_text())["Parameters"]
    assert given.keys() <= declared.keys()
    wanted = {name for name, one in declared.items() if "Default" not in one} - {"ImageTag"}
    assert wanted <= given.keys()
    assert given["Environment"] == environment


def test_whatever_keeps_data_outlives_its_stack(resources: dict[str, Any]) -> None:
    kept = (
        "AWS::SQS::Queue",
        "AWS::DynamoDB::Table",
        "AWS::SecretsManager::Secret",
        "AWS::Logs::LogGroup",
    )
    found = [one for one in resources["Resources"].values() if one["Type"] in kept]
    assert {one["DeletionPolicy"] for one in found} == {"RetainExceptOnCreate"}
    assert {one["UpdateReplacePolicy"] for one in found} == {"Retain"}
    for table in of_type(resources, "AWS::DynamoDB::Table").values():
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_every_queue_is_encrypted_and_takes_encrypted_connections_only(resources: dict[str, Any]) -> None:
    queues = of_type(resources, "AWS::SQS::Queue")
    policies = of_type(resources, "AWS::SQS::QueuePolicy")
    assert {policy["Queues"][0]["Ref"] for policy in policies.values()} == set(queues)
    for policy in policies.values():
        refused = policy["PolicyDocument"]["Statement"][0]
        assert refused["Effect"] == "Deny"
        assert refused["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    for queue in queues.values():
        assert "SqsManagedSseEnabled" in queue
        assert "KmsMasterKeyId" in queue


def test_services_of_aws_send_for_their_own_topics_and_rules_only(resources: dict[str, Any]) -> None:
    allowed = [
        statement
        for policy in of_type(resources, "AWS::SQS::QueuePolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    assert {one["Principal"]["Service"] for one in allowed} == {"sns.amazonaws.com", "events.amazonaws.com"}
    for statement in allowed:
        assert statement["Action"] == "sqs:SendMessage"
        assert statement["Condition"]["ArnEquals"]["aws:SourceArn"]


def test_what_subscribes_is_what_is_declared(resources: dict[str, Any]) -> None:
    found = of_type(resources, "AWS::SNS::Subscription").values()
    assert {one["RawMessageDelivery"] for one in found} == {True, False}
    (filtered,) = (one["FilterPolicy"] for one in found if "FilterPolicy" in one)
    assert filtered == {"kind": ['a "b"', {"prefix": "x:"}]}
    patterns = [one["EventPattern"] for one in of_type(resources, "AWS::Events::Rule").values()]
    assert {"source": ["aws.s3"]} in patterns


def test_each_service_has_two_roles_of_its_own(services: dict[str, Any]) -> None:
    count = len(list(everything()))
    roles = of_type(services, "AWS::IAM::Role")
    assert sum(name.endswith("TaskRole") for name in roles) == count
    assert sum(name.endswith("ExecutionRole") for name in roles) == count
    for role in roles.values():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


def test_no_stack_keeps_the_other_from_losing_a_service(
    root: Path, resources: dict[str, Any], services: dict[str, Any]
) -> None:
    assert "Outputs" not in resources
    assert "Fn::ImportValue" not in (root / "deploy/ecs/services.yaml").read_text()
    assert not of_type(resources, "AWS::IAM::Role")
    for task in of_type(services, "AWS::ECS::TaskDefinition").values():
        assert task["TaskRoleArn"]["Fn::GetAtt"][0] in services["Resources"]


def test_no_policy_is_without_a_statement(services: dict[str, Any]) -> None:
    """Whichever conditions hold: each policy that holds under one has statements that hold by themselves."""
    for role in of_type(services, "AWS::IAM::Role").values():
        for policy in map(dict, role["Policies"]):
            (held,) = {"Fn::If", "PolicyDocument"} & policy.keys()
            document = (policy if held == "PolicyDocument" else policy["Fn::If"][1])["PolicyDocument"]
            assert document["Statement"]
            assert not any("Fn::If" in statement for statement in document["Statement"])
    by_hand = services["Resources"]["NullTaskRole"]["Properties"]["Policies"]
    assert [policy["Fn::If"][0] for policy in by_hand if "Fn::If" in policy][-2:] == [
        "SettingsEncrypted",
        "SettingsInSecret",
    ]


def test_no_role_may_do_anything_on_everything_but_log_in_to_the_registry(services: dict[str, Any]) -> None:
    everywhere = {
        statement["Action"]
        for role in of_type(services, "AWS::IAM::Role").values()
        for policy in role["Policies"]
        for statement in policy.get("Fn::If", [None, policy])[1]["PolicyDocument"]["Statement"]
        if statement.get("Resource") == "*"
    }
    assert everywhere == {"ecr:GetAuthorizationToken"}


def test_every_task_is_locked_down_and_stops_in_time(services: dict[str, Any]) -> None:
    tasks = of_type(services, "AWS::ECS::TaskDefinition").values()
    for task in tasks:
        (container,) = task["ContainerDefinitions"]
        assert container["User"] == "10001"
        assert container["ReadonlyRootFilesystem"] is True
        assert task["Volumes"] == [{"Name": "tmp"}]
        (mounted,) = container["MountPoints"]
        assert mounted == {"SourceVolume": "tmp", "ContainerPath": f"/{mounted['SourceVolume']}"}
        variables = {one["Name"]: one["Value"] for one in container["Environment"] if "Name" in one}
        assert container["StopTimeout"] == int(variables["SHUTDOWN_TIMEOUT_SECONDS"]) + 5
        assert ("HealthCheck" in container) == ("PortMappings" in container)
    names = [task["ContainerDefinitions"][0]["Environment"][0]["Value"] for task in tasks]
    assert names == [service.name for service in everything()]


def test_a_deployment_that_fails_is_rolled_back(services: dict[str, Any]) -> None:
    found = of_type(services, "AWS::ECS::Service").values()
    assert found
    for service in found:
        breaker = service["DeploymentConfiguration"]["DeploymentCircuitBreaker"]
        assert breaker == {"Enable": True, "Rollback": True}
        # How many run is the scaling's to say: a deployment must not reset it.
        assert "DesiredCount" not in service


def test_consumers_scale_on_the_backlog_of_a_task_and_from_none(services: dict[str, Any]) -> None:
    policies = of_type(services, "AWS::ApplicationAutoScaling::ScalingPolicy")
    tracking = [one for name, one in policies.items() if name.endswith("BacklogPolicy")]
    first = [one for name, one in policies.items() if name.endswith("FirstTaskPolicy")]
    assert len(tracking) == len(first) == 3
    names = []
    for policy in tracking:
        configuration = policy["TargetTrackingScalingPolicyConfiguration"]
        metrics = configuration["CustomizedMetricSpecification"]["Metrics"]
        assert [one["Id"] for one in metrics if one["ReturnData"]] == ["each"]
        names.append(metrics[0]["MetricStat"]["Metric"]["Dimensions"][0]["Value"])
    assert names == ["on", "a_b", "a-b"]
    alarms = of_type(services, "AWS::CloudWatch::Alarm")
    assert sum(name.endswith("FirstTaskAlarm") for name in alarms) == 3


def test_workers_run_on_their_schedules(services: dict[str, Any]) -> None:
    schedules = of_type(services, "AWS::Scheduler::Schedule").values()
    told = {(one["ScheduleExpression"], one.get("ScheduleExpressionTimezone")) for one in schedules}
    assert told == {("cron(0/15 9-17 ? * MON-FRI *)", "America/Sao_Paulo"), ("rate(7 minutes)", None)}
    for schedule in schedules:
        (override,) = json.loads(schedule["Target"]["Input"])["containerOverrides"]
        assert override["environment"] == [
            {"name": "WORKER_SCHEDULED_AT", "value": "<aws.scheduler.scheduled-time>"}
        ]


def test_several_apis_are_told_apart_by_their_hosts_and_one_may_take_the_rest(
    root: Path, services: dict[str, Any]
) -> None:
    rules = of_type(services, "AWS::ElasticLoadBalancingV2::ListenerRule").values()
    first, other = (rule["Priority"]["Fn::If"] for rule in rules)
    assert first[1] != other[1]
    assert first[2] == other[2] == 50_000
    for rule in rules:
        _, by_host, rest = rule["Conditions"][0]["Fn::If"]
        assert (by_host["Field"], rest["Field"]) == ("host-header", "path-pattern")
    assert len(of_type(services, "AWS::ElasticLoadBalancingV2::LoadBalancer")) == 1
    # A second API comes with no host, and so is refused until it has one: the first one stays reachable.
    assert "Apice1117OrApiHasAHost" in services["Rules"]
    given = json.loads((root / "deploy/ecs/prod-services.json").read_text())["Parameters"]
    assert (given["ApiHost"], given["Apice1117Host"]) == ("", "")


def test_an_api_keeps_its_place_at_the_load_balancer_when_another_one_comes() -> None:
    before, after = numbers(["b"], 49_999), numbers(["a", "b", "c"], 49_999)
    assert before["b"] == after["b"]
    assert sorted(numbers("abcde", 5).values()) == [1, 2, 3, 4, 5]


def test_a_rule_keeps_its_id_when_another_one_comes(project: Project) -> None:
    def ids(*names: str) -> set[str]:
        declared = [bus.rule(pattern={"source": [name]}, name=name) for name in names]
        consumer = Service(
            name="c", type=ServiceType.CONSUMER, entrypoint="a:b", queue_name="q", subscribes=declared
        )
        root = write(project, ServiceRegistry([consumer]), ["ecs"])
        return set(of_type(read(root, "resources"), "AWS::Events::Rule"))

    bus = EventBusResource("shop.events")
    assert ids("paid") == {"QQueueFromShopEventsPaidRule"}
    assert ids("placed", "paid") > ids("paid")


def test_the_load_balancer_asks_what_the_page_on_health_says(services: dict[str, Any]) -> None:
    page = (ROOT / "docs/en/health.md").read_text()
    (row,) = (line for line in page.splitlines() if line.startswith("| ALB target group of an ECS service |"))
    path = row.split("|")[2].strip(" `")
    groups = of_type(services, "AWS::ElasticLoadBalancingV2::TargetGroup").values()
    assert {group["HealthCheckPath"] for group in groups} == {path}


def test_the_first_task_is_started_only_where_none_runs(services: dict[str, Any]) -> None:
    for name, alarm in of_type(services, "AWS::CloudWatch::Alarm").items():
        if name.endswith("FirstTaskAlarm"):
            told = {one["Id"]: one for one in alarm["Metrics"]}
            assert told["running"]["MetricStat"]["Metric"]["MetricName"] == "RunningTaskCount"
            assert told["stalled"]["Expression"] == "IF(waiting > 0 AND FILL(running, 0) == 0, 1, 0)"
    assert {"Name": "containerInsights", "Value": "enabled"} in of_type(services, "AWS::ECS::Cluster")[
        "Cluster"
    ]["ClusterSettings"]


def test_task_protection_is_one_switch_for_variable_and_permission(services: dict[str, Any]) -> None:
    role = services["Resources"]["OnTaskRole"]["Properties"]
    (allowed,) = (
        one["Fn::If"][1] for one in role["Policies"] if one.get("Fn::If", [""])[0] == "TaskProtected"
    )
    (statement,) = allowed["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["ecs:UpdateTaskProtection"]
    assert statement["Resource"][0]["Fn::Sub"].endswith(":task/${Cluster}/*")
    (container,) = services["Resources"]["OnTaskDefinition"]["Properties"]["ContainerDefinitions"]
    assert {"Name": "ECS_TASK_PROTECTION", "Value": {"Ref": "TaskProtection"}} in container["Environment"]


def test_a_stop_that_ecs_does_not_wait_for_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    project = Project(tmp_path, options={"deploy": {"shutdown_timeout_seconds": 116}})
    with pytest.raises(ConfigurationError, match="115 at most"):
        write(project, everything(), ["ecs"])
    write(project, everything(), ["compose"])


def test_names_that_are_too_long_with_a_prefix_are_refused(project: Project) -> None:
    queue = Service(name="long", type=ServiceType.CONSUMER, entrypoint="a:b", queue_name="q" * 69)
    with pytest.raises(ConfigurationError, match="81 characters, and AWS takes 80"):
        write(project, ServiceRegistry([queue]), ["ecs"])
    rule = EventBusResource("bus").rule(pattern={"source": ["shop"]})
    named = Service(
        name="long", type=ServiceType.CONSUMER, entrypoint="a:b", queue_name="q" * 57, subscribes=[rule]
    )
    with pytest.raises(ConfigurationError, match="rule 'staging_q+' has 65 characters, and AWS takes 64"):
        write(project, ServiceRegistry([named]), ["ecs"])
