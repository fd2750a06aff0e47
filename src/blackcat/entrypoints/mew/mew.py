"""``Mew``: the technical core that every project in the lambda layout shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, TypeVar

from blackcat.entrypoints.mew.commands import Commands
from blackcat.entrypoints.mew.function import MewFunction
from blackcat.entrypoints.mew.handler import MewHandler
from blackcat.entrypoints.mew.jobs import Jobs
from blackcat.entrypoints.mew.parts import Parts
from blackcat.entrypoints.mew.reading import SettingsReader
from blackcat.entrypoints.mew.work import Work

T = TypeVar("T")


class Mew:
    """Binds a project's settings, interfaces and jobs; ``main`` makes its Lambda handler.

    ``bindings`` are functions without parameters; the type that each is annotated to return is the
    interface that it makes, at first need and once per process.
    """

    def __init__(
        self,
        *,
        project: str,
        settings: SettingsReader,
        bindings: Iterable[Callable[[], Any]] = (),
        jobs: Jobs | None = None,
    ) -> None:
        self.project = project
        self.settings = settings
        self.jobs = jobs or Jobs()
        self._parts = Parts(bindings)

    def given(self, kind: type[T]) -> T:
        """The instance of a class, with what its fields are annotated with. Raises InjectionError."""
        return self._parts.resolve(kind)

    def main(self, *, http: Callable[[], Any], commands: Callable[[], ModuleType]) -> MewHandler:
        """What Lambda calls with an event and its context.

        ``http`` gives the ASGI application, for requests; ``commands`` the package of the domain's
        commands, for messages. Both are called at the first event that needs them, so that messages do
        not pay for a web framework.
        """
        found = Commands(commands, self._parts)
        work = Work(settings=self.settings, jobs=self.jobs, commands=found, http=http, parts=self._parts)
        function = MewFunction(http=http, handle=found.handle, job=work.run)
        return MewHandler(self.project, self.settings, function, work=work)
