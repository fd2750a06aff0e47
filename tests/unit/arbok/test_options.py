"""What a pool may be told, and what makes no sense."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from blackcat.application.moment import Moment
from blackcat.application.secrets import CachedSecrets
from blackcat.arbok.limits import PoolLimits
from blackcat.arbok.login import Credentials, Login
from blackcat.arbok.options import ConnectOptions
from blackcat.errors import ConfigurationError, InvalidSecret
from blackcat.testing import FrozenClock, InMemorySecretStore


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"size": 0}, "size is 0"),
        ({"wait": timedelta(seconds=-1)}, "wait is negative"),
        ({"lifetime": timedelta(days=-1)}, "lifetime is negative"),
    ],
)
def test_limits(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        PoolLimits(**wrong)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"tls": "prefer"}, "tls is 'prefer': choose one of verify-full, verify-ca, disable"),
        ({"tls": "disable", "ca_file": "ca.pem"}, "leave out one of them"),
        ({"connect_timeout": timedelta(seconds=1)}, "below 2 seconds"),
        ({"statement_timeout": timedelta(0)}, "None leaves it to the server"),
    ],
)
def test_options(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        ConnectOptions(**wrong)


def test_time_passes_by_whichever_clock_saw_more_of_it() -> None:
    clock = FrozenClock()
    before = Moment.now(clock)
    clock.advance(timedelta(seconds=5))
    now = Moment.now(clock)
    assert now - before == timedelta(seconds=5)
    assert Moment(now.date + timedelta(hours=1), now.monotonic) - before == timedelta(hours=1, seconds=5)
    assert Moment(now.date - timedelta(hours=1), now.monotonic) - before == timedelta(seconds=5)


@pytest.mark.parametrize("given", [None, "app:hunter22@db"])
def test_a_host_that_is_a_url_is_not_shown(given: str | None) -> None:
    store = InMemorySecretStore({"rds": {"host": "postgres://app:hunter22@db/shop"}})
    secrets = CachedSecrets(store, clock=FrozenClock())
    credentials = Credentials(
        name="rds", secret=lambda: secrets.secret("rds"), host=given, port=1, database="shop"
    )
    with pytest.raises(InvalidSecret, match="'host' is a URL") as caught:
        credentials.connect(lambda login: login)
    assert "hunter22" not in str(caught.value)


def test_what_the_project_names_goes_before_the_secret() -> None:
    """A secret that RDS manages has nothing but username and password."""
    secrets = CachedSecrets(
        InMemorySecretStore({"rds": {"username": "app", "password": "hunter22"}}), clock=FrozenClock()
    )
    credentials = Credentials(
        name="rds", secret=lambda: secrets.secret("rds"), host="db", port=5433, database="shop"
    )
    login = credentials.connect(lambda login: login)
    told = {"username": "app", "password": "hunter22", "database": "shop", "secret": "rds"}
    assert login == Login(host="db", port=5433, **told)
    assert "hunter22" not in repr(login)
    assert login.masked("as hunter22 said") == "as *** said"
