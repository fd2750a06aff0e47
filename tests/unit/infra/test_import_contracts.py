"""import-linter's verdict on a project."""

import pytest

from blackcat.infra.project.import_contracts import checked_contracts

LAYERS = """
[tool.importlinter]
root_packages = ["shop_of_a_test"]

[[tool.importlinter.contracts]]
name = "A name that is so long that it would be wrapped on any terminal, however wide it may be at first"
type = "layers"
layers = ["shop_of_a_test.infra", "shop_of_a_test.domain"]
"""


@pytest.fixture
def shop(tmp_path):
    for name in ("", "infra", "domain"):
        folder = tmp_path / "shop_of_a_test" / name
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").touch()
    return tmp_path


def test_a_project_without_contracts_has_no_verdict(shop):
    assert checked_contracts(shop) is None
    (shop / "pyproject.toml").write_text("[project]\nname = 'shop'\n")
    assert checked_contracts(shop) is None


def test_a_broken_contract_is_named_with_its_imports_and_nothing_is_written(shop):
    (shop / "pyproject.toml").write_text(LAYERS)
    assert checked_contracts(shop).broken == ()
    (shop / "shop_of_a_test" / "domain" / "order.py").write_text("import shop_of_a_test.infra\n")
    before = sorted(shop.rglob("*"))
    verdict = checked_contracts(shop)
    ((name, details),) = verdict.broken
    assert name.endswith("however wide it may be at first")
    assert "shop_of_a_test.domain.order -> shop_of_a_test.infra" in details
    assert sorted(shop.rglob("*")) == before


@pytest.mark.parametrize("file", [".importlinter", "setup.cfg"])
def test_contracts_stand_in_any_of_import_linter_s_files(shop, file):
    (shop / file).write_text("[importlinter]\nroot_package = shop_of_a_test\n")
    assert checked_contracts(shop) is not None


def test_contracts_that_import_linter_cannot_read_are_told(shop):
    (shop / "pyproject.toml").write_text(LAYERS.replace('["shop_of_a_test"]', '["nowhere_at_all"]'))
    assert "nowhere_at_all" in checked_contracts(shop).problem
