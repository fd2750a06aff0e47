"""Checks of an AWS account: each drift is found, and what is as declared gives no finding."""

from __future__ import annotations

from datetime import timedelta

import pytest

from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.application.doctor.account import DescribedKeys
from blackcat.application.doctor.aws import aws_checks
from blackcat.application.doctor.examination import diagnose
from blackcat.errors import AccessDenied, Unreachable
from blackcat.resources import QueueResource, TableIndex, TableResource, TopicResource
from unit.application.doctor.accounts import PLACE, ROLE, DeclaredAccount

by_day = TableIndex("by_day", key="day", sort_key="total", sort_key_type="N")
orders = TableResource("orders", key="order_id", indexes=[by_day])
placed = TopicResource("order_placed")
shipped = TopicResource("shipped.fifo", content_based_deduplication=True)
mail = QueueResource("mail_cmd", delay=timedelta(seconds=5))
FILTER = {"country": ["BR", {"prefix": "P"}]}

SHOP = ServiceRegistry(
    [
        Service(
            name="orders",
            type=ServiceType.CONSUMER,
            entrypoint="shop:handle",
            queue_name="orders_evt",
            subscribes=[placed.subscription(filter_policy=FILTER)],
            uses=[orders.read_write(), mail.send()],
        ),
        Service(
            name="shipping",
            type=ServiceType.CONSUMER,
            entrypoint="shop:ship",
            queue_name="ship.fifo",
            subscribes=[shipped.subscription(raw_delivery=True)],
            uses=[placed.publish()],
        ),
    ]
)
EVERYTHING_DENIED = [("read", resource.name) for resource in SHOP.resources]


@pytest.fixture
def account():
    return DeclaredAccount(SHOP)


def diagnosis(account, registry=SHOP, **options):
    return diagnose(aws_checks(registry, account, **options))


def codes(account, **options):
    found = diagnosis(account, **options)
    assert found.unchecked == []
    return [finding.rule.code for finding in found.findings]


def test_an_account_as_declared_gives_no_findings(account):
    assert codes(account) == []


def seconds(number):
    return timedelta(seconds=number)


ATTRIBUTES = {
    "BC301": [("orders_evt", {"visibility_timeout": seconds(0)})],
    "BC612": [("orders_evt", {"dead_letter_arn": None, "max_receive_count": None})],
    "BC613": [
        ("orders_evt", {"max_receive_count": 3}),
        ("orders_evt", {"dead_letter_arn": f"arn:aws:sqs:{PLACE}:other"}),
    ],
    "BC614": [
        ("orders_evt_dlq", {"redrive_allowed_to": {"redrivePermission": "denyAll"}}),
        (
            "orders_evt_dlq",
            {"redrive_allowed_to": {"redrivePermission": "byQueue", "sourceQueueArns": ["arn:of:another"]}},
        ),
    ],
    "BC615": [("orders_evt_dlq", {"retention": timedelta(days=4)})],
    "BC616": [
        ("mail_cmd", {"visibility_timeout": seconds(30)}),
        ("mail_cmd", {"retention": timedelta(days=1)}),
        ("mail_cmd", {"delay": seconds(0)}),
    ],
    "BC617": [
        ("ship.fifo", {"content_based_deduplication": True}),
        ("shipped.fifo", {"content_based_deduplication": False}),
    ],
    "BC618": [("mail_cmd", {"encrypted": False}), ("mail_cmd_dlq", {"encrypted": False})],
    "BC619": [("orders_evt", {"key": "alias/aws/sqs"})],
    "BC633": [(("order_placed", "orders_evt"), {"confirmed": False})],
    "BC634": [(("shipped.fifo", "ship.fifo"), {"raw_delivery": False})],
    "BC635": [
        (("order_placed", "orders_evt"), {"filter_policy": {}}),
        (("order_placed", "orders_evt"), {"scope": "MessageBody"}),
        (("shipped.fifo", "ship.fifo"), {"filter_policy": {"a": ["b"]}}),
    ],
    "BC636": [("orders_evt", {"policy": {}})],
    "BC642": [("orders", {"status": "CREATING"})],
    "BC643": [
        ("orders", {"keys": DescribedKeys(key=("order_id", "N"))}),
        ("orders", {"keys": DescribedKeys(key=("order_id", "S"), sort_key=("line", "S"))}),
    ],
    "BC644": [("orders", {"indexes": {}})],
    "BC646": [("orders", {"billed_per_request": False})],
}


@pytest.mark.parametrize(
    ("code", "name", "changes"),
    [(code, name, changes) for code, drifts in ATTRIBUTES.items() for name, changes in drifts],
)
def test_a_drift_is_found(account, code, name, changes):
    account.change(name, **changes)
    assert code in codes(account)
    assert set(codes(account)) <= {code, "BC616"}  # a visibility timeout of 0 is a difference, too


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mail_cmd", ["BC611"]),
        ("orders_evt_dlq", ["BC611"]),
        ("order_placed", ["BC631"]),
        ("orders", ["BC641"]),
        (("order_placed", "orders_evt"), ["BC632"]),
    ],
)
def test_what_is_missing_is_found_once(account, name, expected):
    account.remove(name)
    assert codes(account) == expected


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"status": "DELETING"}, "BC642"),
        ({"keys": DescribedKeys(key=("day", "S"))}, "BC643"),
        ({"projection": "KEYS_ONLY"}, "BC645"),
    ],
)
def test_a_drift_of_an_index_is_found(account, changes, code):
    account.change_index("orders", "by_day", **changes)
    assert codes(account) == [code]


def test_an_encryption_that_aws_does_not_tell_is_no_finding(account):
    account.change("mail_cmd", encrypted=None)
    assert codes(account) == []


def test_aws_own_key_is_fine_on_a_queue_that_no_topic_feeds(account):
    account.change("mail_cmd", key="alias/aws/sqs")
    assert codes(account) == []


def test_a_missing_permission_is_found_with_the_services_that_need_it(account):
    account.denied.add(("dynamodb:PutItem", "table/orders"))
    account.denied.add(("dynamodb:Query", "table/orders/index/by_day"))
    account.denied.add(("sqs:SendMessage", "orders_evt_dlq"))
    found = diagnosis(account).findings
    assert [finding.rule.code for finding in found] == ["BC602"] * 3
    assert all(ROLE in finding.what and "'orders'" in finding.what for finding in found)


def test_permissions_are_those_of_the_service_that_runs_here(account):
    account.denied.add(("dynamodb:PutItem", "table/orders"))
    assert codes(account, service="shipping") == []
    assert codes(account, service="orders") == ["BC602"]


def test_the_account_itself_may_do_everything():
    account = DeclaredAccount(SHOP, principal="arn:aws:iam::123456789012:root")
    account.simulates = False
    assert codes(account) == []


def test_without_the_simulator_the_reads_of_a_consumer_are_tried(account):
    account.simulates = False
    account.denied.add(("read", "ship.fifo"))
    found = diagnosis(account)
    assert [(finding.rule.code, finding.subject) for finding in found.findings] == [("BC602", "'ship.fifo'")]
    assert [one.subject for one in found.unchecked][-1] == f"permissions of {ROLE}"
    assert "iam:SimulatePrincipalPolicy" in found.unchecked[-1].reason


def test_what_may_not_be_read_is_said_and_is_no_fault_of_the_resource(account):
    account.denied.update(EVERYTHING_DENIED)
    found = diagnosis(account)
    assert found.findings == []
    assert {one.subject for one in found.unchecked} >= {
        "queue 'mail_cmd'",
        "topic 'order_placed'",
        "table 'orders'",
    }


def test_an_error_of_one_resource_leaves_the_others_to_be_checked(account):
    class Flaky(DeclaredAccount):
        def table(self, table):
            raise Unreachable("no answer", service="dynamodb", operation="DescribeTable", resource=table.name)

    flaky = Flaky(SHOP)
    flaky.remove("mail_cmd")
    assert [finding.rule.code for finding in diagnosis(flaky).findings] == ["BC601", "BC611"]


def test_without_credentials_that_is_all_that_is_found():
    class Anonymous(DeclaredAccount):
        def principal(self):
            raise AccessDenied("no credentials: give the process a role", service="sts")

    found = diagnosis(Anonymous(SHOP))
    assert [finding.rule.code for finding in found.findings] == ["BC601"]
    assert [one.subject for one in found.unchecked] == ["everything in AWS"]


def test_resources_bear_the_prefix_of_the_environment(account):
    assert "BC611" in codes(account, prefix="staging_")
    in_staging = ServiceRegistry(
        [
            Service(
                name="mailer",
                type=ServiceType.CONSUMER,
                entrypoint="shop:mail",
                queue_name="staging_mail",
            )
        ]
    )
    declared = ServiceRegistry(
        [Service(name="mailer", type=ServiceType.CONSUMER, entrypoint="shop:mail", queue_name="mail")]
    )
    assert diagnosis(DeclaredAccount(in_staging), declared, prefix="staging_").findings == []


def test_names_that_a_prefix_makes_too_long_cannot_be_looked_up(account):
    found = diagnosis(account, prefix="p" * 80)
    assert found.findings == []
    assert [one.subject for one in found.unchecked] == ["everything in AWS"]
