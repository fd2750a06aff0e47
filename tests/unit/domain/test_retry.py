from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackcat import RetryPolicy
from blackcat.errors import InvalidDeclaration


@given(attempts=st.integers(1, 100_000), seed=st.integers())
def test_a_delay_lies_between_zero_and_the_doubled_base_under_the_cap(attempts, seed):
    policy = RetryPolicy(base=timedelta(seconds=2), longest=timedelta(minutes=15))
    ceiling = min(2 * 2 ** min(attempts - 1, 40), 900)
    assert timedelta(0) <= policy.delay(attempts, Random(seed)) <= timedelta(seconds=ceiling)


def test_delays_are_spread_over_the_whole_range():
    policy = RetryPolicy(base=timedelta(seconds=10), longest=timedelta(hours=1))
    random = Random(7)
    delays = [policy.delay(3, random).total_seconds() for _ in range(200)]
    assert min(delays) < 4
    assert max(delays) > 36


@pytest.mark.parametrize(
    "wrong",
    [
        {"base": timedelta(0)},
        {"base": timedelta(hours=1), "longest": timedelta(minutes=1)},
        {"longest": timedelta(hours=13)},
    ],
)
def test_a_policy_beyond_what_sqs_can_hide_is_refused(wrong):
    with pytest.raises(InvalidDeclaration):
        RetryPolicy(**wrong)
