"""EventBridge as event bus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from blackcat.adapters_aws.batches import Entry, call_in_batches
from blackcat.adapters_aws.calls import AwsCalls, Response
from blackcat.adapters_aws.clients import AwsOptions
from blackcat.adapters_aws.errors import by_code
from blackcat.application.events import EventLog
from blackcat.application.ports import BatchResult
from blackcat.domain.outgoing_event import MAX_EVENT_BYTES, OutgoingEvent
from blackcat.errors import AccessDenied

log = EventLog(__name__)


class EventBridgeBus:
    """One event bus of EventBridge. Safe to share between threads.

    EventBridge accepts events for a bus that does not exist, and drops them. So the bus is asked for
    once, before the first event, which needs events:DescribeEventBus beside events:PutEvents.
    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
    """

    def __init__(self, name: str, options: AwsOptions) -> None:
        self._name = name
        self._calls = AwsCalls("events", options)
        self._found = False

    @property
    def name(self) -> str:
        return self._name

    def require(self) -> None:
        """Asks for the bus, unless it was found before. Raises BusNotFound.

        Where the role may not ask, that is logged, and events go out unasked.
        """
        if self._found:
            return
        try:
            self._calls.read("DescribeEventBus", self._name, Name=self._name)
        except AccessDenied as error:
            log.warning("bus.not_checked", error=error, bus=self._name)
        self._found = True

    def put(
        self,
        detail: Any,
        *,
        source: str,
        detail_type: str,
        resources: Sequence[str] = (),
        time: datetime | None = None,
    ) -> str:
        event = OutgoingEvent.of(
            detail, source=source, detail_type=detail_type, resources=resources, time=time
        )
        result = self.put_batch([event])
        for failure in result.failed:
            raise by_code(
                failure.code, failure.reason, service="events", operation="PutEvents", resource=self._name
            )
        return result.succeeded[0]

    def put_batch(self, events: Iterable[OutgoingEvent]) -> BatchResult:
        entries = [Entry(self._entry(event), size=event.size) for event in events]
        if entries:
            self.require()
        return call_in_batches(entries, self._put, max_bytes=MAX_EVENT_BYTES - 1)

    def _entry(self, event: OutgoingEvent) -> Response:
        entry: Response = {
            "EventBusName": self._name,
            "Source": event.source,
            "DetailType": event.detail_type,
            "Detail": event.detail,
        }
        if event.resources:
            entry["Resources"] = list(event.resources)
        if event.time:
            entry["Time"] = event.time
        return entry

    def _put(self, chunk: list[Response]) -> Response:
        ids = [entry.pop("Id") for entry in chunk]
        dry = {"Entries": [{"EventId": "dry-run"} for _ in ids]}
        answer = self._calls.write("PutEvents", self._name, dry=dry, Entries=chunk)
        return _by_id(ids, answer["Entries"])


def _by_id(ids: Sequence[str], answered: Sequence[Response]) -> Response:
    """The answer as SQS and SNS would give it: EventBridge tells entries by their order."""
    answer: Response = {"Successful": [], "Failed": []}
    for entry_id, one in zip(ids, answered, strict=False):
        if "EventId" in one:
            answer["Successful"].append({"Id": entry_id, "MessageId": one["EventId"]})
        elif "ErrorCode" in one:
            failed = {"Id": entry_id, "Code": one["ErrorCode"], "Message": one.get("ErrorMessage", "")}
            answer["Failed"].append(failed)
    return answer
