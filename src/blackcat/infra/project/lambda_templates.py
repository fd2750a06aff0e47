"""From the templates of the lambda layout to the files of a project."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from blackcat.application.scaffolding.folding import folded
from blackcat.application.scaffolding.lambda_layout import (
    COMMANDS,
    LAYOUT,
    ProjectName,
    is_of_an_example,
    refuse_taken_command,
)
from blackcat.application.scaffolding.plan import File
from blackcat.domain.naming import Name
from blackcat.errors import ProjectError
from blackcat.infra.project.project import Project
from blackcat.infra.project.scaffolding import overrides_of, reader, rendered_tree

_PROJECT = "lambda_project"
_OPERATION = "lambda_operation"
_EXTRAS = "blackcat[lambda,postgres]"


def project_files(
    name: ProjectName,
    operation: Name | None,
    *,
    requirement: str,
    templates: str | None = None,
    overrides: Path | None = None,
) -> list[File]:
    """A whole project: with its four example operations, or with ``operation`` in their place.

    ``requirement`` is Blackcat's own, ``templates`` where the project finds the team's, ``overrides`` where
    they are now. Raises ConfigurationError for a template.
    """
    values: dict[str, object] = {
        "project": name.project,
        "product": name.product,
        "functionality": name.functionality,
        "blackcat": requirement,
        "blackcat_with_extras": requirement.replace("blackcat", _EXTRAS, 1),
        "templates": templates,
        "empty": operation is not None,
        "operation": operation,
    }
    if operation is None:
        return [_folded(file) for file in rendered_tree(_PROJECT, values, overrides)]
    common = rendered_tree(_PROJECT, values, overrides, without=is_of_an_example)
    return [*map(_folded, common), *_operation_files(values, overrides)]


def operation_files(name: Name, project: Project) -> list[File]:
    """One more operation of a project: model, operation, command, route, and a test of each.

    Raises ConfigurationError for a template, InvalidName where another command has the name.
    """
    refuse_taken_command(name, _commands(project))
    return _operation_files({"operation": name}, overrides_of(project))


def require_layout(project: Project) -> None:
    """Raises ProjectError for a project in another layout."""
    if project.layout != LAYOUT:
        raise ProjectError(
            f"{project.root} has no operations: it is no project in the lambda layout; add a service with "
            "`blackcat generate-service NAME --type consumer`, or start a project of that layout with "
            "`blackcat new NAME --layout lambda`"
        )


def _commands(project: Project) -> list[File]:
    read = reader(project.root)
    paths = [COMMANDS / path.name for path in sorted((project.root / COMMANDS).glob("*_commands.py"))]
    return [File(path, read(path) or "") for path in paths]


def _operation_files(values: Mapping[str, object], overrides: Path | None) -> list[File]:
    return [_folded(file) for file in rendered_tree(_OPERATION, values, overrides)]


def _folded(file: File) -> File:
    return File(file.path, folded(file.content)) if file.path.suffix == ".py" else file
