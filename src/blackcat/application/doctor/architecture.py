"""Checks of the project's layers, told from what its modules import."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from blackcat.application.doctor import rules
from blackcat.application.doctor.examination import Results

LAYERS = ("domain", "application", "infra", "entrypoints")
_OUTER = {"domain": ("application", "infra", "entrypoints"), "application": ("infra", "entrypoints")}
# What only adapters may know.
_TECHNICAL = ("boto3", "botocore", "flask")


@dataclass(frozen=True)
class Import:
    """One import of a module, by the full name of what is imported."""

    name: str
    line: int


@dataclass(frozen=True)
class Source:
    """A file of the project: its module, its place, and its imports or why it cannot be read."""

    module: str
    path: str
    imports: Sequence[Import] = ()
    problem: str | None = None


@dataclass(frozen=True)
class Contracts:
    """What import-linter said: the broken contracts with their imports, or why it could not tell."""

    broken: Sequence[tuple[str, str]] = ()
    problem: str | None = None


def layers(sources: Iterable[Source]) -> Results:
    """Domain and application import nothing that lies further out.

    A bounded context is a package with a ``domain`` and another layer in it; other modules are not
    looked at.
    """
    found = list(sources)
    contexts = _contexts(found)
    for source in found:
        layer = _layer_of(source.module, contexts)
        if layer is None:
            continue
        if source.problem:
            yield rules.SOURCE_DOES_NOT_PARSE.found(source.path, source.problem)
        for imported in source.imports:
            if culprit := _culprit(layer, imported.name, contexts):
                yield rules.LAYER_BROKEN.found(
                    f"{source.path}:{imported.line}", f"{layer} imports {imported.name}, which is {culprit}"
                )


def contracts(verdict: Contracts) -> Results:
    """Each contract that import-linter found broken."""
    for name, details in verdict.broken:
        yield rules.CONTRACT_BROKEN.found(f"contract '{name}'", details)


def _contexts(sources: Sequence[Source]) -> frozenset[str]:
    """The packages that hold layers; the empty name stands for the project's own folder."""
    within: dict[str, set[str]] = {}
    for source in sources:
        for context, layer in _splits(source.module):
            within.setdefault(context, set()).add(layer)
    return frozenset(context for context, layers in within.items() if "domain" in layers and len(layers) > 1)


def _layer_of(module: str, contexts: frozenset[str]) -> str | None:
    return next((layer for context, layer in _splits(module) if context in contexts), None)


def _splits(module: str) -> Iterator[tuple[str, str]]:
    """Each way to read a module's name as a context and a layer in it, the outermost first."""
    parts = module.split(".")
    for position, part in enumerate(parts):
        if part in LAYERS:
            yield ".".join(parts[:position]), part


def _culprit(layer: str, imported: str, contexts: frozenset[str]) -> str | None:
    """What makes this import wrong for the layer, if anything does."""
    outer = _OUTER.get(layer, ())
    other = _layer_of(imported, contexts)
    if other in outer:
        return other
    if outer and imported.partition(".")[0] in _TECHNICAL:
        return "a technical library"
    return None
