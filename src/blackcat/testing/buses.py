"""An event bus in memory, which delivers to queues as EventBridge does."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from blackcat.application.clock import SystemClock
from blackcat.application.ports import BatchResult, Clock, Queue
from blackcat.domain.outgoing_event import OutgoingEvent
from blackcat.resources import BusRule, EventBusResource
from blackcat.testing.event_patterns import matches


class InMemoryEventBus:
    """A bus that remembers the ``events`` put on it and delivers them to the queues of its rules at once.

    Safe to share between threads.
    """

    def __init__(self, resource: EventBusResource, clock: Clock | None = None) -> None:
        self.resource = resource
        self.events: list[OutgoingEvent] = []
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._rules: list[tuple[Mapping[str, Any], Queue]] = []

    @property
    def name(self) -> str:
        return self.resource.name

    def subscribe(self, queue: Queue, rule: BusRule) -> None:
        """From now on the queue receives the events that match the rule's pattern.

        A pattern may have exact values, ``prefix``, ``suffix``, ``equals-ignore-case``,
        ``anything-but``, ``numeric``, ``exists`` and ``$or``; an event raises InvalidDeclaration for
        others.
        """
        with self._lock:
            self._rules.append((rule.pattern, queue))

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
        return self._put(event)

    def put_batch(self, events: Iterable[OutgoingEvent]) -> BatchResult:
        return BatchResult({index: self._put(event) for index, event in enumerate(list(events))})

    def _put(self, event: OutgoingEvent) -> str:
        event_id = str(uuid.uuid4())
        delivered = self._delivered(event_id, event)
        with self._lock:
            self.events.append(event)
            for pattern, queue in self._rules:
                if matches(pattern, delivered):
                    queue.send(json.dumps(delivered, ensure_ascii=False))
        return event_id

    def _delivered(self, event_id: str, event: OutgoingEvent) -> dict[str, Any]:
        """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html"""
        moment = (event.time or self._clock.now()).astimezone(timezone.utc)
        return {
            "version": "0",
            "id": event_id,
            "detail-type": event.detail_type,
            "source": event.source,
            "account": "000000000000",
            "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": "us-east-1",
            "resources": list(event.resources),
            "detail": json.loads(event.detail),
        }
