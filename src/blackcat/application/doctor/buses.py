"""Checks of event buses and their rules in AWS against their declaration."""

from __future__ import annotations

import json

from blackcat.application.doctor import rules
from blackcat.application.doctor.account import Account, DescribedRule
from blackcat.application.doctor.examination import Results
from blackcat.application.doctor.queue_policy import EVENT_BRIDGE, lets_send
from blackcat.application.doctor.reading import read
from blackcat.domain.findings import Unchecked
from blackcat.errors import NotFound, RemoteError
from blackcat.resources import BusRule, EventBusResource, QueueResource


def bus_in_aws(bus: EventBusResource, account: Account) -> Results:
    """The event bus, which is there."""
    yield from read(f"event bus '{bus.name}'", lambda: account.event_bus(bus), rules.BUS_MISSING)


def rule_in_aws(queue: QueueResource, rule: BusRule, account: Account) -> Results:
    """The rule, which is there, as it was declared, and admitted by the queue."""
    subject = f"rule '{rule.name_for(queue.name)}' of event bus '{rule.bus.name}'"
    try:
        actual = account.rule(rule, queue)
    except NotFound:
        return  # told by the check of the event bus
    except RemoteError as error:
        yield Unchecked(subject, str(error))
        return
    if actual is None:
        yield rules.RULE_MISSING.found(subject, "there is none")
        return
    yield from _differences(subject, rule, actual)
    yield from _delivery(subject, queue, actual, account)


def _differences(subject: str, declared: BusRule, actual: DescribedRule) -> Results:
    if not actual.enabled:
        yield rules.RULE_DISABLED.found(subject, "its state is DISABLED")
    # As AWS keeps it: in JSON.
    wanted = json.loads(json.dumps(declared.pattern))
    if actual.pattern != wanted:
        yield rules.PATTERN_DIFFERS.found(
            subject, f"in AWS it is {json.dumps(actual.pattern)}, declared {json.dumps(wanted)}"
        )


def _delivery(subject: str, queue: QueueResource, actual: DescribedRule, account: Account) -> Results:
    targets = [target for target in actual.targets if target.arn == account.arn(queue)]
    if not targets:
        yield rules.TARGET_DIFFERS.found(subject, f"queue '{queue.name}' is none of its targets")
    elif any(target.transformed for target in targets):
        yield rules.TARGET_DIFFERS.found(subject, "its target sends something else than the event")
    yield from _admission(subject, queue, actual, account)


def _admission(subject: str, queue: QueueResource, actual: DescribedRule, account: Account) -> Results:
    try:
        target = account.queue(queue)
    except NotFound:
        return  # told by the check of the queue
    except RemoteError as error:
        yield Unchecked(f"policy of queue '{queue.name}'", str(error))
        return
    if not lets_send(target.policy, EVENT_BRIDGE, source_arn=actual.arn, queue_arn=target.arn):
        yield rules.RULE_MAY_NOT_SEND.found(f"queue '{queue.name}'", f"its policy does not admit {subject}")
