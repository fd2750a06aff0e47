"""Which column each node stands in: what flows into it stands in an earlier one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set

Pair = tuple[str, str]
Neighbours = Mapping[str, Sequence[str]]


def columns_of(nodes: Sequence[str], pairs: Iterable[Pair], floating: Set[str]) -> dict[str, int]:
    """The column of each node, from 0; a pair's nodes never share one.

    A cycle is broken where it comes back to where it began. What nothing leads to stands just before
    the first that it leads to. ``floating`` nodes are no part of the flow: each stands where the way
    to its neighbours is shortest.
    """
    wanted = list(dict.fromkeys(pairs))
    flow = [pair for pair in wanted if floating.isdisjoint(pair)]
    column = _by_flow([node for node in nodes if node not in floating], flow)
    anchored = {node for pair in flow for node in pair}
    neighbours = _neighbours(wanted + [(target, source) for source, target in wanted])
    for node in floating:
        column[node] = _between([column[other] for other in neighbours[node] if other in anchored])
    for node in nodes:
        if node not in anchored and node not in floating:
            column[node] = min((column[other] for other in neighbours[node]), default=1) - 1
    first = min(column.values(), default=0)
    return {node: column[node] - first for node in nodes}


def _between(taken: Sequence[int]) -> int:
    """The free column with the shortest way to those that are taken, rather a later one."""
    if not taken:
        return 1
    free = [one for one in range(min(taken) - 1, max(taken) + 2) if one not in taken]
    return min(free, key=lambda one: (sum(abs(one - other) for other in taken), -one))


def _by_flow(nodes: Sequence[str], pairs: Sequence[Pair]) -> dict[str, int]:
    after = _neighbours(pairs)
    before = _neighbours((target, source) for source, target in pairs)
    forward = _forward(sorted(nodes, key=lambda one: bool(before[one])), after)
    before = _neighbours((target, source) for source, target in forward)
    after = _neighbours(forward)
    column: dict[str, int] = {}
    for node in _sorted(nodes, after, before):
        column[node] = max((column[other] + 1 for other in before[node]), default=0)
    for node in nodes:
        if after[node] and not before[node]:
            column[node] = min(column[other] for other in after[node]) - 1
    return column


def _forward(nodes: Sequence[str], after: Neighbours) -> list[Pair]:
    """The pairs without cycles: each turned round that leads back to a node of the walk to it."""
    found: dict[Pair, None] = {}
    begun: set[str] = set()
    finished: set[str] = set()

    def walk(node: str) -> None:
        begun.add(node)
        for other in after[node]:
            leads_back = other in begun and other not in finished
            found[(other, node) if leads_back else (node, other)] = None
            if other not in begun:
                walk(other)
        finished.add(node)

    for node in nodes:
        if node not in begun:
            walk(node)
    return [pair for pair in found if pair[0] != pair[1]]


def _sorted(nodes: Sequence[str], after: Neighbours, before: Neighbours) -> list[str]:
    """The nodes so that each stands after all that lead to it."""
    missing = {node: len(before[node]) for node in nodes}
    ready = [node for node in nodes if not missing[node]]
    for node in ready:
        for other in after[node]:
            missing[other] -= 1
            if not missing[other]:
                ready.append(other)
    return ready


def _neighbours(pairs: Iterable[Pair]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for source, target in pairs:
        found[source].append(target)
    return found
