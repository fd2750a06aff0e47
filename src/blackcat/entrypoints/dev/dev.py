"""``run_dev``: an emulator, what the project declares on it, and its services."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from blackcat.application.dev.account import checked_endpoint
from blackcat.application.dev.plan import ProjectPlan
from blackcat.entrypoints.dev.environment import services_environment, told
from blackcat.entrypoints.dev.screen import Screen
from blackcat.entrypoints.dev.stopping import stop_request
from blackcat.entrypoints.dev.summary import address
from blackcat.entrypoints.dev.supervisor import Supervisor
from blackcat.errors import EmulatorError
from blackcat.infra.emulator import REGION, Emulator, running_emulator
from blackcat.infra.project.dev_session import (
    DevSession,
    dev_folder,
    local_environment,
    only_dev_of,
    write_session,
)
from blackcat.infra.project.project import Project

# Where people look for an emulator; another one is taken when it is not free.
_USUAL_PORT = 4566


@dataclass(frozen=True, kw_only=True)
class DevOptions:
    """What the command line says."""

    only: Sequence[str] = ()
    reload: bool = True
    persist: bool = False


@dataclass(frozen=True)
class LocalAws:
    """What stands in for AWS: an emulator of the user's own, or the embedded one."""

    url: str
    region: str
    embedded: Emulator | None = None

    def check(self) -> None:
        """Raises EmulatorError once the embedded one has ended."""
        if self.embedded and not self.embedded.is_running():
            raise EmulatorError(
                "the emulator has ended by itself: see .blackcat/emulator.log, and start `blackcat dev` again"
            )


def run_dev(project: Project, options: DevOptions) -> None:
    """Run the project until Ctrl-C or SIGTERM, and stop it cleanly.

    Raises ConfigurationError for a project that cannot run, or for an address that leads to a real AWS
    account, EmulatorError, and KeyboardInterrupt when asked to end at once.
    """
    project.enter()
    root = Path.cwd()
    screen = Screen()
    with only_dev_of(root), stop_request() as stop, _local_aws(project, root, options, screen) as aws:
        leading = local_environment(aws.url, aws.region)
        if _queue_backend() == "rabbitmq":
            screen.say("queues and topics: in the RabbitMQ of RABBITMQ_URL")
        stop.orderly = True
        Supervisor(
            root=root,
            only=options.only,
            reload=options.reload,
            environment=lambda: services_environment(root, leading),
            announce=lambda plan, ports: write_session(root, _session(aws, plan, ports)),
            check=aws.check,
            screen=screen,
            stop=stop,
        ).run()
    screen.say("stopped")


@contextmanager
def _local_aws(project: Project, root: Path, options: DevOptions, screen: Screen) -> Iterator[LocalAws]:
    own, command = _own_emulator(project)
    services_environment(root, local_environment("", ""))
    if own:
        screen.say(f"AWS: {own} (your own{'; --persist is for the embedded one' if options.persist else ''})")
        yield LocalAws(own, told().get("AWS_REGION") or told().get("AWS_DEFAULT_REGION") or REGION)
        return
    screen.say("starting the AWS emulator (the first time, it is installed) …")
    folder = dev_folder(root)
    state = folder / "state" if options.persist else None
    log = folder / "emulator.log"
    log.unlink(missing_ok=True)
    with running_emulator(state_dir=state, log=log, ports=[_USUAL_PORT], command=command) as emulator:
        kept = "kept in .blackcat/state" if options.persist else "empty at each start; --persist keeps it"
        screen.say(f"AWS: {emulator.url} ({'your own command' if command else f'embedded emulator, {kept}'})")
        yield LocalAws(emulator.url, REGION, emulator)


def _own_emulator(project: Project) -> tuple[str | None, Sequence[str] | None]:
    """An address, or a command that starts one; what the environment says goes before pyproject.toml."""
    if url := told().get("AWS_ENDPOINT_URL"):
        return checked_endpoint("AWS_ENDPOINT_URL", url), None
    option = str(project.options.get("emulator", ""))
    if "://" in option:
        return checked_endpoint("[tool.blackcat] emulator", option), None
    return None, shlex.split(option) or None


def _session(aws: LocalAws, plan: ProjectPlan, ports: Mapping[str, int]) -> DevSession:
    return DevSession(
        pid=os.getpid(),
        endpoint_url=aws.url,
        region=aws.region,
        queue_backend=_queue_backend(),
        services={service.name: address(service, ports) for service in plan.services},
    )


def _queue_backend() -> str:
    return told().get("QUEUE_BACKEND") or "sqs"
