"""A graph as SVG: drawn without other tools, readable on light pages and on dark ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from blackcat.application.graph.colours import COLOURS, NEUTRAL, TEXT
from blackcat.application.graph.labels import (
    BASELINE,
    FONT,
    LINE_HEIGHT,
    NAME_SIZE,
    SMALL_SIZE,
    Label,
    described,
    label_of,
    sentence,
    shortened,
    small_label_of,
    width_of,
    xml,
)
from blackcat.application.graph.layout import Box, Gaps, Layout, Line, Size, laid_out
from blackcat.application.graph.model import Edge, Flow, Graph, Kind, Node
from blackcat.application.graph.shapes import lid, outline

_MARGIN = 24.0
_TITLE_SIZE = 16.0
_TITLE_HEIGHT = 36.0
# Wider than this, and it is drawn from top to bottom: boxes are flat, so that it becomes narrower.
_WIDEST = 1300.0
# What stands still: nothing flows through it.
_KEPT = (Kind.TABLE, Kind.SECRET)
# Around a text beside a line.
_LINE_GAP = 2.0
# From a queue to its dead-letter queue.
_HANGING_GAP = 18.0

# At which ends of its line a flow has arrows: the source's and the target's.
_ARROWS = {Flow.READ: (True, False), Flow.READ_WRITE: (True, True), Flow.LOCK: (True, True)}

_HEAD = f"""\
  <style>
    text {{ font: {NAME_SIZE}px {FONT}; fill: {TEXT}; text-anchor: middle; }}
    .small {{ font-size: {SMALL_SIZE}px; fill-opacity: 0.85; }}
    .name {{ font-weight: 600; }}
    .title {{ font-size: {_TITLE_SIZE}px; font-weight: 600; fill: {NEUTRAL}; text-anchor: start; }}
    .label {{ font-size: {SMALL_SIZE}px; fill: {NEUTRAL}; }}
    .line {{ fill: none; stroke: {NEUTRAL}; stroke-width: 1.5; }}
    .failed {{ stroke-dasharray: 3 3; }}
    .lid {{ fill: none; stroke: {TEXT}; stroke-opacity: 0.35; }}
  </style>
  <defs>
    <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"
      orient="auto-start-reverse"><path d="M0 0.5 L7.5 4 L0 7.5 Z" fill="{NEUTRAL}"/></marker>
  </defs>"""


def svg(graph: Graph) -> str:
    """The graph along its flow, from left to right, or from top to bottom when it is long.

    The result is valid XML whatever the names are.
    """
    wide = Drawing(graph, vertical=False)
    return (wide if wide.width <= _WIDEST else Drawing(graph, vertical=True)).text()


@dataclass(frozen=True)
class _Shown:
    """A node that gets a box, and the dead-letter queue that hangs beside it."""

    node: Node
    label: Label
    hanging: Node | None

    @property
    def hanging_label(self) -> Label | None:
        return small_label_of(self.hanging) if self.hanging else None


class Drawing:
    """A graph drawn in one direction."""

    def __init__(self, graph: Graph, *, vertical: bool) -> None:
        self._graph = graph
        self._vertical = vertical
        self._shown = _shown(graph)
        self._edges = [edge for edge in graph.edges if {edge.source, edge.target} <= self._shown.keys()]
        self._layout = self._laid_out()

    @property
    def width(self) -> float:
        size = self._layout.size
        drawn = size.across if self._vertical else size.along
        return max(drawn, width_of(self._graph.title, _TITLE_SIZE)) + 2 * _MARGIN

    @property
    def height(self) -> float:
        size = self._layout.size
        return (size.along if self._vertical else size.across) + 2 * _MARGIN + _TITLE_HEIGHT

    def text(self) -> str:
        title = xml(self._graph.title)
        size = f'viewBox="0 0 {self.width:.0f} {self.height:.0f}"'
        size = f'{size} width="{self.width:.0f}" height="{self.height:.0f}"'
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title summary">',
                f'  <title id="title">{title}</title>',
                f'  <desc id="summary">{xml(_summary(self._graph))}</desc>',
                _HEAD,
                f'  <text class="title" x="{_MARGIN}" y="{_MARGIN + BASELINE}">{title}</text>',
                f'  <g transform="translate({_MARGIN} {_MARGIN + _TITLE_HEIGHT})">',
                *(f"    {part}" for part in self._parts()),
                "  </g>",
                "</svg>",
                "",
            ]
        )

    def _laid_out(self) -> Layout:
        gaps = Gaps(56, 30) if self._vertical else Gaps(max(72, self._longest_detail()), 22)
        floating = {id_ for id_, shown in self._shown.items() if shown.node.kind in _KEPT}
        pairs = [(edge.source, edge.target) for edge in self._edges]
        return laid_out({id_: self._size(one) for id_, one in self._shown.items()}, pairs, floating, gaps)

    def _longest_detail(self) -> float:
        """The room that the longest text beside a line needs, so that no box covers it."""
        details = [shortened(edge.detail) for edge in self._edges]
        return max((width_of(detail, SMALL_SIZE) + _LINE_GAP for detail in details if detail), default=0.0)

    def _size(self, shown: _Shown) -> Size:
        """Dead-letter queues hang across the flow, where no line leaves."""
        label, hanging = shown.label, shown.hanging_label
        if self._vertical:
            beside = hanging.width + _HANGING_GAP if hanging else 0.0
            return Size(label.height, label.width, beside)
        below = hanging.height + _HANGING_GAP if hanging else 0.0
        return Size(max(label.width, hanging.width if hanging else 0.0), label.height, below)

    def _parts(self) -> Iterator[str]:
        drawn: Counter[tuple[str, str]] = Counter()
        for edge in self._edges:
            yield from self._edge(edge, drawn[edge.source, edge.target])
            drawn[edge.source, edge.target] += 1
        for id_, shown in self._shown.items():
            x, y = self._centre(self._layout.boxes[id_])
            yield from self._hanging(shown, id_, x, y)
            yield from _node(shown.node, shown.label, x, y)

    def _centre(self, box: Box) -> tuple[float, float]:
        return self._place(box.begin + box.size.along / 2, box.middle)

    def _place(self, along: float, across: float) -> tuple[float, float]:
        return (across, along) if self._vertical else (along, across)

    def _hanging(self, shown: _Shown, id_: str, x: float, y: float) -> Iterator[str]:
        if shown.hanging is None or shown.hanging_label is None:
            return
        label, hung = shown.label, shown.hanging_label
        if self._vertical:
            start, way = (x + label.width / 2, y), f"h{_HANGING_GAP - 1}"
            place = (start[0] + _HANGING_GAP + hung.width / 2, y)
        else:
            start, way = (x, y + label.height / 2), f"v{_HANGING_GAP - 1}"
            place = (x, start[1] + _HANGING_GAP + hung.height / 2)
        edge = next(one for one in self._graph.edges if (one.source, one.flow) == (id_, Flow.DEAD_LETTER))
        told = f"<title>{xml(sentence(edge, self._graph))}</title>"
        path = f"M{start[0]:.1f} {start[1]:.1f} {way}"
        yield f'<path class="line failed" marker-end="url(#arrow)" d="{path}">{told}</path>'
        yield from _node(shown.hanging, hung, *place)

    def _edge(self, edge: Edge, number: int) -> Iterator[str]:
        """The edge; ``number`` others join the same nodes, and have their details below its own."""
        line = self._layout.lines[edge.source, edge.target]
        at_source, at_target = _ARROWS.get(edge.flow, (False, True))
        at_begin, at_end = (at_target, at_source) if line.turned else (at_source, at_target)
        arrows = 'marker-start="url(#arrow)" ' * at_begin + 'marker-end="url(#arrow)" ' * at_end
        style = "line failed" if edge.flow is Flow.DEAD_LETTER else "line"
        told = f"<title>{xml(sentence(edge, self._graph))}</title>"
        yield f'<path class="{style}" {arrows}d="{self._way(line)}">{told}</path>'
        if edge.detail:
            yield self._beside(line, edge.detail, number)

    def _way(self, line: Line) -> str:
        """Curves between the columns, and straight on through them."""
        (along, across), *rest = line.points
        parts = [f"M{self._point(along, across)}"]
        for number, (to_along, to_across) in enumerate(rest):
            bend = (along + to_along) / 2
            if number % 2 == 0:
                parts.append(f"C{self._point(bend, across)} {self._point(bend, to_across)}")
            else:
                parts.append("L")
            parts.append(self._point(to_along, to_across))
            along, across = to_along, to_across
        return " ".join(parts)

    def _beside(self, line: Line, text: str, number: int) -> str:
        (along, across), (to_along, to_across) = line.points[:2]
        x, y = self._place((along + to_along) / 2, (across + to_across) / 2)
        y -= 6 + number * (SMALL_SIZE + _LINE_GAP)
        return f'<text class="label" x="{x:.1f}" y="{y:.1f}">{xml(shortened(text))}</text>'

    def _point(self, along: float, across: float) -> str:
        x, y = self._place(along, across)
        return f"{x:.1f} {y:.1f}"


def _shown(graph: Graph) -> Mapping[str, _Shown]:
    """What gets a box: a dead-letter queue that is nothing else hangs beside its queue."""
    hanging = {
        edge.source: graph.nodes[edge.target]
        for edge in graph.edges
        if edge.flow is Flow.DEAD_LETTER and graph.nodes[edge.target].kind is Kind.DEAD_LETTERS
    }
    return {
        id_: _Shown(node, label_of(node), hanging.get(id_))
        for id_, node in graph.nodes.items()
        if node.kind is not Kind.DEAD_LETTERS
    }


def _node(node: Node, label: Label, x: float, y: float) -> Iterator[str]:
    left, top = x - label.width / 2, y - label.height / 2
    yield f"<g><title>{xml(described(node))}</title>"
    shape = outline(node.kind, left, top, label.width, label.height)
    yield f'<path d="{shape}" fill="{COLOURS[node.kind]}"/>'
    if node.kind is Kind.TABLE:
        yield f'<path class="lid" d="{lid(left, top, label.width)}"/>'
    first = y + label.lowered / 2 - len(label.lines) * LINE_HEIGHT / 2 + BASELINE
    for number, line in enumerate(label.lines):
        foot = first + number * LINE_HEIGHT
        yield f'<text class="{line.style}" x="{x:.1f}" y="{foot:.1f}">{xml(line.text)}</text>'
    yield "</g>"


def _summary(graph: Graph) -> str:
    flows = [sentence(edge, graph) for edge in graph.edges]
    return "; ".join(flows or map(described, graph.nodes.values())) or "There are no services yet."
