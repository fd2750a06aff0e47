"""Requests for an ASGI application, from Lambda's events to answers that Lambda takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from blackcat.entrypoints.aws_lambda.http_request import complete_request, mounted
from blackcat.entrypoints.aws_lambda.http_response import TEXTS, finished
from blackcat.entrypoints.aws_lambda.sources import Invocation
from blackcat.errors import ConfigurationError

if TYPE_CHECKING:
    from mangum.types import ASGI


class Requests:
    """Answers requests of API Gateway, function URLs and load balancers with an ASGI application.

    ``application`` is asked for at the first of them. Raises ConfigurationError without the extra
    ``blackcat[lambda]``.
    """

    def __init__(self, application: Callable[[], Any]) -> None:
        self._application = application
        self._adapter: Callable[[Any, Any], dict[str, Any]] | None = None

    def __call__(self, invocation: Invocation) -> dict[str, Any]:
        """Raises InvalidEvent for a request that lacks a field."""
        event = complete_request(invocation.event, invocation.kind)
        if self._adapter is None:
            self._adapter = _adapter(self._application())
        return finished(self._adapter(event, invocation.context), invocation.kind)


def _adapter(application: ASGI) -> Callable[[Any, Any], dict[str, Any]]:
    try:
        from mangum import Mangum  # an extra
    except ImportError as error:
        raise ConfigurationError("requests need an extra: pip install 'blackcat[lambda]'") from error
    # It takes the thread's event loop, and newer Pythons make none by themselves.
    asyncio.set_event_loop(asyncio.new_event_loop())
    # What belongs to the process is opened and closed by its parts, not by each request.
    return Mangum(_adapted(application), lifespan="off", text_mime_types=list(TEXTS))


def _adapted(application: ASGI) -> ASGI:
    """The application where API Gateway has it: links of its own, as to its docs, begin with the stage.

    https://asgi.readthedocs.io/en/latest/specs/www.html#http-connection-scope
    """

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        root, path = mounted(scope["aws.event"])
        await application({**scope, "root_path": root, "path": unquote(root + path)}, receive, send)

    return serve
