"""Whether the present role may do what the services' adapters call."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence

from blackcat.application.doctor import rules
from blackcat.application.doctor.account import Account
from blackcat.application.doctor.examination import Results
from blackcat.application.doctor.messaging import named
from blackcat.application.iam.actions import INDEX_ACTION, needs
from blackcat.domain.findings import Finding, Unchecked
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.errors import AccessDenied, NotFound, RemoteError
from blackcat.resources import QueueResource, Resource, TableResource, TopicResource


def permissions(
    services: Sequence[Service], registry: ServiceRegistry, account: Account, *, messaging: bool = True
) -> Results:
    """Each action that the services need, asked of IAM's policy simulator for the present role.

    Without ``messaging``, queues and topics are not in AWS.
    """
    principal = account.principal()
    if principal.endswith(":root"):
        return  # the account itself: nothing is refused
    for resource, actions in needs(services, registry).items():
        if not messaging and isinstance(resource, QueueResource | TopicResource):
            continue
        for arn in (yield from _arns(resource, account)):
            wanted = [action for action in actions if not _is_index(arn) or action == INDEX_ACTION]
            try:
                refused = account.refused(principal, wanted, arn) if wanted else ()
            except RemoteError as error:
                yield Unchecked(
                    f"permissions of {principal}",
                    f"without iam:SimulatePrincipalPolicy only reads can be tried: {error}",
                )
                if messaging:
                    yield from _reads(services, registry, account)
                return
            for action in refused:
                yield rules.PERMISSION_MISSING.found(
                    f"'{resource.name}'", f"{principal} lacks {action} on {arn}, for {named(actions[action])}"
                )


def _reads(services: Iterable[Service], registry: ServiceRegistry, account: Account) -> Results:
    """What a consumer itself reads before it starts."""
    for service in services:
        if not service.queue_name:
            continue
        try:
            account.queue(registry.queue_of(service))
        except AccessDenied as error:
            yield rules.PERMISSION_MISSING.found(f"'{service.queue_name}'", f"for '{service.name}': {error}")
        except RemoteError:
            continue  # told by the check of the queue


def _arns(resource: Resource, account: Account) -> Generator[Finding | Unchecked, None, list[str]]:
    """Those of the resource and of its indexes; none when only AWS could tell, and does not."""
    try:
        arn = account.arn(resource)
    except NotFound:
        return []  # told by the check of the secret
    except RemoteError as error:
        yield Unchecked(f"permissions on '{resource.name}'", str(error))
        return []
    indexes = resource.indexes if isinstance(resource, TableResource) else ()
    return [arn, *(f"{arn}/index/{index.name}" for index in indexes)]


def _is_index(arn: str) -> bool:
    return ":dynamodb:" in arn and "/index/" in arn
