"""Conditions in DynamoDB's language."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from blackcat.adapters_aws.dynamodb_values import encode
from blackcat.domain.item import UNVERSIONED, VERSION


@dataclass
class Expression:
    """A condition on an item or a key.

    Names and values stand in it as placeholders only: a name may be a reserved word.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
    """

    terms: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def require_version(self, version: int, key: str, *, if_new: bool = False) -> None:
        """The item with the attribute ``key`` has that version; with ``if_new``, 0: there is none."""
        if version == 0 and if_new:
            self.terms.append(f"attribute_not_exists({self._name(key)})")
            return
        if version == UNVERSIONED:
            self.terms.append(f"attribute_exists({self._name(key)})")
        attribute = self._name(VERSION)
        unversioned = version in (0, UNVERSIONED)
        missing = f"attribute_not_exists({attribute}) OR " if unversioned else ""
        self.terms.append(f"({missing}{attribute} = {self._value(0 if unversioned else version)})")

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
