"""The client of OpenAI beside a server with the shapes of its API."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from blackcat.errors import SettingsError
from pydantic import SecretStr

from .....core.mew.config import settings_of
from .....core.services.openai_service import OpenAIService, bearer, openai
from .....core.utils.helpers import (
    AuthenticationFailed,
    HttpService,
    RequestRefused,
    ServiceUnavailable,
    http_client,
)
from ....standins import OPENAI_KEY, Answer, Standin, Trouble, openai_standin


@pytest.fixture
def server() -> Iterator[Standin]:
    with openai_standin("Summer, for less") as running:
        yield running


def service(server: Standin, key: str = OPENAI_KEY) -> OpenAIService:
    client = http_client(server.url, seconds=5, authorize=bearer(lambda: SecretStr(key)))
    http = HttpService(name="OpenAI", connect=lambda: client, sleep=lambda _: None)
    return OpenAIService(http=http, model=lambda: "gpt-test")


def test_a_text_is_written_and_not_stored_over_there(server: Standin) -> None:
    assert service(server).write(task="A title", about="a sale") == "Summer, for less"
    [asked] = server.requests
    assert asked.body["model"] == "gpt-test"
    assert (asked.body["instructions"], asked.body["input"]) == ("A title", "a sale")
    assert asked.body["store"] is False


def test_objections_are_the_categories_that_apply(server: Standin) -> None:
    assert service(server).objections("Summer sale") == []
    assert service(server).objections("blood everywhere") == ["violence", "violence/graphic"]


def test_what_the_model_declines_is_refused(server: Standin) -> None:
    declined = {"output": [{"type": "message", "content": [{"type": "refusal", "refusal": "I cannot"}]}]}
    server.troubles.append(Trouble(Answer(200, declined)))
    with pytest.raises(RequestRefused, match="the model declines: I cannot"):
        service(server).write(task="A title", about="…")


@pytest.mark.parametrize("answer", [{}, {"output": []}, {"output": [{"type": "reasoning"}]}])
def test_an_answer_without_a_text_is_none(server: Standin, answer: dict[str, object]) -> None:
    server.troubles.append(Trouble(Answer(200, answer)))
    with pytest.raises(ServiceUnavailable, match="holds no text"):
        service(server).write(task="A title", about="…")


@pytest.mark.parametrize("answer", [{}, {"results": []}, {"results": [None]}])
def test_an_answer_without_a_result_is_no_consent(server: Standin, answer: dict[str, object]) -> None:
    server.troubles.append(Trouble(Answer(200, answer)))
    with pytest.raises(ServiceUnavailable, match="holds no result"):
        service(server).objections("…")


def test_a_wrong_key_is_told_and_not_shown(server: Standin) -> None:
    with pytest.raises(AuthenticationFailed) as raised:
        service(server, key="sk-wrong").objections("…")
    assert "sk-" not in str(raised.value)


def test_a_rotated_key_is_taken_up_by_the_same_client(server: Standin) -> None:
    keys = iter([SecretStr("sk-old"), SecretStr(OPENAI_KEY)])
    client = http_client(server.url, seconds=5, authorize=bearer(lambda: next(keys)))
    http = HttpService(name="OpenAI", connect=lambda: client)
    rotating = OpenAIService(http=http, model=lambda: "gpt-test")
    with pytest.raises(AuthenticationFailed):
        rotating.objections("…")
    assert rotating.objections("…") == []


def test_a_process_has_one_client() -> None:
    assert openai() is openai()
    assert openai().http.client.base_url == httpx.URL("https://api.openai.com/v1/")
    assert "test-openai" not in repr(openai())


def test_only_a_call_needs_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    openai.cache_clear()
    settings_of.forget()
    service = openai()
    with pytest.raises(SettingsError, match="OPENAI_API_KEY"):
        service.objections("Summer sale")
