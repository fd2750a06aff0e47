import random

from blackcat.adapters_aws import AwsOptions
from blackcat.adapters_aws.clients import client
from blackcat.entrypoints.aws_lambda.snapshots import after_restore, before_snapshot


def test_each_copy_of_a_snapshot_draws_random_numbers_of_its_own():
    before = random.getstate()
    try:
        drawn = []
        for _ in range(2):
            random.seed(1)
            after_restore()
            drawn.append(random.random())
        assert drawn[0] != drawn[1]
    finally:
        random.setstate(before)


def test_no_client_of_before_the_snapshot_is_used_after_it():
    import blackcat.entrypoints.connections  # noqa: F401 - only what is loaded has connections

    options = AwsOptions(region="us-east-1")
    before = client("sqs", options)
    assert client("sqs", options) is before
    before_snapshot()
    assert client("sqs", options) is not before
