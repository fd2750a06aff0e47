"""A DynamoDB table of idempotency keys: the two calls that they need, in the AWS JSON protocol.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping

from chaos.history import Recorder
from chaos.queues import Call
from chaos.wire import Json

_ABSENT = re.compile(r"attribute_not_exists\((#\w+)\)")
_EQUAL = re.compile(r"\((#\w+) = (:\w+)\)")


class ConditionNotMet(Exception):  # noqa: N818 - what DynamoDB calls it
    """The item is not as the write wants it."""


class RecordedKeys:
    """Items under the key ``key``, as they came over the wire; each write is recorded with its state."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._items: dict[str, Json] = {}
        self._lock = threading.Lock()

    def put(self, parameters: Json, call: Call) -> Json:
        """Raises ConditionNotMet."""
        item = parameters["Item"]
        key = item["key"]["S"]
        with self._lock:
            if not _holds(parameters, self._items.get(key, {})):
                raise ConditionNotMet
            self._items[key] = item
            self._recorder.record(
                "key",
                client=call.client,
                answered=call.answered,
                fault=call.fault,
                key=key,
                outcome="done" if item["done"]["BOOL"] else "begun",
                reason=item["token"]["S"],
            )
        return {}

    def get(self, parameters: Json, call: Call) -> Json:
        with self._lock:
            item = self._items.get(parameters["Key"]["key"]["S"])
        return {"Item": item} if item else {}


def _holds(parameters: Json, item: Json) -> bool:
    condition: str = parameters.get("ConditionExpression", "")
    names: Mapping[str, str] = parameters.get("ExpressionAttributeNames", {})
    if absent := _ABSENT.fullmatch(condition):
        return names[absent[1]] not in item
    if equal := _EQUAL.fullmatch(condition):
        expected: Json = parameters["ExpressionAttributeValues"][equal[2]]
        return item.get(names[equal[1]]) == expected
    return not condition
