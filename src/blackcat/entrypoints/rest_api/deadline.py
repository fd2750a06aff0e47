"""The time that a request has, for what waits in it."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from flask import abort, current_app

from blackcat.entrypoints.rest_api.running import RunningRequests

EXTENSION = "blackcat.running_requests"


def time_left() -> timedelta:
    """What is left of API_REQUEST_TIMEOUT_SECONDS for the request that this thread serves.

    Give it to whatever waits: ``httpx.get(url, timeout=time_left().total_seconds())``. When nothing is
    left it ends the request with 504 instead of returning.
    """
    running: RunningRequests = current_app.extensions[EXTENSION]
    left = running.left()
    if left is None:
        return timedelta(seconds=running.timeout)
    if left <= 0:
        abort(HTTPStatus.GATEWAY_TIMEOUT, f"the request took longer than {running.timeout:g} seconds")
    return timedelta(seconds=left)
