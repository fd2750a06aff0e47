"""What setup_env writes, leaves alone, and never shows."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest
from dotenv import dotenv_values

from ....scripts.setup_env import SRC, Variable, check_secrets, filled_in, main, secrets, variables

EXAMPLE = """\
# where it runs
ENVIRONMENT=dev

#SOME_API_KEY=
#SOME_SECRET=shop/db
"""


@pytest.fixture
def src(tmp_path: Path) -> Path:
    (tmp_path / ".env.example").write_text(EXAMPLE)
    return tmp_path


def written(src: Path) -> str:
    return (src / ".env").read_text()


def test_without_questions_the_example_is_copied_and_what_is_set_is_filled_in(src: Path) -> None:
    assert main(["--yes", "--set", "SOME_SECRET=shop/other"], src) == 0
    assert written(src) == EXAMPLE.replace("#SOME_SECRET=shop/db", "SOME_SECRET=shop/other")
    assert stat.S_IMODE((src / ".env").stat().st_mode) == 0o600


def test_a_file_that_is_there_is_left_alone_unless_it_is_forced(
    src: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = "SOME_API_KEY='sk mine # and \\'more'\nOF_MY_OWN=1\n"
    (src / ".env").write_text(mine)
    assert main(["--yes"], src) == 1
    assert written(src) == mine
    assert "--force replaces it" in capsys.readouterr().err
    assert main(["--yes", "--force"], src) == 0
    assert dotenv_values(src / ".env") == {
        "ENVIRONMENT": "dev",
        "SOME_API_KEY": "sk mine # and 'more",
        "OF_MY_OWN": "1",
    }
    assert "sk mine" not in capsys.readouterr().out


def test_at_a_terminal_each_variable_is_asked_for_and_keys_are_not_shown(src: Path) -> None:
    typing, terminal = os.openpty()
    code = f"from pathlib import Path; from src.scripts.setup_env import main; main([], Path({str(src)!r}))"
    asking = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=SRC.parent,
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,  # with no terminal but this one
    )
    with asking:
        assert asking.stdout
        assert asking.stderr
        shown = answer(asking.stdout, "prod", typing)
        hidden = answer(asking.stderr, "sk-typed", typing)
        answer(asking.stdout, "", typing)
        rest = asking.stdout.read() + asking.stderr.read()
    for end in (typing, terminal):
        os.close(end)
    assert dotenv_values(src / ".env") == {"ENVIRONMENT": "prod", "SOME_API_KEY": "sk-typed"}
    assert shown == b"ENVIRONMENT [dev]: "
    assert hidden.startswith(b"SOME_API_KEY (not shown")
    assert b"sk-typed" not in rest


def answer(prompts: IO[bytes], text: str, typing: int) -> bytes:
    """The question, once it stands there whole."""
    asked = b""
    while not asked.endswith(b": ") and (character := prompts.read(1)):
        asked += character
    os.write(typing, f"{text}\n".encode())
    return asked


def test_without_a_terminal_nobody_is_asked(src: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], src) == 1
    assert "say --yes" in capsys.readouterr().err
    assert not (src / ".env").exists()


def test_a_variable_that_the_example_lacks_is_refused(src: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--yes", "--set", "ENVIROMENT=dev"], src) == 1
    assert "ENVIROMENT" in capsys.readouterr().err
    assert not (src / ".env").exists()


def test_each_variable_is_asked_for_once_and_nothing_leaves_it_as_it_is() -> None:
    asked: list[str] = []

    def ask(variable: Variable) -> str:
        asked.append(variable.name)
        return {"ENVIRONMENT": "prod"}.get(variable.name, "")

    text = filled_in(EXAMPLE, {"SOME_SECRET": "shop/other"}, ask)
    assert asked == ["ENVIRONMENT", "SOME_API_KEY"]
    assert text.splitlines() == [
        "# where it runs",
        "ENVIRONMENT=prod",
        "",
        "#SOME_API_KEY=",
        "SOME_SECRET=shop/other",
    ]


def test_keys_are_asked_for_without_being_shown() -> None:
    found = {variable.name: variable.is_secret for variable in variables(EXAMPLE)}
    assert found == {"ENVIRONMENT": False, "SOME_API_KEY": True, "SOME_SECRET": False}


def test_the_projects_own_example_names_every_variable_once() -> None:
    names = [variable.name for variable in variables((SRC / ".env.example").read_text())]
    assert "ENVIRONMENT" in names
    assert len(names) == len(set(names))


def test_the_secrets_to_check_are_those_of_the_settings() -> None:
    named = dict(secrets())
    assert {key for key in named.values() if key} == {"api_key"}
    assert any(name.endswith("/postgres") for name in named)


def test_secrets_that_cannot_be_read_are_told_and_nothing_of_what_is_in_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert check_secrets() == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == len(secrets())
