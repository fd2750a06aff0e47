"""The idempotency store on a real table, where several processes would take the same key at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from blackcat.adapters_aws import AwsOptions, DynamoTable, Provisioner
from blackcat.application.clock import SystemClock
from blackcat.application.idempotency import Begun, Done, InProgress, TableIdempotencyStore
from blackcat.resources import TableResource

LEASE = timedelta(minutes=5)


def test_of_many_who_take_a_key_at_once_one_has_it(aws_options: AwsOptions, unique: str) -> None:
    resource = TableResource(unique, key="key")
    Provisioner(aws_options).create(resource)
    store = TableIdempotencyStore(DynamoTable(resource, aws_options), clock=SystemClock())
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: store.begin("k", fingerprint="x", lease=LEASE), range(16)))
    begun = [one for one in taken if isinstance(one, Begun)]
    assert len(begun) == 1
    assert all(isinstance(one, Begun | InProgress) for one in taken)
    store.finish("k", begun[0].token, keep=LEASE)
    assert store.begin("k", fingerprint="x", lease=LEASE) == Done()
    store.abandon("k", "somebody else's token")
    assert store.begin("k", fingerprint="x", lease=LEASE) == Done()
