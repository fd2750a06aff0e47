"""A program that calls every service that Blackcat has an adapter for; it prints what came of it, as JSON.

``every_service.py THREADS CALLS``: so many threads make so many calls each, of all services; SQS is called
over both transports.
"""

from __future__ import annotations

import collections
import gc
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import repeat

from botocore.client import BaseClient
from botocore.session import Session

from blackcat.adapters_aws import (
    AwsOptions,
    DynamoTable,
    EventBridgeBus,
    SecretsManagerStore,
    SnsTopic,
    SqsBroker,
    SsmParameterStore,
)
from blackcat.adapters_aws.accounts import account_id
from blackcat.errors import BlackcatError
from blackcat.resources import TableResource

Calls = Mapping[str, Callable[[], object]]


def calls(options: AwsOptions) -> Calls:
    queue = SqsBroker(options).queue("orders")
    lean = SqsBroker(replace(options, sqs_transport="lean")).queue("orders")
    topic = SnsTopic("paid", options)
    table = DynamoTable(TableResource("orders", key="id"), options)
    bus = EventBridgeBus("shop", options)
    secrets, parameters = SecretsManagerStore(options), SsmParameterStore(options)
    return {
        "sts": lambda: account_id(options),  # SNS needs it, and it is asked for once
        "sqs": lambda: queue.send({}),
        "sqs over lean": lambda: lean.send({}),
        "sns": lambda: topic.publish({}),
        "dynamodb": lambda: table.get({"id": "1"}),
        "events": lambda: bus.put({}, source="shop", detail_type="Paid"),
        "secretsmanager": lambda: secrets.get("db"),
        "ssm": lambda: parameters.get(["/url"]),
    }


def problem(call: Callable[[], object]) -> str:
    try:
        call()
    except BlackcatError as error:
        return f"{type(error).__name__} {error}"
    return ""


class Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(f"{record.getMessage()} {getattr(record, 'fields', '')}")


def alive() -> dict[str, int]:
    """How many sessions and clients of botocore there are, by service."""
    gc.collect()
    known = [one for one in gc.get_objects() if isinstance(one, BaseClient | Session)]
    names = [
        one.meta.service_model.service_name if isinstance(one, BaseClient) else "session" for one in known
    ]
    return dict(collections.Counter(names))


def main(threads: int, each: int) -> None:
    warnings = Warnings()
    logging.getLogger().addHandler(warnings)
    every = calls(AwsOptions(pool_size=threads))
    with ThreadPoolExecutor(threads) as pool:
        problems = {
            name: sorted(set(pool.map(problem, repeat(call, threads * each)))) for name, call in every.items()
        }
    made = alive()
    child = os.fork()
    if not child:
        os._exit(len(problem(every["sqs"]) + problem(every["sqs over lean"])))
    _, status = os.waitpid(child, 0)
    again = problem(every["sqs"]) + problem(every["sqs over lean"])
    print(
        json.dumps(
            {
                "problems": problems,
                "alive": made,
                "warnings": warnings.found,
                "child": status,
                "after the fork": again,
            }
        )
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
