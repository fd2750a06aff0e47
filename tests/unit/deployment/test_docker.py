"""The Dockerfile and the compose file, as their linters and Docker's rules have them."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

from blackcat.infra.emulator import EMULATOR
from blackcat.infra.project.project import Project
from unit.deployment.projects import REGISTRIES, everything, write

TARGETS = ["docker", "compose"]


def ran(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    return write(Project(folder), everything(), TARGETS)


@pytest.mark.parametrize("name", ["everything", "one job"])
def test_the_linters_find_nothing(project: Project, name: str) -> None:
    root = write(project, REGISTRIES[name](), TARGETS)
    files = [str(root / "Dockerfile"), str(root / "deploy/compose/emulator.Dockerfile")]
    linted = ran(str(Path(sys.executable).with_name("hadolint")), *files)
    assert (linted.returncode, linted.stdout) == (0, "")
    compose = ran(
        *(sys.executable, "-m", "check_jsonschema"),
        *("--builtin-schema", "vendor.compose-spec", str(root / "compose.yaml")),
    )
    assert compose.returncode == 0, compose.stdout


def test_the_image_is_slim_pinned_and_nobody_s(root: Path) -> None:
    lines = (root / "Dockerfile").read_text().splitlines()
    assert re.fullmatch(r"ARG PYTHON_IMAGE=python:3\.\d\d-slim-\w+", lines[1])
    assert "USER 10001:10001" in lines
    assert lines[-1] == 'CMD ["python", "main.py"]'
    assert not [line for line in lines if re.match(r"(CMD|ENTRYPOINT) [^\[]", line)]


@pytest.mark.parametrize(
    "path", [".env", ".env.prod", ".git", ".venv", "tests", "deploy", "sub/.env", "sub/__pycache__"]
)
def test_what_is_no_code_stays_out_of_the_image(root: Path, path: str) -> None:
    patterns = (root / ".dockerignore").read_text().splitlines()
    assert any(_ignores(pattern, path) for pattern in patterns if not pattern.startswith(("#", "!")))


@pytest.mark.parametrize("told", ['dependencies = ["blackcat", "punq>=0.7"]', ""])
def test_the_dependencies_are_read_with_the_image_s_own_python(tmp_path: Path, told: str) -> None:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "shop"\n{told}\n')
    project = Project(tmp_path, options={"deploy": {"python": python}})
    dockerfile = (write(project, everything(), ["docker"]) / "Dockerfile").read_text()
    (line,) = (line for line in dockerfile.splitlines() if line.startswith("RUN python -c"))
    command = line.removeprefix("RUN ").removesuffix("\\").replace("python", f'"{sys.executable}"', 1)
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    assert (tmp_path / "dependencies.txt").read_text().split() == (["blackcat", "punq>=0.7"] if told else [])


def test_dependencies_that_only_the_build_knows_are_installed_by_it(project: Project) -> None:
    (project.root / "pyproject.toml").write_text('[project]\nname = "shop"\ndynamic = ["dependencies"]\n')
    dockerfile = (write(project, everything(), ["docker"]) / "Dockerfile").read_text()
    assert "RUN /venv/bin/pip install .\n" in dockerfile
    assert "dependencies.txt" not in dockerfile


def test_tmp_is_a_volume_that_its_user_may_write(root: Path) -> None:
    lines = (root / "Dockerfile").read_text().splitlines()
    assert lines.index("VOLUME /tmp") < lines.index("USER 10001:10001")


def test_the_health_check_is_in_the_image(root: Path) -> None:
    assert (root / "deploy/docker/healthcheck.py").is_file()
    assert "!deploy/docker/healthcheck.py" in (root / ".dockerignore").read_text().splitlines()


@pytest.mark.parametrize(("status", "expected"), [(200, 0), (503, 1)])
def test_a_service_is_as_healthy_as_it_says(root: Path, status: int, expected: int) -> None:
    with _answering(status) as port:
        done = ran(
            sys.executable, str(root / "deploy/docker/healthcheck.py"), SERVICE_NAME="on", HEALTH_PORT=port
        )
    assert done.returncode == expected
    assert "Traceback" not in done.stderr


def test_one_that_does_not_answer_is_not_healthy_and_a_worker_is(root: Path) -> None:
    check = str(root / "deploy/docker/healthcheck.py")
    with _answering(200) as port:
        pass
    silent = ran(sys.executable, check, SERVICE_NAME="on", HEALTH_PORT=port)
    assert silent.returncode == 1
    assert "not healthy" in silent.stderr
    assert ran(sys.executable, check, SERVICE_NAME="null").returncode == 0


def test_compose_runs_every_service_after_its_resources_are_there(root: Path) -> None:
    compose = yaml.safe_load((root / "compose.yaml").read_text())
    services = compose["services"]
    names = [one["environment"].get("SERVICE_NAME") for one in services.values() if "environment" in one]
    assert [name for name in names if name] == [service.name for service in everything()]
    for service in services.values():
        if service.get("environment", {}).get("SERVICE_NAME"):
            assert service["depends_on"] == {"provision": {"condition": "service_completed_successfully"}}
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert len(set(published)) == len(published)
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_emulator_is_the_one_of_blackcat_dev(root: Path) -> None:
    assert f'"{EMULATOR}"' in (root / "deploy/compose/emulator.Dockerfile").read_text()


@contextlib.contextmanager
def _answering(status: int) -> Iterator[str]:
    """The port of a server that answers everything with that status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield str(server.server_port)
        server.shutdown()


def _ignores(pattern: str, path: str) -> bool:
    """As Docker matches: ``*`` stays within a name, ``**`` goes over any number of folders."""
    regex = re.escape(pattern).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
    regex = re.sub(r"\\\[(.*?)\\\]", r"[\1]", regex)
    return re.fullmatch(f"{regex}(/.*)?", path) is not None
