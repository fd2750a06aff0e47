"""The contract of pools, for Mongo, and what is Mongo's own."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pymongo
import pytest
from pymongo.errors import DuplicateKeyError, PyMongoError
from tests.integration.databases.contract import InterruptibleContract, PoolContract, refused
from tests.integration.databases.subjects import LOCAL, SECRET, MongoSubject

from blackcat.application.secrets import CachedSecrets
from blackcat.arbok.limits import PoolLimits
from blackcat.arbok.login import Credentials
from blackcat.arbok.mongo import MongoPool, mongo_pool
from blackcat.errors import BlackcatError, ConfigurationError, Unreachable
from blackcat.testing import FrozenClock, InMemorySecretStore


class TestMongoPool(InterruptibleContract, PoolContract):
    @pytest.fixture
    def subject(self, mongo_subject: MongoSubject) -> MongoSubject:
        return mongo_subject

    def test_documents(self, subject: MongoSubject) -> None:
        with subject.pool() as pool:
            with pool.database() as database:
                database.orders.insert_one({"_id": "o-1", "total": 7})
            with pool.database() as database:
                assert database.name == subject.fields["dbname"]
                assert database.orders.find_one({"_id": "o-1"}) == {"_id": "o-1", "total": 7}

    def test_an_error_of_the_project_or_the_server_passes_as_it_is(self, subject: MongoSubject) -> None:
        with subject.pool() as pool:
            with pool.database() as database:
                database.orders.insert_one({"_id": "o-1"})
            with pytest.raises(DuplicateKeyError), pool.database() as database:
                database.orders.insert_one({"_id": "o-1"})
            with pytest.raises(KeyError), pool.database():
                raise KeyError("mine")

    def test_a_rotation_within_a_block(self, subject: MongoSubject) -> None:
        with subject.pool() as pool:
            with refused(Unreachable, "reads the secret anew"), pool.database() as database:
                subject.ask(database)
                subject.rotate()
                subject.kill()
                with contextlib.suppress(PyMongoError):
                    subject.ask(database)
                subject.ask(database)
            with pool.database() as database:
                subject.ask(database)

    def test_a_client_is_closed_after_the_last_block_that_uses_it(self, subject: MongoSubject) -> None:
        with subject.pool(size=2, lifetime=timedelta(minutes=30)) as pool, pool.database() as old:
            subject.ask(old)
            subject.clock.advance(timedelta(minutes=31))
            with pool.database() as new:
                assert subject.ask(new) != subject.ask(old)

    def test_without_a_limit_of_statements(self, subject: MongoSubject) -> None:
        with subject.pool(replace(LOCAL, statement_timeout=None)) as pool:
            pool.check()

    def test_options_that_the_pool_sets_itself(self, subject: MongoSubject) -> None:
        taken = {"TLS": False, "password": "x", "maxpoolsize": 9}
        with refused(ConfigurationError, "TLS, maxpoolsize, password follow from"):
            mongo_pool(subject.credentials(), LOCAL, PoolLimits(), subject.clock, extra=taken)

    @pytest.mark.parametrize("option", ["tlsInsecure", "tlsAllowInvalidCertificates", "ssl"])
    def test_options_that_would_undo_tls(self, subject: MongoSubject, option: str) -> None:
        with refused(ConfigurationError, option):
            mongo_pool(subject.credentials(), LOCAL, PoolLimits(), subject.clock, extra={option: True})

    def test_a_block_ends_while_another_one_connects(self, subject: MongoSubject) -> None:
        options = replace(LOCAL, connect_timeout=timedelta(minutes=1))
        with subject.pool(options, size=3) as pool, pool.database() as lent:
            subject.ask(lent)
            block = pool.database()
            block.__enter__()
            subject.clock.advance(timedelta(minutes=31))
            subject.relay.silent = True
            accepted = subject.relay.accepted
            other = threading.Thread(target=pool.check)
            other.start()
            while subject.relay.accepted == accepted:
                time.sleep(0.01)
            block.__exit__(None, None, None)
            assert other.is_alive()
            subject.relay.silent = False
            subject.relay.cut()
            other.join()

    def test_options_that_pymongo_does_not_know(self, subject: MongoSubject) -> None:
        pool = mongo_pool(subject.credentials(), LOCAL, PoolLimits(), subject.clock, extra={"retries": 1})
        with refused(ConfigurationError, "retries"):
            pool.check()

    def test_a_server_without_users(self, mongo_port: int) -> None:
        with without_users(mongo_port) as pool:
            pool.check()

    def test_a_server_with_users_is_not_mistaken_for_one_without(self, subject: MongoSubject) -> None:
        with without_users(subject.users.port) as pool, refused(BlackcatError, "authentication"):
            pool.check()


def without_users(port: int) -> MongoPool:
    vault = InMemorySecretStore({SECRET: {"host": "127.0.0.1", "port": port, "dbname": "app"}})
    secrets = CachedSecrets(vault, clock=FrozenClock())
    credentials = Credentials(name=SECRET, secret=lambda: secrets.secret(SECRET), authenticate=False)
    return mongo_pool(credentials, LOCAL, PoolLimits(), FrozenClock(), extra={})


@pytest.mark.skipif("MONGO_URL" not in os.environ, reason="MONGO_URL names no real MongoDB")
def test_a_real_mongodb() -> None:
    """``MONGO_URL=mongodb://user:password@host:27017/database?tls=true`` and the like."""
    url: dict[str, Any] = pymongo.uri_parser.parse_uri(os.environ["MONGO_URL"])
    host, port = url["nodelist"][0]
    login = {"username": url["username"], "password": url["password"]} if url["username"] else {}
    content = {"host": host, "port": port, "dbname": url["database"] or "blackcat_test", **login}
    vault = InMemorySecretStore({SECRET: content})
    secrets = CachedSecrets(vault, clock=FrozenClock())
    credentials = Credentials(name=SECRET, secret=lambda: secrets.secret(SECRET), authenticate=bool(login))
    encrypted = bool(url["options"].get("tls"))
    options = replace(LOCAL, tls="verify-full") if encrypted else LOCAL
    with mongo_pool(credentials, options, PoolLimits(), FrozenClock(), extra={}) as pool:
        pool.check()
        with pool.database() as database:
            database.blackcat_test.insert_one({"_id": 1})
            assert database.blackcat_test.find_one({"_id": 1}) == {"_id": 1}
            database.drop_collection("blackcat_test")
