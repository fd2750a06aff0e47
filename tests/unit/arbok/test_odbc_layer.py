"""The drivers that a layer of Lambda's brings."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pyodbc", exc_type=ImportError, reason="pyodbc, or unixODBC's library, is not installed")

from blackcat.arbok.odbc import find_layers_drivers


@pytest.mark.parametrize(("before", "after"), [({}, "{layer}"), ({"ODBCSYSINI": "/etc/mine"}, "/etc/mine")])
def test_they_are_found_unless_others_are_named(before: dict[str, str], after: str, tmp_path: Path) -> None:
    (tmp_path / "odbcinst.ini").write_text("[psqlodbcw]\nDriver=/opt/lib/psqlodbcw.so\n")
    environment = dict(before)
    find_layers_drivers(environment, tmp_path)
    assert environment == {"ODBCSYSINI": after.format(layer=tmp_path)}


def test_without_a_layer_the_systems_own_list_holds(tmp_path: Path) -> None:
    environment: dict[str, str] = {}
    find_layers_drivers(environment, tmp_path)
    assert environment == {}
