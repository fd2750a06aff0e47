"""Consumers under fire: real processes against the stand-in; the checker asserts the promises afterwards.

The runs of the long test are drawn from seeds: ``CHAOS_RUNS`` of them, from ``CHAOS_SEED`` on. A failure
names its seed; ``CHAOS_RUNS=1 CHAOS_SEED=<seed> make chaos`` tries it again. The plan is the same then;
threads and processes may take turns differently.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from blackcat import Settings
from chaos import plans

RUNS = int(os.environ.get("CHAOS_RUNS", "20"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
TRANSPORTS = ["boto3", *(["lean"] if "sqs_transport" in Settings.model_fields else [])]

Survives = Callable[..., None]

# Side by side: most of a run's time is waiting.
TOGETHER = {
    "SIGKILL at every step": (plans.at_every_step("SIGKILL"), plans.at_every_step("SIGKILL", fifo=True)),
    "SIGTERM at every step": (plans.at_every_step("SIGTERM"), plans.at_every_step("SIGTERM", fifo=True)),
    "SIGSTOP past the visibility timeout": (plans.paused(fifo=False), plans.paused(fifo=True)),
    "slow calls, and messages that never succeed": (plans.slow_calls(), plans.poisoned_groups()),
    "an outage, a rate limit, duplicates": (plans.outage(), plans.rated(), plans.repeated()),
}
# What a transport has a part in; the rest is the consumer's own, whichever it uses.
TOGETHER_ON_EACH_TRANSPORT = {
    "faulty calls": (plans.faulty(fifo=False), plans.faulty(fifo=True)),
    "SIGTERM amid failures": (
        plans.stopped_amid_failures(fifo=False),
        plans.stopped_amid_failures(fifo=True),
    ),
}
# What the transports do alike; on the one that needs it more.
TOGETHER_ON_THE_LAST = {
    "the queue gone, the clock wrong, 1 MiB": (plans.queue_gone(), plans.clock_ahead(), plans.bulky()),
}
LONG = {
    "a queue gone for long": (plans.queue_gone(seconds=27.0), plans.queue_gone(fifo=True, seconds=27.0)),
    "a trial that fails": (plans.paused_in_trial(), plans.outage(seconds=12.0)),
    "duplicates": (plans.repeated(count=36, rate=0.2), plans.repeated(count=36, seed=2)),
    "a clock, 1 MiB": (plans.clock_ahead(), plans.bulky(), plans.bulky(fifo=True)),
}


@pytest.mark.parametrize("name", TOGETHER)
def test_no_promise_is_broken(name: str, survives: Survives) -> None:
    survives(TRANSPORTS[0], *TOGETHER[name])


@pytest.mark.parametrize("name", TOGETHER_ON_THE_LAST)
def test_no_promise_is_broken_on_the_other_transport(name: str, survives: Survives) -> None:
    survives(TRANSPORTS[-1], *TOGETHER_ON_THE_LAST[name])


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("name", TOGETHER_ON_EACH_TRANSPORT)
def test_no_promise_is_broken_on_any_transport(name: str, transport: str, survives: Survives) -> None:
    survives(transport, *TOGETHER_ON_EACH_TRANSPORT[name])


@pytest.mark.long
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("name", LONG)
def test_no_promise_is_broken_in_the_long_run(name: str, transport: str, survives: Survives) -> None:
    survives(transport, *LONG[name])


@pytest.mark.long
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("seed", range(SEED, SEED + RUNS))
def test_no_promise_is_broken_whatever_happens(seed: int, transport: str, survives: Survives) -> None:
    survives(transport, plans.drawn(seed))
