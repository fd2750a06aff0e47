"""``python -m blackcat.entrypoints.dev.prepare FILE``: what dev asks of a project, in a process of its own.

It loads the registry, creates what that declares where the environment leads, and writes the plan of
what to run into the file. A process each time, so that an edit of the declarations is seen, and what is
broken in the project breaks nothing that runs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

from blackcat.application.dev.plan import plan_of
from blackcat.entrypoints.exit_status import CONFIGURATION, DONE, FAILED
from blackcat.errors import BlackcatError, ConfigurationError
from blackcat.infra.project.project import find_project


def main() -> NoReturn:
    """Exit status: 0 done, 1 the emulator refused something, 78 the project is wrong; the file says what."""
    answer = Path(sys.argv[1]).absolute()
    try:
        content, status = _prepared(), DONE
    except BlackcatError as error:
        content = {"problem": str(error)}
        status = CONFIGURATION if isinstance(error, ConfigurationError) else FAILED
    answer.write_text(json.dumps(content), encoding="utf-8")
    sys.exit(status)


def _prepared() -> dict[str, Any]:
    registry = find_project(Path.cwd()).registry()
    # After the registry: a project that does not load says so at once.
    from blackcat.entrypoints.provisioning import provision
    from blackcat.infra.settings.configuration import Settings

    settings = Settings()
    plan = plan_of(registry, port=settings.port, stop_seconds=settings.shutdown_timeout_seconds)
    provision(registry, settings)
    return {"plan": plan.as_json()}


if __name__ == "__main__":
    main()
