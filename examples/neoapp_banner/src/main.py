"""The entry point of the function: Lambda calls `src.main.main`. The same in every project."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from .core.mew.core import mew

if TYPE_CHECKING:
    from fastapi import FastAPI


def _http() -> FastAPI:
    # Imported at the first request: messages and jobs do without a web framework.
    from .endpoint.main import app

    return app


def _commands() -> ModuleType:
    from .domain import commands

    return commands


# main(event, context): requests go to the endpoints, messages to the commands, schedules and direct
# invocations to the jobs.
main = mew.main(http=_http, commands=_commands)
