"""Dead letters for the page to look at."""

from services import start_payment_cmd

from blackcat import connect

REASONS = ["currency must be one of BRL, EUR, USD"] * 4 + ["timeout"] * 3

for number, reason in enumerate(REASONS):
    connect(start_payment_cmd.dead_letter).send(
        {"id": number}, attributes={"blackcat.reason": reason, "blackcat.exception": "InvalidPayment"}
    )
