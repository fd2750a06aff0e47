"""services, graph, config and doctor as commands, on real projects and a real emulator."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import pytest

from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.adapters_aws import AwsOptions, provision
from blackcat.adapters_aws.calls import AwsCalls
from blackcat.adapters_aws.inspection import AwsAccount
from blackcat.application.doctor.aws import aws_checks
from blackcat.application.doctor.examination import diagnose
from blackcat.infra.emulator import REGION, running_emulator
from blackcat.resources import EventBusResource, SecretResource, TableResource, TopicResource, with_prefix

ROOT = Path(__file__).parents[2]
PAYMENT = ROOT / "examples" / "payment"
KEY = "canary-5f1d"


@dataclass
class Command:
    """A project's folder, and the environment in which commands run there."""

    folder: Path
    environment: dict[str, str]

    def __call__(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "blackcat", *arguments],
            cwd=self.folder,
            env={**self.environment, **changes},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    def write(self, path: str, text: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def codes(self, *arguments: str, **changes: str) -> list[str]:
        """What the doctor finds."""
        return [finding["code"] for finding in self.findings(*arguments, **changes)]

    def findings(self, *arguments: str, **changes: str) -> list[dict[str, str]]:
        done = self("doctor", "--json", *arguments, **changes)
        assert "Traceback" not in done.stderr
        told = json.loads(done.stdout)
        assert done.returncode == (1 if told["errors"] else 0)
        found: list[dict[str, str]] = told["findings"]
        return found


def inherited() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}


@pytest.fixture
def payment() -> Command:
    return Command(PAYMENT, inherited())


SERVICES = """
from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.resources import QueueResource

print("printed while the project is imported")
orders = QueueResource("orders_cmd")
services = ServiceRegistry(
    [
        Service(name="orders", type=ServiceType.CONSUMER, entrypoint="shop.consumers:OrderConsumer",
                queue_name="orders_cmd"),
        Service(name="shop_api", type=ServiceType.REST_API, endpoint_module="shop.api", uses=[orders.send()]),
    ],
    container="shop.container:build_container",
)
"""
CONSUMERS = """
class OrderConsumer:
    def __call__(self, body: dict) -> None: ...
"""
API = """
from flask import Blueprint

api = Blueprint("orders", __name__)


@api.get("/orders")
def orders():
    return {}
"""
CONTAINER = """
import punq
from pydantic import SecretStr

from blackcat import Settings


class ShopSettings(Settings):
    shop_api_key: SecretStr


def build_container():
    ShopSettings()
    return punq.Container()
"""


@pytest.fixture
def shop(tmp_path: Path) -> Command:
    """A small healthy project."""
    project = Command(tmp_path, {**inherited(), "SHOP_API_KEY": KEY, "PYTHONDONTWRITEBYTECODE": "1"})
    files = {
        "services/__init__": SERVICES,
        "shop/consumers": CONSUMERS,
        "shop/api": API,
        "shop/container": CONTAINER,
    }
    for path, text in files.items():
        project.write(f"{path}.py", text)
    return project


def test_services_are_listed_with_queues_routes_schedules_and_grants(payment: Command) -> None:
    done = payment("services")
    assert done.returncode == 0
    lines = [re.split(r"\s{2,}", line.strip()) for line in done.stdout.splitlines()]
    assert lines[0] == ["NAME", "TYPE", "QUEUE OR ROUTE", "SCHEDULE", "GRANTS"]
    assert lines[1] == ["start_payment", "consumer", "start_payment_cmd", "read and write payments"]
    assert ["from payment_processed"] in lines
    assert ["payment_api", "rest-api", "POST /payments", "read payments"] in lines
    assert ["GET /payments/<uuid:payment_id>", "send start_payment_cmd"] in lines
    described = json.loads(payment("services", "--json").stdout)
    assert described[0]["name"] == "start_payment"
    assert described[0]["dead_letter_queue"] == "start_payment_cmd_dlq"
    assert described[3]["routes"] == ["POST /payments", "GET /payments/<uuid:payment_id>"]


def test_a_consumer_is_listed_with_the_buses_that_feed_it(shop: Command) -> None:
    rules = 'subscribes=[bus.rule(pattern={"source": ["a"]}), bus.rule(pattern={"source": ["b"]}, name="b")],'
    shop.write(
        "services/__init__.py",
        SERVICES.replace("import QueueResource", "import EventBusResource, QueueResource, SecretResource")
        .replace("orders = ", 'bus = EventBusResource("shop")\norders = ')
        .replace('queue_name="orders_cmd"', f'queue_name="orders_cmd", {rules}')
        .replace("uses=[", 'uses=[bus.put(), SecretResource("shop/key").read(), '),
    )
    lines = [re.split(r"\s{2,}", line.strip()) for line in shop("services").stdout.splitlines()]
    assert lines.count(["from event bus shop"]) == 1
    assert ["shop_api", "rest-api", "GET /orders", "put shop"] in lines
    assert ["read shop/key"] in lines
    described = json.loads(shop("services", "--json").stdout)
    assert described[0]["rules"] == [
        {"event_bus": "shop", "pattern": {"source": ["a"]}},
        {"event_bus": "shop", "pattern": {"source": ["b"]}},
    ]
    assert '[/"event bus<br/>shop"/]' in shop("graph").stdout
    assert shop.codes() == []


def test_a_listing_works_with_an_api_that_does_not_load(shop: Command) -> None:
    shop.write("shop/api.py", "import nowhere_at_all\n")
    done = shop("services")
    assert done.returncode == 0
    assert re.search(r"shop_api +rest-api +shop\.api +send orders_cmd", done.stdout)
    assert "printed" not in done.stdout


def test_an_empty_registry_says_how_to_begin(shop: Command) -> None:
    shop.write(
        "services/__init__.py", "from blackcat import ServiceRegistry\nservices = ServiceRegistry([])\n"
    )
    done = shop("services")
    assert (done.returncode, done.stdout) == (0, "")
    assert "blackcat generate-service" in done.stderr
    assert json.loads(shop("services", "--json").stdout) == []
    assert shop.codes() == ["BC002"]


def test_the_graph_goes_to_stdout_or_to_a_file_in_the_format_of_its_name(
    payment: Command, tmp_path: Path
) -> None:
    shown = payment("graph")
    assert shown.stdout.startswith('---\ntitle: "payment"\n---\nflowchart LR\n')
    picture = tmp_path / "services.svg"
    done = payment("graph", "-o", str(picture))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    root = ET.fromstring(picture.read_text())  # noqa: S314 - our own drawing
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert payment("graph", "--format", "svg").stdout == picture.read_text()
    assert payment("graph", "--format", "mermaid", "-o", str(picture)).returncode == 0
    assert picture.read_text() == shown.stdout


def test_a_file_that_cannot_be_written_is_a_wrong_command_line(payment: Command, tmp_path: Path) -> None:
    done = payment("graph", "-o", str(tmp_path / "missing" / "graph.svg"))
    assert done.returncode == 2
    assert "cannot be written" in done.stderr


def test_config_shows_values_sources_and_masks(shop: Command) -> None:
    shop.write(".env", "LOG_LEVEL=debug\nRESOURCE_PREFIX=of_\n")
    shop.write(".env.staging", "RESOURCE_PREFIX=staging_\n")
    done = shop("config", ENVIRONMENT="staging")
    assert done.returncode == 0
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["ENVIRONMENT", "staging", "environment"] in lines
    assert ["LOG_LEVEL", "DEBUG", ".env"] in lines
    assert ["RESOURCE_PREFIX", "staging_", ".env.staging"] in lines
    assert ["HEALTH_PORT", "8080", "default"] in lines
    assert ["SHOP_API_KEY", "***", "environment"] in lines
    assert KEY not in done.stdout + done.stderr
    assert "printed" not in done.stdout


def test_config_of_a_service_holds_what_it_reads(shop: Command) -> None:
    of_api = [one["variable"] for one in json.loads(shop("config", "shop_api", "--json").stdout)]
    of_consumer = [one["variable"] for one in json.loads(shop("config", "orders", "--json").stdout)]
    assert {"PORT", "API_WORKERS", "SHOP_API_KEY", "LOG_LEVEL"} <= set(of_api)
    assert {"CONSUMER_CONCURRENCY", "HEALTH_PORT", "SHOP_API_KEY", "LOG_LEVEL"} <= set(of_consumer)
    assert not {"PORT", "API_WORKERS"} & set(of_consumer)
    assert not {"CONSUMER_CONCURRENCY", "HEALTH_PORT"} & set(of_api)


def test_config_tells_what_is_missing_or_wrong_and_exits_with_78(shop: Command) -> None:
    del shop.environment["SHOP_API_KEY"]
    done = shop("config", HEALTH_PORT="many")
    assert done.returncode == 78
    assert re.search(r"SHOP_API_KEY +- +not set\n +set it in the environment", done.stdout)
    assert re.search(r"HEALTH_PORT +many +environment\n +Input should be a valid integer", done.stdout)
    assert "2 settings are missing or wrong" in done.stderr
    told = {one["variable"]: one for one in json.loads(shop("config", "--json", HEALTH_PORT="many").stdout)}
    assert told["SHOP_API_KEY"]["problem"]
    assert told["LOG_LEVEL"]["problem"] is None


def test_config_of_an_unknown_service_names_the_nearest(shop: Command) -> None:
    done = shop("config", "ordres")
    assert (done.returncode, done.stdout) == (78, "")
    assert "there is no service 'ordres' (did you mean 'orders'?)" in done.stderr


def test_config_goes_on_when_a_service_does_not_load(shop: Command) -> None:
    shop.write("shop/consumers.py", "def (:\n")
    done = shop("config")
    assert done.returncode == 78
    assert "SHOP_API_KEY" in done.stdout
    assert "shop.consumers" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("project", ["payment", "payment_processor"])
def test_the_doctor_finds_nothing_in_a_healthy_project(project: str) -> None:
    done = Command(ROOT / "examples" / project, inherited())("doctor")
    assert (done.returncode, done.stdout) == (0, "Nothing is wrong.\n")


def test_the_doctor_finds_nothing_in_the_shop_and_leaves_it_as_it_was(shop: Command) -> None:
    before = sorted(shop.folder.rglob("*"))
    assert shop.codes() == []
    assert sorted(shop.folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("path", "text", "codes"),
    [
        ("services/__init__.py", "services = (\n", ["BC001"]),
        ("services/__init__.py", "import nowhere_at_all\n", ["BC001"]),
        ("services/__init__.py", "raise SystemExit(0)\n", ["BC001"]),
        ("services/__init__.py", "services = None\n", ["BC001"]),
        ("shop/consumers.py", "def (:\n", ["BC101"]),
        ("shop/consumers.py", "raise SystemExit(0)\n", ["BC101"]),
        ("shop/consumers.py", "class OrderConsumer:\n    def __call__(self): ...\n", ["BC101"]),
        ("shop/consumers.py", CONSUMERS.replace("body: dict", "body: dict, other: set"), ["BC102"]),
        ("shop/api.py", "api = None\n", ["BC101"]),
        ("shop/container.py", "build_container = dict\n", ["BC103"]),
        (
            "shop/consumers.py",
            CONSUMERS + "    def __init__(self) -> None:\n        raise OSError('no disk')\n",
            ["BC104"],
        ),
        ("shop/domain/order.py", "import shop.infra.db\n", ["BC501"]),
        ("shop/domain/order.py", "def (:\n", ["BC503"]),
    ],
)
def test_a_broken_project_gives_findings(shop: Command, path: str, text: str, codes: list[str]) -> None:
    shop.write("shop/infra/db.py", "")
    shop.write("shop/domain/money.py", "")
    shop.write(path, text)
    assert shop.codes() == codes


def test_every_check_runs_even_when_others_fail(shop: Command) -> None:
    shop.write("shop/domain/order.py", "import shop.infra.db\n")
    shop.write("shop/infra/db.py", "")
    shop.write("shop/api.py", "import nowhere_at_all\n")
    del shop.environment["SHOP_API_KEY"]
    assert shop.codes(CONSUMER_WAIT_SECONDS="20", SHUTDOWN_TIMEOUT_SECONDS="20") == [
        "BC101",
        "BC103",
        "BC201",
        "BC202",
        "BC501",
    ]
    shop.write("services/__init__.py", "services = (\n")
    assert shop.codes(HEALTH_PORT="many") == ["BC001", "BC201", "BC501"]


def test_a_finding_says_why_and_how_to_mend_it(shop: Command) -> None:
    shop.write("shop/api.py", "api = None\n")
    done = shop("doctor")
    assert done.returncode == 1
    assert done.stdout.startswith(
        "error BC101  rest-api 'shop_api'\n  REST API 'shop_api': module 'shop.api'"
    )
    assert "\n  why   the service exits with status 78" in done.stdout
    assert "\n  mend  " in done.stdout
    assert done.stdout.endswith("\n\n1 error\n")
    assert "\x1b" not in done.stdout
    assert "printed" not in done.stdout


def test_contracts_of_import_linter_go_before_our_own_look(shop: Command) -> None:
    shop.write("shop/__init__.py", "")
    shop.write("shop/domain/__init__.py", "import shop.infra\n")
    shop.write("shop/infra/__init__.py", "")
    shop.write(
        "pyproject.toml",
        '[tool.blackcat]\n[tool.importlinter]\nroot_packages = ["shop"]\n[[tool.importlinter.contracts]]\n'
        'name = "Layers"\ntype = "layers"\nlayers = ["shop.infra", "shop.domain"]\n',
    )
    (finding,) = shop.findings()
    assert (finding["code"], finding["subject"]) == ("BC502", "contract 'Layers'")
    assert "shop.domain -> shop.infra" in finding["what"]


# ---- AWS: one emulator of its own, since its whole state is compared ----


@pytest.fixture(scope="module")
def aws() -> AwsOptions:
    with running_emulator() as running, pytest.MonkeyPatch.context() as variables:
        for name, value in running.environment().items():
            if "KEY" in name:
                variables.setenv(name, value)
        yield AwsOptions(region=REGION, endpoint_url=running.url)


@pytest.fixture
def in_aws(payment: Command, aws: AwsOptions, unique: str) -> Command:
    """The payment example with its resources under names of their own."""
    payment.environment.update(
        AWS_ENDPOINT_URL=aws.endpoint_url or "",
        AWS_REGION=REGION,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="secret-of-the-emulator",
        RESOURCE_PREFIX=f"{unique}_",
        NO_PROXY="127.0.0.1",
    )
    return payment


@pytest.fixture(scope="module")
def payments() -> ServiceRegistry:
    """The example's registry, read from its file: other tests have a module called services, too."""
    namespace: dict[str, object] = {}
    exec((PAYMENT / "services" / "__init__.py").read_text(), namespace)  # noqa: S102 - our own file
    found = namespace["services"]
    assert isinstance(found, ServiceRegistry)
    return found


@pytest.fixture
def prefix(payments: ServiceRegistry, aws: AwsOptions, unique: str) -> str:
    """The payment example's resources, provisioned under this prefix."""
    provision(payments, aws, prefix=f"{unique}_")
    return f"{unique}_"


def state(aws: AwsOptions) -> dict[str, object]:
    """Everything that the emulator holds of what we use, with its attributes."""

    def call(service: str, operation: str, **parameters: object) -> dict[str, object]:
        answer = AwsCalls(service, aws).read(operation, "", **parameters)
        return {name: value for name, value in answer.items() if name != "ResponseMetadata"}

    queues = call("sqs", "ListQueues").get("QueueUrls", [])
    topics = [one["TopicArn"] for one in call("sns", "ListTopics")["Topics"]]
    tables = call("dynamodb", "ListTables")["TableNames"]
    buses = [one["Name"] for one in call("events", "ListEventBuses")["EventBuses"]]
    rules = {bus: call("events", "ListRules", EventBusName=bus)["Rules"] for bus in buses}
    return {
        "queues": {
            url: call("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"]) for url in queues
        },
        "topics": {one: call("sns", "GetTopicAttributes", TopicArn=one) for one in topics},
        "subscriptions": call("sns", "ListSubscriptions"),
        "tables": {name: call("dynamodb", "DescribeTable", TableName=name) for name in tables},
        "expiry": {name: call("dynamodb", "DescribeTimeToLive", TableName=name) for name in tables},
        "rules": rules,
        "targets": [
            call("events", "ListTargetsByRule", Rule=rule["Name"], EventBusName=bus)
            for bus, ruled in rules.items()
            for rule in ruled
        ],
        "secrets": call("secretsmanager", "ListSecrets"),
        "roles": call("iam", "ListRoles"),
        "users": call("iam", "ListUsers"),
    }


def test_a_provisioned_project_is_healthy_and_nothing_is_created(
    in_aws: Command, prefix: str, aws: AwsOptions
) -> None:
    before = state(aws)
    done = in_aws("doctor", "--aws")
    assert (done.returncode, done.stdout) == (0, "Nothing is wrong.\n")
    assert done.stderr == f"looking at {aws.endpoint_url}\n"
    assert state(aws) == before


def test_what_is_not_deployed_is_found_and_still_not_created(in_aws: Command, aws: AwsOptions) -> None:
    before = state(aws)
    assert set(in_aws.codes("--aws")) == {"BC611", "BC631", "BC641"}
    assert state(aws) == before


def test_no_operation_of_the_inspection_writes() -> None:
    source = (ROOT / "src" / "blackcat" / "adapters_aws" / "inspection.py").read_text()
    operations = set(re.findall(r'_call\(\s*"\w+",\s*"(\w+)"', source))
    assert operations
    assert {
        name for name in operations if not name.startswith(("Get", "List", "Describe", "Simulate"))
    } == set()
    documented = (ROOT / "docs" / "en" / "inspect.md").read_text()
    assert [name for name in operations if name not in documented] == []


class Disturbed:
    """What tests do to AWS, as someone would in its console."""

    def __init__(self, aws: AwsOptions, prefix: str) -> None:
        self._aws = aws
        self._prefix = prefix

    def call(self, service: str, operation: str, **parameters: object) -> dict[str, object]:
        return AwsCalls(service, self._aws).read(operation, "", **parameters)

    def named(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def arn(self, service: str, name: str) -> str:
        return f"arn:aws:{service}:{REGION}:000000000000:{self._prefix}{name}"

    def url(self, queue: str) -> str:
        return str(self.call("sqs", "GetQueueUrl", QueueName=f"{self._prefix}{queue}")["QueueUrl"])

    def queue(self, name: str, **attributes: object) -> None:
        texts = {
            key: value if isinstance(value, str) else json.dumps(value) for key, value in attributes.items()
        }
        self.call("sqs", "SetQueueAttributes", QueueUrl=self.url(name), Attributes=texts)

    def subscription_arn(self) -> str:
        topic = self.arn("sns", "payment_processed")
        listed = self.call("sns", "ListSubscriptionsByTopic", TopicArn=topic)["Subscriptions"]
        return str(listed[0]["SubscriptionArn"])  # type: ignore[index]  # a list, in an answer of any kind

    def subscription(self, name: str, value: str) -> None:
        self.call(
            "sns",
            "SetSubscriptionAttributes",
            SubscriptionArn=self.subscription_arn(),
            AttributeName=name,
            AttributeValue=value,
        )

    def table(self, **changes: object) -> None:
        """The payments table anew, otherwise than declared."""
        name = f"{self._prefix}payments"
        self.call("dynamodb", "DeleteTable", TableName=name)
        parameters: dict[str, object] = {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "payment_id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "payment_id", "AttributeType": "S"}],
        }
        self.call("dynamodb", "CreateTable", **{**parameters, **changes})


def index(projection: str, *keys: str) -> dict[str, object]:
    kinds = zip(keys, ("HASH", "RANGE"), strict=False)
    return {
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "S"} for name in ("payment_id", *keys)
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "payments_by_status",
                "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in kinds],
                "Projection": {"ProjectionType": projection},
            }
        ],
    }


PROVISIONED = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
DRIFTS = [
    ("BC611", lambda aws: aws.call("sqs", "DeleteQueue", QueueUrl=aws.url("start_payment_cmd_dlq"))),
    ("BC612", lambda aws: aws.queue("start_payment_cmd", RedrivePolicy="")),
    (
        "BC613",
        lambda aws: aws.queue(
            "start_payment_cmd",
            RedrivePolicy={
                "deadLetterTargetArn": aws.arn("sqs", "payment_processed_evt_dlq"),
                "maxReceiveCount": 5,
            },
        ),
    ),
    (
        "BC614",
        lambda aws: aws.queue("start_payment_cmd_dlq", RedriveAllowPolicy={"redrivePermission": "denyAll"}),
    ),
    ("BC615", lambda aws: aws.queue("start_payment_cmd_dlq", MessageRetentionPeriod="3600")),
    ("BC616", lambda aws: aws.queue("start_payment_cmd", VisibilityTimeout="61")),
    ("BC616", lambda aws: aws.queue("start_payment_cmd", DelaySeconds="1")),
    ("BC618", lambda aws: aws.queue("start_payment_cmd", SqsManagedSseEnabled="false")),
    ("BC619", lambda aws: aws.queue("payment_processed_evt", KmsMasterKeyId="alias/aws/sqs")),
    ("BC632", lambda aws: aws.call("sns", "Unsubscribe", SubscriptionArn=aws.subscription_arn())),
    ("BC634", lambda aws: aws.subscription("RawMessageDelivery", "true")),
    ("BC635", lambda aws: aws.subscription("FilterPolicy", '{"country": ["BR"]}')),
    ("BC636", lambda aws: aws.queue("payment_processed_evt", Policy="")),
    ("BC643", lambda aws: aws.table(**index("ALL", "status"))),
    ("BC644", lambda aws: aws.table()),
    ("BC645", lambda aws: aws.table(**index("KEYS_ONLY", "status", "created_at"))),
    (
        "BC646",
        lambda aws: aws.table(
            **{
                **index("ALL", "status", "created_at"),
                "BillingMode": "PROVISIONED",
                "ProvisionedThroughput": PROVISIONED,
                "GlobalSecondaryIndexes": [
                    {**one, "ProvisionedThroughput": PROVISIONED}
                    for one in index("ALL", "status", "created_at")["GlobalSecondaryIndexes"]
                ],
            }
        ),
    ),
]


@pytest.mark.parametrize(
    ("code", "disturb"), DRIFTS, ids=[f"{n}-{code}" for n, (code, _) in enumerate(DRIFTS)]
)
def test_each_drift_is_found(code, disturb, payments: ServiceRegistry, aws: AwsOptions, prefix: str) -> None:
    disturb(Disturbed(aws, prefix))
    before = state(aws)
    found = diagnose(aws_checks(payments, AwsAccount(aws), prefix=prefix))
    assert [finding.rule.code for finding in found.findings] == [code]
    assert found.unchecked == []
    assert state(aws) == before


BUS = EventBusResource("bank")
BANK_KEY = SecretResource("bank/key", dev_value={"key": "of development"})
PAYOUTS = ServiceRegistry(
    [
        Service(
            name="payouts",
            type=ServiceType.CONSUMER,
            entrypoint="bank:pay_out",
            queue_name="payouts_evt",
            subscribes=[
                TopicResource("holidays"),
                BUS.rule(pattern={"source": ["bank"], "detail": {"amount": [{"numeric": [">", 100]}]}}),
                EventBusResource("default").rule(pattern={"source": ["aws.health"]}, name="health"),
            ],
            uses=[
                BUS.put(),
                BANK_KEY.read(),
                TableResource("payouts", key="payout_id", ttl="expires_at").read_write(),
            ],
        )
    ]
)


@pytest.fixture
def bank(aws: AwsOptions, unique: str) -> str:
    """The resources of PAYOUTS, provisioned under this prefix."""
    provision(PAYOUTS, aws, prefix=f"{unique}_")
    return f"{unique}_"


def test_a_provisioned_bus_with_rules_and_a_secret_are_healthy(aws: AwsOptions, bank: str) -> None:
    before = state(aws)
    found = diagnose(aws_checks(PAYOUTS, AwsAccount(aws), prefix=bank))
    assert (found.findings, found.unchecked) == ([], [])
    assert state(aws) == before


def test_buses_and_secrets_that_are_not_deployed_are_found(aws: AwsOptions, unique: str) -> None:
    found = diagnose(aws_checks(PAYOUTS, AwsAccount(aws), prefix=f"{unique}_"))
    codes = sorted(finding.rule.code for finding in found.findings)
    # The bus that every account has is there, and lacks the rule; the other rule goes with its bus.
    assert codes == ["BC611", "BC631", "BC641", "BC651", "BC652", "BC661"]
    assert found.unchecked == []


def of_rule(aws: Disturbed, **parameters: object) -> dict[str, object]:
    return {**parameters, "Rule": aws.named("payouts_evt"), "EventBusName": aws.named("bank")}


def put_target(aws: Disturbed, **target: object) -> None:
    target = {"Id": "queue", "Arn": aws.arn("sqs", "payouts_evt"), **target}
    aws.call("events", "PutTargets", **of_rule(aws, Targets=[target]))


def put_rule(aws: Disturbed, **changes: object) -> None:
    named = {"Name": aws.named("payouts_evt"), "EventBusName": aws.named("bank")}
    aws.call("events", "PutRule", **named, **changes)


def remove_rule(aws: Disturbed) -> None:
    aws.call("events", "RemoveTargets", **of_rule(aws, Ids=["queue"]))
    aws.call("events", "DeleteRule", Name=aws.named("payouts_evt"), EventBusName=aws.named("bank"))


def remove_bus(aws: Disturbed) -> None:
    remove_rule(aws)
    aws.call("events", "DeleteEventBus", Name=aws.named("bank"))


def remove_secret(aws: Disturbed, **how: object) -> None:
    aws.call("secretsmanager", "DeleteSecret", SecretId=aws.named("bank/key"), **how)


def expire_by(aws: Disturbed, attribute: str, *, enabled: bool) -> None:
    aws.call(
        "dynamodb",
        "UpdateTimeToLive",
        TableName=aws.named("payouts"),
        TimeToLiveSpecification={"Enabled": enabled, "AttributeName": attribute},
    )


def admit_topics_only(aws: Disturbed) -> None:
    """As a deployment would that knows of topics only."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "*",
    }
    aws.queue("payouts_evt", Policy={"Version": "2012-10-17", "Statement": [statement]})


PATTERN = json.dumps({"source": ["bank"], "detail": {"amount": [{"numeric": [">", 10]}]}})
DRIFTS_OF_EVENTS = [
    (["BC619"], lambda aws: aws.queue("payouts_evt", KmsMasterKeyId="alias/aws/sqs")),
    (["BC647"], lambda aws: expire_by(aws, "expires_at", enabled=False)),
    (["BC651"], remove_bus),
    (["BC652"], remove_rule),
    (
        ["BC653"],
        lambda aws: aws.call(
            "events", "DisableRule", Name=aws.named("payouts_evt"), EventBusName=aws.named("bank")
        ),
    ),
    (["BC654"], lambda aws: put_rule(aws, EventPattern=PATTERN)),
    (["BC655"], lambda aws: aws.call("events", "RemoveTargets", **of_rule(aws, Ids=["queue"]))),
    (["BC655"], lambda aws: put_target(aws, Arn=aws.arn("sqs", "payouts_evt_dlq"))),
    (["BC655"], lambda aws: put_target(aws, InputPath="$.detail")),
    (["BC656", "BC656"], admit_topics_only),
    (["BC661"], lambda aws: remove_secret(aws, ForceDeleteWithoutRecovery=True)),
    (["BC662"], remove_secret),
]


@pytest.mark.parametrize(
    ("codes", "disturb"),
    DRIFTS_OF_EVENTS,
    ids=[f"{n}-{codes[0]}" for n, (codes, _) in enumerate(DRIFTS_OF_EVENTS)],
)
def test_each_drift_of_buses_secrets_and_expiry_is_found(codes, disturb, aws: AwsOptions, bank: str) -> None:
    disturb(Disturbed(aws, bank))
    before = state(aws)
    found = diagnose(aws_checks(PAYOUTS, AwsAccount(aws), prefix=bank))
    assert [finding.rule.code for finding in found.findings] == codes
    assert found.unchecked == []
    assert state(aws) == before


def test_other_targets_of_a_rule_are_no_drift(aws: AwsOptions, bank: str) -> None:
    disturbed = Disturbed(aws, bank)
    for number in range(4):
        put_target(disturbed, Id=f"other-{number}", Arn=disturbed.arn("sqs", f"other_{number}"))
    assert [
        one.rule.code for one in diagnose(aws_checks(PAYOUTS, AwsAccount(aws), prefix=bank)).findings
    ] == []


def test_permissions_on_buses_and_secrets_are_those_on_their_arns(aws: AwsOptions, bank: str) -> None:
    disturbed = Disturbed(aws, bank)
    disturbed.call("iam", "CreateUser", UserName=bank)
    disturbed.call(
        "iam",
        "PutUserPolicy",
        UserName=bank,
        PolicyName="shop",
        PolicyDocument=policy("events:DescribeEventBus", "secretsmanager:GetSecretValue"),
    )
    account = AwsAccount(aws)
    bus, secret = with_prefix(BUS, bank), with_prefix(BANK_KEY, bank)
    assert account.arn(bus) == account.event_bus(bus)
    assert re.fullmatch(
        rf"arn:aws:secretsmanager:{REGION}:0+:secret:{bank}bank/key-\w{{6}}", account.arn(secret)
    )
    user = f"arn:aws:iam::000000000000:user/{bank}"
    needed = ["events:DescribeEventBus", "events:PutEvents"]
    assert account.refused(user, needed, account.arn(bus)) == ["events:PutEvents"]
    assert account.refused(user, ["secretsmanager:GetSecretValue"], account.arn(secret)) == []


def test_a_drift_is_an_exit_status(in_aws: Command, prefix: str, aws: AwsOptions) -> None:
    Disturbed(aws, prefix).queue("start_payment_cmd", VisibilityTimeout="61")
    (finding,) = in_aws.findings("--aws")
    assert (finding["code"], finding["severity"]) == ("BC616", "warning")
    Disturbed(aws, prefix).queue("start_payment_cmd", RedrivePolicy="")
    assert in_aws.codes("--aws") == ["BC612", "BC616"]


def policy(*actions: str) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
    )


def test_permissions_that_the_present_user_lacks_are_found(
    in_aws: Command, prefix: str, aws: AwsOptions
) -> None:
    disturbed = Disturbed(aws, prefix)
    disturbed.call("iam", "CreateUser", UserName=prefix)
    disturbed.call(
        "iam",
        "PutUserPolicy",
        UserName=prefix,
        PolicyName="shop",
        PolicyDocument=policy(
            *("sqs:*", "sns:*", "dynamodb:*GetItem", "dynamodb:Query", "dynamodb:DeleteItem"),
            *("dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem"),
        ),
    )
    key = disturbed.call("iam", "CreateAccessKey", UserName=prefix)["AccessKey"]
    in_aws.environment.update(
        AWS_ACCESS_KEY_ID=key["AccessKeyId"], AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"]
    )  # type: ignore[index]  # an answer of any kind
    finding, of_lock = in_aws.findings("--aws")
    assert finding["code"] == of_lock["code"] == "BC602"
    assert "dynamodb:PutItem" in finding["what"]
    assert "expire_pending_payments_lock" in of_lock["what"]
    assert "'start_payment', 'payment_processed', 'expire_pending_payments'" in finding["what"]
    assert in_aws.codes("--aws", SERVICE_NAME="payment_api") == []


def test_an_assumed_role_is_judged_by_its_role(
    payments: ServiceRegistry, aws: AwsOptions, prefix: str
) -> None:
    disturbed = Disturbed(aws, prefix)
    name = f"{prefix}role"
    disturbed.call(
        "iam",
        "CreateRole",
        RoleName=name,
        Path="/services/",
        AssumeRolePolicyDocument=policy("sts:AssumeRole"),
    )
    disturbed.call(
        "iam", "PutRolePolicy", RoleName=name, PolicyName="shop", PolicyDocument=policy("sqs:SendMessage")
    )
    session = f"arn:aws:sts::000000000000:assumed-role/{name}/task"
    asked = ["sqs:SendMessage", "sqs:ReceiveMessage"]
    arn = f"arn:aws:sqs:{REGION}:000000000000:{prefix}start_payment_cmd"
    assert AwsAccount(aws)._policy_source(session).endswith(f"role/services/{name}")
    assert "sqs:ReceiveMessage" in AwsAccount(aws).refused(session, asked, arn)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "127.0.0.1:9"),
        ({"AWS_REGION": ""}, "no AWS region is set"),
    ],
    ids=["no answer", "no region"],
)
def test_an_aws_that_does_not_answer_is_one_finding(
    in_aws: Command, changes: dict[str, str], told: str
) -> None:
    (finding,) = in_aws.findings("--aws", **changes)
    assert finding["code"] == "BC601"
    assert told in finding["what"]
