"""The contract of pools, for Postgres, and what is Postgres's own."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from tests.integration.databases.contract import LONG_AGO, InterruptibleContract, refused
from tests.integration.databases.sql_contract import SqlPoolContract, serves
from tests.integration.databases.subjects import PostgresSubject

from blackcat.arbok import leases as leases_module
from blackcat.arbok import pool as pool_module
from blackcat.errors import Unreachable


class TestPostgresPool(InterruptibleContract, SqlPoolContract):
    @pytest.fixture
    def subject(self, postgres_subject: PostgresSubject) -> PostgresSubject:
        return postgres_subject

    def test_a_check_that_nobody_answers_ends(self, subject: PostgresSubject) -> None:
        with subject.pool(size=1) as pool:
            pool.check()
            subject.relay.silent = True
            subject.clock.advance(LONG_AGO)
            with refused(Unreachable, "within 2 s"):
                pool.check()
            subject.relay.silent = False
            pool.check()

    def test_the_end_of_an_idle_connection_is_seen_at_once(self, subject: PostgresSubject) -> None:
        subject.store(port=subject.database.server.port)  # the relay would take its time
        with subject.pool(size=1) as pool:
            pool.check()
            subject.kill()
            with pool.connection() as connection:
                subject.ask(connection)

    def test_what_a_block_sets_on_its_connection_ends_with_it(self, subject: PostgresSubject) -> None:
        with subject.pool(size=1) as pool:
            with pool.connection() as connection:
                connection.row_factory = dict_row
                connection.read_only = True
            with pool.connection() as connection:
                assert connection.execute("INSERT INTO notes VALUES ('one') RETURNING 1").fetchone() == (1,)

    def test_a_transaction_that_cannot_be_committed_is_not_taken_for_a_success(
        self, subject: PostgresSubject
    ) -> None:
        with subject.pool(size=1) as pool:
            with (
                refused(psycopg.errors.InFailedSqlTransaction, "nothing was committed"),
                pool.connection() as connection,
            ):
                connection.execute("INSERT INTO notes VALUES ('one')")
                with contextlib.suppress(psycopg.errors.UniqueViolation):
                    connection.execute("INSERT INTO notes VALUES ('one')")
            assert subject.database.sql("SELECT count(*) FROM notes") == "0"
            with pool.connection() as connection:
                connection.execute("INSERT INTO notes VALUES ('one')")
                with contextlib.suppress(psycopg.errors.UniqueViolation), connection.transaction():
                    connection.execute("INSERT INTO notes VALUES ('one')")
            assert subject.database.sql("SELECT count(*) FROM notes") == "1"

    def test_the_garbage_collector_may_end_another_block_at_any_line(self, subject: PostgresSubject) -> None:
        """Of a generator that nobody reads on: in a thread that is in the midst of the pool's own code."""
        ours = {pool_module.__file__, leases_module.__file__}
        worker = threading.Thread(target=lambda: ended.append(work()), daemon=True)
        ended: list[int] = []

        def work() -> int:
            """Once for each line of a block."""
            line, lines = 0, 1
            while line < lines:
                line, lines = line + 1, block(line)
            return lines

        def block(ends_at: int) -> int:
            abandoned, passed = rows(), 0
            next(abandoned)

            def trace(frame: FrameType, event: str, argument: object) -> Any:
                nonlocal passed
                if frame.f_code.co_filename in ours:
                    passed += 1
                    if passed == ends_at:
                        abandoned.close()
                return trace

            sys.settrace(trace)
            try:
                with pool.connection():
                    pass
            finally:
                sys.settrace(None)
                abandoned.close()
            return passed

        def rows() -> Iterator[None]:
            with pool.connection():
                yield

        with subject.pool(size=2) as pool:
            worker.start()
            worker.join(60)
        assert ended
        assert ended[0] > 50

    def test_a_connection_in_the_midst_of_a_statement_is_thrown_away(self, subject: PostgresSubject) -> None:
        with subject.pool(size=1) as pool:
            first = serves(pool)
            block = pool.connection()
            block.__enter__().pgconn.send_query(b"SELECT pg_sleep(60)")
            with pytest.raises(psycopg.Error):
                block.__exit__(None, None, None)
            assert serves(pool) != first

    def test_the_pool_has_no_thread(self, subject: PostgresSubject) -> None:
        subject.store(port=subject.database.server.port)  # the relay has threads
        before = threading.enumerate()
        with subject.pool() as pool:
            pool.check()
            assert threading.enumerate() == before
