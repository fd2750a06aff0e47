from __future__ import annotations

import os
from pathlib import Path

import pytest

from blackcat.errors import InvalidPackage
from blackcat.infra.packaging.sources import function_files

KEY = "AKIA" + "Q3EGRIZ7XSVLKJ5N"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, "src/main.py", "def main(event, context): ...\n")
    write(tmp_path, "src/.env", f"KEY={KEY}\n")
    write(tmp_path, "src/tests/test_main.py", f"KEY = '{KEY}'\n")
    write(tmp_path, ".venv/pyvenv.cfg", "")
    write(tmp_path, ".venv/lib/x.py", "")
    write(tmp_path, "environment/pyvenv.cfg", "")
    write(tmp_path, "environment/six.py", "")
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def names(root: Path, *sources: str) -> list[str]:
    return [str(entry.path) for entry in function_files(root, sources).entries]


def test_a_project_of_the_lambda_layout(root: Path) -> None:
    assert names(root) == ["src/main.py"]


def test_a_project_of_services(root: Path) -> None:
    (root / "src/main.py").unlink()
    for name in ("main.py", "services/__init__.py", "payment/domain/entities.py", "payment/__init__.py"):
        write(root, name, "")
    write(root, "notes.txt", "")
    write(root, "tests/__init__.py", "")
    assert names(root) == [
        "main.py",
        "payment/__init__.py",
        "payment/domain/entities.py",
        "services/__init__.py",
    ]


def test_files_whose_names_tell_of_secrets_are_left_out_and_told(root: Path) -> None:
    write(root, "src/server.key", "anything")
    write(root, "src/ca.pem", "-----BEGIN CERTIFICATE-----\n")
    selected = function_files(root, ())
    assert [str(path) for path in selected.secret] == ["src/server.key"]
    assert "src/ca.pem" in [str(entry.path) for entry in selected.entries]


def test_links_bring_no_secret_by_another_name_and_nothing_from_outside(root: Path) -> None:
    outside = root.parent / "outside.txt"
    outside.write_text("of another project\n")
    write(root, "shared/rates.py", "RATES = {}\n")
    for name, leads_to in (
        ("settings.txt", ".env"),
        ("outside.txt", str(outside)),
        ("shared", "../shared"),
        ("nowhere.py", "missing.py"),
        ("rates.py", "../shared/rates.py"),
    ):
        (root / "src" / name).symlink_to(leads_to)
    os.mkfifo(root / "src" / "pipe")
    selected = function_files(root, ())
    assert [str(entry.path) for entry in selected.entries] == ["src/main.py", "src/rates.py"]
    assert [str(path) for path in selected.secret] == ["src/settings.txt"]
    elsewhere = ["src/nowhere.py", "src/outside.txt", "src/pipe", "src/shared"]
    assert [str(path) for path in selected.elsewhere] == elsewhere


def test_a_name_that_no_zip_can_hold_is_told(root: Path) -> None:
    Path(os.fsdecode(bytes(root / "src") + b"/bad\xff.py")).touch()
    with pytest.raises(InvalidPackage, match=r"bad\\udcff.py.* is not UTF-8.*rename it"):
        function_files(root, ())


def test_too_much_is_refused_before_it_is_read_by_the_largest_files(root: Path) -> None:
    with (root / "src" / "model.bin").open("wb") as file:
        file.truncate(300 * 1024 * 1024)
    with pytest.raises(InvalidPackage, match=r"Lambda takes 250.0 MB.*src/model.bin 300.0 MB"):
        function_files(root, ())


def test_a_whole_project_may_be_a_source_without_what_was_built(root: Path) -> None:
    write(root, "dist/function.zip", "")
    write(root, "deployments/hom.json", "{}")
    write(root, "src/tests/test_main.py", "")
    assert names(root, ".") == ["src/main.py", "src/tests/test_main.py"]


def test_a_secret_in_a_file_is_refused_by_the_files_name(root: Path) -> None:
    write(root, "src/config.py", f"\nKEY = '{KEY}'\n")
    with pytest.raises(InvalidPackage, match=r"src/config.py has an AWS access key in line 2") as raised:
        function_files(root, ())
    assert KEY not in str(raised.value)


def test_nothing_to_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidPackage, match=r"nothing to run: it wants src/main.py"):
        function_files(tmp_path, ())


@pytest.mark.parametrize("source", ["lib", "../elsewhere", "/etc"])
def test_a_source_that_is_not_in_the_project_is_told(root: Path, source: str) -> None:
    with pytest.raises(InvalidPackage, match="sources names"):
        function_files(root, (source,))
