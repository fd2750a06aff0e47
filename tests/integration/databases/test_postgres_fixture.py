"""The fixture ``postgres`` in a project's own tests, as docs/en/databases.md shows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.integration.test_pytest_plugin import PYPROJECT, run_pytest

from blackcat.infra.emulator import Emulator
from blackcat.infra.postgres_server import missing_postgres

PAGE = Path(__file__).parents[3] / "docs/en/databases.md"


@pytest.mark.skipif(bool(missing_postgres()), reason=missing_postgres() or "it is here")
def test_each_test_has_a_database_of_its_own(tmp_path: Path, emulator: Emulator) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (documented,) = (block for block in blocks if "def test_orders" in block)
    again = documented[documented.index("def test_orders") :].replace("test_orders", "test_orders_again")
    (tmp_path / "test_shop.py").write_text(f"{documented}\n\n{again}")
    (tmp_path / "services.py").write_text(
        "from blackcat import Service, ServiceRegistry, ServiceType\n"
        "services = ServiceRegistry([Service(name='a', type=ServiceType.WORKER, entrypoint='a:b')])\n"
    )
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    done = run_pytest(tmp_path, AWS_ENDPOINT_URL=emulator.url)
    assert "2 passed" in done.stdout, done.stdout + done.stderr
