"""The jobs of a project, with what they run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from blackcat.application.entrypoint import worker_entrypoint
from blackcat.application.ports import Resolver
from blackcat.domain.message import Message
from blackcat.entrypoints.aws_lambda.events import Event
from blackcat.entrypoints.mew.commands import INPUT, Command, Commands
from blackcat.entrypoints.mew.jobs import HEALTH, Jobs
from blackcat.entrypoints.mew.reading import SettingsReader
from blackcat.errors import ConfigurationError


class Work:
    """Runs the job that an event means; ``health`` is the check of all the others."""

    def __init__(
        self,
        *,
        settings: SettingsReader,
        jobs: Jobs,
        commands: Commands,
        http: Callable[[], Any],
        parts: Resolver,
    ) -> None:
        self._settings = settings
        self._jobs = jobs
        self._commands = commands
        self._http = http
        self._parts = parts

    def run(self, event: Event, request_id: str) -> Any:
        """What the job returns. Raises InvalidEvent, ConfigurationError, and what the job raises."""
        name = self._jobs.named_by(event)
        if name == HEALTH:
            return self.check()
        target = self._jobs.target(name)
        if isinstance(target, str):
            return self._command(name, target).run(event.get(INPUT), Message(id=request_id, body=""))
        return worker_entrypoint(target, self._parts, subject=f"job '{name}'")()

    def load(self) -> None:
        """Import the application and all commands, and build what they need."""
        self._http()
        for name in self._commands.names:
            self._commands.named(name)

    def check(self) -> dict[str, Any]:
        """Load, bind and read everything: what a deployment asks before it goes on.

        Raises ConfigurationError, and what the making of a part raises.
        """
        self._settings.check()
        self.load()
        for name in self._jobs.names:
            if name != HEALTH:
                self._rehearse(name)
        return {"status": "ok", "commands": self._commands.names, "jobs": self._jobs.names}

    def _rehearse(self, job: str) -> None:
        target = self._jobs.target(job)
        if isinstance(target, str):
            self._command(job, target)
        else:
            worker_entrypoint(target, self._parts, subject=f"job '{job}'")

    def _command(self, job: str, name: str) -> Command:
        if name not in self._commands.names:
            raise ConfigurationError(
                f"job '{job}' runs command '{name}', which is not there: the commands are "
                f"{', '.join(self._commands.names) or 'none'}; mend core/mew/jobs.py"
            )
        return self._commands.named(name)
