"""Checks of the declaration: a project that has the fault gives the finding, a healthy one none."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from blackcat import RetryPolicy, Service, ServiceRegistry, ServiceType
from blackcat.application.doctor.messaging import messaging
from blackcat.application.doctor.runtime import python
from blackcat.application.doctor.schedules import schedules
from blackcat.application.doctor.settings import settings
from blackcat.application.doctor.timing import RunSettings, timing
from blackcat.domain.setting import Setting
from blackcat.resources import EventBusResource, QueueResource, SecretResource, TableResource, TopicResource

HEALTHY_SETTINGS = RunSettings(
    wait=timedelta(seconds=10), budget=timedelta(seconds=25), max_handling=timedelta(minutes=15)
)
orders = TableResource("orders", key="order_id")
placed = TopicResource("order_placed")


def consumer(name="orders", queue="orders_cmd", **options):
    return Service(
        name=name, type=ServiceType.CONSUMER, entrypoint="shop:handle", queue_name=queue, **options
    )


def worker(schedule):
    return Service(name="nightly", type=ServiceType.WORKER, entrypoint="shop:job", schedule=schedule)


def sender(queue):
    return Service(name="api", type=ServiceType.REST_API, endpoint_module="shop.api", uses=[queue.send()])


def project(queue=None, **options):
    """An API that sends to a consumer's queue, which may be declared otherwise than by default."""
    queue = queue or QueueResource("orders_cmd")
    return ServiceRegistry(
        [sender(queue), consumer(queue=queue.name, subscribes=[], **options), worker("rate(5 minutes)")]
    )


def found(registry, run_settings=HEALTHY_SETTINGS):
    results = [*messaging(registry), *schedules(registry), *timing(registry, run_settings)]
    return {finding.rule.code: finding for finding in results}


def test_a_healthy_project_gives_no_findings():
    assert found(project()) == {}


def queue(**attributes):
    return QueueResource("orders_cmd", **attributes)


FAULTS = {
    "BC002": (ServiceRegistry([]), "no service"),
    "BC301": (project(queue(visibility_timeout=timedelta(0))), "is 0 seconds"),
    "BC302": (project(queue(visibility_timeout=timedelta(seconds=29))), "is 29 seconds"),
    "BC303": (project(queue(visibility_timeout=timedelta(hours=1))), "3600 seconds"),
    "BC304": (project(queue(retention=timedelta(minutes=15))), "0:15:00"),
    "BC305": (project(queue(retention=timedelta(minutes=1), delay=timedelta(minutes=1))), "60 seconds"),
    "BC306": (project(queue(max_receive_count=None)), "None"),
    "BC307": (project(queue(max_receive_count=1)), "is 1"),
    "BC308": (
        ServiceRegistry([sender(queue()), consumer(), consumer("letters", "orders_cmd_dlq")]),
        "orders_cmd",
    ),
    "BC309": (project(QueueResource("orders_fifo")), "'.fifo'"),
    "BC311": (ServiceRegistry([consumer(queue="orders.fifo", subscribes=[placed])]), "order_placed"),
    "BC312": (ServiceRegistry([consumer(subscribes=[TopicResource("placed.fifo")])]), "placed.fifo"),
    "BC313": (
        ServiceRegistry([consumer(subscribes=[placed, placed.subscription(raw_delivery=True)])]),
        "order_placed",
    ),
    "BC314": (
        ServiceRegistry([sender(queue()), consumer(), consumer("audit")]),
        "'orders', 'audit'",
    ),
    "BC315": (ServiceRegistry([consumer()]), "'orders' consumes it"),
    "BC316": (ServiceRegistry([sender(queue())]), "'api' may send to it"),
    "BC401": (ServiceRegistry([worker(None)]), "by hand"),
}


@pytest.mark.parametrize(("code", "registry", "told"), [(code, *fault) for code, fault in FAULTS.items()])
def test_a_fault_of_the_declaration_is_found(code, registry, told):
    assert told in found(registry)[code].what


SETTING_FAULTS = {
    "BC202": (replace(HEALTHY_SETTINGS, wait=timedelta(seconds=25)), "is 25"),
    "BC203": (replace(HEALTHY_SETTINGS, wait=timedelta(seconds=20), budget=timedelta(seconds=21)), "20"),
    "BC204": (replace(HEALTHY_SETTINGS, dry_run=True), "AWS_DRY_RUN"),
    "BC205": (replace(HEALTHY_SETTINGS, budget=timedelta(seconds=30)), "30"),
    "BC206": (replace(HEALTHY_SETTINGS, prefix="p" * 80), "80"),
}


@pytest.mark.parametrize(
    ("code", "run_settings", "told"), [(code, *fault) for code, fault in SETTING_FAULTS.items()]
)
def test_a_fault_of_the_settings_is_found(code, run_settings, told):
    assert told in found(project(), run_settings)[code].what


@pytest.mark.parametrize(
    ("wait", "budget", "codes"),
    [(10, 25, set()), (18, 20, set()), (18.5, 20, {"BC203"}), (20, 20, {"BC202"}), (20, 29.9, set())],
)
def test_the_long_poll_must_leave_time_in_the_budget(wait, budget, codes):
    run_settings = replace(HEALTHY_SETTINGS, wait=timedelta(seconds=wait), budget=timedelta(seconds=budget))
    assert found(project(), run_settings).keys() == codes


def test_a_project_without_consumers_needs_no_time_for_polls():
    registry = ServiceRegistry([worker("rate(1 day)")])
    assert found(registry, replace(HEALTHY_SETTINGS, wait=timedelta(seconds=20), budget=timedelta(5))) == {
        "BC205": found(registry, replace(HEALTHY_SETTINGS, budget=timedelta(5)))["BC205"]
    }


@pytest.mark.parametrize("seconds", [30, 60, 900])
def test_a_visibility_timeout_from_30_seconds_to_the_longest_handling_is_fine(seconds):
    assert found(project(queue(visibility_timeout=timedelta(seconds=seconds)))) == {}


def test_retention_must_outlast_the_pauses_between_receives_and_one_handling():
    slow = RetryPolicy(base=timedelta(minutes=10), longest=timedelta(hours=12))
    # 10, 20, 40 and 80 minutes between five receives, and 15 for one handling.
    enough, short = timedelta(minutes=166), timedelta(minutes=165)
    assert found(project(queue(retention=enough), retry=slow)) == {}
    assert found(project(queue(retention=short), retry=slow)).keys() == {"BC304"}


def test_two_attempts_thousand_times_are_summed_without_end():
    retry = RetryPolicy(base=timedelta(seconds=1), longest=timedelta(minutes=1))
    registry = project(queue(max_receive_count=1000, retention=timedelta(hours=16)), retry=retry)
    assert found(registry).keys() == {"BC304"}


def test_a_subscription_feeds_a_queue_and_a_dead_letter_queue_is_fed():
    fed = ServiceRegistry([consumer(subscribes=[placed])])
    assert found(fed) == {}
    letters = ServiceRegistry([sender(queue()), consumer(), consumer("letters", "orders_cmd_dlq")])
    assert "BC315" not in found(letters)


def test_a_rule_of_an_event_bus_feeds_a_queue():
    bus = EventBusResource("shop_fifo")
    fed = [bus.rule(pattern={"source": ["shop"]})]
    assert found(ServiceRegistry([consumer(subscribes=fed, uses=[SecretResource("key-fifo").read()])])) == {}


def test_a_near_miss_of_two_names_is_suspected():
    registry = ServiceRegistry([sender(QueueResource("order_cmd")), consumer(queue="orders_cmd")])
    assert "is 'order_cmd' the same queue?" in found(registry)["BC315"].what
    assert "is 'orders_cmd' the same queue?" in found(registry)["BC316"].what


@pytest.mark.parametrize("schedule", ["rate(1 minute)", "cron(0/15 8-18 ? * MON-FRI *)", "cron(0 3 L * ? *)"])
def test_schedules_that_aws_takes_are_fine(schedule):
    assert found(ServiceRegistry([worker(schedule)])) == {}


@pytest.mark.parametrize(
    ("version", "codes"), [((3, 10), []), ((3, 14), []), ((3, 9), ["BC003"]), ((3, 15), ["BC003"])]
)
def test_pythons_that_blackcat_is_not_tested_on_are_told(version, codes):
    assert [finding.rule.code for finding in python(version)] == codes


def test_each_wrong_setting_is_a_finding():
    fine = Setting(variable="PORT", value=8000, source="default", owner="Settings")
    wrong = replace(fine, variable="API_KEY", source="not set", owner="ShopSettings", problem="set it")
    (finding,) = settings([fine, wrong])
    assert (finding.rule.code, finding.subject, finding.what) == ("BC201", "ShopSettings", "API_KEY: set it")
