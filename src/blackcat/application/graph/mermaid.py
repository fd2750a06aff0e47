"""A graph as a Mermaid flowchart, for Markdown that renders it.

https://mermaid.js.org/syntax/flowchart.html
"""

from __future__ import annotations

from collections.abc import Iterator

from blackcat.application.graph.colours import COLOURS, TEXT
from blackcat.application.graph.model import Edge, Flow, Graph, Kind, Node

_SHAPES = {
    Kind.QUEUE: ("([", "])"),
    Kind.DEAD_LETTERS: ("([", "])"),
    Kind.TOPIC: ("{{", "}}"),
    Kind.TABLE: ("[(", ")]"),
    Kind.EVENT_BUS: ("[/", "/]"),
    Kind.SECRET: ("[/", "\\]"),
}
_LABELS = {
    Flow.SEND: "send",
    Flow.PUBLISH: "publish",
    Flow.PUT: "put",
    Flow.READ: "read",
    Flow.WRITE: "write",
    Flow.READ_WRITE: "read, write",
    Flow.LOCK: "lock",
}


def mermaid(graph: Graph) -> str:
    """The graph from left to right; every name and label is escaped."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    yield from ("---", f"title: {_quoted(graph.title)}", "---", "flowchart LR")
    names = {id_: f"n{number}" for number, id_ in enumerate(graph.nodes)}
    for id_, node in graph.nodes.items():
        opening, closing = _SHAPES.get(node.kind, ("[", "]"))
        yield f'  {names[id_]}{opening}"{_label(node)}"{closing}:::{_class(node.kind)}'
    for edge in graph.edges:
        yield f"  {names[edge.source]} {_arrow(edge)} {names[edge.target]}"
    for kind in dict.fromkeys(node.kind for node in graph.nodes.values()):
        yield f"  classDef {_class(kind)} fill:{COLOURS[kind]},stroke:none,color:{TEXT}"


def _label(node: Node) -> str:
    return "<br/>".join(_escaped(line) for line in (node.kind.value, node.name, node.detail) if line)


def _arrow(edge: Edge) -> str:
    line = "-.->" if edge.flow is Flow.DEAD_LETTER else "-->"
    label = " ".join(filter(None, (_LABELS.get(edge.flow), edge.detail)))
    return f'{line}|"{_escaped(label)}"|' if label else line


def _class(kind: Kind) -> str:
    return kind.name.lower()


def _escaped(text: str) -> str:
    """Entities, as Mermaid writes them, for all that could end a label or begin a tag."""
    return "".join(one if one.isalnum() or one in " _.,:+-?/()" else f"#{ord(one)};" for one in text)


def _quoted(text: str) -> str:
    """A title in YAML."""
    return '"' + "".join(one for one in text if one.isprintable() and one not in '"\\') + '"'
