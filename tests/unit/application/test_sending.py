"""Every line is accounted for: sent, or not and why."""

import pytest

from blackcat.application.ports import BatchFailure, BatchResult
from blackcat.application.sending import Line, Sent, Unsent, send_lines
from blackcat.domain.outgoing import OutgoingMessage
from blackcat.errors import AccessDenied, InvalidMessage, Throttled


class Scripted:
    """Sends, except where a test says otherwise."""

    def __init__(self, *answers):
        self._answers = list(answers)
        self.calls = []

    def __call__(self, messages):
        self.calls.append([message.body for message in messages])
        answer = self._answers.pop(0) if self._answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer or BatchResult({index: f"id-{one.body}" for index, one in enumerate(messages)})


def lines(count):
    return [Line(number, f"m{number}") for number in range(1, count + 1)]


def build(line):
    if line.text == "m3":
        raise InvalidMessage("three is refused")
    return OutgoingMessage(line.text)


def told(send, count, build=lambda line: OutgoingMessage(line.text)):
    pauses = []
    found = list(send_lines(iter(lines(count)), build=build, send=send, pause=pauses.append))
    assert [one.line.number for one in found] == list(range(1, count + 1))
    return found, pauses


def unsent(found):
    return {one.line.number: str(one.error) for one in found if isinstance(one, Unsent)}


def test_lines_go_ten_at_a_time():
    send = Scripted()
    found, _ = told(send, 23)
    assert [len(call) for call in send.calls] == [10, 10, 3]
    assert all(isinstance(one, Sent) and one.message_id == f"id-m{one.line.number}" for one in found)


def test_a_line_that_makes_no_message_is_told_and_the_others_go():
    found, _ = told(Scripted(), 5, build)
    assert unsent(found) == {3: "three is refused"}


def test_nothing_is_sent_for_a_chunk_of_which_nothing_can_be_built():
    def refuse(line):
        raise InvalidMessage("no")

    send = Scripted()
    assert len(unsent(told(send, 2, refuse)[0])) == 2
    assert send.calls == []


def test_what_is_refused_for_the_moment_is_sent_again():
    busy = BatchResult(
        {0: "a"}, (BatchFailure(1, "Busy", "busy", True), BatchFailure(2, "Bad", "bad", False))
    )
    send = Scripted(busy)
    found, pauses = told(send, 3)
    assert unsent(found) == {3: "bad"}
    assert send.calls == [["m1", "m2", "m3"], ["m2"]]
    assert len(pauses) == 1


def test_what_stays_refused_is_told_in_the_end():
    busy = BatchResult({}, (BatchFailure(0, "Busy", "busy", True),))
    send = Scripted(*[busy] * 9)
    found, pauses = told(send, 1)
    assert unsent(found) == {1: "busy"}
    assert len(send.calls) == len(pauses) + 1


@pytest.mark.parametrize("error", [AccessDenied("no"), Throttled("slow down")])
def test_once_a_call_fails_no_later_line_is_tried(error):
    send = Scripted(None, error)
    found, _ = told(send, 25)
    assert sorted(unsent(found)) == list(range(11, 26))
    assert len(send.calls) == 2


def test_a_call_that_fails_after_a_part_was_sent_costs_the_rest_of_that_part_only():
    busy = BatchResult({0: "a"}, (BatchFailure(1, "Busy", "busy", True),))
    found, _ = told(Scripted(busy, Throttled("slow down")), 2)
    assert unsent(found) == {2: "slow down"}
