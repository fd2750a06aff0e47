from datetime import timedelta

import pytest

from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.errors import InvalidDeclaration
from blackcat.resources import EventBusResource, QueueResource, TableResource, TopicResource

PAID = EventBusResource("shop").rule(pattern={"detail-type": ["Paid"]})


def consumer(**changes):
    declared = {
        "name": "orders",
        "type": ServiceType.CONSUMER,
        "entrypoint": "shop.consumers:OrderConsumer",
        "queue_name": "orders_cmd",
    }
    return Service(**{**declared, **changes})


def worker(**changes):
    return Service(**{"name": "tidy", "type": ServiceType.WORKER, "entrypoint": "shop.jobs:tidy", **changes})


def rest_api(**changes):
    return Service(**{"name": "api", "type": ServiceType.REST_API, "endpoint_module": "shop.api", **changes})


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: consumer(queue_name=None), "consumer 'orders' needs queue_name"),
        (lambda: consumer(entrypoint=None), "consumer 'orders' needs entrypoint"),
        (lambda: consumer(entrypoint="shop.consumers"), "write 'module:name'"),
        (lambda: consumer(entrypoint="shop/consumers:Order"), "write 'module:name'"),
        (lambda: consumer(queue_name="orders cmd"), "has a queue_name that SQS refuses"),
        (lambda: consumer(queue_name="o" * 81), "1 to 80 letters"),
        (lambda: consumer(endpoint_module="shop.api"), "has endpoint_module, which a consumer does not use"),
        (lambda: consumer(schedule="rate(5 minutes)"), "has schedule, which a consumer does not use"),
        (lambda: consumer(exclusive=True), "has exclusive, which a consumer does not use"),
        (lambda: consumer(deadline=timedelta(1)), "has deadline, which a consumer does not use"),
        (lambda: consumer(timezone="UTC"), "has timezone, which a consumer does not use"),
        (lambda: worker(timezone="UTC"), "has a timezone, and no schedule"),
        (lambda: worker(schedule="cron(0 3 * * ? *)", timezone="Mars"), "has the timezone 'Mars'"),
        (lambda: worker(schedule="cron(0 25 * * ? *)"), "hours '25' is not within 0 to 23"),
        (lambda: worker(deadline=600), "has the deadline 600: write deadline=timedelta"),
        (lambda: worker(deadline=timedelta(0)), "has the deadline"),
        (lambda: worker(exclusive="yes"), "has exclusive='yes': write True or False"),
        (lambda: consumer(uses=[QueueResource("other")]), "list grants, such as"),
        (lambda: consumer(subscribes=["topic"]), "list topics"),
        (lambda: consumer(subscribes=[PAID, PAID]), "two rules of event bus 'shop' named ''"),
        (lambda: consumer(queue_name="q.fifo", subscribes=[PAID]), "name a standard queue"),
        (lambda: worker(queue_name="orders_cmd"), "worker 'tidy' has queue_name"),
        (lambda: worker(schedule="every day"), "'rate(5 minutes)' or 'cron(0 3 * * ? *)'"),
        (lambda: worker(schedule="rate(0 minutes)"), "has the schedule"),
        (lambda: rest_api(endpoint_module=None), "rest-api 'api' needs endpoint_module"),
        (lambda: rest_api(endpoint_module="shop/api"), "as in an import"),
        (lambda: rest_api(entrypoint="shop.api:app"), "has entrypoint, which a rest-api does not use"),
        (lambda: consumer(uses=TopicResource("t").publish()), "write a list, uses=[...]"),
        (lambda: consumer(subscribes=TopicResource("t")), "write a list, subscribes=[...]"),
        (lambda: consumer(retry=None), "no RetryPolicy"),
        (lambda: consumer(entrypoint=12), "name a callable"),
        (lambda: consumer(queue_name=12), "needs queue_name"),
        (lambda: worker(schedule=5), "has the schedule 5"),
        (lambda: consumer(rate_limit=0), "give messages per second"),
        (lambda: consumer(rate_limit=True), "give messages per second"),
        (lambda: consumer(rate_limit=float("inf")), "give messages per second"),
        (lambda: consumer(rate_limit="50"), "give messages per second"),
        (lambda: consumer(circuit_breaker=5), "write CircuitBreaker"),
        (lambda: consumer(non_retryable=["ValueError"]), "'module:name' of one"),
        (lambda: consumer(non_retryable=[dict]), "list exception types"),
        (lambda: worker(rate_limit=1), "has rate_limit, which a worker does not use"),
        (lambda: rest_api(non_retryable=[ValueError]), "has non_retryable, which a rest-api does not use"),
        (lambda: consumer(type="consumer"), "needs type: one of ServiceType.CONSUMER"),
        (lambda: consumer(name=""), "SERVICE_NAME could not carry"),
        (lambda: consumer(name="start payment"), "SERVICE_NAME could not carry"),
        (lambda: consumer(name="1st"), "starting with a letter"),
        (lambda: consumer(name="ação"), "SERVICE_NAME could not carry"),
        (lambda: consumer(name="o" * 64), "1 to 63"),
        (lambda: consumer(name="orders\n"), "SERVICE_NAME could not carry"),
        (lambda: consumer(name=None), "SERVICE_NAME could not carry"),
    ],
)
def test_a_service_that_cannot_work_cannot_be_built(build, says):
    with pytest.raises(InvalidDeclaration) as refused:
        build()
    assert says in str(refused.value)


def test_every_problem_of_a_service_is_told_at_once():
    with pytest.raises(InvalidDeclaration) as refused:
        consumer(queue_name=None, entrypoint=None, schedule="rate(1 day)")
    assert str(refused.value).count("consumer 'orders'") == 3


def test_an_exclusive_worker_declares_the_table_of_its_lock():
    assert worker().lock is None
    exclusive = worker(exclusive=True)
    assert exclusive.lock == TableResource("tidy_lock", key="name")
    assert exclusive.uses == ()
    assert exclusive.grants == (exclusive.lock.lock(),)
    assert ServiceRegistry([exclusive]).resources == (exclusive.lock,)


@pytest.mark.parametrize("schedule", ["rate(1 minute)", "rate(12 hours)", "cron(0 3 * * ? *)", None])
def test_schedules_as_eventbridge_writes_them(schedule):
    assert worker(schedule=schedule).schedule == schedule


def test_a_callable_is_an_entrypoint_too():
    assert consumer(entrypoint=print).entrypoint is print


@pytest.mark.parametrize("written", ["rest-api", "RestAPI", "REST_API", "rest api", "RestApi"])
def test_a_service_type_is_read_in_any_spelling(written):
    assert ServiceType(written) is ServiceType.REST_API


def test_an_unknown_service_type_is_refused():
    with pytest.raises(ValueError, match="cron"):
        ServiceType("cron")


def test_a_topic_in_subscribes_is_a_subscription_without_options():
    topic = TopicResource("payment_processed")
    filtered = topic.subscription(filter_policy={"kind": ["card"]}, raw_delivery=True)
    plain, other = consumer(subscribes=[topic, filtered]).subscriptions
    assert (plain.topic, plain.filter_policy, plain.raw_delivery) == (topic, None, False)
    assert other is filtered


def test_topics_and_rules_are_told_apart():
    topic = TopicResource("payment_processed")
    service = consumer(subscribes=[PAID, topic])
    assert [subscription.topic for subscription in service.subscriptions] == [topic]
    assert service.rules == (PAID,)
