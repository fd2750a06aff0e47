"""A client of OpenAI: texts, and whether a text is fit to be shown.

https://platform.openai.com/docs/api-reference/responses
https://platform.openai.com/docs/api-reference/moderations
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from pydantic import SecretStr

from ...config import OpenAISettings
from ..mew.config import settings_of
from ..utils.helpers import HttpService, RequestRefused, ServiceUnavailable, http_client

if TYPE_CHECKING:
    import httpx

SERVICE = "OpenAI"
MODERATION_MODEL = "omni-moderation-latest"
MOST_TOKENS = 200


@dataclass(frozen=True, kw_only=True)
class OpenAIService:
    """A TextGenerator and a Moderator. Neither call changes anything over there, so both are repeatable."""

    http: HttpService
    model: Callable[[], str]

    def write(self, *, task: str, about: str) -> str:
        """A text of at most 200 tokens. Raises ServiceError: RequestRefused if the model declines."""
        body = {"model": self.model(), "instructions": task, "input": about, "max_output_tokens": MOST_TOKENS}
        answer = self.http.post("/responses", {**body, "store": False}, repeatable=True)
        parts = [part for item in answer.get("output", []) for part in item.get("content", [])]
        refusals = [part["refusal"] for part in parts if part.get("type") == "refusal"]
        if refusals:
            raise RequestRefused(SERVICE, f"the model declines: {refusals[0]}")
        text = "".join(part["text"] for part in parts if part.get("type") == "output_text").strip()
        if not text:
            raise ServiceUnavailable(SERVICE, "the answer holds no text; try again later")
        return text

    def objections(self, text: str) -> list[str]:
        """The categories that a text falls into, such as ``violence``. Raises ServiceError."""
        answer = self.http.post("/moderations", {"model": MODERATION_MODEL, "input": text}, repeatable=True)
        try:
            found: Mapping[str, bool] = answer["results"][0]["categories"]
        except (KeyError, IndexError, TypeError) as error:
            raise ServiceUnavailable(SERVICE, "the answer holds no result; try again later") from error
        return sorted(category for category, applies in found.items() if applies)


def bearer(key: Callable[[], SecretStr]) -> Callable[[httpx.Request], httpx.Request]:
    """The key as it is now: it is asked for at each request, because it changes when it is rotated."""

    def authorize(request: httpx.Request) -> httpx.Request:
        request.headers["Authorization"] = f"Bearer {key().get_secret_value()}"
        return request

    return authorize


@cache
def openai() -> OpenAIService:
    """The one of this process, kept over invocations; its settings are read at the first call."""
    http = HttpService(name=SERVICE, connect=_connected)
    return OpenAIService(http=http, model=lambda: settings_of(OpenAISettings).openai_model)


def _connected() -> httpx.Client:
    settings = settings_of(OpenAISettings)
    key = bearer(lambda: settings_of(OpenAISettings).openai_api_key)
    return http_client(settings.openai_base_url, seconds=settings.openai_timeout_seconds, authorize=key)
