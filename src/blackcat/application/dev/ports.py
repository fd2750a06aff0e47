"""Which service listens where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from blackcat.application.dev.plan import PlannedService
from blackcat.domain.service import ServiceType

TRIED = 20


def planned_ports(
    services: Iterable[PlannedService],
    *,
    first: int,
    kept: Mapping[str, int],
    is_free: Callable[[int], bool],
    any_free: Callable[[], int],
) -> dict[str, int]:
    """A port for each API and each consumer's health server.

    APIs take ``first`` and those after it, as far as they are free; health servers take any. What is
    ``kept`` from before stays as it is, so that addresses outlive a restart.
    """
    ports: dict[str, int] = {}
    for service in services:
        if service.type is ServiceType.WORKER:
            continue
        taken = {*kept.values(), *ports.values()}
        if service.name in kept:
            ports[service.name] = kept[service.name]
        elif service.type is ServiceType.REST_API:
            ports[service.name] = _api_port(first, taken, is_free) or _another(taken, any_free)
        else:
            ports[service.name] = _another(taken, any_free)
    return ports


def _api_port(first: int, taken: set[int], is_free: Callable[[int], bool]) -> int | None:
    wanted = range(first, min(first + TRIED, 65536)) if first else ()
    return next((port for port in wanted if port not in taken and is_free(port)), None)


def _another(taken: set[int], any_free: Callable[[], int]) -> int:
    while (port := any_free()) in taken:
        pass
    return port
