"""Who may take a service's role: the platform that runs it, for this account only."""

from __future__ import annotations

from typing import Any

from blackcat.application.iam.arns import Place
from blackcat.application.iam.policy import Condition

_VERSION = "2012-10-17"


def ecs_trust(place: Place) -> dict[str, Any]:
    """ECS, for tasks of this account and region.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    """
    return _trust(
        "sts:AssumeRole",
        {"Service": "ecs-tasks.amazonaws.com"},
        {
            "StringEquals": {"aws:SourceAccount": place.account},
            "ArnLike": {"aws:SourceArn": place.named("ecs", "*")},
        },
    )


def lambda_trust(place: Place) -> dict[str, Any]:
    """Lambda. It sends no source account: whoever makes a function with the role needs iam:PassRole for it.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
    """
    return _trust("sts:AssumeRole", {"Service": "lambda.amazonaws.com"}, {})


def scheduler_trust(place: Place) -> dict[str, Any]:
    """EventBridge Scheduler, for schedules of this account.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    condition = {"StringEquals": {"aws:SourceAccount": place.account}}
    return _trust("sts:AssumeRole", {"Service": "scheduler.amazonaws.com"}, condition)


def kubernetes_trust(
    place: Place, *, issuer: str, namespace: str, account_name: str, scaler: str = ""
) -> dict[str, Any]:
    """A service account of an EKS cluster; ``issuer`` is its OpenID Connect issuer without ``https://``.

    ``scaler`` is the ARN of KEDA's role, which reads the queue's length in the name of the service.

    https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
    """
    provider = f"arn:{place.partition}:iam::{place.account}:oidc-provider/{issuer}"
    trust = _trust(
        "sts:AssumeRoleWithWebIdentity",
        {"Federated": provider},
        {
            "StringEquals": {
                f"{issuer}:aud": "sts.amazonaws.com",
                f"{issuer}:sub": f"system:serviceaccount:{namespace}:{account_name}",
            }
        },
    )
    if scaler:
        trust["Statement"] += _trust("sts:AssumeRole", {"AWS": scaler}, {})["Statement"]
    return trust


def _trust(action: str, principal: dict[str, str], condition: Condition) -> dict[str, Any]:
    allowed: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": action}
    if condition:
        allowed["Condition"] = condition
    return {"Version": _VERSION, "Statement": [allowed]}
