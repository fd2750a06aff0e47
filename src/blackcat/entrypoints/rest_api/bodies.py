"""Request bodies without a length: read up to the limit, and refused beyond it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

TOO_LARGE = "blackcat.body_too_large"

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


def bounded_bodies(application: Wsgi, limit: int) -> Wsgi:
    """Give chunked bodies a length; Flask would cut them at its limit and go on with what is left.

    A body beyond ``limit`` bytes is marked with TOO_LARGE in the environment.
    """

    def bounded(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            body = environ["wsgi.input"].read(limit + 1)
            environ[TOO_LARGE] = len(body) > limit
            environ["wsgi.input"] = BytesIO(body[:limit])
            environ["CONTENT_LENGTH"] = str(min(len(body), limit))
            del environ["HTTP_TRANSFER_ENCODING"]
        return application(environ, start_response)

    return bounded
