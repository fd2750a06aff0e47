"""Checks of queues in AWS against their declaration."""

from __future__ import annotations

from collections.abc import Iterator

from blackcat.application.doctor import rules
from blackcat.application.doctor.account import Account, DescribedQueue
from blackcat.application.doctor.examination import Results
from blackcat.application.doctor.reading import read
from blackcat.resources import QueueResource

# AWS's own key for SQS: its policy cannot be changed.
_AWS_MANAGED_KEY = "alias/aws/sqs"


def queue_in_aws(queue: QueueResource, account: Account, *, consumed: bool, fed: bool) -> Results:
    """The queue and its dead-letter queue, which are there and as they were declared.

    One that is ``fed`` receives what topics or event buses deliver.
    """
    subject = f"queue '{queue.name}'"
    actual = yield from read(subject, lambda: account.queue(queue), rules.QUEUE_MISSING)
    if actual is None:
        return
    if consumed and not actual.visibility_timeout and queue.visibility_timeout:
        yield rules.VISIBILITY_ZERO.found(subject, "in AWS its visibility timeout is 0")
    yield from _attributes(queue, actual)
    yield from _encryption(queue, actual, fed=fed)
    if queue.dead_letter:
        yield from _dead_letters(queue, queue.dead_letter, actual, account)


def _attributes(declared: QueueResource, actual: DescribedQueue) -> Results:
    subject = f"queue '{declared.name}'"
    for name, wanted, found in _durations(declared, actual):
        if wanted != found:
            yield rules.QUEUE_DIFFERS.found(
                subject, f"its {name} is {found} seconds in AWS, declared are {wanted}"
            )
    if declared.fifo and declared.content_based_deduplication != actual.content_based_deduplication:
        yield rules.DEDUPLICATION_DIFFERS.found(
            subject,
            f"it is {_onoff(actual.content_based_deduplication)} in AWS, "
            f"declared {_onoff(declared.content_based_deduplication)}",
        )


def _durations(declared: QueueResource, actual: DescribedQueue) -> Iterator[tuple[str, int, int]]:
    for name in ("visibility_timeout", "retention", "delay"):
        wanted, found = getattr(declared, name), getattr(actual, name)
        # SQS counts whole seconds.
        yield name, -int(-wanted.total_seconds() // 1), int(found.total_seconds())


def _encryption(declared: QueueResource, actual: DescribedQueue, *, fed: bool) -> Results:
    subject = f"queue '{declared.name}'"
    if actual.encrypted is False:
        yield rules.QUEUE_NOT_ENCRYPTED.found(subject, "neither SSE-SQS nor a KMS key is set")
    if fed and actual.key and actual.key.endswith(_AWS_MANAGED_KEY):
        yield rules.KEY_SHUTS_OUT_FEEDERS.found(subject, f"its KmsMasterKeyId is {actual.key}")


def _dead_letters(
    declared: QueueResource, dead_letter: QueueResource, actual: DescribedQueue, account: Account
) -> Results:
    subject = f"queue '{declared.name}'"
    yield from _redrive(declared, dead_letter, actual)
    target = yield from read(
        f"queue '{dead_letter.name}'", lambda: account.queue(dead_letter), rules.QUEUE_MISSING
    )
    if target is None:
        return
    if target.retention <= actual.retention:
        yield rules.DEAD_LETTERS_EXPIRE_EARLY.found(
            f"queue '{dead_letter.name}'",
            f"it keeps messages for {target.retention}, '{declared.name}' for {actual.retention}",
        )
    if not _takes(target, actual.arn):
        yield rules.REDRIVE_NOT_ALLOWED.found(subject, f"'{dead_letter.name}' does not allow it")
    yield from _encryption(dead_letter, target, fed=False)


def _redrive(declared: QueueResource, dead_letter: QueueResource, actual: DescribedQueue) -> Results:
    subject = f"queue '{declared.name}'"
    if actual.dead_letter_arn is None:
        yield rules.REDRIVE_MISSING.found(
            subject, f"declared is '{dead_letter.name}' after {declared.max_receive_count} receives"
        )
        return
    target = actual.dead_letter_arn.rpartition(":")[2]
    if (target, actual.max_receive_count) != (dead_letter.name, declared.max_receive_count):
        yield rules.REDRIVE_DIFFERS.found(
            subject,
            f"in AWS it is '{target}' after {actual.max_receive_count} receives, "
            f"declared is '{dead_letter.name}' after {declared.max_receive_count}",
        )


def _takes(dead_letter: DescribedQueue, source_arn: str) -> bool:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html"""
    permission = dead_letter.redrive_allowed_to.get("redrivePermission", "allowAll")
    sources = dead_letter.redrive_allowed_to.get("sourceQueueArns", ())
    return permission == "allowAll" or (permission == "byQueue" and source_arn in sources)


def _onoff(flag: bool) -> str:
    return "on" if flag else "off"
