"""What every store of secrets does."""

from __future__ import annotations

import traceback
import uuid
from typing import Any, Protocol

import pytest

from blackcat.application.ports import SecretStore
from blackcat.domain.secret import CURRENT, PENDING, PREVIOUS
from blackcat.errors import InvalidSecret, SecretNotFound

CANARY = "canary-51c2/of+the=contract"


class Vault(Protocol):
    """Where the store's secrets are kept, as a test changes it; ``InMemorySecretStore`` is one."""

    def put(self, name: str, content: str | bytes, *, stage: str = CURRENT) -> str:
        """Store a new version, of a new secret if need be; returns its id."""
        ...

    def promote(self, name: str) -> None:
        """The version that is AWSPENDING becomes AWSCURRENT."""
        ...

    def delete(self, name: str) -> None:
        """Mark the secret for deletion."""
        ...

    def arn(self, name: str) -> str: ...


class SecretStoreContract:
    """Inherit it, and give the fixtures ``store`` and ``vault``; other secrets may be in it."""

    @pytest.fixture
    def name(self) -> str:
        """The secret of one test."""
        return f"contract/{uuid.uuid4().hex}"

    def test_what_is_stored_is_read(self, store: SecretStore, vault: Vault, name: str) -> None:
        version_id = vault.put(name, CANARY)
        value = store.get(name)
        assert (value.name, value.text, value.version_id) == (name, CANARY, version_id)
        assert CURRENT in value.stages

    def test_text_is_kept_to_the_letter(self, store: SecretStore, vault: Vault, name: str) -> None:
        text = ' \n São João\n\t"quoted" \\ {"no": json \n'
        vault.put(name, text)
        assert store.get(name).text == text

    def test_json_is_read_as_such(self, store: SecretStore, vault: Vault, name: str) -> None:
        vault.put(name, '{"username": "shop", "port": 5432}')
        assert store.get(name).json() == {"username": "shop", "port": 5432}
        assert store.get(name).key("port") == 5432

    def test_bytes_are_kept(self, store: SecretStore, vault: Vault, name: str) -> None:
        vault.put(name, b"\x00\xff\xfe")
        assert store.get(name).binary == b"\x00\xff\xfe"

    def test_bytes_are_no_text_and_text_is_no_bytes(
        self, store: SecretStore, vault: Vault, name: str
    ) -> None:
        vault.put(name, b"\x00")
        with pytest.raises(InvalidSecret, match="is binary"):
            _ = store.get(name).text
        vault.put(name, "text")
        with pytest.raises(InvalidSecret, match="is text"):
            _ = store.get(name).binary

    def test_an_arn_names_it_too(self, store: SecretStore, vault: Vault, name: str) -> None:
        vault.put(name, CANARY)
        assert store.get(vault.arn(name)).text == CANARY

    def test_a_missing_secret_is_told(self, store: SecretStore, name: str) -> None:
        with pytest.raises(SecretNotFound) as raised:
            store.get(name)
        assert raised.value.resource == name
        assert not raised.value.transient

    def test_a_deleted_secret_is_told(self, store: SecretStore, vault: Vault, name: str) -> None:
        vault.put(name, CANARY)
        vault.delete(name)
        with pytest.raises(SecretNotFound):
            store.get(name)

    def test_a_new_version_is_read_and_the_old_one_is_the_previous(
        self, store: SecretStore, vault: Vault, name: str
    ) -> None:
        first = vault.put(name, "first")
        vault.put(name, "second")
        assert store.get(name).text == "second"
        assert store.get(name, stage=PREVIOUS).text == "first"
        assert store.get(name, stage=PREVIOUS).version_id == first

    def test_a_rotation_has_its_stages(self, store: SecretStore, vault: Vault, name: str) -> None:
        vault.put(name, "first")
        with pytest.raises(SecretNotFound):
            store.get(name, stage=PENDING)
        pending = vault.put(name, "second", stage=PENDING)
        assert store.get(name).text == "first"
        assert store.get(name, stage=PENDING).text == "second"
        vault.promote(name)
        assert store.get(name).text == "second"
        assert store.get(name).version_id == pending
        assert store.get(name, stage=PREVIOUS).text == "first"

    def test_a_version_is_read_by_its_id(self, store: SecretStore, vault: Vault, name: str) -> None:
        first = vault.put(name, "first")
        vault.put(name, "second")
        assert store.get(name, version_id=first).text == "first"
        with pytest.raises(SecretNotFound):
            store.get(name, version_id=str(uuid.uuid4()))

    @pytest.mark.parametrize("content", [CANARY, f'{{"password": "{CANARY}"}}', CANARY.encode()])
    def test_no_repr_or_error_shows_it(
        self, store: SecretStore, vault: Vault, name: str, content: Any
    ) -> None:
        vault.put(name, content)
        value = store.get(name)
        shown = [repr(value), str(value), f"{value}", repr([value]), repr(store)]
        for read in (lambda: value.key("pasword"), lambda: value.binary.decode() + value.text, value.json):
            try:
                read()
            except InvalidSecret as error:
                shown += [str(error), repr(error), "".join(traceback.format_exception(error))]
                shown += [str(vars(cause)) for cause in (error.__cause__, error.__context__) if cause]
        assert "canary" not in "".join(shown)
