"""A service of a project, run as ``python main.py`` runs it."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from dotenv import load_dotenv

from blackcat.domain.registry import ServiceRegistry
from blackcat.entrypoints.exit_status import DONE, FAILED
from blackcat.entrypoints.microservice import run_microservice
from blackcat.errors import ConfigurationError, SettingsError, UnknownService
from blackcat.infra.project.project import Project
from blackcat.infra.settings.configuration import dotenv_files

_MAIN = "main.py"


def run_project_service(project: Project, name: str | None) -> NoReturn:
    """Run the project's main.py in this process, or its registry without one; exits as the service does.

    Signals, process id and exit status are the service's own. Without ``name``, SERVICE_NAME holds, or
    a registry's only service. Raises ConfigurationError.
    """
    project.enter()
    _load_dotenv()
    if name:
        os.environ["SERVICE_NAME"] = name
    elif not os.environ.get("SERVICE_NAME"):
        os.environ["SERVICE_NAME"] = _only_service(project.registry())
    main = Path(_MAIN).absolute()
    if main.is_file():
        _run_main(main)
    run_microservice(project.registry())


def _load_dotenv() -> None:
    """The strongest first: what is set is never overridden."""
    for file in reversed(dotenv_files()):
        try:
            load_dotenv(file)
        except UnicodeDecodeError:
            raise SettingsError(f"{file} is not UTF-8: save it as UTF-8") from None


def _only_service(registry: ServiceRegistry) -> str:
    names = [service.name for service in registry]
    if len(names) == 1:
        return names[0]
    if not names:
        raise UnknownService("the registry is empty: add a service with `blackcat generate-service`")
    raise UnknownService(
        "which service? Name it, or set SERVICE_NAME:\n"
        + "\n".join(f"  blackcat run {name}" for name in names)
    )


def _run_main(main: Path) -> NoReturn:
    sys.argv = [str(main)]
    try:
        # In this process: signals, debuggers and the process id are those of `python main.py`.
        runpy.run_path(str(main), run_name="__main__")
    except ConfigurationError:
        raise
    except Exception as error:
        # As the interpreter would show it: without the frames that led to main.py.
        shown = _from(main, error.__traceback__)
        sys.excepthook(type(error), error.with_traceback(shown), shown)
        sys.exit(FAILED)
    sys.exit(DONE)


def _from(file: Path, traceback: TracebackType | None) -> TracebackType | None:
    while traceback and traceback.tb_frame.f_code.co_filename != str(file):
        traceback = traceback.tb_next
    return traceback
