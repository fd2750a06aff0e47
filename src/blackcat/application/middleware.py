"""Middleware: code around every handler of a service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce

from blackcat.domain.message import Message
from blackcat.domain.outcome import Outcome

Next = Callable[[Message], Outcome]
Middleware = Callable[[Message, Next], Outcome]
"""Takes the message and the rest of the chain; returns the outcome, its own or the chain's.

The chain never raises for a failing handler: the failure is in the outcome.
"""


def folded(handle: Next, middleware: Sequence[Middleware]) -> Next:
    """The handler with the middleware around it, the first one outermost."""
    return reduce(lambda inner, layer: partial(_call, layer, inner), reversed(middleware), handle)


def _call(layer: Middleware, inner: Next, message: Message) -> Outcome:
    return layer(message, inner)
