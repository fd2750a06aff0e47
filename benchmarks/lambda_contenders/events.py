"""The events that all contenders of a kind get."""

from __future__ import annotations

import json
from typing import Any

ORDER = {"sku": "A-1", "amount": "10.50", "count": 3}
SHOWN = {"id": 7, "name": "pen", "price": "1.50", "tags": ["blue", "fine"]}


class Context:
    """What Lambda gives beside the event, as far as anybody here looks at it."""

    aws_request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
    function_name = "function"
    function_version = "$LATEST"
    memory_limit_in_mb = "128"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:function"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


def batch() -> dict[str, Any]:
    record = {
        "receiptHandle": "AQEB",
        "body": json.dumps(ORDER),
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183", "SenderId": "AIDA"},
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:my-queue",
        "awsRegion": "us-east-2",
    }
    return {
        "Records": [{**record, "messageId": f"059f36b4-87a3-44ab-83d2-{number:012}"} for number in range(10)]
    }


def request() -> dict[str, Any]:
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/items/7",
        "rawQueryString": "",
        "headers": {
            "host": "id.execute-api.us-east-1.amazonaws.com",
            "user-agent": "curl/8",
            "accept": "*/*",
            "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "id",
            "domainName": "id.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "id",
            "http": {
                "method": "GET",
                "path": "/items/7",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "curl/8",
            },
            "requestId": "id",
            "routeKey": "$default",
            "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1583348638390,
        },
        "isBase64Encoded": False,
    }
