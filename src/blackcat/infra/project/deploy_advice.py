"""What is worth a warning before a project is deployed: it is generated all the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from blackcat.application.iam.cloudformation import statements_for
from blackcat.application.iam.policy import ROLE_POLICY_MAX, VERSION, Reference, size
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import ServiceType
from blackcat.infra.project.deployment import PLACES, metadata_of
from blackcat.infra.project.project import Project

# Either of them lets an API answer Lambda's events: for WSGI, and for ASGI.
_BRIDGES = {"apig-wsgi", "mangum"}


def advice_on(
    project: Project, registry: ServiceRegistry, targets: Sequence[str], settings: Sequence[Reference] = ()
) -> Iterator[str]:
    """What will not work where it is deployed to, and what to do about it."""
    apis = [service.name for service in registry if service.type is ServiceType.REST_API]
    if apis and "lambda" in targets and not _has_bridge(project):
        yield (
            f"{', '.join(apis)}: REST APIs do not start on Lambda without the extra: write "
            '"blackcat[lambda]" among the dependencies in pyproject.toml'
        )
    if any(place in targets for place in PLACES):
        yield from _too_long(registry, settings)


def _too_long(registry: ServiceRegistry, settings: Sequence[Reference]) -> Iterator[str]:
    for service in registry:
        taken = size({"Version": VERSION, "Statement": statements_for(service, registry, settings)})
        if taken > ROLE_POLICY_MAX:
            yield (
                f"{service.name}: its policy has about {taken} characters, and a role's inline policies may "
                f"have {ROLE_POLICY_MAX}: split the service, or name fewer resources in uses"
            )


def _has_bridge(project: Project) -> bool:
    requirements = [*_requirements(metadata_of(project).get("dependencies", ()))]
    names = {canonicalize_name(one.name) for one in requirements}
    return bool(names & _BRIDGES) or any(
        "lambda" in one.extras for one in requirements if canonicalize_name(one.name) == "blackcat"
    )


def _requirements(written: Sequence[str]) -> Iterator[Requirement]:
    for text in written:
        try:
            yield Requirement(text)
        except InvalidRequirement:
            continue  # pip says it better
