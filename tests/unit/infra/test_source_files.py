"""Which files count as edited, and what is no Python."""

import os

import pytest

from blackcat.application.dev.changes import changed
from blackcat.infra.project.source_files import snapshot, syntax_problems


@pytest.fixture
def project(tmp_path):
    files = (
        "main.py",
        "shop/domain/order.py",
        "pyproject.toml",
        ".env",
        ".env.staging",
        "README.md",
        "shop/data.json",
        "tests/test_order.py",
        "shop/__pycache__/order.py",
        ".git/hook.py",
        ".venv/lib/x.py",
        "env/lib/x.py",
        "env/pyvenv.cfg",
        "node_modules/x.py",
    )
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / "shop" / ".#order.py").symlink_to("nobody@nowhere")  # Emacs' lock
    return tmp_path


def test_code_settings_and_the_projects_file_count_and_nothing_else(project):
    names = {str(file.relative_to(project)) for file in snapshot(project)}
    assert names == {"main.py", "shop/domain/order.py", "pyproject.toml", ".env", ".env.staging"}


def test_edits_new_files_removed_ones_and_replaced_ones_are_changes(project):
    before = snapshot(project)
    assert changed(before, snapshot(project)) == []
    (project / "main.py").write_text("x = 2; y = 3\n")
    (project / "new.py").write_text("")
    (project / ".env").unlink()
    order = project / "shop" / "domain" / "order.py"
    times = order.stat()
    (project / "draft").write_text("x = 1\n")
    os.utime(project / "draft", ns=(times.st_atime_ns, times.st_mtime_ns))
    (project / "draft").replace(order)
    names = [str(file.relative_to(project)) for file in changed(before, snapshot(project))]
    assert names == [".env", "main.py", "new.py", "shop/domain/order.py"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"x = (\n", "wrong.py:1: '(' was never closed"),
        (b"x = 1\n  y = 2\n", "wrong.py:2: unexpected indent"),
        (b"x = '\xff'\n", "wrong.py:1: "),
        (b"x = 1\0\n", "wrong.py"),
        (b"# coding: no-such\n", "wrong.py:1: "),
        (b"(" * 10_000, "wrong.py"),
    ],
)
def test_what_does_not_compile_is_named(tmp_path, content, problem):
    (tmp_path / "wrong.py").write_bytes(content)
    (tmp_path / "right.py").write_text("class Right: ...\n")
    files = [tmp_path / "right.py", tmp_path / "wrong.py", tmp_path / "gone.py", tmp_path / ".env"]
    (found,) = syntax_problems(files, tmp_path)
    assert found.startswith(problem)
