"""The Kubernetes manifests: valid, locked down, and whole for each environment."""

import json
import re

import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft202012Validator

from unit.deployment.kustomize import build
from unit.deployment.projects import REGISTRIES, everything, write

VERSION = "1.34"
TEXT = {"type": "string", "minLength": 1}


def strictly(**properties):
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


# No package has KEDA's own schemas: what we use of https://keda.sh/docs/latest/reference/scaledobject-spec/
KEDA = {
    "TriggerAuthentication": strictly(
        podIdentity=strictly(provider={"const": "aws"}, identityOwner={"const": "workload"})
    ),
    "ScaledObject": strictly(
        scaleTargetRef=strictly(name=TEXT),
        pollingInterval={"type": "integer"},
        cooldownPeriod={"type": "integer"},
        minReplicaCount={"const": 0},
        maxReplicaCount={"type": "integer"},
        triggers={
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": strictly(
                type={"const": "aws-sqs-queue"},
                authenticationRef=strictly(name=TEXT),
                # Values of a trigger's metadata are texts, whatever they say.
                metadata=strictly(queueURL=TEXT, awsRegion=TEXT, queueLength=TEXT, scaleOnInFlight=TEXT),
            ),
        },
    ),
}


@pytest.fixture(params=REGISTRIES)
def root(request, project):
    return write(project, REGISTRIES[request.param](), ["kubernetes"])


def overlay(root, environment):
    return build(root / "deploy/kubernetes/overlays" / environment)


def of(objects, kind):
    return [one for one in objects if one["kind"] == kind]


def pods(objects):
    for one in objects:
        if one["kind"] == "Deployment":
            yield one["spec"]["template"]["spec"]
        elif one["kind"] == "CronJob":
            yield one["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def test_every_object_is_as_its_schema_says(root):
    for one in overlay(root, "dev"):
        if one["apiVersion"] == "keda.sh/v1alpha1":
            Draft202012Validator(KEDA[one["kind"]]).validate(one["spec"])
        else:
            kubernetes_validate.validate(one, VERSION, strict=True)


def test_every_file_below_base_is_part_of_it(root):
    base = root / "deploy/kubernetes/base"
    named = yaml.safe_load((base / "kustomization.yaml").read_text())["resources"]
    found = {str(path.relative_to(base)) for path in base.rglob("*.yaml")} - {"kustomization.yaml"}
    assert found == set(named)


def test_what_objects_name_is_there(root):
    objects = overlay(root, "prod")
    accounts = {one["metadata"]["name"] for one in of(objects, "ServiceAccount")}
    maps = {one["metadata"]["name"] for one in of(objects, "ConfigMap")}
    deployments = {one["metadata"]["name"]: one for one in of(objects, "Deployment")}
    for pod in pods(objects):
        assert pod["serviceAccountName"] in accounts
        [container] = pod["containers"]
        assert {source["configMapRef"]["name"] for source in container["envFrom"]} <= maps
    scaled = [one["spec"]["scaleTargetRef"]["name"] for one in of(objects, "ScaledObject")]
    scaled += [one["spec"]["scaleTargetRef"]["name"] for one in of(objects, "HorizontalPodAutoscaler")]
    assert sorted(scaled) == sorted(deployments)
    for one in deployments.values():
        labels = one["spec"]["template"]["metadata"]["labels"]
        assert one["spec"]["selector"]["matchLabels"].items() <= labels.items()
    for one in of(objects, "Service"):
        selected = [
            deployment
            for deployment in deployments.values()
            if one["spec"]["selector"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
        ]
        assert [deployment["metadata"]["name"] for deployment in selected] == [one["metadata"]["name"]]


def test_pods_are_locked_down_as_the_restricted_standard_wants(root):
    objects = overlay(root, "prod")
    [namespace] = of(objects, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for pod in pods(objects):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        [container] = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_a_stop_has_the_time_that_the_service_was_told(root):
    for pod in pods(overlay(root, "prod")):
        [container] = pod["containers"]
        told = {one["name"]: one.get("value") for one in container["env"]}["SHUTDOWN_TIMEOUT_SECONDS"]
        sleep = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert pod["terminationGracePeriodSeconds"] == sleep + int(told) + 5


def test_account_region_and_prefix_reach_every_name(project):
    root = write(project, everything(), ["kubernetes"])
    settings = root / "deploy/kubernetes/overlays/dev/settings.env"
    text = settings.read_text().replace("000000000000", "123456789012").replace("us-east-1", "eu-west-1")
    settings.write_text(text)
    objects = overlay(root, "dev")
    roles = [
        one["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] for one in of(objects, "ServiceAccount")
    ]
    assert all(re.fullmatch(r"arn:aws:iam::123456789012:role/app-2024-shop-.+-dev", role) for role in roles)
    triggers = [one["spec"]["triggers"][0]["metadata"] for one in of(objects, "ScaledObject")]
    assert {trigger["awsRegion"] for trigger in triggers} == {"eu-west-1"}
    assert triggers[0]["queueURL"] == "https://sqs.eu-west-1.amazonaws.com/123456789012/dev_orders.fifo"


def test_the_roles_are_those_that_the_service_accounts_take(project):
    root = write(project, everything(), ["kubernetes"])
    text = (root / "deploy/kubernetes/aws.yaml").read_text()
    made = {name.replace("${Environment}", "prod") for name in re.findall(r'RoleName: !Sub "(.+)"', text)}
    taken = {
        one["metadata"]["annotations"]["eks.amazonaws.com/role-arn"].rpartition("/")[2]
        for one in of(overlay(root, "prod"), "ServiceAccount")
    }
    assert made == taken
    assert all(len(name) <= 64 for name in made)


def test_keda_may_take_the_roles_of_consumers_and_no_other(project):
    text = (write(project, everything(), ["kubernetes"]) / "deploy/kubernetes/aws.yaml").read_text()
    documents = [json.loads(found) for found in re.findall(r'^ +(\{"Version".+\})$', text, re.MULTILINE)]
    principals = [[one["Principal"].get("AWS") for one in document["Statement"]] for document in documents]
    assert principals == [[None, "${KedaRoleArn}"]] * 3 + [[None]] * 5


def test_workers(project):
    jobs = {
        one["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"]: one[
            "spec"
        ]
        for one in of(overlay(write(project, everything(), ["kubernetes"]), "prod"), "CronJob")
    }
    office, sweep, by_hand = jobs["A" * 63], jobs["null"], jobs["by_hand-"]
    assert office["timeZone"] == "America/Sao_Paulo"
    assert (office["concurrencyPolicy"], sweep["concurrencyPolicy"]) == ("Allow", "Forbid")
    assert "activeDeadlineSeconds" not in office["jobTemplate"]["spec"]
    assert sweep["jobTemplate"]["spec"]["activeDeadlineSeconds"] > 180 + 25
    assert (by_hand["suspend"], "suspend" in office) == (True, False)
