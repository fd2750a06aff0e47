"""Spans as a test looks at them: what was recorded, and the trees that they make."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_INDENT = "  "


@dataclass(frozen=True, slots=True)
class RecordedSpan:
    """A span that has ended. Ids are hexadecimal, times nanoseconds since 1970.

    ``parent_id`` is empty for the root of a trace; ``links`` are the ids of the spans that it is linked
    to; ``error`` says why it failed, as ``error.type`` or in words, and is empty when it did not.
    """

    name: str
    kind: str
    service: str
    trace_id: str
    span_id: str
    parent_id: str
    began: int
    ended: int
    attributes: Mapping[str, Any]
    links: tuple[str, ...] = ()
    error: str = ""


class Spans:
    """Spans that were recorded, in the order in which they ended. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spans: list[RecordedSpan] = []

    def __iter__(self) -> Iterator[RecordedSpan]:
        with self._lock:
            return iter(list(self._spans))

    def __len__(self) -> int:
        with self._lock:
            return len(self._spans)

    def add(self, spans: Iterable[RecordedSpan]) -> None:
        with self._lock:
            self._spans.extend(spans)

    def clear(self) -> None:
        with self._lock:
            self._spans.clear()

    def named(self, name: str) -> list[RecordedSpan]:
        return [span for span in self if span.name == name]

    def tree(self, *, without: str = "") -> list[str]:
        """The names, each below its parent's and indented by two blanks more, the earliest first.

        A span whose parent was not recorded stands at the margin, as a root does. What ``without`` says,
        a prefix of resources, is taken out of the names.
        """
        rows = in_tree_order(list(self))
        return [f"{_INDENT * depth}{span.name.replace(without, '')}" for depth, span in rows]


def in_tree_order(spans: Sequence[RecordedSpan]) -> Iterator[tuple[int, RecordedSpan]]:
    """Each span with its depth, parents before children."""
    known = {span.span_id for span in spans}
    children: dict[str, list[RecordedSpan]] = {}
    for span in sorted(spans, key=lambda span: span.began):
        children.setdefault(span.parent_id if span.parent_id in known else "", []).append(span)

    def below(parent: str, depth: int) -> Iterator[tuple[int, RecordedSpan]]:
        for span in children.get(parent, ()):
            yield depth, span
            yield from below(span.span_id, depth + 1)

    return below("", 0)


def decoded(request: Any) -> Iterator[RecordedSpan]:
    """The spans in a request of OTLP's, as its protobuf class has it."""
    for resource_spans in request.resource_spans:
        service = _attributes(resource_spans.resource.attributes).get("service.name", "")
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield _decoded(span, service)


def _decoded(span: Any, service: str) -> RecordedSpan:
    attributes = _attributes(span.attributes)
    failed = span.status.code == span.status.STATUS_CODE_ERROR
    error = attributes.get("error.type") or span.status.message or "failed"
    return RecordedSpan(
        name=span.name,
        kind=span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        service=service,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        attributes=attributes,
        links=tuple(link.span_id.hex() for link in span.links),
        error=error if failed else "",
    )


def _attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, kind) if kind else None
