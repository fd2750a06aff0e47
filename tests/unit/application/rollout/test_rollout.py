"""Rollouts on Lambda in memory: what they do, what ends them, and that the next run goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from blackcat.application.packaging.declaration import DeclaredFunction
from blackcat.application.packaging.target import Target
from blackcat.application.rollout.ports import LATEST, Answer, Configuration, Version
from blackcat.application.rollout.release import LayerContent, Release
from blackcat.application.rollout.rollout import PATIENCE, Deployed, Rollout
from blackcat.errors import FunctionNotFound, Overtaken, RolloutFailed, SmokeFailed, Unreachable
from blackcat.testing import FrozenClock, InMemoryAliases, InMemoryFunctions, InMemoryLayers
from disturbed import Disturbed

NAME = "generic_send_email"
ROLE = "arn:aws:iam::000000000000:role/lambda"
TARGET = Target("3.12", "x86_64")
ILL = Answer(b'{"statusCode": 503}')


@dataclass
class Account:
    """Lambda in memory, and what rolls out to it; ``disturb`` is called before and after each call."""

    folder: Path
    functions: InMemoryFunctions = field(default_factory=InMemoryFunctions)
    aliases: InMemoryAliases = field(default_factory=InMemoryAliases)
    layers: InMemoryLayers = field(default_factory=InMemoryLayers)
    clock: FrozenClock = field(default_factory=FrozenClock)
    told: list[str] = field(default_factory=list)

    def rollout(self, disturb: Callable[[str, str], None] = lambda when, call: None) -> Rollout:
        return Rollout(
            functions=Disturbed(self.functions, disturb),
            aliases=Disturbed(self.aliases, disturb),
            layers=Disturbed(self.layers, disturb),
            clock=self.clock,
            pause=lambda seconds: self.clock.advance(timedelta(seconds=seconds)),
            tell=self.told.append,
        )

    def release(self, code: str, *, libraries: str = "libraries", **declared: Any) -> Release:
        path, layer = self._file(code), self._file(libraries)
        return Release(
            declared=DeclaredFunction(**{"function": NAME, "role": ROLE, "memory": 256, **declared}),
            target=TARGET,
            code=path,
            code_sha256=_sha256(path),
            layers=(LayerContent("ekans", layer, _sha256(layer), (TARGET,)),),
            event=b"{}",
        )

    def answering(self, code: str, answer: Answer) -> None:
        self.functions.handlers[_sha256(self._file(code))] = lambda event: answer

    def run(self, release: Release, alias: str = "hom") -> Deployed:
        self.told.clear()
        return self.rollout().run(release, alias)

    def at(self, alias: str = "hom") -> str | None:
        found = self.aliases.find(NAME, alias)
        return found.version if found else None

    def _file(self, content: str) -> Path:
        path = self.folder / content
        path.write_text(content)
        return path


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_first_rollout_creates_the_function_and_then_the_alias(account: Account) -> None:
    deployed = account.run(account.release("blue"))
    assert account.told == [
        f"publish layer ekans ({_sha256(account.folder / 'libraries')[:12]})",
        "create the function",
        "publish a version",
        "invoke version 1",
        "create alias hom on version 1",
    ]
    assert (deployed.alias.version, deployed.alias.previous) == ("1", None)
    assert deployed.version.configuration.layers == (account.layers.published[0],)
    assert deployed.version.configuration.memory == 256


def test_without_a_role_a_missing_function_is_told_and_nothing_is_published(account: Account) -> None:
    with pytest.raises(FunctionNotFound):
        account.run(account.release("blue", role=None))
    assert account.layers.published == []


def test_the_next_rollout_updates_what_differs_and_moves_the_alias(account: Account) -> None:
    account.run(account.release("blue"))
    deployed = account.run(account.release("green", memory=512, environment={"COLOUR": "green"}))
    assert account.told == [
        "update the code",
        "update the configuration: memory, environment",
        "publish a version",
        "invoke version 2",
        "move alias hom from version 1 to 2",
    ]
    assert (deployed.alias.version, deployed.alias.previous) == ("2", "1")


def test_a_layer_is_published_only_when_it_is_another_one(account: Account) -> None:
    account.run(account.release("blue"))
    account.run(account.release("green"))
    assert len(account.layers.published) == 1
    account.run(account.release("green", libraries="newer"))
    assert len(account.layers.published) == 2
    assert account.told[1:2] == ["update the configuration: layers"]


def test_the_same_again_only_tries_it_again(account: Account) -> None:
    first = account.run(account.release("blue"))
    assert account.run(account.release("blue")) == first
    assert account.told == ["invoke version 1"]


def test_what_another_alias_has_is_taken_as_it_is(account: Account) -> None:
    account.run(account.release("blue"), "hom")
    account.run(account.release("blue"), "prod")
    assert account.told == ["invoke version 1", "create alias prod on version 1"]


def test_an_older_version_is_taken_again_without_touching_the_function(account: Account) -> None:
    account.run(account.release("blue"), "hom")
    account.run(account.release("green"), "prod")
    account.run(account.release("green"), "hom")
    account.run(account.release("blue"), "hom")
    assert account.told == ["invoke version 1", "move alias hom from version 2 to 1"]


def test_a_version_of_another_role_is_not_taken_again(account: Account) -> None:
    account.run(account.release("blue"))
    account.run(account.release("green"))
    found = account.functions._functions[NAME]  # as if somebody had changed the role
    found.latest = replace(found.latest, configuration=replace(found.latest.configuration, others="other"))
    account.run(account.release("blue"))
    assert account.at() == "3"


def test_what_is_not_declared_stays_as_it_is(account: Account) -> None:
    account.run(account.release("blue", timeout=60, environment={"COLOUR": "blue"}))
    deployed = account.run(account.release("green", memory=None))
    configuration = deployed.version.configuration
    assert (configuration.memory, configuration.timeout) == (256, 60)
    assert configuration.environment == {"COLOUR": "blue"}


def test_the_alias_stays_when_the_smoke_fails_and_the_same_version_is_tried_again(account: Account) -> None:
    account.run(account.release("blue"))
    account.answering("green", ILL)
    for _ in range(2):
        with pytest.raises(SmokeFailed, match=r"version 2 .* status 503, and 200 was expected"):
            account.run(account.release("green"))
        assert account.at() == "1"
    account.answering("green", Answer(b'{"statusCode": 200}'))
    assert account.run(account.release("green")).alias.version == "2"


def test_no_alias_is_created_when_the_smoke_fails(account: Account) -> None:
    account.answering("blue", ILL)
    with pytest.raises(SmokeFailed):
        account.run(account.release("blue"))
    assert account.at() is None


def test_code_that_never_gets_ready_ends_it_and_the_next_run_sends_it_again(account: Account) -> None:
    account.run(account.release("blue"))
    green = account.release("green")
    account.functions.unfit.add(green.code_sha256)
    with pytest.raises(RolloutFailed, match="the code is unfit"):
        account.run(green)
    assert account.at() == "1"
    account.functions.unfit.clear()
    account.run(green)
    assert account.told[0] == "update the code"
    assert account.at() == "2"


def test_a_change_that_never_ends_is_waited_for_in_vain(account: Account) -> None:
    account.functions = InMemoryFunctions(looks=1_000_000)
    with pytest.raises(RolloutFailed, match="after 10 minutes"):
        account.run(account.release("blue"))
    assert account.clock.monotonic() >= PATIENCE.total_seconds()


def calls_of(account: Account, release: Release) -> int:
    """How many calls a rollout makes."""
    counter = count()
    account.rollout(lambda when, call: next(counter) and None).run(release, "hom")
    return next(counter) // 2


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("first", [True, False], ids=["first", "next"])
def test_whichever_call_fails_the_alias_is_right_and_the_next_run_goes_on(
    tmp_path: Path, when: str, first: bool
) -> None:
    def prepared(folder: str) -> Account:
        account = Account(tmp_path / folder)
        account.folder.mkdir()
        if not first:
            account.run(account.release("blue"))
        return account

    measured = prepared("measured")
    calls = calls_of(measured, measured.release("green", memory=512))
    assert calls > 8
    for failing in range(calls):
        account = prepared(str(failing))
        before, number = account.at(), count()
        release = account.release("green", memory=512)

        def fail(stage: str, call: str, number: Any = number, failing: int = failing) -> None:
            if stage == when and next(number) == failing:
                raise Unreachable(f"{call} got no answer")

        with pytest.raises(Unreachable):
            account.rollout(fail).run(release, "hom")
        moved = account.at() != before
        assert not moved or failing == calls - 1  # the last call is the one that moves it
        deployed = account.run(release)
        assert deployed.version.code_sha256 == release.code_sha256
        versions = account.functions.published(NAME)
        assert [version.code_sha256 for version in versions].count(release.code_sha256) == 1
        assert len(account.layers.published) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_another_rollout_at_any_moment_is_noticed_and_one_of_the_two_ends(tmp_path: Path, when: str) -> None:
    """Whichever call the other one comes before, or after, the alias ends at what the winner rolled out."""
    overtaken = set()
    for moment in range(40):
        account = Account(tmp_path / str(moment))
        account.folder.mkdir()
        account.run(account.release("blue"))
        number, last = count(), []

        def disturb(
            stage: str,
            call: str,
            account: Any = account,
            number: Any = number,
            moment: int = moment,
            last: Any = last,
        ) -> None:
            if stage == when and next(number) == moment:
                last.append(call)
                account.rollout().run(account.release("red"), "hom")

        mine = account.release("green", memory=512)
        try:
            deployed = account.rollout(disturb).run(mine, "hom")
        except Overtaken:
            overtaken.add(moment)
            assert (
                account.functions.version(NAME, account.at() or "").code_sha256
                == account.release("red").code_sha256
            )
        else:
            assert deployed.version.code_sha256 == mine.code_sha256
            later = when == "after" and last == ["move"]  # the other one came when this one was done
            assert later or deployed.alias == account.aliases.find(NAME, "hom")
        if next(number) < moment:
            break
    assert overtaken


def test_two_that_overwrite_each_other_do_not_go_on_for_ever(account: Account) -> None:
    account.run(account.release("blue"))
    turns = count()

    def undo(stage: str, call: str) -> None:
        # Between this one's update and its look at it, where no revision guards.
        if stage == "after" and call == "update_code" and next(turns) < 5:
            latest = account.functions.version(NAME)
            while latest.status.value == "pending":
                latest = account.functions.version(NAME)
            blue = account.folder / "blue"
            account.functions.update_code(NAME, blue, architecture="x86_64", revision=latest.revision)

    with pytest.raises(Overtaken, match="another rollout changed"):
        account.rollout(undo).run(account.release("green"), "hom")
    assert account.at() == "1"


def test_a_plan_is_what_a_run_does(account: Account) -> None:
    for release in (
        account.release("blue"),
        account.release("green", memory=512, environment={"COLOUR": "green"}),
        account.release("green", libraries="newer", memory=512),
        account.release("blue"),
    ):
        plan = account.rollout().plan(release, "hom")
        account.run(release)
        assert [type(step).__name__ for step in plan] == [_kind(told) for told in account.told]
    assert account.rollout().plan(account.release("blue"), "prod") != []


def test_a_plan_changes_nothing(account: Account) -> None:
    account.rollout().plan(account.release("blue"), "hom")
    assert account.layers.published == []
    with pytest.raises(FunctionNotFound):
        account.functions.version(NAME)


def test_a_rollback_goes_back_and_a_second_one_returns(account: Account) -> None:
    account.run(account.release("blue"))
    account.run(account.release("green"))
    back = account.rollout().roll_back(NAME, "hom")
    assert (back.alias.version, back.alias.previous) == ("1", "2")
    assert back.version.code_sha256 == account.release("blue").code_sha256
    assert account.rollout().roll_back(NAME, "hom").alias.version == "2"


def test_there_is_nothing_to_roll_back_to_at_first(account: Account) -> None:
    with pytest.raises(RolloutFailed, match="does not exist: there is nothing to roll back to"):
        account.rollout().roll_back(NAME, "hom")
    account.run(account.release("blue"))
    with pytest.raises(RolloutFailed, match="is at version 1, the first"):
        account.rollout().roll_back(NAME, "hom")


def test_a_version_that_was_deleted_is_not_rolled_back_to(account: Account) -> None:
    account.run(account.release("blue"))
    account.run(account.release("green"))
    account.functions._functions[NAME].published.pop(0)
    with pytest.raises(RolloutFailed, match="which was deleted"):
        account.rollout().roll_back(NAME, "hom")
    assert account.at() == "2"


def test_a_rollback_that_is_overtaken_moves_nothing(account: Account) -> None:
    account.run(account.release("blue"))
    account.run(account.release("green"))

    def disturb(stage: str, call: str) -> None:
        if (stage, call) == ("before", "move"):
            account.run(account.release("red"))

    with pytest.raises(Overtaken):
        account.rollout(disturb).roll_back(NAME, "hom")
    assert account.at() == "3"


def test_the_latest_may_be_under_way_when_a_rollout_starts(account: Account) -> None:
    configuration = Configuration("python3.12", "x86_64", "src.main.main", 128, 3)
    account.functions = InMemoryFunctions(looks=3)
    account.functions.create(NAME, account.release("blue").code, configuration, role=ROLE)
    assert account.run(account.release("blue")).alias.version == "1"
    latest: Version = account.functions.version(NAME)
    assert (latest.number, latest.configuration.memory) == (LATEST, 256)


def _kind(told: str) -> str:
    kinds = {
        "publish layer": "PublishLayer",
        "create the function": "CreateFunction",
        "update the code": "UpdateCode",
        "update the configuration": "Configure",
        "publish a": "Publish",
        "invoke": "Try",
        "create alias": "CreateAlias",
        "move alias": "MoveAlias",
    }
    return next(kind for beginning, kind in kinds.items() if told.startswith(beginning))
