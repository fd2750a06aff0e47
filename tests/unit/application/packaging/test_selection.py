from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from blackcat.application.packaging.selection import is_secret, is_source, sources_of


def paths(*names: str) -> set[PurePosixPath]:
    return {PurePosixPath(name) for name in names}


def test_a_lambda_project_runs_from_src() -> None:
    assert sources_of(paths("src/main.py", "src/__init__.py", "setup.py")) == ["src"]


def test_a_project_of_services_runs_from_its_packages_and_modules() -> None:
    found = sources_of(
        paths(
            "pyproject.toml",
            "Makefile",
            "main.py",
            "payment/__init__.py",
            "services/__init__.py",
            "tests/__init__.py",
            "docs/conf.py",
        )
    )
    assert found == ["main.py", "payment", "pyproject.toml", "services"]


@pytest.mark.parametrize(
    "name",
    ["src/main.py", "src/domain/docs/models.py", "src/domain/tests/__init__.py", "src/data/rates.csv"],
)
def test_what_runs_goes_in(name: str) -> None:
    assert is_source(PurePosixPath(name), ["src"])


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "src/.env",
        "src/.env.example",
        "src/.aws/credentials",
        "src/tests/unit/test_main.py",
        "src/docs/architecture.md",
        "src/__pycache__/main.cpython-312.pyc",
        "src/domain/__pycache__/x.py",
        "src/main.pyc",
        "other/main.py",
        "srcs/main.py",
    ],
)
def test_what_does_not_run_stays_out(name: str) -> None:
    assert not is_source(PurePosixPath(name), ["src"])


@pytest.mark.parametrize(
    "name",
    [
        "src/server.key",
        "src/id_rsa",
        "src/credentials",
        "src/credentials.json",
        "src/client.P12",
        "a/secrets.yaml",
        "src/prod.env",
        "src/terraform.tfstate",
    ],
)
def test_names_that_tell_of_secrets(name: str) -> None:
    assert is_secret(PurePosixPath(name), b"")


@pytest.mark.parametrize(
    "name", ["src/keys.py", "src/secrets.py", "src/monkey", "src/credentials/__init__.py"]
)
def test_names_that_only_look_so(name: str) -> None:
    assert not is_secret(PurePosixPath(name), b"")


def test_certificates_are_no_secret_without_their_key() -> None:
    bundle = PurePosixPath("src/global-bundle.pem")
    assert not is_secret(bundle, b"-----BEGIN CERTIFICATE-----\nMIIB\n")
    assert is_secret(bundle, b"-----BEGIN CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----\n")
