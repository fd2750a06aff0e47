"""The plan of a project, and its way from one process to another."""

import json

import pytest

from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.application.dev.plan import PlannedService, ProjectPlan, plan_of
from blackcat.errors import UnknownService
from blackcat.resources import EventBusResource, QueueResource, TopicResource

placed, shipped = TopicResource("placed"), TopicResource("shipped")
shop = EventBusResource("shop")
orders = Service(
    name="orders",
    type=ServiceType.CONSUMER,
    entrypoint="shop:handle",
    queue_name="orders_cmd",
    subscribes=[
        placed,
        shop.rule(pattern={"source": ["shop"]}),
        shop.rule(pattern={"detail": {"size": ["L"]}}, name="large"),
    ],
    uses=[shipped.publish(), QueueResource("bills").send()],
)
api = Service(name="api", type=ServiceType.REST_API, endpoint_module="shop.api")
nightly = Service(name="nightly", type=ServiceType.WORKER, entrypoint="shop:run", schedule="rate(1 day)")


@pytest.fixture
def plan():
    return plan_of(ServiceRegistry([orders, api, nightly]), port=8080, stop_seconds=7.5)


def test_it_tells_what_runs_and_what_takes_messages(plan):
    assert plan.services == (
        PlannedService(
            "orders",
            ServiceType.CONSUMER,
            queue="orders_cmd",
            fed_by=("topic placed", "event bus shop", "rule large of event bus shop"),
        ),
        PlannedService("api", ServiceType.REST_API),
        PlannedService("nightly", ServiceType.WORKER, schedule="rate(1 day)"),
    )
    assert set(plan.queues) == {"bills", "orders_cmd"}
    assert plan.topics == ("placed",)  # nobody would see what is published to the other


def test_it_survives_the_way_as_json(plan):
    assert ProjectPlan.from_json(json.loads(json.dumps(plan.as_json()))) == plan


def test_only_some_services(plan):
    assert [service.name for service in plan.only(["api", "orders"]).services] == ["orders", "api"]
    assert plan.only([]) == plan
    assert plan.only(["gone"]).services == ()


def test_an_unknown_name_is_refused_with_the_known_ones(plan):
    plan.require(["api"])
    with pytest.raises(UnknownService, match="'oders': the services are orders, api, nightly"):
        plan.require(["api", "oders"])


def test_the_time_zone_of_a_schedule_is_planned():
    at_three = Service(
        name="w",
        type=ServiceType.WORKER,
        entrypoint="shop:run",
        schedule="cron(0 3 * * ? *)",
        timezone="America/Sao_Paulo",
    )
    plan = plan_of(ServiceRegistry([at_three]), port=8000, stop_seconds=25)
    assert plan.services == (
        PlannedService("w", ServiceType.WORKER, None, "cron(0 3 * * ? *)", "America/Sao_Paulo"),
    )
