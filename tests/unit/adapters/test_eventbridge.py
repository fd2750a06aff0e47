"""What only EventBridge does: buses that are not there, and entries that fail alone."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from tests.unit.adapters.conftest import ScriptedServer, reply

from blackcat import errors
from blackcat.adapters_aws import AwsOptions, EventBridgeBus, Provisioner, SqsBroker
from blackcat.adapters_aws.calls import AwsCalls
from blackcat.domain.outgoing_event import OutgoingEvent
from blackcat.resources import EventBusResource, QueueResource

SECRET = "canary-4711"


@pytest.fixture
def scripted(aws_options: AwsOptions, server: ScriptedServer) -> EventBridgeBus:
    """A bus on a server that has said that it exists."""
    server.replies.append(reply({"Name": "shop"}))
    return EventBridgeBus("shop", replace(aws_options, endpoint_url=server.url))


def _event(number: int = 0, **more: Any) -> OutgoingEvent:
    return OutgoingEvent.of({"n": number}, source="shop", detail_type="Paid", **more)


def _put(bus: EventBridgeBus) -> str:
    return bus.put({"n": 1}, source="shop", detail_type="Paid")


def _refused(code: str, message: str = "No.") -> Mapping[str, str]:
    return {"ErrorCode": code, "ErrorMessage": message}


def test_an_unknown_bus_is_found_before_the_first_event(aws_options: AwsOptions, unique: str) -> None:
    bus = EventBridgeBus(unique, aws_options)
    for use in (bus.require, lambda: _put(bus), lambda: bus.put_batch([_event()])):
        with pytest.raises(errors.BusNotFound, match=f"'{unique}'.*create it"):
            use()
    Provisioner(aws_options).create(EventBusResource(unique))
    assert _put(bus)


def test_a_bus_is_asked_for_once(scripted: EventBridgeBus, server: ScriptedServer) -> None:
    for _ in range(2):
        server.replies.append(reply({"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]}))
        assert _put(scripted) == "e"
    operations = [request.headers["x-amz-target"].rpartition(".")[2] for request in server.requests]
    assert operations == ["DescribeEventBus", "PutEvents", "PutEvents"]


def test_a_role_that_may_not_ask_may_put(
    aws_options: AwsOptions, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.replies.append(reply({"__type": "AccessDeniedException", "Message": "no"}, status=400))
    server.replies.append(reply({"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]}))
    assert _put(EventBridgeBus("shop", replace(aws_options, endpoint_url=server.url))) == "e"
    assert [record.message for record in caplog.records] == ["bus.not_checked"]


def test_an_event_is_sent_as_it_was_given(scripted: EventBridgeBus, server: ScriptedServer) -> None:
    server.replies.append(reply({"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]}))
    moment = datetime(2030, 1, 1, tzinfo=timezone.utc)
    scripted.put_batch([_event(1, time=moment, resources=["arn:aws:s3:::a"])])
    assert server.requests[-1].json == {
        "Entries": [
            {
                "EventBusName": "shop",
                "Source": "shop",
                "DetailType": "Paid",
                "Detail": '{"n":1}',
                "Resources": ["arn:aws:s3:::a"],
                "Time": moment.timestamp(),
            }
        ]
    }


def test_each_entry_has_its_own_result(scripted: EventBridgeBus, server: ScriptedServer) -> None:
    first = [{"EventId": f"e-{number}"} for number in range(10)]
    first[3] = dict(_refused("ThrottlingException"))
    first[7] = dict(_refused("MalformedDetail", "Detail is malformed."))
    server.replies.append(reply({"FailedEntryCount": 2, "Entries": first}))
    server.replies.append(reply({"FailedEntryCount": 0, "Entries": [{"EventId": "e-10"}]}))  # of two
    result = scripted.put_batch(_event(number) for number in range(12))
    assert result.succeeded == {number: f"e-{number}" for number in range(11) if number not in (3, 7)}
    assert [(one.index, one.code, one.transient) for one in result.failed] == [
        (3, "ThrottlingException", True),
        (7, "MalformedDetail", False),
        (11, "NoAnswer", True),
    ]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ThrottlingException", errors.Throttled),
        ("InternalFailure", errors.ServiceUnavailable),
        ("AccessDeniedException", errors.AccessDenied),
        ("NotAuthorizedForSourceException", errors.AccessDenied),
        ("InvalidArgument", errors.InvalidRequest),
    ],
)
def test_a_refused_event_raises_what_its_code_says(
    scripted: EventBridgeBus, server: ScriptedServer, code: str, kind: type[errors.RemoteError]
) -> None:
    server.replies.append(reply({"FailedEntryCount": 1, "Entries": [_refused(code)]}))
    with pytest.raises(errors.RemoteError) as raised:
        _put(scripted)
    assert (type(raised.value), raised.value.resource, raised.value.code) == (kind, "shop", code)


def test_calls_keep_to_the_size_that_aws_takes(scripted: EventBridgeBus, server: ScriptedServer) -> None:
    big = OutgoingEvent.of({"text": "x" * 499_000}, source="shop", detail_type="Paid")
    for count in (2, 1):
        entries = [{"EventId": "e"}] * count
        server.replies.append(reply({"FailedEntryCount": 0, "Entries": entries}))
    assert len(scripted.put_batch([big] * 3).succeeded) == 3
    assert [len(request.json["Entries"]) for request in server.requests[1:]] == [2, 1]


def test_in_a_dry_run_nothing_is_put(
    aws_options: AwsOptions, unique: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    provisioner, queue = Provisioner(aws_options), QueueResource(unique)
    rule = EventBusResource(unique).rule(pattern={"source": ["shop"]})
    for resource in (rule.bus, queue):
        provisioner.create(resource)
    provisioner.subscribe(queue, [rule])
    bus = EventBridgeBus(unique, replace(aws_options, dry_run=True))
    assert bus.put({"name": SECRET}, source="shop", detail_type="Paid") == "dry-run"
    assert len(bus.put_batch([_event()] * 12).succeeded) == 12
    assert not SqsBroker(aws_options).queue(unique).receive()
    logged = [vars(record)["fields"] for record in caplog.records if record.message == "aws.dry_run"]
    assert [fields["aws_operation"] for fields in logged] == ["PutEvents"] * 3
    assert SECRET not in str(logged)


def test_the_default_bus_is_there(aws_options: AwsOptions) -> None:
    default = EventBusResource("default")
    Provisioner(aws_options, prefix="staging_").create(default)
    EventBridgeBus("default", aws_options).require()
    listed = AwsCalls("events", aws_options).read("ListEventBuses", "")["EventBuses"]
    assert "staging_default" not in [bus["Name"] for bus in listed]
