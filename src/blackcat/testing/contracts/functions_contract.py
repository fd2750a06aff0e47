"""What Lambda does for a rollout: who came first is told, and versions stay what they were."""

from __future__ import annotations

import hashlib
import io
import uuid
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from blackcat.application.packaging.target import Target
from blackcat.application.rollout.ports import (
    LATEST,
    Aliases,
    Configuration,
    Functions,
    Layers,
    Status,
    Version,
)
from blackcat.errors import ConditionFailed, FunctionNotFound

ROLE = "arn:aws:iam::000000000000:role/contract"
CONFIGURATION = Configuration("python3.12", "x86_64", "handler.main", 128, 3, {"COLOUR": "blue"})
ANSWER = b'{"statusCode": 200}'
_CODE = "def main(event, context):\n    return {{'statusCode': {status}}}\n"
_RAISING = "def main(event, context):\n    raise ValueError('no')\n"
_LOOKS = 10_000


class FunctionsContract:
    """Inherit it, and give the fixtures ``functions``, ``aliases`` and ``layers``; others may be there."""

    def teach(self, functions: Functions, code: Path, *, status: int | None) -> None:
        """For functions that run no code: how that one answers, or that it raises."""

    def pause(self) -> None:
        """Between two looks at a change that is under way."""

    @pytest.fixture
    def name(self) -> str:
        """The function, or layer, of one test."""
        return f"contract_{uuid.uuid4().hex[:12]}"

    @pytest.fixture
    def code(self, tmp_path: Path) -> Path:
        return _zipped(tmp_path / "blue.zip", _CODE.format(status=200))

    @pytest.fixture
    def other(self, tmp_path: Path) -> Path:
        return _zipped(tmp_path / "green.zip", _CODE.format(status=201))

    def ready(self, functions: Functions, name: str, number: str = LATEST) -> Version:
        for _ in range(_LOOKS):
            version = functions.version(name, number)
            if version.status is not Status.PENDING:
                return version
            self.pause()
        raise AssertionError(f"{name} does not get ready")

    def created(self, functions: Functions, name: str, code: Path) -> Version:
        functions.create(name, code, CONFIGURATION, role=ROLE)
        return self.ready(functions, name)

    def published(self, functions: Functions, name: str, code: Path) -> Version:
        latest = self.ready(functions, name)
        return functions.publish(name, code_sha256=_sha256(code), revision=latest.revision)

    def test_a_missing_function_is_told(self, functions: Functions, name: str, code: Path) -> None:
        for call in (
            lambda: functions.version(name),
            lambda: functions.published(name),
            lambda: functions.invoke(name, "1", b"{}"),
            lambda: functions.update_code(name, code, architecture="x86_64", revision="r"),
            lambda: functions.publish(name, code_sha256=_sha256(code), revision="r"),
        ):
            with pytest.raises(FunctionNotFound):
                call()

    def test_a_function_is_as_it_was_created(self, functions: Functions, name: str, code: Path) -> None:
        latest = self.created(functions, name, code)
        assert latest.number == LATEST
        assert latest.status is Status.READY
        assert latest.code_sha256 == _sha256(code)
        assert replace(latest.configuration, others="") == CONFIGURATION
        assert functions.published(name) == []

    def test_it_is_created_once(self, functions: Functions, name: str, code: Path) -> None:
        self.created(functions, name, code)
        with pytest.raises(ConditionFailed):
            functions.create(name, code, CONFIGURATION, role=ROLE)

    def test_code_is_updated(self, functions: Functions, name: str, code: Path, other: Path) -> None:
        before = self.created(functions, name, code)
        functions.update_code(name, other, architecture="arm64", revision=before.revision)
        after = self.ready(functions, name)
        assert after.code_sha256 == _sha256(other)
        assert after.configuration == replace(before.configuration, architecture="arm64")
        assert after.revision != before.revision

    def test_code_of_an_older_revision_is_refused(
        self, functions: Functions, name: str, code: Path, other: Path
    ) -> None:
        before = self.created(functions, name, code)
        functions.configure(name, replace(CONFIGURATION, memory=256), revision=before.revision)
        self.ready(functions, name)
        with pytest.raises(ConditionFailed):
            functions.update_code(name, other, architecture="x86_64", revision=before.revision)
        assert functions.version(name).code_sha256 == _sha256(code)

    def test_a_configuration_is_replaced(
        self, functions: Functions, layers: Layers, name: str, code: Path
    ) -> None:
        before = self.created(functions, name, code)
        arn = layers.publish(name, code, sha256=_sha256(code), targets=[Target("3.12", "x86_64")])
        wanted = Configuration("python3.13", "x86_64", "other.main", 256, 30, {"SIZE": "1"}, (arn,))
        functions.configure(name, wanted, revision=before.revision)
        after = self.ready(functions, name)
        assert replace(after.configuration, others="") == wanted
        assert after.configuration.others == before.configuration.others

    def test_a_configuration_of_an_older_revision_is_refused(
        self, functions: Functions, name: str, code: Path, other: Path
    ) -> None:
        before = self.created(functions, name, code)
        functions.update_code(name, other, architecture="x86_64", revision=before.revision)
        self.ready(functions, name)
        with pytest.raises(ConditionFailed):
            functions.configure(name, replace(CONFIGURATION, memory=256), revision=before.revision)
        assert functions.version(name).configuration.memory == CONFIGURATION.memory

    def test_a_change_is_refused_while_another_is_under_way(
        self, functions: Functions, name: str, code: Path, other: Path
    ) -> None:
        before = self.created(functions, name, code)
        functions.update_code(name, other, architecture="x86_64", revision=before.revision)
        pending = functions.version(name)
        assert pending.status is Status.PENDING
        with pytest.raises(ConditionFailed):
            functions.configure(name, CONFIGURATION, revision=pending.revision)

    def test_versions_stay_what_they_were(
        self, functions: Functions, name: str, code: Path, other: Path
    ) -> None:
        self.created(functions, name, code)
        first = self.published(functions, name, code)
        latest = functions.version(name)
        functions.update_code(name, other, architecture="x86_64", revision=latest.revision)
        second = self.published(functions, name, other)
        assert [version.number for version in functions.published(name)] == [second.number, first.number]
        assert self.ready(functions, name, first.number).code_sha256 == _sha256(code)
        assert self.ready(functions, name, second.number).configuration == latest.configuration

    def test_what_has_not_changed_is_not_published_again(
        self, functions: Functions, name: str, code: Path
    ) -> None:
        self.created(functions, name, code)
        first = self.published(functions, name, code)
        assert self.published(functions, name, code).number == first.number
        assert len(functions.published(name)) == 1

    def test_a_version_of_other_code_is_not_published(
        self, functions: Functions, name: str, code: Path, other: Path
    ) -> None:
        latest = self.created(functions, name, code)
        with pytest.raises(ConditionFailed):
            functions.publish(name, code_sha256=_sha256(other), revision=latest.revision)
        assert functions.published(name) == []

    def test_a_version_of_an_older_revision_is_not_published(
        self, functions: Functions, name: str, code: Path
    ) -> None:
        before = self.created(functions, name, code)
        functions.configure(name, replace(CONFIGURATION, memory=256), revision=before.revision)
        self.ready(functions, name)
        with pytest.raises(ConditionFailed):
            functions.publish(name, code_sha256=_sha256(code), revision=before.revision)
        assert functions.published(name) == []

    def test_a_version_is_invoked_not_what_came_after(
        self, functions: Functions, name: str, code: Path, other: Path
    ) -> None:
        self.teach(functions, code, status=200)
        self.teach(functions, other, status=201)
        self.created(functions, name, code)
        first = self.published(functions, name, code)
        latest = functions.version(name)
        functions.update_code(name, other, architecture="x86_64", revision=latest.revision)
        self.ready(functions, name)
        answer = functions.invoke(name, first.number, b"{}")
        assert (answer.payload, answer.failed) == (ANSWER, False)

    def test_a_failure_is_told(self, functions: Functions, name: str, tmp_path: Path) -> None:
        raising = _zipped(tmp_path / "raising.zip", _RAISING)
        self.teach(functions, raising, status=None)
        self.created(functions, name, raising)
        version = self.published(functions, name, raising)
        assert functions.invoke(name, version.number, b"{}").failed

    def test_a_missing_version_is_told(self, functions: Functions, name: str, code: Path) -> None:
        self.created(functions, name, code)
        with pytest.raises(FunctionNotFound):
            functions.version(name, "7")
        with pytest.raises(FunctionNotFound):
            functions.invoke(name, "7", b"{}")

    def test_an_alias_remembers_where_it_was(
        self, functions: Functions, aliases: Aliases, name: str, code: Path, other: Path
    ) -> None:
        self.created(functions, name, code)
        first = self.published(functions, name, code)
        assert aliases.find(name, "hom") is None
        created = aliases.create(name, "hom", first.number)
        assert (created.version, created.previous) == (first.number, None)
        latest = functions.version(name)
        functions.update_code(name, other, architecture="x86_64", revision=latest.revision)
        second = self.published(functions, name, other)
        moved = aliases.move(name, created, second.number)
        assert (moved.version, moved.previous) == (second.number, first.number)
        assert aliases.find(name, "hom") == moved

    def test_an_alias_is_created_once(
        self, functions: Functions, aliases: Aliases, name: str, code: Path
    ) -> None:
        self.created(functions, name, code)
        version = self.published(functions, name, code)
        aliases.create(name, "hom", version.number)
        with pytest.raises(ConditionFailed):
            aliases.create(name, "hom", version.number)

    def test_an_alias_that_was_moved_meanwhile_stays(
        self, functions: Functions, aliases: Aliases, name: str, code: Path
    ) -> None:
        self.created(functions, name, code)
        version = self.published(functions, name, code)
        seen = aliases.create(name, "hom", version.number)
        moved = aliases.move(name, seen, version.number)
        with pytest.raises(ConditionFailed):
            aliases.move(name, seen, version.number)
        assert aliases.find(name, "hom") == moved

    def test_a_layer_is_found_by_what_it_holds(
        self, layers: Layers, name: str, code: Path, other: Path
    ) -> None:
        targets = [Target("3.12", "x86_64"), Target("3.12", "arm64")]
        assert layers.find(name, _sha256(code)) is None
        first = layers.publish(name, code, sha256=_sha256(code), targets=targets)
        second = layers.publish(name, other, sha256=_sha256(other), targets=targets)
        assert first != second
        assert layers.find(name, _sha256(code)) == first
        assert layers.find(name, _sha256(other)) == second


def _zipped(path: Path, code: str) -> Path:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("handler.py", code)
    path.write_bytes(content.getvalue())
    return path


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
