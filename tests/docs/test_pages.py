"""Every code block of every page is run, or at least read, by what it claims to be for."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
import kubernetes_validate
import pytest
import yaml
from dotenv import dotenv_values
from tests.docs import rules
from tests.docs.blocks import PAGES, Block, blocks_of
from tests.docs.sandbox import sandbox

from blackcat import Settings
from blackcat.infra.emulator import Emulator

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BLOCKS = [block for page in PAGES for block in blocks_of(page)]
# The longest first, so that workers which share them end together.
LONGEST_FIRST = sorted(PAGES, key=lambda page: page.read_text(encoding="utf-8").count("\n$ "), reverse=True)
PYTHON = [block for block in BLOCKS if block.language == "python"]


def read_json(code: str) -> Any:
    """One value, or one in each line."""
    try:
        return json.loads(code)
    except json.JSONDecodeError:
        return [json.loads(line) for line in code.splitlines()]


def read_environment(code: str) -> dict[str, str | None]:
    """The lines of an .env file."""
    found = dotenv_values(stream=io.StringIO(code))
    assert found, "no variable in it"
    assert None not in found.values(), "a line of it is no assignment"
    others = [name for name in found if not name.startswith(("AWS_", "OTEL_"))]
    assert {name.lower() for name in others} <= set(Settings.model_fields)
    return found


def read_yaml(code: str) -> list[Any]:
    """Documents of YAML; those of Kubernetes are ones that it takes."""
    documents: list[Any] = list(yaml.safe_load_all(code))
    for document in documents:
        if "apiVersion" in document:
            kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
    return documents


READERS: dict[str, Callable[[str], Any]] = {
    "ini": read_environment,
    "json": read_json,
    "toml": tomllib.loads,
    "yaml": read_yaml,
    "jinja": jinja2.Environment(autoescape=True).parse,
    "python": ast.parse,
}
RUN = ("console",)
GENERATED = ("cli.md",)
COMMAND = re.compile(r"^(\$ |(aws|blackcat|curl|docker|kubectl|make|pip|python) )", re.MULTILINE)
NOT_CODE = ("text",)  # output, drawings, queries of other tools


@pytest.mark.timeout(900)  # a page may start a dozen processes, on a machine that does other things too
@pytest.mark.parametrize("page", LONGEST_FIRST, ids=lambda page: page.name)
def test_a_reader_who_follows_the_page_gets_what_it_says(
    page: Path, emulator: Emulator, unique: str, tmp_path: Path
) -> None:
    ours = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    environment = {
        **ours,
        **emulator.environment(),
        "RESOURCE_PREFIX": f"{unique}_",
        "HEALTH_HOST": "127.0.0.1",
        "HEALTH_PORT": "0",
        "HOST": "127.0.0.1",
        "PORT": "0",
        "API_WORKERS": "1",
        "CONSUMER_WAIT_SECONDS": "1",
        "NO_COLOR": "1",
    }
    folder = tmp_path / "page"
    folder.mkdir()
    with sandbox(folder, page.name, environment) as opened:
        opened.follow(blocks_of(page))


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.where)
def test_every_block_says_what_it_is_and_can_be_read(block: Block) -> None:
    assert block.language in {*READERS, *RUN, *NOT_CODE}, "name the fence's language: text for output"
    if block.language in READERS:
        READERS[block.language](block.code)
    if block.language == "text" and block.page not in GENERATED:
        assert not COMMAND.search(block.code), "what is to be typed is a console block"
    if block.language in RUN:
        assert block.commands, "a command begins with '$ '; what is no command is text"


def test_python_is_formatted(tmp_path: Path) -> None:
    for block in PYTHON:
        (tmp_path / f"{block.page}_{block.number}.py").write_text(block.code, encoding="utf-8")
    line_length = ("--config", "line-length=110")
    command = [sys.executable, "-m", "ruff", "format", "--isolated", *line_length, "--diff", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("rule", [*rules.NOT_RUN, *rules.ENDING_OTHERWISE], ids=lambda rule: rule.text)
def test_a_rule_for_commands_is_needed(rule: rules.Rule) -> None:
    commands = [(block, command) for block in BLOCKS if block.language in RUN for command in block.commands]
    assert any(rule.of_command(block, command) for block, command in commands), "nothing matches: remove it"
    assert rule.reason


@pytest.mark.parametrize("rule", rules.COMPILED, ids=lambda rule: f"{rule.page} {rule.text}")
def test_a_rule_for_blocks_is_needed(rule: rules.Rule) -> None:
    assert any(rule.of_block(block) for block in PYTHON), "nothing matches: remove it"
    assert rule.reason
