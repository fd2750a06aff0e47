"""`blackcat generate-service`: what it writes, what it leaves alone, and what it refuses."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from blackcat.application.scaffolding.plan import File, changes
from blackcat.application.scaffolding.service import operation_of, queue_for, service_name
from blackcat.domain.naming import Name
from blackcat.entrypoints.cli.main import blackcat
from blackcat.errors import ConfigurationError, InvalidName, ProjectError
from blackcat.infra.project.scaffolding import apply, reader, rendered_tree
from golden.trees import assert_golden

RUFF = Path(sys.executable).with_name("ruff")
KINDS = ("consumer", "worker", "rest-api")

# Every module of each project is imported, and each registry is rehearsed, in one process.
TRIES = """
import importlib, os, pathlib, sys
os.environ.update(AWS_REGION="us-east-1", AWS_ENDPOINT_URL="http://127.0.0.1:9")
os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")
from blackcat.entrypoints.rehearsal import rehearse
for folder in sys.argv[1:]:
    os.chdir(folder)
    sys.path.insert(0, folder)
    before = set(sys.modules)
    rehearse(importlib.import_module("services").services)
    for path in sorted(pathlib.Path("tests").rglob("test_*.py")):
        importlib.import_module(".".join(path.with_suffix("").parts))
    sys.path.remove(folder)
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(folder):
            del sys.modules[name]
"""


@pytest.fixture
def shop(tmp_path):
    return new_project(tmp_path / "shop", "shop")


def new_project(root, context):
    name = Name.parse(context, what="context")
    values = {"project": name, "context": name, "blackcat": "blackcat>=0.1.0", "templates": None}
    apply(changes(rendered_tree("project", values, None), reader(root), replaces=False), root)
    return root


def generate(root, *arguments):
    return CliRunner().invoke(blackcat, ["-C", str(root), "generate-service", *arguments])


def done(result, status=0):
    assert result.exit_code == status, f"{result.output}\n{result.exception}"
    return result


def refused(result, kind=InvalidName):
    assert isinstance(result.exception, kind), result.output
    return str(result.exception)


def contents(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def written_since(before, root):
    after = contents(root)
    return [File(path, text.decode()) for path, text in after.items() if before.get(path) != text]


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("consumer", ["start-payment", "--fifo"]),
        ("worker", ["expire-payments", "--schedule", "rate(5 minutes)"]),
        ("rest-api", ["payment-api"]),
    ],
)
def test_each_kind_is_the_golden_one(shop, kind, arguments):
    before = contents(shop)
    done(generate(shop, *arguments, "--type", kind))
    assert_golden(f"service/{kind}", written_since(before, shop))


def test_what_was_written_and_what_comes_next_is_told(shop):
    told = done(generate(shop, "send-email", "--type", "consumer")).stdout
    assert told.startswith(
        "send_email: 8 of 8 files written\n├── services/\n│   └── __init__.py  (changed)\n"
    )
    assert told.endswith(
        "\nNext:\n  edit shop/application/usecases/send_email_usecase.py, and follow its comments\n"
        "  make test\n  blackcat run send_email\n"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_run_changes_nothing_and_says_so(shop, kind):
    done(generate(shop, "send-email", "--type", kind))
    before = contents(shop)
    told = done(generate(shop, "sendEmail", "--type", kind.upper())).stdout
    assert told == "send_email: nothing to do, all of it is there\n"
    assert contents(shop) == before


def test_a_dry_run_shows_the_tree_and_the_diff_and_writes_nothing(shop):
    before = contents(shop)
    shown = done(generate(shop, "send-email", "--type", "consumer", "--dry-run")).stdout
    assert "├── services/\n│   └── __init__.py  (changed)\n" in shown
    assert "--- a/services/__init__.py\n+++ b/services/__init__.py\n" in shown
    assert '+            name="send_email",\n' in shown
    assert "+++ b/shop/application/usecases/send_email_usecase.py\n" in shown
    assert "+class SendEmail:\n" in shown
    assert contents(shop) == before


@pytest.mark.parametrize("kind", ["REST_API", "rest-api", "RestAPI", "restapi", "Rest Api"])
def test_kinds_are_read_as_service_types_are(shop, kind):
    done(generate(shop, "orders", "--type", kind))
    assert (shop / "shop/entrypoints/interfaces/api/orders_api.py").is_file()


@pytest.mark.parametrize("name", ["send-email", "send_email", "sendEmail", "SendEmail", "SEND-EMAIL"])
def test_names_are_read_in_any_case(shop, name):
    done(generate(shop, name, "--type", "worker"))
    assert "class SendEmail:" in (shop / "shop/application/usecases/send_email_usecase.py").read_text()


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("order-consumer", "order"),
        ("order-worker", "order"),
        ("orders-api", "orders"),
        ("orders-rest-api", "orders"),
        ("pay-use-case", "pay"),
        ("pay-usecase", "pay"),
        ("pay-worker-usecase", "pay"),
        ("consumer", "consumer"),
        ("consumer-order", "consumer_order"),
        ("none-worker", "none_worker"),
    ],
)
def test_code_does_not_say_the_kind_of_service_twice(name, operation):
    assert operation_of(service_name(name)).snake == operation


@pytest.mark.parametrize(
    ("arguments", "queue"),
    [
        ([], "pay_cmd"),
        (["--fifo"], "pay_cmd.fifo"),
        (["--queue", "orders"], "orders"),
        (["--queue", "orders", "--fifo"], "orders.fifo"),
        (["--queue", "orders.fifo"], "orders.fifo"),
        (["--queue", "orders.fifo", "--fifo"], "orders.fifo"),
    ],
)
def test_a_consumer_has_the_queue_that_was_asked_for(shop, arguments, queue):
    done(generate(shop, "pay", "--type", "consumer", *arguments))
    assert f'queue_name="{queue}",' in (shop / "services/__init__.py").read_text()


def test_the_longest_name_has_a_queue_that_sqs_takes():
    name = Name.parse("a" * 63, what="service")
    assert len(queue_for(name, None, fifo=True).replace("_cmd", "_cmd_dlq")) <= 80


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--type", "worker", "--queue", "x"], "a worker has no queue"),
        (["--type", "rest-api", "--fifo"], "a rest-api has no queue"),
        (["--type", "consumer", "--schedule", "rate(5 minutes)"], "a consumer has no schedule"),
        (["--type", "worker", "--schedule", "every day"], "write 'rate(5 minutes)'"),
        (["--type", "worker", "--schedule", 'rate(5 minutes)"'], "write 'rate(5 minutes)'"),
        (["--type", "consumer", "--queue", "a queue"], "has a queue_name that SQS refuses"),
        (["--type", "consumer", "--queue", "x" * 81], "has a queue_name that SQS refuses"),
        ([], "Missing option '--type'"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(shop, arguments, problem):
    before = contents(shop)
    assert problem in done(generate(shop, "pay", *arguments), status=2).stderr
    assert contents(shop) == before


@pytest.mark.parametrize(
    ("name", "kind", "problem"),
    [
        ("class", "worker", "means something to Python"),
        ("list", "worker", "would hide Python's own list"),
        ("test", "worker", "pytest would take Test for a test"),
        ("test-payments", "worker", "pytest would take TestPayments for a test"),
        ("clock", "worker", "generated code has a Clock already"),
        ("clock-worker", "worker", "generated code has a Clock already"),
        ("health", "rest-api", "Blackcat answers /health itself"),
        ("health-api", "rest-api", "Blackcat answers /health itself"),
        ("2pay", "worker", "starts with a digit"),
        ("../pay", "worker", "path"),
        ("a" * 64, "worker", "63 fit"),
        ("a" * 47, "worker", "shorten it by 2"),
        ("shop-settings", "worker", "'ShopSettings' stands for something else there"),
    ],
)
def test_a_name_that_its_code_could_not_have_is_refused(shop, name, kind, problem):
    before = contents(shop)
    assert problem in refused(generate(shop, name, "--type", kind))
    assert contents(shop) == before


def test_a_name_whose_code_is_another_services_is_refused(shop):
    done(generate(shop, "order", "--type", "consumer"))
    assert "its code would be called order, as that of 'order' is" in refused(
        generate(shop, "order-worker", "--type", "worker")
    )


def test_a_service_that_is_declared_otherwise_is_refused(shop):
    done(generate(shop, "pay", "--type", "consumer"))
    before = contents(shop)
    message = refused(generate(shop, "pay", "--type", "worker"))
    assert message.startswith("services/__init__.py: a service 'pay' is declared already, on line 12")
    assert contents(shop) == before


def test_a_file_that_was_edited_is_kept_unless_forced(shop):
    done(generate(shop, "pay", "--type", "consumer"))
    edited = shop / "shop/application/usecases/pay_usecase.py"
    generated = edited.read_text()
    edited.write_text("# mine\n")
    assert "pay_usecase.py would lose what is there now" in refused(
        generate(shop, "pay", "--type", "consumer"), ProjectError
    )
    assert edited.read_text() == "# mine\n"
    assert "(conflict)" in done(generate(shop, "pay", "--type", "consumer", "--dry-run")).stdout
    done(generate(shop, "pay", "--type", "consumer", "--force"))
    assert edited.read_text() == generated


def test_a_registry_that_is_not_understood_is_left_alone_and_the_lines_are_printed(shop):
    registry = shop / "services/__init__.py"
    registry.write_text(registry.read_text().replace("[]", "sorted([])"))
    before = contents(shop)

    result = done(generate(shop, "pay", "--type", "worker"), status=1)

    assert {file.path.name for file in written_since(before, shop)} == {
        "pay_usecase.py",
        "pay_usecase_contracts.py",
        "pay_repository_contracts.py",
        "pay_repository.py",
        "pay_worker.py",
        "test_pay.py",
    }
    assert "services/__init__.py was left as it is" in result.stderr
    assert "shop/infra/container.py was left as it is" in result.stderr
    assert 'Service(\n    name="pay",\n' in result.stdout
    assert "\ncontainer.register(PayUseCase, Pay)\n" in result.stdout

    by_hand = registry.read_text().replace("sorted([])", "sorted([pay])")
    registry.write_text(
        by_hand.replace(
            "services = ",
            'pay_records = TableResource("pay_records", key="id")\npay = Service(name="pay", '
            'type=ServiceType.WORKER, entrypoint="shop.entrypoints.interfaces.worker.pay_worker:PayWorker", '
            "uses=[pay_records.read_write()])\nservices = ",
        ).replace(
            "import ServiceRegistry",
            "import Service, ServiceRegistry, ServiceType\nfrom blackcat.resources import TableResource",
        )
    )
    done(generate(shop, "pay", "--type", "worker"))
    assert "container.register(PayUseCase, Pay)" in (shop / "shop/infra/container.py").read_text()


def test_a_container_that_is_not_understood_leaves_the_registry_alone_too(shop):
    container = shop / "shop/infra/container.py"
    container.write_text("from elsewhere import build_container\n")
    registry = (shop / "services/__init__.py").read_text()
    result = generate(shop, "pay", "--type", "worker")
    assert "it has no function build_container" in result.stderr
    assert (shop / "services/__init__.py").read_text() == registry


def test_a_registry_without_a_container_is_told_to_name_one(shop):
    registry = shop / "services/__init__.py"
    registry.write_text("from blackcat import ServiceRegistry\n\nservices = ServiceRegistry([])\n")
    result = generate(shop, "pay", "--type", "worker")
    assert 'the registry does not say container="module:function"' in result.stderr


@pytest.mark.parametrize("path", ["services/__init__.py", "shop/infra/container.py"])
def test_a_file_that_python_does_not_read_stops_everything(shop, path):
    (shop / path).write_text("x = 1\nclass :\n")
    before = contents(shop)
    assert "line 2: invalid syntax; mend it and run again" in refused(
        generate(shop, "pay", "--type", "worker"), ProjectError
    )
    assert contents(shop) == before


def test_a_container_that_is_nowhere_stops_everything(shop):
    (shop / "shop/infra/container.py").unlink()
    assert "there is no shop/infra/container.py and no " in refused(
        generate(shop, "pay", "--type", "worker"), ProjectError
    )


def test_the_context_is_asked_for_where_there_are_several(shop):
    for layer in ("application", "entrypoints"):
        (shop / "billing" / layer).mkdir(parents=True)
    assert "has several contexts, billing, shop: choose with --context" in refused(
        generate(shop, "pay", "--type", "worker"), ProjectError
    )
    assert "has no context 'stock'; it has billing, shop" in refused(
        generate(shop, "pay", "--type", "worker", "--context", "stock"), ProjectError
    )
    done(generate(shop, "pay", "--type", "worker", "--context", "Billing"))
    assert (shop / "billing/application/usecases/pay_usecase.py").is_file()
    assert (shop / "billing/application/ports/driving/__init__.py").read_bytes() == b""
    assert (
        "from billing.application.usecases.pay_usecase import Pay\n"
        in (shop / "shop/infra/container.py").read_text()
    )


def test_a_registry_of_another_place_and_name(shop):
    (shop / "services").rename(shop / "declared")
    registry = shop / "declared/__init__.py"
    registry.write_text(registry.read_text().replace("services = S", "every = S"))
    pyproject = shop / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('"services:services"', '"declared:every"'))
    done(generate(shop, "pay", "--type", "consumer"))
    assert 'name="pay"' in registry.read_text()
    assert "from declared import every, pay_records\n" in (shop / "tests/unit/test_pay.py").read_text()
    assert "from declared import pay_records\n" in (shop / "shop/infra/container.py").read_text()


def test_outside_a_project_it_says_what_to_do(tmp_path):
    assert "is no Blackcat project" in refused(generate(tmp_path, "pay", "--type", "worker"), ProjectError)


def own_kind(shop, **files):
    pyproject = shop / "pyproject.toml"
    pyproject.write_text(
        pyproject.read_text().replace('# templates = "templates"', 'templates = "templates"')
    )
    folder = shop / "templates/service/cron"
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_jinja", ".py.jinja")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


DECLARATION = (
    "from blackcat import Service, ServiceType\n\nService(\n"
    '    name="{{ service.snake }}",\n    type=ServiceType.WORKER,\n'
    '    entrypoint="{{ context.snake }}.jobs.{{ operation.snake }}:run",\n'
    '    schedule="{{ schedule }}",\n)\n'
)


def test_a_team_has_a_kind_of_its_own(shop):
    own_kind(shop, declaration_jinja=DECLARATION)
    job = shop / "templates/service/cron/files/{{ context.snake }}/jobs/{{ operation.snake }}.py.jinja"
    job.parent.mkdir(parents=True)
    job.write_text('"""{{ service.title }}."""\n\n\ndef run() -> None: ...\n')

    done(generate(shop, "sweep-up", "--type", "cron", "--schedule", "rate(1 day)"))

    assert (shop / "shop/jobs/sweep_up.py").read_text() == '"""Sweep up."""\n\n\ndef run() -> None: ...\n'
    assert (shop / "shop/jobs/__init__.py").is_file()
    assert 'entrypoint="shop.jobs.sweep_up:run"' in (shop / "services/__init__.py").read_text()
    assert (
        "nothing to do"
        in done(generate(shop, "sweep-up", "--type", "cron", "--schedule", "rate(1 day)")).stdout
    )


def test_a_kind_that_nobody_has_is_refused_with_those_there_are(shop):
    own_kind(shop, declaration_jinja=DECLARATION)
    message = refused(generate(shop, "pay", "--type", "lambda"), ConfigurationError)
    assert "there is no kind of service 'lambda': choose consumer, worker, rest-api, cron" in message


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Service(", "template service/cron/declaration.py.jinja: line 1: "),
        ("import os\n", "declaration.py.jinja: line 1: write it as `from module import name`"),
        ("{{ nothing }}", "'nothing' is undefined"),
        ("x = 1\n", "must end with Service"),
    ],
)
def test_a_mistake_in_a_declaration_names_the_template(shop, text, problem):
    own_kind(shop, declaration_jinja=text)
    before = contents(shop)
    assert problem in refused(generate(shop, "pay", "--type", "cron"), ConfigurationError)
    assert contents(shop) == before


def test_a_team_overrides_one_template_of_ours(shop):
    pyproject = shop / "pyproject.toml"
    pyproject.write_text(
        pyproject.read_text().replace('# templates = "templates"', 'templates = "templates"')
    )
    ours = "files/{{ context.snake }}/application/usecases/{{ operation.snake }}_usecase.py.jinja"
    path = shop / "templates/service/worker" / ours
    path.parent.mkdir(parents=True)
    path.write_text('"""The {{ operation.title }} that our team writes."""\n')
    done(generate(shop, "pay", "--type", "worker"))
    assert (shop / "shop/application/usecases/pay_usecase.py").read_text() == (
        '"""The Pay that our team writes."""\n'
    )
    assert (shop / "shop/entrypoints/interfaces/worker/pay_worker.py").is_file()


@pytest.mark.parametrize("kind", KINDS)
def test_every_generated_module_says_first_which_layer_it_is_and_what_comes_next(shop, kind):
    before = contents(shop)
    done(generate(shop, "pay", "--type", kind))
    modules = [file for file in written_since(before, shop) if file.path.parts[0] == "shop"]
    for file in modules:
        first = ast.get_docstring(ast.parse(file.content)) or ""
        assert first.split()[1:2] == ["layer,"] or first.split()[1:2] == ["layer:"], file.path
        if file.path.name != "container.py":
            assert "May import: " in first, file.path
            assert "Next: " in file.content, file.path


NAMES = st.from_regex("[a-zA-Z][a-zA-Z0-9]{0,9}([-_]?[a-zA-Z0-9]{1,9}){0,3}", fullmatch=True)


def check_names(top, names):
    """Each accepted name gives a project that imports, starts and is formatted, for every kind."""
    roots = []
    for number, (context, service) in enumerate(names):
        try:
            Name.parse_package(context, what="context")
            service_name(service)
        except InvalidName:
            continue
        root = new_project(top / str(number), context)
        taken = [
            generate(root, f"{service}-{word}", "--type", kind)
            for word, kind in zip("xyz", KINDS, strict=True)
        ]
        for result in taken:
            assert result.exception is None or isinstance(result.exception, InvalidName), result.exception
        roots.append(str(root))
    ran = subprocess.run([sys.executable, "-c", TRIES, *roots], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    for command in (["check"], ["format", "--check"]):
        ran = subprocess.run([RUFF, *command, "--no-cache", top], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout


PAIRS = st.lists(st.tuples(NAMES, NAMES), min_size=5, max_size=8)


@limits(max_examples=1, deadline=None, suppress_health_check=list(HealthCheck))
@given(names=PAIRS)
def test_any_name_that_is_accepted_gives_a_service_that_starts_and_is_formatted(tmp_path_factory, names):
    check_names(tmp_path_factory.mktemp("names"), names)


@pytest.mark.long
@pytest.mark.timeout(1800)
@limits(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(names=PAIRS)
def test_very_many_names(tmp_path_factory, names):
    check_names(tmp_path_factory.mktemp("names"), names)
