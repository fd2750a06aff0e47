"""What a worker's loop does with clients that do not close, or do not send."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest

from blackcat.entrypoints.rest_api.arrivals import Arrivals, BodyArrival
from blackcat.entrypoints.rest_api.lingering import Lingering
from blackcat.testing import FrozenClock


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


class Loop:
    """A selector that runs what it is told to, and counts what is closed."""

    def __init__(self, stack: ExitStack) -> None:
        self.clock = FrozenClock()
        self.poller = stack.enter_context(selectors.DefaultSelector())
        self.closed = 0
        self.lingering = Lingering(self.poller, self._count, self.clock.monotonic)

    def turn(self) -> None:
        for key, _ in self.poller.select(0):
            key.data(key.fileobj)
        self.lingering.end_overdue()

    def _count(self) -> None:
        self.closed += 1


def pair(stack: ExitStack) -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    return stack.enter_context(ours), stack.enter_context(theirs)


def test_a_connection_is_closed_with_its_client(sockets: ExitStack) -> None:
    loop = Loop(sockets)
    ours, theirs = pair(sockets)
    loop.lingering.add(ours)
    assert theirs.recv(1) == b""  # the client hears of the end at once
    theirs.sendall(b"what nobody reads")
    loop.turn()
    assert (loop.closed, len(loop.lingering)) == (0, 1)
    theirs.close()
    loop.turn()
    assert (loop.closed, len(loop.lingering), ours.fileno()) == (1, 0, -1)


def test_a_client_that_does_not_close_is_given_two_seconds(sockets: ExitStack) -> None:
    loop = Loop(sockets)
    ours, _ = pair(sockets)
    loop.lingering.add(ours)
    loop.clock.advance(timedelta(seconds=1.9))
    loop.turn()
    assert loop.closed == 0
    loop.clock.advance(timedelta(seconds=0.2))
    loop.turn()
    assert (loop.closed, ours.fileno()) == (1, -1)


def test_a_client_that_goes_on_sending_is_not_listened_to_for_ever(sockets: ExitStack) -> None:
    loop = Loop(sockets)
    ours, theirs = pair(sockets)
    loop.lingering.add(ours)
    for _ in range(8):
        theirs.sendall(b"x" * 8192)
        loop.turn()
    assert loop.closed == 1


def test_so_many_linger_and_no_more(sockets: ExitStack) -> None:
    loop = Loop(sockets)
    pairs = [pair(sockets) for _ in range(258)]
    for ours, _ in pairs:
        loop.lingering.add(ours)
    assert (loop.closed, len(loop.lingering)) == (2, 256)
    assert [ours.fileno() == -1 for ours, _ in pairs[:3]] == [True, True, False]


def test_a_connection_that_is_gone_is_counted_once(sockets: ExitStack) -> None:
    loop = Loop(sockets)
    ours, _ = pair(sockets)
    ours.close()
    loop.lingering.add(ours)
    loop.turn()
    assert (loop.closed, len(loop.lingering)) == (1, 0)


def test_a_read_that_takes_too_long_comes_to_its_end(sockets: ExitStack) -> None:
    clock = FrozenClock()
    arrivals = Arrivals(clock.monotonic)
    ours, _ = pair(sockets)

    def read() -> None:
        with BodyArrival(arrivals, ours, clock.monotonic() + 30):
            clock.advance(timedelta(seconds=30))
            arrivals.end_overdue()
            assert ours.recv(1) == b""  # it would wait for ever

    with pytest.raises(TimeoutError):
        read()


def test_what_has_arrived_is_not_ended(sockets: ExitStack) -> None:
    clock = FrozenClock()
    arrivals = Arrivals(clock.monotonic)
    ours, theirs = pair(sockets)
    arrivals.expect(ours, 10)
    assert arrivals.arrived(ours)
    clock.advance(timedelta(seconds=60))
    arrivals.end_overdue()
    theirs.sendall(b"x")
    assert ours.recv(1) == b"x"


def test_a_stop_shortens_what_is_waited_for(sockets: ExitStack) -> None:
    clock = FrozenClock()
    arrivals = Arrivals(clock.monotonic)
    ours, _ = pair(sockets)
    arrivals.expect(ours, 10)
    arrivals.expect_at_the_latest(clock.monotonic() + 2)
    clock.advance(timedelta(seconds=2))
    arrivals.end_overdue()
    assert ours.recv(1) == b""
    assert not arrivals.arrived(ours)
