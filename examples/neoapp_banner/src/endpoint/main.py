"""The web application: every package below `routes` that has a `router`."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from blackcat import BlackcatError
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from ..config import Settings
from ..core.mew.config import settings_of
from ..core.utils.helpers import ServiceError
from . import routes
from .utils import on_error, on_http_error, on_invalid_request


def build_app() -> FastAPI:
    """Errors are answered by `utils.py`, in one form. In prod the application does not describe itself."""
    documented = settings_of(Settings).docs_are_served
    app = FastAPI(title="Neoapp banner", openapi_url="/openapi.json" if documented else None)
    for kind in (LookupError, ValueError, ServiceError, BlackcatError, Exception):
        app.add_exception_handler(kind, on_error)
    app.add_exception_handler(RequestValidationError, on_invalid_request)
    app.add_exception_handler(HTTPException, on_http_error)
    for router in routers():
        app.include_router(router)
    app.add_api_route("/health", health, tags=["health"])
    return app


def routers() -> list[APIRouter]:
    """A new package below `routes` needs no line here."""
    names = [found.name for found in pkgutil.iter_modules(routes.__path__)]
    return [import_module(f"{routes.__name__}.{name}").router for name in names]


def health() -> dict[str, str]:
    """The application answers. What it depends on is checked by the job `health`."""
    return {"status": "ok"}


app = build_app()
