"""Checks of an AWS account: each drift is found, and what is as declared gives no finding."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.application.doctor.account import DescribedKeys, DescribedTarget
from blackcat.application.doctor.aws import aws_checks
from blackcat.application.doctor.examination import diagnose
from blackcat.application.doctor.queue_policy import SNS
from blackcat.application.iam.actions import needs
from blackcat.errors import AccessDenied, Unreachable
from blackcat.resources import (
    EventBusResource,
    QueueResource,
    SecretResource,
    TableIndex,
    TableResource,
    TopicResource,
)
from unit.application.doctor.accounts import PLACE, ROLE, DeclaredAccount, allowing

by_day = TableIndex("by_day", key="day", sort_key="total", sort_key_type="N")
orders = TableResource("orders", key="order_id", indexes=[by_day], ttl="expires_at")
placed = TopicResource("order_placed")
shipped = TopicResource("shipped.fifo", content_based_deduplication=True)
mail = QueueResource("mail_cmd", delay=timedelta(seconds=5))
bank = EventBusResource("bank")
bank_key = SecretResource("bank/index/key")
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
        Service(
            name="payouts",
            type=ServiceType.CONSUMER,
            entrypoint="shop:pay_out",
            queue_name="payouts_evt",
            subscribes=[
                bank.rule(pattern={"source": ["bank"]}),
                bank.rule(pattern={"detail": {"amount": [{"numeric": [">", 100]}]}}, name="large"),
            ],
            uses=[bank.put(), bank_key.read()],
        ),
    ]
)
EVERYTHING_DENIED = [("read", resource.name) for resource in SHOP.resources]
RULE = ("bank", "payouts_evt")
QUEUE_ARN = f"arn:aws:sqs:{PLACE}:payouts_evt"
OTHER_ARN = f"arn:aws:sqs:{PLACE}:other"


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
    "BC619": [("orders_evt", {"key": "alias/aws/sqs"}), ("payouts_evt", {"key": "alias/aws/sqs"})],
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
    "BC647": [("ttl of orders", {"attribute": None}), ("ttl of orders", {"attribute": "day"})],
    "BC653": [(RULE, {"enabled": False})],
    "BC654": [(RULE, {"pattern": {}}), (RULE, {"pattern": {"source": ["bank", "other"]}})],
    "BC655": [
        (RULE, {"targets": []}),
        (RULE, {"targets": [DescribedTarget(arn=OTHER_ARN)]}),
        (RULE, {"targets": [DescribedTarget(arn=QUEUE_ARN, transformed=True)]}),
    ],
    "BC656": [
        ("payouts_evt", {"policy": {}}),
        (
            "payouts_evt",
            {"policy": allowing(f"arn:aws:events:{PLACE}:rule/bank/payouts_evt", QUEUE_ARN, SNS)},
        ),
    ],
    "BC662": [("bank/index/key", {"goes_at": datetime(2026, 12, 22, tzinfo=timezone.utc)})],
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
        ("bank", ["BC651"]),
        (RULE, ["BC652"]),
        (("bank", "payouts_evt-large"), ["BC652"]),
        ("bank/index/key", ["BC661"]),
        ("payouts_evt", ["BC611"]),
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


def test_a_bus_needs_its_put_and_a_secret_its_read(account):
    account.denied.add(("events:PutEvents", "event-bus/bank"))
    account.denied.add(("secretsmanager:GetSecretValue", "bank/index/key-AbCdEf"))
    account.denied.add(("dynamodb:GetItem", "bank/index/key-AbCdEf"))
    secret_arn = f"arn:aws:secretsmanager:{PLACE}:secret:bank/index/key-AbCdEf"
    assert [finding.what for finding in diagnosis(account).findings] == [
        f"{ROLE} lacks events:PutEvents on arn:aws:events:{PLACE}:event-bus/bank, for 'payouts'",
        f"{ROLE} lacks secretsmanager:GetSecretValue on {secret_arn}, for 'payouts'",
    ]


def test_a_secret_that_may_not_be_described_leaves_its_permissions_unchecked(account):
    account.denied.update({("read", "bank/index/key"), ("sqs:SendMessage", "mail_cmd")})
    found = diagnosis(account)
    assert [finding.subject for finding in found.findings] == ["'mail_cmd'"]
    assert [one.subject for one in found.unchecked] == [
        "secret 'bank/index/key'",
        "permissions on 'bank/index/key'",
    ]


def test_a_secret_of_another_account_is_asked_for_by_its_arn():
    arn = "arn:aws:secretsmanager:us-east-1:999999999999:secret:theirs-AbCdEf"
    registry = ServiceRegistry(
        [
            Service(
                name="sync",
                type=ServiceType.WORKER,
                entrypoint="shop:sync",
                uses=[SecretResource(arn).read()],
            )
        ]
    )
    account = DeclaredAccount(registry)
    account.denied.add(("secretsmanager:GetSecretValue", "theirs-AbCdEf"))
    (finding,) = diagnosis(account, registry, prefix="staging_").findings
    assert finding.what == f"{ROLE} lacks secretsmanager:GetSecretValue on {arn}, for 'sync'"


def test_batches_and_transactions_need_permissions_of_their_own(account):
    batches = {"BatchGetItem", "BatchWriteItem", "ConditionCheckItem"}
    account.denied.update((f"dynamodb:{action}", "table/orders") for action in batches)
    assert codes(account) == ["BC602"] * 3


def test_a_lock_is_read_and_written_and_needs_nothing_else():
    tidy = Service(name="tidy", type=ServiceType.WORKER, entrypoint="shop:tidy", exclusive=True)
    registry = ServiceRegistry([tidy])
    assert needs(registry, registry) == {tidy.lock: {"dynamodb:GetItem": [tidy], "dynamodb:PutItem": [tidy]}}


def test_a_time_to_live_that_may_not_be_read_leaves_the_rest_of_the_table(account):
    account.denied.add(("read", "ttl of orders"))
    account.change("orders", billed_per_request=False)
    found = diagnosis(account)
    assert [finding.rule.code for finding in found.findings] == ["BC646"]
    assert [one.subject for one in found.unchecked] == ["time to live of table 'orders'"]


def test_a_table_that_should_keep_its_items_must_not_expire_them():
    kept = TableResource("kept", key="id")
    registry = ServiceRegistry(
        [Service(name="sync", type=ServiceType.WORKER, entrypoint="shop:sync", uses=[kept.read()])]
    )
    account = DeclaredAccount(registry)
    assert diagnosis(account, registry).findings == []
    account.change("ttl of kept", attribute="at")
    (finding,) = diagnosis(account, registry).findings
    assert (finding.rule.code, finding.what) == ("BC647", "in AWS it is 'at', declared off")


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
        "event bus 'bank'",
        "secret 'bank/index/key'",
        "rule 'payouts_evt' of event bus 'bank'",
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


def test_rules_bear_the_prefix_and_aws_own_bus_does_not():
    def registry(prefix):
        return ServiceRegistry(
            [
                Service(
                    name="images",
                    type=ServiceType.CONSUMER,
                    entrypoint="shop:image",
                    queue_name=f"{prefix}images",
                    subscribes=[
                        EventBusResource(f"{prefix}shop").rule(pattern={"source": ["shop"]}),
                        EventBusResource("default").rule(pattern={"source": ["aws.s3"]}, name="s3"),
                    ],
                )
            ]
        )

    account = DeclaredAccount(registry("staging_"))
    assert diagnosis(account, registry(""), prefix="staging_").findings == []
    account.remove(("default", "staging_images-s3"))
    (finding,) = diagnosis(account, registry(""), prefix="staging_").findings
    assert finding.subject == "rule 'staging_images-s3' of event bus 'default'"


def test_names_that_a_prefix_makes_too_long_cannot_be_looked_up(account):
    found = diagnosis(account, prefix="p" * 80)
    assert found.findings == []
    assert [one.subject for one in found.unchecked] == ["everything in AWS"]
