"""Whether a service calls no more of AWS than it is granted, watched where its adapters call."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from blackcat.adapters_aws import calls as aws_calls
from blackcat.application.events import EventLog
from blackcat.application.iam.drift import TOLD, WATCH, Call, Drift, Grants, calls_of
from blackcat.domain.registry import ServiceRegistry
from blackcat.domain.service import Service
from blackcat.infra.settings.references import loaded_references

log = EventLog("blackcat.grants")


def grants_of(service: Service, registry: ServiceRegistry, prefix: str) -> Grants:
    """What it may call: by its declaration, and to read the settings of this process's classes."""
    return Grants(service, registry, prefix, settings=loaded_references)


@contextlib.contextmanager
def only_granted(service: Service, registry: ServiceRegistry, *, prefix: str) -> Iterator[list[Call]]:
    """Watch the calls of this process. Raises AssertionError at the end for those beyond the grants."""
    grants = grants_of(service, registry, prefix)
    with recorded_calls() as calls:
        yield calls
    beyond = [grants.told(call) for call in dict.fromkeys(calls) if not grants.allow(call)]
    if beyond:
        raise AssertionError("\n".join(beyond))


@contextlib.contextmanager
def followed(drift: Drift, service: Service, registry: ServiceRegistry, *, prefix: str) -> Iterator[None]:
    """Note in ``drift`` what is called meanwhile, as the service's calls."""
    with recorded_calls() as calls:
        try:
            yield
        finally:
            drift.add(service.name, grants_of(service, registry, prefix), calls)


@contextlib.contextmanager
def noted_in(drift: Drift, file: Path, registry: ServiceRegistry, *, prefix: str) -> Iterator[None]:
    """Note in ``drift`` what services call that write into the file meanwhile, however they end."""
    try:
        yield
    finally:
        for name, calls in noted_calls(file).items():
            drift.add(name, grants_of(registry.select(name), registry, prefix), calls)


@contextlib.contextmanager
def recorded_calls() -> Iterator[list[Call]]:
    """What the adapters of this process call meanwhile, from whichever thread."""
    calls: list[Call] = []

    def record(service: str, operation: str, resource: str) -> None:
        calls.extend(calls_of(service, operation, resource))

    aws_calls.watchers.append(record)
    try:
        yield calls
    finally:
        aws_calls.watchers.remove(record)


def watch_if_asked(service: Service, registry: ServiceRegistry, *, prefix: str) -> None:
    """From now on, where dev or a test started this process: tell calls beyond the grants, or note all."""
    if wanted := os.environ.get(WATCH):
        grants = grants_of(service, registry, prefix)
        told = _telling(grants) if wanted == TOLD else _noting(grants, Path(wanted), service.name)
        aws_calls.watchers.append(_once(told))


def noted_calls(file: Path) -> dict[str, list[Call]]:
    """What services noted in the file, by their names."""
    noted: dict[str, list[Call]] = {}
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            service, action, resource = json.loads(line)
            noted.setdefault(service, []).append(Call(action, resource))
    return noted


def _once(told: Callable[[Call], None]) -> aws_calls.Watcher:
    known: set[Call] = set()
    lock = threading.Lock()

    def watch(service: str, operation: str, resource: str) -> None:
        for call in _new(calls_of(service, operation, resource)):
            told(call)

    def _new(calls: Iterable[Call]) -> list[Call]:
        with lock:
            new = [call for call in calls if call not in known]
            known.update(new)
        return new

    return watch


def _telling(grants: Grants) -> Callable[[Call], None]:
    def tell(call: Call) -> None:
        if not grants.allow(call):
            log.warning(
                "grants.missing", aws_action=call.action, reason=f"AWS will refuse it: {grants.told(call)}"
            )

    return tell


def _noting(grants: Grants, file: Path, service: str) -> Callable[[Call], None]:
    def note(call: Call) -> None:
        if grants.reads_setting(call):
            return  # whoever reads the file has not imported the classes that tell so
        # In one write at the file's end: the processes of an API share it.
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps([service, *call]) + "\n")

    return note
