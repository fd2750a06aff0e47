"""The project's plan, asked for in a process of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from blackcat.application.dev.plan import ProjectPlan
from blackcat.application.dev.runs import ended_with
from blackcat.entrypoints.dev.processes import Processes
from blackcat.entrypoints.dev.screen import OWN_NAME
from blackcat.entrypoints.exit_status import CONFIGURATION
from blackcat.errors import BlackcatError, ConfigurationError
from blackcat.infra.project.dev_session import dev_folder


class Preparation:
    """Started on construction; the resources are there once it is done."""

    def __init__(self, processes: Processes, environment: Mapping[str, str], root: Path) -> None:
        self._answer = dev_folder(root) / "plan.json"
        self._answer.unlink(missing_ok=True)
        command = [sys.executable, "-m", "blackcat.entrypoints.dev.prepare", str(self._answer)]
        self._process = processes.start(OWN_NAME, command, environment)

    def plan(self) -> ProjectPlan | None:
        """None while it is under way. Raises BlackcatError with what stands in the way."""
        status = self._process.poll()
        if status is None:
            return None
        answer = json.loads(self._answer.read_text(encoding="utf-8")) if self._answer.exists() else {}
        self._answer.unlink(missing_ok=True)
        if "plan" in answer:
            return ProjectPlan.from_json(answer["plan"])
        problem = answer.get("problem") or f"the process that loads the project {ended_with(status)}"
        raise (ConfigurationError if status == CONFIGURATION else BlackcatError)(problem)

    def give_up(self) -> None:
        self._process.kill()
