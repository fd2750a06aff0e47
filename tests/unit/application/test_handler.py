import json
import os
import sys
from datetime import timedelta

import pytest
from pydantic import BaseModel

from blackcat import Message, Reject, Retry
from blackcat.application.entrypoint import consumer_entrypoint
from blackcat.application.handler import MessageHandler
from blackcat.application.middleware import folded
from blackcat.domain.outcome import HANDLED, Deferred, Rejected, Retried
from blackcat.infra.payloads import decoder_for


class Order(BaseModel):
    id: int
    items: list[str] = []


def handler(function):
    entrypoint = consumer_entrypoint(function, None, subject="consumer 'x'")
    return MessageHandler(entrypoint, decoder_for(entrypoint.payload_type, subject="consumer 'x'"))


def outcome_of(function, body="{}"):
    return handler(function)(Message(id="m", body=body))


def test_returning_is_success_whatever_is_returned():
    def handle(order: dict) -> str:
        return "garbage"

    assert outcome_of(handle) is HANDLED


async def coroutine(): ...


async def asynchronous_generator():
    yield


@pytest.mark.parametrize("make", [coroutine, asynchronous_generator, lambda: (n for n in [1])])
def test_code_that_was_not_run_is_no_success(make):
    def handle(order: dict):
        return make()

    outcome = outcome_of(handle)
    assert isinstance(outcome, Retried)
    assert "which runs nothing" in outcome.reason


@pytest.mark.parametrize(
    "decision",
    [Reject("no"), Retry(), ValueError("x"), Rejected("no"), Retried("x"), Deferred("x", timedelta(1))],
)
def test_a_decision_that_was_returned_instead_of_raised_is_no_success(decision):
    def handle(order: dict):
        return decision

    outcome = outcome_of(handle)
    assert isinstance(outcome, Retried)
    assert f"returned {type(decision).__name__} instead of raising it" in outcome.reason


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (lambda: None, 0),
        (sys.exit, 0),
        (lambda: sys.exit(7), 7),
        (lambda: sys.exit("why"), 1),
        (lambda: 1 / 0, 1),
    ],
)
def test_a_forked_child_ends_where_it_comes_back_from_the_handler(end, status):
    children = []

    def handle(order: dict) -> None:
        children.append(os.fork())
        if children == [0]:
            end()

    outcome = outcome_of(handle)
    if children == [0]:
        os._exit(99)  # or there would be two of this test
    assert outcome is HANDLED
    _, ended = os.waitpid(children[0], 0)
    assert os.waitstatus_to_exitcode(ended) == status


def test_a_decoder_that_runs_out_of_memory_says_nothing_about_the_body():
    def handle(order: dict) -> None:
        raise AssertionError("it must not be called")

    def decode(body):
        raise MemoryError

    entrypoint = consumer_entrypoint(handle, None, subject="x")
    assert isinstance(MessageHandler(entrypoint, decode)(Message(id="m", body="{}")), Retried)


def test_the_payload_is_what_the_annotation_says():
    seen = []

    def handle(order: Order, message: Message) -> None:
        seen.append((order, message.id))

    assert outcome_of(handle, '{"id": 1}') is HANDLED
    assert seen == [(Order(id=1), "m")]


@pytest.mark.parametrize("body", ["not json", '{"id": "many"}', "[]", "", "{", "\ud83d"])
def test_a_body_that_cannot_be_decoded_is_rejected_with_the_error(body):
    def handle(order: Order) -> None:
        raise AssertionError("it must not be called")

    outcome = outcome_of(handle, body)
    assert isinstance(outcome, Rejected)
    assert outcome.reason.startswith("the body cannot be decoded: ")
    assert "many" not in outcome.reason


def test_a_text_and_a_raw_message_are_never_decoded():
    def text(body: str) -> None:
        assert body == "not json"

    def raw(message: Message) -> None:
        assert message.body == "not json"

    assert outcome_of(text, "not json") is HANDLED
    assert outcome_of(raw, "not json") is HANDLED


def test_retry_and_reject_are_decisions():
    def again(order: dict) -> None:
        raise Retry("busy", after=timedelta(minutes=1))

    def never(order: dict) -> None:
        raise Reject("unknown customer")

    retried, rejected = outcome_of(again), outcome_of(never)
    assert (retried.reason, retried.after) == ("busy", timedelta(minutes=1))
    assert rejected.reason == "unknown customer"


@pytest.mark.parametrize("error", [ValueError("boom"), SystemExit(3), GeneratorExit()])
def test_whatever_else_is_raised_is_a_retry(error):
    def handle(order: dict) -> None:
        raise error

    outcome = outcome_of(handle)
    assert isinstance(outcome, Retried)
    assert outcome.error is error
    assert outcome.reason.startswith(type(error).__name__)


def test_middleware_is_folded_around_the_handler_first_one_outermost():
    order = []

    def layer(name):
        def middleware(message, call_next):
            order.append(f"{name} before")
            outcome = call_next(message)
            order.append(f"{name} after")
            return outcome

        return middleware

    def handle(payload: dict) -> None:
        order.append("handler")

    call = folded(handler(handle), [layer("outer"), layer("inner")])
    assert call(Message(id="m", body="{}")) is HANDLED
    assert order == ["outer before", "inner before", "handler", "inner after", "outer after"]


def test_middleware_may_decide_itself():
    def handle(payload: dict) -> None:
        raise AssertionError("it must not be called")

    def refuse(message, call_next):
        return Rejected("not today")

    assert folded(handler(handle), [refuse])(Message(id="m", body="{}")) == Rejected("not today")


class CustomerGoneError(Exception):
    pass


class BlockedCustomerError(CustomerGoneError):
    pass


@pytest.mark.parametrize("error", [CustomerGoneError("c-1"), BlockedCustomerError("c-1")])
def test_a_non_retryable_exception_rejects(error):
    def handle(order: dict) -> None:
        raise error

    entrypoint = consumer_entrypoint(handle, None, subject="x")
    outcome = MessageHandler(entrypoint, json.loads, (CustomerGoneError,))(Message(id="m", body="{}"))
    assert outcome == Rejected(f"{type(error).__name__}: c-1", error)
