"""Deployment files of whole projects: the examples as they stand, and one that the generators made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = [("take-order", "consumer"), ("sweep-orders", "worker"), ("order-api", "rest-api")]
CLOUDFORMATION = ("ecs/resources.yaml", "ecs/services.yaml", "lambda/template.yaml", "kubernetes/aws.yaml")


def ran(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def blackcat(folder: Path, *arguments: str) -> str:
    return ran(sys.executable, "-m", "blackcat", "-C", folder, *arguments, cwd=folder)


def tool(name: str) -> Path:
    return Path(sys.executable).with_name(name)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generated")
    blackcat(folder, "new", "my-shop", "--context", "orders")
    for name, kind in SERVICES:
        schedule = ["--schedule", "rate(5 minutes)"] if kind == "worker" else []
        blackcat(folder / "my-shop", "generate-service", name, "--type", kind, *schedule)
    with (folder / "my-shop" / "pyproject.toml").open("a") as options:
        options.write('\n[tool.blackcat.deploy]\nplace = "ecs"\n')
    blackcat(folder / "my-shop", "generate-deploy", "--target", "all")
    return folder / "my-shop"


@pytest.fixture(params=["payment", "payment_processor", "generated"])
def project(request: pytest.FixtureRequest) -> Path:
    if request.param == "generated":
        found: Path = request.getfixturevalue("shop")
        return found
    return ROOT / "examples" / request.param


@pytest.mark.long
def test_linters_find_nothing_in_a_project(project: Path) -> None:
    deploy = project / "deploy"
    templates = [deploy / name for name in CLOUDFORMATION if (deploy / name).exists()]
    assert templates
    ran(tool("cfn-lint"), *templates, cwd=project)
    if (project / "Dockerfile").exists():
        ran(tool("hadolint"), "Dockerfile", "deploy/compose/emulator.Dockerfile", cwd=project)
        ran(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "compose.yaml", cwd=project)


@pytest.mark.long
def test_a_generated_project_still_passes_its_own_checks(shop: Path) -> None:
    ran(tool("ruff"), "check", ".", cwd=shop)
    ran(tool("ruff"), "format", "--check", ".", cwd=shop)
    ran(tool("mypy"), cwd=shop)
    ran(tool("mypy"), "--strict", "deploy/docker/healthcheck.py", cwd=shop)
    blackcat(shop, "generate-deploy", "--check")
