"""What the pools of SQL databases promise besides: transactions."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.integration.databases.contract import LONG_AGO, PoolContract, refused
from tests.integration.databases.subjects import LOCAL

from blackcat.errors import (
    AccessDenied,
    NotFound,
    PermanentError,
    RemoteError,
    ServiceUnavailable,
    StatementTimeout,
    Throttled,
    Unreachable,
)


class BoomError(Exception):
    """The project's own."""


def carry_out(pool: Any, *statements: str, then: BaseException | None = None) -> None:
    """The statements in one block, which ends with that error."""
    with pool.connection() as connection:
        for statement in statements:
            connection.execute(statement)
        if then:
            raise then


def serves(pool: Any) -> Any:
    """The connection that the pool lends now, by its process in the server."""
    with pool.connection() as connection:
        return connection.execute("SELECT pg_backend_pid()").fetchone()[0]


@contextmanager
def hanging_up(code: bytes, said: bytes) -> Iterator[int]:
    """The port of a server that takes a password, says that (or nothing), and hangs up.

    https://www.postgresql.org/docs/current/protocol-message-formats.html
    """
    fields = b"SFATAL\0VFATAL\0C" + code + b"\0M" + said + b"\0\0"
    refusal = b"E" + struct.pack("!i", len(fields) + 4) + fields if code else b""

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                with client:
                    client.recv(4096)
                    client.sendall(b"R" + struct.pack("!ii", 8, 3))  # in plain text, please
                    client.recv(4096)
                    client.sendall(refusal)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


class SqlPoolContract(PoolContract):
    """Inherit, and give a fixture ``subject``."""

    def test_a_block_is_a_transaction(self, subject: Any) -> None:
        with subject.pool() as pool:
            with pool.connection() as connection:
                connection.execute("INSERT INTO notes VALUES ('kept')")
                assert subject.database.sql("SELECT count(*) FROM notes") == "0"
            assert subject.database.sql("SELECT note FROM notes") == "kept"

    @pytest.mark.parametrize("error", [BoomError("no"), KeyboardInterrupt()])
    def test_an_error_undoes_it_and_passes_as_it_is(self, subject: Any, error: BaseException) -> None:
        with subject.pool(size=1) as pool:
            first = serves(pool)
            with pytest.raises(type(error)) as caught:
                carry_out(pool, "INSERT INTO notes VALUES ('gone')", then=error)
            assert caught.value is error
            assert subject.database.sql("SELECT count(*) FROM notes") == "0"
            assert serves(pool) == first

    def test_after_a_failed_statement_the_connection_is_as_good_as_new(self, subject: Any) -> None:
        with subject.pool(size=1) as pool:
            first = serves(pool)
            with pytest.raises(subject.integrity_error):
                carry_out(pool, *["INSERT INTO notes VALUES ('twice')"] * 2)
            assert serves(pool) == first

    def test_autocommit_of_a_block_ends_with_it(self, subject: Any) -> None:
        with subject.pool(size=1) as pool:
            with pool.connection() as connection:
                connection.autocommit = True
            with pytest.raises(BoomError):
                carry_out(pool, "INSERT INTO notes VALUES ('gone')", then=BoomError())
            assert subject.database.sql("SELECT count(*) FROM notes") == "0"

    def test_the_loss_of_a_connection_with_autocommit_is_told(self, subject: Any) -> None:
        with subject.pool(size=1) as pool:
            with refused(Unreachable, "lost"), pool.connection() as connection:
                connection.autocommit = True
                subject.kill()
                subject.ask(connection)
            pool.check()

    def test_an_unfinished_result_does_not_reach_the_next_block(self, subject: Any) -> None:
        with subject.pool(size=1) as pool:
            with pool.connection() as connection:
                assert connection.execute("SELECT generate_series(1, 100000)").fetchone()
            with pool.connection() as connection:
                assert connection.execute("SELECT 7").fetchone()[0] == 7

    def test_a_commit_whose_answer_is_lost(self, subject: Any) -> None:
        with (
            subject.pool() as pool,
            refused(Unreachable, "commit.*lost: what was written may be there, or not"),
            pool.connection() as connection,
        ):
            connection.execute("INSERT INTO notes VALUES ('perhaps')")
            subject.kill()

    def test_a_connection_that_was_closed_by_its_borrower(self, subject: Any) -> None:
        with subject.pool(size=1) as pool:
            block = pool.connection()
            block.__enter__().close()
            with pytest.raises(Exception, match="closed|lost"):
                block.__exit__(None, None, None)
            pool.check()

    def test_a_deferred_check_at_commit_is_the_drivers_error(self, subject: Any) -> None:
        with subject.pool(size=1) as pool:
            with pytest.raises(subject.integrity_error):
                carry_out(pool, "INSERT INTO pages VALUES ('nowhere')")
            pool.check()

    def test_the_server_restarted(self, subject: Any) -> None:
        with subject.pool() as pool:
            pool.check()
            server = subject.database.server
            server.stop()
            subject.clock.advance(LONG_AGO)
            with refused(Unreachable, "the database runs"):
                pool.check()
            server.start()
            pool.check()

    def test_a_frozen_process_checks_first(self, subject: Any) -> None:
        with subject.pool(check_after=timedelta(seconds=3)) as pool:
            with pool.connection() as connection:
                first = subject.ask(connection)
            subject.kill()
            subject.clock.sleep(timedelta(seconds=4))  # the monotonic clock stood still
            with pool.connection() as connection:
                assert subject.ask(connection) != first

    def test_only_what_was_idle_for_a_while_is_checked(self, subject: Any) -> None:
        with subject.pool(size=1, check_after=timedelta(seconds=3)) as pool:
            pool.check()
            passed = subject.relay.passed
            subject.clock.advance(timedelta(seconds=2))
            with pool.connection():
                assert subject.relay.passed == passed
            subject.clock.advance(timedelta(seconds=3))
            with pool.connection():
                assert subject.relay.passed > passed

    def test_the_server_knows_who_is_connected(self, subject: Any) -> None:
        with subject.pool() as pool, pool.connection():
            told = subject.sessions("application_name")
        assert told == LOCAL.application_name

    def test_what_a_block_sets_for_its_session_ends_with_it(self, subject: Any) -> None:
        subject.database.sql(f"GRANT pg_read_all_data TO {subject.user}")
        told = (
            "SELECT current_setting('statement_timeout'), current_setting('search_path'), current_user, "
            "current_setting('DateStyle'), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')"
        )
        with subject.pool(size=1) as pool:
            with pool.connection() as connection:
                before = tuple(connection.execute(told).fetchone())
                connection.execute("SET statement_timeout = 0")
                connection.execute("SET search_path = pg_temp")
                connection.execute("SELECT pg_advisory_lock(7)").fetchone()
                connection.execute("SET ROLE pg_read_all_data")
                first = subject.ask(connection)
            with pool.connection() as connection:
                assert subject.ask(connection) == first
                assert tuple(connection.execute(told).fetchone()) == before

    def test_without_a_limit_of_statements_the_pool_sends_none_of_its_own(self, subject: Any) -> None:
        with subject.pool(replace(LOCAL, statement_timeout=None), size=1) as pool:
            carry_out(pool, "SET lock_timeout = '7s'")
            with pool.connection() as connection:
                assert connection.execute("SHOW lock_timeout").fetchone()[0] == "7s"

    @pytest.mark.parametrize("asks_again", [True, False])
    def test_a_block_that_the_server_found_too_idle(self, subject: Any, asks_again: bool) -> None:
        subject.database.sql(f"ALTER ROLE {subject.user} SET idle_in_transaction_session_timeout = '50ms'")
        with subject.pool() as pool, refused(Unreachable, "lost"), pool.connection() as connection:
            subject.ask(connection)
            while subject.connected():
                time.sleep(0.02)
            if asks_again:
                subject.ask(connection)

    @pytest.mark.parametrize(
        ("code", "said", "kind"),
        [
            (b"", b"", Unreachable),
            (b"57P01", b"terminating connection due to administrator command", ServiceUnavailable),
            (b"42501", b'permission denied for database "shop"', AccessDenied),
            (b"28P01", "autenticação falhou".encode(), AccessDenied),
        ],
    )
    def test_a_server_that_hangs_up_after_the_password(
        self, subject: Any, code: bytes, said: bytes, kind: type[RemoteError]
    ) -> None:
        with hanging_up(code, said) as port:
            subject.store(port=port)
            with refused(kind), subject.pool().connection():
                pass

    def test_the_limit_of_statements_holds_after_a_rollback(self, subject: Any) -> None:
        with subject.pool(size=1) as pool:
            with pytest.raises(BoomError):
                carry_out(pool, then=BoomError())
            with pool.connection() as connection:
                assert connection.execute("SHOW statement_timeout").fetchone()[0] == "30s"

    def test_a_cancel_by_hand_is_no_timeout(self, subject: Any) -> None:
        with subject.pool() as pool:
            subject.cancel_soon()
            with pytest.raises(subject.error) as caught:
                carry_out(pool, "SELECT pg_sleep(60)")
        assert not isinstance(caught.value, StatementTimeout)

    def test_a_database_that_does_not_exist(self, subject: Any) -> None:
        subject.store(dbname="nowhere")
        with refused(NotFound, "no such database"), subject.pool().connection():
            pass

    def test_a_server_without_a_free_connection(self, subject: Any) -> None:
        subject.database.sql(f"ALTER ROLE {subject.user} CONNECTION LIMIT 0")
        with refused(Throttled, "no connection left"), subject.pool().connection():
            pass

    def test_a_server_without_tls(self, subject: Any) -> None:
        pool = subject.pool(replace(LOCAL, tls="verify-ca"))
        with refused(PermanentError, 'tls="disable"'), pool.connection():
            pass
