"""The runs: those that try one thing at each of its steps, and those that a seed draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from chaos.faults import Fault, FaultPlan, Kind
from chaos.run import Disturbance, Plan, Task
from chaos.standin import Moment
from chaos.story import (
    CLOCK_AHEAD,
    OUTAGE,
    QUEUE_DELETED,
    QUEUE_PURGED,
    SIGKILL,
    SIGSTOP,
    SIGTERM,
)

_MOMENTS: Sequence[Moment] = ("before", "after", "answered")
_STEPS = ("ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch", "SendMessageBatch")
_OUTCOMES: Sequence[Sequence[str]] = (
    *[("ok",)] * 12,
    *[("raise", "ok"), ("retry", "ok"), ("reject",), ("raise", "retry", "ok"), ("raise",)],
)
_SERVICES = ("standard", "standard", "standard", "guarded", "rated", "idempotent")


def tasks(count: int, seed: int, *, groups: int = 0, deaths: int = 0, longest: float = 0.15) -> list[Task]:
    """Messages of all kinds; ``deaths`` of them kill their process at their first attempt."""
    random = Random(f"tasks/{seed}")
    dying = set(random.sample(range(count), deaths))
    return [
        Task(
            label=f"m{number}",
            group=f"g{random.randrange(groups)}" if groups else None,
            seconds=round(random.uniform(0, longest) * random.random(), 3),
            attempts=("ok",) if number in dying else random.choice(_OUTCOMES),
            dies=random.choice(("began", "ended")) if number in dying else "",
            poison=number not in dying and random.random() < 0.04,
        )
        for number in range(count)
    ]


def at_every_step(signal: str, *, fifo: bool = False, seed: int = 1) -> Plan:
    """The signal at each moment of each operation, while two consumers work."""
    random = Random(f"steps/{seed}")
    return Plan(
        name=f"{signal} at every step, {_kind(fifo)}",
        fifo=fifo,
        tasks=tasks(36, seed, groups=9 if fifo else 0, deaths=1 if signal == SIGKILL else 0),
        batches=3,
        consumers=2,
        faults=FaultPlan(seed=seed, fifo=fifo),
        disturbances=[
            Disturbance(signal, operation, 2 + 2 * index + random.randrange(2), moment, pause=3.4)
            for operation in _STEPS
            for index, moment in enumerate(_MOMENTS)
        ],
    )


def paused(*, fifo: bool, seed: int = 1) -> Plan:
    """One of two consumers is stopped past the visibility timeout, in the middle of its work."""
    random = Random(f"pauses/{seed}")
    return Plan(
        name=f"SIGSTOP past the visibility timeout, {_kind(fifo)}",
        fifo=fifo,
        tasks=tasks(30, seed, groups=8 if fifo else 0, longest=0.4),
        batches=2,
        consumers=2,
        faults=FaultPlan(seed=seed, fifo=fifo),
        disturbances=[
            Disturbance(SIGSTOP, "ReceiveMessage", number, "answered", random.uniform(0, 0.2), pause=3.6)
            for number in (3, 8)
        ],
    )


def faulty(*, fifo: bool, seed: int = 1, rate: float = 0.2) -> Plan:
    """A share of all calls goes wrong, and nothing else."""
    return Plan(
        name=f"faults, {_kind(fifo)}",
        fifo=fifo,
        tasks=tasks(36, seed, groups=12 if fifo else 0),
        batches=3,
        faults=FaultPlan(seed=seed, rate=rate, fifo=fifo),
    )


def poisoned_groups() -> Plan:
    """The first message of each FIFO group never succeeds; those behind it are good."""
    return Plan(
        name="a failing message at the head of its group",
        fifo=True,
        tasks=[
            Task(f"g{group}-{number}", group=f"g{group}", attempts=("raise",) if number == 0 else ("ok",))
            for group in range(2)
            for number in range(5)
        ],
        most_receives=3,
    )


def slow_calls() -> Plan:
    """Receives are answered late, and a delete hangs, while handlers run for longer than a lease."""
    late, hanging = Fault("slow", seconds=2.2), Fault("silent-before", seconds=3.5)
    return Plan(
        name="slow calls beside long handlers",
        tasks=[Task("first"), *(Task(f"long{number}", seconds=4.0) for number in range(3))],
        concurrency=6,
        faults=FaultPlan(
            scripted={
                # The first receives may come back empty.
                **{("ReceiveMessage", number): late for number in (1, 2)},
                ("DeleteMessageBatch", 1): hanging,
            }
        ),
    )


def stopped_amid_failures(*, fifo: bool) -> Plan:
    """SIGTERM, and whatever the drain asks for fails at first, in one way after the other."""
    kinds: Sequence[Kind] = ("partial", "expired-token", "unavailable")
    return Plan(
        name=f"SIGTERM amid failures, {_kind(fifo)}",
        fifo=fifo,
        tasks=[Task(f"m{n}", group=f"g{n % 3}" if fifo else None, seconds=0.3) for n in range(24)],
        concurrency=30,  # several pollers
        faults=FaultPlan(
            fifo=fifo,
            scripted={
                (operation, number): Fault(kind, seed=5)
                for operation in ("DeleteMessageBatch", "ChangeMessageVisibilityBatch")
                for number, kind in enumerate(kinds, 1)
            },
        ),
        disturbances=[Disturbance(SIGTERM, "ReceiveMessage", 2, "answered", delay=0.1)],
    )


def outage(*, seed: int = 1, seconds: float = 5.0) -> Plan:
    """What the handlers depend on is down; messages that make no sense, and handlers that ask for a retry
    of their own accord, say nothing about that."""
    return Plan(
        name="an outage behind a circuit breaker",
        tasks=[
            Task(
                f"m{number}",
                seconds=0.02,
                poison=number % 7 == 3,
                attempts=("retry", "ok") if number % 7 == 5 else ("ok",),
            )
            for number in range(60)
        ],
        most_receives=12,
        service="guarded",
        probed=True,
        faults=FaultPlan(seed=seed),
        disturbances=[Disturbance(OUTAGE, "ReceiveMessage", 2, "before", pause=seconds)],
    )


def paused_in_trial() -> Plan:
    """A circuit breaker whose trial comes to nothing: its message is no longer ours when it begins."""
    late = Fault("slow", seconds=4.5)
    return Plan(
        name="a trial that comes too late",
        tasks=[Task(f"m{number}") for number in range(12)],
        most_receives=12,
        concurrency=1,
        service="guarded",
        probed=True,
        faults=FaultPlan(scripted={("ReceiveMessage", number): late for number in (5, 6)}),
        disturbances=[Disturbance(OUTAGE, "ReceiveMessage", 1, "before", pause=3.0)],
    )


def rated(*, seed: int = 1) -> Plan:
    """More messages at once than the rate limit lets through."""
    return Plan(
        name="a rate limit under load",
        tasks=[Task(f"m{number}") for number in range(120)],
        batches=2,
        concurrency=30,
        service="rated",
        faults=FaultPlan(seed=seed, rate=0.05),
    )


def repeated(*, count: int = 16, seed: int = 1, rate: float = 0.05) -> Plan:
    """Each message is sent up to three times, and delivered more often; processes die and stand still."""
    random = Random(f"repeated/{seed}")
    plain = [task for task in tasks(count, seed, deaths=1, longest=0.8) if task.attempts != ("raise",)]
    return Plan(
        name="duplicates before an idempotency store",
        tasks=_with_keys(plain, random),
        batches=2,
        consumers=2,
        most_receives=12,
        service="idempotent",
        faults=FaultPlan(
            seed=seed,
            rate=rate,
            scripted={("ReceiveMessage", number): Fault("duplicate") for number in (3, 5)},
        ),
        disturbances=[
            Disturbance(SIGKILL, "PutItem", 6, "before"),
            Disturbance(SIGSTOP, "PutItem", 12, "after", pause=3.6),
        ],
    )


def _with_keys(plain: Sequence[Task], random: Random) -> list[Task]:
    """The same messages, each with its key, and some of them again."""
    keyed = [replace(task, key=f"key of {task.label}") for task in plain if not task.poison]
    again = [
        replace(task, label=f"{task.label}-{copy}")
        for task in keyed
        for copy in range(random.choice((0, 1, 1, 2)))
    ]
    return random.sample(keyed + again, len(keyed) + len(again))


def queue_gone(*, fifo: bool = False, seconds: float = 3.0) -> Plan:
    """The queue is purged while its messages are handled, and later deleted and created again."""
    return Plan(
        name=f"the queue purged and deleted, {_kind(fifo)}",
        fifo=fifo,
        tasks=[Task(f"m{n}", group=f"g{n % 7}" if fifo else None, seconds=0.2) for n in range(75)],
        batches=3,
        probed=True,
        faults=FaultPlan(fifo=fifo),
        disturbances=[
            Disturbance(QUEUE_PURGED, "ReceiveMessage", 4, "answered"),
            Disturbance(QUEUE_DELETED, "DeleteMessageBatch", 2, "after", pause=seconds),
        ],
    )


def clock_ahead() -> Plan:
    """For some seconds the service takes every signature for an old one."""
    return Plan(
        name="the service's clock is ahead",
        tasks=tasks(20, 3),
        batches=2,
        most_receives=8,
        disturbances=[Disturbance(CLOCK_AHEAD, "ReceiveMessage", 2, "answered", pause=2.0)],
    )


def bulky(*, fifo: bool = False) -> Plan:
    """Messages of 1 MiB with ten attributes among the others; some fail, some are rejected."""
    attempts = (("ok",), ("raise", "ok"), ("reject",), ("raise",))
    return Plan(
        name=f"the largest messages, {_kind(fifo)}",
        fifo=fifo,
        tasks=[
            Task(f"m{n}", group=f"g{n % 5}" if fifo else None, attempts=attempts[n % 4], bulky=n % 3 != 1)
            for n in range(16)
        ],
        most_receives=3,
        faults=FaultPlan(fifo=fifo),
    )


def drawn(seed: int) -> Plan:
    """Everything at once, as the seed says."""
    random = Random(f"plan/{seed}")
    fifo = random.random() < 0.5
    count = random.randint(60, 160)
    more = Random(f"service/{seed}")
    service = "fifo" if fifo else more.choice(_SERVICES)
    plain = tasks(
        count,
        seed,
        groups=random.randint(1, 12) if fifo else 0,
        deaths=random.randint(0, 2),
        longest=random.choice((0.05, 0.3, 1.0)),
    )
    if more.random() < 0.2:
        plain = [replace(task, bulky=not task.poison and more.random() < 0.1) for task in plain]
    return Plan(
        name=f"seed {seed}, {service}",
        fifo=fifo,
        service=service,
        tasks=_with_keys(plain[: count // 2], more) if service == "idempotent" else plain,
        batches=random.randint(1, 6),
        consumers=random.randint(1, 2),
        concurrency=random.choice((1, 4, 10, 20)),
        most_receives=random.randint(3, 8),
        faults=FaultPlan(
            seed=seed,
            rate=random.choice((0, 0.05, 0.2)),
            fifo=fifo,
            longest_delay=random.choice((0.5, 3.5)),
            longest_silence=random.choice((0.5, 4.0)),
        ),
        disturbances=[
            *(_drawn_disturbance(random) for _ in range(random.randint(0, 5))),
            *(_drawn_upheaval(more) for _ in range(more.choice((0, 0, 1)))),
        ],
    )


def _drawn_disturbance(random: Random) -> Disturbance:
    return Disturbance(
        signal=random.choice((SIGKILL, SIGTERM, SIGSTOP)),
        operation=random.choice(_STEPS),
        number=random.randint(1, 12),
        moment=random.choice(_MOMENTS),
        delay=random.choice((0.0, random.uniform(0, 0.3))),
        pause=random.uniform(0.5, 4.5),
    )


def _drawn_upheaval(random: Random) -> Disturbance:
    return Disturbance(
        signal=random.choice((CLOCK_AHEAD, OUTAGE, QUEUE_DELETED, QUEUE_PURGED)),
        operation="ReceiveMessage",
        number=random.randint(2, 12),
        moment=random.choice(_MOMENTS),
        pause=random.uniform(0.5, 5.0),
    )


def _kind(fifo: bool) -> str:
    return "FIFO" if fifo else "standard"
