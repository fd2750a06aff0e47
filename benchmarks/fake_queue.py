"""A queue of the fake SQS: its messages, their receipts and visibility, and who waits for one."""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from orjson import dumps

ACCOUNT = "000000000000"
# About as long as the receipt handles of AWS, which every delete has to carry back.
_PADDING = "A" * 400
Parameters = dict[str, Any]
Answer = Callable[[bytes], None]


class RefusedError(Exception):
    """A call that SQS would answer with an error."""

    def __init__(self, code: str, query_code: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.query_code = query_code or code


class Held:
    """A message in the queue, its unchanging parts encoded once."""

    __slots__ = ("attributes", "count", "encoded", "expires", "number")

    def __init__(self, number: int, body: str, attributes: Parameters | None) -> None:
        self.number = number
        self.count = 0
        self.expires = 0.0
        md5 = hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
        fields = {"MessageId": f"{number:08x}-0000-4000-8000-000000000000", "MD5OfBody": md5, "Body": body}
        self.encoded = dumps(fields)[:-1]
        self.attributes = b',"MessageAttributes":' + dumps(attributes) if attributes else b""

    @property
    def receipt(self) -> str:
        return f"{self.number}.{self.count}.{_PADDING}"


class Waiter:
    """A ReceiveMessage that waits for a message."""

    __slots__ = ("answer", "parameters", "timer")

    def __init__(self, parameters: Parameters, answer: Answer) -> None:
        self.parameters = parameters
        self.answer = answer
        self.timer: asyncio.TimerHandle | None = None


class Queue:
    """One queue: visible messages in order, hidden ones until their visibility timeout runs out."""

    def __init__(self, name: str, address: str, visibility_timeout: float = 30.0) -> None:
        self.name = name
        self.url = f"{address}/{ACCOUNT}/{name}"
        self.visibility_timeout = visibility_timeout
        self.messages: dict[int, Held] = {}
        self.visible: deque[Held] = deque()
        self.hidden: dict[int, Held] = {}
        self.expiries: list[tuple[float, int]] = []
        self.waiters: deque[Waiter] = deque()
        self.most_waiting = 0
        self.redelivered = 0
        self.deleted = 0

    def add(self, body: str, attributes: Parameters | None = None) -> Held:
        held = Held(len(self.messages), body, attributes)
        self.messages[held.number] = held
        self.visible.append(held)
        return held

    def take(self, parameters: Parameters) -> bytes:
        """The answer to a receive; empty when there is no message."""
        now = time.monotonic()
        self.reveal(now)
        if not self.visible:
            return b""
        timeout = parameters.get("VisibilityTimeout", self.visibility_timeout)
        asked = _asked(parameters)
        found = [
            self._hand_out(self.visible.popleft(), now + timeout, asked)
            for _ in range(min(parameters.get("MaxNumberOfMessages", 1), len(self.visible)))
        ]
        return b'{"Messages":[' + b",".join(found) + b"]}"

    def delete(self, receipt: str) -> None:
        held = self._held(receipt)
        if held is None:
            return
        if self.hidden.pop(held.number, None) is None:
            self.visible.remove(held)
        del self.messages[held.number]
        self.deleted += 1

    def change_visibility(self, receipt: str, timeout: float) -> None:
        held = self._held(receipt)
        if held is None or held.number not in self.hidden:
            raise RefusedError("ReceiptHandleIsInvalid")
        self._hide_until(held, time.monotonic() + timeout)

    def reveal(self, now: float) -> None:
        """What was hidden long enough is visible again."""
        while self.expiries and self.expiries[0][0] <= now:
            expires, number = heapq.heappop(self.expiries)
            held = self.hidden.get(number)
            if held is not None and held.expires == expires:
                del self.hidden[number]
                self.visible.append(held)

    def serve_waiters(self) -> None:
        while self.waiters and (answer := self.take(self.waiters[0].parameters)):
            waiter = self.waiters.popleft()
            if waiter.timer:
                waiter.timer.cancel()
            waiter.answer(answer)

    def drop_waiters(self) -> None:
        for waiter in self.waiters:
            if waiter.timer:
                waiter.timer.cancel()
        self.waiters.clear()

    def _hand_out(self, held: Held, expires: float, asked: tuple[bool, bool]) -> bytes:
        held.count += 1
        self.redelivered += held.count > 1
        self._hide_until(held, expires)
        system, attributes = asked
        parts = [held.encoded, b',"ReceiptHandle":"', held.receipt.encode(), b'"']
        if system:
            parts.append(
                b',"Attributes":{"SenderId":"AIDAEXAMPLE","ApproximateFirstReceiveTimestamp":"1790000000000",'
                b'"ApproximateReceiveCount":"%d","SentTimestamp":"1790000000000"}' % held.count
            )
        if attributes:
            parts.append(held.attributes)
        parts.append(b"}")
        return b"".join(parts)

    def _hide_until(self, held: Held, expires: float) -> None:
        held.expires = expires
        self.hidden[held.number] = held
        heapq.heappush(self.expiries, (expires, held.number))

    def _held(self, receipt: str) -> Held | None:
        """The message that this receipt stands for; None when it is deleted."""
        try:
            number, count, _ = receipt.split(".")
            held = self.messages.get(int(number))
        except ValueError:
            raise RefusedError("ReceiptHandleIsInvalid") from None
        return held if held is not None and held.count == int(count) else None


def _asked(parameters: Parameters) -> tuple[bool, bool]:
    """Whether system attributes and message attributes are wanted."""
    system = parameters.get("MessageSystemAttributeNames") or parameters.get("AttributeNames")
    return bool(system), bool(parameters.get("MessageAttributeNames"))
