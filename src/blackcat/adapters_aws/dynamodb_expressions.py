"""Conditions in DynamoDB's language."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from blackcat.adapters_aws.dynamodb_values import encode
from blackcat.domain.item import VERSION


@dataclass
class Expression:
    """A condition on an item or a key.

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
