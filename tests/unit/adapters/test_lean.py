"""The lean transport does what the stock client does: beside it, against a server that treats both alike."""

from __future__ import annotations

import base64
import datetime
import gzip
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    CredentialRetrievalError,
    NoCredentialsError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError
from tests.unit.adapters.conftest import (
    HANG_UP,
    REGION,
    REQUEST_ID,
    RESET,
    SILENCE,
    LastWords,
    Request,
    ScriptedServer,
    reply,
)

from blackcat import errors
from blackcat.adapters_aws import AwsOptions
from blackcat.adapters_aws.calls import AwsCalls
from blackcat.infra.emulator import Emulator

Make = Callable[..., Any]

URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"
HANDLES = [{"Id": str(number), "ReceiptHandle": f"handle-{number}"} for number in range(2)]
ATTRIBUTES = {
    "text": {"DataType": "String", "StringValue": "é"},
    "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
}
CALLS: dict[str, dict[str, Any]] = {
    "get_queue_attributes": {"AttributeNames": ["VisibilityTimeout", "RedrivePolicy"]},
    "receive_message": {"MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]},
    "delete_message_batch": {"Entries": HANDLES},
    "change_message_visibility_batch": {
        "Entries": [{**entry, "VisibilityTimeout": 30} for entry in HANDLES],
    },
    "send_message": {"MessageBody": "ação 🐈", "MessageAttributes": ATTRIBUTES, "DelaySeconds": 3},
    "send_message_batch": {"Entries": [{"Id": "0", "MessageBody": "x", "MessageAttributes": ATTRIBUTES}]},
}
GOOD = reply({"MessageId": "m-1"})
MESSAGE = {
    "MessageId": "m-1",
    "ReceiptHandle": "handle",
    "Body": '{"a": null, "BinaryValue": "x"}',
    "Attributes": {"ApproximateReceiveCount": "1"},
}


def refusal(code: str, *, status: int = 400, query_code: str | None = None, message: str = "No.") -> bytes:
    query = {"x_amzn_query_error": f"{query_code};Sender"} if query_code else {}
    return reply({"__type": f"com.amazonaws.sqs#{code}", "message": message}, status=status, **query)


def outcome(client: Any, call: str = "send_message") -> Any:
    """What a call gives or raises, without what it came in."""
    try:
        given = getattr(client, call)(QueueUrl=URL, **CALLS[call])
    except ClientError as error:
        return type(error).__mro__[-4:], error.response["Error"], _metadata(error.response)
    return {name: value for name, value in given.items() if name != "ResponseMetadata"}, _metadata(given)


def _metadata(response: Any) -> Any:
    return {**response["ResponseMetadata"], "HTTPHeaders": None}


# Requests


@pytest.mark.parametrize("call", CALLS)
def test_a_request_says_what_the_stock_clients_says(
    server: ScriptedServer, stock: Make, lean: Make, call: str
) -> None:
    server.replies += [GOOD, GOOD]
    outcome(stock(server.url), call)
    outcome(lean(server.url), call)
    theirs, ours = server.requests
    assert (ours.target, ours.json) == (theirs.target, theirs.json)
    same = ("host", "content-type", "x-amz-target", "x-amzn-query-mode", "accept-encoding", "user-agent")
    assert {name: ours.headers[name] for name in same} == {name: theirs.headers[name] for name in same}
    assert signature_by_botocore(theirs) == theirs.headers["authorization"].rpartition("=")[2]
    assert signature_by_botocore(ours) == ours.headers["authorization"].rpartition("=")[2]


def signature_by_botocore(request: Request) -> str:
    names = request.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    signed = {name: request.headers[name] for name in names}
    copy = AWSRequest("POST", f"http://{request.headers['host']}{request.target}", signed, request.body)
    copy.context["timestamp"] = request.headers["x-amz-date"]
    auth = SigV4Auth(Credentials("AKIDEXAMPLE", "secret"), "sqs", REGION)
    signature: str = auth.signature(auth.string_to_sign(copy, auth.canonical_request(copy)), copy)
    return signature


@pytest.mark.parametrize("path", ["/vpc/sqs", "/vpc/sqs/", "/a space/sqs"])
def test_an_endpoint_may_have_a_path(server: ScriptedServer, stock: Make, lean: Make, path: str) -> None:
    server.replies += [GOOD, GOOD]
    outcome(stock(server.url + path))
    outcome(lean(server.url + path))
    theirs, ours = server.requests
    assert ours.target == theirs.target
    if "%" not in ours.target:
        assert signature_by_botocore(ours) == ours.headers["authorization"].rpartition("=")[2]


def test_binary_attributes_are_sent_as_base64(server: ScriptedServer, lean: Make) -> None:
    server.replies.append(GOOD)
    outcome(lean(server.url))
    sent = server.requests[0].json["MessageAttributes"]["bytes"]
    assert base64.b64decode(sent["BinaryValue"]) == b"\x00\xff"


def test_a_queue_is_found_as_the_stock_client_finds_it(
    server: ScriptedServer, stock: Make, lean: Make
) -> None:
    server.replies += [reply({"QueueUrl": URL})] * 2
    assert stock(server.url).get_queue_url(QueueName="orders")["QueueUrl"] == URL
    assert lean(server.url).get_queue_url(QueueName="orders")["QueueUrl"] == URL
    theirs, ours = server.requests
    assert (ours.json, ours.headers["x-amz-target"]) == (theirs.json, theirs.headers["x-amz-target"])


def test_what_else_is_called_goes_to_the_stock_client(server: ScriptedServer, lean: Make) -> None:
    server.replies.append(reply({"QueueUrls": [URL]}))
    client = lean(server.url)
    assert client.list_queues()["QueueUrls"] == [URL]
    assert "amz-sdk-invocation-id" in server.requests[0].headers
    assert client.meta.region_name == REGION


# Credentials


def test_credentials_are_asked_for_at_each_call(server: ScriptedServer, lean: Make) -> None:
    server.replies += [GOOD, GOOD]
    given = iter(range(10))

    def fresh() -> dict[str, str]:
        number = next(given)
        # So near its end that botocore renews it whenever it is asked for.
        expiry = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=12)
        return {
            "access_key": f"KEY{number}",
            "secret_key": "secret",
            "token": f"token/{number}==",
            "expiry_time": expiry.isoformat(),
        }

    client = lean(server.url, credentials=RefreshableCredentials.create_from_metadata(fresh(), fresh, "test"))
    outcome(client)
    outcome(client)
    for number, request in enumerate(server.requests, start=1):
        assert request.headers["x-amz-security-token"] == f"token/{number}=="
        assert f"Credential=KEY{number}/" in request.headers["authorization"]
        assert ";x-amz-security-token;" in request.headers["authorization"]


def test_without_credentials_nothing_is_sent(server: ScriptedServer, lean: Make) -> None:
    with pytest.raises(NoCredentialsError):
        lean(server.url, credentials=None).receive_message(QueueUrl=URL)
    assert server.requests == []


@pytest.mark.parametrize("token", ["one\r\nX-Injected: two", "não"])
def test_credentials_that_no_header_takes_are_refused(server: ScriptedServer, lean: Make, token: str) -> None:
    client = lean(server.url, credentials=Credentials("AKIDEXAMPLE", "secret", token))
    with pytest.raises(CredentialRetrievalError) as raised:
        client.receive_message(QueueUrl=URL)
    assert token not in str(raised.value)
    assert server.requests == []


# Answers


@pytest.mark.parametrize(
    "answer",
    [
        reply({"Messages": [MESSAGE]}),
        reply({}),
        reply({"Messages": None}),
        reply({"Messages": [{**MESSAGE, "Attributes": None, "MessageAttributes": None}]}),
        reply(
            {
                "Messages": [
                    {
                        **MESSAGE,
                        "MessageAttributes": {
                            "BinaryValue": {"DataType": "Binary", "BinaryValue": "AP8="},
                            "text": {"DataType": "String", "StringValue": "null", "BinaryValue": None},
                        },
                    }
                ]
            }
        ),
        reply({"Messages": [{**MESSAGE, "Body": "é\u2028🐈"}]}),
        refusal("QueueDoesNotExist", query_code="AWS.SimpleQueueService.NonExistentQueue"),
        refusal("QueueDoesNotExist"),
        refusal("AccessDeniedException", status=403, message=""),
        refusal("InvalidAddress", status=404, query_code="InvalidAddress"),
        reply({"__type": "ExpiredToken", "Message": "Too late."}, status=403),
        reply("<html>no</html>", status=403, request_id=None),
        reply("", status=400),
        reply("<html>moved</html>", status=302, location="https://login.example", request_id=None),
    ],
)
def test_an_answer_is_read_as_the_stock_client_reads_it(
    server: ScriptedServer, stock: Make, lean: Make, answer: bytes
) -> None:
    server.replies += [answer, answer]
    assert outcome(lean(server.url), "receive_message") == outcome(stock(server.url), "receive_message")
    assert len(server.requests) == 2


def test_a_compressed_answer_is_unpacked(server: ScriptedServer, lean: Make) -> None:
    packed = gzip.compress(b'{"MessageId": "m-2"}')
    server.replies += [reply(packed, content_encoding="gzip")]
    assert outcome(lean(server.url))[0] == {"MessageId": "m-2"}


@pytest.mark.parametrize(
    "answer",
    [
        reply("<html>Please log in", request_id=None),
        reply({"Messages": []}, request_id=None),
        reply('{"Messages": [{"Mess'),
        reply("[]"),
        reply("null"),
        reply(b"\xff\xfe"),
        reply(""),
        reply(b"\x1f\x8b not gzip", content_encoding="gzip"),
        reply("[1]", status=400),
        reply(b"\xff", status=400),
    ],
    ids=[
        "page",
        "no id",
        "half",
        "list",
        "null",
        "not text",
        "empty",
        "not gzip",
        "error list",
        "error bytes",
    ],
)
def test_what_is_not_from_aws_is_said_so(server: ScriptedServer, emulator: Emulator, answer: bytes) -> None:
    server.replies.append(answer)
    options = AwsOptions(region=REGION, endpoint_url=server.url, sqs_transport="lean")
    with pytest.raises(errors.ServiceUnavailable, match="AWS_ENDPOINT_URL") as raised:
        AwsCalls("sqs", options).read("ReceiveMessage", "orders", QueueUrl=URL)
    assert raised.value.operation == "ReceiveMessage"


def test_an_error_is_translated_with_all_that_is_known(server: ScriptedServer, emulator: Emulator) -> None:
    server.replies.append(refusal("QueueDoesNotExist", query_code="AWS.SimpleQueueService.NonExistentQueue"))
    options = AwsOptions(region=REGION, endpoint_url=server.url, sqs_transport="lean")
    with pytest.raises(errors.QueueNotFound) as raised:
        AwsCalls("sqs", options).read("ReceiveMessage", "orders", QueueUrl=URL)
    assert (raised.value.code, raised.value.request_id) == ("NonExistentQueue", REQUEST_ID)


def test_a_closed_port_is_unreachable(server: ScriptedServer, emulator: Emulator) -> None:
    server.server_close()
    options = AwsOptions(region=REGION, endpoint_url=server.url, sqs_transport="lean")
    with pytest.raises(errors.Unreachable) as raised:
        AwsCalls("sqs", options).read("ReceiveMessage", "orders", QueueUrl=URL)
    assert raised.value.transient


def test_in_a_dry_run_nothing_is_sent(server: ScriptedServer, emulator: Emulator) -> None:
    options = AwsOptions(region=REGION, endpoint_url=server.url, sqs_transport="lean", dry_run=True)
    calls = AwsCalls("sqs", options)
    assert calls.write("SendMessage", "orders", dry={"MessageId": "dry"}, QueueUrl=URL) == {
        "MessageId": "dry"
    }
    assert server.requests == []


# Retries


BRIEFLY = [
    refusal("InternalFailure", status=500),
    reply("<html><b>Service Unavailable</b></html>", status=503, request_id=None),
    reply("", status=502),
    refusal("RequestThrottled", query_code="RequestThrottled"),
    refusal("ThrottlingException"),
    HANG_UP,
    RESET,
    LastWords(GOOD[:-3]),
]


@pytest.mark.parametrize("failure", BRIEFLY)
@pytest.mark.parametrize("call", ["receive_message", "send_message"])
def test_what_may_pass_is_tried_three_times_in_all(
    server: ScriptedServer, lean: Make, slept: list[float], failure: bytes, call: str
) -> None:
    server.replies += [failure, failure, GOOD]
    given, metadata = outcome(lean(server.url), call)
    assert given == {"MessageId": "m-1"}
    assert metadata["RetryAttempts"] == 2
    assert len(server.requests) == 3
    assert len(slept) == 2
    assert all(0 <= delay <= 20 for delay in slept)


@pytest.mark.parametrize("failure", [HANG_UP, RESET])
def test_the_third_failure_is_the_last(server: ScriptedServer, lean: Make, failure: bytes) -> None:
    server.replies += [failure] * 4
    with pytest.raises(ConnectionClosedError):
        lean(server.url).receive_message(QueueUrl=URL)
    assert len(server.requests) == 3


def test_the_third_refusal_is_the_last(server: ScriptedServer, lean: Make) -> None:
    server.replies += [refusal("InternalFailure", status=500)] * 4
    with pytest.raises(ClientError, match="InternalFailure"):
        lean(server.url).receive_message(QueueUrl=URL)
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "answer",
    [
        refusal("InvalidParameterValue"),
        refusal("AccessDenied", status=403),
        refusal("ExpiredToken", status=403),
        refusal("QueueDoesNotExist"),
    ],
)
def test_what_stays_wrong_is_tried_once(
    server: ScriptedServer, lean: Make, slept: list[float], answer: bytes
) -> None:
    server.replies += [answer, GOOD]
    with pytest.raises(ClientError):
        lean(server.url).receive_message(QueueUrl=URL)
    assert (len(server.requests), slept) == (1, [])


def test_a_reply_that_does_not_come_is_asked_for_again_elsewhere(server: ScriptedServer, lean: Make) -> None:
    server.replies += [SILENCE, GOOD]
    assert outcome(lean(server.url, read_timeout=0.2))[0] == {"MessageId": "m-1"}
    assert server.connections == 2


def test_no_reply_at_all_is_a_timeout(server: ScriptedServer, lean: Make) -> None:
    server.replies += [SILENCE] * 3
    with pytest.raises(ReadTimeoutError):
        lean(server.url, read_timeout=0.2).receive_message(QueueUrl=URL)


def test_retries_share_the_stock_clients_quota(server: ScriptedServer, stock: Make, lean: Make) -> None:
    """An outage exhausts it, so that calls fail at once; successes fill it again."""

    def tried(client: Any) -> list[int]:
        server.replies.clear()
        server.replies += [reply("", status=500)] * 300
        counts = []
        for _ in range(60):
            before = len(server.requests)
            with pytest.raises(ClientError):
                client.receive_message(QueueUrl=URL)
            counts.append(len(server.requests) - before)
        return counts

    client = lean(server.url)
    counts = tried(client)
    assert (counts[0], counts[-1]) == (3, 1)
    server.replies.clear()
    server.replies += [GOOD] * 60 + [reply("", status=500)] * 3
    for _ in range(60):
        client.receive_message(QueueUrl=URL)
    before = len(server.requests)
    with pytest.raises(ClientError):
        client.receive_message(QueueUrl=URL)
    assert len(server.requests) - before > 1


def test_none_of_sqs_errors_is_modelled_as_worth_another_attempt() -> None:
    """The lean transport does not read the model; should one be marked some day, it has to."""
    model = botocore.session.get_session().get_service_model("sqs")
    errors_of_all = [model.operation_model(name).error_shapes for name in model.operation_names]
    assert any(errors_of_all)
    assert not [error for found in errors_of_all for error in found if error.metadata.get("retryable")]


def test_a_broken_answer_is_not_asked_for_again(server: ScriptedServer, lean: Make) -> None:
    server.replies += [reply("{"), GOOD]
    with pytest.raises(ResponseParserError):
        lean(server.url).receive_message(QueueUrl=URL)
    assert len(server.requests) == 1
