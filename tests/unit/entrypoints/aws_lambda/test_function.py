import json
import logging
import threading
from datetime import datetime, timedelta, timezone

import pytest

from blackcat import Message, Reject, Retry, Run, Service, ServiceType, Settings
from blackcat.application.metrics import NoMetrics, metrics
from blackcat.entrypoints.aws_lambda.consuming import ConsumerFunction
from blackcat.entrypoints.aws_lambda.invoking import LambdaHandler
from blackcat.entrypoints.aws_lambda.start import Started
from blackcat.entrypoints.aws_lambda.working import WorkerFunction
from blackcat.errors import InvalidEvent, ServiceFailed, UnknownEvent
from blackcat.resources import QueueResource
from blackcat.testing import FrozenClock, InMemoryBroker, InMemoryMetrics
from blackcat.testing.events import (
    LambdaContext,
    eventbridge_event,
    sns_event,
    sns_notification,
    sqs_event,
    sqs_record,
)
from cases.lambda_events import HTTP, NAMES, golden, with_one_missing

LONG = timedelta(minutes=1)


def consumer(handle, **declared):
    service = Service(
        name="orders", type=ServiceType.CONSUMER, entrypoint=handle, queue_name="orders", **declared
    )
    settings = Settings()
    return LambdaHandler(Started(service, settings, ConsumerFunction(service, None, settings)))


def worker(job, **declared):
    service = Service(name="nightly", type=ServiceType.WORKER, entrypoint=job, **declared)
    settings = Settings()
    return LambdaHandler(Started(service, settings, WorkerFunction(service, None, settings)))


@pytest.fixture
def recorded():
    backend = InMemoryMetrics()
    metrics.use(backend)
    yield backend
    metrics.use(NoMetrics())


@pytest.mark.parametrize("name", ["sqs", "sqs_fifo"])
def test_a_golden_batch_is_handled(name):
    seen = []

    def handle(order: dict) -> None:
        seen.append(order["order_id"])

    assert consumer(handle)(golden(name), LambdaContext()) == {"batchItemFailures": []}
    assert sorted(seen) == list(range(1, len(seen) + 1))


@pytest.mark.parametrize("name", ["sns", "eventbridge"])
def test_what_a_topic_or_bus_sends_directly_is_handled(name):
    seen = []

    def handle(order: dict, message: Message) -> None:
        seen.append((order, message.envelope is not None))

    assert consumer(handle)(golden(name), LambdaContext()) is None
    assert seen == [({"order_id": 1}, True)]


@pytest.mark.parametrize(
    "event", [sns_event(sns_notification({})), eventbridge_event({})], ids=["sns", "eventbridge"]
)
@pytest.mark.parametrize(
    "raised", [ValueError("token=hunter2hunter2"), Retry("later"), Reject("no such order")]
)
def test_what_is_sent_directly_and_fails_fails_the_invocation(event, raised):
    def handle(order: dict) -> None:
        raise raised

    with pytest.raises(ServiceFailed, match="was not handled") as caught:
        consumer(handle)(event, LambdaContext())
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", [*HTTP, "direct", "schedule_rule", "schedule_scheduler"])
def test_a_consumer_refuses_what_is_not_for_one(name, caplog):
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(UnknownEvent, match="consumer 'orders' takes events of SQS"),
    ):
        consumer(_nothing)(golden(name), LambdaContext())
    assert [line.message for line in caplog.records] == ["event.refused"]


def _nothing(order: dict) -> None:
    """A handler that is content with everything."""


@pytest.mark.parametrize("name", NAMES)
def test_no_missing_field_is_an_opaque_error(name):
    for handler in (consumer(_nothing), worker(lambda: None)):
        for path, event in with_one_missing(name):
            try:
                handler(event, LambdaContext())
            except InvalidEvent as error:
                assert str(error), path  # noqa: PT017 - of each of them


def test_handlers_run_at_once_up_to_the_concurrency():
    both = threading.Barrier(2, timeout=60)

    def handle(order: dict) -> None:
        both.wait()

    assert consumer(handle)(sqs_event(sqs_record({}), sqs_record({})), LambdaContext()) == {
        "batchItemFailures": []
    }


def test_middleware_goes_around_the_handler():
    seen = []

    def layer(message, call_next):
        seen.append(message.body)
        return call_next(message)

    consumer(_nothing, middleware=[layer])(sqs_event(sqs_record("{}")), LambdaContext())
    assert seen == ["{}"]


def test_a_handler_can_ask_whether_its_lease_is_held():
    held = []

    def handle(message: Message) -> None:
        held.append((message.lease.held, message.lease.left()))

    consumer(handle)(sqs_event(sqs_record("x")), LambdaContext(remaining=timedelta(seconds=10)))
    [(is_held, left)] = held
    assert is_held
    assert timedelta(0) < left <= timedelta(seconds=10)


def test_nothing_is_begun_once_time_is_over():
    event = sqs_event(sqs_record("x"))
    event["Records"][0]["receiptHandle"] = ""  # which keeps it from being released
    answer = consumer(_fail)(event, LambdaContext(remaining=timedelta(0)))
    assert len(answer["batchItemFailures"]) == 1


def _fail(order: str) -> None:
    raise AssertionError("not to be called")


@pytest.mark.parametrize(
    ("event", "due"),
    [
        (golden("schedule_rule"), datetime(2015, 10, 8, 16, 53, 6, tzinfo=timezone.utc)),
        (golden("schedule_scheduler"), datetime(2022, 3, 22, 18, 59, 43, tzinfo=timezone.utc)),
        (golden("schedule_scheduler_input"), datetime(2022, 3, 22, 18, 59, 43, tzinfo=timezone.utc)),
    ],
)
def test_a_run_knows_when_it_was_due(event, due):
    seen = []

    def job(run: Run) -> None:
        seen.append(run.scheduled_at)

    assert worker(job)(event, LambdaContext()) == {"ended": "finished"}
    assert seen == [due]


@pytest.mark.parametrize("event", [{}, None])
def test_a_direct_invocation_is_a_run(event):
    assert worker(lambda: None)(event, LambdaContext()) == {"ended": "finished"}


@pytest.mark.parametrize(
    "event",
    [
        {"source": "aws.cloudwatch", "alarmArn": "arn", "alarmData": {}},
        {"Step": "createSecret", "SecretId": "arn", "ClientRequestToken": "t"},
        {"detailtype": "Order Placed", "detail": {}},
        {"scheduled_at": "2030-01-01T12:00:00Z", "jop": 1},
    ],
)
def test_a_job_does_not_run_for_an_event_that_means_something_else(event):
    with pytest.raises(UnknownEvent, match="is no direct invocation of worker 'nightly': invoke it with {}"):
        worker(_unwanted)(event, LambdaContext())


def _unwanted() -> None:
    raise AssertionError("not to be called")


@pytest.mark.parametrize("event", [sns_event(sns_notification({})), eventbridge_event({})])
def test_what_a_middleware_raises_fails_the_invocation_without_secrets(event):
    def layer(message, call_next):
        raise SystemExit("password=hunter2hunter2")

    with pytest.raises(ServiceFailed, match="was not handled: SystemExit") as caught:
        consumer(_nothing, middleware=[layer])(event, LambdaContext())
    assert "hunter2" not in str(caught.value)


def test_an_error_is_no_longer_than_lambda_takes():
    def handle(order: dict) -> None:
        raise ValueError("x" * 7_000_000)

    with pytest.raises(ServiceFailed) as caught:
        consumer(handle)(sns_event(sns_notification({})), LambdaContext())
    assert len(str(caught.value)) < 20_000


def test_a_record_without_its_arn_leaves_the_others_their_queue():
    asked = []

    class Queues(InMemoryBroker):
        def describe(self, name):
            asked.append(name)
            return super().describe(name)

    broker = Queues(FrozenClock())
    broker.create(QueueResource("orders"))
    service = Service(name="orders", type=ServiceType.CONSUMER, entrypoint=_failing, queue_name="orders")
    function = ConsumerFunction(service, None, Settings(), broker=lambda: broker)
    first, second = sqs_record({}, queue="orders"), sqs_record({}, queue="orders")
    del first["eventSourceARN"]
    LambdaHandler(Started(service, Settings(), function))(sqs_event(first, second), LambdaContext())
    assert asked == ["orders"]


def _failing(order: dict) -> None:
    raise ValueError("no")


def test_a_failed_run_fails_the_invocation_without_its_secrets():
    def job() -> None:
        raise RuntimeError("password=hunter2hunter2")

    with pytest.raises(ServiceFailed, match="worker 'nightly' failed: RuntimeError: password=") as caught:
        worker(job)({}, LambdaContext())
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_run_is_asked_to_stop_before_the_functions_time_is_over():
    def job(run: Run) -> None:
        assert not run.wait(LONG)

    # Asynchronous answers are read by nobody: a run that was cut off would be neither tried again nor seen.
    with pytest.raises(ServiceFailed, match="ended with stopped: the function's time is running out"):
        worker(job)({}, LambdaContext(remaining=timedelta(seconds=0.5)))


def test_a_run_that_exceeds_its_own_deadline_fails():
    def job(run: Run) -> None:
        run.wait(LONG)

    with pytest.raises(ServiceFailed, match="deadline_exceeded"):
        worker(job, deadline=timedelta(milliseconds=10))({}, LambdaContext())


@pytest.mark.parametrize("name", [*HTTP, "sqs", "sns", "eventbridge"])
def test_a_worker_refuses_what_is_not_for_one(name):
    with pytest.raises(
        UnknownEvent, match="worker 'nightly' takes events of a schedule, a direct invocation"
    ):
        worker(lambda: None)(golden(name), LambdaContext())


def test_metrics_are_flushed_at_the_end_of_each_invocation_however_it_ends(recorded):
    flushed = []
    recorded.flush = lambda: flushed.append(1)
    handler = consumer(_nothing)
    handler(golden("sqs"), LambdaContext())
    for refused in ([], {"Records": []}, golden("direct")):
        with pytest.raises(InvalidEvent):
            handler(refused, LambdaContext())
    assert len(flushed) == 4


def test_messages_are_counted_as_their_process_counts_them(recorded):
    def handle(order: dict) -> None:
        if order:
            raise Reject("no such order")

    records = [sqs_record(payload) | {"receiptHandle": ""} for payload in ({}, {}, {"n": 1})]
    consumer(handle)(sqs_event(*records), LambdaContext())
    found = {
        name: recorded.counted(f"blackcat_messages_{name}") for name in ("received", "handled", "rejected")
    }
    assert found == {"received": 3, "handled": 2, "rejected": 1}


def test_metrics_that_cannot_be_flushed_fail_no_invocation(recorded, caplog):
    def flush():
        raise OSError("full")

    recorded.flush = flush
    assert consumer(_nothing)(golden("sqs"), LambdaContext()) == {"batchItemFailures": []}
    assert [line.message for line in caplog.records if line.levelno == logging.ERROR] == [
        "metrics.not_flushed"
    ]


def test_an_unforeseen_error_is_logged_and_raised_without_secrets(caplog):
    service = Service(name="orders", type=ServiceType.CONSUMER, entrypoint=_nothing, queue_name="orders")

    def broken(invocation):
        raise KeyError("password=hunter2hunter2")

    handler = LambdaHandler(Started(service, Settings(), broken))
    with caplog.at_level(logging.ERROR), pytest.raises(ServiceFailed, match="KeyError") as caught:
        handler(golden("sqs"), LambdaContext())
    assert "hunter2" not in str(caught.value)
    assert [line.message for line in caplog.records] == ["invocation.failed"]


def test_an_invocation_that_is_about_to_be_killed_says_where_it_stands_and_hands_over_its_metrics(
    recorded, caplog
):
    flushed = threading.Event()
    recorded.flush = flushed.set

    def handle(order: dict) -> None:
        assert flushed.wait(60)

    service = Service(name="orders", type=ServiceType.CONSUMER, entrypoint=_nothing, queue_name="orders")
    handler = LambdaHandler(Started(service, Settings(), lambda invocation: handle({})))
    with caplog.at_level(logging.ERROR):
        handler(golden("sqs"), LambdaContext(remaining=timedelta(seconds=0.31)))
    [line] = [line for line in caplog.records if line.message == "invocation.overdue"]
    assert "flushed.wait(60)" in line.fields["stack"]


def test_lambdas_own_clock_bounds_a_batch():
    clock = FrozenClock()
    seen = []

    def handle(order: dict) -> None:
        seen.append(order)
        clock.advance(timedelta(seconds=20))

    records = [sqs_record({"n": n}) | {"receiptHandle": ""} for n in range(4)]
    settings = Settings(consumer_concurrency=1)
    service = Service(name="orders", type=ServiceType.CONSUMER, entrypoint=handle, queue_name="orders")
    handler = LambdaHandler(Started(service, settings, ConsumerFunction(service, None, settings)))
    answer = handler(sqs_event(*records), LambdaContext(remaining=timedelta(seconds=50), clock=clock))
    assert len(seen) == 2
    named = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
    assert named == [record["messageId"] for record in records[2:]]


def test_a_function_can_be_asked_whether_it_has_started_and_then_does_nothing():
    def job() -> None:
        raise AssertionError("not to be called")

    asked = {"blackcat": "check"}
    told = {"service": "nightly", "type": "worker", "version": ""}
    assert worker(job)(asked, LambdaContext()) == told
    told = {"service": "orders", "type": "consumer", "version": ""}
    assert consumer(_fail)(asked, LambdaContext()) == told


def test_answers_are_json():
    for answer in (
        worker(lambda: None)({}, LambdaContext()),
        consumer(_nothing)(golden("sqs"), LambdaContext()),
    ):
        assert json.loads(json.dumps(answer)) == answer
