"""A driven port: what the application needs of the outside. Blackcat's Queue fits it as it is."""

from __future__ import annotations

from typing import Protocol

from payment.application.ports.driving.start_payment_usecase_contracts import StartPaymentCommand


class StartPaymentQueue(Protocol):
    def send(self, payload: StartPaymentCommand) -> str:
        """Send a command to whoever starts payments; returns the message id."""
        ...
