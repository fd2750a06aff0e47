from __future__ import annotations

import os
import random
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from blackcat.application.packaging.artifact import Entry
from blackcat.errors import InvalidPackage
from blackcat.infra.packaging.zips import sha256_of, write_zip


def entry(path: str, content: bytes = b"x = 1\n", *, executable: bool = False) -> Entry:
    return Entry(PurePosixPath(path), len(content), lambda: content, executable)


def test_the_same_entries_are_the_same_bytes_whatever_their_order(tmp_path: Path) -> None:
    entries = [entry(f"src/m{number}.py", os.urandom(50)) for number in range(20)]
    first = write_zip("function", tmp_path / "a.zip", entries)
    random.shuffle(entries)
    second = write_zip("function", tmp_path / "b.zip", entries)
    assert first.sha256 == second.sha256 == sha256_of(tmp_path / "a.zip")
    assert (first.zipped, first.unzipped) == ((tmp_path / "a.zip").stat().st_size, 1000)


def test_every_file_can_be_read_by_whoever_runs_it(tmp_path: Path) -> None:
    write_zip("function", tmp_path / "a.zip", [entry("a.py"), entry("lib/x.so", executable=True)])
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        modes = {info.filename: oct(info.external_attr >> 16) for info in archive.infolist()}
        dates = {info.date_time for info in archive.infolist()}
    assert modes == {"a.py": "0o100644", "lib/x.so": "0o100755"}
    assert dates == {(1980, 1, 1, 0, 0, 0)}


def test_source_date_epoch_is_the_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    write_zip("function", tmp_path / "a.zip", [entry("a.py")])
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.infolist()[0].date_time == (2023, 11, 14, 22, 13, 20)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    write_zip("function", tmp_path / "a.zip", [entry("a.py")])
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(InvalidPackage, match="SOURCE_DATE_EPOCH must be seconds"):
        write_zip("function", tmp_path / "a.zip", [entry("a.py")])


def test_a_file_that_two_packages_share_is_there_once(tmp_path: Path) -> None:
    write_zip("ekans", tmp_path / "a.zip", [entry("python/ns/__init__.py"), entry("python/ns/__init__.py")])
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == ["python/ns/__init__.py"]


def test_a_file_that_two_packages_dispute_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidPackage, match="two packages bring python/a.py"):
        write_zip("ekans", tmp_path / "a.zip", [entry("python/a.py", b"1"), entry("python/a.py", b"2")])


def test_what_fails_half_way_leaves_the_zip_that_was_there(tmp_path: Path) -> None:
    def fail() -> bytes:
        raise OSError("the disk is gone")

    before = write_zip("function", tmp_path / "a.zip", [entry("a.py")])
    with pytest.raises(OSError, match="disk"):
        write_zip("function", tmp_path / "a.zip", [entry("a.py"), Entry(PurePosixPath("b.py"), 1, fail)])
    assert sha256_of(tmp_path / "a.zip") == before.sha256
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
