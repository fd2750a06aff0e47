"""Exit statuses: what an orchestrator learns from how a process ended."""

from __future__ import annotations

DONE = 0
FAILED = 1
# sysexits.h: EX_TEMPFAIL and EX_CONFIG
LOCK_HELD = 75
CONFIGURATION = 78
