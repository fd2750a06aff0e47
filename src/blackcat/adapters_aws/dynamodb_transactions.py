"""DynamoDB's transactions, across the tables of an account and region."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from blackcat.adapters_aws.calls import AwsCalls, Response
from blackcat.adapters_aws.clients import AwsOptions
from blackcat.adapters_aws.dynamodb_requests import (
    check_request,
    delete_request,
    get_request,
    put_request,
)
from blackcat.adapters_aws.dynamodb_values import decode_item
from blackcat.adapters_aws.errors import by_code
from blackcat.application.ports import Delete, Item, Save, Table, Write
from blackcat.application.transactions import canceled, place_of_key, place_of_write, require_valid
from blackcat.domain.item import saved_item
from blackcat.errors import ConditionFailed, RemoteError

_CANCELED = "TransactionCanceledException"


class DynamoTransactions:
    """DynamoDB's transactions. Safe to share between threads.

    Up to 100 items and 4 MB in one call. Without a token botocore makes one for each call, so that a
    call whose answer got lost has no second effect.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
    """

    def __init__(self, options: AwsOptions) -> None:
        self._calls = AwsCalls("dynamodb", options)

    def write(self, writes: Iterable[Write], *, token: str | None = None) -> None:
        wanted = list(writes)
        require_valid([place_of_write(write) for write in wanted], token)
        tables = [write.table.name for write in wanted]
        parameters: Response = {"TransactItems": [_write_request(write) for write in wanted]}
        if token is not None:
            parameters["ClientRequestToken"] = token
        if wanted:
            self._call("TransactWriteItems", tables, parameters)

    def read(self, items: Iterable[tuple[Table, Item]]) -> list[dict[str, Any] | None]:
        wanted = list(items)
        require_valid([place_of_key(table, key) for table, key in wanted])
        if not wanted:
            return []
        tables = [table.name for table, _ in wanted]
        gets = [{"Get": get_request(key, table.resource)} for table, key in wanted]
        answer = self._call("TransactGetItems", tables, {"TransactItems": gets})
        return [decode_item(one["Item"]) if "Item" in one else None for one in answer["Responses"]]

    def _call(self, operation: str, tables: Sequence[str], parameters: Response) -> Response:
        named = ", ".join(dict.fromkeys(tables))
        call = self._calls.read if operation == "TransactGetItems" else self._written
        try:
            return call(operation, named, **parameters)
        except RemoteError as error:
            if error.code != _CANCELED:
                raise
            raise _canceled(error, tables) from error.__cause__

    def _written(self, operation: str, resource: str, **parameters: Any) -> Response:
        return self._calls.write(operation, resource, dry={}, **parameters)


def _write_request(write: Write) -> Response:
    table = write.table.resource
    if isinstance(write, Save):
        return {"Put": put_request(saved_item(write.item, table, write.version), table, write.version)}
    if isinstance(write, Delete):
        return {"Delete": delete_request(write.key, table, write.version)}
    return {"ConditionCheck": check_request(write.key, table, write.version)}


def _canceled(error: RemoteError, tables: Sequence[str]) -> RemoteError:
    """What the reasons say, one for each item.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """
    answer: Any = getattr(error.__cause__, "response", {})
    failures = {
        index: by_code(
            reason["Code"],
            reason.get("Message", ""),
            service=error.service,
            operation=error.operation,
            resource=tables[index],
        )
        for index, reason in enumerate(answer.get("CancellationReasons", ()))
        if reason.get("Code", "None") != "None"
    }
    return _worst(failures) or error


def _worst(failures: Mapping[int, RemoteError]) -> RemoteError | None:
    """What nothing can mend first, then what reading again mends, then what waiting does."""
    conditions = [failure for failure in failures.values() if isinstance(failure, ConditionFailed)]
    for failure in failures.values():
        if not failure.transient and failure not in conditions:
            return failure
    if conditions:
        return canceled(failures)
    return next(iter(failures.values()), None)
