"""`blackcat generate-service` as users meet it: from the wheel, in a project that `blackcat new` made."""

from __future__ import annotations

from pathlib import Path

import pytest

from installation import Installed, installed_wheel

SERVICES = [
    ("send-email", "consumer"),
    ("a", "consumer", "--fifo"),
    ("payment2", "consumer", "--queue", "payments"),
    ("expirePendingPayments", "worker", "--schedule", "cron(0 3 * * ? *)"),
    ("a_b_c", "worker"),
    ("payment-api", "REST_API"),
    ("orders10", "rest-api"),
    ("a2345678901234567890123456789012345678901234", "rest-api"),
]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return installed_wheel(tmp_path_factory.mktemp("installed"))


@pytest.fixture
def shop(installed: Installed, tmp_path: Path) -> Path:
    assert installed.run("blackcat", "new", "shop", cwd=tmp_path).returncode == 0
    return tmp_path / "shop"


def test_all_kinds_together_pass_the_checks_of_their_project(installed: Installed, shop: Path) -> None:
    for name, kind, *options in SERVICES:
        done = installed.run("blackcat", "generate-service", name, "--type", kind, *options, cwd=shop)
        assert (done.returncode, done.stderr) == (0, "")
    installed.check(shop)


def test_its_tests_notice_when_the_use_case_does_nothing(installed: Installed, shop: Path) -> None:
    kinds = {"pay": "consumer", "sweep": "worker", "orders": "rest-api"}
    for name, kind in kinds.items():
        installed.run("blackcat", "generate-service", name, "--type", kind, cwd=shop)
        use_case = shop / f"shop/application/usecases/{name}_usecase.py"
        text = use_case.read_text()
        assert "        self.repository." in text
        use_case.write_text(
            text.replace("        self.repository.", "        0 or self.clock  # self.repository.")
        )
    done = installed.run("python", "-m", "pytest", "-q", cwd=shop)
    assert done.returncode == 1
    for name in kinds:
        assert f"FAILED tests/unit/test_{name}.py" in done.stdout


def test_what_is_left_to_do_is_told_by_the_status(installed: Installed, shop: Path) -> None:
    registry = shop / "services/__init__.py"
    registry.write_text(registry.read_text().replace("[]", "list(())"))
    done = installed.run("blackcat", "generate-service", "pay", "--type", "worker", cwd=shop)
    assert done.returncode == 1
    assert "services/__init__.py was left as it is" in done.stderr
    assert 'name="pay"' in done.stdout


def test_a_wrong_name_ends_with_the_status_of_configuration(installed: Installed, shop: Path) -> None:
    done = installed.run("blackcat", "generate-service", "class", "--type", "worker", cwd=shop)
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.startswith("error: 'class' cannot be the name of a service: ")
