"""The payment demo on the resources and roles of its CloudFormation templates, policies enforced."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

QUEUE = ("sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:DeleteMessage")
# Every action that a service of the demo calls; the demo has no failures to retry, for example.
CALLED = {
    "payment_api": ("dynamodb:GetItem", "sqs:GetQueueUrl", "sqs:SendMessage"),
    "start_payment": (*QUEUE, "dynamodb:GetItem", "dynamodb:PutItem", "sns:Publish"),
    "payment_processed": (*QUEUE, "dynamodb:GetItem", "dynamodb:PutItem"),
    "payment_processor": (*QUEUE, "sns:Publish"),
    "expire_pending_payments": ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"),
}
# The failures that show at once; others are waited for.
IN_SHORT = {("payment_api", "sqs:GetQueueUrl"), ("start_payment", "sqs:GetQueueAttributes")}


def demo(scratch: Path, *options: str) -> subprocess.CompletedProcess[str]:
    # Its logs stay when it fails: below the test's own folder.
    ours = {"DEMO_PAID": "4", "DEMO_UNPAID": "1", "DEMO_PATIENCE_SECONDS": "60", "TMPDIR": str(scratch)}
    return subprocess.run(
        [sys.executable, str(ROOT / "examples/deployed.py"), *options],
        env={**os.environ, **ours, **({"DEMO_PATIENCE_SECONDS": "15"} if options else {})},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_runs_on_what_the_templates_make(tmp_path: Path) -> None:
    done = demo(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for stack in ("payment-resources", "payment-roles"):
        assert f"stack {stack}: CREATE_COMPLETE" in done.stdout
    assert "4 payments confirmed, 1 expired, all queues empty" in done.stdout
    told = {line.split()[0]: line for line in done.stdout.partition("as its log tells\n")[2].splitlines()}
    assert told.keys() == CALLED.keys()
    for service, actions in CALLED.items():
        called = told[service].replace("MessageBatch", "Message").split(maxsplit=1)[1].split(", ")
        assert set(called) - {"sts:GetCallerIdentity"} == set(actions)


@pytest.mark.parametrize(
    ("service", "action"),
    [
        pytest.param(
            service,
            action,
            marks=() if (service, action) in IN_SHORT else pytest.mark.long,
            id=f"{service} {action}",
        )
        for service, actions in CALLED.items()
        for action in actions
    ],
)
def test_without_one_action_it_fails(tmp_path: Path, service: str, action: str) -> None:
    done = demo(tmp_path, "--without", f"{service}:{action}")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAILED" in done.stdout
    (logs,) = tmp_path.glob("blackcat-deployed-*")
    # The emulator names batches by the name of the call.
    refused = [line for line in (logs / f"{service}.log").read_text().splitlines() if "AccessDenied" in line]
    name = action.partition(":")[2].replace("DeleteMessage", "DeleteMessage(Batch)?")
    assert any(re.search(rf"\b{name}\b", line) for line in refused)
