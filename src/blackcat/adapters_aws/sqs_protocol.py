"""SQS's protocol: signed JSON requests, and responses as botocore gives them.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-json.html
"""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

from botocore.exceptions import ClientError, CredentialRetrievalError
from botocore.parsers import ResponseParserError, create_parser
from botocore.utils import normalize_url_path

from blackcat.adapters_aws.http_replies import Reply
from blackcat.adapters_aws.routes import Route
from blackcat.adapters_aws.signing import Signer, timestamp

Response = dict[str, Any]

_CONTENT_TYPE = "application/x-amz-json-1.0"


class Requests:
    """Signed requests to the server at the end of a route."""

    def __init__(self, route: Route, *, signer: Signer, user_agent: str, now: Callable[[], float]) -> None:
        self._signer = signer
        self._now = now
        self._host = route.host
        self._path = quote(normalize_url_path(urlsplit(route.url).path), safe="/~")
        unsigned = {"User-Agent": user_agent, "Accept-Encoding": "identity", **route.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in unsigned.items())
        self._start = f"POST {route.target} HTTP/1.1\r\n{lines}"

    def signed(self, operation: str, body: bytes, credentials: Any) -> bytes:
        """The request as it is sent. Raises CredentialRetrievalError for credentials that no header takes."""
        _require_sendable(credentials)
        now = timestamp(self._now())
        headers = [("content-type", _CONTENT_TYPE), ("host", self._host), ("x-amz-date", now)]
        if credentials.token:
            headers.append(("x-amz-security-token", credentials.token))
        # In query mode errors keep the codes that SQS gave before it spoke JSON.
        headers += (("x-amz-target", f"AmazonSQS.{operation}"), ("x-amzn-query-mode", "true"))
        authorization = self._signer.authorization(
            credentials.access_key,
            credentials.secret_key,
            timestamp=now,
            path=self._path,
            headers=headers,
            body=body,
        )
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
        head = f"{self._start}{lines}authorization: {authorization}\r\ncontent-length: {len(body)}\r\n\r\n"
        return head.encode("latin-1") + body


def encoded(parameters: Response) -> bytes:
    return _ENCODER.encode(parameters).encode()


def response(operation: str, reply: Reply) -> Response:
    """What botocore makes of such a reply. Raises ClientError, or ResponseParserError when it is not JSON."""
    try:
        if reply.status < 300:
            return _answer(reply)
        parsed = _ERRORS.parse(
            {"status_code": reply.status, "headers": reply.headers, "body": _plain(reply)}, None
        )
    except (ValueError, TypeError, AttributeError, EOFError, OSError, zlib.error) as error:
        raise ResponseParserError(f"the reply to {operation} cannot be read: {error}") from error
    raise ClientError(parsed, operation)


def _answer(reply: Reply) -> Response:
    body = _plain(reply).decode()
    special = "null" in body or "BinaryValue" in body
    answer: Response = json.loads(body, object_hook=_as_botocore if special else None)
    metadata = {"HTTPStatusCode": reply.status, "HTTPHeaders": reply.headers}
    if request_id := reply.headers.get("x-amzn-requestid"):
        metadata["RequestId"] = request_id
    answer["ResponseMetadata"] = metadata
    return answer


def _plain(reply: Reply) -> bytes:
    # Nobody asked for it; some proxies compress all the same.
    return gzip.decompress(reply.body) if reply.headers.get("content-encoding") == "gzip" else reply.body


def _as_botocore(wire: Response) -> Response:
    """Without nulls, and with bytes where JSON has base64."""
    present = {name: value for name, value in wire.items() if value is not None}
    if isinstance(present.get("BinaryValue"), str):
        present["BinaryValue"] = base64.b64decode(present["BinaryValue"])
    return present


def _base64(value: Any) -> str:
    return base64.b64encode(value).decode()


def _require_sendable(credentials: Any) -> None:
    sent = f"{credentials.access_key}{credentials.token or ''}"
    if not (sent.isascii() and sent.isprintable()):
        raise CredentialRetrievalError(
            provider="the process's credentials",
            error_msg="the access key or the session token holds a character that no HTTP header takes",
        )


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=_base64)
_ERRORS: Any = create_parser("json")
