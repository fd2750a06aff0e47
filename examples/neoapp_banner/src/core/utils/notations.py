"""What the business rules need of the outside: Protocols and type aliases, and nothing else.

The domain imports this module and no other of core. The container (core/mew/core.py) binds each Protocol to
what stands behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Literal, Protocol

Cents = int
Row = Mapping[str, Any]
Comparison = Literal["=", "<", "<=", ">", ">="]
Condition = tuple[str, Comparison, Any]
ChargeStatus = Literal["pending", "paid", "refused"]


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, with its zone: UTC."""


class Records(Protocol):
    """Tables of rows, inside one transaction."""

    def add(self, table: str, row: Row) -> bool:
        """Insert the row; False, and nothing is changed, if one with its key is there already."""

    def find(self, table: str, *conditions: Condition) -> list[dict[str, Any]]:
        """The rows that fulfil all conditions, such as ``("ends_at", ">", now)``."""

    def change(self, table: str, changes: Row, *conditions: Condition) -> int:
        """Update the rows that fulfil all conditions; returns how many they were."""


class Database(Protocol):
    def transaction(self) -> AbstractContextManager[Records]:
        """Leaving it commits; an exception undoes all of it."""


class Moderator(Protocol):
    def objections(self, text: str) -> Sequence[str]:
        """What speaks against showing a text to people, such as ``violence``; empty if nothing does."""


class TextGenerator(Protocol):
    def write(self, *, task: str, about: str) -> str:
        """A text, written as the task says."""


class Payer(Protocol):
    """Who pays."""

    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def document(self) -> str: ...


class Charge(Protocol):
    """A charge: its ``reason`` if it was refused, ``pix_code`` until ``expires_at`` while pix is awaited.

    What was refused before there was a charge has no ``charge_id``.
    """

    @property
    def charge_id(self) -> str | None: ...
    @property
    def status(self) -> ChargeStatus: ...
    @property
    def reason(self) -> str: ...
    @property
    def pix_code(self) -> str: ...
    @property
    def expires_at(self) -> datetime | None: ...


class PaymentGateway(Protocol):
    """The same ``key`` charges once, however often it is called."""

    def charge_card(
        self, *, key: str, reference: str, amount: Cents, payer: Payer, card_token: str, installments: int
    ) -> Charge: ...

    def charge_pix(
        self, *, key: str, reference: str, amount: Cents, payer: Payer, expires_in: int
    ) -> Charge: ...
