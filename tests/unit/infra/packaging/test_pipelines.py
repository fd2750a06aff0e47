"""The pipelines of a generated project: what their makers' schemas say, and what must stand in them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from blackcat.infra.project.scaffolding import render

TEMPLATES = Path(__file__).parents[4] / "src/blackcat/templates"
GITHUB, GITLAB = ".github/workflows/deploy.yml", ".gitlab-ci.yml"


def rendered(name: str) -> str:
    return render(f"lambda_project/{name}.jinja", {}, overrides=None)


@pytest.mark.parametrize(
    ("name", "schema"), [(GITHUB, "vendor.github-workflows"), (GITLAB, "vendor.gitlab-ci")]
)
def test_the_schema_of_its_maker_takes_it(name: str, schema: str, tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yml"
    path.write_text(rendered(name))
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", [GITHUB, GITLAB])
def test_it_tests_builds_deploys_and_commits_a_record(name: str) -> None:
    text = rendered(name)
    steps = [
        "make check test",
        "blackcat package",
        "blackcat deploy-lambda --alias",
        "git commit",
        "git push",
    ]
    places = [text.index(step) for step in steps]
    assert places == sorted(places)
    assert text.startswith("# A push")
    assert "{%" not in text


@pytest.mark.parametrize("name", [GITHUB, GITLAB])
def test_it_has_no_long_lived_keys_and_one_deploy_at_a_time(name: str) -> None:
    text = rendered(name)
    assert "ACCESS_KEY" not in text
    assert ("id-token: write" in text) or ("id_tokens:" in text)
    assert ("concurrency:" in text) or ("resource_group:" in text)


@pytest.mark.parametrize("name", [GITHUB, GITLAB])
def test_the_record_triggers_nothing_and_what_it_is_merged_with_is_still_deployed(name: str) -> None:
    """A message that skips would skip more: a squash has the messages of all, a fast-forward the last one."""
    assert "[skip ci]" not in rendered(name)
    assert ("-o ci.skip" in rendered(name)) or ('paths-ignore: ["deployments/**"]' in rendered(name))


def test_a_rollback_waits_for_no_test() -> None:
    jobs = YAML(typ="safe").load(rendered(GITHUB))["jobs"]
    assert jobs["test"]["if"] == "${{ !inputs.rollback }}"
    assert "!cancelled() && (needs.test.result == 'success' || inputs.rollback)" in jobs["deploy"]["if"]
    gitlab = YAML(typ="safe").load(rendered(GITLAB))
    for job in ("test", "build"):
        assert '$ROLLBACK != "--rollback"' in gitlab[job]["rules"][0]["if"]
    assert "ROLLBACK" not in gitlab["deploy"]["rules"][0]["if"]


@pytest.mark.parametrize("name", [GITHUB, GITLAB])
def test_the_record_is_committed_though_somebody_pushed_another_meanwhile(name: str, tmp_path: Path) -> None:
    """The commands of the pipeline, in a clone; only where they push to is this machine's."""
    git = ["git", "-c", "user.name=dev", "-c", "user.email=dev@example.org"]

    def run(*command: str, cwd: Path) -> str:
        return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout

    origin, theirs, ours = tmp_path / "origin", tmp_path / "theirs", tmp_path / "ours"
    run("git", "init", "-q", "--bare", "-b", "hom", str(origin), cwd=tmp_path)
    run("git", "-C", str(origin), "config", "receive.advertisePushOptions", "true", cwd=tmp_path)
    run("git", "clone", "-q", str(origin), str(theirs), cwd=tmp_path)
    run(*git, "checkout", "-q", "-b", "hom", cwd=theirs)
    run(*git, "commit", "-q", "--allow-empty", "-m", "one", cwd=theirs)
    run(*git, "push", "-q", "origin", "hom", cwd=theirs)
    run("git", "clone", "-q", "-b", "hom", str(origin), str(ours), cwd=tmp_path)
    (theirs / "deployments").mkdir()
    (theirs / "deployments" / "hom.json").write_text("theirs")
    run(*git, "add", "deployments", cwd=theirs)
    run(*git, "commit", "-q", "-m", "meanwhile", cwd=theirs)
    run(*git, "push", "-q", "origin", "hom", cwd=theirs)

    (ours / "deployments").mkdir()
    (ours / "deployments" / "hom.json").write_text("ours")
    variables = {"ALIAS": "hom", "CI_COMMIT_BRANCH": "hom", "CI_SERVER_HOST": "gitlab.example.org"}
    script = "\n".join(line for line in committing(name) if "set-url" not in line)
    environment = {**os.environ, **variables}
    subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=ours, env=environment, check=True)
    pushed = run("git", "-C", str(origin), "log", "--format=%s", "hom", cwd=tmp_path).splitlines()
    assert pushed == ["Record what hom points at", "meanwhile", "one"]
    assert run("git", "-C", str(origin), "show", "hom:deployments/hom.json", cwd=tmp_path) == "ours"


def committing(name: str) -> list[str]:
    content = YAML(typ="safe").load(rendered(name))
    if name == GITLAB:
        script: list[str] = content["deploy"]["script"]
        return [line for line in script if line.startswith("git ")]
    lines: str = content["jobs"]["deploy"]["steps"][-1]["run"]
    return lines.splitlines()


def test_expressions_of_github_survive_the_template() -> None:
    assert "role-to-assume: ${{ vars.AWS_ROLE_ARN }}" in rendered(GITHUB)
    assert "cancel-in-progress: false" in rendered(GITHUB)


def test_the_templates_are_part_of_the_package() -> None:
    assert (TEMPLATES / "lambda_project" / f"{GITHUB}.jinja").is_file()
