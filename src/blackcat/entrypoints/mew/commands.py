"""The commands of a project: what a message asks it to do."""

from __future__ import annotations

import difflib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import ModuleType
from typing import Any

from blackcat.application.entrypoint import ConsumerEntrypoint, consumer_entrypoint, load_module
from blackcat.application.handler import MessageHandler
from blackcat.application.ports import Decoder, Resolver
from blackcat.domain.message import Message
from blackcat.domain.outcome import Outcome, Retried
from blackcat.errors import BlackcatError, DecodingError, InvalidDeclaration, InvalidEvent
from blackcat.infra.payloads import decoder_for

# A message attribute of this name, or a field of the JSON body, says which command a message means.
COMMAND = "command"
INPUT = "input"

_MODULES = "_commands"


@dataclass(frozen=True)
class Command:
    """A function of the domain, its needs injected: the payload is left."""

    name: str
    entrypoint: ConsumerEntrypoint
    decode: Decoder | None

    def run(self, payload: Any, message: Message) -> Any:
        """What the function returns for JSON that is not a message, such as a job's input.

        Raises InvalidEvent where it does not fit, and what the function raises.
        """
        body = json.dumps({} if payload is None else payload)
        try:
            decoded = message if self.decode is None else self.decode(body)
        except DecodingError as error:
            raise InvalidEvent(f"the input does not fit command '{self.name}': {error}") from error
        arguments = dict(self.entrypoint.injected)
        if self.entrypoint.message_parameter:
            arguments[self.entrypoint.message_parameter] = message
        return self.entrypoint.call(decoded, **arguments)


class Commands:
    """Each public function that a module of the package defines, where the module is named ``…_commands``.

    The modules are imported when the first command is asked for; what one needs is injected when it is
    first met. Raises EntrypointError, InjectionError, or InvalidDeclaration for a name that two modules use.
    """

    def __init__(self, package: Callable[[], ModuleType], resolver: Resolver) -> None:
        self._package = package
        self._resolver = resolver
        self._found: dict[str, Command] = {}

    @cached_property
    def _functions(self) -> Mapping[str, Callable[..., Any]]:
        return _collected(self._package())

    @property
    def names(self) -> list[str]:
        return sorted(self._functions)

    def named(self, name: str) -> Command:
        """Raises InvalidEvent, which tells the commands that there are."""
        if name not in self._functions:
            raise InvalidEvent(f"there is no command '{name}'{_hint(name, self.names)}")
        if name not in self._found:
            self._found[name] = self._inspected(name)
        return self._found[name]

    def handle(self, message: Message) -> Outcome:
        """The message through the command that it means. One that means none comes back, with the reason."""
        try:
            name, meant = command_of(message)
            command = self.named(name)
        except BlackcatError as error:
            return Retried(str(error), error)
        return MessageHandler(command.entrypoint, command.decode)(meant)

    def _inspected(self, name: str) -> Command:
        subject = f"command '{name}'"
        entrypoint = consumer_entrypoint(self._functions[name], self._resolver, subject=subject)
        return Command(name, entrypoint, decoder_for(entrypoint.payload_type, subject=subject))


def command_of(message: Message) -> tuple[str, Message]:
    """The command that a message means, and the message with the command's payload as its body.

    The attribute ``command`` goes before a field of that name; beside such a field the payload is the
    field ``input``, or else all the others. Raises InvalidEvent.
    """
    attribute = message.attributes.get(COMMAND)
    if attribute is not None:
        return _text(attribute.value), message
    body = _object(message.body)
    if COMMAND not in body:
        raise InvalidEvent(
            f"the message does not say which command it means: give it an attribute '{COMMAND}', or a JSON "
            f"object as its body with a field '{COMMAND}'"
        )
    rest = {name: value for name, value in body.items() if name != COMMAND}
    payload = rest[INPUT] if set(rest) == {INPUT} else rest
    return _text(body[COMMAND]), replace(message, body=json.dumps(payload, ensure_ascii=False))


def _text(told: Any) -> str:
    if isinstance(told, str) and told:
        return told
    raise InvalidEvent(f"'{COMMAND}' is not the name of a command: write it as a text")


def _object(body: str) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _collected(package: ModuleType) -> Mapping[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {}
    for module in _modules(package):
        for name, function in _public_functions(module):
            if name in found:
                raise InvalidDeclaration(
                    f"two commands are called '{name}', in {found[name].__module__} and {module.__name__}: "
                    "rename one of them"
                )
            found[name] = function
    return found


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for info in pkgutil.iter_modules(package.__path__):
        if info.name.endswith(_MODULES):
            yield load_module(f"{package.__name__}.{info.name}", subject="commands")


def _public_functions(module: ModuleType) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, member in vars(module).items():
        own = inspect.isfunction(member) and member.__module__ == module.__name__
        if own and not name.startswith("_"):
            yield name, member


def _hint(name: str, names: list[str]) -> str:
    nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    meant = f" (did you mean '{nearest[0]}'?)" if nearest else ""
    return f"{meant}: the project has {', '.join(names) or 'none'}"
