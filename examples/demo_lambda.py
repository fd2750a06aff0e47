"""examples/neoapp_banner as it runs on Lambda, on this machine alone: ``make demo-lambda``.

The function is a process of its own that takes its events from Lambda's runtime API, with real HTTP in front
of it as from a function URL. Postgres, its secret in Secrets Manager (an emulator) and the services that it
calls (stand-ins of OpenAI and Pagar.me, over HTTP) are on this machine. Exit status 0 means that every answer
was as it should be and that nothing is left running.
"""

from __future__ import annotations

import json
import signal
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx

from blackcat.errors import BlackcatError
from blackcat.testing.events import schedule_event, sqs_event, sqs_record
from blackcat.testing.lambda_runtime import LambdaFunction, Reply
from blackcat.testing.lambda_url import LambdaUrl

PROJECT = Path(__file__).parent / "neoapp_banner"
# Its package is called `src`: it is imported once it is known where from.
sys.path.insert(0, str(PROJECT))

ANA = {"name": "Ana", "email": "ana@example.com", "document": "12345678909"}
PRICE = 100_000
IN_TEN_PARTS = 111_268  # at 1.99 % a month
LONG_AGO = "2020-01-01T00:00:00Z"
WARM_REQUESTS = 30
ANSWER_SECONDS = 60


class DemoFailed(Exception):
    """Something did not go as it should; the text says what."""


def main() -> int:
    # `kill` stops it as Ctrl-C does: nothing outlives the demo.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    try:
        say("starting Postgres, the AWS emulator, and stand-ins of OpenAI and Pagar.me ...")
        with import_module("src.tests.world").running_world() as world:
            run(world)
    except (AssertionError, DemoFailed, BlackcatError, OSError, httpx.HTTPError) as error:
        say(f"\nFAILED: {error}")
        return 1
    except KeyboardInterrupt:
        say("\nstopped")
        return 130
    say(f"done in {time.monotonic() - began:.0f} seconds")
    return 0


def run(world: Any) -> None:
    migrated = world.script("migrate")
    expect("the migrations", migrated.returncode, 0, migrated.stderr)
    say(migrated.stdout.rstrip())
    with ExitStack() as stack:
        function = stack.enter_context(world.function())
        replies: list[Reply] = []
        url = stack.enter_context(LambdaUrl(function, on_reply=replies.append)).url
        client = stack.enter_context(httpx.Client(base_url=url, trust_env=False, timeout=ANSWER_SECONDS))
        say(f"the function answers at {url}\n")
        Story(world, function, client).tell()
        show_latencies(client)
        expect("a line in the log that should not be there", errors_in(replies), [])


@dataclass(frozen=True)
class Story:
    """What happens, step by step; each step is checked."""

    world: Any
    function: LambdaFunction
    client: httpx.Client
    standins: Any = field(default_factory=lambda: import_module("src.tests.standins"))

    def tell(self) -> None:
        self.create_banners()
        self.pay_in_installments()
        self.send_messages()
        self.run_jobs()
        self.read_notifications()

    def create_banners(self) -> None:
        began = time.monotonic()
        self.ask("POST", "/banner", banner("summer", "Summer sale", priority=1), status=201)
        show("POST /banner", f"summer is created; {milliseconds(began)} ms with the cold start")
        self.ask("POST", "/banner", banner("members", "Members first", audience="customers"), status=201)
        refused = self.ask("POST", "/banner", banner("gore", "blood everywhere"), status=422)
        show("POST /banner", f"refused: {refused['detail']}")
        for audience, names in (("visitors", ["summer"]), ("customers", ["summer", "members"])):
            shown = self.ask("GET", "/banner", audience=audience)
            expect(f"the banners for {audience}", [one["banner_id"] for one in shown], names)
            show("GET /banner", f"{audience} see {' and '.join(names)}")
        suggested = self.ask("POST", "/banner/title", {"about": "our summer sale"})
        show("POST /banner/title", f"OpenAI suggests '{suggested['title']}'")

    def pay_in_installments(self) -> None:
        quoted = self.ask("GET", "/installment", amount_cents=str(PRICE), count="10")
        parts = [part["amount_cents"] for part in quoted["installments"]]
        expect("the sum of the parts", (sum(parts), quoted["total_cents"]), (IN_TEN_PARTS, IN_TEN_PARTS))
        show(
            "GET /installment",
            f"{reais(PRICE)} in 10 parts of {reais(parts[0])}, the last {reais(parts[-1])}",
        )

        self.world.pagarme.troubles.append(self.standins.Trouble(carried_out=True))
        card = payment("A-1", {"type": "card", "token": "tok_1", "installments": 10})
        paid = self.ask("POST", "/payment", card, status=201)
        expect("the payment", (paid["status"], paid["total_cents"]), ("paid", IN_TEN_PARTS))
        expect("a payment that is asked for twice", self.ask("POST", "/payment", card, status=201), paid)
        orders = [asked for asked in self.world.pagarme.requests if asked.path == "/orders"]
        expect("the keys of the orders", len({order.headers["Idempotency-Key"] for order in orders}), 1)
        show(
            "POST /payment",
            f"{reais(IN_TEN_PARTS)} paid; Pagar.me's first answer was lost, and it charged once",
        )

    def send_messages(self) -> None:
        late = {**banner("late", "Over already"), "starts_at": LONG_AGO, "ends_at": "2020-02-01T00:00:00Z"}
        records = [
            record("create_banner", banner("by-queue", "From the queue")),
            record("create_banner", late),
            record("charge_payment", payment("B-1", {"type": "pix"})),
        ]
        answer = self.function.invoke(sqs_event(*records)).value()
        expect("the failures", answer, {"batchItemFailures": [{"itemIdentifier": records[1]["messageId"]}]})
        show("SQS, 3 records", "a banner and a pix; the bad record alone comes back to its queue")
        self.ask("GET", "/banner/by-queue")
        settled = record("settle_payment", {"charge_id": "ch_B-1", "status": "paid"})
        expect("the failures", self.function.invoke(sqs_event(settled)).value(), {"batchItemFailures": []})
        show("SQS, 1 record", "the pix is paid")

    def run_jobs(self) -> None:
        self.world.pagarme.troubles.append(self.standins.Trouble(self.standins.Answer(200, EXPIRED_ORDER)))
        self.ask("POST", "/payment", payment("C-1", {"type": "pix"}), status=201)
        rule = schedule_event(rule="neoapp-banner-expire-unpaid-pix")
        expect("the pix that expired", self.function.invoke(rule).value(), 1)
        show("a schedule", "the job expire_unpaid_pix ends one that nobody paid")
        asked = {"job": "remind_of_installments", "input": {"days_before": 31}}
        expect("the reminders", [self.function.invoke(asked).value() for _ in range(2)], [1, 0])
        show("an invocation", "the job remind_of_installments tells Ana once of her first part")

    def read_notifications(self) -> None:
        told = self.ask("GET", "/notification", recipient=ANA["email"])
        expect("the notifications", len(told), 6)
        show("GET /notification", f"Ana was told of {len(told)} things, such as: {told[-1]['text']}")

    def ask(self, method: str, path: str, body: Any = None, *, status: int = 200, **query: str) -> Any:
        answer = self.client.request(method, path, json=body, params=query)
        expect(f"{method} {path}", answer.status_code, status, answer.text)
        return answer.json()


EXPIRED_ORDER = {
    "charges": [
        {
            "id": "ch_C-1",
            "status": "pending",
            "last_transaction": {"qr_code": "00020101021226820014br.gov.bcb.pix", "expires_at": LONG_AGO},
        }
    ]
}


def banner(banner_id: str, title: str, **more: Any) -> dict[str, Any]:
    now = datetime.now(timezone.utc)
    period = {"starts_at": now.isoformat(), "ends_at": (now + timedelta(days=1)).isoformat()}
    return {
        "banner_id": banner_id,
        "title": title,
        "image_url": "https://example.com/a.png",
        **period,
        **more,
    }


def payment(reference: str, method: Mapping[str, Any]) -> dict[str, Any]:
    return {"reference": reference, "amount_cents": PRICE, "customer": ANA, "method": {**method}}


def record(command: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    return sqs_record(payload, attributes={"command": command})


def errors_in(replies: Sequence[Reply]) -> list[dict[str, Any]]:
    return [line for reply in replies for line in reply.lines if line.get("level") in ("error", "critical")]


def show_latencies(client: httpx.Client) -> None:
    took = []
    for _ in range(WARM_REQUESTS):
        began = time.monotonic()
        expect("GET /banner", client.get("/banner").status_code, 200)
        took.append((time.monotonic() - began) * 1000)
    say(f"\n{WARM_REQUESTS} warm requests with a query each: p50 {statistics.median(took):.0f} ms")


def expect(what: str, found: Any, wanted: Any, more: str = "") -> None:
    if found != wanted:
        shown = json.dumps(found, default=str)
        raise DemoFailed(f"{what}: {shown} instead of {json.dumps(wanted, default=str)} {more}".rstrip())


def reais(cents: int) -> str:
    return f"R$ {cents / 100:,.2f}"


def milliseconds(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def show(asked: str, happened: str) -> None:
    say(f"{asked:<20}{happened}")


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
