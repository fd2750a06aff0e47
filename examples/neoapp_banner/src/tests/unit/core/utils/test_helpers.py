"""How services are called: what is tried again, for how long, and what each answer means."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from random import Random

import httpx
import pytest

from .....core.utils.helpers import (
    Attempts,
    AuthenticationFailed,
    HttpService,
    RequestInvalid,
    RequestRefused,
    ServiceError,
    ServiceUnavailable,
    SystemClock,
    http_client,
)
from ....standins import Answer, Request, Standin, Trouble, standin

CUT = Trouble()
LOST = Trouble(carried_out=True)
SILENT = Trouble(silent=True)
KEY = "sk-very-secret"


@dataclass
class Service:
    """A service whose waits are written down instead of waited for."""

    http: HttpService
    server: Standin
    waits: list[float] = field(default_factory=list)

    def post(self, *, repeatable: bool = True) -> dict[str, object]:
        return self.http.post("/things", {"a": 1}, repeatable=repeatable)

    def trouble(self, *troubles: Trouble) -> None:
        self.server.troubles.extend(troubles)


@pytest.fixture
def service() -> Iterator[Service]:
    def answer(request: Request) -> Answer:
        return Answer(200, {"ok": True})

    with standin(answer) as server, client_of(server.url) as client:
        waits: list[float] = []
        http = HttpService(name="Things", connect=lambda: client, sleep=waits.append, random=Random(1))
        yield Service(http, server, waits)


def authorize(request: httpx.Request) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {KEY}"
    return request


def client_of(url: str, seconds: float = 5) -> httpx.Client:
    return http_client(url, seconds=seconds, authorize=authorize)


def answered(status: int, body: object = None, **headers: str) -> Trouble:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Trouble(Answer(status, {} if body is None else body, named))


def test_connections_are_kept(service: Service) -> None:
    for _ in range(3):
        assert service.post() == {"ok": True}
    assert len(service.server.connections) == 1


@pytest.mark.parametrize("trouble", [answered(500), answered(503), answered(429), answered(408), CUT, LOST])
def test_what_may_work_later_is_tried_again_with_jitter(service: Service, trouble: Trouble) -> None:
    service.trouble(trouble, trouble)
    assert service.post() == {"ok": True}
    assert len(service.server.requests) == 3
    assert 0 < service.waits[0] < 0.25
    assert 0 < service.waits[1] < 0.5


@pytest.mark.parametrize("trouble", [answered(500), CUT, LOST])
def test_what_may_have_been_done_is_not_done_again_unless_it_is_repeatable(
    service: Service, trouble: Trouble
) -> None:
    service.trouble(trouble)
    with pytest.raises(ServiceUnavailable, match="Things: "):
        service.post(repeatable=False)
    assert len(service.server.requests) == 1


def test_what_was_put_off_is_tried_again_in_any_case(service: Service) -> None:
    service.trouble(answered(429))
    assert service.post(repeatable=False) == {"ok": True}


def test_after_three_attempts_it_is_unavailable(service: Service) -> None:
    service.trouble(*[answered(502)] * 3)
    with pytest.raises(ServiceUnavailable, match="it answered 502; try again later") as raised:
        service.post()
    assert raised.value.transient
    assert raised.value.status == 502


def in_two_seconds() -> str:
    return format_datetime(datetime.now(timezone.utc) + timedelta(seconds=2), usegmt=True)


@pytest.mark.parametrize("said", [lambda: "2", in_two_seconds])
def test_a_service_that_says_when_is_not_asked_sooner(service: Service, said: Callable[[], str]) -> None:
    service.trouble(answered(429, retry_after=said()))
    assert service.post() == {"ok": True}
    assert 0.5 < service.waits[0] <= 2


def test_one_that_asks_to_wait_too_long_is_unavailable_at_once(service: Service) -> None:
    service.trouble(answered(503, retry_after="3600"))
    with pytest.raises(ServiceUnavailable):
        service.post()
    assert service.waits == []


@pytest.mark.parametrize("said", ["soon", "-1", ""])
def test_a_wait_that_nobody_understands_is_ours_to_choose(service: Service, said: str) -> None:
    service.trouble(answered(429, retry_after=said))
    assert service.post() == {"ok": True}


@pytest.mark.parametrize(
    ("trouble", "error", "text"),
    [
        (answered(400, {"message": "bad"}), RequestInvalid, r"Things: bad \(400\)"),
        (answered(401, {"message": f"wrong key: {KEY}"}), AuthenticationFailed, r"not accepted \(401\)"),
        (answered(402, {"error": {"message": "no credit"}}), RequestRefused, r"no credit \(402\)"),
        (answered(403), AuthenticationFailed, "403"),
        (answered(404, {"message": "Not found."}), RequestInvalid, "Not found"),
        (answered(409, {"message": "used"}), RequestRefused, "used"),
        (
            answered(422, {"message": "invalid", "errors": {"order.items": ["is empty"]}}),
            RequestInvalid,
            r"invalid; order\.items: is empty",
        ),
        (
            answered(429, {"error": {"message": "no quota", "code": "insufficient_quota"}}),
            RequestRefused,
            "no quota",
        ),
        (answered(418, b"<html>"), RequestInvalid, "was not accepted"),
        (answered(400, ["no", "object"]), RequestInvalid, "was not accepted"),
        (answered(302), RequestInvalid, "302"),
    ],
)
def test_what_would_fail_again_is_not_tried_again(
    service: Service, trouble: Trouble, error: type[ServiceError], text: str
) -> None:
    service.trouble(trouble)
    with pytest.raises(error, match=text) as raised:
        service.post()
    assert not raised.value.transient
    assert len(service.server.requests) == 1


def test_no_error_shows_the_key(service: Service) -> None:
    service.trouble(answered(401, {"message": f"wrong key: {KEY}"}))
    with pytest.raises(AuthenticationFailed) as raised:
        service.post()
    assert KEY not in f"{raised.value!r} {raised.value} {service.http!r}"


@pytest.mark.parametrize("body", [b"<html>", b"", ["no", "object"]])
def test_an_answer_that_is_no_json_object_is_none(service: Service, body: object) -> None:
    service.trouble(*[answered(200, body)] * 3)
    with pytest.raises(ServiceUnavailable, match="no JSON object"):
        service.post()


def test_silence_ends_with_the_timeout(service: Service) -> None:
    service.trouble(SILENT, SILENT)
    with client_of(service.server.url, seconds=0.1) as impatient:
        http = HttpService(
            name="Things", connect=lambda: impatient, attempts=Attempts(most=2), sleep=lambda _: None
        )
        with pytest.raises(ServiceUnavailable, match="no answer in time"):
            http.post("/things", {}, repeatable=True)


def test_all_attempts_together_end_in_time(service: Service) -> None:
    service.trouble(SILENT)
    http = HttpService(name="Things", connect=service.http.connect, attempts=Attempts(seconds=0.2))
    began = time.monotonic()
    with pytest.raises(ServiceUnavailable, match="no answer in time"):
        http.post("/things", {}, repeatable=True)
    assert time.monotonic() - began < 5  # the client alone would wait so long for one attempt
    assert len(service.server.requests) == 1


def test_an_answer_that_is_damaged_is_none(service: Service) -> None:
    service.trouble(*[answered(200, b"no gzip", content_encoding="gzip")] * 3)
    with pytest.raises(ServiceUnavailable):
        service.post()


def test_where_nobody_listens_it_is_tried_again_in_any_case() -> None:
    waits: list[float] = []
    with standin(lambda request: Answer(200)) as server:
        pass
    with client_of(server.url) as client, pytest.raises(ServiceUnavailable, match="refused"):
        HttpService(name="Things", connect=lambda: client, sleep=waits.append).post("/", {}, repeatable=False)
    assert len(waits) == 2


def test_the_clock_is_the_machines_in_utc() -> None:
    assert abs(SystemClock().now().timestamp() - time.time()) < 60
    assert SystemClock().now().tzinfo is timezone.utc
