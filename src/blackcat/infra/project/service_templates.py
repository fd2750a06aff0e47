"""From the templates of a kind of service to the files of a project.

A kind is a folder below ``templates/service``, ours or the team's own: ``declaration.py.jinja`` becomes
the service's place in the registry, ``bindings.py.jinja`` (if it is there) what the container binds,
and ``files`` a tree of files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from blackcat.application.scaffolding.folding import folded
from blackcat.application.scaffolding.imports import LINE_LENGTH
from blackcat.application.scaffolding.plan import File
from blackcat.application.scaffolding.service import (
    Edits,
    edits,
    module_file,
    operation_of,
    package_files,
    refuse_shared_code,
)
from blackcat.application.scaffolding.snippet import Snippet
from blackcat.domain.naming import Name
from blackcat.domain.service import ServiceType
from blackcat.errors import ConfigurationError, InvalidName, ProjectError
from blackcat.infra.project.project import Project
from blackcat.infra.project.scaffolding import SUFFIX, overrides_of, reader, render, rendered_tree

_FOLDER = "service"
_DECLARATION = f"declaration.py{SUFFIX}"
_BINDINGS = f"bindings.py{SUFFIX}"
_LAYERS = ("application", "entrypoints")


@dataclass(frozen=True)
class Wanted:
    """A service that is to be generated; ``kind`` is the folder of its templates."""

    name: Name
    kind: str
    context: Name
    queue: str | None = None
    schedule: str | None = None


def generated(wanted: Wanted, project: Project) -> tuple[list[File], Edits]:
    """The service's own files, and the edits of the registry and the container.

    Raises ConfigurationError for a template, InvalidName for a name that is taken, ProjectError for a
    registry or container that Python does not read.
    """
    read = reader(project.root)
    overrides = overrides_of(project)
    module, _, name = project.services.partition(":")
    registry = module_file(module, read, named_by="[tool.blackcat] services")
    refuse_shared_code(wanted.name, read(registry) or "")
    values = _values(wanted, module, name or "services")
    kind = f"{_FOLDER}/{wanted.kind}"
    bindings = f"{kind}/{_BINDINGS}"
    wired = edits(
        _snippet(f"{kind}/{_DECLARATION}", values, overrides),
        _snippet(bindings, values, overrides) if _exists(bindings, overrides) else None,
        registry_module=module,
        registry_name=name or "services",
        read=read,
    )
    files = [_folded(file) for file in rendered_tree(f"{kind}/files", values, overrides)]
    _refuse_long_lines(files, wanted)
    return [*files, *package_files(files, wanted.context.snake, read)], wired


def kind_of(text: str, project: Project) -> str:
    """The kind that was asked for: a ServiceType in any case, or a folder of the team's own.

    Raises ConfigurationError, which lists the known ones.
    """
    overrides = overrides_of(project)
    own = _own_kinds(overrides) if overrides else []
    if text in own:
        return text
    try:
        return ServiceType(text).value
    except ValueError:
        known = [member.value for member in ServiceType]
        known += [kind for kind in own if kind not in known]
        raise ConfigurationError(
            f"there is no kind of service '{text}': choose {', '.join(known)}, or add a folder "
            f"templates/{_FOLDER}/{{your kind}} with a {_DECLARATION}"
        ) from None


def context_of(text: str | None, project: Project) -> Name:
    """The bounded context that was asked for, or the only one. Raises ProjectError, listing them."""
    found = contexts(project.root)
    if text is not None:
        wanted = Name.parse(text, what="context").snake
        if wanted not in found:
            raise ProjectError(f"{project.root} has no context '{text}'; it has {', '.join(found) or 'none'}")
        return _named(wanted)
    if not found:
        raise ProjectError(
            f"{project.root} has no bounded context: a package with the layers application and entrypoints"
        )
    if len(found) > 1:
        raise ProjectError(
            f"{project.root} has several contexts, {', '.join(found)}: choose with --context {found[0]}"
        )
    return _named(found[0])


def contexts(root: Path) -> list[str]:
    """The top-level packages that hold the layers of a context, in order of their names."""
    return sorted(
        folder.name
        for folder in root.iterdir()
        if folder.name.isidentifier() and all((folder / layer).is_dir() for layer in _LAYERS)
    )


def _named(package: str) -> Name:
    return Name(tuple(package.split("_")))


def _values(wanted: Wanted, registry_module: str, registry_name: str) -> dict[str, object]:
    """What templates may name."""
    return {
        "service": wanted.name,
        "operation": operation_of(wanted.name),
        "context": wanted.context,
        "queue": wanted.queue,
        "schedule": wanted.schedule,
        "registry": {"module": registry_module, "name": registry_name},
    }


def _snippet(template: str, values: Mapping[str, object], overrides: Path | None) -> Snippet:
    try:
        return Snippet.parse(render(template, values, overrides=overrides))
    except ProjectError as error:
        raise ConfigurationError(f"template {template}: {error}") from error


def _folded(file: File) -> File:
    return File(file.path, folded(file.content)) if file.path.suffix == ".py" else file


def _refuse_long_lines(files: Sequence[File], wanted: Wanted) -> None:
    """Where a module is imported from cannot be folded: linters would refuse what was just written."""
    lines = [line for file in files for line in file.content.split("\n") if line.startswith("from ")]
    excess = max(map(len, lines), default=0) - LINE_LENGTH
    if excess > 0:
        raise InvalidName(
            f"'{wanted.name.kebab}' cannot be the name of a service: with the context "
            f"'{wanted.context.snake}' it makes imports that no line of {LINE_LENGTH} characters holds; "
            f"shorten it by {excess}"
        )


def _exists(template: str, overrides: Path | None) -> bool:
    own = Path(__file__).parents[2] / "templates"
    return any((folder / template).is_file() for folder in (overrides, own) if folder)


def _own_kinds(overrides: Path) -> list[str]:
    """The kinds whose declaration the team has written itself."""
    return sorted(path.parent.name for path in (overrides / _FOLDER).glob(f"*/{_DECLARATION}"))
