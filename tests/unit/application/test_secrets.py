"""How long a secret is kept, what happens when it is refused, and when AWS does not answer."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from blackcat.application.secrets import BETWEEN_REFRESHES, STALE, TTL, CachedSecrets
from blackcat.domain.secret import CURRENT, PENDING, PREVIOUS, SecretValue
from blackcat.errors import AccessDenied, SecretNotFound, Unreachable
from blackcat.testing import FrozenClock, InMemorySecretStore

NAME = "shop/db"
MOMENT = timedelta(milliseconds=1)


class RefusedError(Exception):
    """What a database says to a wrong password."""


class FailingStore(InMemorySecretStore):
    """A store that raises ``error`` as long as it has one."""

    error: Exception | None = None

    def get(self, name: str, *, stage: str = CURRENT, version_id: str | None = None) -> SecretValue:
        if self.error:
            self.calls.append(name)
            raise self.error
        return super().get(name, stage=stage, version_id=version_id)


class Database:
    """Takes one password, and counts how often it was asked."""

    def __init__(self, password: str) -> None:
        self.password = password
        self.asked = 0

    def connect(self, value: SecretValue) -> str:
        self.asked += 1
        if value.text != self.password:
            raise RefusedError("password authentication failed")
        return f"connected with {value.stages}"


@pytest.fixture
def store() -> FailingStore:
    return FailingStore({NAME: "first"})


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def secrets(store: FailingStore, clock: FrozenClock) -> CachedSecrets:
    return CachedSecrets(store, clock=clock)


def test_a_secret_is_fetched_once_per_ttl(
    store: FailingStore, clock: FrozenClock, secrets: CachedSecrets
) -> None:
    assert secrets.get(NAME).text == "first"
    store.put(NAME, "second")
    clock.advance(TTL - MOMENT)
    assert secrets.get(NAME).text == "first"
    clock.advance(MOMENT)
    assert secrets.get(NAME).text == "second"
    assert len(store.calls) == 2


def test_stages_and_versions_are_kept_apart(store: FailingStore, secrets: CachedSecrets) -> None:
    first = secrets.get(NAME).version_id
    store.put(NAME, "second", stage=PENDING)
    assert secrets.get(NAME, stage=PENDING).text == "second"
    store.promote(NAME)
    assert secrets.get(NAME, stage=PREVIOUS).text == "first"
    assert secrets.get(NAME, version_id=first).text == "first"
    assert secrets.get(NAME).text == "first"


def test_many_threads_fetch_it_once(clock: FrozenClock) -> None:
    asked = threading.Barrier(2)

    class SlowStore(InMemorySecretStore):
        def get(self, name: str, *, stage: str = CURRENT, version_id: str | None = None) -> SecretValue:
            found = super().get(name, stage=stage, version_id=version_id)
            asked.wait(timeout=60)  # until the test has seen that the others wait
            return found

    store = SlowStore({NAME: "first"})
    secrets = CachedSecrets(store, clock=clock)
    with ThreadPoolExecutor(8) as pool:
        values = [pool.submit(secrets.get, NAME) for _ in range(8)]
        asked.wait(timeout=60)
        assert {value.result().text for value in values} == {"first"}
    assert store.calls == [NAME]


def test_while_one_thread_fetches_anew_the_others_go_on_with_what_is_known(clock: FrozenClock) -> None:
    fetching, go_on = threading.Event(), threading.Event()

    class SlowStore(InMemorySecretStore):
        def get(self, name: str, *, stage: str = CURRENT, version_id: str | None = None) -> SecretValue:
            if self.calls:
                fetching.set()
                go_on.wait(timeout=60)
            return super().get(name, stage=stage, version_id=version_id)

    store = SlowStore({NAME: "first"})
    secrets = CachedSecrets(store, clock=clock)
    secrets.get(NAME)
    store.put(NAME, "second")
    clock.advance(TTL)
    with ThreadPoolExecutor(1) as pool:
        renewed = pool.submit(secrets.get, NAME)
        assert fetching.wait(timeout=60)
        assert secrets.get(NAME).text == "first"
        go_on.set()
        assert renewed.result().text == "second"


def test_a_secret_is_fetched_anew_after_the_machine_was_suspended(store: FailingStore) -> None:
    """Its monotonic clock stood still."""

    class Suspended(FrozenClock):
        slept = timedelta(0)

        def now(self) -> datetime:
            return super().now() + self.slept

    clock = Suspended()
    secrets = CachedSecrets(store, clock=clock)
    secrets.get(NAME)
    store.put(NAME, "second")
    clock.slept = TTL
    assert secrets.get(NAME).text == "second"


def test_an_outage_is_outlived_for_a_while(
    store: FailingStore, clock: FrozenClock, secrets: CachedSecrets
) -> None:
    secrets.get(NAME)
    store.error = Unreachable("no answer")
    clock.advance(TTL + STALE - MOMENT)
    assert secrets.get(NAME).text == "first"
    clock.advance(MOMENT)
    with pytest.raises(Unreachable):
        secrets.get(NAME)


def test_what_does_not_answer_is_not_asked_at_every_call(
    store: FailingStore, clock: FrozenClock, secrets: CachedSecrets
) -> None:
    store.error = Unreachable("no answer")
    for _ in range(10):
        with pytest.raises(Unreachable):
            secrets.get(NAME)
    assert len(store.calls) == 1
    store.error = None
    clock.advance(BETWEEN_REFRESHES)
    assert secrets.get(NAME).text == "first"


@pytest.mark.parametrize("error", [AccessDenied("not any more"), SecretNotFound("deleted")])
def test_a_secret_that_is_gone_or_denied_is_told_at_once(
    store: FailingStore, clock: FrozenClock, secrets: CachedSecrets, error: Exception
) -> None:
    secrets.get(NAME)
    store.error = error
    clock.advance(TTL)
    with pytest.raises(type(error)):
        secrets.get(NAME)


def test_a_refused_secret_is_fetched_anew(store: FailingStore, secrets: CachedSecrets) -> None:
    database = Database("first")
    secret = secrets.secret(NAME)
    assert "connected" in secret.use(database.connect, refused=RefusedError)
    store.put(NAME, "second")
    database.password = "second"
    assert "connected" in secret.use(database.connect, refused=RefusedError)
    assert secret.get().text == "second"
    assert database.asked == 3


def test_in_the_middle_of_a_rotation_the_pending_version_is_tried_once(
    store: FailingStore, clock: FrozenClock, secrets: CachedSecrets
) -> None:
    database = Database("first")
    secret = secrets.secret(NAME)
    secret.get()
    store.put(NAME, "second", stage=PENDING)
    assert "connected" in secret.use(database.connect, refused=RefusedError)
    database.password = "second"  # the rotation has set it, and not finished
    assert PENDING in secret.use(database.connect, refused=RefusedError)
    assert secret.get().text == "second"
    asked = database.asked
    secret.use(database.connect, refused=RefusedError)
    assert database.asked == asked + 1
    store.promote(NAME)
    clock.advance(TTL)
    assert CURRENT in secret.use(database.connect, refused=RefusedError)


def test_a_pending_version_that_is_refused_too_is_let_go(
    store: FailingStore, clock: FrozenClock, secrets: CachedSecrets
) -> None:
    database = Database("neither")
    secret = secrets.secret(NAME)
    store.put(NAME, "second", stage=PENDING)
    with pytest.raises(RefusedError):
        secret.use(database.connect, refused=RefusedError)
    assert database.asked == 2
    assert secret.get().text == "first"
    database.password = "first"
    assert CURRENT in secret.use(database.connect, refused=RefusedError)


def test_a_swarm_of_refusals_asks_aws_once_in_some_seconds(
    store: FailingStore, clock: FrozenClock, secrets: CachedSecrets
) -> None:
    database = Database("neither")
    secret = secrets.secret(NAME)

    def refusals(count: int) -> None:
        for _ in range(count):
            with pytest.raises(RefusedError):
                secret.use(database.connect, refused=RefusedError)

    secret.get()
    refusals(20)
    assert len(store.calls) == 3  # the first one; then the current and the pending version
    clock.advance(BETWEEN_REFRESHES)
    refusals(20)
    assert len(store.calls) == 5


def test_threads_that_were_refused_together_get_what_the_first_one_fetched(
    store: FailingStore, secrets: CachedSecrets
) -> None:
    old = secrets.get(NAME)
    store.put(NAME, "second")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: secrets.refused(old), range(8)))
    assert {one.text for one in found if one} == {"second"}
    assert len(found) == 8
    assert len(store.calls) == 2


def test_the_refusal_is_told_when_aws_cannot_be_asked(store: FailingStore, secrets: CachedSecrets) -> None:
    secret = secrets.secret(NAME)
    secret.get()
    store.error = Unreachable("no answer")
    with pytest.raises(RefusedError):
        secret.use(Database("second").connect, refused=RefusedError)


def test_an_error_that_is_no_refusal_passes(secrets: CachedSecrets, store: FailingStore) -> None:
    def attempt(value: SecretValue) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        secrets.secret(NAME).use(attempt, refused=(RefusedError, OSError))
    assert len(store.calls) == 1


def test_every_value_that_is_fetched_is_learned(clock: FrozenClock) -> None:
    learned: list[SecretValue] = []
    store = InMemorySecretStore({NAME: "first"})
    secrets = CachedSecrets(store, clock=clock, learn=learned.append)
    first = secrets.get(NAME)
    secrets.get(NAME)
    store.put(NAME, "second")
    secrets.refused(first)
    assert [value.text for value in learned] == ["first", "second"]
