"""What migrate finds wrong before it asks the database."""

from __future__ import annotations

from pathlib import Path

import pytest
from blackcat.arbok.migrations import migrations_in

from ....scripts.migrate import MIGRATIONS, main


def test_the_projects_migrations_can_be_applied_in_order() -> None:
    numbers = [migration.number for migration in migrations_in(MIGRATIONS)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_mistake_in_a_file_is_told_before_the_database_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "0001_all.sql").write_text("CREATE TABLE a (id int);\nCOMMIT;\n")
    assert main([], tmp_path) == 1
    assert "0001_all.sql, line 2: COMMIT is to be taken out" in capsys.readouterr().err
