"""`blackcat new --layout lambda`: what it writes and refuses, and that its rules hold what they promise."""

from __future__ import annotations

import ast
import importlib.util
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from blackcat.application.packaging.declaration import declared
from blackcat.application.scaffolding.lambda_layout import operation_name, project_name, proper_name
from blackcat.application.scaffolding.plan import File, changes
from blackcat.entrypoints.cli.main import blackcat
from blackcat.errors import InvalidName, ProjectError
from blackcat.infra.project.lambda_templates import project_files
from blackcat.infra.project.project import find_project
from blackcat.infra.project.scaffolding import apply, reader

ROOT = Path(__file__).parents[4]
EXAMPLE = ROOT / "examples/neoapp_banner"
RUFF = Path(sys.executable).with_name("ruff")
# What tools leave in a folder that is worked in.
CACHES = {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}


def new(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(blackcat, ["-C", str(folder), "new", *arguments, "--layout", "lambda"])


def refused(result: Result, kind: type[Exception] = InvalidName) -> str:
    assert isinstance(result.exception, kind), result.output
    return str(result.exception)


def files(name: str, operation: str | None = None) -> list[File]:
    only = None if operation is None else operation_name(operation)
    return project_files(project_name(name), only, requirement="blackcat>=0.1.0")


def paths(written: list[File]) -> set[str]:
    return {str(file.path) for file in written}


# The example is what the generator writes. After a change that is meant: UPDATE_GOLDEN=1, and read the diff.


def test_the_example_is_the_generators_own() -> None:
    generated = files("neoapp_banner")
    if os.environ.get("UPDATE_GOLDEN"):
        apply(changes(generated, reader(EXAMPLE), replaces=True), EXAMPLE)
        for path in set(written_in(EXAMPLE)) - paths(generated):
            (EXAMPLE / path).unlink()
    present = written_in(EXAMPLE)
    assert paths(generated) == set(present)
    assert {str(file.path): file.content for file in generated} == present


def written_in(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in root.rglob("*")
        if path.is_file() and not CACHES & set(path.parts) and path.name != ".env"
    }


# The tree is that of the design.


def designed() -> Iterator[str]:
    """The files and folders of the tree in docs/en/architecture.md, from ``src`` on."""
    text = (ROOT / "docs/en/architecture.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```text\n(src/\n.*?)```", text, re.DOTALL)
    above: list[str] = []
    for line in block.splitlines():
        name, _, told = line.strip().partition(" ")
        above = [*above[: (len(line) - len(line.lstrip())) // 2], name.rstrip("/")]
        yield "/".join(above)
        if name.endswith("/"):
            for more in re.findall(r"[\w/]+\.(?:py|md)|\w+(?:/\w+)*/(?=[\s,…]|$)", told):
                yield "/".join([*above, more.rstrip("/")])


def test_the_tree_is_that_of_the_design() -> None:
    expected = set(designed()) - {"src/.env"}
    assert len(expected) > 45
    present = paths(files("neoapp_banner")) | {"src/.env.example"}
    folders = {parent.as_posix() for path in present for parent in Path(path).parents}

    assert expected - present - folders == set()

    # Where the design lists a folder's modules, there are no others; tests, scripts and docs have more.
    closed = {str(Path(path).parent) for path in expected if path.endswith(".py")} - {"src/scripts"}
    modules = {
        path
        for path in present
        if path.endswith(".py") and str(Path(path).parent) in closed and Path(path).name != "__init__.py"
    }
    assert modules - expected == set()


def test_what_is_secret_stays_out_of_the_repository(tmp_path: Path) -> None:
    new(tmp_path, "neoapp_banner")
    root = tmp_path / "neoapp_banner"
    subprocess.run(["git", "init", "-q", root], check=True)
    (root / "src/.env").write_text("OPENAI_API_KEY=sk-1\n")
    (root / "src/.env.prod").write_text("OPENAI_API_KEY=sk-2\n")
    done = subprocess.run(
        ["git", "status", "--porcelain", "-uall"], capture_output=True, text=True, cwd=root, check=True
    )
    untracked = {line.split()[-1] for line in done.stdout.splitlines()}
    assert "src/.env.example" in untracked
    assert not {"src/.env", "src/.env.prod"} & untracked


# --empty


def test_an_empty_project_has_one_operation_and_nothing_of_the_examples(tmp_path: Path) -> None:
    done = new(tmp_path, "generic_send_email", "--empty", "send-email")
    assert done.exit_code == 0, done.output
    root = tmp_path / "generic_send_email"
    assert (root / "src/domain/operations/send_email_operations.py").is_file()
    # core stays as it is: its payment gateway knows of installments, and its stand-ins too.
    of_core = re.compile(r"src/core/|tests/unit/core/|tests/(fakes|standins)\.py")
    left = [
        f"{path}: {line}"
        for path, text in written_in(root).items()
        if not of_core.search(path)
        for line in [path, *text.splitlines()]
        if re.search(r"(\b|_)(banner|installment)s?(\b|_)", line, re.IGNORECASE)
    ]
    assert left == []


def test_an_empty_project_has_the_same_tree_otherwise() -> None:
    def general(written: list[File], operations: str) -> set[str]:
        pattern = rf"(^|_)({operations})(s_|_|\.|$)"
        parts = (Path(path).parts for path in paths(written))
        return {"/".join(one) for one in parts if not any(re.search(pattern, part) for part in one)}

    whole = general(files("a_b"), "banners?|payments?|installments?|notifications?")
    assert general(files("a_b", "refund"), "refund") == whole


def test_the_operation_may_have_the_name_of_an_example(tmp_path: Path) -> None:
    assert new(tmp_path, "shop_payment", "--empty", "payment").exit_code == 0
    assert (tmp_path / "shop_payment/src/domain/commands/payment_commands.py").is_file()
    assert not (tmp_path / "shop_payment/src/domain/commands/banner_commands.py").exists()


# names


@pytest.mark.parametrize(
    ("text", "proper"),
    [
        ("neoapp", "neoapp_send_email"),
        ("NeoappBanner", "neoapp_banner"),
        ("neoapp-banner", "neoapp_banner"),
        ("Neoapp_Banner", "neoapp_banner"),
        ("neoapp__banner", "neoapp_banner"),
        ("_neoapp_banner", "neoapp_banner"),
        ("neoapp_banner_", "neoapp_banner"),
        ("neoapp banner", "neoapp_banner"),
        ("neoapp.banner", "neoapp_banner"),
        ("9lives_cat", "lives_cat"),
        ("São_Paulo", "sao_paulo"),
        ("HTTPServer", "http_server"),
        ("", "generic_send_email"),
        ("日本", "generic_send_email"),
        ("42", "generic_send_email"),
    ],
)
def test_a_name_without_both_parts_in_snake_case_is_refused_with_one_that_has_them(
    tmp_path: Path, text: str, proper: str
) -> None:
    told = refused(new(tmp_path, text))
    assert "write <project>_<functionality> in snake_case, both parts, such as " in told
    assert told.endswith(proper)
    assert project_name(proper).project.snake == proper
    assert list(tmp_path.iterdir()) == []


@given(st.text(max_size=90))
def test_whatever_is_refused_the_example_is_accepted_or_too_long(text: str) -> None:
    try:
        project_name(text)
    except InvalidName:
        proper = proper_name(text)
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", proper)


@pytest.mark.parametrize("name", ["generic_send_email", "neoapp_genia_voice", "a_b", "neoapp2_3ds"])
def test_names_with_both_parts_are_taken(name: str) -> None:
    assert project_name(name).project.snake == name
    assert f"{project_name(name).product.snake}_{project_name(name).functionality.snake}" == name


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    assert "63 fit: shorten it" in refused(new(tmp_path, f"neoapp_{'b' * 60}"))


def test_options_of_the_other_layout_are_usage_errors(tmp_path: Path) -> None:
    done = new(tmp_path, "neoapp_banner", "--context", "shop")
    assert done.exit_code == 2
    assert "has no contexts: leave out --context" in done.stderr
    done = CliRunner().invoke(blackcat, ["-C", str(tmp_path), "new", "shop", "--empty", "refund"])
    assert done.exit_code == 2
    assert "add --layout lambda" in done.stderr
    assert "cannot be the name of an operation" in refused(new(tmp_path, "a_b", "--empty", "class"))
    assert list(tmp_path.iterdir()) == []


# what is written


def test_it_says_what_comes_next(tmp_path: Path) -> None:
    done = new(tmp_path, "neoapp_banner")
    assert "blackcat generate-operation send-letter" in done.stdout
    assert 'layout = "lambda"' in (tmp_path / "neoapp_banner/pyproject.toml").read_text()
    assert find_project(tmp_path / "neoapp_banner/src/core").layout == "lambda"


def test_a_deployment_finds_what_the_function_is_made_of_and_asks_its_health(tmp_path: Path) -> None:
    new(tmp_path, "neoapp_banner")
    project = find_project(tmp_path / "neoapp_banner")
    function = declared(project.options["lambda"], project=project.root.name)
    assert (function.function, function.python, function.architecture) == ("neoapp_banner", "3.12", "x86_64")
    assert (function.memory, function.timeout, function.smoke.status) == (512, 30, 0)
    assert json.loads((project.root / str(function.smoke.event)).read_text()) == {"job": "health"}


def test_the_health_of_an_empty_project_needs_no_secret_of_a_service(tmp_path: Path) -> None:
    new(tmp_path, "shop_refund", "--empty", "refund")
    read = (tmp_path / "shop_refund/src/core/mew/config.py").read_text()
    assert "settings_of = SettingsReader(Settings)\n" in read


def test_a_dry_run_writes_nothing_and_a_full_folder_is_refused(tmp_path: Path) -> None:
    done = new(tmp_path, "neoapp_banner", "--dry-run")
    assert done.stdout.startswith("neoapp_banner/\n├── .github/\n")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "neoapp_banner").mkdir()
    (tmp_path / "neoapp_banner/notes.md").touch()
    assert "is not empty, it has notes.md" in refused(new(tmp_path, "neoapp_banner"), ProjectError)


def test_every_module_says_first_what_it_is() -> None:
    for file in files("neoapp_banner"):
        if file.path.suffix == ".py" and file.path.name != "__init__.py":
            assert ast.get_docstring(ast.parse(file.content)), file.path


def test_every_folder_with_modules_is_a_package() -> None:
    written = paths([*files("neoapp_banner"), *files("a_b", "refund")])
    for path in map(Path, written):
        if path.suffix == ".py":
            assert f"{path.parent.as_posix()}/__init__.py" in written


def test_a_teams_templates_go_before_ours(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.blackcat]\ntemplates = "ours"\n')
    (tmp_path / "ours/lambda_project").mkdir(parents=True)
    (tmp_path / "ours/lambda_project/README.md.jinja").write_text("# {{ project.title }}, our way\n")
    new(tmp_path, "neoapp_banner")
    assert (tmp_path / "neoapp_banner/README.md").read_text() == "# Neoapp banner, our way\n"
    assert find_project(tmp_path / "neoapp_banner").options["templates"] == "../ours"


@pytest.mark.parametrize("name", ["a_b", f"neoapp_{'b' * 30}", f"{'a' * 30}_{'b' * 32}", "a1_2_3"])
def test_whatever_the_name_is_the_code_is_formatted(tmp_path: Path, name: str) -> None:
    apply(changes(files(name), reader(tmp_path), replaces=False), tmp_path)
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [RUFF, *command, "--no-cache", tmp_path], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


# The rules of the layout: each fails where it is broken, and says what to do.


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("rules") / "shop_refund"
    apply(changes(files("shop_refund", "refund"), reader(root), replaces=False), root)
    return root


_NUMBERS = itertools.count()


def rules_of(project: Path) -> ModuleType:
    path = project / "src/tests/unit/test_rules.py"
    spec = importlib.util.spec_from_file_location(f"rules_{next(_NUMBERS)}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def broken(project: Path) -> dict[str, str]:
    """The rules that do not hold, with what they say."""
    found = {}
    for name, rule in vars(rules_of(project)).items():
        if name.startswith("test_"):
            try:
                rule()
            except pytest.fail.Exception as failure:
                found[name] = str(failure)
    return found


def test_all_rules_hold_at_first(project: Path) -> None:
    assert broken(project) == {}


OPERATIONS = "src/domain/operations/refund_operations.py"
COMMANDS = "src/domain/commands/refund_commands.py"


@pytest.mark.parametrize(
    ("path", "line", "rule", "told"),
    [
        (
            OPERATIONS,
            "from src.core.utils.notations import Clock",
            "test_imports_inside_src_are_relative",
            "write it as a relative import, with dots",
        ),
        ("src/main.py", "import config", "test_imports_inside_src_are_relative", "imports config: write it"),
        (
            "src/tests/unit/test_main.py",
            "def test_x():\n    import src.main",
            "test_imports_inside_src_are_relative",
            "imports src.main: write it",
        ),
        (
            "src/core/mew/jobs.py",
            "from ...domain.commands.refund_commands import refund",
            "test_core_holds_no_business_rule",
            "move the code that needs it to domain, or let it be given as a parameter",
        ),
        (
            "src/core/utils/helpers.py",
            "from ... import endpoint",
            "test_core_holds_no_business_rule",
            "imports endpoint: core knows no business rule",
        ),
        (
            OPERATIONS,
            "from ...core.services.openai_service import openai",
            "test_the_domain_knows_of_core_its_interfaces_only",
            "declare what the rule needs as a Protocol in core/utils/notations.py, import that, and bind",
        ),
        (
            OPERATIONS,
            "from ...core.utils import helpers",
            "test_the_domain_knows_of_core_its_interfaces_only",
            "imports core.utils.helpers: declare",
        ),
        (
            COMMANDS,
            "from ...endpoint.utils import problem",
            "test_the_domain_knows_of_core_its_interfaces_only",
            "imports endpoint.utils.problem",
        ),
        (
            "src/domain/models/refund_models.py",
            "from ...config import Settings",
            "test_the_domain_knows_of_core_its_interfaces_only",
            "imports config.Settings",
        ),
        (
            OPERATIONS,
            "def f():\n    import httpx",
            "test_the_domain_and_its_interfaces_need_no_library",
            "imports httpx: a rule is written with the standard library and pydantic",
        ),
        (
            COMMANDS,
            "from blackcat import Reject",
            "test_the_domain_and_its_interfaces_need_no_library",
            "imports blackcat",
        ),
        (
            "src/core/utils/notations.py",
            "import httpx",
            "test_the_domain_and_its_interfaces_need_no_library",
            "src/core/utils/notations.py:",
        ),
        (
            OPERATIONS,
            "import smtplib",
            "test_the_domain_and_its_interfaces_need_no_library",
            "imports smtplib: a rule is written with the standard library",
        ),
        (
            "src/core/utils/notations.py",
            "from .helpers import SystemClock",
            "test_interfaces_are_declared_without_what_is_behind_them",
            "what carries them out imports it, not the other way round",
        ),
        (
            OPERATIONS,
            "from importlib import import_module as load\nload('src.core')",
            "test_nothing_is_imported_behind_the_back_of_these_rules",
            "imports by importlib.import_module(): write it as an import statement",
        ),
        (
            "src/core/mew/jobs.py",
            "__import__('src.domain')",
            "test_nothing_is_imported_behind_the_back_of_these_rules",
            "imports by __import__()",
        ),
        (
            "src/core/services/openai_service.py",
            "import os as system\nKEY = system.environ['OPENAI_API_KEY']",
            "test_the_environment_is_read_in_config_only",
            "add a field to a class of settings in src/config.py",
        ),
        (
            "src/endpoint/utils.py",
            "from os import getenv\nHOST = getenv('HOST')",
            "test_the_environment_is_read_in_config_only",
            "uses os.getenv: add a field",
        ),
        (
            "src/scripts/setup_env.py",
            "import os\nHERE = os.environ.copy()",
            "test_the_environment_is_read_in_config_only",
            "src/scripts/setup_env.py",
        ),
        (
            "src/domain/operations/rate_operations.py",
            "RATE = 1",
            "test_every_module_of_domain_and_endpoint_is_mirrored_by_its_tests",
            "has no tests: write them in src/tests/unit/domain/operations/test_rate_operations.py",
        ),
        (
            "src/endpoint/routes/refund/more.py",
            "RATE = 1",
            "test_every_module_of_domain_and_endpoint_is_mirrored_by_its_tests",
            "src/endpoint/routes/refund/more.py has no tests",
        ),
    ],
)
def test_a_rule_that_is_broken_fails_and_says_what_to_do(
    project: Path, path: str, line: str, rule: str, told: str
) -> None:
    module = project / path
    before = module.read_text() if module.exists() else None
    module.write_text(f"{before or ''}\n{line}\n")
    try:
        found = broken(project)
    finally:
        module.write_text(before) if before is not None else module.unlink()
    assert told in found[rule]
    assert path in found[rule]


def test_a_mirror_without_a_test_is_none(project: Path) -> None:
    mirror = project / "src/tests/unit/domain/operations/test_refund_operations.py"
    text = mirror.read_text()
    mirror.write_text('"""Nothing yet."""\n')
    try:
        found = broken(project)
    finally:
        mirror.write_text(text)
    assert list(found) == ["test_every_module_of_domain_and_endpoint_is_mirrored_by_its_tests"]


def test_config_and_tests_may_see_the_environment(project: Path) -> None:
    for path in ("src/config.py", "src/tests/conftest.py"):
        module = project / path
        text = module.read_text()
        module.write_text(f"{text}\nimport os\n\nHERE = os.environ\n")
        try:
            assert broken(project) == {}
        finally:
            module.write_text(text)
