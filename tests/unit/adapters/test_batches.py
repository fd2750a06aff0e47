"""Batches are cut to what AWS takes, and answered by position."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackcat.adapters_aws.batches import BATCH_ENTRIES, Entry, call_in_batches
from blackcat.application.ports import BatchFailure
from blackcat.errors import AccessDenied, Throttled

LIMIT = 100


class Service:
    """Answers batch calls as AWS does, and keeps what it was sent."""

    def __init__(self, refuse: frozenset[int] = frozenset(), fail_call: int | None = None) -> None:
        self.calls: list[list[int]] = []
        self.refuse = refuse
        self.fail_call = fail_call
        self.error: Exception = Throttled("slow down", code="RequestThrottled")

    def __call__(self, entries: list[dict[str, Any]]) -> dict[str, Any]:
        indexes = [entry["value"] for entry in entries]
        self.calls.append(indexes)
        if len(self.calls) - 1 == self.fail_call:
            raise self.error
        ids = [(entry["Id"], entry["value"]) for entry in reversed(entries)]
        return {
            "Successful": [
                {"Id": id_, "MessageId": f"m{value}"} for id_, value in ids if value not in self.refuse
            ],
            "Failed": [
                {"Id": id_, "Code": "InternalError", "SenderFault": False}
                for id_, value in ids
                if value in self.refuse
            ],
        }


def _entries(sizes: list[int]) -> list[Entry]:
    return [Entry({"value": index}, size=size) for index, size in enumerate(sizes)]


@given(st.lists(st.integers(1, LIMIT), max_size=40), st.frozensets(st.integers(0, 40)))
def test_every_entry_is_sent_once_in_order_within_the_limits(
    sizes: list[int], refuse: frozenset[int]
) -> None:
    service = Service(refuse)
    result = call_in_batches(_entries(sizes), service, max_bytes=LIMIT)
    assert [index for call in service.calls for index in call] == list(range(len(sizes)))
    for call in service.calls:
        assert 1 <= len(call) <= BATCH_ENTRIES
        assert sum(sizes[index] for index in call) <= LIMIT
    expected_failures = [index for index in range(len(sizes)) if index in refuse]
    assert [failure.index for failure in result.failed] == expected_failures
    assert dict(result.succeeded) == {i: f"m{i}" for i in range(len(sizes)) if i not in refuse}


@given(st.lists(st.integers(1, LIMIT), max_size=40))
def test_no_two_neighbouring_calls_would_fit_into_one(sizes: list[int]) -> None:
    service = Service()
    call_in_batches(_entries(sizes), service, max_bytes=LIMIT)
    for call, following in zip(service.calls, service.calls[1:], strict=False):
        filled = sum(sizes[index] for index in call)
        assert len(call) == BATCH_ENTRIES or filled + sizes[following[0]] > LIMIT


def test_the_error_of_the_first_call_is_raised() -> None:
    with pytest.raises(Throttled):
        call_in_batches(_entries([1] * 25), Service(fail_call=0), max_bytes=LIMIT)


@pytest.mark.parametrize("error", [Throttled("slow down", code="T"), AccessDenied("no", code="A")])
def test_a_later_error_leaves_what_was_sent_in_the_result(error: Throttled | AccessDenied) -> None:
    service = Service(fail_call=1)
    service.error = error
    result = call_in_batches(_entries([1] * 25), service, max_bytes=LIMIT)
    assert list(result.succeeded) == list(range(10))
    assert result.failed[0] == BatchFailure(10, error.code, error.detail, error.transient)
    assert [failure.index for failure in result.failed] == list(range(10, 25))
    # What was never tried may be tried, whatever the reason of the failed call.
    assert all(failure.transient for failure in result.failed[10:])
    assert len(service.calls) == 2


def test_an_entry_without_an_answer_has_failed() -> None:
    result = call_in_batches(_entries([1]), lambda entries: {}, max_bytes=LIMIT)
    assert result.failed == (BatchFailure(0, "NoAnswer", "AWS did not answer for this entry", True),)


def test_what_was_not_sent_but_deleted_is_known_by_its_receipt() -> None:
    entries = [Entry({"value": 0}, receipt="r")]
    result = call_in_batches(entries, lambda chunk: {"Successful": [{"Id": "0"}]}, max_bytes=LIMIT)
    assert dict(result.succeeded) == {0: "r"}
