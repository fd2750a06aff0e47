"""Real servers: PostgreSQL, and what speaks MongoDB's protocol."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.databases.subjects import MongoSubject, OdbcSubject, PostgresSubject

from blackcat.infra.postgres_server import (
    PostgresDatabase,
    PostgresServer,
    missing_postgres,
    running_postgres,
)
from mongo_server import INSTALLED, NOT_INSTALLED, running_mongo
from tls_relay import certificate

ODBC_DRIVER = "PostgreSQL Unicode"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    if reason := missing_postgres():
        pytest.skip(reason)
    with running_postgres() as server:
        yield server


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[PostgresDatabase]:
    created = postgres_server.create_database()
    yield created
    created.drop()


@pytest.fixture(scope="session")
def shared_database(postgres_server: PostgresServer) -> PostgresDatabase:
    """For tests that leave nothing behind in it."""
    return postgres_server.create_database()


@pytest.fixture
def postgres_subject(shared_database: PostgresDatabase) -> Iterator[PostgresSubject]:
    subject = PostgresSubject(shared_database)
    yield subject
    subject.close()


@pytest.fixture(scope="session")
def odbc_driver() -> str:
    try:
        import pyodbc
    except ImportError as error:  # it needs unixODBC's library
        pytest.skip(f"no ODBC here ({error}): apt-get install unixodbc")
    if ODBC_DRIVER not in pyodbc.drivers():
        pytest.skip("no psqlODBC here: apt-get install odbc-postgresql")
    return ODBC_DRIVER


@pytest.fixture
def odbc_subject(odbc_driver: str, shared_database: PostgresDatabase) -> Iterator[OdbcSubject]:
    subject = OdbcSubject(shared_database)
    yield subject
    subject.close()


@pytest.fixture(scope="session")
def mongo_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    if not INSTALLED:
        pytest.skip(NOT_INSTALLED)
    with running_mongo(tmp_path_factory.mktemp("mongo")) as port:
        yield port


@pytest.fixture
def mongo_subject(mongo_port: int) -> Iterator[MongoSubject]:
    subject = MongoSubject(mongo_port)
    yield subject
    subject.close()


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate and its key."""
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def other_tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("other"))


@pytest.fixture(scope="session")
def elsewhere_tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("elsewhere"), names="DNS:elsewhere.example.com")
