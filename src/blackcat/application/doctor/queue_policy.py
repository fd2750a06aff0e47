"""Whether a queue's policy lets a topic send to it.

https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from blackcat.application.doctor.account import Policy

_SNS = "sns.amazonaws.com"
_EXACT = {"ArnEquals", "ArnLike", "StringEquals", "StringLike"}


def lets_send(policy: Policy, *, topic_arn: str, queue_arn: str) -> bool:
    """True when a statement allows it and none without a condition denies it.

    A condition that only AWS can judge counts as met where it allows, and as not met where it denies.
    """
    statements = [one for one in _listed(policy.get("Statement")) if _concerns(one, queue_arn)]
    denied = any(one.get("Effect") == "Deny" and not one.get("Condition") for one in statements)
    return not denied and any(one.get("Effect") == "Allow" and _admits(one, topic_arn) for one in statements)


def _concerns(statement: Mapping[str, Any], queue_arn: str) -> bool:
    return (
        _matches_any(statement.get("Action"), "sqs:SendMessage", ignore_case=True)
        and _matches_any(statement.get("Resource", "*"), queue_arn)
        and _is_for_sns(statement.get("Principal"))
    )


def _is_for_sns(principal: Any) -> bool:
    if isinstance(principal, Mapping):
        return "*" in _listed(principal.get("AWS")) or _SNS in _listed(principal.get("Service"))
    return bool(principal == "*")


def _admits(statement: Mapping[str, Any], topic_arn: str) -> bool:
    for operator, keys in (statement.get("Condition") or {}).items():
        for key, patterns in keys.items():
            wanted = {"aws:sourcearn": topic_arn, "aws:sourceaccount": topic_arn.split(":")[4]}.get(
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
