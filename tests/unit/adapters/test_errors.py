"""What botocore raises, in Blackcat's words."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from botocore import exceptions as botocore_errors
from botocore.exceptions import ClientError

from blackcat import errors
from blackcat.adapters_aws import AwsOptions, DynamoTable, SqsBroker
from blackcat.adapters_aws.calls import AwsCalls
from blackcat.adapters_aws.errors import batch_failure, translated
from blackcat.domain.outgoing import OutgoingMessage
from blackcat.infra.emulator import Emulator
from blackcat.resources import TableResource


def _answer(code: str, *, status: int = 400, message: str = "No.") -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {
                "RequestId": "r-1",
                "HTTPStatusCode": status,
                "HTTPHeaders": {},
                "HostId": "",
                "RetryAttempts": 0,
            },
        },
        "SendMessage",
    )


def _translated(error: Exception, service: str = "sqs") -> errors.RemoteError:
    return translated(error, service=service, operation="SendMessage", resource="orders")


@pytest.mark.parametrize(
    ("code", "status", "service", "kind"),
    [
        ("ThrottlingException", 400, "sqs", errors.Throttled),
        ("RequestThrottled", 403, "sqs", errors.Throttled),
        ("ProvisionedThroughputExceededException", 400, "dynamodb", errors.Throttled),
        ("Anything", 429, "sns", errors.Throttled),
        ("InternalFailure", 500, "sqs", errors.ServiceUnavailable),
        ("Anything", 503, "sqs", errors.ServiceUnavailable),
        ("AccessDenied", 403, "sqs", errors.AccessDenied),
        ("AccessDeniedException", 400, "dynamodb", errors.AccessDenied),
        ("AuthorizationError", 403, "sns", errors.AccessDenied),
        ("ExpiredToken", 403, "sqs", errors.AccessDenied),
        ("ExpiredTokenException", 400, "dynamodb", errors.AccessDenied),
        ("SignatureDoesNotMatch", 403, "sns", errors.AccessDenied),
        ("UnrecognizedClientException", 400, "dynamodb", errors.AccessDenied),
        ("InvalidClientTokenId", 403, "sns", errors.AccessDenied),
        ("Anything", 403, "sqs", errors.AccessDenied),
        ("AWS.SimpleQueueService.NonExistentQueue", 400, "sqs", errors.QueueNotFound),
        ("QueueDoesNotExist", 400, "sqs", errors.QueueNotFound),
        ("com.amazonaws.sqs#QueueDoesNotExist", 400, "sqs", errors.QueueNotFound),
        ("NotFound", 404, "sns", errors.TopicNotFound),
        ("ResourceNotFoundException", 400, "dynamodb", errors.TableNotFound),
        ("ResourceNotFoundException", 400, "events", errors.BusNotFound),
        ("NotAuthorizedForSourceException", 400, "events", errors.AccessDenied),
        ("TransactionInProgressException", 400, "dynamodb", errors.Throttled),
        ("IdempotentParameterMismatchException", 400, "dynamodb", errors.InvalidRequest),
        ("ResourceNotFoundException", 400, "scheduler", errors.NotFound),
        ("ResourceNotFoundException", 400, "secretsmanager", errors.SecretNotFound),
        ("DecryptionFailure", 400, "secretsmanager", errors.AccessDenied),
        ("InvalidKeyId", 400, "ssm", errors.AccessDenied),
        ("ConditionalCheckFailedException", 400, "dynamodb", errors.ConditionFailed),
        ("ReceiptHandleIsInvalid", 404, "sqs", errors.ReceiptExpired),
        ("AWS.SimpleQueueService.MessageNotInflight", 400, "sqs", errors.ReceiptExpired),
        ("InvalidParameterValue", 400, "sqs", errors.InvalidRequest),
        ("ValidationException", 400, "dynamodb", errors.InvalidRequest),
    ],
)
def test_an_answer_has_its_kind(code: str, status: int, service: str, kind: type[errors.RemoteError]) -> None:
    error = _translated(_answer(code, status=status), service)
    assert type(error) is kind
    assert error.code == code.rpartition(".")[2].rpartition("#")[2]
    assert (error.service, error.operation, error.resource) == (service, "SendMessage", "orders")
    assert error.request_id == "r-1"


def test_a_deleted_secret_is_known_by_its_prose() -> None:
    message = "You can't perform this operation on the secret because it was marked for deletion."
    error = _translated(_answer("InvalidRequestException", message=message), "secretsmanager")
    assert type(error) is errors.SecretNotFound
    assert "restore it" in str(error)


def test_a_key_that_may_not_be_used_is_told_apart_from_the_secret() -> None:
    error = _translated(
        _answer("AccessDeniedException", message="Access to KMS is not allowed"), "secretsmanager"
    )
    assert type(error) is errors.AccessDenied
    assert "kms:Decrypt" in str(error)


@pytest.mark.parametrize(
    "reason",
    [
        "The receipt handle has expired.",
        "Message does not exist or is not available for visibility timeout change.",
    ],
)
def test_an_expired_receipt_is_known_by_its_prose(reason: str) -> None:
    message = f"Value AQEB for parameter ReceiptHandle is invalid. Reason: {reason}"
    assert type(_translated(_answer("InvalidParameterValue", message=message))) is errors.ReceiptExpired


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (botocore_errors.EndpointConnectionError(endpoint_url="http://x"), errors.Unreachable),
        (botocore_errors.ConnectTimeoutError(endpoint_url="http://x"), errors.Unreachable),
        (botocore_errors.ReadTimeoutError(endpoint_url="http://x"), errors.Unreachable),
        (botocore_errors.ConnectionClosedError(endpoint_url="http://x"), errors.Unreachable),
        (botocore_errors.ProxyConnectionError(proxy_url="http://x"), errors.Unreachable),
        (botocore_errors.SSLError(endpoint_url="http://x", error="bad"), errors.Unreachable),
        (botocore_errors.NoCredentialsError(), errors.AccessDenied),
        (botocore_errors.PartialCredentialsError(provider="env", cred_var="key"), errors.AccessDenied),
        (botocore_errors.CredentialRetrievalError(provider="role", error_msg="no"), errors.AccessDenied),
        (botocore_errors.UnauthorizedSSOTokenError(), errors.AccessDenied),
        (botocore_errors.ParamValidationError(report="Unknown parameter"), errors.InvalidRequest),
    ],
)
def test_no_answer_has_its_kind(error: Exception, kind: type[errors.RemoteError]) -> None:
    assert type(_translated(error)) is kind


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (botocore_errors.NoCredentialsError(), "AWS_ACCESS_KEY_ID"),
        (_answer("ExpiredToken", status=403), "renew"),
        (_answer("SignatureDoesNotMatch", status=403), "clock"),
        (_answer("AccessDenied", status=403), "uses"),
        (_answer("QueueDoesNotExist"), "create it"),
    ],
)
def test_an_error_says_what_to_do(error: Exception, advice: str) -> None:
    assert advice in str(_translated(error))


def test_a_refused_value_is_not_quoted(emulator: Emulator, aws_options: AwsOptions) -> None:
    with pytest.raises(errors.InvalidRequest) as raised:
        AwsCalls("sns", aws_options).read("Publish", "orders", TopicArn="t", Message=["canary\nsecret"])
    assert "Message" in str(raised.value)
    assert "canary" not in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Credentials were refreshed, but the refreshed credentials are still expired."),
        FileNotFoundError("/var/run/secrets/token"),
    ],
)
def test_credentials_that_cannot_be_had_are_asked_for_again(error: Exception) -> None:
    found = _translated(error)
    assert found.transient
    assert "credentials" in str(found)


def test_a_closed_port_is_unreachable(emulator: Emulator) -> None:
    options = AwsOptions(region="us-east-1", endpoint_url=f"http://127.0.0.1:{_closed_port()}")
    with pytest.raises(errors.Unreachable) as raised:
        SqsBroker(options).queue("orders").receive()
    assert raised.value.transient
    assert isinstance(raised.value.__cause__, botocore_errors.EndpointConnectionError)
    assert raised.value.fields() == {
        "aws_service": "sqs",
        "aws_operation": "GetQueueUrl",
        "aws_resource": "orders",
        "transient": True,
    }


def test_a_missing_table_is_named(aws_options: AwsOptions, unique: str) -> None:
    table = DynamoTable(TableResource(unique, key="id"), aws_options)
    with pytest.raises(errors.TableNotFound, match=unique) as raised:
        table.get({"id": "1"})
    assert raised.value.request_id


@pytest.fixture
def not_aws() -> Iterator[str]:
    """A server that answers every request with a page of its own."""

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = b"<html>Please log in"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Stay quiet."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_answer_of_another_server_is_told_apart(emulator: Emulator, not_aws: str) -> None:
    with pytest.raises(errors.ServiceUnavailable, match="AWS_ENDPOINT_URL"):
        SqsBroker(AwsOptions(region="us-east-1", endpoint_url=not_aws)).queue("orders").receive()


@pytest.mark.parametrize(
    ("entry", "transient"),
    [
        ({"Code": "InternalError", "SenderFault": False}, True),
        ({"Code": "AWS.SimpleQueueService.RequestThrottled", "SenderFault": True}, True),
        ({"Code": "InvalidParameterValue", "SenderFault": True, "Message": "No."}, False),
    ],
)
def test_a_refused_entry_is_transient_or_not(entry: dict[str, Any], transient: bool) -> None:
    failure = batch_failure(3, entry)
    assert failure.index == 3
    assert failure.transient is transient


def test_a_batch_to_a_closed_port_raises(emulator: Emulator) -> None:
    options = AwsOptions(region="us-east-1", endpoint_url=f"http://127.0.0.1:{_closed_port()}")
    with pytest.raises(errors.Unreachable):
        SqsBroker(options).queue("orders").send_batch([OutgoingMessage("x")])


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
