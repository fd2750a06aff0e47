"""Which settings a project's code says are kept in AWS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from blackcat.application.entrypoint import load_module
from blackcat.domain.references import FromParameter, FromSecret
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.infra.project.project import Project
from blackcat.infra.settings.names import kept_in
from blackcat.infra.settings.report import project_classes


def referenced_by(
    project: Project, registry: ServiceRegistry, services: Iterable[Service]
) -> tuple[list[FromSecret | FromParameter], list[str]]:
    """What their container and entrypoints import, and what of these cannot be imported.

    A class of settings counts for every service: who reads which of its fields, only the container knows.
    """
    failures = list(_not_imported(registry, services))
    return list(loaded_references(project.root)), failures


def loaded_references(root: Path | None = None) -> Iterator[FromSecret | FromParameter]:
    """What annotations say in the classes that are imported by now: of the project below ``root``, or all."""
    root = root or Path(Path.cwd().anchor)
    found = (kept_in(field) for cls in project_classes(root) for field in cls.model_fields.values())
    return iter(dict.fromkeys(one for one in found if one))


def _not_imported(registry: ServiceRegistry, services: Iterable[Service]) -> Iterator[str]:
    references = [registry.container, *(one.entrypoint or one.endpoint_module for one in services)]
    modules = [one.partition(":")[0] for one in references if isinstance(one, str)]
    for module in dict.fromkeys(modules):
        try:
            load_module(module, subject="settings")
        except Exception as error:  # of the project's own code
            yield str(error)
