"""The ARNs of resources, in an account that is known or in one that a template fills in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from blackcat.resources import (
    DEFAULT_BUS,
    EventBusResource,
    QueueResource,
    Resource,
    SecretResource,
    TableResource,
    TopicResource,
)

# Secrets Manager puts six characters of its own behind a secret's name.
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen
_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}")
_ANY_SUFFIX = "-??????"

# https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
_KINDS: Mapping[type[Resource], tuple[str, str]] = {
    QueueResource: ("sqs", ""),
    TopicResource: ("sns", ""),
    TableResource: ("dynamodb", "table/"),
    EventBusResource: ("events", "event-bus/"),
    SecretResource: ("secretsmanager", "secret:"),
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where resources are. Each part may be a placeholder that something else fills in later.

    ``domain`` is that of AWS's endpoints there.
    """

    partition: str = "aws"
    region: str
    account: str
    prefix: str = ""
    domain: str = "amazonaws.com"

    @classmethod
    def of(cls, *, region: str, account: str, prefix: str = "") -> Place:
        """The place of that region's name, whose partition the name tells."""
        if region.startswith("cn-"):
            return cls(
                partition="aws-cn", region=region, account=account, prefix=prefix, domain="amazonaws.com.cn"
            )
        partition = "aws-us-gov" if region.startswith("us-gov-") else "aws"
        return cls(partition=partition, region=region, account=account, prefix=prefix)

    def arn(self, resource: Resource) -> str:
        """The resource's ARN; that of a secret holds for whichever suffix AWS gave it."""
        if isinstance(resource, SecretResource) and resource.by_arn:
            return resource.name if _SUFFIX.fullmatch(resource.name[-7:]) else f"{resource.name}{_ANY_SUFFIX}"
        service, kind = _KINDS[type(resource)]
        prefix = "" if resource == EventBusResource(DEFAULT_BUS) else self.prefix
        ending = _ANY_SUFFIX if isinstance(resource, SecretResource) else ""
        return self.named(service, f"{kind}{prefix}{resource.name}{ending}")

    def named(self, service: str, name: str) -> str:
        """The ARN of something of that service in this region and account."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{name}"


# What AWS::CloudFormation fills in; the template has a parameter ResourcePrefix.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
CLOUDFORMATION = Place(
    partition="${AWS::Partition}",
    region="${AWS::Region}",
    account="${AWS::AccountId}",
    prefix="${ResourcePrefix}",
    domain="${AWS::URLSuffix}",
)
