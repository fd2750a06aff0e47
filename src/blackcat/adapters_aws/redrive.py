"""What SQS does to a whole queue by itself: move its dead letters back, and purge it."""

from __future__ import annotations

from typing import Any

from blackcat.adapters_aws.accounts import arn
from blackcat.adapters_aws.calls import AwsCalls
from blackcat.adapters_aws.clients import AwsOptions
from blackcat.application.redrive.move_tasks import MoveTask


class SqsMoveTasks:
    """SQS's own redrive: it goes on while nobody watches, one task per dead-letter queue at a time.

    Only a queue that is the dead-letter queue of another SQS queue can be moved, and only as a whole;
    messages keep all their attributes and get a new id. 1 to 500 messages per second.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
    """

    def __init__(self, options: AwsOptions) -> None:
        self._calls = AwsCalls("sqs", options)

    def start(self, dead_letters: str, target: str, *, per_second: int | None) -> str:
        rate = {} if per_second is None else {"MaxNumberOfMessagesPerSecond": per_second}
        answer = self._calls.write(
            "StartMessageMoveTask",
            dead_letters,
            dry={"TaskHandle": "dry-run"},
            SourceArn=self._arn(dead_letters),
            # Without it SQS would refuse what consumers sent there: it did not move these itself.
            DestinationArn=self._arn(target),
            **rate,
        )
        handle: str = answer["TaskHandle"]
        return handle

    def latest(self, dead_letters: str) -> MoveTask:
        answer = self._calls.read(
            "ListMessageMoveTasks", dead_letters, SourceArn=self._arn(dead_letters), MaxResults=1
        )
        task: dict[str, Any] = answer["Results"][0]
        return MoveTask(
            status=task["Status"],
            moved=int(task.get("ApproximateNumberOfMessagesMoved") or 0),
            to_move=int(task.get("ApproximateNumberOfMessagesToMove") or 0),
            failure=task.get("FailureReason") or "",
        )

    def cancel(self, dead_letters: str, handle: str) -> None:
        self._calls.write("CancelMessageMoveTask", dead_letters, dry={}, TaskHandle=handle)

    def _arn(self, queue: str) -> str:
        return arn("sqs", queue, self._calls.options)


def purge(queue: str, options: AwsOptions) -> None:
    """Delete every message of a queue, which takes SQS up to a minute; refused twice within one.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_PurgeQueue.html
    """
    calls = AwsCalls("sqs", options)
    url = calls.read("GetQueueUrl", queue, QueueName=queue)["QueueUrl"]
    calls.write("PurgeQueue", queue, dry={}, QueueUrl=url)
