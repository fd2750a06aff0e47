"""A service that is to be generated: what its code is called, and which files of a project it changes."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from blackcat.application.scaffolding.container import with_bindings
from blackcat.application.scaffolding.plan import File
from blackcat.application.scaffolding.registry import container_of, services_of, with_service
from blackcat.application.scaffolding.snippet import Snippet
from blackcat.domain.naming import Name
from blackcat.domain.service import Service, ServiceType
from blackcat.errors import InvalidName, NotUnderstood, ProjectError
from blackcat.resources import FIFO_SUFFIX

Read = Callable[[PurePosixPath], str | None]

# What generated modules import under these names already.
_TAKEN = frozenset(
    {
        "Callable",
        "Clock",
        "Container",
        "FlaskClient",
        "FrozenClock",
        "InMemoryTable",
        "Limits",
        "Message",
        "Outcome",
        "Rejected",
        "Settings",
        "SystemClock",
    }
)
# "order-consumer" has an OrderConsumer, not an OrderConsumerConsumer.
_KINDS = (("rest", "api"), ("use", "case"), ("api",), ("consumer",), ("usecase",), ("worker",))
_OWN_ROUTES = frozenset({"docs", "health"})
# Where only the other fields of a declaration are of interest.
_ANY = "module:name"


@dataclass(frozen=True)
class ByHand:
    """Lines that a file needs, and that could not be put there: ``reason`` says why."""

    where: str
    lines: str
    reason: str


@dataclass(frozen=True)
class Edits:
    """The files of the project that name a service, as they should be, or what is left to the user."""

    files: Sequence[File] = ()
    by_hand: Sequence[ByHand] = ()


def service_name(text: str) -> Name:
    """The name of a service. Raises InvalidName for what its code could not be called."""
    name = Name.parse(text, what="service")
    if name.words[0] in ("test", "tests"):
        raise InvalidName(
            f"{text!r} cannot be the name of a service: pytest would take {name.pascal} for a test; put the "
            "word elsewhere, such as in payment-test"
        )
    if operation_of(name).pascal in _TAKEN:
        raise InvalidName(
            f"{text!r} cannot be the name of a service: generated code has a {operation_of(name).pascal} "
            f"already; add a word, such as {name.kebab}-orders"
        )
    return name


def operation_of(name: Name) -> Name:
    """What the code of a service is called: its name without the kind of service that it says."""
    for kind in _KINDS:
        rest = name.words[: -len(kind)]
        if rest and name.words[-len(kind) :] == kind and not keyword.iskeyword(Name(rest).pascal):
            return operation_of(Name(rest))
    return name


def queue_for(name: Name, queue: str | None, *, fifo: bool) -> str:
    """The name of a consumer's queue: as given, or the one for its commands."""
    chosen = queue or f"{name.snake}_cmd"
    return f"{chosen}{FIFO_SUFFIX}" if fifo and not chosen.endswith(FIFO_SUFFIX) else chosen


def check(name: Name, kind: str, *, queue: str | None, schedule: str | None) -> None:
    """Raises InvalidDeclaration for a queue or schedule that AWS would refuse, InvalidName for a route."""
    if queue is not None:
        Service(name=name.snake, type=ServiceType.CONSUMER, entrypoint=_ANY, queue_name=queue)
    if schedule is not None:
        Service(name=name.snake, type=ServiceType.WORKER, entrypoint=_ANY, schedule=schedule)
    if kind == ServiceType.REST_API.value and operation_of(name).kebab in _OWN_ROUTES:
        raise InvalidName(
            f"'{name.kebab}' cannot be the name of a service: Blackcat answers /{operation_of(name).kebab} "
            "itself; add a word"
        )


def refuse_shared_code(name: Name, registry_source: str) -> None:
    """Raises InvalidName when the code of another service is called what this one's would be."""
    for other in services_of(registry_source):
        same = operation_of(Name(tuple(other.replace("-", "_").split("_")))) == operation_of(name)
        if same and other.replace("-", "_") != name.snake:
            raise InvalidName(
                f"'{name.kebab}' cannot be the name of a service: its code would be called "
                f"{operation_of(name).snake}, as that of '{other}' is; choose another name"
            )


def edits(
    declaration: Snippet, bindings: Snippet | None, *, registry_module: str, registry_name: str, read: Read
) -> Edits:
    """The registry with the service declared, and the container with its bindings.

    Where one of the two cannot be edited, both are left alone, since each needs the other. Raises
    ProjectError for a file that is missing or that Python does not read, InvalidName for a taken name.
    """
    path = module_file(registry_module, read, named_by="[tool.blackcat] services")
    source = read(path) or ""
    done = [_attempt(path, declaration, lambda: with_service(source, declaration, registry=registry_name))]
    if bindings:
        done.append(_bound(bindings, container_of(source, registry=registry_name), read))
    if all(isinstance(one, File) for one in done):
        return Edits(files=[one for one in done if isinstance(one, File)])
    lines = [snippet.text for snippet in (declaration, bindings) if snippet]
    return Edits(by_hand=[_left_alone(one, text) for one, text in zip(done, lines, strict=True)])


def module_file(module: str, read: Read, *, named_by: str) -> PurePosixPath:
    """Where a module of the project is. Raises ProjectError when it is nowhere."""
    folder = PurePosixPath(*module.split("."))
    for path in (folder / "__init__.py", folder.with_suffix(".py")):
        if read(path) is not None:
            return path
    raise ProjectError(
        f"there is no {folder}.py and no {folder}/__init__.py, which {named_by} names: mend it"
    )


def package_files(files: Iterable[File], context: str, read: Read) -> Iterator[File]:
    """The ``__init__.py`` files that the generated modules of a context lack."""
    folders = {
        parent
        for file in files
        for parent in file.path.parents
        if parent.parts and parent.parts[0] == context
    }
    for folder in sorted(folders):
        if read(folder / "__init__.py") is None:
            yield File(folder / "__init__.py", "")


def _bound(bindings: Snippet, container: str | None, read: Read) -> File | ByHand:
    if container is None:
        return ByHand("the container", bindings.text, 'the registry does not say container="module:function"')
    module, _, function = container.partition(":")
    path = module_file(module, read, named_by="the registry's container")
    return _attempt(path, bindings, lambda: with_bindings(read(path) or "", bindings, function=function))


def _attempt(path: PurePosixPath, snippet: Snippet, edited: Callable[[], str]) -> File | ByHand:
    try:
        return File(path, edited(), edit=True)
    except NotUnderstood as error:
        return ByHand(str(path), snippet.text, str(error))
    except (InvalidName, ProjectError) as error:
        raise type(error)(f"{path}: {error}") from error


def _left_alone(done: File | ByHand, lines: str) -> ByHand:
    if isinstance(done, ByHand):
        return done
    return ByHand(str(done.path), lines, "it goes with what is left to you above or below")
