"""The outlines of nodes, as SVG paths."""

from __future__ import annotations

from blackcat.application.graph.model import Kind

# How far the points of a topic stick out, and the sides of an event bus or secret lean;
# half the height of the ellipse on top of a table.
_POINT = 12.0
LID = 6.0
_ROUND = 22.0
_CORNER = 7.0


def outline(kind: Kind, x: float, y: float, width: float, height: float) -> str:
    """The path of a node whose upper left corner is there."""
    if kind is Kind.TOPIC:
        return _hexagon(x, y, width, height)
    if kind is Kind.TABLE:
        return _cylinder(x, y, width, height)
    if kind in (Kind.EVENT_BUS, Kind.SECRET):
        return _leaning(x, y, width, height, parallel=kind is Kind.EVENT_BUS)
    pill = kind in (Kind.QUEUE, Kind.DEAD_LETTERS)
    return _rounded(x, y, width, height, min(_ROUND if pill else _CORNER, height / 2))


def lid(x: float, y: float, width: float) -> str:
    """The nearer edge of a table's upper end."""
    return f"M{x:.1f} {y + LID:.1f} a{width / 2:.1f} {LID:.1f} 0 0 0 {width:.1f} 0"


def _hexagon(x: float, y: float, width: float, height: float) -> str:
    side, half = width - 2 * _POINT, height / 2
    right = f"l{_POINT:.1f} {half:.1f} l{-_POINT:.1f} {half:.1f}"
    left = f"l{-_POINT:.1f} {-half:.1f}"
    return f"M{x + _POINT:.1f} {y:.1f} h{side:.1f} {right} h{-side:.1f} {left} Z"


def _leaning(x: float, y: float, width: float, height: float, *, parallel: bool) -> str:
    """A parallelogram, or a trapezium with its shorter side on top."""
    top = width - (1 if parallel else 2) * _POINT
    side = f"l{-_POINT if parallel else _POINT:.1f} {height:.1f}"
    bottom = width - (_POINT if parallel else 0)
    return f"M{x + _POINT:.1f} {y:.1f} h{top:.1f} {side} h{-bottom:.1f} Z"


def _cylinder(x: float, y: float, width: float, height: float) -> str:
    arc = f"a{width / 2:.1f} {LID:.1f} 0 0 1"
    side = height - 2 * LID
    return f"M{x:.1f} {y + LID:.1f} {arc} {width:.1f} 0 v{side:.1f} {arc} {-width:.1f} 0 Z"


def _rounded(x: float, y: float, width: float, height: float, r: float) -> str:
    arc = f"a{r:.1f} {r:.1f} 0 0 1"
    across, down = width - 2 * r, height - 2 * r
    return (
        f"M{x + r:.1f} {y:.1f} h{across:.1f} {arc} {r:.1f} {r:.1f} v{down:.1f} {arc} {-r:.1f} {r:.1f} "
        f"h{-across:.1f} {arc} {-r:.1f} {-r:.1f} v{-down:.1f} {arc} {r:.1f} {-r:.1f} Z"
    )
