"""A REST API as its process: probes, stops, restarts under load, workers that are replaced."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.integration.balancer import Balancer

from blackcat.testing.processes import ServiceProcess, stop_all
from tests.integration.conftest import until

PROJECT = Path(__file__).with_name("api_project")
JSON = b"Content-Type: application/json"
Start = Callable[..., ServiceProcess]


@pytest.fixture
def outage(tmp_path: Path) -> Path:
    """While this file exists, the project's database check fails."""
    return tmp_path / "outage"


@pytest.fixture
def start(tmp_path: Path, outage: Path) -> Iterator[Start]:
    started: list[ServiceProcess] = []

    def start_api(**changes: str) -> ServiceProcess:
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ},
            "HOST": "127.0.0.1",
            "PORT": "0",
            "LOG_FORMAT": "json",
            "API_WORKERS": "1",
            "OUTAGE": str(outage),
            "OUTAGE_AT": "postgres://shop:hunter2@db/shop",
            **changes,
        }
        log = tmp_path / f"api-{len(started)}.log"
        command = [sys.executable, "main.py"]
        started.append(ServiceProcess("shop", command, cwd=PROJECT, environment=environment, log=log))
        return started[-1]

    yield start_api
    stop_all(started)


class Client:
    """A client that keeps its connection."""

    def __init__(self, api: ServiceProcess) -> None:
        port = api.wait_for("api.listening")["port"]
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def get(self, path: str) -> tuple[int, Any, bool]:
        """Status, JSON, and whether the answer is the last one of its connection."""
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        content = json.loads(answer.read())
        return answer.status, content, answer.getheader("Connection") == "close"


def ask(api: ServiceProcess, path: str) -> tuple[int, Any, bool]:
    return Client(api).get(path)


class Load:
    """Clients that ask without a pause, each on a kept connection, until told to stop."""

    def __init__(self, port: int, path: str = "/pid", clients: int = 8) -> None:
        self.answers: Counter[str] = Counter()
        self.pids: set[int] = set()
        self._port = port
        self._path = path
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> Counter[str]:
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        return self.answers

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        while not self._stopped.is_set():
            try:
                connection.request("GET", self._path)
                answer = connection.getresponse()
                body = answer.read()
                self.answers[str(answer.status)] += 1
                if answer.status == 200:
                    self.pids.add(json.loads(body)["pid"])
            except (OSError, http.client.HTTPException) as error:
                self.answers[repr(error)] += 1
                connection.close()


def test_a_failing_check_takes_readiness_and_leaves_liveness(start: Start, outage: Path) -> None:
    api = start()
    assert [ask(api, path)[0] for path in ("/health", "/health/live", "/health/ready")] == [200] * 3
    outage.touch()
    until(lambda: ask(api, "/health/ready")[0] == 503, "readiness to be red")
    status, report, _ = ask(api, "/health")
    assert (status, report["status"]) == (200, "degraded")
    assert report["reasons"] == [
        "check 'database' failed: ConnectionError: no route to postgres://shop:***@db/shop"
    ]
    assert ask(api, "/health/live")[1]["reasons"] == []
    outage.unlink()
    until(lambda: ask(api, "/health/ready")[0] == 200, "readiness to be green again")


def test_all_workers_turn_unready_at_sigterm_and_go_on_serving(start: Start) -> None:
    api = start(API_WORKERS="2", SHUTDOWN_TIMEOUT_SECONDS="90", SHUTDOWN_DELAY_SECONDS="80")
    until(lambda: len({ask(api, "/pid")[1]["pid"] for _ in range(20)}) == 2, "both workers")
    kept = Client(api)
    assert kept.get("/pid")[2] is False
    os.kill(api.pid, signal.SIGTERM)
    until(lambda: ask(api, "/health/ready")[0] == 503, "the signal to arrive")
    pids = set()
    for _ in range(40):
        assert ask(api, "/health/ready")[:2][0] == 503
        status, content, is_last = ask(api, "/pid")
        assert (status, is_last) == (200, True)
        pids.add(content["pid"])
    assert len(pids) == 2
    assert kept.get("/pid")[2] is True
    assert ask(api, "/health/live")[0] == 200
    status, report, _ = ask(api, "/health")
    assert (status, report["reasons"]) == (503, ["it was asked to stop"])
    os.kill(api.pid, signal.SIGTERM)
    assert api.status() == 1  # a second signal does not wait
    assert api.wait_for("service.ended_by_second_signal")["signal"] == "SIGTERM"


def test_after_the_delay_what_runs_is_finished(start: Start) -> None:
    api = start(SHUTDOWN_DELAY_SECONDS="1")
    answers: list[tuple[int, Any, bool]] = []
    request = threading.Thread(target=lambda: answers.append(ask(api, "/slow")))
    request.start()
    api.wait_for("slow.began")
    assert api.stop() == 0
    request.join()
    assert answers[0][:2] == (200, {"done": True})
    assert api.events("api.stopped")


def test_a_delay_that_leaves_no_time_to_end_is_refused(start: Start) -> None:
    api = start(SHUTDOWN_TIMEOUT_SECONDS="10", SHUTDOWN_DELAY_SECONDS="8")
    assert api.status() == 78
    assert "SHUTDOWN_DELAY_SECONDS must leave 3 seconds" in api.wait_for("service.not_started")["reason"]


def test_who_has_connected_is_answered_and_idle_connections_are_closed_at_a_stop(start: Start) -> None:
    api = start(API_THREADS="1")
    idle = Client(api)
    assert idle.get("/pid")[0] == 200
    answers: list[tuple[int, Any, bool]] = []
    requests = [threading.Thread(target=lambda: answers.append(ask(api, "/slow"))) for _ in range(4)]
    for request in requests:
        request.start()
    api.wait_for("slow.began")
    assert api.stop() == 0
    for request in requests:
        request.join()
    assert [status for status, _, _ in answers] == [200] * 4
    assert idle.connection.sock is not None
    assert idle.connection.sock.recv(1) == b""  # a proper end: no reset


def test_a_rolling_restart_under_load_fails_no_request(start: Start) -> None:
    balancer = Balancer()
    with balancer.listening() as port:
        old = start(SHUTDOWN_DELAY_SECONDS="3")
        balancer.targets.append(old.wait_for("api.listening")["port"])
        until(lambda: balancer.is_ready(balancer.targets[0]), "the first instance")
        load = Load(port)
        new = start()
        balancer.targets.append(new.wait_for("api.listening")["port"])
        until(lambda: balancer.is_ready(balancer.targets[1]), "the second instance")
        assert old.stop() == 0
        served = sum(load.answers.values())
        until(lambda: sum(load.answers.values()) > served + 20, "requests to the second instance")
        answers = load.stop()
    assert list(answers) == ["200"], (answers, balancer.failures)
    assert len(load.pids) == 2


def test_replaced_workers_lose_no_request(start: Start) -> None:
    api = start(API_MAX_REQUESTS="100", API_MAX_REQUESTS_JITTER="10")
    kept = Client(api)
    _, first, _ = kept.get("/pid")
    load = Load(api.wait_for("api.listening")["port"])
    api.wait_for("worker.spent", reason="API_MAX_REQUESTS", count=2)
    until(lambda: len(load.pids) >= 3, "two workers to be replaced")
    answers = load.stop()
    assert list(answers) == ["200"]
    # The connection that was idle meanwhile is still good, once.
    status, content, is_last = kept.get("/pid")
    assert (status, content["pid"], is_last) == (200, first["pid"], True)
    assert kept.get("/pid")[1]["pid"] != first["pid"]


def test_a_worker_with_a_stuck_request_tells_where_and_is_replaced(start: Start) -> None:
    api = start(API_REQUEST_TIMEOUT_SECONDS="0.5", API_THREADS="2")
    _, before, _ = ask(api, "/pid")
    lost: list[Exception] = []

    def be_stuck() -> None:
        try:
            ask(api, "/stuck")
        except (OSError, http.client.HTTPException) as error:
            lost.append(error)

    request = threading.Thread(target=be_stuck)
    request.start()
    stuck = api.wait_for("request.stuck")
    assert "wait_for_what_never_comes" in stuck["stack"]
    assert stuck["request_id"]
    api.wait_for("worker.spent", reason="a request is stuck")
    until(lambda: ask(api, "/pid")[1]["pid"] != before["pid"], "the replacement")
    api.wait_for("worker.abandoned")
    request.join()
    assert len(lost) == 1
    assert ask(api, "/pid")[0] == 200


def test_with_all_threads_stuck_the_replacement_serves_who_waits(start: Start) -> None:
    api = start(API_REQUEST_TIMEOUT_SECONDS="0.5", API_THREADS="1")
    port = api.wait_for("api.listening")["port"]
    victim = socket.create_connection(("127.0.0.1", port))
    victim.sendall(b"GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n")
    api.wait_for("request.stuck")
    until(lambda: len(api.events("worker.abandoned")) == 1, "the old worker's end")
    assert ask(api, "/pid")[0] == 200
    assert victim.recv(1) == b""
    victim.close()


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"GET /pid HTTP/1.1\r\nHost:", b""),
        (b"POST /orders HTTP/1.1\r\nHost: x\r\n%s\r\nContent-Length: 20\r\n\r\n{" % JSON, b"HTTP/1.1 408 "),
    ],
)
def test_a_client_that_falls_silent_holds_no_thread(start: Start, sent: bytes, answer: bytes) -> None:
    api = start(API_REQUEST_TIMEOUT_SECONDS="0.5", API_THREADS="1")
    port = api.wait_for("api.listening")["port"]
    with socket.create_connection(("127.0.0.1", port), timeout=60) as silent:
        silent.sendall(sent)
        assert silent.recv(1000)[: len(answer) or None] == answer
        assert ask(api, "/pid")[0] == 200


def test_the_server_does_not_tell_its_version(start: Start) -> None:
    api = start()
    client = Client(api)
    client.connection.request("GET", "/pid")
    answer = client.connection.getresponse()
    assert not any(character.isdigit() for character in answer.getheader("Server") or "")


def connected(api: ServiceProcess, sent: bytes = b"") -> socket.socket:
    port = api.wait_for("api.listening")["port"]
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.sendall(sent)
    return connection


def everything(connection: socket.socket) -> bytes:
    """What the server sends until it closes."""
    with connection:
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    "sent", [b"GET /pid HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"get / HTTP/1.1\r\n\r\n"]
)
def test_clients_that_do_not_close_their_side_hold_up_nobody(start: Start, sent: bytes) -> None:
    api = start()
    assert ask(api, "/pid")[0] == 200
    began = time.monotonic()
    clients = [connected(api, sent) for _ in range(30)]
    assert all(client.recv(1) == b"H" for client in clients)
    assert ask(api, "/health/live")[0] == 200
    # One after the other they would take two seconds each.
    assert time.monotonic() - began < 30
    for client in clients:
        client.close()


CHUNKED = b"POST /raw HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc"
LONG = b"POST /raw HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\nabc"


@pytest.mark.parametrize("sent", [CHUNKED, LONG])
def test_half_a_body_is_answered_in_time_whoever_reads_it(start: Start, sent: bytes) -> None:
    api = start(API_REQUEST_TIMEOUT_SECONDS="0.5")
    answer = everything(connected(api, sent))
    assert answer.startswith(b"HTTP/1.1 408 "), answer
    assert b"\r\nConnection: close\r\n" in answer
    assert not api.events("request.failed")
    assert api.wait_for("request.handled")["status"] == 408


@pytest.mark.parametrize("sent", [CHUNKED, LONG])
def test_a_body_that_breaks_off_is_refused(start: Start, sent: bytes) -> None:
    api = start()
    client = connected(api, sent)
    client.shutdown(socket.SHUT_WR)
    answer = everything(client)
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert not api.events("request.failed")


def test_a_probe_does_not_wait_for_a_body(start: Start) -> None:
    api = start()
    client = connected(
        api, b"GET /health/live HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc"
    )
    assert client.recv(20).startswith(b"HTTP/1.1 200 ")
    client.close()


def test_an_upload_that_never_ends_is_cut_and_replaces_no_worker(start: Start) -> None:
    api = start(API_REQUEST_TIMEOUT_SECONDS="3", API_THREADS="1")  # stuck after 6, which a busy machine keeps
    client = connected(api, LONG)
    client.settimeout(0.1)
    answer = b""
    while not answer:
        client.sendall(b"x")
        try:
            answer = client.recv(1000)
        except TimeoutError:
            continue
    client.close()
    assert answer.startswith(b"HTTP/1.1 408 "), answer
    assert ask(api, "/pid")[0] == 200
    assert not api.events("request.stuck")
    assert not api.events("worker.spent")


def test_a_stop_does_not_wait_for_who_has_not_asked(start: Start) -> None:
    api = start(SHUTDOWN_TIMEOUT_SECONDS="60", API_REQUEST_TIMEOUT_SECONDS="60")
    assert ask(api, "/pid")[0] == 200
    clients = [connected(api, sent) for sent in (b"", b"", b"GET /p", b"GET /pid HTTP/1.1\r\nHost:")]
    began = time.monotonic()
    assert api.stop() == 0
    assert time.monotonic() - began < 45  # of 58
    assert not api.events("worker.abandoned")
    for client in clients:
        client.close()


def test_a_stop_that_cuts_a_request_off_says_so_and_blames_no_memory(start: Start) -> None:
    api = start(SHUTDOWN_TIMEOUT_SECONDS="4")
    client = connected(api, b"GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n")
    api.wait_for("stuck.began")
    assert api.stop() == 0
    assert api.events("worker.abandoned", connections=1)
    assert "memory?" not in api.output
    client.close()


def test_the_answer_to_what_runs_at_a_stop_is_the_last_one(start: Start) -> None:
    api = start()
    answers: list[tuple[int, Any, bool]] = []
    request = threading.Thread(target=lambda: answers.append(ask(api, "/slow")))
    request.start()
    api.wait_for("slow.began")
    os.kill(api.pid, signal.SIGTERM)
    assert api.status() == 0
    request.join()
    assert answers == [(200, {"done": True}, True)]


def test_who_waits_in_line_of_a_worker_that_hangs_is_sent_away(start: Start) -> None:
    api = start(API_REQUEST_TIMEOUT_SECONDS="2", API_THREADS="1")
    stuck = connected(api, b"GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n")
    api.wait_for("stuck.began")
    waiting = [connected(api, b"GET /pid HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") for _ in range(3)]
    # At once, so that it takes them before it knows that it hangs; or the next worker does, if it was slow.
    answers = [everything(client) for client in waiting]
    assert {answer[:13] for answer in answers} <= {b"HTTP/1.1 503 ", b"HTTP/1.1 200 "}, answers
    stuck.close()


def test_a_worker_that_ends_with_gunicorns_boot_error_is_replaced(start: Start) -> None:
    api = start()

    def is_another(pid: int) -> bool:
        return bool(ask(api, "/pid")[1]["pid"] != pid)

    for status in (3, 4):
        before = ask(api, "/pid")[1]["pid"]
        assert everything(connected(api, b"GET /exit/%d HTTP/1.1\r\nHost: x\r\n\r\n" % status)) == b""
        until(partial(is_another, before), "the next worker")
    assert api.stop() == 0
