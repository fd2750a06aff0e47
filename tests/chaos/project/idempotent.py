"""Each key is handled once: the keys stand in a table that outlives the process."""

import os
from datetime import timedelta

from blackcat import connect
from blackcat.application.clock import SystemClock
from blackcat.application.idempotency import Idempotency, TableIdempotencyStore, by_field
from blackcat.resources import TableResource

KEYS = TableResource("chaos_keys", key="key")

once = Idempotency(
    store=TableIdempotencyStore(connect(KEYS), clock=SystemClock()),
    key=by_field("key"),
    lease=timedelta(seconds=int(os.environ["CHAOS_LEASE_SECONDS"])),
)
