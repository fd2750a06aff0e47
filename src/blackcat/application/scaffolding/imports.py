"""Import lines of generated code, in order and within the line, whatever the names in them are."""

from __future__ import annotations

import re

LINE_LENGTH = 110

Order = list[tuple[int, int, str]]

_FROM = re.compile(r"from (\S+) import (.+)")


def tidy_imports(block: str) -> str:
    """One section of imports, each on one line, as ruff sorts and wraps them; blank lines are dropped."""
    lines = sorted({line.strip() for line in block.splitlines() if line.strip()}, key=_order)
    return "".join(_tidy(line) for line in lines)


def module_order(module: str) -> Order:
    """As import sorters put modules in order: numbers inside names by their value, zeros before all."""
    return [_rank(part) for part in re.findall("[0-9]+|[^0-9]", module.lower())]


def name_order(name: str) -> tuple[int, Order, str]:
    """As they put the names of one import: CONSTANTS, then Classes, then the rest."""
    kind = 0 if len(name) > 1 and name.isupper() else 1 if name[0].isupper() else 2
    return kind, module_order(name), name


def _rank(part: str) -> tuple[int, int, str]:
    if not part.isdigit():
        return ord(part), 0, ""
    return ord("0"), 0 if part.startswith("0") else len(part), part


def _order(line: str) -> tuple[bool, Order]:
    """Plain imports come first."""
    return line.startswith("from "), module_order(line.split()[1])


def _tidy(line: str) -> str:
    match = _FROM.fullmatch(line)
    if match is None:
        return f"{line}\n"
    names = sorted(match[2].split(", "), key=name_order)
    tidy = f"from {match[1]} import {', '.join(names)}\n"
    if len(tidy) <= LINE_LENGTH + 1:
        return tidy
    listed = "".join(f"    {name},\n" for name in names)
    return f"from {match[1]} import (\n{listed})\n"
