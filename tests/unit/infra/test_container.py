"""What a process learns of the pod, the task or the machine that it runs on, without asking anyone."""

import pytest

from blackcat.infra.container import (
    Platform,
    credentials_source,
    missing_role,
    scratch_folder,
    swallowing_shell,
)
from blackcat.infra.platform.kubernetes import pod
from blackcat.infra.settings.configuration import Settings

IN_A_CLUSTER = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "HOSTNAME": "orders-5f1d-x2x4"}
ECS, KUBERNETES = Platform(name="ecs"), Platform(name="kubernetes")


def test_outside_of_a_cluster_there_is_no_pod(tmp_path):
    assert pod({"HOSTNAME": "laptop", "POD_NAME": "left-over"}, tmp_path) is None


def test_the_downward_api_says_what_a_pod_is(tmp_path):
    told = {"POD_NAME": "orders-1", "POD_NAMESPACE": "shop", "NODE_NAME": "ip-10-0-0-7"}
    found = pod({**IN_A_CLUSTER, **told}, tmp_path)
    assert (found.name, found.identity) == ("kubernetes", {"pod": "orders-1"})
    assert found.details == {"namespace": "shop", "node": "ip-10-0-0-7"}


def test_a_pod_without_it_has_its_host_name_and_its_service_account(tmp_path):
    folder = tmp_path / "var/run/secrets/kubernetes.io/serviceaccount"
    folder.mkdir(parents=True)
    (folder / "namespace").write_text("shop\n")
    found = pod(IN_A_CLUSTER, tmp_path)
    assert found.identity == {"pod": "orders-5f1d-x2x4"}
    assert found.details == {"namespace": "shop"}


def test_a_pod_without_a_service_account_has_no_namespace(tmp_path):
    found = pod({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, tmp_path)
    assert found.identity["pod"]
    assert found.details == {}


@pytest.mark.parametrize(
    ("variables", "source"),
    [
        ({}, ""),
        ({"AWS_ACCESS_KEY_ID": ""}, ""),
        ({"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/x"}, "task role"),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/x"}, "container endpoint"),
        (
            {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "x"},
            "web identity",
        ),
        ({"AWS_ACCESS_KEY_ID": "A", "AWS_WEB_IDENTITY_TOKEN_FILE": "/token"}, "environment"),
        ({"AWS_PROFILE": "shop"}, "profile"),
    ],
)
def test_where_credentials_come_from(variables, source):
    assert credentials_source(variables) == source


@pytest.mark.parametrize(
    ("platform", "variables", "told"),
    [
        (ECS, {}, "taskRoleArn"),
        (KUBERNETES, {}, "IRSA"),
        (Platform(), {}, None),
        (ECS, {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"}, None),
        (KUBERNETES, {"AWS_WEB_IDENTITY_TOKEN_FILE": "/x"}, None),
    ],
)
def test_a_container_without_a_role_is_told_what_to_do(platform, variables, told):
    reason = missing_role(platform, variables)
    assert reason is None if told is None else told in reason


@pytest.mark.parametrize(
    ("parent", "name", "found"),
    [(1, "sh", "sh"), (1, "bash", "bash"), (1, "tini", None), (1, "systemd", None), (7, "sh", None)],
)
def test_a_shell_as_process_1_is_recognised(tmp_path, parent, name, found):
    (tmp_path / "proc/1").mkdir(parents=True)
    (tmp_path / "proc/1/comm").write_text(f"{name}\n")
    assert swallowing_shell(parent, tmp_path) == found


def test_without_proc_no_shell_is_suspected(tmp_path):
    assert swallowing_shell(1, tmp_path) is None


def test_scratch_files_go_to_memory_where_there_is_such_a_folder(tmp_path):
    assert scratch_folder(str(tmp_path)) == str(tmp_path)
    assert scratch_folder(str(tmp_path / "missing")) != str(tmp_path / "missing")


def test_the_platforms_own_variables_are_not_taken_for_misspelled_settings(monkeypatch):
    for name in ("ECS_AGENT_URI", "ECS_CONTAINER_METADATA_URI_V4", "POD_NAME", "POD_NAMESPACE", "NODE_NAME"):
        monkeypatch.setenv(name, "x")
    assert not Settings().ecs_task_protection
