"""Files that are generated: rendered from templates, written all or none."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    TemplateNotFound,
    TemplateSyntaxError,
)

from blackcat.application.scaffolding.imports import tidy_imports
from blackcat.application.scaffolding.plan import Change, File, Kind
from blackcat.errors import ConfigurationError, ProjectError
from blackcat.infra.project.project import Project, find_project

SUFFIX = ".jinja"


def render(template: str, context: Mapping[str, object], *, overrides: Path | None) -> str:
    """The text of a template, named by its path below ``templates``: "service/consumer.py.jinja".

    Its filter ``imports`` sorts and wraps a section of import lines. A file of the same path below
    ``overrides`` goes before ours. Raises ConfigurationError with the template's file and line.
    """
    return _rendered(_environment(overrides), template, context)


def rendered_tree(
    folder: str,
    context: Mapping[str, object],
    overrides: Path | None,
    *,
    without: Callable[[str], bool] = lambda template: False,
) -> list[File]:
    """Every template below that folder of ``templates``, rendered; their suffix is dropped.

    Those that ``without`` finds by their path in that folder are left out.
    Paths may hold {{ names }} of the context too. A file that only ``overrides`` has is one more.
    Raises ConfigurationError with the template's file and line.
    """
    environment = _environment(overrides)
    names = [
        name
        for name in environment.list_templates(extensions=[SUFFIX[1:]])
        if name.startswith(f"{folder}/") and not without(name[len(folder) + 1 : -len(SUFFIX)])
    ]
    return [
        File(_path(environment, name, folder, context), _rendered(environment, name, context))
        for name in names
    ]


def templates_above(folder: Path) -> Path | None:
    """The team's own templates, where a project is started: ``[tool.blackcat] templates`` of this folder.

    Or of the nearest above it that is a project, or holds projects; None when there are none.
    """
    try:
        return overrides_of(find_project(folder))
    except ProjectError:
        return None


def overrides_of(project: Project) -> Path | None:
    """The team's own templates of a project: ``[tool.blackcat] templates``, seen from its root."""
    named = project.options.get("templates")
    return project.root / named if named else None


def reader(root: Path) -> Callable[[PurePosixPath], str | None]:
    """What reads the files below a folder: their text, line ends as they are, or None.

    Raises ProjectError for what is no text file.
    """

    def read(path: PurePosixPath) -> str | None:
        try:
            with (root / path).open(encoding="utf-8", newline="") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except IsADirectoryError as error:
            raise ProjectError(f"{root / path} is a folder: move it, a file belongs there") from error
        except (OSError, UnicodeDecodeError) as error:
            raise ProjectError(f"{root / path} cannot be read: {error}") from error

    return read


def apply(changes: Sequence[Change], root: Path) -> None:
    """Write what was planned, all or nothing: where one file fails, the others are put back.

    Files keep their mode. Raises ProjectError, having written nothing, when there is a conflict, when
    a file is no longer what it was when planned, or when a link leads out of ``root``.
    """
    conflicts = [str(change.path) for change in changes if change.kind is Kind.CONFLICT]
    if conflicts:
        raise ProjectError(
            f"nothing was written: {', '.join(conflicts)} would lose what is there now; move it away, or "
            "replace it with --force"
        )
    planned = [
        (change, _target(root, change.path)) for change in changes if change.kind is not Kind.UNCHANGED
    ]
    for change, target in planned:
        if reader(target.parent)(PurePosixPath(target.name)) != change.before:
            raise ProjectError(f"{target} changed in the meantime, nothing was written: run it again")
    try:
        with contextlib.ExitStack() as undo:
            _write(planned, undo)
            undo.pop_all()
    except OSError as error:
        raise ProjectError(f"nothing was written: {error}") from error


def _write(planned: Sequence[tuple[Change, Path]], undo: contextlib.ExitStack) -> None:
    """Everything is written beside its target first, so that only renames are left to fail."""
    prepared = []
    for change, target in planned:
        _make_folder(target.parent, undo)
        beside = target.with_name(f".{target.name}.{os.getpid()}")
        undo.callback(beside.unlink, missing_ok=True)
        _create(beside, change.after, _mode(target))
        prepared.append((change, target, beside))
    for change, target, beside in prepared:
        beside.replace(target)
        if change.before is None:
            undo.callback(target.unlink)
        else:
            undo.callback(_create, target, change.before, _mode(target))


def _make_folder(folder: Path, undo: contextlib.ExitStack) -> None:
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir()
        undo.callback(new.rmdir)


def _create(path: Path, content: str, mode: int | None) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(content)
    if mode is not None:
        path.chmod(mode)


def _mode(path: Path) -> int | None:
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else None


def _target(root: Path, path: PurePosixPath) -> Path:
    """Where a file really is, links followed. Raises ProjectError when that is outside."""
    target = (root / path).resolve()
    if not target.is_relative_to(root.resolve()):
        raise ProjectError(f"{path} leads out of {root}, to {target}: nothing was written")
    return target


def _environment(overrides: Path | None) -> Environment:
    if overrides is not None and not overrides.is_dir():
        raise ConfigurationError(
            f"there is no folder {overrides}, which [tool.blackcat] templates names: create it, or take "
            "the line out"
        )
    own = [FileSystemLoader(overrides)] if overrides else []
    environment = Environment(
        loader=ChoiceLoader([*own, PackageLoader("blackcat", "templates")]),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - what is rendered is source code, not HTML
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["imports"] = tidy_imports
    # JSON is YAML too. Jinja's own tojson is for HTML, and escapes what belongs there.
    environment.filters["json"] = partial(json.dumps, ensure_ascii=False)
    return environment


def _path(
    environment: Environment, template: str, folder: str, context: Mapping[str, object]
) -> PurePosixPath:
    with _problems_named(template):
        name = template[len(folder) + 1 : -len(SUFFIX)]
        text = environment.from_string(name).render(context)
    path = PurePosixPath(text)
    if str(path) != text or path.is_absolute() or ".." in path.parts:
        raise ConfigurationError(f"template {template} would be written to '{text}', which is no path inside")
    return path


def _rendered(environment: Environment, template: str, context: Mapping[str, object]) -> str:
    with _problems_named(template):
        return environment.get_template(template).render(context)


@contextlib.contextmanager
def _problems_named(template: str) -> Iterator[None]:
    """Whatever goes wrong in a template is a mistake in that template, whichever error it is."""
    try:
        yield
    except ConfigurationError:
        raise  # said by what the template asked, and no mistake of its own
    except TemplateNotFound as error:
        where = "" if error.name == template else f", which {template} includes"
        raise ConfigurationError(f"there is no template {error.name}{where}") from error
    except TemplateSyntaxError as error:
        where = error.filename or error.name or template
        raise ConfigurationError(f"template {where}, line {error.lineno}: {error.message}") from error
    except Exception as error:
        raise ConfigurationError(f"template {_place(error) or template}: {error}") from error


def _place(error: Exception) -> str | None:
    """Jinja writes the lines of its templates into tracebacks."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.endswith(SUFFIX):
            return f"{frame.filename}, line {frame.lineno}"
    return None
