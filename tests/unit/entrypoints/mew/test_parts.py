"""What an interface is bound to: built at first need, once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from threading import Barrier, Thread
from typing import Any, Protocol

import pytest

from blackcat.entrypoints.mew.parts import Parts
from blackcat.errors import EntrypointError, InjectionError


class Clock(Protocol):
    def now(self) -> int: ...


class Store(ABC):
    @abstractmethod
    def keep(self) -> None: ...


@dataclass
class Fixed:
    time: int = 7

    def now(self) -> int:
        return self.time


@dataclass(frozen=True)
class Orders:
    clock: Clock
    limit: int = 10


@dataclass(frozen=True)
class Reports:
    orders: Orders


@dataclass(frozen=True)
class Lonely:
    store: Store


@dataclass(frozen=True)
class Hen:
    egg: Egg


@dataclass(frozen=True)
class Egg:
    hen: Hen


@dataclass(frozen=True)
class Vague:
    name: str


def clock() -> Clock:
    return Fixed()


def test_a_class_is_built_from_what_its_fields_are_annotated_with() -> None:
    reports = Parts([clock]).resolve(Reports)

    assert reports == Reports(Orders(Fixed(), limit=10))


def test_each_is_built_once_and_at_first_need() -> None:
    built = []

    def counted() -> Clock:
        built.append(1)
        return Fixed()

    parts = Parts([counted])

    assert built == []
    assert parts.resolve(Orders).clock is parts.resolve(Clock)
    assert built == [1]


def test_threads_that_ask_at_once_get_the_same() -> None:
    parts, together, given = Parts([clock]), Barrier(8), []

    def ask() -> None:
        together.wait()
        given.append(parts.resolve(Reports))

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id(one) for one in given}) == 1


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (
            Clock,
            "nothing is bound to Clock: add a function that returns it to the bindings of core/mew/core.py",
        ),
        (Store, "nothing is bound to Store"),
        (Orders, "Orders needs Clock for 'clock'"),
        (Lonely, "nothing is bound to Store"),
        (Hen, "Hen needs Egg needs Hen: let one of them do without"),
        (Vague, "a str says nothing of what is wanted"),
    ],
)
def test_what_cannot_be_built_is_named(kind: type[Any], problem: str) -> None:
    with pytest.raises(InjectionError) as raised:
        Parts([]).resolve(kind)

    assert problem in str(raised.value)


def test_what_failed_is_built_anew_the_next_time() -> None:
    answers: list[Exception | Fixed] = [OSError("no network"), Fixed(3)]

    def flaky() -> Clock:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    parts = Parts([flaky])
    with pytest.raises(InjectionError, match="no network"):
        parts.resolve(Orders)

    assert parts.resolve(Orders).clock.now() == 3


def _unannotated():
    return Fixed()


def _of_nothing() -> None: ...


def _of_what_is_nowhere() -> Nowhere:  # noqa: F821 - that is the point
    return Fixed()


@pytest.mark.parametrize(
    ("bindings", "problem"),
    [
        ([_unannotated], "_unannotated does not say what it makes: annotate what it returns"),
        ([_of_nothing], "_of_nothing does not say what it makes"),
        ([_of_what_is_nowhere], "the annotation of _of_what_is_nowhere cannot be read"),
        ([clock, clock], "Clock is bound twice, by clock and clock: keep one"),
    ],
)
def test_bindings_that_say_nothing_certain_are_refused(
    bindings: list[Callable[[], Any]], problem: str
) -> None:
    with pytest.raises((EntrypointError, InjectionError), match=problem):
        Parts(bindings)
