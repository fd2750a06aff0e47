"""A consumer as a Lambda function: the records of a queue, or what a topic or bus sends it directly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from blackcat.application.events import EventLog
from blackcat.application.ports import Broker, Resolver
from blackcat.domain.message import Message
from blackcat.domain.outcome import Outcome
from blackcat.domain.service import Service
from blackcat.entrypoints.aws_lambda.batches import BatchAnswer, handle_batch
from blackcat.entrypoints.aws_lambda.counting import counted
from blackcat.entrypoints.aws_lambda.events import Kind
from blackcat.entrypoints.aws_lambda.records import SqsRecord
from blackcat.entrypoints.aws_lambda.sent import DIRECTLY, handle_directly, leased_records
from blackcat.entrypoints.aws_lambda.settling import Settling
from blackcat.entrypoints.aws_lambda.sources import Invocation, not_for
from blackcat.entrypoints.message_handler import message_handler
from blackcat.errors import InvalidDeclaration
from blackcat.infra.settings.configuration import Settings
from blackcat.resources import with_prefix

log = EventLog("blackcat.consumer")

_TAKES = (Kind.SQS, *DIRECTLY)
# A settlement has a part of an invocation, which is charged; the second attempt is for a connection that
# ended while the process was frozen.
_CALL_TIMEOUT = timedelta(seconds=2)
_ATTEMPTS = 2


class ConsumerFunction:
    """Handles an event's messages as the consumer's process does; the settlement is Lambda's.

    Of a queue's records those that are not done are answered as failed. What a topic or bus sends has no
    queue: the invocation fails, and Lambda tries it twice again.
    """

    def __init__(
        self,
        service: Service,
        resolver: Resolver | None,
        settings: Settings,
        *,
        broker: Callable[[], Broker] | None = None,
    ) -> None:
        self._service = service
        self._concurrency = settings.consumer_concurrency
        self._settling = Settling(
            service, version=settings.service_version, broker=broker or partial(_connected, settings)
        )
        queue = with_prefix(service.queue, settings.resource_prefix).name if service.queue else ""
        self._handle = counted(message_handler(service, resolver, queue=queue))

    def __call__(self, invocation: Invocation) -> BatchAnswer | None:
        """Raises UnknownEvent for an event that no consumer takes, and ServiceFailed."""
        if invocation.kind is Kind.SQS:
            return self._of_queue(invocation)
        if invocation.kind not in _TAKES:
            raise not_for(self._service, invocation.kind, _TAKES)
        handle_directly(invocation, self._handle)
        return None

    def _of_queue(self, invocation: Invocation) -> BatchAnswer:
        records = leased_records(invocation)
        settle, release = self._settled_in(records)
        return handle_batch(
            records,
            self._handle,
            deadline=invocation.deadline,
            concurrency=self._concurrency,
            settle=settle,
            release=release,
        )

    def _settled_in(
        self, records: Sequence[SqsRecord]
    ) -> tuple[Callable[[Message, Outcome], bool], Callable[[Sequence[Message]], None]]:
        # An event source mapping reads one queue; a record may lack its ARN.
        queue = next((record.queue for record in records if record.queue), "")
        return partial(self._settling.settle, queue), partial(self._settling.release, queue)


def check_consumer(service: Service, settings: Settings) -> None:
    """Raises InvalidDeclaration for what a consumer declares and Lambda does not do."""
    if settings.queue_backend != "sqs":
        raise InvalidDeclaration(
            f"consumer '{service.name}' cannot run on Lambda with QUEUE_BACKEND={settings.queue_backend}: "
            "Lambda polls SQS; unset it"
        )
    for name in ("rate_limit", "circuit_breaker"):
        if getattr(service, name) is not None:
            log.warning(
                "consumer.limit_not_kept",
                reason=f"Lambda polls, so {name} does nothing: set the maximum concurrency of the event "
                "source mapping",
            )


def _connected(settings: Settings) -> Broker:
    # Only what does not go well pays for boto3.
    from blackcat.adapters_aws import SqsBroker
    from blackcat.entrypoints.connections import aws_options

    return SqsBroker(replace(aws_options(settings), read_timeout=_CALL_TIMEOUT, attempts=_ATTEMPTS))
