"""Credentials that end, from botocore's own providers: renewed, kept while they hold, replaced if refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import ContainerProvider, Credentials, RefreshableCredentials
from botocore.exceptions import CredentialRetrievalError, NoCredentialsError
from botocore.utils import ContainerMetadataFetcher
from tests.unit.adapters.aws_standin import AwsStandin, aws_standin

from blackcat.adapters_aws.credentials import PAUSE_SECONDS, ProcessCredentials

Make = Callable[..., ProcessCredentials]
EXPIRED = (None, {"Error": {"Code": "ExpiredToken", "Message": "The security token is expired"}})


class Now:
    """Monotonic time, put forward by the test."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def standin() -> Iterator[AwsStandin]:
    with aws_standin() as running:
        yield running


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def container(standin: AwsStandin, now: Now) -> Make:
    """Credentials of a container, with the variables that ECS and EKS set; nothing waits for an answer."""

    def make(**variables: str) -> ProcessCredentials:
        known = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{standin.url}/credentials", **variables}
        fetcher = ContainerMetadataFetcher(sleep=lambda _: None)
        return ProcessCredentials(ContainerProvider(known, fetcher).load, monotonic=now)

    return make


def key(credentials: ProcessCredentials) -> str:
    return str(credentials.get_frozen_credentials().access_key)


def test_nobody_is_asked_before_the_first_call(container: Make, standin: AwsStandin) -> None:
    credentials = container()
    assert standin.tokens == []
    assert (key(credentials), key(credentials)) == ("AKID1", "AKID1")
    assert (credentials.access_key, credentials.secret_key, credentials.token) == (
        "AKID1",
        "secret",
        "session",
    )
    assert credentials.method == "container-role"
    assert standin.given == 1


def test_threads_that_ask_at_once_share_one_answer(container: Make, standin: AwsStandin) -> None:
    credentials = container()
    with ThreadPoolExecutor(16) as threads:
        found = set(threads.map(lambda _: key(credentials), range(64)))
    assert (found, standin.given) == ({"AKID1"}, 1)


@pytest.mark.parametrize("life", [timedelta(minutes=12), timedelta(minutes=5)], ids=["advised", "mandatory"])
def test_credentials_that_near_their_end_are_renewed(
    container: Make, standin: AwsStandin, now: Now, life: timedelta
) -> None:
    standin.life = life
    credentials = container()
    first = key(credentials)
    assert key(credentials) == first
    now.seconds += PAUSE_SECONDS
    assert key(credentials) != first


@pytest.mark.parametrize("life", [timedelta(minutes=12), timedelta(minutes=5)], ids=["advised", "mandatory"])
def test_they_serve_until_their_end_while_their_provider_fails(
    container: Make, standin: AwsStandin, now: Now, life: timedelta
) -> None:
    standin.life = life
    credentials = container()
    first = key(credentials)
    standin.failing = True
    now.seconds += PAUSE_SECONDS
    asked = len(standin.tokens)
    assert [key(credentials) for _ in range(20)] == [first] * 20
    assert len(standin.tokens) - asked == 3  # one renewal: botocore asks three times
    standin.failing = False
    now.seconds += PAUSE_SECONDS
    assert key(credentials) != first


def test_once_ended_they_are_not_used() -> None:
    time = datetime(2026, 1, 1, tzinfo=timezone.utc)

    def failing() -> dict[str, str]:
        raise CredentialRetrievalError(provider="test", error_msg="out of order")

    ending = RefreshableCredentials(
        "AKID1", "secret", "session", time + timedelta(minutes=20), failing, "test", lambda: time
    )
    credentials = ProcessCredentials(lambda: ending)
    assert key(credentials) == "AKID1"
    time += timedelta(minutes=19)
    assert key(credentials) == "AKID1"
    time += timedelta(minutes=2)
    with pytest.raises(CredentialRetrievalError, match="out of order"):
        key(credentials)


def test_a_provider_that_fails_at_first_is_asked_again(container: Make, standin: AwsStandin) -> None:
    standin.failing = True
    credentials = container()
    for _ in range(2):
        with pytest.raises(CredentialRetrievalError, match="out of order"):
            key(credentials)
    standin.failing = False
    assert key(credentials) == "AKID1"


@pytest.mark.parametrize(
    ("answer", "detail"),
    [({"Code": "Success"}, "AccessKeyId"), ([], "TypeError"), ({"AccessKeyId": "A"}, "SecretAccessKey")],
)
def test_an_answer_that_is_none_is_an_error_like_others(
    container: Make, standin: AwsStandin, answer: Any, detail: str
) -> None:
    standin.answer_of_provider = answer
    with pytest.raises(CredentialRetrievalError, match=detail):
        key(container())


def test_a_token_file_is_read_anew(container: Make, standin: AwsStandin, now: Now, tmp_path: Path) -> None:
    """EKS Pod Identity: the kubelet replaces the file."""
    standin.life = timedelta(minutes=12)
    token = tmp_path / "token"
    token.write_text("one")
    credentials = container(AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(token))
    key(credentials)
    token.write_text("two")
    now.seconds += PAUSE_SECONDS
    key(credentials)
    assert (standin.tokens[0], standin.tokens[-1]) == ("one", "two")


def test_a_token_that_no_header_takes_is_told(container: Make) -> None:
    with pytest.raises(CredentialRetrievalError, match="header value"):
        key(container(AWS_CONTAINER_AUTHORIZATION_TOKEN="one\n"))


def test_credentials_that_aws_refuses_are_replaced(container: Make, standin: AwsStandin, now: Now) -> None:
    credentials = container()
    assert key(credentials) == "AKID1"
    assert credentials.retry_refused(response=EXPIRED, attempts=1) == 0.0
    assert key(credentials) == "AKID2"
    # Another thread's call was signed with the first ones, too.
    assert credentials.retry_refused(response=EXPIRED, attempts=1) == 0.0
    assert (key(credentials), standin.given) == ("AKID2", 2)
    now.seconds += PAUSE_SECONDS
    assert credentials.retry_refused(response=EXPIRED, attempts=1) == 0.0
    assert key(credentials) == "AKID3"


def test_a_refusal_is_answered_with_one_attempt_more(container: Make, standin: AwsStandin) -> None:
    credentials = container()
    key(credentials)
    assert credentials.retry_refused(response=EXPIRED, attempts=2) is None
    assert credentials.retry_refused(response=None, attempts=1) is None
    denied = (None, {"Error": {"Code": "AccessDenied"}})
    assert credentials.retry_refused(response=denied, attempts=1) is None
    assert standin.given == 1


def test_refused_credentials_stay_where_there_are_no_others(container: Make, standin: AwsStandin) -> None:
    credentials = container()
    key(credentials)
    standin.failing = True
    assert credentials.retry_refused(response=EXPIRED, attempts=1) is None
    assert key(credentials) == "AKID1"


def test_credentials_without_an_end_are_not_tried_twice() -> None:
    credentials = ProcessCredentials(lambda: Credentials("AKID", "secret", method="env"))
    assert key(credentials) == "AKID"
    assert not credentials.renewable
    assert credentials.retry_refused(response=EXPIRED, attempts=1) is None


def test_without_any_provider_there_are_none() -> None:
    credentials = ProcessCredentials(lambda: None)
    with pytest.raises(NoCredentialsError):
        key(credentials)
    assert credentials.method is None


def test_properties_are_read_when_they_are_needed(container: Make, standin: AwsStandin) -> None:
    account = container().get_deferred_property("account_id")
    assert standin.given == 0
    assert account() is None
    assert standin.given == 1
