"""`blackcat new`: what it writes, and what it refuses."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from blackcat.application.scaffolding.plan import changes
from blackcat.domain.naming import Name
from blackcat.entrypoints.cli.main import blackcat
from blackcat.errors import InvalidName, ProjectError
from blackcat.infra.project.project import find_project
from blackcat.infra.project.scaffolding import apply, reader, rendered_tree
from golden.trees import assert_golden

RUFF = Path(sys.executable).with_name("ruff")

TRIES = """
import importlib, sys
for folder, context in zip(sys.argv[1::2], sys.argv[2::2]):
    sys.path.insert(0, folder)
    before = set(sys.modules)
    services = importlib.import_module("services").services
    assert importlib.import_module(f"{context}.infra.container").build_container() is not None
    assert services.container == f"{context}.infra.container:build_container"
    importlib.import_module("main")
    sys.path.remove(folder)
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(folder):
            del sys.modules[name]
"""


def new(folder, *arguments):
    return CliRunner().invoke(blackcat, ["-C", str(folder), "new", *arguments])


def refused(result, kind=ProjectError):
    assert isinstance(result.exception, kind), result.output
    return str(result.exception)


def files_of(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def project_files(project, context):
    names = {"project": Name.parse(project, what="project"), "context": Name.parse(context, what="context")}
    return rendered_tree("project", {**names, "blackcat": "blackcat>=0.1.0", "templates": None}, None)


def test_the_project_is_the_golden_one():
    assert_golden("project", project_files("my-shop", "orders"))


def test_a_project_is_written_and_the_next_steps_are_told(tmp_path):
    done = new(tmp_path, "MyShop")
    assert done.exit_code == 0, done.output
    root = tmp_path / "MyShop"
    assert 'name = "my-shop"' in (root / "pyproject.toml").read_text()
    assert (root / "my_shop/infra/container.py").is_file()
    assert find_project(root / "my_shop").root == root
    assert f"cd {os.path.relpath(root)}\n" in done.stdout
    assert "pip install -e '.[dev]'" in done.stdout
    assert f"{len(files_of(root))} of {len(files_of(root))} files written" in done.stdout


def test_every_python_file_says_first_what_it_is(tmp_path):
    new(tmp_path, "shop")
    for path in (tmp_path / "shop").rglob("*.py"):
        text = path.read_text()
        if text:
            assert ast.get_docstring(ast.parse(text)), path


def test_every_package_can_be_imported(tmp_path):
    new(tmp_path, "shop")
    for folder in ("shop", "services", "tests"):
        for path in (tmp_path / "shop" / folder).rglob("*.py"):
            assert (path.parent / "__init__.py").is_file()


def test_the_context_may_have_a_name_of_its_own(tmp_path):
    assert new(tmp_path, "calendar", "--context", "OrderBook").exit_code == 0
    assert (tmp_path / "calendar/order_book/domain/__init__.py").is_file()


def test_a_dry_run_shows_the_tree_and_writes_nothing(tmp_path):
    done = new(tmp_path, "shop", "--dry-run")
    assert done.exit_code == 0
    assert done.stdout.startswith("shop/\n├── services/\n│   └── __init__.py\n├── shop/\n")
    assert done.stdout.endswith("└── pyproject.toml\n")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_files_is_refused_and_the_files_are_named(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/notes.md").write_text("mine\n")
    assert "shop is not empty, it has notes.md: choose another name, or use --force" in refused(
        new(tmp_path, "shop")
    )
    assert files_of(tmp_path / "shop") == ["notes.md"]


def test_only_some_of_many_files_are_named(tmp_path):
    (tmp_path / "shop").mkdir()
    for number in range(30):
        (tmp_path / f"shop/{number:02}").touch()
    assert "it has 00, 01, 02, 03, 04, 05, 06, 07, 08, 09 and 20 more: " in refused(new(tmp_path, "shop"))


def test_force_keeps_what_is_not_the_projects_and_says_what_it_replaced(tmp_path):
    new(tmp_path, "shop")
    root = tmp_path / "shop"
    (root / "notes.md").write_text("mine\n")
    (root / "main.py").write_text("print(1)\n")
    shown = new(tmp_path, "shop", "--force", "--dry-run")
    assert "├── main.py  (changed)" in shown.stdout
    assert "-print(1)\n" in shown.stdout
    assert (root / "main.py").read_text() == "print(1)\n"
    done = new(tmp_path, "shop", "--force")
    assert done.exit_code == 0
    assert "replaced: main.py\n" in done.stdout
    assert "run_microservice" in (root / "main.py").read_text()
    assert (root / "notes.md").read_text() == "mine\n"


def test_a_repository_that_is_otherwise_empty_is_no_obstacle(tmp_path):
    (tmp_path / "shop/.git").mkdir(parents=True)
    assert new(tmp_path, "shop").exit_code == 0


def test_a_hidden_file_that_would_be_lost_is_an_obstacle(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/.gitignore").write_text("mine\n")
    assert "nothing was written: .gitignore would lose" in refused(new(tmp_path, "shop"))
    assert files_of(tmp_path / "shop") == [".gitignore"]


def test_a_file_of_that_name_is_named(tmp_path):
    (tmp_path / "shop").touch()
    assert "shop is a file: choose another name" in refused(new(tmp_path, "shop", "--force", "--dry-run"))
    assert "shop is a file: choose another name" in refused(new(tmp_path, "shop"))


@pytest.mark.parametrize(
    ("typed", "parent", "name"),
    [("./shop", ".", "shop"), ("a/b/shop/", "a/b", "shop"), (".", "..", None), ("..", "../..", None)],
)
def test_a_path_is_answered_with_the_command_that_was_meant(tmp_path, typed, parent, name):
    folder = tmp_path / "here"
    folder.mkdir()
    done = new(folder, typed)
    assert done.exit_code == 2
    meant = (folder / parent).resolve()
    name = name or (folder / typed).resolve().name
    assert f"'{typed}' is a path, and PROJECT is a name: blackcat -C {meant} new {name}" in done.stderr


@pytest.mark.parametrize("name", ["", "my shop", "9lives", "class", "tests", "calendar", "flask", "a" * 41])
def test_names_that_would_not_work_are_refused(tmp_path, name):
    assert "cannot be the name of a project" in refused(new(tmp_path, name), InvalidName)
    assert list(tmp_path.iterdir()) == []


def test_a_context_must_not_hide_a_package_either(tmp_path):
    assert "cannot be the name of a context: it would hide the installed package flask" in refused(
        new(tmp_path, "shop", "--context", "flask"), InvalidName
    )


def test_a_project_must_not_be_named_as_what_it_needs(tmp_path):
    assert "a package of that name is installed" in refused(
        new(tmp_path, "flask", "--context", "shop"), InvalidName
    )


def test_a_layout_that_is_not_there_is_a_usage_error(tmp_path):
    done = new(tmp_path, "shop", "--layout", "lamda")
    assert done.exit_code == 2
    assert "'lamda' is not one of 'service', 'lambda'" in done.stderr


def test_a_teams_templates_are_used_and_the_project_knows_them(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.blackcat]\ntemplates = "ours"\n')
    (tmp_path / "ours/project").mkdir(parents=True)
    (tmp_path / "ours/project/README.md.jinja").write_text("# {{ project.title }}, our way\n")
    (tmp_path / "ours/project/CODEOWNERS.jinja").write_text("* @{{ context.kebab }}\n")
    assert new(tmp_path, "my-shop").exit_code == 0
    root = tmp_path / "my-shop"
    assert (root / "README.md").read_text() == "# My shop, our way\n"
    assert (root / "CODEOWNERS").read_text() == "* @my-shop\n"
    assert find_project(root).options["templates"] == "../ours"


NAMES = st.text(alphabet="abyzAZ019-_", min_size=1, max_size=42)


@limits(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(names=st.lists(NAMES, min_size=40, max_size=60, unique_by=str.lower))
def test_any_name_that_is_accepted_gives_a_project_that_imports_and_is_formatted(tmp_path_factory, names):
    top = tmp_path_factory.mktemp("names")
    contexts = {}
    for name in names:
        try:
            contexts[name] = Name.parse_package(name, what="project").snake
        except InvalidName:
            continue
        root = top / name
        apply(changes(project_files(name, name), reader(root), replaces=False), root)
    assume(len(contexts) > 5)
    arguments = [part for name, context in contexts.items() for part in (str(top / name), context)]
    done = subprocess.run(
        [sys.executable, "-c", TRIES, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [RUFF, *command, "--no-cache", top], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout
