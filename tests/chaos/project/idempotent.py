"""Each key is handled once: the keys stand in a table that outlives the process."""

import os
from datetime import timedelta

from blackcat import Idempotency, TableIdempotencyStore, by_field, connect
from blackcat.resources import TableResource

KEYS = TableResource("chaos_keys", key="key")

once = Idempotency(
    store=TableIdempotencyStore(connect(KEYS)),
    key=by_field("key"),
    lease=timedelta(seconds=int(os.environ["CHAOS_LEASE_SECONDS"])),
)
