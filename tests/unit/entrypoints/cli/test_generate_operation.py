"""`blackcat generate-operation`: what it adds, what it refuses, and that nothing of the user's is lost."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from blackcat.application.scaffolding.lambda_layout import OPERATION_MAX, operation_name, project_name
from blackcat.application.scaffolding.plan import changes
from blackcat.entrypoints.cli.main import blackcat
from blackcat.errors import InvalidName, ProjectError
from blackcat.infra.project.lambda_templates import operation_files, project_files
from blackcat.infra.project.project import Project, find_project
from blackcat.infra.project.scaffolding import apply, reader
from golden.trees import assert_golden

RUFF = Path(sys.executable).with_name("ruff")


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generated") / "shop_refund"
    files = project_files(project_name("shop_refund"), operation_name("refund"), requirement="blackcat")
    apply(changes(files, reader(folder), replaces=False), folder)
    return folder


@pytest.fixture
def root(generated: Path, tmp_path: Path) -> Path:
    """A project with the operation ``refund``."""
    return Path(shutil.copytree(generated, tmp_path / "shop_refund"))


def generate(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(blackcat, ["-C", str(folder), "generate-operation", *arguments])


def refused(result: Result, kind: type[Exception] = InvalidName) -> str:
    assert isinstance(result.exception, kind), result.output
    return str(result.exception)


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_the_operation_is_the_golden_one(root: Path) -> None:
    assert_golden("lambda_operation", operation_files(operation_name("send-letter"), find_project(root)))


def test_an_operation_is_added_and_nothing_else_is_touched(root: Path) -> None:
    before = contents(root)
    done = generate(root, "sendLetter")
    assert done.exit_code == 0, done.output
    after = contents(root)
    assert {path: after[path] for path in before} == before
    assert set(after) - set(before) == {
        "src/domain/commands/send_letter_commands.py",
        "src/domain/models/send_letter_models.py",
        "src/domain/operations/send_letter_operations.py",
        "src/endpoint/routes/send_letter/__init__.py",
        "src/endpoint/routes/send_letter/send_letter_routes.py",
        "src/tests/unit/domain/commands/test_send_letter_commands.py",
        "src/tests/unit/domain/models/test_send_letter_models.py",
        "src/tests/unit/domain/operations/test_send_letter_operations.py",
        "src/tests/unit/endpoint/routes/send_letter/__init__.py",
        "src/tests/unit/endpoint/routes/send_letter/test_send_letter_routes.py",
    }
    assert "send_letter: 10 of 10 files written" in done.stdout
    assert "put your rule into src/domain/operations/send_letter_operations.py" in done.stdout


def test_it_works_from_any_folder_of_the_project(root: Path) -> None:
    """Also from core, whose package `services` is no registry."""
    assert generate(root / "src/core", "send-letter").exit_code == 0
    assert (root / "src/domain/models/send_letter_models.py").is_file()


def test_a_second_run_changes_nothing(root: Path) -> None:
    generate(root, "send-letter")
    before = contents(root)
    done = generate(root, "send-letter")
    assert done.exit_code == 0
    assert "nothing to do, all of it is there" in done.stdout
    assert contents(root) == before


def test_a_dry_run_shows_everything_and_writes_nothing(root: Path) -> None:
    before = contents(root)
    done = generate(root, "send-letter", "--dry-run")
    assert done.exit_code == 0
    assert "send_letter_operations.py" in done.stdout
    assert "+class SendLetterOperations:" in done.stdout
    assert contents(root) == before


def test_what_the_user_wrote_is_kept_and_nothing_is_half_written(root: Path) -> None:
    edited = root / "src/domain/operations/refund_operations.py"
    edited.write_text(edited.read_text() + "\nMINE = 1\n")
    (root / "src/domain/models/refund_models.py").unlink()
    before = contents(root)
    told = refused(generate(root, "refund"), ProjectError)
    assert "nothing was written: src/domain/operations/refund_operations.py would lose what is there" in told
    assert contents(root) == before
    assert generate(root, "refund", "--force").exit_code == 0
    assert "MINE" not in edited.read_text()


def test_a_folder_in_the_way_leaves_everything_as_it_was(root: Path) -> None:
    (root / "src/domain/models/send_letter_models.py").mkdir()
    before = contents(root)
    assert "is a folder: move it" in refused(generate(root, "send-letter"), ProjectError)
    assert contents(root) == before


def test_a_command_of_that_name_elsewhere_is_a_collision(root: Path) -> None:
    other = root / "src/domain/commands/post_commands.py"
    other.write_text("def send_letter(wanted: dict) -> None: ...\n")
    told = refused(generate(root, "send-letter"))
    assert "src/domain/commands/post_commands.py has a command of that name already" in told


def test_a_module_that_is_no_python_is_named(root: Path) -> None:
    (root / "src/domain/commands/post_commands.py").write_text("def send_letter(:\n")
    told = refused(generate(root, "send-letter"), ProjectError)
    assert "src/domain/commands/post_commands.py is no Python" in told


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("test-refund", "pytest would take test_refund for a test"),
        ("health", "the application answers /health itself"),
        ("docs", "the application answers /docs itself"),
        ("router", "generated code has a name router already"),
        ("clock", "generated code has a name clock already"),
        ("annotations", "generated code has a name annotations already"),
        ("class", "means something to Python"),
        ("list", "it would hide Python's own list"),
        ("", "it is empty"),
        ("a/b", "as paths and files do"),
        ("9lives", "starts with a digit"),
        ("a" * 64, "63 fit"),
        ("a" * 41, "it has 41 characters, and 40 fit; shorten it"),
    ],
)
def test_a_name_that_its_code_could_not_have_is_refused(root: Path, name: str, problem: str) -> None:
    before = contents(root)
    told = refused(generate(root, name))
    assert "cannot be the name of an operation: " in told
    assert problem in told
    assert contents(root) == before


@pytest.mark.parametrize("name", ["request", "operations", "wanted", "given", "main", "utils", "database"])
def test_a_name_that_stands_in_generated_code_gives_code_in_which_nothing_is_hidden(
    root: Path, name: str
) -> None:
    assert generate(root, name).exit_code == 0
    for file in operation_files(operation_name(name), find_project(root)):
        for scope in ast.walk(ast.parse(file.content)):
            if isinstance(scope, ast.Module | ast.ClassDef):
                bound = [one for statement in scope.body for one in names_bound(statement)]
                assert len(bound) == len(set(bound)), file.path


def names_bound(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name for alias in statement.names]
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    return []


def test_names_of_every_length_give_code_that_is_formatted(root: Path) -> None:
    project = Project(root, {"layout": "lambda"})
    for length in range(2, OPERATION_MAX + 1, 2):
        for word in ("o" * length, "o" + "_o" * ((length - 1) // 2) + "z"):
            files = operation_files(operation_name(word), project)
            apply(changes(files, reader(root), replaces=False), root)
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [RUFF, *command, "--no-cache", root], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[:3000]


# Each layout says what belongs to it.


def test_a_project_of_services_has_no_operations(tmp_path: Path) -> None:
    CliRunner().invoke(blackcat, ["-C", str(tmp_path), "new", "shop"])
    told = refused(generate(tmp_path / "shop", "refund"), ProjectError)
    assert "is no project in the lambda layout" in told
    assert "blackcat generate-service" in told


def test_where_there_is_no_project_it_says_how_to_start_one(tmp_path: Path) -> None:
    assert "is no Blackcat project" in refused(generate(tmp_path, "refund"), ProjectError)


@pytest.mark.parametrize(
    "command",
    [
        ["generate-service", "pay", "--type", "worker"],
        ["services"],
        ["graph"],
        ["run"],
        ["run", "refund"],
        ["dev"],
        ["invoke", "refund"],
        ["config", "refund"],
    ],
)
def test_what_needs_a_registry_says_that_there_is_none(
    root: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setattr(sys, "path", [*sys.path])
    done = CliRunner().invoke(blackcat, ["-C", str(root), *command])
    told = refused(done, ProjectError)
    assert "is one function, in the lambda layout, without a registry of services" in told
    assert "blackcat generate-operation NAME" in told


def test_a_layout_that_is_not_known_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.blackcat]\nlayout = "lamda"\n')
    assert "[tool.blackcat] layout must be service or lambda" in refused(
        generate(tmp_path, "refund"), ProjectError
    )
