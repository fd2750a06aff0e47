"""A project to deploy."""

from __future__ import annotations

from pathlib import Path

import pytest

from blackcat.infra.project.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "2024 Shop"\nrequires-python = ">=3.10"\noptional-dependencies = {dev = []}\n'
    )
    (tmp_path / "Makefile").write_text("test: ## Run the tests\ncheck:\n")
    return Project(tmp_path)
