"""Where everything stands: columns one after the other, lines that run between the boxes.

Places are told along the flow, and across it: whoever draws decides which of them is horizontal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

from blackcat.application.graph.layers import columns_of
from blackcat.application.graph.ordering import Pair, ordered

_LINE_THICKNESS = 4.0
_PASSES = 12
# How close the ends of lines may come on a side of a box, and which share of the side they take.
_PORT_GAP = 10.0
_PORT_SHARE = 0.6


@dataclass(frozen=True)
class Size:
    """The extent of a box; ``hanging`` more beside it, across the flow, that no line touches."""

    along: float
    across: float
    hanging: float = 0.0


@dataclass(frozen=True)
class Gaps:
    """The space between columns, and between the boxes of one column."""

    along: float
    across: float


@dataclass(frozen=True)
class Box:
    """A placed box: where it begins along the flow, and its middle across it."""

    begin: float
    middle: float
    size: Size

    @property
    def end(self) -> float:
        return self.begin + self.size.along


@dataclass(frozen=True)
class Line:
    """The way between two boxes, along the flow; ``turned`` when its pair leads the other way."""

    points: tuple[tuple[float, float], ...]
    turned: bool


@dataclass(frozen=True)
class Layout:
    """All boxes by id, the lines by the pair of ids that they join, and the extent of the whole."""

    boxes: Mapping[str, Box]
    lines: Mapping[Pair, Line]
    size: Size


def laid_out(sizes: Mapping[str, Size], pairs: Iterable[Pair], floating: Set[str], gaps: Gaps) -> Layout:
    """A place for each box, and a way for each line."""
    wanted = list(dict.fromkeys(pairs))
    column = columns_of(list(sizes), wanted, floating)
    chains = {pair: _chain(pair, column) for pair in wanted}
    links = list(dict.fromkeys(link for chain in chains.values() for link in pairwise(chain)))
    columns = ordered(_columns(column, chains.values()), links)
    everything = {**{name: Size(0, _LINE_THICKNESS) for names in columns for name in names}, **sizes}
    boxes = _placed(columns, links, everything, gaps)
    lines = {pair: _line(pair, chain, boxes) for pair, chain in chains.items()}
    shown = {name: boxes[name] for name in sizes}
    return Layout(shown, _with_ports(lines, shown), _extent(boxes.values()))


def _chain(pair: Pair, column: Mapping[str, int]) -> list[str]:
    """The pair along the flow, with a stop in every column between, where its line passes the boxes."""
    first, last = sorted(pair, key=lambda name: column[name])
    between = range(column[first] + 1, column[last])
    return [first, *(f"{first}\n{last}\n{number}" for number in between), last]


def _columns(column: Mapping[str, int], chains: Iterable[Sequence[str]]) -> list[list[str]]:
    found: dict[int, dict[str, None]] = defaultdict(dict)
    for name, number in column.items():
        found[number][name] = None
    for chain in chains:
        for number, name in enumerate(chain, column[chain[0]]):
            found[number][name] = None
    return [list(found[number]) for number in sorted(found)]


def _placed(
    columns: Sequence[Sequence[str]], links: Sequence[Pair], sizes: Mapping[str, Size], gaps: Gaps
) -> dict[str, Box]:
    middles = _middles(columns, links, sizes, gaps)
    top = min((middles[name] - sizes[name].across / 2 for name in middles), default=0.0)
    boxes: dict[str, Box] = {}
    reached = 0.0
    for column in columns:
        widest = max(sizes[name].along for name in column)
        for name in column:
            # A stop is as long as its column: the line passes all of it.
            size = sizes[name] if sizes[name].along else Size(widest, 0)
            boxes[name] = Box(reached + (widest - size.along) / 2, middles[name] - top, size)
        reached += widest + gaps.along
    return boxes


def _middles(
    columns: Sequence[Sequence[str]], links: Sequence[Pair], sizes: Mapping[str, Size], gaps: Gaps
) -> dict[str, float]:
    """Across the flow: each close to the middle of its neighbours, and none on another one."""
    neighbours: dict[str, list[str]] = defaultdict(list)
    for first, second in links:
        neighbours[first].append(second)
        neighbours[second].append(first)
    middles: dict[str, float] = {}
    for column in columns:
        middles.update(_apart(column, dict.fromkeys(column, 0.0), sizes, gaps))
    for number in range(_PASSES):
        for column in columns if number % 2 == 0 else reversed(columns):
            wanted = {name: _mean(neighbours[name] or [name], middles) for name in column}
            middles.update(_apart(column, wanted, sizes, gaps))
    return middles


def _apart(
    column: Sequence[str], wanted: Mapping[str, float], sizes: Mapping[str, Size], gaps: Gaps
) -> dict[str, float]:
    """As close to the wanted middles as the order and the gaps allow, by least squares.

    Boxes that would overlap are joined to a block, which stands where its members would on average.
    """
    offsets = _offsets(column, sizes, gaps)
    blocks: list[tuple[float, int]] = []
    for name in column:
        mean, count = wanted[name] - offsets[name], 1
        while blocks and blocks[-1][0] > mean:
            above, members = blocks.pop()
            mean, count = (above * members + mean * count) / (members + count), members + count
        blocks.append((mean, count))
    means = [mean for mean, count in blocks for _ in range(count)]
    return {name: mean + offsets[name] for name, mean in zip(column, means, strict=True)}


def _offsets(column: Sequence[str], sizes: Mapping[str, Size], gaps: Gaps) -> dict[str, float]:
    """How far each one's middle is from the beginning when all stand as close as may be."""
    offsets: dict[str, float] = {}
    reached = 0.0
    for name in column:
        size = sizes[name]
        offsets[name] = reached + size.across / 2
        reached += size.across + size.hanging + gaps.across
    return offsets


def _line(pair: Pair, chain: Sequence[str], boxes: Mapping[str, Box]) -> Line:
    first, *stops, last = (boxes[name] for name in chain)
    points = [(first.end, first.middle)]
    for stop in stops:
        points += [(stop.begin, stop.middle), (stop.end, stop.middle)]
    return Line((*points, (last.begin, last.middle)), turned=chain[0] != pair[0])


def _with_ports(lines: Mapping[Pair, Line], boxes: Mapping[str, Box]) -> dict[Pair, Line]:
    """The lines spread over the sides of the boxes that they touch, in the order of where they lead."""
    leaving: dict[str, list[Pair]] = defaultdict(list)
    arriving: dict[str, list[Pair]] = defaultdict(list)
    for pair, line in lines.items():
        first, last = reversed(pair) if line.turned else pair
        leaving[first].append(pair)
        arriving[last].append(pair)
    begins = _ports(leaving, boxes, lambda pair: lines[pair].points[1][1])
    ends = _ports(arriving, boxes, lambda pair: lines[pair].points[-2][1])
    return {
        pair: Line(
            (
                (line.points[0][0], begins[pair]),
                *line.points[1:-1],
                (line.points[-1][0], ends[pair]),
            ),
            line.turned,
        )
        for pair, line in lines.items()
    }


def _ports(
    touching: Mapping[str, Sequence[Pair]], boxes: Mapping[str, Box], leads_to: Callable[[Pair], float]
) -> dict[Pair, float]:
    found: dict[Pair, float] = {}
    for name, pairs in touching.items():
        box = boxes[name]
        gap = min(_PORT_GAP, box.size.across * _PORT_SHARE / max(1, len(pairs) - 1))
        first = box.middle - gap * (len(pairs) - 1) / 2
        for number, pair in enumerate(sorted(pairs, key=leads_to)):
            found[pair] = first + gap * number
    return found


def _extent(boxes: Iterable[Box]) -> Size:
    placed = list(boxes)
    return Size(
        max((box.end for box in placed), default=0.0),
        max((box.middle + box.size.across / 2 + box.size.hanging for box in placed), default=0.0),
    )


def _mean(names: Sequence[str], middles: Mapping[str, float]) -> float:
    return sum(middles[name] for name in names) / len(names)
