"""The stores in AWS where settings may be kept, as one reading of settings asks them.

Nothing of AWS's is imported here. Whoever composes the process says with ``read_with`` what opens the
stores, which happens once a setting is kept in one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from blackcat.application.ports import Parameter, ParameterStore, SecretStore
from blackcat.domain.references import FromSecret
from blackcat.domain.secret import SecretValue
from blackcat.errors import BlackcatError, ConfigurationError, NotFound, Unreachable

T = TypeVar("T")


@dataclass(frozen=True)
class Stores:
    """Where settings may be kept in AWS."""

    secrets: SecretStore
    parameters: ParameterStore


@dataclass(frozen=True)
class Place:
    """What the stronger sources say of AWS: where it is called, and how resources are named."""

    region: str | None = None
    endpoint_url: str | None = None
    prefix: str = ""


_open_stores: Callable[[Place], Stores] | None = None


def read_with(open_stores: Callable[[Place], Stores] | None) -> None:
    """Let this open the stores, in the whole process."""
    global _open_stores
    _open_stores = open_stores


class Reading:
    """One reading of settings: nothing is asked for twice, and nothing more after an outage.

    Each verb raises BlackcatError: a RemoteError, or a ConfigurationError when no store can be opened.
    """

    def __init__(self, place: Place, parameters: Sequence[str]) -> None:
        self.place = place
        self._parameters = parameters
        self._outage: BlackcatError | None = None
        self._answers: dict[object, Any] = {}

    def secret(self, reference: FromSecret) -> SecretValue:
        name, stage, version_id = reference.version(self.place.prefix)
        return self._asked(
            (name, stage, version_id),
            lambda: self._stores().secrets.get(name, stage=stage, version_id=version_id),
        )

    def parameter(self, name: str) -> Parameter:
        found: Mapping[str, Parameter] = self._asked(
            "parameters", lambda: self._stores().parameters.get(self._parameters)
        )
        if name not in found:
            raise NotFound(f"there is no parameter '{name}'; create it, or check name, region and account")
        return found[name]

    def _asked(self, what: object, ask: Callable[[], T]) -> T:
        if what not in self._answers:
            self._answers[what] = self._outage or self._answer(ask)
        answer: T | BlackcatError = self._answers[what]
        if isinstance(answer, BlackcatError):
            raise answer
        return answer

    def _answer(self, ask: Callable[[], T]) -> T | BlackcatError:
        try:
            return ask()
        except (Unreachable, ConfigurationError) as error:
            self._outage = error  # each more would take its time, and end the same way
            return error
        except BlackcatError as error:
            return error

    def _stores(self) -> Stores:
        if _open_stores is None:
            raise ConfigurationError("nothing in this process reads AWS: import Settings from blackcat")
        return _open_stores(self.place)
