"""One run: consumers as real processes against the stand-in, disturbed as its plan says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from blackcat.domain.message import Attribute
from blackcat.domain.outgoing import MAX_ATTRIBUTES, MAX_MESSAGE_BYTES, OutgoingMessage, size_of
from blackcat.domain.payload import encode
from blackcat.errors import QueueNotFound
from blackcat.resources import QueueResource, dead_letter_name
from chaos.checker import NOT_CONFIGURED, Protection, Terms, Violation, violations
from chaos.faults import SKEW_SECONDS, FaultPlan
from chaos.history import Event, Recorder, merged, read, write
from chaos.probe import Probe
from chaos.queues import LABEL, Call, RecordedQueues
from chaos.standin import REGION, Moment, StandIn
from chaos.story import (
    CLOCK_AHEAD,
    OUTAGE,
    QUEUE_DELETED,
    QUEUE_PURGED,
    SIGCONT,
    SIGKILL,
    SIGSTOP,
    SIGTERM,
    UPHEAVALS,
    Story,
)

PROJECT = Path(__file__).with_name("project")
# As tests/chaos/project/services declares them.
PROTECTIONS = {
    "guarded": Protection(failures=3, pause=2.0),
    "rated": Protection(rate=20.0),
}
# Long enough for the slowest machine; a run that is done ends at once.
PATIENCE_SECONDS = 30.0
# A service that does not run need not be started forever.
ENOUGH_CRASHES = 3
# Faults and signals end after this, so that what they left undone can be seen to be done.
DISTURBED_SECONDS = 10.0
MOST_REPORTED = 12
_BETWEEN_PARTS_SECONDS = 0.4
_TICK_SECONDS = 0.01
_SENDER = Call("sender")


@dataclass(frozen=True)
class Task:
    """A message to send: what its handler shall do, as tests/chaos/project/handlers.py reads it.

    Those with the same ``key`` are the same to the idempotency middleware. A ``bulky`` one has ten
    attributes and is as large as a message may be.
    """

    label: str
    group: str | None = None
    seconds: float = 0.0
    attempts: Sequence[str] = ("ok",)
    dies: str = ""
    poison: bool = False
    key: str = ""
    bulky: bool = False

    @property
    def body(self) -> str:
        if self.poison:
            return f"{self.label} is not JSON"
        content = {"seconds": self.seconds, "attempts": list(self.attempts), "dies": self.dies}
        if self.key:
            content["key"] = self.key
        body = encode(content)
        # JSON may end in any number of spaces.
        return body + " " * (MAX_MESSAGE_BYTES - size_of(body, self.attributes)) if self.bulky else body

    @property
    def attributes(self) -> dict[str, Attribute]:
        more = MAX_ATTRIBUTES - 1 if self.bulky else 0
        return {LABEL: Attribute(self.label), **{f"extra{n}": Attribute("more") for n in range(more)}}


@dataclass(frozen=True)
class Disturbance:
    """A signal to whoever makes the n-th call of an operation, ``delay`` seconds after that moment.

    Or an upheaval, which befalls all. ``pause`` is how long a SIGSTOP or an upheaval lasts.
    """

    signal: str
    operation: str
    number: int
    moment: Moment = "after"
    delay: float = 0.0
    pause: float = 0.0


@dataclass(frozen=True)
class Plan:
    """All that is decided about a run before it starts."""

    name: str
    fifo: bool = False
    tasks: Sequence[Task] = ()
    batches: int = 1  # in how many parts they are sent, a moment apart
    consumers: int = 1
    concurrency: int = 5
    visibility: int = 3
    most_receives: int = 4
    wait: int = 1
    budget: int = 12
    service: str = ""  # of the chaos project; by default the one without any protection
    probed: bool = False
    faults: FaultPlan = field(default_factory=FaultPlan)
    disturbances: Sequence[Disturbance] = ()

    @property
    def service_name(self) -> str:
        return self.service or ("fifo" if self.fifo else "standard")

    @property
    def queue(self) -> QueueResource:
        return QueueResource(
            "chaos.fifo" if self.fifo else "chaos",
            visibility_timeout=timedelta(seconds=self.visibility),
            max_receive_count=self.most_receives,
        )

    @property
    def terms(self) -> Terms:
        return Terms(
            queue=self.queue.name,
            dead_letters=dead_letter_name(self.queue.name),
            visibility=self.visibility,
            most_receives=self.most_receives,
            concurrency=self.concurrency,
            budget=self.budget,
            protection=PROTECTIONS.get(self.service_name, Protection()),
            poll_wait=self.wait,
        )


@dataclass(frozen=True)
class Result:
    """What a run came to."""

    plan: Plan
    events: Sequence[Event]
    violations: Sequence[Violation]
    history: Path
    logs: Sequence[Path]

    @property
    def faults(self) -> Counter[str]:
        """How many of each kind, the signals among them."""
        kinds = [event.fault for event in self.events if event.kind == "fault"]
        signals = [event.outcome for event in self.events if event.kind == "signalled"]
        deaths = [SIGKILL for event in self.events if event.kind == "exited" and event.outcome == "-9"]
        return Counter([*kinds, *(s for s in signals if s in (SIGSTOP, SIGTERM)), *deaths])

    @property
    def messages(self) -> int:
        return len({event.message for event in self.events if event.client == _SENDER.client})

    def report(self) -> str:
        found = "\n".join(f"  {violation}" for violation in self.violations[:MOST_REPORTED])
        if len(self.violations) > MOST_REPORTED:
            found += f"\n  and {len(self.violations) - MOST_REPORTED} more"
        logs = ", ".join(str(log) for log in self.logs)
        return (
            f"{self.plan.name} (seed {self.plan.faults.seed})\n{found}\nhistory: {self.history}\nlogs: {logs}"
        )


def perform(plan: Plan, folder: Path, *, transport: str = "boto3") -> Result:
    """Run the plan to its end and check its history."""
    return _Run(plan, folder, transport).perform()


class _Run:
    def __init__(self, plan: Plan, folder: Path, transport: str) -> None:
        self._plan = plan
        self._folder = folder
        self._transport = transport
        self._recorder = Recorder()
        self._queues = RecordedQueues(plan.queue, self._recorder)
        self._standin = StandIn(self._queues, self._recorder, plan.faults, self._disturb)
        self._probe = Probe(self._logs_of_running, self._recorder)
        self._pending = list(plan.disturbances)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._asked: set[str] = set()
        self._lock = threading.RLock()
        self._started = 0
        self._crashes = 0
        self._logs: list[Path] = []
        self._handled = folder / "handlers.jsonl"
        self._outage = folder / "outage"
        self._queue_was_gone = False

    def perform(self) -> Result:
        with self._standin.listening(), ExitStack() as stack:
            stack.callback(self._kill_all)
            if self._plan.probed:
                stack.enter_context(self._probe.asking())
            self._keep_up(self._plan.consumers)
            self._watch_until(self._polled)
            self._send_all()
            self._watch_until(self._emptied, DISTURBED_SECONDS)
            self._calm_down()
            self._watch_until(self._emptied)
            self._watch_until(self._healthy)
            self._stop_all()
            self._queues.remains()
        events = merged(self._recorder.events(), read(self._handled))
        history = self._folder / "history.jsonl"
        write(events, history)
        found = violations(Story(events, self._plan.queue.name), self._plan.terms)
        return Result(self._plan, events, found, history, self._logs)

    def _polled(self) -> bool:
        return any(event.kind == "polled" for event in self._recorder.events())

    def _emptied(self) -> bool:
        try:
            return self._queues.depth(self._plan.queue.name).total == 0
        except QueueNotFound:
            return False

    def _healthy(self) -> bool:
        """Whether the probes, if there are any, were told so last."""
        told = {event.client: event.outcome for event in self._recorder.events() if event.kind == "health"}
        with self._lock:
            return all(told.get(client, "healthy") == "healthy" for client in self._running)

    def _logs_of_running(self) -> dict[str, Path]:
        with self._lock:
            return {client: self._folder / f"{client}.log" for client in self._running}

    def _send_all(self) -> None:
        """Send, in parts, a moment apart."""
        size = -(-len(self._plan.tasks) // self._plan.batches)
        for start in range(0, len(self._plan.tasks), size):
            for task in self._plan.tasks[start : start + size]:
                self._watch_until(partial(self._sent, task))
            self._watch_until(self._emptied, _BETWEEN_PARTS_SECONDS)

    def _calm_down(self) -> None:
        """From here on nothing is disturbed: whatever is left must be done."""
        self._standin.faulting = False
        with self._lock:
            self._pending.clear()

    def _sent(self, task: Task) -> bool:
        """Send it, if there is a queue."""
        message = OutgoingMessage(
            body=task.body,
            attributes=task.attributes,
            group_id=task.group,
            deduplication_id=task.label if self._plan.fifo else None,
        )
        try:
            self._queues.put(self._plan.queue.name, message, _SENDER)
        except QueueNotFound:
            return False
        return True

    def _watch_until(self, done: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Let time pass, at most so much, and replace the processes that ended."""
        deadline = time.monotonic() + seconds
        while not done() and time.monotonic() < deadline and self._crashes < ENOUGH_CRASHES:
            self._note_ends()
            self._keep_up(self._plan.consumers)
            time.sleep(_TICK_SECONDS)

    def _keep_up(self, count: int) -> None:
        with self._lock:
            for _ in range(count - len(self._running)):
                self._start()

    def _start(self) -> None:
        self._started += 1
        client = f"CONSUMER{self._started}"
        log = self._folder / f"{client}.log"
        self._logs.append(log)
        self._recorder.record("started", client=client)
        with log.open("w") as output:
            self._running[client] = subprocess.Popen(
                [sys.executable, "main.py"],
                cwd=PROJECT,
                env=self._environment(client),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _environment(self, client: str) -> dict[str, str]:
        ours = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
        return {
            **ours,
            "SERVICE_NAME": self._plan.service_name,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self._standin.url,
            "AWS_ACCESS_KEY_ID": client,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "SQS_TRANSPORT": self._transport,
            "CHAOS_HISTORY": str(self._handled),
            "CHAOS_OUTAGE": str(self._outage),
            "CHAOS_LEASE_SECONDS": str(self._plan.visibility),
            "HEALTH_HOST": "127.0.0.1",
            "HEALTH_PORT": "0",
            "LOG_FORMAT": "json",
            "CONSUMER_CONCURRENCY": str(self._plan.concurrency),
            "CONSUMER_WAIT_SECONDS": str(self._plan.wait),
            "SHUTDOWN_TIMEOUT_SECONDS": str(self._plan.budget),
        }

    def _disturb(self, client: str, operation: str, number: int, moment: Moment) -> None:
        with self._lock:
            due = [
                d for d in self._pending if (d.operation, d.number, d.moment) == (operation, number, moment)
            ]
            self._pending = [one for one in self._pending if one not in due]
        for disturbance in due:
            if disturbance.delay:
                timer = threading.Timer(disturbance.delay, self._strike, (client, disturbance))
                timer.daemon = True
                timer.start()
            else:
                self._strike(client, disturbance)

    def _strike(self, client: str, disturbance: Disturbance) -> None:
        if disturbance.signal in UPHEAVALS:
            self._upset(disturbance)
            return
        self._signal(client, disturbance.signal)
        if disturbance.signal == SIGSTOP:
            timer = threading.Timer(disturbance.pause, self._signal, (client, SIGCONT))
            timer.daemon = True
            timer.start()

    def _upset(self, disturbance: Disturbance) -> None:
        kind = disturbance.signal
        self._recorder.record("fault", fault=kind, until=time.monotonic() + disturbance.pause)
        self._begin(kind)
        timer = threading.Timer(disturbance.pause, self._end, (kind,))
        timer.daemon = True
        timer.start()

    def _begin(self, kind: str) -> None:
        if kind == QUEUE_DELETED:
            self._queue_was_gone = True
            self._queues.delete_queue()
        elif kind == QUEUE_PURGED:
            self._queues.purge()
        elif kind == CLOCK_AHEAD:
            self._standin.ahead = SKEW_SECONDS
        elif kind == OUTAGE:
            self._outage.touch()

    def _end(self, kind: str) -> None:
        if kind == QUEUE_DELETED:
            self._queues.create_queue()
        elif kind == CLOCK_AHEAD:
            self._standin.ahead = 0.0
        elif kind == OUTAGE:
            self._outage.unlink()

    def _signal(self, client: str, name: str) -> None:
        with self._lock:
            process = self._running.get(client)
            if process is None or process.poll() is not None:
                return
            if name == SIGTERM:
                if client in self._asked:
                    return  # a second one ends a process at once
                self._asked.add(client)
            self._recorder.record("signalled", client=client, outcome=name)
            process.send_signal(getattr(signal, name))

    def _note_ends(self) -> None:
        with self._lock:
            for client, process in list(self._running.items()):
                status = process.poll()
                if status is not None:
                    del self._running[client]
                    self._note_end(client, status)

    def _note_end(self, client: str, status: int) -> None:
        if status == -signal.SIGKILL:
            # A handler may have killed its own process.
            self._recorder.record("signalled", client=client, outcome=SIGKILL)
        elif client not in self._asked and not (status == NOT_CONFIGURED and self._queue_was_gone):
            self._crashes += 1
        self._recorder.record("exited", client=client, outcome=str(status))

    def _stop_all(self) -> None:
        with self._lock:
            clients = list(self._running)
        for client in clients:
            self._signal(client, SIGCONT)
            self._signal(client, SIGTERM)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._running and time.monotonic() < deadline:
            self._note_ends()
            time.sleep(_TICK_SECONDS)

    def _kill_all(self) -> None:
        with self._lock:
            for process in self._running.values():
                process.kill()
                process.wait()
