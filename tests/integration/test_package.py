"""`blackcat package` as users have it, and its zips in an environment that has nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

from blackcat.application.rollout.smoke import request
from blackcat.testing.lambda_runtime import LambdaFunction
from installation import Installed, installed_wheel
from wheelhouse import make_wheel

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "lambda_events"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "of-nothing"}
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
# What runs a function on Lambda, and is in none of its zips.
RUNTIME = ("awslambdaric", "simplejson", "snapshot_restore_py.py", "runtime_client*.so")

PYPROJECT = """
[project]
name = "greetings"
dependencies = ["greeting>=1"]

[tool.blackcat.lambda]
python = "{python}"
"""
MAIN = """
import greeting
from blackcat.errors import BlackcatError

def main(event, context):
    return {"statusCode": 200, "body": f"{greeting.VERSION} {BlackcatError.__name__} {event['rawPath']}"}
"""


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return installed_wheel(tmp_path_factory.mktemp("installed"))


def written(folder: Path) -> Path:
    """A project, and beside it a folder with the one wheel that it requires."""
    root = folder / "greetings"
    (root / "src").mkdir(parents=True)
    (root / "src" / "__init__.py").touch()
    (root / "src" / "main.py").write_text(MAIN)
    (root / "src" / ".env").write_text("PASSWORD=canary\n")
    (root / "pyproject.toml").write_text(PYPROJECT.format(python=HERE))
    make_wheel(folder / "wheels", "greeting", "1.2")
    return root


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with Lambda's runtime client, and nothing else."""
    folder = tmp_path_factory.mktemp("runtime")
    venv.create(folder, symlinks=True)
    [site_packages] = (folder / "lib").glob("python*/site-packages")
    for pattern in RUNTIME:
        for path in Path(sysconfig.get_path("platlib")).glob(pattern):
            copy = shutil.copytree if path.is_dir() else shutil.copy
            copy(path, site_packages / path.name)
    return folder / "bin" / "python"


def package(installed: Installed, project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    offline = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null", "NO_COLOR": "1"}
    wheels = str(project.parent / "wheels")
    here = Installed(installed.programs, {**installed.environment, **offline})
    return here.run("blackcat", "package", "--find-links", wheels, *options, cwd=project)


def unpacked(dist: Path, folder: Path) -> tuple[Path, list[Path]]:
    """The function's folder, and those of its layers."""
    for name in ("function", "mew", "ekans"):
        with zipfile.ZipFile(dist / f"{name}.zip") as archive:
            archive.extractall(folder / name)
    return folder / "function", [folder / "mew", folder / "ekans"]


@pytest.fixture(scope="session")
def built(
    installed: Installed, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A project with its artifacts, and what the command said."""
    root = written(tmp_path_factory.mktemp("built"))
    return root, package(installed, root)


def test_what_was_built_runs_where_nothing_else_is(
    built: tuple[Path, subprocess.CompletedProcess[str]], runtime: Path, tmp_path: Path
) -> None:
    project, done = built
    assert done.returncode == 0, done.stderr
    assert "greeting==1.2 --hash=sha256:" in done.stdout
    assert "1 of 1 packages are not pinned (greeting" in done.stderr
    root, layers = unpacked(project / "dist", tmp_path / "opt")
    tag = f"cpython-{HERE.replace('.', '')}.pyc"
    files = sorted(path.name for path in root.rglob("*") if path.is_file())
    assert files == [f"__init__.{tag}", "__init__.py", f"main.{tag}", "main.py"]
    assert (layers[0] / "python" / "blackcat" / "__pycache__" / f"__init__.{tag}").is_file()
    assert (layers[1] / "python" / "__pycache__" / f"greeting.{tag}").is_file()
    with LambdaFunction("src.main.main", root=root, layers=layers, python=str(runtime)) as function:
        answer = function.invoke({"rawPath": "/health"}).value()
    assert answer == {"statusCode": 200, "body": "1.2 BlackcatError /health"}


def test_two_builds_are_the_same_bytes(
    built: tuple[Path, subprocess.CompletedProcess[str]], installed: Installed, tmp_path: Path
) -> None:
    first, second = built[0], written(tmp_path)
    assert package(installed, second).returncode == 0
    names = sorted(path.name for path in (first / "dist").iterdir())
    assert names == ["ekans.zip", "function.zip", "manifest.json", "mew.zip"]
    for name in names:
        assert (first / "dist" / name).read_bytes() == (second / "dist" / name).read_bytes(), name


def test_the_core_is_the_same_for_every_processor_and_a_secret_leaves_no_manifest(
    built: tuple[Path, subprocess.CompletedProcess[str]], installed: Installed, tmp_path: Path
) -> None:
    project = written(tmp_path)
    done = package(installed, project, "--architecture", "arm64", "--json")
    manifest = json.loads(done.stdout)
    assert (manifest["python"], manifest["architecture"]) == (HERE, "arm64")
    assert manifest["compiled"].startswith(f"{HERE}.")
    first = json.loads((built[0] / "dist" / "manifest.json").read_text())
    assert manifest["artifacts"][1] == first["artifacts"][1]

    (project / "src" / "config.py").write_text(f'KEY = "{"AKIA" + "Q3EGRIZ7XSVLKJ5N"}"\n')
    done = package(installed, project)
    assert (done.returncode, "Q3EGRIZ7" in done.stderr + done.stdout) == (78, False)
    assert "src/config.py has an AWS access key in line 1" in done.stderr
    assert not (project / "dist" / "manifest.json").exists()


def test_a_python_that_is_not_here_compiles_nothing_and_that_is_told(
    installed: Installed, tmp_path: Path
) -> None:
    project, other = written(tmp_path), "3.10" if HERE != "3.10" else "3.11"
    without = {**installed.environment, "PATH": "/nowhere", "HOME": "/nowhere", "PYENV_ROOT": "/nowhere"}
    done = package(Installed(installed.programs, without), project, "--python", other, "--json")
    assert f"there is no Python {other} here" in done.stderr
    assert json.loads(done.stdout)["compiled"] is None
    with zipfile.ZipFile(project / "dist" / "mew.zip") as archive:
        assert not [name for name in archive.namelist() if name.endswith(".pyc")]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--python", "3.9"), "Lambda has no Python '3.9': choose one of 3.10"),
        (("--architecture", "aarch64"), "Lambda has no architecture 'aarch64'"),
    ],
)
def test_wrong_options_are_told(
    installed: Installed, tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    done = package(installed, written(tmp_path), *options)
    assert (done.returncode, told in done.stderr) == (78, True), done.stderr


@pytest.mark.long
def test_a_generated_project_answers_its_golden_events(
    installed: Installed, runtime: Path, tmp_path: Path
) -> None:
    """From the package index: minutes, and several megabytes."""
    done = installed.run("blackcat", "new", "generic_send_email", "--layout", "lambda", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    root = tmp_path / "generic_send_email"
    built = installed.run("blackcat", "package", "--python", HERE, cwd=root)
    assert built.returncode == 0, built.stderr
    folder, layers = unpacked(root / "dist", tmp_path / "opt")
    function = LambdaFunction(
        "src.main.main",
        root=folder,
        layers=layers,
        python=str(runtime),
        environment=CREDENTIALS,
    )
    with function:
        for name in ("api_gateway_v1", "api_gateway_v2", "function_url", "alb", "alb_multi_value"):
            event: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text())
            assert function.invoke(event).value()["statusCode"] == 404, name  # no route of that project's
            assert function.invoke(_of_health(event)).value()["statusCode"] == 200, name
        for name in ("sqs", "sqs_fifo"):
            event = json.loads((GOLDEN / f"{name}.json").read_text())
            failures = function.invoke(event).value()["batchItemFailures"]
            known = {record["messageId"] for record in event["Records"]}
            assert {failure["itemIdentifier"] for failure in failures} <= known


@pytest.mark.long
def test_a_project_of_services_runs_from_its_zips(
    installed: Installed, runtime: Path, tmp_path: Path
) -> None:
    root = tmp_path / "payment"
    shutil.copytree(ROOT / "examples" / "payment", root, ignore=shutil.ignore_patterns("__pycache__"))
    pyproject = '[project]\nname = "payment"\ndependencies = ["blackcat[lambda]"]\n'
    (root / "pyproject.toml").write_text(f'{pyproject}[tool.blackcat.lambda]\npython = "{HERE}"\n')
    built = installed.run("blackcat", "package", cwd=root)
    assert built.returncode == 0, built.stderr
    folder, layers = unpacked(root / "dist", tmp_path / "opt")
    with LambdaFunction(
        "blackcat.entrypoints.aws_lambda.handler",
        root=folder,
        layers=layers,
        python=str(runtime),
        environment={**CREDENTIALS, "SERVICE_NAME": "payment_api"},
    ) as function:
        assert function.invoke(request("/health")).value()["statusCode"] == 200


def _of_health(event: dict[str, Any]) -> dict[str, Any]:
    """The same request, for the route that every project has."""
    context = dict(event["requestContext"])
    if "http" in context:
        context["http"] = {**context["http"], "method": "GET", "path": "/health"}
    paths = {name: "/health" for name in ("path", "rawPath") if name in event}
    method = {"httpMethod": "GET"} if "httpMethod" in event else {}
    return {**event, **paths, **method, "requestContext": context}
