"""Whose account this is, and the ARNs of its resources."""

from __future__ import annotations

import functools

from blackcat.adapters_aws.calls import AwsCalls
from blackcat.adapters_aws.clients import AwsOptions, client


@functools.cache
def account_id(options: AwsOptions) -> str:
    """The account of the process's credentials; asked for once. GetCallerIdentity needs no permission.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    """
    identity: str = AwsCalls("sts", options).read("GetCallerIdentity", "")["Account"]
    return identity


def arn(service: str, name: str, options: AwsOptions) -> str:
    """The ARN of a queue or topic of this account and region.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
    """
    place = client(service, options).meta
    return f"arn:{place.partition}:{service}:{place.region_name}:{account_id(options)}:{name}"
