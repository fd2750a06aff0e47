"""Guards on the repository itself: what is committed, what it lists, what it costs to import."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackcat import Settings

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "blackcat"

# Written so that this file does not hold what it looks for.
REGISTRY_HOSTS = re.compile(r"p[y]pi\.[o]rg|p[y]thonhosted|registry\.[n]pm|registry\.[y]arn|d[e]b\.debian")
PATHS_OF_A_MACHINE = re.compile(r"/[r]oot/|/[w]ork/")
PIN = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+( ; [a-z_]+ .+)?")

PAYMENT_TREE = {
    "main.py",
    "payment/application/config/start_payment_config.py",
    "payment/application/ports/driven/payment_repository_contracts.py",
    "payment/application/ports/driven/queue_adapter_contracts.py",
    "payment/application/ports/driven/topic_adapter_contracts.py",
    "payment/application/ports/driving/confirm_payment_usecase_contracts.py",
    "payment/application/ports/driving/expire_pending_payments_usecase_contracts.py",
    "payment/application/ports/driving/start_payment_usecase_contracts.py",
    "payment/application/usecases/confirm_payment_usecase.py",
    "payment/application/usecases/expire_pending_payments_usecase.py",
    "payment/application/usecases/start_payment_usecase.py",
    "payment/domain/entities/payment.py",
    "payment/domain/value_objects/payment_method.py",
    "payment/entrypoints/interfaces/api/rest_api.py",
    "payment/entrypoints/interfaces/consumers/payment_processed_event_consumer.py",
    "payment/entrypoints/interfaces/consumers/start_payment_command_consumer.py",
    "payment/entrypoints/interfaces/worker/expire_pending_payments_worker.py",
    "payment/infra/adapters/start_payment_usecase_config_adapter.py",
    "payment/infra/config/settings.py",
    "payment/infra/container.py",
    "payment/infra/models/payment_model.py",
    "payment/infra/repositories/payment_repository.py",
    "services/__init__.py",
    "tests/integration/conftest.py",
    "tests/integration/start_payment/conftest.py",
    "tests/integration/start_payment/test_all_flow.py",
}


def files_of(folder: Path) -> Iterator[Path]:
    """The files that are ours: no environment, no cache, nothing that was built."""
    for path in sorted(folder.iterdir()):
        if path.is_file():
            yield path
        elif path.name == ".ci" or not path.name.startswith((".", "__pycache__", "dist")):
            yield from files_of(path)


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    outer = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")  # these tests may run under make themselves
    environment = {name: value for name, value in os.environ.items() if name not in outer}
    return subprocess.run(["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)


def pins(name: str) -> set[str]:
    lines = (ROOT / "requirements" / name).read_text().splitlines()
    return {line for line in lines if line.strip() and not line.lstrip().startswith("#")}


@pytest.mark.parametrize("pattern", [REGISTRY_HOSTS, PATHS_OF_A_MACHINE], ids=["registry", "path"])
def test_no_file_names_a_registry_or_a_path_of_one_machine(pattern: re.Pattern[str]) -> None:
    found = [str(file) for file in files_of(ROOT) if pattern.search(file.read_text(errors="ignore"))]
    assert found == []


@pytest.mark.parametrize("name", ["runtime.txt", "dev.txt"])
def test_requirements_are_plain_pins(name: str) -> None:
    assert pins(name)
    assert [line for line in pins(name) if not PIN.fullmatch(line)] == []


def test_development_runs_on_the_versions_of_production() -> None:
    # For all Pythons, where a tool wants what production needs on some of them only.
    anywhere = {pin.partition(" ;")[0] for pin in pins("dev.txt")}
    assert {
        pin for pin in pins("runtime.txt") - pins("dev.txt") if pin.partition(" ;")[0] not in anywhere
    } == set()


def test_the_payment_example_has_its_tree_exactly() -> None:
    example = ROOT / "examples" / "payment"
    files = {file.relative_to(example).as_posix() for file in files_of(example)}
    unit_tests = {name for name in files if name.startswith("tests/unit/")}
    unnamed = ("__init__.py", "README.md", ".env", ".env.example", "pyproject.toml")
    beside = {name for name in files if Path(name).name in unnamed}
    manifest = "deploy/.generated.json"  # of what deploys it, which has tests of its own
    generated = json.loads((example / manifest).read_text()).values()
    beside |= {manifest}.union(*generated)
    assert unit_tests
    assert PAYMENT_TREE - files == set()
    assert files - PAYMENT_TREE - unit_tests - beside == set()


def test_make_alone_lists_every_target_with_a_line() -> None:
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    listed = re.findall(r"^make (\S+) +\S+", make().stdout, re.MULTILINE)
    assert sorted(listed) == sorted(phony[1].split())


@pytest.mark.parametrize(
    ("python", "explanation"),
    [
        (None, "install Python 3.10 or newer"),
        ('case "$*" in *version_info*) exit 1;; -V) echo Python 3.9.1;; esac', "is Python 3.9.1"),
        ('case "$*" in *ensurepip*) exit 1;; esac', "apt install python3-venv"),
    ],
    ids=["missing", "old", "without venv"],
)
def test_make_says_what_to_do_about_an_unusable_python(
    python: str | None, explanation: str, tmp_path: Path
) -> None:
    interpreter = tmp_path / "python"
    if python:
        interpreter.write_text(f"#!/bin/sh\n{python}\n")
        interpreter.chmod(0o755)
    result = make("demo", f"PYTHON={interpreter}", f"VENV={tmp_path / 'venv'}")
    assert result.returncode != 0
    assert explanation in result.stderr


def test_importing_blackcat_loads_no_vendor() -> None:
    command = [sys.executable, "-X", "importtime", "-c", "import blackcat"]
    report = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in report.splitlines()}
    assert "blackcat" in loaded
    vendors = {"boto3", "botocore", "click", "flask", "gunicorn", "jinja2", "punq", "pydantic", "structlog"}
    assert loaded & vendors == set()


@pytest.mark.parametrize("layer", ["application", "domain", "resources.py", "errors.py"])
def test_decisions_import_the_standard_library_only(layer: str) -> None:
    path = PACKAGE / layer
    for file in path.rglob("*.py") if path.is_dir() else [path]:
        assert top_level_imports(file) <= sys.stdlib_module_names | {"blackcat"}, file


def top_level_imports(file: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(file.read_text())))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    from_a_module = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in plain + from_a_module}


@pytest.mark.parametrize("page", ["README.md", "docs/en/architecture.md"])
def test_the_documentation_names_every_setting(page: str) -> None:
    text = (ROOT / page).read_text()
    assert [name for name in Settings.model_fields if not re.search(rf"\b{name.upper()}\b", text)] == []
