"""The invocation that a new version has to pass."""

from __future__ import annotations

import json
from typing import Any

from blackcat.application.packaging.declaration import Smoke
from blackcat.application.rollout.ports import Answer

# What the runtime itself says, before any code of the project's: it tells no data of anyone's.
_OF_THE_RUNTIME = ("Runtime.", "Sandbox.")


def request(path: str) -> dict[str, Any]:
    """A GET as a function URL sends it.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
    """
    host = "smoke.lambda-url.invalid"
    agent = "blackcat deploy-lambda"
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "host": host,
            "accept": "application/json",
            "user-agent": agent,
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "smoke",
            "domainName": host,
            "domainPrefix": "smoke",
            "http": {
                "method": "GET",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": agent,
            },
            "requestId": "blackcat-smoke",
            "routeKey": "$default",
            "stage": "$default",
            "time": "01/Jan/2030:00:00:00 +0000",
            "timeEpoch": 1_893_456_000_000,
        },
        "isBase64Encoded": False,
    }


def smoke_problem(smoke: Smoke, answer: Answer) -> str | None:
    """Why that answer does not pass; None when it does. Never what the function put into it."""
    told = _parsed(answer.payload)
    if answer.failed:
        return _failure(told)
    status = told.get("statusCode")
    if smoke.status and status != smoke.status:
        said = f"status {status}" if isinstance(status, int) else "no statusCode"
        return f"it answered with {said}, and {smoke.status} was expected"
    return None


def _failure(told: dict[str, Any]) -> str:
    kind = str(told.get("errorType", "an error of no type"))
    if kind.startswith(_OF_THE_RUNTIME):
        return f"it failed with {kind}: {told.get('errorMessage', '')}"
    return f"it raised {kind}"


def _parsed(payload: bytes) -> dict[str, Any]:
    try:
        told = json.loads(payload or b"null")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
