"""Batch calls: entries cut into chunks that AWS takes, its answers put together by position."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from blackcat.adapters_aws.calls import Response
from blackcat.adapters_aws.errors import batch_failure
from blackcat.application.ports import BatchFailure, BatchResult
from blackcat.errors import RemoteError

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api-actions.html
BATCH_ENTRIES = 10

Call = Callable[[list[Response]], Response]


@dataclass(frozen=True)
class Entry:
    """One entry of a batch call, with its size and what stands for it in the result when it succeeded."""

    parameters: Response
    size: int = 0
    receipt: str = ""


def call_in_batches(entries: Sequence[Entry], call: Call, *, max_bytes: int) -> BatchResult:
    """Sends all entries, in order, in as few calls as the limits allow.

    Raises the RemoteError of the first call. When a later call fails, its entries and all after them
    are reported as failed: what was sent before is not lost from the result, nor is the order.
    """
    outcome = _Outcome(entries)
    for chunk in _chunks(entries, max_bytes):
        if outcome.broken:
            outcome.leave_out(chunk)
            continue
        try:
            answer = call([{"Id": str(index), **entries[index].parameters} for index in chunk])
        except RemoteError as error:
            if chunk.start == 0:
                raise
            outcome.refuse(chunk, error)
        else:
            outcome.reconcile(chunk, answer)
    return BatchResult(outcome.succeeded, tuple(outcome.failed))


def dry_answer(entries: Sequence[Response]) -> Response:
    """What AWS would answer if every entry succeeded."""
    return {"Successful": [{"Id": entry["Id"], "MessageId": "dry-run"} for entry in entries]}


@dataclass
class _Outcome:
    entries: Sequence[Entry]
    succeeded: dict[int, str] = field(default_factory=dict)
    failed: list[BatchFailure] = field(default_factory=list)
    broken: bool = False

    def reconcile(self, chunk: range, answer: Response) -> None:
        successful = {int(entry["Id"]): entry for entry in answer.get("Successful", ())}
        failed = {int(entry["Id"]): entry for entry in answer.get("Failed", ())}
        for index in chunk:
            if index in successful:
                self.succeeded[index] = self.entries[index].receipt or successful[index]["MessageId"]
            elif index in failed:
                self.failed.append(batch_failure(index, failed[index]))
            else:
                self.failed.append(BatchFailure(index, "NoAnswer", "AWS did not answer for this entry", True))

    def refuse(self, chunk: range, error: RemoteError) -> None:
        self.broken = True
        code = error.code or type(error).__name__
        self.failed += [BatchFailure(index, code, error.detail, error.transient) for index in chunk]

    def leave_out(self, chunk: range) -> None:
        self.failed += [
            BatchFailure(index, "NotSent", "not sent, because an earlier call of this batch failed", True)
            for index in chunk
        ]


def _chunks(entries: Sequence[Entry], max_bytes: int) -> Iterator[range]:
    start, size = 0, 0
    for index, entry in enumerate(entries):
        if index > start and (index - start == BATCH_ENTRIES or size + entry.size > max_bytes):
            yield range(start, index)
            start, size = index, 0
        size += entry.size
    if start < len(entries):
        yield range(start, len(entries))
