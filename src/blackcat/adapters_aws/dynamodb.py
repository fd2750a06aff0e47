"""DynamoDB as a table of items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from blackcat.adapters_aws.calls import AwsCalls, Response
from blackcat.adapters_aws.clients import AwsOptions
from blackcat.adapters_aws.dynamodb_values import decode_item, encode, encode_item
from blackcat.application.ports import Item
from blackcat.domain.conditions import KeyCondition
from blackcat.domain.item import VERSION, key_value, stored, stored_key, stored_version
from blackcat.errors import InvalidItem
from blackcat.resources import KeyType, TableResource


class DynamoTable:
    """One DynamoDB table. Safe to share between threads.

    Items take up to 400 KB. ``get`` reads consistently; ``query`` may miss what was written within
    the last second. A conditional write whose answer got lost is sent again and then finds its own
    first attempt: read the item again after ConditionFailed before concluding that another writer won.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html
    """

    def __init__(self, resource: TableResource, options: AwsOptions) -> None:
        self._resource = resource
        self._calls = AwsCalls("dynamodb", options)

    @property
    def name(self) -> str:
        return self._resource.name

    def save(self, item: Item, *, version: int | None = None) -> int:
        expression = Expression()
        if version is None:
            saved = stored(item, self._resource)
        else:
            saved = stored({**item, VERSION: version + 1}, self._resource)
            expression.require_version(version, key=self._resource.key)
        new_version = stored_version(saved)
        self._write("PutItem", Item=encode_item(saved), **expression.parameters("ConditionExpression"))
        return new_version

    def get(self, key: Item) -> dict[str, Any] | None:
        wire = encode_item(stored_key(key, self._resource))
        answer = self._calls.read("GetItem", self.name, TableName=self.name, Key=wire, ConsistentRead=True)
        return decode_item(answer["Item"]) if "Item" in answer else None

    def delete(self, key: Item, *, version: int | None = None) -> None:
        wire = encode_item(stored_key(key, self._resource))
        expression = Expression()
        if version is not None:
            expression.require_version(version)
        self._write("DeleteItem", Key=wire, **expression.parameters("ConditionExpression"))

    def query(
        self,
        partition: Any,
        *,
        sort: KeyCondition | None = None,
        index: str | None = None,
        ascending: bool = True,
        limit: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        keyed = self._resource.index(index) if index else self._resource
        expression = Expression()
        expression.require_key(keyed.key, "=", [self._key(keyed.key, keyed.key_type, partition)])
        if sort:
            if keyed.sort_key is None:
                raise InvalidItem(f"'{keyed.name}' has no sort_key: leave the sort condition out")
            values = [self._key(keyed.sort_key, keyed.sort_key_type, value) for value in sort.values]
            expression.require_key(keyed.sort_key, sort.operator, values)
        parameters = expression.parameters("KeyConditionExpression")
        if index:
            parameters["IndexName"] = index
        return self._items(ScanIndexForward=ascending, limit=limit, **parameters)

    def _items(self, *, limit: int | None, **parameters: Any) -> Iterator[dict[str, Any]]:
        remaining = limit
        while remaining is None or remaining > 0:
            if remaining is not None:
                parameters["Limit"] = remaining
            page = self._calls.read("Query", self.name, TableName=self.name, **parameters)
            yield from map(decode_item, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            parameters["ExclusiveStartKey"] = page["LastEvaluatedKey"]
            if remaining is not None:
                remaining -= len(page["Items"])

    def _key(self, name: str, type_: KeyType, value: Any) -> Any:
        return key_value(self._resource, name, type_, value)

    def _write(self, operation: str, **parameters: Any) -> Response:
        return self._calls.write(operation, self.name, dry={}, TableName=self.name, **parameters)


@dataclass
class Expression:
    """A condition in DynamoDB's language.

    Names and values stand in it as placeholders only: a name may be a reserved word.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
    """

    terms: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def require_version(self, version: int, *, key: str | None = None) -> None:
        """The item has that version; given the name of its ``key``, version 0 means that there is no item."""
        if version == 0 and key:
            self.terms.append(f"attribute_not_exists({self._name(key)})")
            return
        attribute = self._name(VERSION)
        unversioned = f"attribute_not_exists({attribute}) OR " if version == 0 else ""
        self.terms.append(f"({unversioned}{attribute} = {self._value(version)})")

    def require_key(self, attribute: str, operator: str, values: list[Any]) -> None:
        name, operands = self._name(attribute), [self._value(value) for value in values]
        if operator == "begins_with":
            self.terms.append(f"begins_with({name}, {operands[0]})")
        else:
            self.terms.append(f"{name} {operator.upper()} {' AND '.join(operands)}")

    def parameters(self, kind: str) -> dict[str, Any]:
        """The parameters of a call that carry this as its ``kind`` of expression; none when it is empty."""
        if not self.terms:
            return {}
        parameters: dict[str, Any] = {
            kind: " AND ".join(self.terms),
            "ExpressionAttributeNames": self.names,
        }
        if self.values:
            parameters["ExpressionAttributeValues"] = self.values
        return parameters

    def _name(self, attribute: str) -> str:
        placeholder = f"#n{len(self.names)}"
        self.names[placeholder] = attribute
        return placeholder

    def _value(self, value: Any) -> str:
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = encode(value)
        return placeholder
