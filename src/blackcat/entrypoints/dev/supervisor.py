"""The loop of ``blackcat dev``: one thread that starts, watches, restarts and stops all services."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from blackcat.application.clock import SystemClock
from blackcat.application.dev.plan import PlannedService, ProjectPlan
from blackcat.application.dev.ports import planned_ports
from blackcat.application.dev.resident import Resident
from blackcat.application.dev.scheduled import Scheduled
from blackcat.domain.schedule import schedule
from blackcat.domain.service import ServiceType
from blackcat.entrypoints.dev.edits import Edits
from blackcat.entrypoints.dev.preparation import Preparation
from blackcat.entrypoints.dev.processes import Processes, ShownProcess
from blackcat.entrypoints.dev.screen import Screen
from blackcat.entrypoints.dev.stopping import StopRequest
from blackcat.entrypoints.dev.summary import summary
from blackcat.errors import BlackcatError
from blackcat.infra.free_ports import any_free_port, is_free
from blackcat.infra.project.source_files import syntax_problems

_TURN_SECONDS = 0.2
# What a process may take to end beyond the budget that it keeps itself.
_GRACE_SECONDS = 5.0


class Supervisor:
    """Runs the project's services until it is asked to stop.

    The newest code runs as soon as it compiles and its registry loads; until then, what runs stays.
    ``environment`` reads what the services get, anew for each edit; ``announce`` is told what runs
    where; ``check`` raises when there is no use in going on.
    """

    def __init__(
        self,
        *,
        root: Path,
        only: Sequence[str],
        reload: bool,
        environment: Callable[[], Mapping[str, str]],
        announce: Callable[[ProjectPlan, Mapping[str, int]], None],
        check: Callable[[], None],
        screen: Screen,
        stop: StopRequest,
    ) -> None:
        self._root = root
        self._only = only
        self._read_environment = environment
        self._environment: Mapping[str, str] = {}
        self._announce = announce
        self._check = check
        self._screen = screen
        self._stop = stop
        self._clock = SystemClock()
        self._processes = Processes(root=root, screen=screen, stop=stop)
        self._edits = Edits(root) if reload else None
        self._plan = ProjectPlan(())
        self._ports: dict[str, int] = {}
        self._services: dict[str, Resident | Scheduled] = {}
        self._leaving: list[Resident | Scheduled] = []
        self._preparation: Preparation | None = None
        self._as_edited_runs = True

    def run(self) -> None:
        """Returns when all has stopped as asked. Raises BlackcatError when the project cannot start."""
        try:
            self._start()
            while not self._asked_to_stop():
                self._turn()
                self._check()
                self._look_at_edits()
            self._stop_all()
        finally:
            self._processes.end()

    def _start(self) -> None:
        preparation = self._preparation = self._prepare()
        while not self._asked_to_stop():
            self._processes.show(_TURN_SECONDS)
            if plan := preparation.plan():
                self._preparation = None
                plan.require(self._only)
                self._carry_out(plan)
                return

    def _asked_to_stop(self) -> bool:
        return self._stop.requested or self._screen.gone

    def _turn(self) -> None:
        self._processes.show(_TURN_SECONDS)
        for service in [*self._services.values(), *self._leaving]:
            service.look(may_start=self._as_edited_runs)
        self._leaving = [service for service in self._leaving if not service.stopped]

    def _stop_all(self) -> None:
        running = ", ".join(name for name, service in self._services.items() if service.running)
        self._screen.say(f"stopping {running or 'what runs'} (Ctrl-C again: at once) …")
        if self._preparation:
            self._preparation.give_up()
        for service in self._services.values():
            service.stop()
        while not all(service.stopped for service in [*self._services.values(), *self._leaving]):
            self._turn()

    def _look_at_edits(self) -> None:
        if self._preparation:
            self._look_at(self._preparation)
        elif self._edits and (edited := self._edits.settled()) is not None:
            self._consider(edited)

    def _consider(self, edited: Sequence[Path]) -> None:
        """Nothing that runs is touched for code that cannot run."""
        if not edited:  # taken back
            self._as_edited_runs = True
            return
        self._screen.say(f"{_named(edited, self._root)} changed")
        if problems := list(syntax_problems(edited, self._root)):
            self._keep("; ".join(problems))
            return
        try:
            self._preparation = self._prepare()
        except BlackcatError as error:
            self._keep(str(error))

    def _prepare(self) -> Preparation:
        self._environment = self._read_environment()
        return Preparation(self._processes, self._environment, self._root)

    def _look_at(self, preparation: Preparation) -> None:
        try:
            plan = preparation.plan()
        except BlackcatError as error:
            self._preparation = None
            self._keep(str(error))
            return
        if plan and self._edits:
            self._preparation = None
            self._as_edited_runs = True
            self._edits.taken()
            self._screen.say(f"restarting {', '.join(self._residents()) or 'nothing: workers run when due'}")
            self._carry_out(plan)

    def _keep(self, problem: str) -> None:
        self._as_edited_runs = False
        self._screen.say(f"{problem}\nwhat runs stays as it is until this is mended", problem=True)

    def _carry_out(self, plan: ProjectPlan) -> None:
        """Start what is new, restart what was there, stop what is gone."""
        plan = plan.only(self._only)
        before, self._plan = self._plan, plan
        self._screen.introduce(service.name for service in plan.services)
        self._place(kept=self._ports)
        if plan != before:
            self._screen.say("\n".join(summary(plan, self._ports)))
        for name in [name for name in self._services if not plan.has(name)]:
            self._screen.say(f"{name}: gone from the registry")
            self._retire(name)
        for planned in plan.services:
            self._start_or_restart(planned, before)

    def _place(self, *, kept: Mapping[str, int]) -> None:
        self._ports = planned_ports(
            self._plan.services, first=self._plan.port, kept=kept, is_free=is_free, any_free=any_free_port
        )
        self._announce(self._plan, self._ports)

    def _moved(self, name: str) -> bool:
        """Whether the port of a service that has ended is another process's, so that it got a new one."""
        taken = self._ports[name]
        if is_free(taken):
            return False
        self._place(kept={other: port for other, port in self._ports.items() if other != name})
        self._screen.say(f"{name}: port {taken} is taken by another process: {self._ports[name]} instead")
        return True

    def _start_or_restart(self, planned: PlannedService, before: ProjectPlan) -> None:
        running = self._services.get(planned.name)
        same_kind = isinstance(running, Resident) and planned.type is not ServiceType.WORKER
        if running and (same_kind or planned in before.services):
            running.restart()
            return
        if running:
            self._retire(planned.name)
        self._services[planned.name] = self._supervised(planned)
        self._services[planned.name].start()

    def _residents(self) -> list[str]:
        return [name for name, service in self._services.items() if isinstance(service, Resident)]

    def _retire(self, name: str) -> None:
        leaving = self._services.pop(name)
        leaving.stop()
        self._leaving.append(leaving)

    def _supervised(self, planned: PlannedService) -> Resident | Scheduled:
        name = planned.name
        patience = self._plan.stop_seconds + _GRACE_SECONDS

        def say(text: str) -> None:
            self._screen.say(f"{name}: {text}")

        if planned.type is ServiceType.WORKER:
            return Scheduled(
                schedule=schedule(planned.schedule, planned.timezone) if planned.schedule else None,
                launch=lambda due: self._launch(name, WORKER_SCHEDULED_AT=due.isoformat()),
                clock=self._clock,
                patience_seconds=patience,
                say=say,
            )
        return Resident(
            launch=lambda: self._launch(name),
            clock=self._clock,
            patience_seconds=patience,
            say=say,
            moved=lambda: self._moved(name),
        )

    def _launch(self, name: str, **more: str) -> ShownProcess:
        environment = {**self._environment, "SERVICE_NAME": name, **more}
        if name in self._ports:
            is_api = self._plan.service(name).type is ServiceType.REST_API
            environment["PORT" if is_api else "HEALTH_PORT"] = str(self._ports[name])
        return self._processes.start(name, [sys.executable, "-m", "blackcat", "run", name], environment)


def _named(files: Sequence[Path], root: Path) -> str:
    shown = [str(file.relative_to(root)) for file in files[:3]]
    return ", ".join(shown) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
