"""Colours that can be read on a light page and on a dark one."""

from blackcat.application.graph.model import Kind

TEXT = "#ffffff"
# Each gives white text a contrast of 4.5 or more: https://www.w3.org/TR/WCAG22/#contrast-minimum
COLOURS = {
    Kind.CONSUMER: "#2b67a8",
    Kind.WORKER: "#6f4fa0",
    Kind.REST_API: "#1d756a",
    Kind.QUEUE: "#a9520f",
    Kind.DEAD_LETTERS: "#8c3b3b",
    Kind.TOPIC: "#a03070",
    Kind.TABLE: "#4c5866",
    Kind.EVENT_BUS: "#4a4fb0",
    Kind.SECRET: "#5c6b1f",
}
# Lines and what is written beside them, on either page.
NEUTRAL = "#7d8590"
