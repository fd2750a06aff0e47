"""What is not run as it stands, and why: rules.toml, each rule with its reason."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from tests.docs.blocks import Block, Command

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_RULES = tomllib.loads(Path(__file__).with_name("rules.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Rule:
    """A rule for the commands that begin so, or the blocks that hold this text; on all pages, or on one."""

    text: str
    reason: str
    page: str = ""
    status: int = 0

    def of_command(self, block: Block, command: Command) -> bool:
        return self._of_page(block) and command.line.startswith(self.text)

    def of_block(self, block: Block) -> bool:
        return self._of_page(block) and block.language == "python" and self.text in block.code

    def _of_page(self, block: Block) -> bool:
        return self.page in ("", block.page)


def _rules(name: str) -> tuple[Rule, ...]:
    return tuple(Rule(**rule) for rule in _RULES.get(name, []))


NOT_RUN = _rules("not_run")  # commands that stay out
ENDING_OTHERWISE = _rules("status")  # commands whose exit status is not 0, on purpose
COMPILED = _rules("compiled")  # Python blocks that are compiled only


def runs(block: Block, command: Command) -> bool:
    return not any(rule.of_command(block, command) for rule in NOT_RUN)


def status(block: Block, command: Command) -> int:
    return next((rule.status for rule in ENDING_OTHERWISE if rule.of_command(block, command)), 0)


def executed(block: Block) -> bool:
    return not any(rule.of_block(block) for rule in COMPILED)
