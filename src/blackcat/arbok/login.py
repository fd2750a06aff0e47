"""Where a database is and who asks: what its secret says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from blackcat.application.secrets import Secret
from blackcat.domain.secret import SecretValue
from blackcat.errors import AccessDenied, InvalidSecret

C = TypeVar("C")
E = TypeVar("E", bound=BaseException)

MASK = "***"


@dataclass(frozen=True, kw_only=True)
class Login:
    """One version of it; ``secret`` is its name."""

    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)
    database: str = ""
    secret: str = ""

    @property
    def address(self) -> str:
        """For errors and logs."""
        return f"{self.host}:{self.port}"

    def masked(self, text: str) -> str:
        """The text without the password: drivers show what they were given."""
        return text.replace(self.password, MASK) if self.password else text


def bared(error: E) -> E:
    """The error without frames and causes: a driver's know the password."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Reads a secret as those of RDS are; what is given here goes first. ``name`` is for errors and logs.

    A secret that RDS manages has nothing but username and password.
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html
    """

    name: str
    secret: Callable[[], Secret]
    host: str | None = None
    port: int | None = None
    database: str | None = None
    authenticate: bool = True

    def connect(self, connect: Callable[[Login], C]) -> C:
        """What ``connect`` returns, tried once more when it raises AccessDenied and the secret has changed.

        Raises InvalidSecret, which names the key that is missing or wrong.
        """

        def attempt(value: SecretValue) -> C:
            return connect(self.login(value))

        return self.secret().use(attempt, refused=AccessDenied, pending=False)

    def login(self, value: SecretValue) -> Login:
        """What this version of the secret says. Raises InvalidSecret."""
        login = Login(
            host=_no_url(self.host or _text(value, "host"), value.name),
            port=self.port or _port(value),
            database=self.database or _text(value, "dbname"),
            secret=value.name,
        )
        if not self.authenticate:
            return login
        return replace(login, username=_text(value, "username"), password=_text(value, "password"))


def _text(value: SecretValue, key: str) -> str:
    found = _text_or_error(value, key)
    # Raised here: no frame of the traceback knows what else the secret holds.
    if isinstance(found, InvalidSecret):
        raise found
    return found


def _text_or_error(value: SecretValue, key: str) -> str | InvalidSecret:
    try:
        found = value.key(key)
    except InvalidSecret as error:
        return error.with_traceback(None)
    if not isinstance(found, str) or not found:
        return InvalidSecret(f"secret '{value.name}': '{key}' is not a text, or is empty")
    if not _encodable(found):
        return InvalidSecret(f"secret '{value.name}': '{key}' holds a NUL or half a character")
    return found


def _encodable(text: str) -> bool:
    """What no driver could send, it would show in its error."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _no_url(host: str, secret: str) -> str:
    # Not quoted: a URL may hold a password.
    if "://" in host or "@" in host:
        raise InvalidSecret(f"secret '{secret}': 'host' is a URL: let it hold the name of the host alone")
    return host


def _port(value: SecretValue) -> int:
    found = _port_or_error(value)
    if isinstance(found, InvalidSecret):
        raise found
    return found


def _port_or_error(value: SecretValue) -> int | InvalidSecret:
    try:
        found = str(value.key("port"))
    except InvalidSecret as error:
        return error.with_traceback(None)
    if found.isascii() and found.isdecimal() and 0 < int(found) < 65536:
        return int(found)
    return InvalidSecret(f"secret '{value.name}': 'port' is not a number from 1 to 65535")
