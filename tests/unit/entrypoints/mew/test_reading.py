"""Settings as they are now: read at first need, again after five minutes, all of them on request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import SecretStr

from blackcat import FromSecret, Settings, entrypoints
from blackcat.entrypoints.mew.reading import KEPT, SettingsReader
from blackcat.errors import SettingsError
from blackcat.infra.settings.stores import Stores, read_with
from blackcat.testing import FrozenClock, InMemorySecretStore


class OfShop(Settings):
    mew_retries: int = 3


class OfBank(Settings):
    mew_bank_key: Annotated[SecretStr, FromSecret("shop/bank", key="api_key")]


class OfPost(Settings):
    mew_post_key: Annotated[SecretStr, FromSecret("shop/post", key="token")]


@pytest.fixture
def secrets() -> InMemorySecretStore:
    return InMemorySecretStore({"shop/bank": {"api_key": "first-key"}, "shop/post": {"user": "mew"}})


@pytest.fixture(autouse=True)
def aws(secrets: InMemorySecretStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MEW_BANK_KEY", raising=False)
    read_with(lambda place: Stores(secrets, None))
    yield
    read_with(entrypoints.open_stores)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


def test_a_class_is_read_when_it_is_first_asked_for(secrets: InMemorySecretStore) -> None:
    settings_of = SettingsReader(OfShop, OfBank)

    assert settings_of(OfShop).mew_retries == 3
    assert secrets.calls == []
    assert settings_of(OfBank).mew_bank_key.get_secret_value() == "first-key"
    assert settings_of(OfBank) is settings_of(OfBank)
    assert secrets.calls == ["shop/bank"]


def test_a_rotated_secret_is_taken_up(secrets: InMemorySecretStore, clock: FrozenClock) -> None:
    settings_of = SettingsReader(OfBank, clock=clock)
    settings_of(OfBank)
    secrets.put("shop/bank", {"api_key": "second-key"})

    clock.advance(KEPT - timedelta(seconds=1))
    assert settings_of(OfBank).mew_bank_key.get_secret_value() == "first-key"
    clock.advance(timedelta(seconds=1))
    assert settings_of(OfBank).mew_bank_key.get_secret_value() == "second-key"


def test_what_is_forgotten_is_read_anew(secrets: InMemorySecretStore) -> None:
    settings_of = SettingsReader(OfBank)
    settings_of(OfBank)
    secrets.put("shop/bank", {"api_key": "second-key"})

    settings_of.forget()

    assert settings_of(OfBank).mew_bank_key.get_secret_value() == "second-key"


def test_what_was_read_holds_while_it_cannot_be_read_again(
    secrets: InMemorySecretStore, clock: FrozenClock
) -> None:
    settings_of = SettingsReader(OfBank, clock=clock)
    settings_of(OfBank)
    secrets.delete("shop/bank")
    clock.advance(KEPT)

    assert settings_of(OfBank).mew_bank_key.get_secret_value() == "first-key"


def test_what_could_not_be_read_is_asked_for_again(secrets: InMemorySecretStore) -> None:
    settings_of = SettingsReader(OfPost)
    with pytest.raises(SettingsError):
        settings_of(OfPost)
    secrets.put("shop/post", {"token": "there-now"})

    assert settings_of(OfPost).mew_post_key.get_secret_value() == "there-now"


def test_a_key_that_a_secret_lacks_is_named_with_the_secret() -> None:
    with pytest.raises(SettingsError) as raised:
        SettingsReader(OfPost)(OfPost)

    assert "MEW_POST_KEY" in str(raised.value)
    assert "secret 'shop/post' has no key 'token'" in str(raised.value)


def test_a_check_reads_all_and_tells_everything_at_once(
    secrets: InMemorySecretStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_of = SettingsReader(OfShop, OfBank, OfPost)
    secrets.delete("shop/bank")
    monkeypatch.setenv("MEW_RETRIES", "many")

    with pytest.raises(SettingsError) as raised:
        settings_of.check()

    for name in ("MEW_RETRIES", "MEW_BANK_KEY", "MEW_POST_KEY", "shop/post", "'token'"):
        assert name in str(raised.value)


def test_a_check_of_what_is_right_is_silent() -> None:
    SettingsReader(OfShop, OfBank).check()
