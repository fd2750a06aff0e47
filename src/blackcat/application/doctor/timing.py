"""Checks of durations: leases, retries and retention of queues, and what a stop leaves time for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from blackcat.application.doctor import rules
from blackcat.application.doctor.examination import Results
from blackcat.application.doctor.messaging import consumers
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.retry import RetryPolicy
from blackcat.domain.service import ServiceType
from blackcat.errors import InvalidDeclaration
from blackcat.resources import QueueResource, with_prefix

# A call is given 5 seconds to connect and is tried three times: within half of this it may still succeed.
SAFE_VISIBILITY = timedelta(seconds=30)
# What a stop keeps back to delete what was handled and to give back the rest.
FLUSH = timedelta(seconds=2)
# How long ECS and Kubernetes wait after SIGTERM unless they are told otherwise.
PLATFORM_PATIENCE = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """The settings that decide together with the declaration whether a consumer works."""

    wait: timedelta
    budget: timedelta
    max_handling: timedelta
    dry_run: bool = False
    prefix: str = ""


def timing(registry: ServiceRegistry, settings: RunSettings) -> Results:
    """Settings against each other, and each consumed queue against the settings."""
    yield from _prefixed_names(registry, settings)
    yield from _stop(settings, has_consumers=bool(consumers(registry)))
    for service in registry:
        if service.type is ServiceType.CONSUMER and settings.dry_run:
            yield rules.DRY_RUN_CONSUMER.found(f"consumer '{service.name}'", "AWS_DRY_RUN is true")
    for queue, services in consumers(registry).items():
        yield from _lease(queue, settings)
        yield from _dead_letters(queue)
        yield from _retention(queue, settings, max((s.retry for s in services), key=lambda r: r.longest))


def _prefixed_names(registry: ServiceRegistry, settings: RunSettings) -> Results:
    for resource in registry.resources:
        try:
            with_prefix(resource, settings.prefix)
        except InvalidDeclaration as error:
            yield rules.NAME_TOO_LONG_WITH_PREFIX.found(f"'{resource.name}'", str(error))


def _stop(settings: RunSettings, *, has_consumers: bool) -> Results:
    wait, budget = _seconds(settings.wait), _seconds(settings.budget)
    told = f"CONSUMER_WAIT_SECONDS is {wait}, SHUTDOWN_TIMEOUT_SECONDS is {budget}"
    if has_consumers and settings.wait >= settings.budget:
        yield rules.WAIT_BEYOND_BUDGET.found("settings", told)
    elif has_consumers and settings.wait + FLUSH > settings.budget:
        yield rules.WAIT_LEAVES_NO_TIME.found("settings", told)
    if settings.budget >= PLATFORM_PATIENCE:
        yield rules.BUDGET_BEYOND_PLATFORM.found("settings", f"SHUTDOWN_TIMEOUT_SECONDS is {budget}")


def _lease(queue: QueueResource, settings: RunSettings) -> Results:
    subject = f"queue '{queue.name}'"
    told = f"its visibility_timeout is {_seconds(queue.visibility_timeout)} seconds"
    if not queue.visibility_timeout:
        yield rules.VISIBILITY_ZERO.found(subject, told)
    elif queue.visibility_timeout < SAFE_VISIBILITY:
        yield rules.VISIBILITY_SHORT.found(subject, told)
    if queue.visibility_timeout > settings.max_handling:
        longest = _seconds(settings.max_handling)
        yield rules.VISIBILITY_BEYOND_HANDLING.found(
            subject, f"{told}, CONSUMER_MAX_HANDLING_SECONDS is {longest}"
        )


def _dead_letters(queue: QueueResource) -> Results:
    if queue.max_receive_count is None:
        yield rules.NO_DEAD_LETTER_QUEUE.found(f"queue '{queue.name}'", "its max_receive_count is None")
    elif queue.max_receive_count == 1:
        yield rules.ONE_RECEIVE.found(f"queue '{queue.name}'", "its max_receive_count is 1")


def _retention(queue: QueueResource, settings: RunSettings, retry: RetryPolicy) -> Results:
    subject = f"queue '{queue.name}'"
    if queue.delay >= queue.retention:
        yield rules.DELAY_BEYOND_RETENTION.found(
            subject,
            f"its delay is {_seconds(queue.delay)} seconds, its retention {_seconds(queue.retention)}",
        )
        return
    needed = settings.max_handling + _pauses(retry, queue.max_receive_count or 1)
    if queue.retention <= needed:
        yield rules.RETENTION_WITHIN_RETRIES.found(
            subject,
            f"its retention is {queue.retention}; the pauses between its receives and one handling may take "
            f"{needed}",
        )


def _pauses(retry: RetryPolicy, receives: int) -> timedelta:
    """The longest time that the pauses between so many receives may take together."""
    doublings = range(min(receives - 1, 64))
    ceilings = [min(retry.base.total_seconds() * 2**n, retry.longest.total_seconds()) for n in doublings]
    beyond = max(0, receives - 1 - len(ceilings)) * retry.longest.total_seconds()
    return timedelta(seconds=sum(ceilings) + beyond)


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():g}"
