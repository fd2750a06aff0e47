"""Sources compiled by an interpreter of its own process."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from blackcat.application.packaging.artifact import Entry
from blackcat.infra.packaging.bytecode import Interpreter, interpreter_of

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
# Constants whose order and identity differ between processes, where nothing is done about it.
SOURCE = b"""
NAMES = ("a", "b", "a b")
def known(name, names=("a b", 1.5, 2 ** 70, b"bytes")):
    return name in {"one", "two", "three", b"four", 5} or name in names
"""


def sources(**contents: bytes) -> list[Entry]:
    return [Entry.holding(PurePosixPath("src", f"{name}.py"), content) for name, content in contents.items()]


@pytest.fixture
def interpreter() -> Interpreter:
    found = interpreter_of(HERE)
    assert found
    return found


def test_what_is_compiled_is_imported_without_a_look_at_the_source(
    interpreter: Interpreter, tmp_path: Path
) -> None:
    entries = sources(answer=b"VALUE = 41\n")
    [compiled] = interpreter.compiled(entries, PurePosixPath("/var/task"))
    assert str(compiled.path) == f"src/__pycache__/answer.cpython-{HERE.replace('.', '')}.pyc"
    (tmp_path / compiled.path).parent.mkdir(parents=True)
    (tmp_path / compiled.path).write_bytes(compiled.read())
    (tmp_path / "src" / "answer.py").write_text("VALUE = 42  # of which the compiled file does not know\n")
    asked = [sys.executable, "-c", "from src import answer; print(answer.VALUE)"]
    assert subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=True).stdout == "41\n"


def test_another_process_comes_to_the_same_bytes(
    interpreter: Interpreter, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = sources(two=SOURCE, one=b"import os\n", none=b"def known(x):\n    return x in {1, 'a', None}\n")
    first = interpreter.compiled(entries, PurePosixPath("/opt"))
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    second = interpreter.compiled(reversed(entries), PurePosixPath("/opt"))
    assert [(entry.path, entry.read()) for entry in first] == [(one.path, one.read()) for one in second]


def test_nothing_of_this_machine_is_in_it(interpreter: Interpreter) -> None:
    [compiled] = interpreter.compiled(sources(two=SOURCE), PurePosixPath("/var/task"))
    assert b"/var/task/src/two.py" in compiled.read()
    assert str(Path.cwd()).encode() not in compiled.read()


def test_what_does_not_compile_is_left_as_it_is(interpreter: Interpreter) -> None:
    entries = [
        *sources(
            old=b"print 'Python 2'\n", nothing=b"\0", latin=b"# coding: latin-1\nX = '\xe9'\n", fine=b""
        ),
        Entry.holding(PurePosixPath("src/data.json"), b"{}"),
    ]
    names = [
        entry.path.name.partition(".")[0] for entry in interpreter.compiled(entries, PurePosixPath("/opt"))
    ]
    assert names == ["fine", "latin"]


def test_the_headers_say_that_nothing_is_checked(interpreter: Interpreter) -> None:
    [compiled] = interpreter.compiled(sources(two=SOURCE), PurePosixPath("/opt"))
    content = compiled.read()
    assert content[:8] == importlib.util.MAGIC_NUMBER + b"\x01\0\0\0"
    assert content[8:16] == importlib.util.source_hash(SOURCE)


def _program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_another_python_is_found_on_path_or_with_pyenv_unless_it_does_not_run(tmp_path: Path) -> None:
    """3.9 stands for a Python that this one is not."""
    told = "echo cpython 3.9 {} 3.9.{} {}"
    _program(tmp_path / "shims" / "python3.9", "echo 'pyenv: python3.9: command not found'; exit 127")
    environment = {"PATH": str(tmp_path / "shims"), "HOME": str(tmp_path)}
    assert interpreter_of("3.9", environment) is None

    for release, level in (("3.9.9", "final"), ("3.9.18", "final"), ("3.9.20", "candidate")):
        path = tmp_path / ".pyenv" / "versions" / release / "bin" / "python3.9"
        _program(path, told.format(level, release.rpartition(".")[2], path))
    found = interpreter_of("3.9", environment)
    assert found == Interpreter(str(tmp_path / ".pyenv/versions/3.9.18/bin/python3.9"), "3.9.18")
