"""From the name of a secret to the pool of this process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from blackcat import PoolLimits, close_databases, mongo_pool, odbc_pool, postgres_pool
from blackcat.adapters_aws import AwsOptions
from blackcat.adapters_aws.calls import AwsCalls
from blackcat.errors import ConfigurationError, InvalidDeclaration, SecretNotFound
from blackcat.infra.emulator import Emulator
from blackcat.infra.postgres_server import missing_postgres, running_postgres
from blackcat.resources import SecretResource


def test_the_same_arguments_give_the_same_pool() -> None:
    pool = postgres_pool("shop/database", limits=PoolLimits(size=1))
    assert postgres_pool(SecretResource("shop/database"), limits=PoolLimits(size=1)) is pool
    assert postgres_pool("shop/database") is not pool
    assert postgres_pool("shop/database", limits=PoolLimits(size=1), tls="disable") is not pool
    mongo = mongo_pool("shop/database", options={"replicaSet": "rs0"})
    assert mongo_pool("shop/database", options={"replicaSet": "rs0"}) is mongo
    assert mongo_pool("shop/database") is not mongo


@pytest.mark.parametrize("pool", [postgres_pool, mongo_pool])
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"ca_file": "nowhere.pem"}, "no file 'nowhere.pem'"),
        ({"tls": "require"}, "tls is 'require'"),
        ({"connect_timeout": timedelta(0)}, "connect_timeout"),
    ],
)
def test_what_cannot_work_is_refused_at_once(pool: Any, wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        pool("shop/database", **wrong)


def test_a_secret_that_aws_would_not_take() -> None:
    with pytest.raises(InvalidDeclaration, match="shop database"):
        postgres_pool("shop database")


def test_a_secret_that_does_not_exist(
    emulator: Emulator, unique: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in emulator.environment().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SecretNotFound, match=unique):
        postgres_pool(unique).check()


@pytest.mark.skipif(bool(missing_postgres()), reason=missing_postgres() or "it is here")
def test_from_the_secret_to_the_database(
    emulator: Emulator,
    aws_options: AwsOptions,
    unique: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in emulator.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RESOURCE_PREFIX", f"{unique}_")
    monkeypatch.setenv("SERVICE_NAME", "start_payment")
    with running_postgres() as server:
        AwsCalls("secretsmanager", aws_options).read(
            "CreateSecret", unique, Name=f"{unique}_shop", SecretString=json.dumps(server.secret())
        )
        pool = postgres_pool("shop", tls="disable")
        with pool.connection() as connection:
            assert connection.execute("SELECT current_setting('application_name')").fetchone() == (
                "start_payment",
            )
        close_databases()
        while server.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'start_payment'"):
            time.sleep(0.02)  # the server's part of the goodbye


def test_a_declaration_costs_neither_boto3_nor_a_database() -> None:
    code = (
        "import sys; from blackcat import PoolLimits, close_databases; close_databases(); PoolLimits();"
        "print(sorted({'boto3', 'psycopg', 'pymongo', 'pyodbc', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("pool", "driver"), [(postgres_pool, "psycopg"), (odbc_pool, "pyodbc"), (mongo_pool, "pymongo")]
)
def test_a_missing_extra_is_named(pool: Any, driver: str) -> None:
    kind = pool.__name__.removesuffix("_pool")
    code = (
        f"import sys; sys.modules['{driver}'] = None\n"
        f"from blackcat import {pool.__name__} as pool\n"
        "try: pool('shop')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("ConfigurationError")
    assert f"pip install 'blackcat[{kind}]'" in done.stdout
