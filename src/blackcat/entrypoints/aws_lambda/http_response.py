"""An answer as Lambda takes it: which types are text, the limits of its size, a load balancer's words."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from blackcat.application.events import EventLog
from blackcat.entrypoints.aws_lambda.events import Kind

log = EventLog("blackcat.api")

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_RESPONSE_BYTES = 6 * 1024 * 1024
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
MAX_ALB_RESPONSE_BYTES = 1024 * 1024
# A character takes up to twelve bytes in JSON: what is shorter than this part of a limit fits.
_LONGEST_CHARACTER = 12
# Since Python 3.12 Lambda's runtimes send what is not ASCII as it is; all others escape it.
# https://github.com/aws/aws-lambda-python-runtime-interface-client/blob/main/awslambdaric/lambda_runtime_marshaller.py
_RUNTIME = "AWS_Lambda_python3."
_FIRST_UNESCAPED = 12

PROBLEM = "application/problem+json"
# The beginnings of content types that travel as they are: everything else travels in base64.
TEXTS = (
    "text/",
    "application/json",
    PROBLEM,
    "application/vnd.api+json",
    "application/javascript",
    "application/xml",
    "image/svg+xml",
)


def finished(answer: dict[str, Any], kind: Kind) -> dict[str, Any]:
    """The answer, or one in its place that fits: Lambda would fail with an error that tells nothing."""
    if kind is Kind.ALB:
        answer["statusDescription"] = _described(answer["statusCode"])
    limit = MAX_ALB_RESPONSE_BYTES if kind is Kind.ALB else MAX_RESPONSE_BYTES
    if len(answer["body"]) * _LONGEST_CHARACTER + _headers_size(answer) < limit:
        return answer
    size = len(json.dumps(answer, ensure_ascii=_escapes()).encode(errors="surrogatepass"))
    if size <= limit:
        return answer
    log.error(
        "response.too_large",
        bytes=size,
        limit_bytes=limit,
        status=answer["statusCode"],
        reason="answer in pages, or with a presigned URL of S3",
    )
    return _replaced(answer, f"the answer of {size:,} bytes is above the limit of {limit:,} bytes")


def _escapes() -> bool:
    minor = os.environ.get("AWS_EXECUTION_ENV", "").partition(_RUNTIME)[2]
    return not (minor.isdecimal() and int(minor) >= _FIRST_UNESCAPED)


def _headers_size(answer: Mapping[str, Any]) -> int:
    kinds = ("headers", "multiValueHeaders", "cookies")
    return sum(len(str(answer.get(kind, ""))) for kind in kinds) * _LONGEST_CHARACTER


def _replaced(answer: Mapping[str, Any], detail: str) -> dict[str, Any]:
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    headers = (
        {"multiValueHeaders": {"Content-Type": [PROBLEM]}}
        if "multiValueHeaders" in answer
        else {"headers": {"Content-Type": PROBLEM}}
    )
    told = {"statusDescription": _described(status.value)} if "statusDescription" in answer else {}
    return {
        "statusCode": status.value,
        **headers,
        **told,
        "isBase64Encoded": False,
        "body": failure(detail),
    }


def failure(detail: str) -> str:
    """The body of a response with status 500."""
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return json.dumps(
        {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    )


def _described(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"
