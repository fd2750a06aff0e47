"""The files that deploy a project, rendered from its registry.

A target is a folder below ``templates/deploy``, ours or the team's own. Its ``files`` are rendered once,
``service`` once for each service, ``environment`` once for each environment; paths below each of these are
paths in the project. What comes out blank is not written.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from blackcat.application.deployment.cron import five_fields
from blackcat.application.deployment.from_registry import deployment_of
from blackcat.application.deployment.lambda_limits import timeout_seconds
from blackcat.application.deployment.limits import ecs_stop_seconds, refuse_long_names
from blackcat.application.deployment.model import (
    DEFAULT_ARCHITECTURE,
    DEFAULT_PYTHON,
    DEFAULT_SHUTDOWN_SECONDS,
    LAST_PRIORITY,
    DeployedService,
    Deployment,
)
from blackcat.application.iam.arns import CLOUDFORMATION
from blackcat.application.iam.cloudformation import statements_for
from blackcat.application.iam.policy import Reference, protection_statement
from blackcat.application.iam.trust import kubernetes_trust
from blackcat.application.scaffolding.plan import File
from blackcat.domain.registry import ServiceRegistry
from blackcat.errors import ConfigurationError, ProjectError
from blackcat.infra.project.project import Project
from blackcat.infra.project.scaffolding import overrides_of, reader, rendered_tree

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_FOLDER = "deploy"
_SHARED = "shared"
_TEMPLATES = Path(__file__).parents[2] / "templates"
_PYTHON = re.compile(r"3\.\d\d")
# Those that Blackcat runs on, the one to be preferred first.
_PYTHONS = (DEFAULT_PYTHON, "3.13", "3.14", "3.11", "3.10")
# Where services run. The stacks of each create the queues and tables: a project is in one of them.
PLACES = ("ecs", "kubernetes", "lambda")
_PIPELINES = ("github-actions", "gitlab-ci")
_OF_IMAGES = ("ecs", "kubernetes")
# What Settings take for SHUTDOWN_TIMEOUT_SECONDS.
_LONGEST_SHUTDOWN = 3600


def targets_of(project: Project) -> list[str]:
    """The names of all targets, the team's own among them."""
    folders = (folder / _FOLDER for folder in (_TEMPLATES, overrides_of(project)) if folder)
    names = {path.name for folder in folders if folder.is_dir() for path in folder.iterdir() if path.is_dir()}
    return sorted(names - {_SHARED})


def with_image(project: Project, targets: Sequence[str]) -> list[str]:
    """These targets, with ``docker`` where a pipeline would otherwise have no Dockerfile to build from."""
    built = any(target in _PIPELINES for target in targets) and any(one in _OF_IMAGES for one in targets)
    if not built or "docker" in targets or (project.root / "Dockerfile").exists():
        return [*targets]
    return sorted([*targets, "docker"])


def files_of(
    project: Project, registry: ServiceRegistry, targets: Sequence[str], settings: Sequence[Reference] = ()
) -> dict[str, list[File]]:
    """The files of each of these targets, as the registry has them now.

    Every service may read ``settings``. Raises ConfigurationError for a mistake in a template, for options
    that make no sense, and for what a target or AWS cannot do.
    """
    if not len(registry):
        raise ProjectError(
            f"{project.services} declares no service yet, so there is nothing to deploy: add one with "
            "`blackcat generate-service`"
        )
    if not metadata_of(project):
        raise ProjectError(
            f"{project.root / 'pyproject.toml'} has no [project], so nothing says what an image or pipeline "
            "has to install: add its name, version and dependencies, as those that `blackcat new` writes have"
        )
    deployment = deployment_of(registry, name=_name(project), **_options(project))
    refuse_long_names(deployment)
    context = {
        "deployment": deployment,
        "dynamic": "dependencies" in metadata_of(project).get("dynamic", ()),
        "last_priority": LAST_PRIORITY,
        "ecs_stop_seconds": ecs_stop_seconds,
        "protection": protection_statement(CLOUDFORMATION, "${Cluster}").as_json(),
        "targets": targets,
        "place": _place(project, targets),
        **_verified_by(project),
        "cron": lambda service: five_fields(service.declared),
        "timeout": timeout_seconds,
        "pod_trust": lambda service: _pod_trust(service, deployment),
        "policy": lambda service: statements_for(service.declared, registry, settings),
    }
    overrides = overrides_of(project)
    files = {target: list(_files(target, deployment, context, overrides)) for target in targets}
    _agree([file for of_target in files.values() for file in of_target])
    return files


def _files(
    target: str, deployment: Deployment, context: Mapping[str, object], overrides: Path | None
) -> Iterator[File]:
    for file in _rendered(target, deployment, context, overrides):
        if file.content.strip():
            yield file


def _rendered(
    target: str, deployment: Deployment, context: Mapping[str, object], overrides: Path | None
) -> Iterator[File]:
    folder = f"{_FOLDER}/{target}"
    yield from rendered_tree(f"{folder}/files", context, overrides)
    for service in deployment.services:
        yield from rendered_tree(f"{folder}/service", {**context, "service": service}, overrides)
    for environment in deployment.environments:
        yield from rendered_tree(f"{folder}/environment", {**context, "environment": environment}, overrides)


def _agree(files: Sequence[File]) -> None:
    """Targets may share a file, with one text."""
    known: dict[PurePosixPath, File] = {}
    for file in files:
        if known.setdefault(file.path, file) != file:
            raise ConfigurationError(
                f"two templates write {file.path}, with different texts: name one of them otherwise"
            )


def _pod_trust(service: DeployedService, deployment: Deployment) -> dict[str, Any]:
    """Who may take the role of a service on Kubernetes; its texts are for ``Fn::Sub``."""
    return kubernetes_trust(
        CLOUDFORMATION,
        issuer="${OidcIssuer}",
        namespace=f"{deployment.name}-${{Environment}}",
        account_name=service.label,
        scaler="${KedaRoleArn}" if service.consumer else "",
    )


def _place(project: Project, targets: Sequence[str]) -> str:
    """Where pipelines deploy to; empty for nowhere. Raises ConfigurationError."""
    found = [place for place in PLACES if place in targets]
    place = project.options.get("deploy", {}).get("place")
    if place is not None and place not in found:
        raise ConfigurationError(
            f"[tool.blackcat.deploy] place is {place!r}, and the project has no such target: write "
            f"{' or '.join(found or PLACES)}, or add it with --target"
        )
    if place is None and len(found) > 1 and any(target in _PIPELINES for target in targets):
        raise ConfigurationError(
            f"the project has {' and '.join(found)}, whose stacks create the same queues and tables, and a "
            f'pipeline deploys to one: say which, with place = "{found[0]}" below [tool.blackcat.deploy] in '
            "pyproject.toml, or drop the others with --remove-target"
        )
    return str(place or found[0]) if place or len(found) == 1 else ""


def _options(project: Project) -> dict[str, Any]:
    """What ``[tool.blackcat.deploy]`` says. Raises ConfigurationError."""
    options = project.options.get("deploy", {})
    # What `blackcat package` builds for.
    package = project.options.get("lambda", {})
    python = options.get("python") or package.get("python") or _python_of(project)
    shutdown = options.get("shutdown_timeout_seconds", DEFAULT_SHUTDOWN_SECONDS)
    if not isinstance(python, str) or not _PYTHON.fullmatch(python):
        raise ConfigurationError(
            f'[tool.blackcat.deploy] python is {python!r}: write a version, such as "3.12"'
        )
    if not isinstance(shutdown, int) or not 0 < shutdown <= _LONGEST_SHUTDOWN:
        raise ConfigurationError(
            f"[tool.blackcat.deploy] shutdown_timeout_seconds is {shutdown!r}: write 1 to {_LONGEST_SHUTDOWN}"
        )
    architecture = package.get("architecture", DEFAULT_ARCHITECTURE)
    return {"python": python, "architecture": architecture, "shutdown_seconds": shutdown}


def _verified_by(project: Project) -> dict[str, str]:
    """What a pipeline installs, and runs to know that a change is good."""
    extras = metadata_of(project).get("optional-dependencies", {})
    makefile = reader(project.root)(PurePosixPath("Makefile")) or ""
    made = all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in ("test", "check"))
    return {
        "install": ".[dev]" if "dev" in extras else ".",
        "verify": "make test check" if made else "python -m pytest",
    }


def _name(project: Project) -> str:
    return str(metadata_of(project).get("name") or project.root.name)


def _python_of(project: Project) -> str:
    """The first of ours that ``requires-python`` takes. Raises ConfigurationError."""
    wanted = str(metadata_of(project).get("requires-python", ""))
    try:
        specifiers = SpecifierSet(wanted)
    except InvalidSpecifier as error:
        raise ConfigurationError(f"pyproject.toml: requires-python is {wanted!r}: {error}") from error
    for python in _PYTHONS:
        # Its first release, or a late one: >=3.12.4 takes 3.12, too.
        if specifiers.contains(python) or specifiers.contains(f"{python}.99"):
            return python
    raise ConfigurationError(
        f"pyproject.toml: requires-python is {wanted!r}, and Blackcat runs on {', '.join(sorted(_PYTHONS))}"
    )


def metadata_of(project: Project) -> Mapping[str, Any]:
    """``[project]`` of pyproject.toml."""
    try:
        text = (project.root / "pyproject.toml").read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    metadata: Mapping[str, Any] = tomllib.loads(text).get("project", {})
    return metadata
