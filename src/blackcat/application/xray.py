"""AWS X-Ray's trace header: how AWS passes a trace from one service to the next.

https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TRACE_HEADER = "X-Amzn-Trace-Id"

_TRACE_ID = re.compile(r"1-([0-9a-fA-F]{8})-([0-9a-fA-F]{24})")
_SPAN_ID = re.compile(r"[0-9a-fA-F]{16}")


@dataclass(frozen=True, slots=True)
class XRayContext:
    """What a header tells. The ids are hexadecimal, as W3C has them.

    A load balancer tells the trace alone; ``sampled`` is None when whoever comes next is to decide.
    """

    trace_id: str
    span_id: str = ""
    sampled: bool | None = None


def trace_header(trace_id: str, span_id: str, *, sampled: bool) -> str:
    """The header of a span whose ids are as W3C has them."""
    return f"Root=1-{trace_id[:8]}-{trace_id[8:]};Parent={span_id};Sampled={int(sampled)}"


def xray_context(header: str) -> XRayContext | None:
    """What the header tells; None when it names no trace."""
    parts = _parts(header)
    trace = _TRACE_ID.fullmatch(parts.get("Root", ""))
    if trace is None or not int(trace[1] + trace[2], 16):
        return None
    span = _SPAN_ID.fullmatch(parts.get("Parent", ""))
    sampled = {"0": False, "1": True}.get(parts.get("Sampled", ""))
    span_id = span[0].lower() if span and int(span[0], 16) else ""
    return XRayContext((trace[1] + trace[2]).lower(), span_id, sampled)


def _parts(header: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in header.split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}
