"""The three artifacts of a project's Lambda function, built into one folder."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from blackcat.application.packaging.artifact import EKANS, FUNCTION, MEW, Entry, Package
from blackcat.application.packaging.declaration import DeclaredFunction
from blackcat.application.packaging.limits import require_within_limits
from blackcat.application.packaging.manifest import FILE, Manifest
from blackcat.application.packaging.requirements import is_pinned, name_of
from blackcat.application.packaging.target import Target
from blackcat.errors import InvalidPackage
from blackcat.infra.packaging.bytecode import Interpreter, interpreter_of
from blackcat.infra.packaging.core import core_files, core_version, without_core
from blackcat.infra.packaging.odbc import ADVICE, ODBCSYSINI, odbc_files
from blackcat.infra.packaging.pyproject import requirements_of
from blackcat.infra.packaging.sources import function_files
from blackcat.infra.packaging.wheels import Wheel, resolved
from blackcat.infra.packaging.zips import write_zip

Tell = Callable[[str], None]

# Where Lambda unzips the function and its layers.
# https://docs.aws.amazon.com/lambda/latest/dg/python-layers.html
_TASK, _LAYER = PurePosixPath("/var/task"), PurePosixPath("/opt")
_SHOWN = 5


@dataclass(frozen=True)
class Workshop:
    """Where artifacts are built from and to. ``tell`` hears what is being done, ``warn`` what to mind."""

    root: Path
    output: Path
    tell: Tell
    warn: Tell
    drivers: Sequence[Path] = ()
    find_links: Sequence[Path] = ()


@dataclass(frozen=True)
class Content:
    """What goes into a zip, and where Lambda unzips that."""

    name: str
    prefix: PurePosixPath
    entries: Sequence[Entry]
    packages: Sequence[Package] = ()

    def compiled(self, interpreter: Interpreter) -> Content:
        return replace(self, entries=[*self.entries, *interpreter.compiled(self.entries, self.prefix)])


def build(function: DeclaredFunction, workshop: Workshop) -> Manifest:
    """Build the function's zip and its two layers, and write the manifest. Raises InvalidPackage.

    What an earlier build left is replaced; where this one is refused, there is no manifest.
    """
    target = Target(function.python, function.architecture)
    workshop.output.mkdir(parents=True, exist_ok=True)
    (workshop.output / FILE).unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="blackcat-wheels-") as folder:
        contents = [
            _function(function, workshop),
            _mew(workshop),
            _ekans(function, target, workshop, Path(folder)),
        ]
        if interpreter := _interpreter(function, workshop):
            contents = [content.compiled(interpreter) for content in contents]
        artifacts = tuple(
            write_zip(
                content.name,
                workshop.output / f"{content.name}.zip",
                content.entries,
                packages=content.packages,
            )
            for content in contents
        )
    require_within_limits(artifacts, layers=function.layers, bucket=function.bucket)
    manifest = Manifest(target, artifacts, interpreter.release if interpreter else None)
    (workshop.output / FILE).write_text(manifest.dumped())
    return manifest


def _function(function: DeclaredFunction, workshop: Workshop) -> Content:
    selected = function_files(workshop.root, function.sources)
    workshop.tell(f"{FUNCTION}: {len(selected.entries)} files")
    for left_out, why in (
        (selected.secret, "their names tell of secrets"),
        (selected.elsewhere, "they lead out of the project or to a folder, or are no files"),
    ):
        if left_out:
            workshop.warn(f"left out, since {why}: {', '.join(map(str, left_out))}")
    return Content(FUNCTION, _TASK, selected.entries)


def _mew(workshop: Workshop) -> Content:
    entries = core_files()
    workshop.tell(f"{MEW}: blackcat {core_version()}, {len(entries)} files")
    return Content(MEW, _LAYER, entries)


def _ekans(function: DeclaredFunction, target: Target, workshop: Workshop, folder: Path) -> Content:
    roots = _required(function, target, workshop)
    libraries = _odbc(target, workshop)
    wheels = resolved(
        roots,
        target,
        folder,
        exclude=function.exclude,
        find_links=workshop.find_links,
        tell=lambda name: workshop.tell(f"  {name}"),
    )
    workshop.tell(f"{EKANS}: {len(wheels)} packages")
    _warn(wheels, roots, libraries, workshop)
    entries = [*libraries, *(entry for wheel in wheels for entry in wheel.entries())]
    return Content(EKANS, _LAYER, entries, [wheel.package() for wheel in wheels])


def _interpreter(function: DeclaredFunction, workshop: Workshop) -> Interpreter | None:
    if not function.compiled:
        return None
    interpreter = interpreter_of(function.python)
    if interpreter:
        workshop.tell(f"compiling with Python {interpreter.release}")
    else:
        workshop.warn(
            f"nothing is compiled, since there is no Python {function.python} here: a cold start takes some "
            f"hundred milliseconds longer; put python{function.python} on PATH, or install it with pyenv"
        )
    return interpreter


def _required(function: DeclaredFunction, target: Target, workshop: Workshop) -> list[str]:
    lines, file = requirements_of(workshop.root, function.requirements)
    roots = without_core(lines, target)
    if not roots:
        raise InvalidPackage(f"{file} requires nothing, and the function needs blackcat at least")
    workshop.tell(f"{EKANS}: finding wheels for {target}, as {file} says …")
    return roots


def _warn(
    wheels: Sequence[Wheel], roots: Sequence[str], libraries: Sequence[Entry], workshop: Workshop
) -> None:
    names = {wheel.name for wheel in wheels}
    loose = sorted(names - {name_of(one) for one in roots if is_pinned(one)})
    if loose:
        some = ", ".join(loose[:_SHOWN])
        workshop.warn(
            f"{len(loose)} of {len(names)} packages are not pinned ({some} …): another day may bring other "
            "versions; pin all of them in requirements.txt: the lock that is shown below is one"
        )
    if "pyodbc" in names and not libraries:
        workshop.warn(ADVICE)


def _odbc(target: Target, workshop: Workshop) -> list[Entry]:
    if not workshop.drivers:
        return []
    workshop.tell(f"{EKANS}: ODBC drivers, which ODBCSYSINI={ODBCSYSINI} tells of (arbok sets it)")
    return odbc_files(workshop.drivers, target)
