"""Whether a queue's policy lets a topic, or a rule of an event bus, send to it.

https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from blackcat.application.doctor.account import Policy

SNS = "sns.amazonaws.com"
EVENT_BRIDGE = "events.amazonaws.com"
_EXACT = {"ArnEquals", "ArnLike", "StringEquals", "StringLike"}


def lets_send(policy: Policy, service: str, *, source_arn: str, queue_arn: str) -> bool:
    """Whether the service may send for this topic or rule.

    A statement must allow it, and none without a condition deny it. A condition that only AWS can judge
    counts as met where it allows, and as not met where it denies.
    """
    statements = [one for one in _listed(policy.get("Statement")) if _concerns(one, service, queue_arn)]
    denied = any(one.get("Effect") == "Deny" and not one.get("Condition") for one in statements)
    return not denied and any(one.get("Effect") == "Allow" and _admits(one, source_arn) for one in statements)


def _concerns(statement: Mapping[str, Any], service: str, queue_arn: str) -> bool:
    return (
        _matches_any(statement.get("Action"), "sqs:SendMessage", ignore_case=True)
        and _matches_any(statement.get("Resource", "*"), queue_arn)
        and _is_for(service, statement.get("Principal"))
    )


def _is_for(service: str, principal: Any) -> bool:
    if isinstance(principal, Mapping):
        return "*" in _listed(principal.get("AWS")) or service in _listed(principal.get("Service"))
    return bool(principal == "*")


def _admits(statement: Mapping[str, Any], source_arn: str) -> bool:
    for operator, keys in (statement.get("Condition") or {}).items():
        for key, patterns in keys.items():
            wanted = {"aws:sourcearn": source_arn, "aws:sourceaccount": source_arn.split(":")[4]}.get(
                key.lower()
            )
            known = operator.removeprefix("ForAnyValue:") in _EXACT
            if known and wanted is not None and not _matches_any(patterns, wanted):
                return False
    return True


def _matches_any(patterns: Any, text: str, *, ignore_case: bool = False) -> bool:
    flags = re.IGNORECASE if ignore_case else 0
    return any(re.fullmatch(_regex(str(pattern)), text, flags) for pattern in _listed(patterns))


def _regex(pattern: str) -> str:
    return re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
