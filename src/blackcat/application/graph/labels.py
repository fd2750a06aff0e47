"""Names as they are drawn: in lines, measured, escaped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.sax.saxutils import escape

from blackcat.application.graph.model import Edge, Flow, Graph, Kind, Node
from blackcat.application.graph.shapes import LID

FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
NAME_SIZE = 13.0
SMALL_SIZE = 10.5
LINE_HEIGHT = 16.0
# From the top of a line of text to its foot.
BASELINE = 12.0
PADDING = 16.0

# The width of a letter in monospaced fonts, as a share of the font's size.
_LETTER = 0.605
_LONGEST_LINE = 26
_LONGEST_SMALL_LINE = 36
_LONGEST_LABEL = 30
_NARROWEST = 112.0
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Text:
    """One line of a node's label; ``style`` is its class in the drawing."""

    text: str
    style: str


@dataclass(frozen=True)
class Label:
    """The lines of a node's label, ``lowered`` from the middle of a box of that width and height."""

    lines: tuple[Text, ...]
    width: float
    height: float
    lowered: float = 0.0


def label_of(node: Node) -> Label:
    """Kind, name and detail."""
    lines = [Text(node.kind.value, "small"), *(Text(line, "name") for line in _wrapped(node.name))]
    if node.detail:
        lines.append(Text(shortened(node.detail), "small"))
    # The text of a table stands below its lid.
    lowered = LID if node.kind is Kind.TABLE else 0.0
    height = len(lines) * LINE_HEIGHT + PADDING + lowered
    return Label(tuple(lines), max(_NARROWEST, _width(lines)), height, lowered)


def small_label_of(node: Node) -> Label:
    """The name alone."""
    lines = tuple(Text(line, "small") for line in _wrapped(node.name, _LONGEST_SMALL_LINE))
    return Label(lines, _width(lines), len(lines) * LINE_HEIGHT + PADDING / 2)


def sentence(edge: Edge, graph: Graph) -> str:
    """What flows, in words."""
    source, target = graph.nodes[edge.source], graph.nodes[edge.target]
    if edge.flow is Flow.CONSUME:
        source, target = target, source
    detail = f" ({edge.detail})" if edge.detail else ""
    return f"{source.name} {edge.flow.value} {target.name}{detail}"


def described(node: Node) -> str:
    return f"{node.kind.value} {node.name}" + (f", {node.detail}" if node.detail else "")


def shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"


def width_of(text: str, size: float) -> float:
    return len(text) * size * _LETTER


def xml(text: str) -> str:
    """The text as XML takes it, whatever it holds."""
    return escape(_NOT_IN_XML.sub("\ufffd", text))


def _width(lines: list[Text] | tuple[Text, ...]) -> float:
    sizes = {"name": NAME_SIZE, "small": SMALL_SIZE}
    return max(width_of(line.text, sizes[line.style]) for line in lines) + 2 * PADDING


def _wrapped(name: str, longest: int = _LONGEST_LINE) -> list[str]:
    """The name in lines, broken after its separators where that is possible."""
    lines = [""]
    for part in re.findall(r"[^_.\-]*[_.\-]+|[^_.\-]+", name):
        for piece in (part[at : at + longest] for at in range(0, len(part), longest)):
            if len(lines[-1]) + len(piece) > longest:
                lines.append("")
            lines[-1] += piece
    return lines
