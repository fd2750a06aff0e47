"""The generated pages are those that the code of now gives."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from tests.docs.blocks import ROOT

from blackcat import Settings
from blackcat.entrypoints.cli.commands import COMMANDS


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    path = ROOT / "docs" / "reference" / "generate.py"
    spec = importlib.util.spec_from_file_location("reference", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_generated_pages_are_in_step_with_the_code(reference: ModuleType) -> None:
    pages: dict[Path, str] = reference.pages()
    assert [path for path, text in pages.items() if path.read_text(encoding="utf-8") != text] == [], (
        "run `make reference`"
    )


def test_the_picture_of_the_example_is_in_step_with_it(tmp_path: Path) -> None:
    picture = tmp_path / "payment-services.svg"
    command = [sys.executable, "-m", "blackcat", "graph", "-o", str(picture)]
    subprocess.run(command, cwd=ROOT / "examples" / "payment", check=True, capture_output=True)
    committed = ROOT / "docs" / "en" / "images" / picture.name
    assert picture.read_text(encoding="utf-8") == committed.read_text(encoding="utf-8"), (
        f"run `blackcat -C examples/payment graph -o {committed}`"
    )


def test_they_name_every_command_and_every_setting(reference: ModuleType) -> None:
    text = "".join(reference.pages().values())
    assert [name for name in COMMANDS if text.count(f"## blackcat {name}\n") != 2] == []
    assert [name for name in Settings.model_fields if text.count(f"`{name.upper()}`") < 2] == []
