"""What a release consists of: the files that users install, and the workflow that builds them."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from installation import ROOT, built_wheel

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PACKAGE = ROOT / "src" / "blackcat"
SHIPPED = {
    file.relative_to(PACKAGE.parent).as_posix()
    for file in PACKAGE.rglob("*")
    if file.is_file() and "__pycache__" not in file.parts
}


def version() -> str:
    found = re.search(r'^version = "([^"]+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    with zipfile.ZipFile(built_wheel(tmp_path_factory.mktemp("wheel"))) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("sdist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(folder / f"blackcat-{version()}.tar.gz") as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def test_the_wheel_has_the_package_with_its_templates_and_types_and_nothing_else(wheel: set[str]) -> None:
    metadata = {name for name in wheel if name.startswith(f"blackcat-{version()}.dist-info/")}
    assert wheel - metadata == SHIPPED
    assert {"blackcat/py.typed", "blackcat/templates/project/main.py.jinja"} <= wheel
    assert {f"blackcat-{version()}.dist-info/{name}" for name in ("METADATA", "licenses/LICENSE")} <= metadata


def test_the_sdist_builds_tests_and_documents_itself(sdist: set[str]) -> None:
    assert {f"src/{name}" for name in SHIPPED} <= sdist
    assert {"pyproject.toml", "LICENSE", "README.md", "CHANGELOG.md", "tests/conftest.py"} <= sdist
    assert [name for name in sdist if re.search(r"(^|/)(\.env|\.venv|site|dist)(/|$)", name)] == []


def test_the_version_stands_in_one_place() -> None:
    code = [file for file in PACKAGE.rglob("*.py") if version() in file.read_text(encoding="utf-8")]
    assert code == []


def test_the_installation_page_names_every_extra() -> None:
    section = (
        (ROOT / "pyproject.toml").read_text().split("[project.optional-dependencies]\n")[1].split("\n[")[0]
    )
    extras = re.findall(r"^(\w+) = \[", section, re.MULTILINE)
    page = (ROOT / "docs" / "en" / "installation.md").read_text(encoding="utf-8")
    assert extras
    assert [extra for extra in extras if f"`{extra}`" not in page] == []


def release_version() -> ModuleType:
    path = ROOT / ".ci" / "release_version.py"
    spec = importlib.util.spec_from_file_location("release_version", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("tag", "changelog", "told"),
    [
        ("v1.2.3", "## [1.2.3] - 2030-01-01\n\nAdded\n", ""),
        ("v1.2.4", "## [1.2.3] - 2030-01-01\n", "tag v1.2.3"),
        ("v1.2.3", "## [Unreleased]\n", "no section 1.2.3"),
        ("v1.2.3", "## [1.2.3]\n\nNot released yet.\n\n## [1.2.2]\n", "not released yet"),
    ],
)
def test_a_tag_is_released_only_with_its_version_and_its_section(tag: str, changelog: str, told: str) -> None:
    problems = release_version().problems(tag, 'name = "x"\nversion = "1.2.3"\n', changelog)
    assert told in "\n".join(problems)
    assert bool(problems) == bool(told)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_one_that_github_takes(workflow: Path) -> None:
    schema = ("--builtin-schema", "vendor.github-workflows")
    command = [sys.executable, "-m", "check_jsonschema", *schema, str(workflow)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def jobs(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text())["jobs"]
    return found


def test_only_the_last_step_of_a_release_may_publish_and_without_a_password() -> None:
    build, publish = jobs("release.yml")["build"], jobs("release.yml")["publish"]
    assert publish["permissions"] == {"id-token": "write"}
    assert publish["needs"] == "build"
    assert build["permissions"] == {"contents": "read", "id-token": "write", "attestations": "write"}
    assert "secrets." not in (ROOT / ".github" / "workflows" / "release.yml").read_text()


def test_the_workflows_run_what_runs_here() -> None:
    commands = [step.get("run", "") for job in jobs("ci.yml").values() for step in job["steps"]]
    assert ".ci/run" in commands
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    made = re.findall(r"run: make ([a-z-]+)", "".join(workflow.read_text() for workflow in WORKFLOWS))
    assert set(made) <= targets


def test_make_audit_asks_about_what_is_pinned() -> None:
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", "audit"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"pip_audit --strict .*-r requirements/runtime\.txt -r requirements/dev\.txt", done.stdout
    )
