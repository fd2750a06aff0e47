"""What DynamoDB is asked for: the parameters of its calls, the same alone and within a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blackcat.adapters_aws.calls import Response
from blackcat.adapters_aws.dynamodb_expressions import Expression
from blackcat.adapters_aws.dynamodb_values import encode_item
from blackcat.domain.conditions import KeyCondition
from blackcat.domain.item import key_value, stored_key, stored_position
from blackcat.errors import InvalidItem
from blackcat.resources import TableResource


def put_request(saved: Mapping[str, Any], table: TableResource, version: int | None) -> Response:
    expression = Expression()
    if version is not None:
        expression.require_version(version, table.key, if_new=True)
    condition = expression.parameters("ConditionExpression")
    return {"TableName": table.name, "Item": encode_item(saved), **condition}


def delete_request(key: Mapping[str, Any], table: TableResource, version: int | None) -> Response:
    expression = Expression()
    if version is not None:
        expression.require_version(version, table.key)
    return {**get_request(key, table), **expression.parameters("ConditionExpression")}


def check_request(key: Mapping[str, Any], table: TableResource, version: int) -> Response:
    expression = Expression()
    expression.require_version(version, table.key, if_new=True)
    return {**get_request(key, table), **expression.parameters("ConditionExpression")}


def get_request(key: Mapping[str, Any], table: TableResource) -> Response:
    return {"TableName": table.name, "Key": encode_item(stored_key(key, table))}


def query_request(
    table: TableResource,
    partition: Any,
    *,
    sort: KeyCondition | None,
    index: str | None,
    after: Mapping[str, Any] | None,
) -> Response:
    keyed = table.index(index) if index else table
    kept = key_value(table, keyed, keyed.key, partition)
    expression = Expression()
    expression.require_key(keyed.key, "=", [kept])
    if sort:
        if keyed.sort_key is None:
            raise InvalidItem(f"'{keyed.name}' has no sort_key: leave the sort condition out")
        values = [key_value(table, keyed, keyed.sort_key, value) for value in sort.values]
        expression.require_key(keyed.sort_key, sort.operator, values)
    request = {"TableName": table.name, **expression.parameters("KeyConditionExpression")}
    if index:
        request["IndexName"] = index
    if after is not None:
        request["ExclusiveStartKey"] = encode_item(stored_position(after, table, keyed, kept))
    return request
