"""Pipelines, as the schemas of GitHub and GitLab have them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from blackcat.errors import ConfigurationError
from blackcat.infra.project.deployment import files_of
from blackcat.infra.project.project import Project
from unit.deployment.projects import everything, write

CHECK = Path(sys.executable).with_name("check-jsonschema")
PLACES = (["lambda"], ["docker", "ecs"], ["docker", "kubernetes"])


@pytest.fixture(params=PLACES, ids="+".join)
def root(request, project):
    return write(project, everything(), [*request.param, "github-actions", "gitlab-ci"])


def jobs_of(root):
    for file in (root / ".github/workflows").glob("*.yaml"):
        yield from yaml.safe_load(file.read_text())["jobs"].values()


def assert_valid(schema, *options):
    done = subprocess.run(
        [CHECK, "--builtin-schema", schema, *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_workflows_of_github_are_valid(root):
    assert_valid("vendor.github-workflows", *(root / ".github/workflows").glob("*.yaml"))


def test_the_pipeline_of_gitlab_is_valid(root):
    assert_valid("vendor.gitlab-ci", "--data-transform", "gitlab-ci", root / ".gitlab-ci.yml")


def test_without_a_place_to_deploy_to_changes_are_tested_only(project):
    root = write(project, everything(), ["github-actions", "gitlab-ci"])
    assert [file.name for file in (root / ".github/workflows").iterdir()] == ["ci.yaml"]
    assert list(yaml.safe_load((root / ".gitlab-ci.yml").read_text())).count("prod") == 0


def test_a_pipeline_deploys_to_the_one_place_that_is_chosen(project):
    targets = ["docker", "ecs", "lambda", "github-actions", "gitlab-ci"]
    with pytest.raises(
        ConfigurationError, match=r"has ecs and lambda, .* a pipeline deploys to one: say which"
    ):
        files_of(project, everything(), targets)
    root = write(Project(project.root, {"deploy": {"place": "lambda"}}), everything(), targets)
    for name in (".github/workflows/deploy-to.yaml", ".gitlab-ci.yml"):
        text = (root / name).read_text()
        assert "--template-file dist/template.yaml" in text
        assert "deploy/ecs" not in text
    with pytest.raises(ConfigurationError, match="no such target: write ecs or lambda"):
        files_of(Project(project.root, {"deploy": {"place": "mars"}}), everything(), targets)


def test_every_stack_may_be_larger_than_a_request_and_cli_v1_is_refused(root):
    for name in (".github/workflows/deploy-to.yaml", ".gitlab-ci.yml"):
        text = (root / name).read_text()
        assert text.count("cloudformation deploy ") == text.count(
            '--s3-bucket "$ARTIFACT_BUCKET" --s3-prefix app-2024-shop \\\n'
        )
        assert "grep -q '^aws-cli/2'" in text
        assert "alpine/k8s" not in text


def test_one_environment_that_waits_holds_up_no_other(root):
    workflows = root / ".github/workflows"
    assert "concurrency" not in yaml.safe_load((workflows / "deploy.yaml").read_text())
    [job] = yaml.safe_load((workflows / "deploy-to.yaml").read_text())["jobs"].values()
    assert job["concurrency"] == {"group": "deploy-${{ inputs.environment }}", "cancel-in-progress": False}


def test_what_installs_packages_can_take_no_role(root):
    pipeline = yaml.safe_load((root / ".gitlab-ci.yml").read_text())
    for job in jobs_of(root):
        if any("pip install" in step.get("run", "") for step in job.get("steps", ())):
            assert "id-token" not in job.get("permissions", {})
    for job in pipeline.values():
        if isinstance(job, dict) and any("pip install" in line for line in job.get("script", ())):
            assert "extends" not in job


def deploy(root, folder, *, cli="aws-cli/2.31.0", failing="nothing"):
    """The generated steps, with programs that only tell what they are asked; ``failing`` fails."""
    [job] = yaml.safe_load((root / ".github/workflows/deploy-to.yaml").read_text())["jobs"].values()
    folder.mkdir()
    for name in ("aws", "kubectl"):
        program = folder / name
        program.write_text(
            f'#!/bin/sh\ntest "$1" = --version && echo {cli} && exit\necho "{name} $*" >&2\n'
            f'case "$*" in *"{failing}"*) exit 1 ;; *api-resources*) echo scaledobjects.keda.sh ;; esac\n'
        )
        program.chmod(0o755)
    variables = dict.fromkeys(("ARTIFACT_BUCKET", "AWS_REGION", "EKS_CLUSTER", "VERSION"), "x")
    return subprocess.run(
        ["bash", "-e", "-c", job["steps"][-1]["run"]],
        cwd=root,
        env={**variables, "PATH": f"{folder}:{os.environ['PATH']}", "ENVIRONMENT": "dev"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_deployment_that_cannot_work_is_not_begun(project, tmp_path):
    root = write(project, everything(), ["kubernetes", "github-actions"])
    for cli, told in (("aws-cli/1.42.0", "AWS CLI v2 is needed"), ("aws-cli/2.31.0", "fill in the account")):
        done = deploy(root, tmp_path / cli.replace("/", "-"), cli=cli)
        assert done.returncode == 1
        assert told in done.stdout
        assert done.stderr == ""


def test_on_kubernetes_what_is_gone_goes_before_its_role_and_what_fails_is_rolled_back(project, tmp_path):
    root = write(project, everything(), ["kubernetes", "github-actions"])
    for name in ("settings.env", "aws.json"):
        path = root / "deploy/kubernetes/overlays/dev" / name
        path.write_text(path.read_text().replace("0" * 12, "1" * 12))
    done = deploy(root, tmp_path / "works")
    assert done.returncode == 0, done.stdout + done.stderr
    asked = done.stderr.splitlines()
    [deleted] = [line for line in asked if line.startswith("kubectl delete scaledobject,")]
    assert "app.kubernetes.io/name notin (app-on, a-b, a-b-" in deleted
    [stack] = [line for line in asked if line.startswith("aws cloudformation deploy")]
    assert (
        asked.index(deleted)
        < asked.index(stack)
        < asked.index(f"kubectl apply -k {path.parent.relative_to(root)}")
    )
    assert "newTag: x\n" in (path.parent / "kustomization.yaml").read_text()
    broken = deploy(root, tmp_path / "broken", failing="rollout status deployment/app-on")
    assert broken.returncode == 1
    assert "kubectl rollout undo deployment/app-on --namespace app-2024-shop-dev" in broken.stderr
    assert broken.stdout.endswith("not ready, rolled back: deployment/app-on\n")


def test_jobs_of_github_have_no_keys_and_no_more_than_they_need(root):
    for job in jobs_of(root):
        granted = job.get("permissions", {})
        assert granted in ({}, {"contents": "read", "id-token": "write"})
        for step in job.get("steps", ()):
            if step.get("uses", "").startswith("aws-actions/configure-aws-credentials"):
                assert "role-to-assume" in step["with"]
                assert granted["id-token"] == "write"
            # What somebody else may choose, such as a branch's name, must not become a command.
            assert "${{" not in step.get("run", "")
    text = "".join(file.read_text() for file in (root / ".github/workflows").iterdir())
    assert "secrets." not in text
    assert "aws-access-key-id" not in text


def test_every_action_names_its_version(root):
    for job in jobs_of(root):
        for step in job.get("steps", ()):
            assert "uses" not in step or step["uses"].split("@")[1].startswith("v")


def test_needs_of_gitlab_s_jobs_are_jobs(root):
    pipeline = yaml.safe_load((root / ".gitlab-ci.yml").read_text())
    for job in pipeline.values():
        if isinstance(job, dict):
            assert all(needed in pipeline for needed in job.get("needs", ()))
            assert job.get("extends", ".aws") in pipeline
            assert job.get("stage", "test") in pipeline["stages"]


def test_scripts_are_no_surprise_to_a_shell(root):
    scripts = [step["run"] for job in jobs_of(root) for step in job.get("steps", ()) if "run" in step]
    pipeline = yaml.safe_load((root / ".gitlab-ci.yml").read_text())
    for job in pipeline.values():
        if isinstance(job, dict):
            scripts += [*job.get("before_script", ()), *job.get("script", ())]
    for script in scripts:
        done = subprocess.run(["bash", "-n", "-c", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{script}\n{done.stderr}"


def test_what_the_project_has_is_what_is_run(project):
    root = write(project, everything(), ["github-actions"])
    text = (root / ".github/workflows/ci.yaml").read_text()
    assert "make test check" in text
    assert "'.[dev]'" in text
    (project.root / "Makefile").unlink()
    (project.root / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    text = (write(project, everything(), ["github-actions"]) / ".github/workflows/ci.yaml").read_text()
    assert "run: python -m pytest" in text
    assert "pip install -e '.'" in text
