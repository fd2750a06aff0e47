"""Translation: what botocore raises becomes Blackcat's errors, once, with all that is known of the call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from botocore import exceptions as botocore_errors
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from blackcat.adapters_aws.clock_skew import clock_advice, clock_ahead
from blackcat.application.ports import BatchFailure
from blackcat.errors import (
    AccessDenied,
    BusNotFound,
    ConditionFailed,
    FunctionNotFound,
    InvalidRequest,
    NotFound,
    QueueNotFound,
    ReceiptExpired,
    RemoteError,
    SecretNotFound,
    ServiceUnavailable,
    TableNotFound,
    Throttled,
    TopicNotFound,
    Unreachable,
)

# botocore lets through what its credential providers run into: a token file that cannot be read, or
# credentials that are still expired after they were refreshed.
_CREDENTIALS_UNAVAILABLE = (OSError, RuntimeError)
AWS_ERRORS = (BotoCoreError, ClientError, ResponseParserError, *_CREDENTIALS_UNAVAILABLE)

# https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
_THROTTLED = {
    "BandwidthLimitExceeded",
    "KmsThrottled",
    "LimitExceededException",
    "OverLimit",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingError",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionConflict",
    "TransactionConflictException",
    "TransactionInProgressException",
}
_UNAVAILABLE = {
    "IDPCommunicationError",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
}
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
_PERMISSION_MISSING = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "KMSAccessDenied",
    "KMSAccessDeniedException",
    "KmsAccessDenied",
    "NotAuthorized",
    "NotAuthorizedForDetailTypeException",
    "NotAuthorizedForSourceException",
    "UnauthorizedOperation",
}
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
_KEY_UNUSABLE = {"DecryptionFailure", "InvalidKeyId"}
_CREDENTIALS_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"}
_CREDENTIALS_UNKNOWN = {
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSecurity",
    "InvalidToken",
    "UnrecognizedClient",
    "UnrecognizedClientException",
}
_SIGNATURE_WRONG = {
    "AuthFailure",
    "IncompleteSignature",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
}
_CREDENTIALS_MISSING = {"MissingAuthenticationToken", "MissingAuthenticationTokenException", "OptInRequired"}
_NOT_FOUND = {
    "NonExistentQueue",
    "NotFound",
    "NotFoundException",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
}
_CONDITION_FAILED = {"ConditionalCheckFailed", "ConditionalCheckFailedException"}
_RECEIPT_EXPIRED = {"MessageNotInflight", "ReceiptHandleIsInvalid"}

_NOT_FOUND_BY_SERVICE: dict[str, type[NotFound]] = {
    "sqs": QueueNotFound,
    "sns": TopicNotFound,
    "dynamodb": TableNotFound,
    "events": BusNotFound,
    "lambda": FunctionNotFound,
    "secretsmanager": SecretNotFound,
}
_NO_ANSWER = (botocore_errors.ConnectionError, botocore_errors.HTTPClientError)
_NO_CREDENTIALS = (
    botocore_errors.CredentialRetrievalError,
    botocore_errors.NoAuthTokenError,
    botocore_errors.NoCredentialsError,
    botocore_errors.PartialCredentialsError,
    botocore_errors.SSOError,
    botocore_errors.TokenRetrievalError,
)
# botocore tells only in prose what the endpoint of a container's credentials answered.
_PROVIDER_FAILED = re.compile(r"non 200 response (5\d\d|429)|error when attempting|Unable to parse")
_GIVE_CREDENTIALS = (
    "give the process a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
)


def translated(
    error: Exception, *, service: str, operation: str, resource: str, renewable: bool = False
) -> RemoteError:
    """The error of Blackcat's tree for one of AWS_ERRORS; raise it ``from`` that one.

    Credentials that were refused are a transient error where they are ``renewable``.
    """
    if isinstance(error, ClientError):
        answered = _answered(error, service=service, operation=operation, resource=resource)
        if error.operation_name != operation:
            return _role_not_taken(answered, error.operation_name)
        return _to_be_renewed(answered) if renewable and refuses_credentials(error.response) else answered
    if isinstance(error, ResponseParserError):
        return not_from_aws(service=service, operation=operation, resource=resource)
    kind, detail = _unanswered(error)
    return kind(detail, service=service, operation=operation, resource=resource)


def refuses_credentials(answer: Any) -> bool:
    """Whether AWS says that the credentials have expired, or that it does not know them."""
    return _bare(str(answer.get("Error", {}).get("Code", ""))) in _CREDENTIALS_EXPIRED | _CREDENTIALS_UNKNOWN


def not_from_aws(*, service: str, operation: str, resource: str) -> RemoteError:
    """The error for an answer that some other server gave."""
    return ServiceUnavailable(
        "the answer is not AWS's: check AWS_ENDPOINT_URL, and any proxy",
        service=service,
        operation=operation,
        resource=resource,
    )


def batch_failure(index: int, entry: Mapping[str, Any]) -> BatchFailure:
    """The failure of one entry of a batch, from AWS's BatchResultErrorEntry.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_BatchResultErrorEntry.html
    """
    code = _bare(entry["Code"])
    transient = not entry.get("SenderFault", True) or code in _THROTTLED | _UNAVAILABLE
    return BatchFailure(index=index, code=code, reason=entry.get("Message", ""), transient=transient)


def by_code(
    code: str,
    message: str,
    *,
    service: str,
    operation: str,
    resource: str,
    status: int = 400,
    request_id: str = "",
    ahead: timedelta | None = None,
) -> RemoteError:
    """The error for what AWS said of a call, or of one entry of it.

    ``ahead`` is how far this machine's clock is ahead of AWS's, where that is known.
    """
    message = message or "AWS gave no reason"
    kind, hint = _classified(code, message, status, service, ahead)
    return kind(
        f"{message.rstrip('.')}; {hint}" if hint else message,
        service=service,
        operation=operation,
        resource=resource,
        code=code,
        request_id=request_id,
    )


def _answered(error: ClientError, *, service: str, operation: str, resource: str) -> RemoteError:
    answer: Any = error.response
    metadata = answer.get("ResponseMetadata", {})
    return by_code(
        _bare(str(answer.get("Error", {}).get("Code", ""))),
        answer.get("Error", {}).get("Message", ""),
        service=service,
        operation=operation,
        resource=resource,
        status=metadata.get("HTTPStatusCode", 400),
        request_id=metadata.get("RequestId", ""),
        ahead=clock_ahead(metadata.get("HTTPHeaders", {})),
    )


def _role_not_taken(answered: RemoteError, refused: str) -> RemoteError:
    """What went wrong on the way to the credentials, before the call itself was made."""
    said = answered.detail.partition("; ")[0]
    advice = "check AWS_ROLE_ARN, the role's trust policy and AWS_WEB_IDENTITY_TOKEN_FILE"
    kind = type(answered) if answered.transient else AccessDenied
    return _retold(answered, kind, f"{refused}, asked for credentials, answers: {said}; {advice}")


def _to_be_renewed(answered: RemoteError) -> RemoteError:
    said = answered.detail.partition("; ")[0]
    advice = "AWS refuses the process's credentials, and their provider is asked for others"
    return _retold(answered, ServiceUnavailable, f"{said}; {advice}")


def _retold(answered: RemoteError, kind: type[RemoteError], detail: str) -> RemoteError:
    return kind(
        detail,
        service=answered.service,
        operation=answered.operation,
        resource=answered.resource,
        code=answered.code,
        request_id=answered.request_id,
    )


def _classified(
    code: str, message: str, status: int, service: str, ahead: timedelta | None
) -> tuple[type[RemoteError], str]:
    if code in _THROTTLED or status == 429:
        return Throttled, ""
    if code in _UNAVAILABLE or status >= 500:
        return ServiceUnavailable, ""
    if advice := _denied(code, message, service, ahead):
        return AccessDenied, advice
    if code in _NOT_FOUND:
        return _NOT_FOUND_BY_SERVICE.get(service, NotFound), "create it, or check name, region and account"
    if "marked for deletion" in message:  # an InvalidRequestException, told apart in prose only
        return SecretNotFound, "restore it, or name another one"
    if code in _CONDITION_FAILED:
        return ConditionFailed, "another writer came first; read the item again and decide anew"
    if code in _RECEIPT_EXPIRED or _names_expired_receipt(message):
        return ReceiptExpired, ""
    if status in (401, 403):
        return AccessDenied, "check the credentials and the role's permissions"
    return InvalidRequest, ""


def _denied(code: str, message: str, service: str, ahead: timedelta | None) -> str:
    """What to do about missing permission; empty when the code is about something else."""
    if advice := clock_advice(code, message, ahead):
        return advice
    if code in _CREDENTIALS_EXPIRED:
        return f"the credentials have expired; renew them, or {_GIVE_CREDENTIALS}"
    if code in _CREDENTIALS_UNKNOWN | _CREDENTIALS_MISSING:
        return "check the access key, its account and the region"
    if code in _SIGNATURE_WRONG:
        return "check the access key, its secret, the region and the machine's clock"
    if code in _KEY_UNUSABLE or (code in _PERMISSION_MISSING and "KMS" in message):
        return "let the role use the KMS key (kms:Decrypt), in its policy and in the key's"
    if code in _PERMISSION_MISSING and service == "lambda":
        return "grant it to the role that deploys"
    if code in _PERMISSION_MISSING:
        return "grant it to the role, by declaring the resource in the service's uses"
    return ""


def _names_expired_receipt(message: str) -> bool:
    # SQS reports an expired receipt as InvalidParameterValue, and tells the reason in prose only.
    return "ReceiptHandle" in message and ("expired" in message or "not available" in message)


def _unanswered(error: Exception) -> tuple[type[RemoteError], str]:
    detail = str(error)
    if isinstance(error, botocore_errors.CredentialRetrievalError) and _PROVIDER_FAILED.search(detail):
        return ServiceUnavailable, f"{detail}; it will be asked again"
    if isinstance(error, _NO_CREDENTIALS):
        return AccessDenied, f"{detail}; {_GIVE_CREDENTIALS}"
    if isinstance(error, _NO_ANSWER):
        return Unreachable, detail
    if isinstance(error, RuntimeError):
        return ServiceUnavailable, f"{detail} Their provider will be asked again; check the machine's clock"
    if isinstance(error, OSError):
        return ServiceUnavailable, f"the credentials could not be had, and will be asked for again: {detail}"
    # botocore quotes the value that it refuses, which may be a message's body.
    return InvalidRequest, detail.partition(", value:")[0]


def _bare(code: str) -> str:
    """The code without its namespace: SQS still says AWS.SimpleQueueService.NonExistentQueue."""
    return code.rpartition(".")[2].rpartition("#")[2]
