"""SNS as topic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from blackcat.adapters_aws.accounts import arn
from blackcat.adapters_aws.batches import Entry, call_in_batches, dry_answer
from blackcat.adapters_aws.calls import AwsCalls, Response
from blackcat.adapters_aws.clients import AwsOptions
from blackcat.adapters_aws.messages import wire_options
from blackcat.application.ports import BatchResult
from blackcat.domain.message import AttributeValue
from blackcat.domain.outgoing import MAX_PUBLISH_BYTES, OutgoingMessage, for_topic, outgoing


class SnsTopic:
    """One SNS topic; a name that ends in ``.fifo`` is a FIFO topic. Safe to share between threads.

    A message takes up to 256 KiB with its attributes. ``group_id`` is needed by FIFO topics; a
    standard topic passes it on to standard queues, which it makes fair.
    https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
    """

    def __init__(self, name: str, options: AwsOptions) -> None:
        self._name = name
        self._options = options
        self._calls = AwsCalls("sns", options)

    @property
    def name(self) -> str:
        return self._name

    def publish(
        self,
        payload: Any,
        *,
        attributes: Mapping[str, AttributeValue] | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
    ) -> str:
        message = outgoing(
            payload, attributes=attributes, group_id=group_id, deduplication_id=deduplication_id
        )
        parameters = _publish_parameters(for_topic(message, self._name))
        answer = self._write("Publish", dry={"MessageId": "dry-run"}, **parameters)
        message_id: str = answer["MessageId"]
        return message_id

    def publish_batch(self, messages: Iterable[OutgoingMessage]) -> BatchResult:
        checked = [for_topic(message, self._name) for message in messages]
        entries = [Entry(_publish_parameters(message), size=message.size) for message in checked]

        def call(chunk: list[Response]) -> Response:
            return self._write("PublishBatch", dry=dry_answer(chunk), PublishBatchRequestEntries=chunk)

        return call_in_batches(entries, call, max_bytes=MAX_PUBLISH_BYTES)

    def _write(self, operation: str, *, dry: Response, **parameters: Any) -> Response:
        # Built from the account's number: to look a topic up by name would need another permission.
        topic = arn("sns", self._name, self._options)
        return self._calls.write(operation, self._name, dry=dry, TopicArn=topic, **parameters)


def _publish_parameters(message: OutgoingMessage) -> Response:
    return {"Message": message.body, **wire_options(message)}
