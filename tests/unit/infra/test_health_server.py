"""The health server over real HTTP."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator

import pytest

from blackcat import Check
from blackcat.application.checks import Health, checks_of
from blackcat.application.clock import SystemClock
from blackcat.domain.health import HealthReport
from blackcat.infra.health_server import Reply, health_paths, health_server

Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture
def port() -> Iterator[int]:
    checks = checks_of([Check("database", lambda: False)], None, subject="x", clock=SystemClock(), redact=str)
    health = Health(report=lambda: HealthReport("orders"), checks=checks, stopping=lambda: False)
    paths = {**health_paths(health), "/metrics": lambda: Reply(200, b"up 1\n", "text/plain")}
    with health_server(paths, host="127.0.0.1", port=0) as port:
        yield port


def request(port: int, path: str, method: str = "GET") -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/health", 200, "degraded"),
        ("/health/", 200, "degraded"),
        ("/health?verbose=1", 200, "degraded"),
        ("/health/live", 200, "healthy"),
        ("/health/ready", 503, "unhealthy"),
    ],
)
def test_each_probe_has_its_path(port: int, path: str, status: int, told: str) -> None:
    answered, headers, body = request(port, path)
    assert (answered, json.loads(body)["status"]) == (status, told)
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Type"] == "application/json"
    assert "Python" not in headers["Server"]


@pytest.mark.parametrize("path", ["/health", "/health/ready", "/metrics", "/nowhere"])
def test_head_is_get_without_the_body(port: int, path: str) -> None:
    status, headers, body = request(port, path, "HEAD")
    got_status, got_headers, got = request(port, path)
    assert (status, body) == (got_status, b"")
    assert headers["Content-Length"] == got_headers["Content-Length"] == str(len(got))


def test_any_other_path_lists_those_that_there_are(port: int) -> None:
    status, _, body = request(port, "/secrets")
    assert status == 404
    assert json.loads(body) == {"paths": ["/health", "/health/live", "/health/ready", "/metrics"]}


def test_a_further_path_has_its_own_content_type(port: int) -> None:
    status, headers, body = request(port, "/metrics")
    assert (status, headers["Content-Type"], body) == (200, "text/plain", b"up 1\n")


def test_other_methods_are_refused(port: int) -> None:
    assert request(port, "/health", "POST")[0] == 501


def test_a_path_that_fails_is_told_and_logged(caplog):
    def broken():
        raise ValueError("cannot convert float NaN to integer")

    with health_server({"/metrics": broken}, host="127.0.0.1", port=0) as port:
        status, _, body = request(port, "/metrics")
    assert status == 500
    assert b"NaN" not in body
    (record,) = [record for record in caplog.records if record.message == "health.not_answered"]
    assert record.fields["path"] == "/metrics"
    assert record.exc_info
