"""Reading what a project's files import."""

import pytest

from blackcat.infra.project.sources import project_sources


def write(folder, path, text=""):
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def imports(folder, module):
    (source,) = [one for one in project_sources(folder) if one.module == module]
    return [(one.name, one.line) for one in source.imports]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("import shop.infra.db", "shop.infra.db"),
        ("from shop.infra import db", "shop.infra.db"),
        ("from shop.infra import *", "shop.infra"),
        ("from . import money", "shop.domain.money"),
        ("from .money import Euro", "shop.domain.money.Euro"),
        ("from ..infra.db import Table", "shop.infra.db.Table"),
        ("from .. import infra", "shop.infra"),
        ("def f():\n    import late", "late"),
    ],
)
def test_each_form_of_an_import_is_read(tmp_path, line, name):
    write(tmp_path, "shop/domain/order.py", f"\n{line}\n")
    ((found, number),) = imports(tmp_path, "shop.domain.order")
    assert found == name
    assert number == 1 + len(line.splitlines())


def test_a_package_s_own_imports_are_relative_to_itself(tmp_path):
    write(tmp_path, "shop/domain/__init__.py", "from .order import Order\n")
    assert imports(tmp_path, "shop.domain") == [("shop.domain.order.Order", 1)]


def test_tests_environments_and_hidden_folders_are_left_out(tmp_path):
    for path in (
        "tests/t.py",
        ".git/hook.py",
        "env/lib/x.py",
        "node_modules/y.py",
        "__pycache__/z.py",
        "kept.py",
    ):
        write(tmp_path, path)
    write(tmp_path, "env/pyvenv.cfg")
    assert [source.path for source in project_sources(tmp_path)] == ["kept.py"]


def test_a_source_folder_is_no_package(tmp_path):
    write(tmp_path, "src/shop/domain/order.py")
    assert [source.module for source in project_sources(tmp_path)] == ["shop.domain.order"]
    write(tmp_path, "src/__init__.py")
    assert "src.shop.domain.order" in [source.module for source in project_sources(tmp_path)]


@pytest.mark.parametrize("text", ["def (:\n", "x = '\x00'\n"])
def test_what_is_not_python_is_told(tmp_path, text):
    write(tmp_path, "broken.py", text)
    (source,) = project_sources(tmp_path)
    assert source.problem
