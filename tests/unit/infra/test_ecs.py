"""An ECS task's metadata and its protection, from a stand-in of the agent over real HTTP."""

import logging
import threading
from datetime import timedelta

import pytest

from blackcat.errors import PermanentError, TransientError, Unreachable
from blackcat.infra.platform.ecs import METADATA, EcsAgent, task
from ecs_agent import CONTAINER, DONE, TASK, TASK_ID, error, failure, raw_server, stand_in_agent

MIB = 1024 * 1024


@pytest.fixture
def agent():
    with stand_in_agent() as standing_in:
        yield standing_in


@pytest.fixture
def ecs(agent):
    return EcsAgent(agent.uri)


@pytest.mark.parametrize(
    ("duration", "minutes"),
    [
        (timedelta(0), 1),
        (timedelta(seconds=59), 1),
        (timedelta(seconds=61), 2),
        (timedelta(minutes=15), 15),
        (timedelta(days=7), 2880),
    ],
)
def test_protection_lasts_whole_minutes_within_the_limits_of_ecs(agent, ecs, duration, minutes):
    ecs.protect(duration)
    assert agent.puts == [{"ProtectionEnabled": True, "ExpiresInMinutes": minutes}]


def test_a_release_says_so(agent, ecs):
    ecs.release()
    assert agent.puts == [{"ProtectionEnabled": False}]


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (failure("TASK_NOT_VALID"), PermanentError, "belongs to no ECS service"),
        (failure("DEPLOYMENT_BLOCKED"), TransientError, "more tasks of the service are protected"),
        (failure("MISSING"), TransientError, "told by ECS"),
        ((200, {"failure": "odd"}), TransientError, "no reason given"),
        ((404, "404 page not found"), PermanentError, "too old"),
        (error(404, "ResourceNotFoundException"), TransientError, "ResourceNotFoundException"),
        (error(403, "AccessDeniedException"), TransientError, "ecs:UpdateTaskProtection in the task's role"),
        (error(400, "ThrottlingException", "Rate exceeded"), TransientError, "Rate exceeded"),
        (error(504, "RequestCanceled", "Timed out"), TransientError, "Timed out"),
        ((500, "not JSON"), TransientError, "answered with 500"),
        ((200, "not JSON"), TransientError, "something else"),
        ((200, [1]), TransientError, "something else"),
        ((200, {"protection": [1]}), TransientError, "something else"),
        (
            (200, {"protection": {"ProtectionEnabled": False}}),
            TransientError,
            "left the protection",
        ),
        ((200, '{"a":' + "[" * 100_000), TransientError, "something else"),
        ((500, '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"), TransientError, "answered with 500"),
        ((500, {"error": {"Code": ["odd"], "Message": {"a": 1}}}), TransientError, "answered with 500"),
    ],
)
def test_refusals_say_what_to_do_and_whether_to_ask_again(agent, ecs, answer, kind, told):
    agent.answers = [answer]
    with pytest.raises(kind, match=told):
        ecs.protect(timedelta(minutes=1))


def test_an_agent_that_hangs_is_given_up(agent):
    agent.hanging.set()
    with pytest.raises(Unreachable, match="does not answer"):
        EcsAgent(agent.uri, timeout=0.2).release()
    agent.hanging.clear()
    agent.answers = [DONE]
    EcsAgent(agent.uri).release()


@pytest.mark.parametrize("status", ["200 OK", "500 broken"])
def test_an_answer_that_breaks_off_is_no_answer(status):
    with (
        raw_server(status=status, length=100, body=b"abc") as address,
        pytest.raises(Unreachable, match=r"no whole answer within 0\.3 seconds"),
    ):
        EcsAgent(address, timeout=0.3).protect(timedelta(minutes=1))


def test_an_agent_that_drips_is_given_up_and_left_by_its_thread():
    with raw_server(length=1000, body=b" ", drip=0.02) as address:
        with pytest.raises(Unreachable, match="no whole answer"):
            EcsAgent(address, timeout=0.3).release()
        for thread in threading.enumerate():
            if thread.name == "local-http":
                thread.join(20)
                assert not thread.is_alive()


@pytest.mark.parametrize(
    "address",
    ["nonsense", "", "file:///etc", "http://127.0.0.1:99999", "http://127.0.0.1:1/a b\n", "http://["],
)
def test_an_address_without_sense_is_unreachable(address):
    with pytest.raises(Unreachable):
        EcsAgent(address).release()


def test_an_agent_that_is_not_there_is_unreachable():
    with pytest.raises(Unreachable):
        EcsAgent("http://127.0.0.1:1/api/x").release()


def test_a_task_is_described_by_its_metadata(agent):
    found = task({METADATA: agent.metadata_uri})
    assert found.name == "ecs"
    assert found.identity == {"task": TASK_ID}
    assert found.details == {
        "cluster": "shop",
        "ecs_service": "orders-service",
        "task_definition": "orders:26",
        "launch_type": "FARGATE",
        "availability_zone": "us-west-2d",
        "container": "orders",
    }
    assert (found.memory_limit, found.cpus) == (512 * MIB, 0.25)
    assert found.longest_stop == timedelta(seconds=120)


def test_a_task_on_ec2_without_limits_tells_less(agent):
    left_out = ("Limits", "AvailabilityZone", "ServiceName")
    told = {name: value for name, value in TASK.items() if name not in left_out}
    agent.metadata["/v4/x/task"] = (200, {**told, "Cluster": "default", "LaunchType": "EC2"})
    found = task({METADATA: agent.metadata_uri})
    assert found.details["cluster"] == "default"
    assert "availability_zone" not in found.details
    assert (found.memory_limit, found.cpus, found.longest_stop) == (None, None, None)


def test_outside_of_ecs_nothing_is_asked():
    assert task({}) is None


@pytest.mark.parametrize(
    "answer",
    [
        *((500, "broken"), (200, "not JSON"), (200, "[]"), (404, ""), (200, '{"half": ')),
        (200, '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"),
        (200, '{"a": "' + "x" * 1_000_000 + '"}'),
    ],
)
def test_metadata_that_cannot_be_read_are_told_and_the_service_goes_on(agent, caplog, answer):
    agent.metadata["/v4/x/task"] = answer
    found = task({METADATA: agent.metadata_uri})
    assert (found.name, found.identity, found.details) == ("ecs", {}, {})
    assert [record.message for record in caplog.records] == ["task.metadata_not_read"]


@pytest.mark.parametrize(
    "described",
    [
        *({}, {"TaskARN": 5, "Limits": "odd", "Cluster": None}, {"Limits": {"CPU": -1}}),
        *('{"Limits": {"Memory": 1e400}}', '{"Limits": {"Memory": NaN, "CPU": Infinity}}'),
        *('{"Limits": {"Memory": 1e306}}', '{"Limits": {"Memory": ' + "9" * 4000 + "}}"),
        {"TaskARN": {"a": 1}, "Family": 3, "LaunchType": ["FARGATE"], "Limits": {"Memory": True}},
    ],
)
def test_odd_metadata_harm_nothing(agent, described):
    agent.metadata = {"/v4/x/task": (200, described), "/v4/x": (200, {})}
    found = task({METADATA: agent.metadata_uri})
    assert (found.memory_limit, found.cpus) == (None, None)


def test_a_metadata_endpoint_that_hangs_holds_the_start_up_for_a_moment_only(agent, caplog):
    agent.hanging.set()
    assert task({METADATA: agent.metadata_uri}, timeout=0.2).identity == {}
    assert "did not answer" in caplog.records[0].fields["reason"]


def test_a_metadata_endpoint_that_drips_holds_it_up_no_longer(caplog):
    with raw_server(length=1000, body=b" ", drip=0.02) as address:
        assert task({METADATA: address}, timeout=0.3).identity == {}
    assert "no whole answer within 0.3 seconds" in caplog.records[0].fields["reason"]


def test_an_address_of_metadata_without_sense_is_told(caplog):
    assert task({METADATA: "not a url"}).name == "ecs"
    assert "not a url did not answer" in caplog.records[0].fields["reason"]


def test_a_name_that_would_fill_every_line_is_cut(agent):
    agent.metadata["/v4/x/task"] = (200, {**TASK, "TaskARN": "task/" + "x" * 9000})
    assert len(task({METADATA: agent.metadata_uri}).identity["task"]) < 256


def test_the_container_name_is_its_own(agent):
    agent.metadata["/v4/x"] = (200, {**CONTAINER, "Name": "sidecar"})
    assert task({METADATA: agent.metadata_uri}).details["container"] == "sidecar"


def test_a_proxy_of_the_environment_is_not_asked(agent, ecs, monkeypatch, caplog):
    caplog.set_level(logging.WARNING)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    ecs.release()
    assert task({METADATA: agent.metadata_uri}).identity == {"task": TASK_ID}
