"""DynamoDB as a table of items."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from blackcat.adapters_aws.calls import AwsCalls, Response
from blackcat.adapters_aws.clients import AwsOptions
from blackcat.adapters_aws.dynamodb_batches import MAX_KEYS, MAX_WRITES, send_in_batches
from blackcat.adapters_aws.dynamodb_requests import (
    delete_request,
    get_request,
    put_request,
    query_request,
)
from blackcat.adapters_aws.dynamodb_values import decode_item, encode_item
from blackcat.application.ports import Item
from blackcat.domain.conditions import KeyCondition
from blackcat.domain.item import (
    place,
    require_distinct,
    require_limit,
    saved_item,
    stored,
    stored_key,
    stored_version,
)
from blackcat.resources import TableResource


class DynamoTable:
    """One DynamoDB table. Safe to share between threads.

    Items take up to 400 KB. ``get`` and ``get_batch`` read consistently; ``query`` may miss what was
    written within the last second. A conditional write whose answer got lost is sent again and then
    finds its own first attempt: read the item again after ConditionFailed before concluding that another
    writer won. What a batch call leaves over is sent again, after a backoff.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html
    """

    def __init__(
        self, resource: TableResource, options: AwsOptions, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._resource = resource
        self._calls = AwsCalls("dynamodb", options)
        self._sleep = sleep

    @property
    def name(self) -> str:
        return self._resource.name

    @property
    def resource(self) -> TableResource:
        return self._resource

    def save(self, item: Item, *, version: int | None = None) -> int:
        saved = saved_item(item, self._resource, version)
        new_version = stored_version(saved)
        self._write("PutItem", put_request(saved, self._resource, version))
        return new_version

    def get(self, key: Item) -> dict[str, Any] | None:
        request = get_request(key, self._resource)
        answer = self._calls.read("GetItem", self.name, ConsistentRead=True, **request)
        return decode_item(answer["Item"]) if "Item" in answer else None

    def delete(self, key: Item, *, version: int | None = None) -> None:
        self._write("DeleteItem", delete_request(key, self._resource, version))

    def query(
        self,
        partition: Any,
        *,
        sort: KeyCondition | None = None,
        index: str | None = None,
        ascending: bool = True,
        limit: int | None = None,
        after: Item | None = None,
        consistent: bool = False,
    ) -> Iterator[dict[str, Any]]:
        require_limit(limit, self._resource)
        request = query_request(self._resource, partition, sort=sort, index=index, after=after)
        return self._items(request, limit, ScanIndexForward=ascending, ConsistentRead=consistent)

    def get_batch(self, keys: Iterable[Item]) -> list[dict[str, Any] | None]:
        wanted = [stored_key(key, self._resource) for key in keys]
        distinct = {place(key, self._resource): encode_item(key) for key in wanted}
        found: dict[tuple[Any, ...], dict[str, Any]] = {}

        def call(keys: Sequence[Response]) -> Sequence[Response]:
            asked = {self.name: {"Keys": keys, "ConsistentRead": True}}
            answer = self._calls.read("BatchGetItem", self.name, RequestItems=asked)
            items = map(decode_item, answer["Responses"].get(self.name, ()))
            found.update({place(item, self._resource): item for item in items})
            left: Sequence[Response] = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", ())
            return left

        self._send(list(distinct.values()), call, size=MAX_KEYS)
        return [found.get(place(key, self._resource)) for key in wanted]

    def write_batch(self, *, save: Iterable[Item] = (), delete: Iterable[Item] = ()) -> None:
        saved = [stored(item, self._resource) for item in save]
        deleted = [stored_key(key, self._resource) for key in delete]
        require_distinct([*saved, *deleted], self._resource)
        requests: list[Response] = [{"PutRequest": {"Item": encode_item(item)}} for item in saved]
        requests += [{"DeleteRequest": {"Key": encode_item(key)}} for key in deleted]

        def call(requests: Sequence[Response]) -> Sequence[Response]:
            asked = {self.name: requests}
            answer = self._calls.write("BatchWriteItem", self.name, dry={}, RequestItems=asked)
            left: Sequence[Response] = answer.get("UnprocessedItems", {}).get(self.name, ())
            return left

        self._send(requests, call, size=MAX_WRITES)

    def _items(self, request: Response, limit: int | None, **options: Any) -> Iterator[dict[str, Any]]:
        remaining = limit
        while remaining is None or remaining > 0:
            if remaining is not None:
                request["Limit"] = remaining
            page = self._calls.read("Query", self.name, **request, **options)
            yield from map(decode_item, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
            if remaining is not None:
                remaining -= len(page["Items"])

    def _send(
        self,
        requests: Sequence[Response],
        call: Callable[[Sequence[Response]], Sequence[Response]],
        *,
        size: int,
    ) -> None:
        send_in_batches(requests, call, size=size, resource=self.name, sleep=self._sleep)

    def _write(self, operation: str, request: Response) -> None:
        self._calls.write(operation, self.name, dry={}, **request)
