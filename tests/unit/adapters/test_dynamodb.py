"""What only DynamoDB does: batches that are processed in part, and reasons why a transaction was canceled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.adapters.conftest import ScriptedServer, reply

from blackcat import errors
from blackcat.adapters_aws import AwsOptions, DynamoTable, DynamoTransactions
from blackcat.adapters_aws.dynamodb_batches import ATTEMPTS, BACKOFF
from blackcat.application.ports import Check, Save
from blackcat.resources import TableResource

ORDERS = TableResource("orders", key="id")


@pytest.fixture
def scripted(aws_options: AwsOptions, server: ScriptedServer) -> AwsOptions:
    return replace(aws_options, endpoint_url=server.url)


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def table(scripted: AwsOptions, slept: list[float]) -> DynamoTable:
    return DynamoTable(ORDERS, scripted, sleep=slept.append)


def _put(number: int) -> dict[str, Any]:
    return {"PutRequest": {"Item": {"id": {"S": str(number)}}}}


def _key(number: int) -> dict[str, Any]:
    return {"id": {"S": str(number)}}


def test_a_batch_write_sends_again_what_was_left_over(
    table: DynamoTable, server: ScriptedServer, slept: list[float]
) -> None:
    server.replies.append(reply({"UnprocessedItems": {"orders": [_put(3), _put(20)]}}))
    server.replies.append(reply({"UnprocessedItems": {"orders": [_put(20)]}}))
    server.replies += [reply({"UnprocessedItems": {}})] * 2
    table.write_batch(save=[{"id": str(number)} for number in range(30)])
    sent = [request.json["RequestItems"]["orders"] for request in server.requests]
    assert [len(batch) for batch in sent] == [25, 2, 1, 5]
    assert sent[1:3] == [[_put(3), _put(20)], [_put(20)]]
    assert len(slept) == 2
    assert all(0 <= seconds <= BACKOFF.longest.total_seconds() for seconds in slept)


def test_a_batch_read_asks_again_for_what_was_left_over(
    table: DynamoTable, server: ScriptedServer, slept: list[float]
) -> None:
    left = {"orders": {"Keys": [_key(1)], "ConsistentRead": True}}
    server.replies.append(reply({"Responses": {"orders": [_key(2)]}, "UnprocessedKeys": left}))
    server.replies.append(reply({"Responses": {"orders": [_key(1)]}, "UnprocessedKeys": {}}))
    assert table.get_batch([{"id": "1"}, {"id": "2"}]) == [{"id": "1"}, {"id": "2"}]
    assert server.requests[1].json["RequestItems"] == left
    assert len(slept) == 1


def test_a_batch_that_never_gets_through_is_throttled(
    table: DynamoTable, server: ScriptedServer, slept: list[float]
) -> None:
    server.replies += [reply({"UnprocessedItems": {"orders": [_put(1)]}})] * ATTEMPTS
    with pytest.raises(errors.Throttled, match=f"1 of 1 items were left over {ATTEMPTS} times"):
        table.write_batch(save=[{"id": "1"}])
    assert len(slept) == ATTEMPTS - 1
    assert not server.replies


def test_a_query_fetches_a_page_when_it_is_needed(table: DynamoTable, server: ScriptedServer) -> None:
    server.replies.append(reply({"Items": [_key(1), _key(2)], "LastEvaluatedKey": _key(2)}))
    server.replies.append(reply({"Items": [_key(3)]}))
    found = table.query("1")
    assert server.requests == []
    assert [next(found), next(found)] == [{"id": "1"}, {"id": "2"}]
    assert len(server.requests) == 1
    assert list(found) == [{"id": "3"}]
    assert server.requests[1].json["ExclusiveStartKey"] == _key(2)


def _canceled(*codes: str | None) -> bytes:
    reasons = [{"Code": code or "None", "Message": f"Reason {code}" if code else None} for code in codes]
    answer = {"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"}
    return reply({**answer, "Message": "Transaction cancelled", "CancellationReasons": reasons}, status=400)


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        ((None, "ConditionalCheckFailed"), errors.TransactionCanceled),
        (("TransactionConflict", "ConditionalCheckFailed"), errors.TransactionCanceled),
        ((None, "TransactionConflict"), errors.Throttled),
        (("ThrottlingError", "ProvisionedThroughputExceeded"), errors.Throttled),
        (("ConditionalCheckFailed", "ValidationError"), errors.InvalidRequest),
        (("ItemCollectionSizeLimitExceeded", None), errors.InvalidRequest),
        (("AccessDenied", None), errors.AccessDenied),
    ],
)
def test_a_canceled_transaction_tells_its_reasons(
    scripted: AwsOptions,
    table: DynamoTable,
    server: ScriptedServer,
    codes: tuple[str | None, ...],
    kind: type[errors.RemoteError],
) -> None:
    server.replies.append(_canceled(*codes))
    ledger = DynamoTable(TableResource("ledger", key="id"), scripted)
    writes = [Save(table, {"id": "1"}, version=0), Check(ledger, {"id": "1"}, version=1)]
    with pytest.raises(errors.RemoteError) as raised:
        DynamoTransactions(scripted).write(writes)
    assert type(raised.value) is kind
    assert raised.value.operation == "TransactWriteItems"
    if isinstance(raised.value, errors.TransactionCanceled):
        failures = raised.value.failures
        assert {index: failure.code for index, failure in failures.items()} == {
            index: code for index, code in enumerate(codes) if code
        }
        assert {failures[index].resource for index in failures} <= {"orders", "ledger"}
        assert isinstance(failures[1], errors.ConditionFailed)
        assert failures[1].resource == "ledger"


def test_a_transaction_is_sent_with_its_token(
    scripted: AwsOptions, table: DynamoTable, server: ScriptedServer
) -> None:
    server.replies += [reply({})] * 2
    for token in ("message-1", None):
        DynamoTransactions(scripted).write([Save(table, {"id": "1"})], token=token)
    first, second = (request.json["ClientRequestToken"] for request in server.requests)
    assert first == "message-1"
    assert len(second) == 36  # botocore's own, so that it may send the call again


def test_in_a_dry_run_nothing_is_written(aws_options: AwsOptions, server: ScriptedServer) -> None:
    dry = replace(aws_options, endpoint_url=server.url, dry_run=True)
    table = DynamoTable(ORDERS, dry)
    table.write_batch(save=[{"id": "1"}], delete=[{"id": "2"}])
    DynamoTransactions(dry).write([Save(table, {"id": "1"})])
    assert not server.requests
