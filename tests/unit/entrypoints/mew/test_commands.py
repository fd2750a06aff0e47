"""Which command a message means, and what becomes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from blackcat.domain.message import Attribute, Message
from blackcat.domain.outcome import HANDLED, Outcome, Rejected, Retried
from blackcat.entrypoints.mew.commands import Commands, command_of
from blackcat.entrypoints.mew.parts import Parts
from blackcat.errors import EntrypointError, InvalidDeclaration, InvalidEvent

ORDERS = """
from __future__ import annotations
from dataclasses import dataclass, field
from pydantic import BaseModel

SEEN = []

class Order(BaseModel):
    number: int

@dataclass
class Operations:
    limit: int = 10

    def take(self, order: Order) -> int:
        if order.number > self.limit:
            raise ValueError("there are no more")
        SEEN.append(order.number)
        return order.number

def take_order(order: Order, operations: Operations) -> int:
    return operations.take(order)

def note(text: str) -> None:
    SEEN.append(text)

def _helper() -> None: ...
"""


def message(body: Any, **attributes: str) -> Message:
    text = body if isinstance(body, str) else json.dumps(body)
    return Message(id="1", body=text, attributes={name: Attribute(told) for name, told in attributes.items()})


@pytest.mark.parametrize(
    ("body", "attributes", "name", "payload"),
    [
        ({"number": 1}, {"command": "take_order"}, "take_order", {"number": 1}),
        ({"command": "other", "number": 1}, {"command": "take"}, "take", {"command": "other", "number": 1}),
        ({"command": "take_order", "number": 1}, {}, "take_order", {"number": 1}),
        ({"command": "take_order", "input": {"number": 1}}, {}, "take_order", {"number": 1}),
        ({"command": "take_order", "input": 3}, {}, "take_order", 3),
        ({"command": "take", "input": 3, "n": 1}, {}, "take", {"input": 3, "n": 1}),
        ({"command": "sweep"}, {}, "sweep", {}),
    ],
)
def test_an_attribute_or_a_field_says_the_command(
    body: Any, attributes: dict[str, str], name: str, payload: Any
) -> None:
    found, meant = command_of(message(body, **attributes))

    assert found == name
    assert json.loads(meant.body) == payload
    assert meant.id == "1"


@pytest.mark.parametrize(
    ("body", "attributes", "problem"),
    [
        ({"number": 1}, {}, "does not say which command it means: give it an attribute 'command'"),
        ("[]", {}, "does not say which command"),
        ("not json", {}, "does not say which command"),
        ({"command": 3}, {}, "'command' is not the name of a command"),
        ({"command": ""}, {}, "'command' is not the name of a command"),
    ],
)
def test_a_message_that_says_none_is_refused(body: Any, attributes: dict[str, str], problem: str) -> None:
    with pytest.raises(InvalidEvent, match=problem):
        command_of(message(body, **attributes))


def reason(outcome: Outcome) -> str:
    assert isinstance(outcome, Retried | Rejected)
    return outcome.reason


def test_public_functions_of_the_modules_are_the_commands(package: Any) -> None:
    found = package(order_commands=ORDERS, helpers="def no_command(x: int) -> None: ...")
    commands = Commands(lambda: found, Parts([]))

    assert commands.names == ["note", "take_order"]


def test_a_message_goes_through_its_command(package: Any) -> None:
    found = package(order_commands=ORDERS)
    commands = Commands(lambda: found, Parts([]))

    assert commands.handle(message({"command": "take_order", "number": 7})) == HANDLED
    assert commands.handle(message("as it is", command="note")) == HANDLED
    assert found.order_commands.SEEN == [7, "as it is"]


def test_what_cannot_be_handled_has_its_reason(package: Any) -> None:
    found = package(order_commands=ORDERS)
    commands = Commands(lambda: found, Parts([]))

    assert "ValueError: there are no more" in reason(
        commands.handle(message({"number": 11}, command="take_order"))
    )
    assert "number: Field required" in reason(commands.handle(message({"command": "take_order"})))
    unknown = reason(commands.handle(message({"command": "take_ordr"})))
    assert unknown == (
        "there is no command 'take_ordr' (did you mean 'take_order'?): the project has note, take_order"
    )


def test_nothing_is_imported_before_the_first_command(package: Any) -> None:
    asked = []
    found = package(order_commands=ORDERS)

    def late() -> Any:
        asked.append(1)
        return found

    commands = Commands(late, Parts([]))
    assert asked == []
    assert commands.names
    assert commands.names
    assert asked == [1]


def test_a_name_belongs_to_one_module(package: Any) -> None:
    found = package(
        a_commands="def pay(order: dict) -> None: ...", b_commands="def pay(order: dict) -> None: ..."
    )

    with pytest.raises(
        InvalidDeclaration, match=r"two commands are called 'pay', in .*a_commands and .*b_comm"
    ):
        _ = Commands(lambda: found, Parts([])).names


def test_a_command_that_another_module_imports_is_no_second_one(package: Any) -> None:
    found = package(
        a_commands="def pay(order: dict) -> None: ...",
        b_commands="from .a_commands import pay\ndef refund(order: dict) -> None: ...",
    )

    assert Commands(lambda: found, Parts([])).names == ["pay", "refund"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("import nowhere_to_be_found", "importing '.*order_commands' failed with ModuleNotFoundError"),
        ("def broken(:", "importing '.*order_commands' failed with SyntaxError"),
    ],
)
def test_a_module_that_does_not_load_is_named(package: Any, text: str, problem: str) -> None:
    found = package(order_commands=text)

    with pytest.raises(EntrypointError, match=problem):
        _ = Commands(lambda: found, Parts([])).names


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("def pay() -> None: ...", "command 'pay' takes no payload"),
        ("def pay(order) -> None: ...", "command 'pay' has no annotation for 'order'"),
        ("async def pay(order: dict) -> None: ...", "command 'pay' is async"),
        (
            "import typing\nclass Bank(typing.Protocol): ...\ndef pay(order: dict, bank: Bank): ...",
            "command 'pay' needs Bank for 'bank', which the container does not give",
        ),
    ],
)
def test_a_command_that_could_never_run_says_why_and_the_message_comes_back(
    package: Any, text: str, problem: str
) -> None:
    found = package(order_commands=text)

    outcome = Commands(lambda: found, Parts([])).handle(message({"command": "pay"}))

    assert isinstance(outcome, Retried)
    assert problem in outcome.reason
