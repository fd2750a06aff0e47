"""The order of the nodes within each column: neighbours close to each other, few lines that cross."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

Pair = tuple[str, str]
Columns = list[list[str]]

_SWEEPS = 24


def ordered(columns: Columns, pairs: Sequence[Pair]) -> Columns:
    """The columns, each sorted; ``pairs`` lead from one column to the next.

    Sweeps to the right and to the left move each node to the middle of its neighbours; the order with
    the fewest crossings is kept.
    """
    neighbours: dict[str, list[str]] = defaultdict(list)
    for source, target in pairs:
        neighbours[source].append(target)
        neighbours[target].append(source)
    best, fewest = columns, crossings(columns, pairs)
    current = [list(column) for column in columns]
    for sweep in range(_SWEEPS):
        steps = range(1, len(current)) if sweep % 2 == 0 else range(len(current) - 2, -1, -1)
        for step in steps:
            beside = current[step - 1 if sweep % 2 == 0 else step + 1]
            current[step] = _by_middle(current[step], beside, neighbours)
        if (count := crossings(current, pairs)) < fewest:
            best, fewest = [list(column) for column in current], count
    return best


def crossings(columns: Columns, pairs: Sequence[Pair]) -> int:
    """How many lines between neighbouring columns cross."""
    place = {node: (n, row) for n, column in enumerate(columns) for row, node in enumerate(column)}
    by_column: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for source, target in pairs:
        by_column[place[source][0]].append((place[source][1], place[target][1]))
    return sum(
        (a - c) * (b - d) < 0 for lines in by_column.values() for (a, b), (c, d) in combinations(lines, 2)
    )


def _by_middle(column: list[str], beside: list[str], neighbours: dict[str, list[str]]) -> list[str]:
    rows = {node: row for row, node in enumerate(beside)}

    def middle(node: str) -> float:
        found = [rows[other] for other in neighbours[node] if other in rows]
        return sum(found) / len(found) if found else column.index(node)

    return sorted(column, key=middle)
