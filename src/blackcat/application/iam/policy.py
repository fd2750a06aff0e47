"""The policy of a service: the actions that its adapters call, on the resources that it names."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from blackcat.application.deployment.names import logical_ids
from blackcat.application.iam.actions import INDEX_ACTION, needs
from blackcat.application.iam.arns import Place
from blackcat.domain.references import FromParameter, FromSecret
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.resources import QueueResource, Resource, SecretResource, TableResource, TopicResource

# What the inline policies of a role may hold together, white space not counted.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
ROLE_POLICY_MAX = 10_240

# arn:partition:ssm:region:account:parameter/name
_PARTS_OF_AN_ARN = 6
_REGION_IN_AN_ARN = 3

VERSION = "2012-10-17"

Condition = Mapping[str, Mapping[str, Any]]
Wanted = Mapping[Resource, Sequence[str]]
"""The actions that a service needs, by resource."""

Reference = FromSecret | FromParameter
"""Where a setting is kept."""

# The services through which a key of the customer's is used, where they use it on the caller's behalf.
_VIA: Mapping[type[Resource], str] = {
    QueueResource: "sqs",
    TopicResource: "sns",
    TableResource: "dynamodb",
    SecretResource: "secretsmanager",
}
_ENCRYPTING = {"sqs:SendMessage", "sns:Publish"}
DECRYPT, ENCRYPT = "kms:Decrypt", "kms:GenerateDataKey"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a policy of a role."""

    sid: str
    actions: Sequence[str]
    resources: Sequence[str]
    condition: Condition = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        said = {"Sid": self.sid, "Effect": "Allow", "Action": [*self.actions], "Resource": [*self.resources]}
        return {**said, "Condition": dict(self.condition)} if self.condition else said


def document(statements: Iterable[Statement]) -> dict[str, Any]:
    """The policy document of these statements."""
    return {"Version": VERSION, "Statement": [statement.as_json() for statement in statements]}


def size(policy: Mapping[str, Any]) -> int:
    """How many characters of a role's quota the document takes."""
    return len(json.dumps(policy, separators=(",", ":")))


def wanted_by(service: Service, registry: ServiceRegistry) -> Wanted:
    """What the service's adapters call, in the order of IAM's own lists."""
    return {resource: sorted(actions) for resource, actions in needs([service], registry).items()}


def resource_statements(wanted: Wanted, place: Place) -> Iterator[Statement]:
    """One statement for each resource, and one for the indexes of a table that is queried."""
    sids = logical_ids(map(_kind_and_name, wanted))
    for resource, actions in wanted.items():
        arn, sid = place.arn(resource), sids[_kind_and_name(resource)]
        yield Statement(sid=sid, actions=actions, resources=[arn])
        if isinstance(resource, TableResource) and resource.indexes and INDEX_ACTION in actions:
            indexes = [f"{arn}/index/{index.name}" for index in resource.indexes]
            yield Statement(sid=f"{sid}Indexes", actions=[INDEX_ACTION], resources=indexes)


def key_statements(
    wanted: Wanted, place: Place, keys: Sequence[str], settings: Sequence[Reference] = ()
) -> Iterator[Statement]:
    """What these actions need of the customer-managed keys that encrypt the resources, and through whom.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    https://docs.aws.amazon.com/kms/latest/developerguide/policy-conditions.html#conditions-kms-via-service
    """
    decrypting = {_endpoint(_VIA[type(one)], place, one) for one in wanted if type(one) in _VIA}
    decrypting |= set(_endpoints_of(settings, place))
    encrypting = {
        _endpoint(_VIA[type(one)], place) for one, actions in wanted.items() if _ENCRYPTING & set(actions)
    }
    if decrypting:
        yield _through(decrypting, Statement(sid="DecryptWithTheKey", actions=[DECRYPT], resources=keys))
    if encrypting:
        yield _through(encrypting, Statement(sid="EncryptWithTheKey", actions=[ENCRYPT], resources=keys))


def settings_statements(place: Place, settings: Sequence[Reference]) -> Iterator[Statement]:
    """To read settings that are kept in Secrets Manager or Parameter Store.

    Names bear no prefix, those of a declared SecretResource do.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
    """
    secrets = dict.fromkeys(_secret_arn(one, place) for one in settings if isinstance(one, FromSecret))
    if secrets:
        yield Statement(
            sid="SettingsInSecrets", actions=["secretsmanager:GetSecretValue"], resources=[*secrets]
        )
    parameters = dict.fromkeys(
        _parameter_arn(one, place) for one in settings if isinstance(one, FromParameter)
    )
    if parameters:
        yield Statement(sid="SettingsInParameters", actions=["ssm:GetParameters"], resources=[*parameters])


def settings_key_statement(place: Place, key: str, settings: Sequence[Reference] = ()) -> Statement:
    """To read these settings, and those of a secret, where this customer-managed key encrypts them."""
    endpoints = {_endpoint("secretsmanager", place), *_endpoints_of(settings, place)}
    return _through(endpoints, Statement(sid="DecryptSettings", actions=[DECRYPT], resources=[key]))


def secret_key_statement(place: Place, key: str, secret: SecretResource) -> Statement:
    """To read that secret of another account, whose key encrypts it."""
    endpoint = _endpoint("secretsmanager", place, secret)
    return _through({endpoint}, Statement(sid="DecryptTheSecret", actions=[DECRYPT], resources=[key]))


def protection_statement(place: Place, cluster: str) -> Statement:
    """For the tasks of that ECS cluster to protect themselves; which task it is, nobody knows before.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection.html
    """
    tasks = place.named("ecs", f"task/{cluster}/*")
    return Statement(sid="ProtectItsTasks", actions=["ecs:UpdateTaskProtection"], resources=[tasks])


def _secret_arn(reference: FromSecret, place: Place) -> str:
    secret = reference.secret
    if isinstance(secret, SecretResource):
        return place.arn(secret)
    return replace(place, prefix="").arn(SecretResource(secret))


def _parameter_arn(reference: FromParameter, place: Place) -> str:
    """That of the parameter itself, also where a version or label is named: ``/shop/url:3``."""
    name = reference.name
    if name.startswith("arn:"):
        return ":".join(name.split(":")[:_PARTS_OF_AN_ARN])
    return place.named("ssm", f"parameter/{name.partition(':')[0].lstrip('/')}")


def _endpoints_of(settings: Sequence[Reference], place: Place) -> Iterator[str]:
    for one in settings:
        if isinstance(one, FromParameter):
            yield _endpoint("ssm", place, one.name)
        else:
            yield _endpoint("secretsmanager", place, one.secret)


def _endpoint(service: str, place: Place, resource: Resource | str = "") -> str:
    """That of the service, in the region of a resource which is named by its ARN."""
    name = resource if isinstance(resource, str) else resource.name
    region = name.split(":")[_REGION_IN_AN_ARN] if name.startswith("arn:") else place.region
    return f"{service}.{region}.{place.domain}"


def _through(endpoints: Collection[str], statement: Statement) -> Statement:
    return replace(statement, condition={"StringEquals": {"kms:ViaService": sorted(endpoints)}})


def _kind_and_name(resource: Resource) -> str:
    """Told apart by kind: a table and a topic may share a name."""
    return f"{resource.name} {type(resource).__name__.removesuffix('Resource')}"
