"""Those around the project: its customers, and the payment processor."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import UUID

import pytest

from blackcat import connect
from blackcat.adapters_aws import Provisioner
from blackcat.application.ports import Queue, Topic
from blackcat.entrypoints.project_tests import EmulatedAws
from blackcat.entrypoints.pytest_plugin import RunService
from blackcat.resources import QueueResource, with_prefix
from services import payment_processed, payment_started
from tests.integration.conftest import eventually

PROCESSOR_QUEUE = QueueResource("process_payment_cmd")


@dataclass(frozen=True)
class Customer:
    """Orders over HTTP, and looks at what becomes of the payment."""

    api: str

    def order(self, *, method: str = "pix") -> UUID:
        status, body = self._fetch("/payments", {"amount": "49.90", "currency": "BRL", "method": method})
        assert status == 202, body
        return UUID(body["payment_id"])

    def sees(self, status: str, payment_id: UUID) -> dict[str, Any]:
        """The payment, once it has that status."""

        def look() -> dict[str, Any] | None:
            _, body = self._fetch(f"/payments/{payment_id}")
            return body if body["status"] == status else None

        return eventually(f"payment {payment_id} is {status}", look)

    def _fetch(self, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.api + path, data, {"Content-Type": "application/json"})
        try:
            with urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)


@dataclass(frozen=True)
class PaymentProcessor:
    """Hears of payments that were started, and says which ones were processed."""

    queue: Queue
    topic: Topic

    def hears_of(self, payment_id: UUID) -> dict[str, Any]:
        """What was announced of that payment, once it was."""
        return eventually(f"payment {payment_id} is announced", lambda: self.hears_now_of(payment_id))

    def hears_now_of(self, payment_id: UUID) -> dict[str, Any] | None:
        messages = self.queue.receive(wait=timedelta(seconds=1))
        self.queue.delete([message.receipt for message in messages])
        announced = [json.loads(message.body) for message in messages]
        return next((one for one in announced if one["payment_id"] == str(payment_id)), None)

    def confirms(self, payment_id: UUID) -> None:
        self.topic.publish({"payment_id": payment_id})


@pytest.fixture
def processor(aws: EmulatedAws) -> PaymentProcessor:
    provisioner = Provisioner(aws.options)
    queue = with_prefix(PROCESSOR_QUEUE, aws.prefix)
    provisioner.create(queue)
    announced = with_prefix(payment_started, aws.prefix)
    provisioner.subscribe(queue, [announced.subscription(raw_delivery=True)])
    return PaymentProcessor(connect(PROCESSOR_QUEUE), connect(payment_processed))


@pytest.fixture
def customer(run_service: RunService) -> Customer:
    """A customer of the API, with both consumers behind it."""
    run_service("start_payment")
    run_service("payment_processed")
    return Customer(run_service("payment_api").url)
