"""Spans of time, as pairs of seconds, in order and apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Span = tuple[float, float]


def joined(spans: Iterable[Span]) -> list[Span]:
    """The time that any of these covers."""
    result: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """The time that the first cover and the second do not."""
    left = joined(spans)
    for start, end in taken:
        left = [
            piece
            for span in left
            for piece in ((span[0], min(span[1], start)), (max(span[0], end), span[1]))
            if piece[0] < piece[1]
        ]
    return left


def within(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """The time that both cover."""
    return joined((max(a[0], b[0]), min(a[1], b[1])) for a in spans for b in others)


def busy(spans: Iterable[Span], level: int) -> list[Span]:
    """The time during which at least ``level`` of these overlap."""
    edges = sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans])
    result, count, since = [], 0, 0.0
    for at, change in edges:
        if count < level <= count + change:
            since = at
        elif count + change < level <= count:
            result.append((since, at))
        count += change
    return joined(result)
