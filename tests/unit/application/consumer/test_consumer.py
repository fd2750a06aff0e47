"""The promises of the consumer, on a queue in memory whose every call can be made to fail."""

import json
import logging
import threading
import time
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from random import Random

import pytest

from blackcat import CircuitBreaker, Message, Reject, Retry, RetryPolicy
from blackcat.application.consumer.consumer import Consumer
from blackcat.application.consumer.options import ConsumerOptions
from blackcat.application.entrypoint import consumer_entrypoint
from blackcat.application.handler import MessageHandler
from blackcat.application.middleware import folded
from blackcat.application.ports import BatchFailure, BatchResult, QueueDepth
from blackcat.application.shutdown import Shutdown
from blackcat.errors import (
    AccessDenied,
    ConfigurationError,
    QueueNotFound,
    ServiceFailed,
    ServiceUnavailable,
    Unreachable,
)
from blackcat.infra.payloads import decoder_for
from blackcat.resources import QueueResource
from blackcat.testing import FrozenClock, InMemoryBroker

PATIENCE_SECONDS = 30


class ScriptedQueue:
    """A queue that records its calls and fails those that a test says."""

    def __init__(self, queue):
        self._queue = queue
        self.calls = []
        self.faults = {}

    def __getattr__(self, verb):
        actual = getattr(self._queue, verb)
        if not callable(actual):
            return actual

        def call(*arguments, **named):
            self.calls.append((verb, arguments, named))
            planned = self.faults.get(verb)
            fault = planned.pop(0) if planned else None
            if isinstance(fault, Exception):
                raise fault
            return fault if fault is not None else actual(*arguments, **named)

        return call

    def count(self, verb):
        return sum(1 for called, _, _ in self.calls if called == verb)


class ScriptedBroker:
    def __init__(self, clock=None):
        self._broker = InMemoryBroker(clock)
        self._queues = {}
        self.describe_faults = []

    def create(self, *resources):
        for resource in resources:
            self._broker.create(resource)

    def queue(self, name):
        return self._queues.setdefault(name, ScriptedQueue(self._broker.queue(name)))

    def describe(self, name):
        if self.describe_faults:
            raise self.describe_faults.pop(0)
        return self._broker.describe(name)

    def depth(self, name):
        return self._broker.depth(name)


def until(condition, what):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_SECONDS} s for {what}"
        time.sleep(0.005)


class Setting:
    """A consumer of the queue 'orders' and all that is around it."""

    def __init__(
        self,
        handle,
        *,
        name="orders",
        clock=None,
        dead_letters=True,
        budget=10.0,
        middleware=None,
        visibility_timeout=timedelta(seconds=60),
        **options,
    ):
        self.clock = clock or FrozenClock()
        self.broker = ScriptedBroker(self.clock)
        self.broker.create(
            QueueResource(
                name, max_receive_count=5 if dead_letters else None, visibility_timeout=visibility_timeout
            )
        )
        self.queue = self.broker.queue(name)
        self.dead_letters = self.broker.queue("orders_dlq")
        self.shutdown = Shutdown(budget=timedelta(seconds=budget), clock=self.clock)
        self.failure = None
        entrypoint = consumer_entrypoint(handle, None, subject="consumer 'orders'")
        decode = decoder_for(entrypoint.payload_type, subject="x")
        self.consumer = Consumer(
            service="orders",
            broker=self.broker,
            queue_name=name,
            handle=folded(MessageHandler(entrypoint, decode), [middleware] if middleware else []),
            retry=RetryPolicy(base=timedelta(seconds=1), longest=timedelta(seconds=1)),
            options=ConsumerOptions(**{"wait": timedelta(milliseconds=50), **options}),
            clock=self.clock,
            random=Random(1),
            redact=str,
        )

    @contextmanager
    def running(self):
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self.shutdown.request("the test is over")
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()

    def depth(self):
        return self.broker.depth(self.queue.name)

    def drain(self):
        """Let time pass, in steps that matter to the batches of deletes only, until nothing is left."""

        def empty():
            self.clock.advance(timedelta(milliseconds=100))
            return self.depth().total == 0

        until(empty, "an empty queue")

    def _run(self):
        try:
            self.consumer.run(self.shutdown)
        except Exception as error:
            self.failure = error


def ignore(payload: dict) -> None: ...


class Gate:
    """A handler that waits until the test lets it go on."""

    def __init__(self):
        self.entered = []
        self.open = threading.Event()

    def __call__(self, payload: dict, message: Message) -> None:
        self.entered.append(message)
        self.open.wait(PATIENCE_SECONDS)


def test_what_is_handled_is_deleted_in_batches():
    setting = Setting(ignore)
    for number in range(100):
        setting.queue.send({"n": number})
    with setting.running():
        setting.drain()
    assert setting.consumer.health().details["handled"] == 100
    assert setting.queue.count("delete") < 50


def test_nothing_is_deleted_before_its_handler_returned():
    gate = Gate()
    setting = Setting(gate)
    setting.queue.send({})
    with setting.running():
        until(lambda: gate.entered, "the handler to begin")
        assert setting.queue.count("delete") == 0
        gate.open.set()
        setting.drain()


def test_never_more_is_received_than_can_start_now():
    gate = Gate()
    setting = Setting(gate, concurrency=3)
    for number in range(20):
        setting.queue.send({"n": number})
    with setting.running():
        until(lambda: len(gate.entered) == 3, "three handlers")
        assert setting.depth().in_flight == 3
        gate.open.set()
        setting.drain()
    assert all(named["limit"] <= 3 for verb, _, named in setting.queue.calls if verb == "receive")


def test_a_failed_message_comes_back_after_its_backoff_by_its_own_visibility():
    attempts = []

    def handle(payload: dict, message: Message) -> None:
        attempts.append(message.receive_count)
        if message.receive_count < 3:
            raise ValueError("not yet")

    setting = Setting(handle)
    setting.queue.send({})
    with setting.running():
        for expected in (1, 2, 3):
            until(lambda expected=expected: len(attempts) == expected, "the next attempt")
            if expected < 3:
                until(lambda expected=expected: setting.queue.count("extend") == expected, "the backoff")
                setting.clock.advance(timedelta(seconds=1))
        setting.drain()
    assert attempts == [1, 2, 3]


def test_a_handler_chooses_its_delay_up_to_twelve_hours():
    def handle(payload: dict) -> None:
        raise Retry(after=timedelta(days=2))

    setting = Setting(handle)
    setting.queue.send({})
    with setting.running():
        until(lambda: setting.queue.count("extend"), "the backoff")
    ((change,),) = next(arguments for verb, arguments, _ in setting.queue.calls if verb == "extend")
    assert change.timeout == timedelta(hours=12, seconds=-1)  # SQS counts from the receive


def test_a_rejected_message_is_deleted_only_once_its_copy_stands_in_the_dead_letter_queue():
    def handle(payload: dict) -> None:
        raise Reject("no such customer")

    setting = Setting(handle)
    setting.queue.send({"n": 1})
    setting.dead_letters.faults["send_batch"] = [
        Unreachable("gone"),
        BatchResult({}, (BatchFailure(0, "InternalError", "try again", transient=True),)),
    ]
    with setting.running():
        for attempt in (1, 2):
            until(lambda attempt=attempt: setting.queue.count("extend") == attempt, "the backoff")
            assert setting.queue.count("delete") == 0
            setting.clock.advance(timedelta(seconds=1))
        setting.drain()
    (letter,) = setting.dead_letters.receive()
    assert json.loads(letter.body) == {"n": 1}
    assert letter.attributes["blackcat.reason"].value == "no such customer"


def test_without_a_dead_letter_queue_a_rejected_message_stays_in_its_queue():
    def handle(payload: dict) -> None:
        raise Reject("no such customer")

    setting = Setting(handle, dead_letters=False)
    setting.queue.send({})
    with setting.running():
        until(lambda: setting.queue.count("extend"), "the backoff")
    assert setting.depth().total == 1


def test_failed_deletes_are_tried_again():
    setting = Setting(ignore)
    setting.queue.faults["delete"] = [
        ServiceUnavailable("later"),
        BatchResult({}, (BatchFailure(0, "InternalError", "", transient=True),)),
    ]
    setting.queue.send({})
    with setting.running():
        setting.drain()
    assert setting.queue.count("delete") == 3


@pytest.mark.parametrize(
    "error", [ServiceUnavailable("down"), QueueNotFound("deleted"), AccessDenied("revoked")]
)
def test_errors_of_the_queue_never_end_the_loop(error):
    setting = Setting(ignore)
    setting.queue.faults["receive"] = [error, error]
    setting.queue.send({})
    with setting.running():
        setting.drain()
    assert setting.failure is None


def test_a_queue_out_of_reach_at_start_is_tried_again():
    setting = Setting(ignore)
    setting.broker.describe_faults = [Unreachable("refused"), Unreachable("refused")]
    setting.queue.send({})
    with setting.running():
        setting.drain()


def test_a_stop_while_the_queue_is_out_of_reach_ends_at_once():
    setting = Setting(ignore)
    setting.broker.describe_faults = [Unreachable("refused")] * 1000
    with setting.running():
        until(lambda: len(setting.broker.describe_faults) < 1000, "the first try")
        report = setting.consumer.health()
        assert not report.healthy
        assert "refused" in report.reasons[0]


@pytest.mark.parametrize("error", [QueueNotFound("no such queue"), AccessDenied("no permission")])
def test_a_missing_queue_or_permission_at_start_ends_it(error):
    setting = Setting(ignore)
    setting.broker.describe_faults = [error]
    with setting.running():
        until(lambda: setting.failure, "the failure")
    assert isinstance(setting.failure, ConfigurationError)
    assert error.detail in str(setting.failure)


def test_leases_are_extended_while_a_handler_runs():
    gate = Gate()
    setting = Setting(gate)
    setting.queue.send({})
    with setting.running():
        until(lambda: gate.entered, "the handler to begin")
        for beat in (1, 2, 3):
            setting.clock.advance(timedelta(seconds=40))
            until(lambda beat=beat: setting.queue.count("extend") == beat, "a heartbeat")
            assert setting.depth().in_flight == 1
        assert gate.entered[0].lease.held
        gate.open.set()
        setting.drain()
    assert len(gate.entered) == 1


def test_a_lost_lease_is_seen_by_its_handler_and_logged(caplog):
    gate = Gate()
    setting = Setting(gate, concurrency=1)
    setting.queue.send({})
    with caplog.at_level(logging.WARNING), setting.running():
        until(lambda: gate.entered, "the handler to begin")
        setting.clock.advance(timedelta(seconds=61))
        until(lambda: not gate.entered[0].lease.held, "the loss of the lease")
        gate.open.set()
        setting.drain()
    assert {"message.lease_lost", "message.left_without_lease"} & {one.message for one in caplog.records}


def test_extensions_end_at_the_longest_handling_time_and_health_tells():
    gate = Gate()
    setting = Setting(gate, max_handling=timedelta(seconds=100))
    setting.queue.send({})
    with setting.running():
        until(lambda: gate.entered, "the handler to begin")
        for _ in range(3):
            setting.clock.advance(timedelta(seconds=40))
            time.sleep(0.02)
        until(lambda: not gate.entered[0].lease.held, "the end of the lease")
        report = setting.consumer.health()
        assert report.status_code == 503
        assert any("a handler has been running for" in reason for reason in report.reasons)
        gate.open.set()


def test_a_stop_lets_handlers_finish_and_gives_the_rest_back():
    gate = Gate()
    setting = Setting(gate, concurrency=2)
    for number in range(4):
        setting.queue.send({"n": number})
    with setting.running():
        until(lambda: len(gate.entered) == 2, "two handlers")
        setting.shutdown.request("SIGTERM")
        until(setting.shutdown.requested.is_set, "the stop")
        gate.open.set()
    assert setting.depth().in_flight == 0
    assert setting.depth().waiting == 4 - len(gate.entered)


def test_messages_of_a_poll_under_way_at_the_stop_are_released_last_first():
    setting = Setting(ignore)
    received = threading.Event()
    proceed = threading.Event()
    original = setting.queue.receive

    def slow_receive(**named):
        messages = original(**{**named, "limit": 10})
        if messages:
            received.set()
            proceed.wait(PATIENCE_SECONDS)
        return messages

    setting.queue.receive = slow_receive
    for number in range(3):
        setting.queue.send({"n": number})
    with setting.running():
        until(received.is_set, "the poll")
        setting.shutdown.request("SIGTERM")
        until(setting.shutdown.requested.is_set, "the stop")
        time.sleep(0.05)
        proceed.set()
    assert setting.depth().waiting == 3
    assert setting.consumer.health().details["handled"] == 0
    ((released,),) = [arguments for verb, arguments, _ in setting.queue.calls if verb == "release"]
    assert len(released) == 3


def test_a_handler_beyond_the_budget_is_abandoned_and_its_message_given_back():
    gate = Gate()
    setting = Setting(gate, budget=3)
    setting.queue.send({})
    with setting.running():
        until(lambda: gate.entered, "the handler to begin")
        setting.shutdown.request("SIGTERM")
        until(setting.shutdown.requested.is_set, "the stop")
    assert setting.depth().waiting == 1
    gate.open.set()


def fifo(setting, groups, each):
    for number in range(each):
        for group in groups:
            setting.queue.send({"n": number}, group_id=group, deduplication_id=f"{group}-{number}")


def test_a_fifo_group_is_handled_one_after_the_other_and_groups_in_parallel():
    order, together, most = [], Counter(), Counter()
    lock = threading.Lock()

    def handle(payload: dict, message: Message) -> None:
        with lock:
            together[message.group_id] += 1
            most[message.group_id] = max(most[message.group_id], together[message.group_id])
            order.append((message.group_id, payload["n"]))
        time.sleep(0.001)
        with lock:
            together[message.group_id] -= 1

    setting = Setting(handle, name="orders.fifo")
    fifo(setting, "abc", 30)
    with setting.running():
        setting.drain()
    for group in "abc":
        assert [number for handled, number in order if handled == group] == list(range(30))
    assert set(most.values()) == {1}


def test_nothing_later_of_a_fifo_group_goes_before_the_one_that_failed():
    order = []

    def handle(payload: dict, message: Message) -> None:
        order.append((payload["n"], message.receive_count))
        if payload["n"] == 3 and message.receive_count == 1:
            raise ValueError("not yet")

    setting = Setting(handle, name="orders.fifo")
    fifo(setting, "a", 8)
    with setting.running():
        setting.drain()
    handled = [number for number, attempt in order if not (number == 3 and attempt == 1)]
    assert handled == list(range(8))


def test_a_stop_in_the_middle_of_a_fifo_group_keeps_its_order():
    gate = Gate()
    setting = Setting(gate, name="orders.fifo")
    fifo(setting, "a", 5)
    with setting.running():
        until(lambda: gate.entered, "the first of the group")
        setting.shutdown.request("SIGTERM")
        until(setting.shutdown.requested.is_set, "the stop")
        gate.open.set()
    assert setting.depth().in_flight == 0
    left = [json.loads(message.body)["n"] for message in setting.queue.receive()]
    assert left == list(range(len(gate.entered), 5))


def test_one_poll_at_a_time_while_idle_and_more_under_load():
    together, most = Counter(), Counter()
    lock = threading.Lock()
    setting = Setting(ignore, concurrency=40)
    receive = setting.queue.receive

    def counted(**named):
        with lock:
            together["polls"] += 1
            busy = "load" if setting.depth().waiting else "idle"
            most[busy] = max(most[busy], together["polls"])
        time.sleep(0.005)
        setting.clock.advance(timedelta(milliseconds=20))
        try:
            return receive(**named)
        finally:
            with lock:
                together["polls"] -= 1

    def alone():
        most.clear()
        time.sleep(0.3)
        return most["idle"] == 1

    setting.queue.receive = counted
    for number in range(600):
        setting.queue.send({"n": number})
    with setting.running():
        setting.drain()
        until(lambda: together["polls"] <= 1, "the surplus polls to end")
        assert 1 < most["load"] <= 4
        until(alone, "a single poll at a time")
        assert setting.consumer.health().healthy
    assert setting.consumer.health().details["handled"] == 600


def test_what_lost_its_lease_is_neither_deleted_nor_counted_as_handled():
    gate = Gate()
    setting = Setting(gate, concurrency=1)
    setting.queue.send({})
    with setting.running():
        until(lambda: gate.entered, "the handler to begin")
        setting.clock.advance(timedelta(seconds=61))
        until(lambda: not gate.entered[0].lease.held, "the loss of the lease")
        gate.open.set()
        setting.drain()
    assert len(gate.entered) == 2
    counts = setting.consumer.health().details
    assert (counts["handled"], counts["lease_lost"]) == (1, 1)


def test_an_open_circuit_spares_the_receive_counts_and_health_says_degraded():
    down = threading.Event()
    down.set()

    def handle(payload: dict, message: Message) -> None:
        if down.is_set():
            raise ConnectionError("the database is down")

    setting = Setting(handle, circuit_breaker=CircuitBreaker(failures=3, pause=timedelta(seconds=30)))
    for number in range(40):
        setting.queue.send({"n": number})

    def status():
        setting.clock.advance(timedelta(milliseconds=100))
        return setting.consumer.health().status

    with setting.running():
        until(lambda: status() == "degraded", "the circuit to open")
        report = setting.consumer.health()
        assert report.status_code == 200
        assert "polling is paused" in report.as_json()["reasons"][0]

        def polls_in_a_while():
            before = setting.queue.count("receive")
            time.sleep(0.3)
            return setting.queue.count("receive") - before

        until(lambda: polls_in_a_while() == 0, "polling to pause")
        assert setting.depth().total == 40
        down.clear()
        setting.drain()
        assert setting.consumer.health().status == "healthy"
    assert setting.dead_letters.receive() == []


def test_a_rate_limit_holds():
    setting = Setting(ignore, rate_limit=5)
    for number in range(12):
        setting.queue.send({"n": number})
    handled = lambda: setting.consumer.health().details.get("handled", 0)  # noqa: E731 - read twice below
    with setting.running():
        until(lambda: handled() == 5, "the first second's messages")
        time.sleep(0.3)
        assert handled() == 5
        setting.clock.advance(timedelta(seconds=1))
        until(lambda: handled() == 10, "the next second's messages")


def forget_to_return(message, call_next):
    call_next(message)


def fail(message, call_next):
    raise KeyError("a bug in a middleware")


@pytest.mark.parametrize("middleware", [forget_to_return, fail])
def test_a_middleware_that_fails_or_forgets_to_return_is_a_logged_retry(middleware, caplog):
    setting = Setting(ignore, middleware=middleware)
    setting.queue.send({})
    with setting.running():
        until(lambda: setting.queue.count("extend"), "the backoff")
        assert setting.consumer.health().healthy
    assert setting.depth().total == 1
    assert {"message.failed_outside_its_handler", "message.without_outcome"} & {
        record.message for record in caplog.records
    }


class UnprintableError(Exception):
    def __str__(self):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    "raised",
    [
        lambda: Retry(after=30),
        lambda: Retry(timedelta(minutes=5)),
        lambda: Reject(ValueError("x")),
        lambda: Reject(None),
        lambda: Reject("name \ud800 \ufffe \x00"),
        UnprintableError,
        lambda: SystemExit(0),
    ],
)
def test_no_slip_of_a_handler_ends_the_consumer(raised):
    def handle(payload: dict) -> None:
        if payload["slip"]:
            raise raised()

    setting = Setting(handle)
    setting.queue.send({"slip": True})
    setting.queue.send({"slip": False})
    with setting.running():
        setting.drain()
        assert setting.consumer.health().healthy
        assert setting.consumer.health().details["handled"] == 1
    assert setting.failure is None
    assert len(setting.dead_letters.receive()) == 1


def test_no_body_ends_the_consumer():
    setting = Setting(ignore)
    wrapped = {
        "Type": "Notification",
        "MessageId": "1",
        "TopicArn": "t",
        "Message": "{}",
        "Timestamp": "2026",
    }
    setting.queue.send({**wrapped, "MessageAttributes": {"x": {"Type": "Binary", "Value": "é"}}})
    setting.queue.send({})
    with setting.running():
        setting.drain()
    assert setting.failure is None


def test_a_release_that_is_refused_for_a_moment_is_tried_again():
    gate = Gate()
    setting = Setting(gate, concurrency=1, budget=3)
    setting.queue.faults["release"] = [
        BatchResult({}, (BatchFailure(0, "InternalError", "", transient=True),)),
        Unreachable("gone"),
    ]
    setting.queue.send({})
    with setting.running():
        until(lambda: gate.entered, "the handler to begin")
    assert setting.depth().waiting == 1
    gate.open.set()


def test_a_thread_that_dies_releases_what_it_held_and_fails_the_service():
    setting = Setting(ignore)
    setting.queue.send({})

    def broken(received, doubtful, helped):
        setting.consumer._running._leases.hold(received)
        raise AssertionError("a bug")

    with setting.running():
        until(lambda: setting.consumer._running and setting.queue.count("receive"), "the start")
        setting.consumer._running._pollers._deliver = broken
        setting.queue.send({})
        until(lambda: setting.failure, "the failure")
    assert isinstance(setting.failure, ServiceFailed)
    assert setting.depth().in_flight == 0


def test_a_queue_that_hides_nothing_is_refused():
    setting = Setting(ignore, name="unhidden", visibility_timeout=timedelta(0))
    with setting.running():
        until(lambda: setting.failure, "the failure")
    assert "visibility timeout of 0" in str(setting.failure)


def test_a_fifo_group_redelivered_while_it_runs_is_not_handled_twice_at_once():
    together, most = Counter(), Counter()
    lock = threading.Lock()
    entered = threading.Event()
    proceed = threading.Event()

    def handle(payload: dict, message: Message) -> None:
        with lock:
            together[message.group_id] += 1
            most[message.group_id] = max(most[message.group_id], together[message.group_id])
        entered.set()
        proceed.wait(PATIENCE_SECONDS)
        with lock:
            together[message.group_id] -= 1

    setting = Setting(handle, name="orders.fifo")
    fifo(setting, "a", 3)
    with setting.running():
        until(entered.is_set, "the first")
        setting.clock.advance(timedelta(seconds=61))  # the lease is lost: the group comes again
        time.sleep(0.3)
        proceed.set()
        setting.drain()
    assert most["a"] == 1


def test_one_fifo_group_leaves_the_other_handlers_to_others():
    gate = Gate()
    setting = Setting(gate, name="orders.fifo", concurrency=4)
    fifo(setting, "a", 8)
    for group in "bcd":
        setting.queue.send({"n": 0}, group_id=group, deduplication_id=group)
    with setting.running():
        until(lambda: {message.group_id for message in gate.entered} == set("abcd"), "all four groups")
        gate.open.set()
        setting.drain()


def test_a_failing_head_of_a_fifo_group_does_not_drag_the_others_to_the_dead_letter_queue():
    handled = []

    def handle(payload: dict, message: Message) -> None:
        if payload["n"] == 0:
            raise ValueError("always")
        handled.append((message.group_id, payload["n"]))

    setting = Setting(handle, name="orders.fifo")
    fifo(setting, "ab", 5)
    with setting.running():
        setting.drain()
    assert sorted(handled) == [(group, number) for group in "ab" for number in range(1, 5)]


def test_a_group_goes_on_after_its_last_message_failed():
    failed = []

    def handle(payload: dict, message: Message) -> None:
        if not failed:
            failed.append(message.id)
            raise ValueError("once")

    setting = Setting(handle, name="orders.fifo")
    fifo(setting, "a", 1)
    with setting.running():
        until(lambda: failed, "the failure")
        setting.queue.send({"n": 1}, group_id="a", deduplication_id="later")
        setting.drain()
    assert setting.consumer.health().details["handled"] == 2


@pytest.mark.parametrize(("delay", "times"), [(50, 1), (70, 2)])
def test_what_was_long_on_its_way_is_handled_only_if_it_is_still_ours(delay, times):
    handled = []

    def handle(payload: dict, message: Message) -> None:
        handled.append((message.receive_count, message.lease.held))

    setting = Setting(handle)
    receive = setting.queue.receive
    late = [True]

    def slow(**named):
        messages = receive(**named)
        if messages and late:
            late.pop()
            setting.clock.advance(timedelta(seconds=delay))  # while the visibility timeout of 60 s runs
        return messages

    setting.queue.receive = slow
    setting.queue.send({})
    with setting.running():
        setting.drain()
    assert handled == [(times, True)]


def test_a_stop_gives_back_nothing_that_its_own_open_polls_would_receive_again():
    gate = Gate()
    setting = Setting(gate, concurrency=30, wait=timedelta(seconds=1))
    for number in range(3):
        setting.queue.send({"n": number})
    with setting.running():
        until(lambda: len(gate.entered) == 3, "three handlers")
        setting.shutdown.request("SIGTERM")
        setting.queue.send({"n": 3})
        setting.queue.send({"n": 4})
        gate.open.set()
    assert setting.depth().in_flight == 0
    assert all(message.receive_count <= 2 for message in setting.queue.receive())


def test_quick_handlers_run_in_the_thread_that_received_their_messages():
    threads = []

    def handle(payload: dict):
        threads.append(threading.current_thread().name)

    setting = Setting(handle)
    for number in range(30):
        setting.queue.send({"number": number})
    with setting.running():
        until(lambda: len(threads) == 30, "all messages")
    # A machine that stops for a moment makes a handler look slow: then others take over.
    assert sum(name.startswith("poller") for name in threads) >= 10


def test_a_poller_that_is_stuck_in_a_handler_is_replaced():
    release = threading.Event()
    handled = []

    def handle(payload: dict):
        if payload["first"]:
            release.wait(PATIENCE_SECONDS)
        handled.append(payload["first"])

    setting = Setting(handle)
    setting.queue.send({"first": True})
    with setting.running():
        until(lambda: setting.depth().in_flight == 1, "the first message")
        setting.queue.send({"first": False})
        until(lambda: handled == [False], "the second message")
        release.set()
        until(lambda: handled == [False, True], "the first message's end")
    assert setting.depth() == QueueDepth(0, 0, 0)


def test_a_stop_waits_for_a_poller_that_handles_as_for_any_handler():
    began, release = threading.Event(), threading.Event()
    handled = []

    def handle(payload: dict):
        began.set()
        release.wait(PATIENCE_SECONDS)
        handled.append(payload)

    setting = Setting(handle)
    setting.queue.send({})
    with setting.running():
        assert began.wait(PATIENCE_SECONDS)
        setting.shutdown.request("a test")
        until(lambda: setting.consumer._running._handlers._closed, "the drain")
        release.set()
    assert handled == [{}]
    assert setting.depth() == QueueDepth(0, 0, 0)


def test_a_poller_that_is_stuck_in_a_later_message_of_its_lane_is_replaced():
    release = threading.Event()
    handled = []

    def handle(payload: dict):
        if payload["n"] == 0:  # slow enough that it is noticed when it ends, not while it runs
            setting.clock.advance(timedelta(milliseconds=5))
        if payload["n"] == 1:
            release.wait(PATIENCE_SECONDS)
        handled.append(payload["n"])

    setting = Setting(handle, name="orders.fifo")
    for number in (0, 1):
        setting.queue.send({"n": number}, group_id="a", deduplication_id=str(number))
    with setting.running():
        until(lambda: handled == [0], "the first message")
        setting.queue.send({"n": 2}, group_id="b", deduplication_id="2")
        until(lambda: handled == [0, 2], "the message of another group")
        release.set()
    assert handled == [0, 2, 1]


def test_a_poison_head_slows_no_other_group_once_it_is_dead_lettered():
    def handle(payload: dict):
        raise ValueError("poison")

    setting = Setting(handle, name="orders.fifo")
    setting.queue.send({}, group_id="a", deduplication_id="1")
    with setting.running():

        def dead_lettered():
            setting.clock.advance(timedelta(seconds=0.1))
            return setting.depth().total == 0

        until(dead_lettered, "the redrive")
        assert setting.consumer._running._failing.limit() == 10
