"""SnapStart: a process is frozen once after its start, and runs on in many copies of it."""

from __future__ import annotations

import os
import random
import sys

from blackcat.application.events import EventLog

log = EventLog("blackcat")

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
_INITIALIZATION = "AWS_LAMBDA_INITIALIZATION_TYPE"
_SNAP_START = "snap-start"


def register_hooks() -> None:
    """Have what must not be copied dropped before the snapshot, and made anew in each copy.

    https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html
    """
    if os.environ.get(_INITIALIZATION) != _SNAP_START:
        return
    try:
        from snapshot_restore_py import register_after_restore, register_before_snapshot
    except ImportError:
        log.warning("snapshot.without_hooks", reason="this runtime has no snapshot_restore_py: use AWS's own")
        return
    register_before_snapshot(before_snapshot)
    register_after_restore(after_restore)


def before_snapshot() -> None:
    """Drop connections, clients, and the credentials and secrets that were fetched."""
    if connections := sys.modules.get("blackcat.entrypoints.connections"):
        connections.forget_connections()
    if databases := sys.modules.get("blackcat.entrypoints.databases"):
        databases.close_databases()


def after_restore() -> None:
    """Draw new random numbers: every copy would draw the same ones, for ids of traces and pauses too."""
    random.seed()
    log.info("snapshot.restored")
