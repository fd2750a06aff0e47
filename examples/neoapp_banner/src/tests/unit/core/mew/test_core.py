"""Every interface is bound, once."""

from __future__ import annotations

from .....core.mew.core import mew
from .....core.utils.helpers import SystemClock
from .....core.utils.notations import Clock


def test_an_interface_is_given_as_one_instance() -> None:
    clock: object = mew.given(Clock)  # type: ignore[type-abstract]  # an interface is what is asked for

    assert isinstance(clock, SystemClock)
    assert clock is mew.given(Clock)  # type: ignore[type-abstract]  # as above
