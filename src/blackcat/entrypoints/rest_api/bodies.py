"""Request bodies: read up to the limit, and refused beyond it, when they break off or come too slowly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from flask import Flask, Request
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge, RequestTimeout

_Error = TypeVar("_Error", bound=HTTPException)
Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]

# In the environment of a request, from the server: what to do each read of the body within.
ARRIVAL = "blackcat.body_arrival"
# From here: some of the body is left on the connection, or nobody knows what.
UNUSABLE = "blackcat.connection_unusable"


def limit_bodies(app: Flask, limit: int) -> None:
    """Have a body of more than ``limit`` bytes answered with 413, with or without a length.

    One that breaks off is answered with 400, one that does not arrive in time with 408.
    """

    class BoundedRequest(Request):
        @property  # type: ignore[misc]  # read only: the limit is a setting
        def max_content_length(self) -> int | None:  # type: ignore[override]  # as above
            # Flask reads in pieces, and slowly, where there is a limit; _Body has its own.
            length = self.content_length
            return limit if length is not None and length > limit else None

    app.config["MAX_CONTENT_LENGTH"] = limit
    app.request_class = BoundedRequest
    # Flask's own way to wrap an application, which its types do not know.
    setattr(app, "wsgi_app", _with_bodies(app.wsgi_app, limit))  # noqa: B010


def _with_bodies(application: Wsgi, limit: int) -> Wsgi:
    def bounded(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            environ["wsgi.input"] = _Body(environ, None, limit)
            environ["wsgi.input_terminated"] = True  # Flask would take it for empty
        elif (length := environ.get("CONTENT_LENGTH", "")).isdigit() and length != "0":
            environ["wsgi.input"] = _Body(environ, int(length), limit)
        return application(environ, start_response)

    return bounded


class _Body:
    """A body as it arrives: ``wsgi.input``. Raises what Flask answers with 400, 408 and 413."""

    def __init__(self, environ: dict[str, Any], length: int | None, limit: int) -> None:
        self._environ = environ
        self._source = environ["wsgi.input"]
        self._arrival: AbstractContextManager[None] = environ.get(ARRIVAL) or nullcontext()
        self._has_length = length is not None
        # One byte beyond the limit tells that there is too much.
        self._left = limit + 1 if length is None else length

    def read(self, size: int | None = -1) -> bytes:
        wanted = self._wanted(size)
        data = self._take(self._source.read, wanted)
        if self._has_length and len(data) < wanted:
            raise self._broken_off()
        return data

    def readline(self, size: int | None = -1) -> bytes:
        wanted = self._wanted(size)
        data = self._take(self._source.readline, wanted)
        if self._has_length and len(data) < wanted and not data.endswith(b"\n"):
            raise self._broken_off()
        return data

    def readlines(self, hint: int | None = -1) -> list[bytes]:
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def _wanted(self, size: int | None) -> int:
        return self._left if size is None or size < 0 else min(size, self._left)

    def _take(self, read: Callable[[int], bytes], wanted: int) -> bytes:
        if not wanted:
            return b""
        try:
            with self._arrival:
                data = read(wanted)
        except (BlockingIOError, TimeoutError) as error:  # the socket's own limit, or the server's
            raise self._unusable(RequestTimeout("the body did not arrive in time")) from error
        except Exception as error:  # a reset, or what the server thinks of a malformed chunk
            raise self._broken_off() from error
        self._left -= len(data)
        if not self._left and not self._has_length:
            raise self._unusable(RequestEntityTooLarge())
        return data

    def _broken_off(self) -> BadRequest:
        return self._unusable(BadRequest("the body broke off, or its chunks are malformed"))

    def _unusable(self, error: _Error) -> _Error:
        self._environ[UNUSABLE] = True
        return error
