"""`blackcat new` as users meet it: from the wheel, in an empty folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from installation import CHECKS, Installed, built_wheel, installed_wheel

VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return installed_wheel(tmp_path_factory.mktemp("installed"))


def test_what_runs_is_the_wheel(installed: Installed, tmp_path: Path) -> None:
    done = installed.run("python", "-c", "import blackcat; print(blackcat.__file__)", cwd=tmp_path)
    assert Path(done.stdout.strip()).is_relative_to(installed.programs.parent)


def test_a_new_project_passes_its_own_checks(installed: Installed, tmp_path: Path) -> None:
    done = installed.run("blackcat", "new", "my-shop", "--context", "orders", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    installed.check(tmp_path / "my-shop")


def test_its_layers_are_held(installed: Installed, tmp_path: Path) -> None:
    installed.run("blackcat", "new", "shop", cwd=tmp_path)
    usecase = tmp_path / "shop/shop/application/usecases/take_order_usecase.py"
    usecase.write_text("import boto3\nfrom shop.infra import container\n")
    done = installed.run(*CHECKS["layers"], cwd=tmp_path / "shop")
    assert done.returncode == 1
    assert "shop.application is not allowed to import shop.infra" in done.stdout
    assert "shop.application is not allowed to import boto3" in done.stdout


def test_its_services_are_held_to_load(installed: Installed, tmp_path: Path) -> None:
    installed.run("blackcat", "new", "shop", cwd=tmp_path)
    registry = tmp_path / "shop/services/__init__.py"
    service = 'Service(name="sweep", type=ServiceType.WORKER, entrypoint="shop.nowhere:Sweep")'
    text = registry.read_text().replace(
        "import ServiceRegistry", "import Service, ServiceRegistry, ServiceType"
    )
    registry.write_text(text.replace("[],", f"[{service}],"))
    done = installed.run("python", "-m", "pytest", "-q", cwd=tmp_path / "shop")
    assert done.returncode == 1
    assert "worker 'sweep': importing 'shop.nowhere' failed" in done.stdout


def test_a_wrong_name_ends_with_the_status_of_configuration(installed: Installed, tmp_path: Path) -> None:
    done = installed.run("blackcat", "new", "class", cwd=tmp_path)
    assert done.returncode == 78
    assert done.stdout == ""
    assert done.stderr.startswith("error: 'class' cannot be the name of a project: ")


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_printed_steps_work_in_a_fresh_environment(tmp_path: Path, version: str) -> None:
    """Everything is installed as a newcomer would, by pip from the package index."""
    python = python_of(version)
    wheel = built_wheel(tmp_path / "dist")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AWS_"))
    }
    environment["PATH"] = f"{tmp_path / 'venv/bin'}{os.pathsep}{environment['PATH']}"
    for command, folder in (
        (f"{python} -m venv venv", "."),
        (f"pip install -q --disable-pip-version-check {wheel}", "."),
        ("blackcat new shop", "."),
        ("pip install -q --disable-pip-version-check -e '.[dev]'", "shop"),
        ("make test check", "shop"),
    ):
        done = subprocess.run(
            ["sh", "-c", command],
            capture_output=True,
            text=True,
            cwd=tmp_path / folder,
            env=environment,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def python_of(version: str) -> str:
    """That Python, from the PATH or from pyenv."""
    candidates = [f"python{version}"]
    if shutil.which("pyenv"):
        listed = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True, check=True)
        root = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=True).stdout.strip()
        names = [name for name in listed.stdout.split() if name.startswith(f"{version}.")]
        candidates += [f"{root}/versions/{name}/bin/python" for name in names]
    for candidate in candidates:
        try:
            subprocess.run([candidate, "-c", "import ensurepip, venv"], capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return candidate
    pytest.skip(f"there is no Python {version} here")
