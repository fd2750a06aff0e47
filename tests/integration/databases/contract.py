"""What a pool promises, whichever database it is for."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.integration.databases.subjects import CANARY, LOCAL, SECRET, canary

from blackcat.domain.secret import PENDING
from blackcat.errors import (
    AccessDenied,
    BlackcatError,
    InvalidSecret,
    PermanentError,
    PoolExhausted,
    StatementTimeout,
    TransientError,
    Unreachable,
)

LONG_AGO = timedelta(minutes=1)


def in_child(holds: Callable[[], bool]) -> bool:
    """Whether it holds in a forked child."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if holds() else 2
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0


@contextmanager
def refused(
    kind: type[BaseException], match: str | None = None
) -> Iterator[pytest.ExceptionInfo[BaseException]]:
    """The block raises that error, and nothing that belongs to it shows the password."""
    with pytest.raises(kind, match=match) as caught:
        yield caught
    error: BaseException | None = caught.value
    told = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    while error is not None:
        told += repr(error) + str(error) + repr(getattr(error, "args", ""))
        error = error.__cause__ or error.__context__
    assert CANARY.split("}")[0].strip() not in told


class PoolContract:
    """Inherit, and give a fixture ``subject``."""

    def test_nothing_is_called_before_a_connection_is_needed(self, subject: Any) -> None:
        pool = subject.pool()
        assert (subject.vault.calls, subject.relay.accepted) == ([], 0)
        assert "app/database" in repr(pool)

    def test_a_connection_is_lent_again(self, subject: Any) -> None:
        with subject.pool() as pool:
            with subject.block(pool) as lent:
                first = subject.ask(lent)
            accepted = subject.relay.accepted
            with subject.block(pool) as lent:
                assert subject.ask(lent) == first
            assert subject.relay.accepted == accepted
            assert subject.vault.calls == [SECRET]

    def test_the_server_ended_the_connection_meanwhile(self, subject: Any) -> None:
        with subject.pool() as pool:
            with subject.block(pool) as lent:
                subject.ask(lent)
            subject.kill()
            subject.clock.advance(LONG_AGO)
            with subject.block(pool) as lent:
                subject.ask(lent)

    def test_a_lost_connection_is_not_lent_again(self, subject: Any) -> None:
        with subject.pool(size=1) as pool:
            with refused(TransientError), subject.block(pool) as lent:
                subject.ask(lent)
                subject.relay.cut()
                subject.ask(lent)
            with subject.block(pool) as lent:
                subject.ask(lent)

    def test_a_rotation_is_noticed_when_the_old_password_is_refused(self, subject: Any) -> None:
        with subject.pool() as pool:
            with subject.block(pool) as lent:
                subject.ask(lent)
            subject.rotate()
            with subject.block(pool) as lent:  # who is in stays in
                subject.ask(lent)
            pool.close()
            with subject.block(pool) as lent:
                subject.ask(lent)
            assert subject.vault.calls == [SECRET] * 2

    def test_fresh_credentials_are_tried_once(self, subject: Any) -> None:
        pool = subject.pool()
        with subject.block(pool) as lent:
            subject.ask(lent)
        pool.close()
        subject.change_password()
        subject.store(password=canary())
        with (
            refused(AccessDenied, f"user or the password of secret '{SECRET}' was refused"),
            subject.block(pool),
        ):
            pass
        assert subject.vault.calls == [SECRET] * 2

    def test_a_pending_version_is_left_alone(self, subject: Any) -> None:
        pool = subject.pool()
        subject.store(stage=PENDING)
        subject.store(password=canary())
        with refused(AccessDenied), subject.block(pool):
            pass
        assert subject.vault.calls == [SECRET] * 2  # what is AWSCURRENT now is what was refused

    def test_an_exhausted_pool_tells_who_holds_it(self, subject: Any) -> None:
        with subject.pool(size=1, wait=timedelta(milliseconds=50)) as pool:
            failures: list[BaseException] = []

            def borrow() -> None:
                try:
                    with subject.block(pool):
                        raise AssertionError("lent twice")
                except PoolExhausted as error:
                    failures.append(error)

            with subject.block(pool):
                subject.clock.advance(timedelta(seconds=7))
                other = threading.Thread(target=borrow)
                other.start()
                other.join()
            told = str(failures[0])
            assert "app/database" in told
            assert "none came back in 0.05 s" in told
            assert f"{threading.current_thread().name} in contract.py:" in told
            assert "for 7.0 s" in told
            with subject.block(pool) as lent:
                subject.ask(lent)

    def test_a_thread_does_not_wait_for_itself(self, subject: Any) -> None:
        with (
            subject.pool(size=1, wait=timedelta(hours=1)) as pool,
            subject.block(pool),
            refused(PoolExhausted, "this thread has them all"),
            subject.block(pool),
        ):
            pass

    def test_no_more_are_lent_at_once_than_it_has(self, subject: Any) -> None:
        with subject.pool(size=2, wait=timedelta(minutes=1)) as pool:
            lock, held, most = threading.Lock(), 0, 0

            def work() -> None:
                nonlocal held, most
                for _ in range(5):
                    with subject.block(pool) as lent:
                        with lock:
                            held += 1
                            most = max(most, held)
                        subject.ask(lent)
                        with lock:
                            held -= 1

            threads = [threading.Thread(target=work) for _ in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert (held, 1 <= most <= 2) == (0, True)

    @pytest.mark.parametrize("passed", [timedelta(minutes=6), timedelta(minutes=31)])
    def test_what_was_idle_for_long_or_is_old_is_replaced(self, subject: Any, passed: timedelta) -> None:
        idle = timedelta(minutes=5) if passed < timedelta(minutes=30) else timedelta(hours=9)
        with subject.pool(idle=idle, lifetime=timedelta(minutes=30)) as pool:
            with subject.block(pool) as lent:
                first, client = subject.ask(lent), lent
            subject.clock.advance(passed)
            with subject.block(pool) as lent:
                assert subject.ask(lent) != first
            assert client is not lent

    def test_closed_it_opens_again(self, subject: Any) -> None:
        pool = subject.pool()
        with subject.block(pool) as lent:
            first = subject.ask(lent)
            pool.close()  # what is in use stays open until it comes back
            assert subject.ask(lent) == first
        with subject.block(pool) as lent:
            assert subject.ask(lent) != first
        pool.close()

    def test_a_check_is_a_round_trip(self, subject: Any) -> None:
        with subject.pool() as pool:
            pool.check()
            subject.relay.close()
            with refused(Unreachable):
                pool.check()

    def test_an_unreachable_database_is_named(self, subject: Any) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            subject.store(port=port)
            with refused(Unreachable, f"127.0.0.1:{port}"), subject.block(subject.pool()):
                pass

    def test_a_host_without_address(self, subject: Any) -> None:
        subject.store(host="nowhere.invalid")
        with refused(Unreachable, "nowhere.invalid"), subject.block(subject.pool()):
            pass

    def test_a_server_that_never_answers(self, subject: Any) -> None:
        subject.relay.silent = True
        with refused(Unreachable, "within 2 s"), subject.block(subject.pool()):
            pass

    @pytest.mark.parametrize("key", ["host", "port", "username", "password", "dbname"])
    def test_a_key_that_the_secret_lacks(self, subject: Any, key: str) -> None:
        subject.store(without=key)
        with refused(InvalidSecret, f"'{SECRET}' has no key '{key}'"), subject.block(subject.pool()):
            pass

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            *(("port", "many"), ("port", 0), ("port", "٥٤"), ("host", ""), ("host", 7)),
            *(("host", "db\0"), ("username", "app\ud800"), ("dbname", "\udfff")),
        ],
    )
    def test_a_key_with_nonsense(self, subject: Any, key: str, value: Any) -> None:
        subject.store(**{key: value})
        with refused(InvalidSecret, f"'{SECRET}': '{key}'"), subject.block(subject.pool()):
            pass

    @pytest.mark.parametrize("ending", ["\0", "\ud800"])
    def test_a_password_that_cannot_be_sent(self, subject: Any, ending: str) -> None:
        subject.store(password=CANARY + ending)
        with refused(InvalidSecret, f"'{SECRET}': 'password'"), subject.block(subject.pool()):
            pass

    def test_a_secret_that_is_no_json(self, subject: Any) -> None:
        subject.vault.put(SECRET, CANARY)
        with refused(InvalidSecret, "not JSON"), subject.block(subject.pool()):
            pass

    def test_tls(self, subject: Any, tls: tuple[Path, Path]) -> None:
        options = replace(LOCAL, tls="verify-full", ca_file=str(tls[0]))
        with subject.behind(tls) as port, subject.pool(options) as pool:
            subject.store(port=port)
            with subject.block(pool) as lent:
                subject.ask(lent)

    @pytest.mark.parametrize("named", ["other", "none"])
    def test_an_unknown_authority_is_refused(
        self, subject: Any, tls: tuple[Path, Path], other_tls: tuple[Path, Path], named: str
    ) -> None:
        ca_file = str(other_tls[0]) if named == "other" else None
        with subject.behind(tls) as port:
            subject.store(port=port)
            pool = subject.pool(replace(LOCAL, tls="verify-full", ca_file=ca_file))
            with refused(PermanentError, "certificate is not to be trusted"), subject.block(pool):
                pass

    def test_a_certificate_for_another_host_is_refused(
        self, subject: Any, elsewhere_tls: tuple[Path, Path]
    ) -> None:
        options = replace(LOCAL, tls="verify-full", ca_file=str(elsewhere_tls[0]))
        with subject.behind(elsewhere_tls) as port:
            subject.store(port=port)
            pool = subject.pool(options)
            with refused(PermanentError, "certificate is not to be trusted"), subject.block(pool):
                pass
            with subject.pool(replace(options, tls="verify-ca")) as pool:
                pool.check()

    def test_tls_is_not_given_up_in_silence(self, subject: Any) -> None:
        with refused(BlackcatError), subject.block(subject.pool(replace(LOCAL, tls="verify-full"))):
            pass

    def test_a_statement_that_takes_too_long(self, subject: Any) -> None:
        options = replace(LOCAL, statement_timeout=timedelta(milliseconds=200))
        with subject.pool(options) as pool:
            with refused(StatementTimeout, "statement_timeout"), subject.block(pool) as lent:
                subject.sleep(lent)
            with subject.block(pool) as lent:
                subject.ask(lent)

    def test_a_forked_child_has_connections_of_its_own(self, subject: Any) -> None:
        with subject.pool() as pool:
            with subject.block(pool) as lent:
                first = subject.ask(lent)
            assert in_child(lambda: _asked(subject, pool) != first)
            with subject.block(pool) as lent:
                assert subject.ask(lent) == first

    def test_a_child_forked_within_a_block_leaves_it_to_its_parent(self, subject: Any) -> None:
        with subject.pool(size=1) as pool, subject.block(pool) as lent:
            first = subject.ask(lent)
            assert in_child(lambda: _asked(subject, pool) != first)
            assert subject.ask(lent) == first


class InterruptibleContract:
    """Inherit besides, where a signal is noticed while the driver waits for the server: not in ODBC."""

    def test_a_signal_while_it_connects(self, subject: Any) -> None:
        class StopError(BaseException):
            pass

        def stop(number: int, frame: object) -> None:
            raise StopError

        def interrupt() -> None:
            while not subject.relay.accepted:
                time.sleep(0.01)
            signal.pthread_kill(main, signal.SIGUSR1)

        main, other = threading.get_ident(), threading.Thread(target=interrupt)
        subject.relay.silent = True
        before = signal.signal(signal.SIGUSR1, stop)
        try:
            with refused(StopError):
                other.start()
                with subject.block(subject.pool()):
                    pass
        finally:
            other.join()
            signal.signal(signal.SIGUSR1, before)


def _asked(subject: Any, pool: Any) -> object:
    with subject.block(pool) as lent:
        return subject.ask(lent)
