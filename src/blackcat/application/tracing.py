"""What happened where, and because of what: spans, recorded anywhere in one line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol

from blackcat.application.xray import TRACE_HEADER, xray_context
from blackcat.domain.message import Message

TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"
# Later versions may add fields. https://www.w3.org/TR/trace-context/#versioning-of-traceparent
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})(?P<trace_id>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?"
)

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Value = str | bool | int | float | Sequence[str]
Carrier = Mapping[str, str]
"""A span as it travels: ``traceparent`` and ``tracestate`` as W3C has them, AWS's ``X-Amzn-Trace-Id``.

https://www.w3.org/TR/trace-context/
"""


class Span(Protocol):
    """A span that is being recorded."""

    def set(self, attributes: Mapping[str, Value]) -> None: ...

    def rename(self, name: str) -> None: ...

    def fail(self, error: BaseException | str) -> None:
        """What it stands for did not succeed: why, in words, or the error.

        Of an error of AWS's the code is kept, never the text.
        """
        ...


class Tracer(Protocol):
    """Where spans go."""

    def span(
        self,
        name: str,
        *,
        kind: Kind = "internal",
        parent: Carrier | None = None,
        links: Sequence[Carrier] = (),
        attributes: Mapping[str, Value] | None = None,
        began: int | None = None,
    ) -> AbstractContextManager[Span]:
        """A span for the block, within that of ``parent``, or else within the thread's current one.

        ``began`` is when it began, in nanoseconds since 1970, if that was before now. What the block
        raises makes it fail.
        """
        ...

    def carrier(self) -> Carrier:
        """The thread's current span, to send along; empty outside of any."""
        ...

    def trace_id(self) -> str:
        """32 hexadecimal digits; empty outside of any span."""
        ...

    def log_fields(self) -> Mapping[str, str]:
        """``trace_id`` and ``span_id`` of the thread's current span; nothing outside of any."""
        ...

    def fail(self, error: BaseException | str) -> None:
        """The thread's current span fails, if there is one."""
        ...

    def flush(self, timeout: float) -> None:
        """Send what has ended, within so many seconds."""
        ...

    def close(self, timeout: float) -> None:
        """Send what is left, within so many seconds."""
        ...


class _NoSpan:
    def set(self, attributes: Mapping[str, Value]) -> None: ...

    def rename(self, name: str) -> None: ...

    def fail(self, error: BaseException | str) -> None: ...


_NO_SPAN: AbstractContextManager[Span] = nullcontext(_NoSpan())


class NoTracer:
    """Keeps nothing."""

    def span(
        self,
        name: str,
        *,
        kind: Kind = "internal",
        parent: Carrier | None = None,
        links: Sequence[Carrier] = (),
        attributes: Mapping[str, Value] | None = None,
        began: int | None = None,
    ) -> AbstractContextManager[Span]:
        return _NO_SPAN

    def carrier(self) -> Carrier:
        return {}

    def trace_id(self) -> str:
        return ""

    def log_fields(self) -> Mapping[str, str]:
        return {}

    def fail(self, error: BaseException | str) -> None: ...

    def flush(self, timeout: float) -> None: ...

    def close(self, timeout: float) -> None: ...


class ProcessTracing:
    """The spans of this process: silent until a tracer is chosen, as logs are.

    ``enabled`` is False while nothing is kept: it is what a message or call costs then.
    """

    def __init__(self) -> None:
        self.enabled = False
        self._tracer: Tracer = NoTracer()

    def use(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self.enabled = not isinstance(tracer, NoTracer)

    def span(
        self,
        name: str,
        *,
        kind: Kind = "internal",
        parent: Carrier | None = None,
        links: Sequence[Carrier] = (),
        attributes: Mapping[str, Value] | None = None,
        began: int | None = None,
    ) -> AbstractContextManager[Span]:
        return self._tracer.span(
            name, kind=kind, parent=parent, links=links, attributes=attributes, began=began
        )

    def carrier(self) -> Carrier:
        return self._tracer.carrier()

    def trace_id(self) -> str:
        return self._tracer.trace_id()

    def log_fields(self) -> Mapping[str, str]:
        return self._tracer.log_fields()

    def fail(self, error: BaseException | str) -> None:
        self._tracer.fail(error)

    def flush(self, timeout: float) -> None:
        """Send what has ended, within so many seconds: at the end of each invocation on Lambda."""
        self._tracer.flush(timeout)

    def close(self, timeout: float) -> None:
        """Send what is left, within so many seconds; nothing is recorded from then on."""
        tracer = self._tracer
        self.use(NoTracer())
        tracer.close(timeout)


tracing = ProcessTracing()


def carrier_of(message: Message) -> Carrier:
    """The span in which a message was sent, as its attributes or AWS's own trace header tell it."""
    told = {TRACEPARENT: "", TRACESTATE: "", TRACE_HEADER: message.trace_header}
    for name in (TRACEPARENT, TRACESTATE):
        attribute = message.attributes.get(name)
        if attribute and isinstance(attribute.value, str):
            told[name] = attribute.value
    return {name: value for name, value in told.items() if value}


def trace_id_of(message: Message) -> str:
    """The trace that a message belongs to, in 32 hexadecimal digits; empty when nobody told one."""
    carrier = carrier_of(message)
    if found := _TRACEPARENT.fullmatch(carrier.get(TRACEPARENT, "").strip()):
        return found["trace_id"]
    told = xray_context(carrier.get(TRACE_HEADER, ""))
    return told.trace_id if told else ""
