"""Rollouts to Lambda on the emulator, which runs the code: by the command line, and with failing calls."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from blackcat.adapters_aws import AwsOptions
from blackcat.adapters_aws.functions import LambdaAliases, LambdaFunctions, LambdaLayers
from blackcat.application.clock import SystemClock
from blackcat.application.packaging.artifact import EKANS, FUNCTION, MEW, Entry
from blackcat.application.packaging.declaration import Smoke
from blackcat.application.packaging.manifest import FILE, Manifest
from blackcat.application.packaging.target import Target
from blackcat.application.rollout.release import Release
from blackcat.application.rollout.rollout import Rollout
from blackcat.errors import Overtaken, Unreachable
from blackcat.infra.emulator import Emulator
from blackcat.infra.packaging.pyproject import declared_function
from blackcat.infra.packaging.release import built_release
from blackcat.infra.packaging.zips import write_zip
from disturbed import Disturbed

PYPROJECT = """
[project]
name = "{name}"

[tool.blackcat.lambda]
handler = "src.main.main"
role = "arn:aws:iam::000000000000:role/lambda"
memory = 256
environment = {{ COLOUR = "common" }}

[tool.blackcat.lambda.prod]
environment = {{ COLOUR = "prod" }}
"""
# What it answers comes from a layer, so that a version without its layers fails.
MAIN = """
import greeting
from shared import STATUS

def main(event, context):
    assert event["rawPath"] == "/health", event
    return {{"statusCode": {status}, "body": greeting.TEXT}}
"""


@dataclass
class Project:
    """A project whose artifacts are written by hand: no package index is asked."""

    root: Path
    name: str
    environment: dict[str, str]

    def build(self, *, status: int = 200, greeting: str = "hello") -> None:
        output = self.root / "dist"
        output.mkdir(parents=True, exist_ok=True)
        (self.root / "pyproject.toml").write_text(PYPROJECT.format(name=self.name))
        files = {
            FUNCTION: {"src/__init__.py": "", "src/main.py": MAIN.format(status=status)},
            MEW: {"python/shared.py": "STATUS = 200\n"},
            EKANS: {"python/greeting.py": f"TEXT = {greeting!r}\n"},
        }
        artifacts = tuple(
            write_zip(name, output / f"{name}.zip", [_entry(*file) for file in content.items()])
            for name, content in files.items()
        )
        (output / FILE).write_text(Manifest(Target("3.12", "x86_64"), artifacts).dumped())

    def deploy(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "blackcat", "-C", str(self.root), "deploy-lambda", *arguments]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False, timeout=100
        )

    def record(self, alias: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.root / "deployments" / f"{alias}.json").read_text())
        return found


def _entry(path: str, text: str) -> Entry:
    content = text.encode()
    return Entry(PurePosixPath(path), len(content), lambda: content)


@pytest.fixture
def project(tmp_path: Path, emulator: Emulator, environment: dict[str, str], unique: str) -> Project:
    named = {"RESOURCE_PREFIX", "SHOP_API_KEY"}
    kept = {name: value for name, value in environment.items() if name not in named}
    made = Project(tmp_path / "project", unique, kept)
    made.build()
    return made


def test_a_project_is_deployed_updated_and_rolled_back(project: Project, aws_options: AwsOptions) -> None:
    functions, aliases = LambdaFunctions(aws_options), LambdaAliases(aws_options)

    planned = project.deploy("--alias", "hom", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert planned.stdout.splitlines()[-1] == "create alias hom on version (new)"
    assert not (project.root / "deployments").exists()

    first = project.deploy("--alias", "hom")
    assert first.returncode == 0, first.stderr
    assert first.stdout == f"hom of {project.name} is at version 1; recorded in deployments/hom.json\n"
    version = functions.version(project.name, "1")
    assert version.configuration.environment == {"COLOUR": "common"}
    assert (version.configuration.memory, len(version.configuration.layers)) == (256, 2)
    told = json.loads(functions.invoke(project.name, "hom", b'{"rawPath": "/health"}').payload)
    assert told == {"statusCode": 200, "body": "hello"}

    project.build(status=503)
    failing = project.deploy("--alias", "hom")
    assert failing.returncode == 1
    assert "status 503, and 200 was expected; no alias was moved" in failing.stderr
    assert aliases.find(project.name, "hom").version == "1"
    assert project.record("hom")["version"] == "1"

    project.build(greeting="good morning")
    second = project.deploy("--alias", "prod")
    assert second.returncode == 0, second.stderr
    assert aliases.find(project.name, "hom").version == "1"
    number = aliases.find(project.name, "prod").version
    assert functions.version(project.name, number).configuration.environment == {"COLOUR": "prod"}

    again = project.deploy("--alias", "hom")
    assert again.returncode == 0, again.stderr
    assert project.record("hom")["previous"] == "1"
    assert "publish layer" not in again.stderr
    back = project.deploy("--alias", "hom", "--rollback")
    assert back.returncode == 0, back.stderr
    record = project.record("hom")
    assert (record["version"], record["by"]) == ("1", "rollback")
    assert record["code_sha256"] == functions.version(project.name, "1").code_sha256
    assert aliases.find(project.name, "hom").version == "1"


def test_each_call_may_fail_the_alias_is_right_and_a_repeated_run_goes_on(
    project: Project, aws_options: AwsOptions
) -> None:
    """Each kind of call fails once before it was made, and once after: then its answer is lost."""
    good = _release(project)
    _rollout(aws_options).run(good, "hom")
    project.build(greeting="good evening", status=201)
    release = _release(project, status=201)
    failed: set[tuple[str, str]] = set()

    def fail(when: str, call: str) -> None:
        if (when, call) not in failed:
            failed.add((when, call))
            raise Unreachable(f"{call} got no answer")

    functions, aliases = LambdaFunctions(aws_options), LambdaAliases(aws_options)
    runs = 0
    while runs < 40:
        runs += 1
        try:
            deployed = _rollout(aws_options, fail).run(release, "hom")
            break
        except (Unreachable, Overtaken):
            alias = aliases.find(project.name, "hom")
            passed = ("before", "move") in failed
            assert alias.version == "1" or passed, failed
    assert deployed.version.code_sha256 == release.code_sha256
    assert runs > 10
    assert {call for _, call in failed} >= {"publish", "update_code", "configure", "invoke", "move"}
    codes = [version.code_sha256 for version in functions.published(project.name)]
    assert codes.count(release.code_sha256) == 1
    assert aliases.find(project.name, "hom").version == deployed.alias.version


def test_another_rollout_at_the_same_time_ends_this_one(project: Project, aws_options: AwsOptions) -> None:
    _rollout(aws_options).run(_release(project), "hom")
    project.build(greeting="theirs")
    theirs = _release(project)
    once: list[str] = []

    def overtake(when: str, call: str) -> None:
        if (when, call) == ("before", "configure") and not once:
            once.append(call)
            _rollout(aws_options).run(theirs, "hom")

    mine = Project(project.root.with_name("mine"), project.name, project.environment)
    mine.build(greeting="mine", status=201)
    with pytest.raises(Overtaken, match="no alias was moved"):
        _rollout(aws_options, overtake).run(_release(mine, status=201), "hom")
    at = LambdaAliases(aws_options).find(project.name, "hom").version
    layers = LambdaFunctions(aws_options).version(project.name, at).configuration.layers
    assert LambdaLayers(aws_options).find(theirs.layers[1].name, theirs.layers[1].sha256) in layers


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["--alias", "staging"], 2, "'staging' is not one of 'hom', 'prod'"),
        ([], 2, "Missing option '--alias'"),
        (["--alias", "hom", "--rollback", "--dry-run"], 2, "leave out --dry-run"),
        (["--alias", "hom", "--rollback"], 1, "does not exist: there is nothing to roll back to"),
        (["--alias", "hom", "--output", "elsewhere"], 78, "build with `blackcat package` first"),
        (["--alias", "hom", "--function", "no such"], 78, "is no name that Lambda takes"),
    ],
)
def test_a_wrong_command_line_is_told(project: Project, arguments: list[str], status: int, told: str) -> None:
    done = project.deploy(*arguments)
    assert (done.returncode, told in done.stderr) == (status, True), done.stderr


def test_a_function_that_does_not_exist_is_told_how_to_create(project: Project) -> None:
    pyproject = project.root / "pyproject.toml"
    pyproject.write_text(PYPROJECT.format(name=project.name).replace("role =", "#"))
    done = project.deploy("--alias", "hom")
    assert done.returncode == 1
    assert "role in [tool.blackcat.lambda]" in done.stderr


def test_a_zip_that_was_changed_is_refused(project: Project) -> None:
    with (project.root / "dist" / "mew.zip").open("ab") as file:
        file.write(b"x")
    done = project.deploy("--alias", "hom")
    assert done.returncode == 78
    assert "mew.zip is not what manifest.json tells of" in done.stderr


def _release(project: Project, *, status: int = 200) -> Release:
    declared = declared_function(project.root, "hom")
    declared = replace(declared, smoke=Smoke(status=status))
    return built_release(project.root, project.root / "dist", declared)


def _rollout(options: AwsOptions, disturb: Callable[[str, str], None] = lambda when, call: None) -> Rollout:
    return Rollout(
        functions=Disturbed(LambdaFunctions(options), disturb),
        aliases=Disturbed(LambdaAliases(options), disturb),
        layers=Disturbed(LambdaLayers(options), disturb),
        clock=SystemClock(),
        pause=lambda seconds: time.sleep(0.02),
        tell=lambda step: None,
    )
