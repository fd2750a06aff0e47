"""Writes the pages that code knows better than prose: cli.md from the commands, settings.md from Settings.

`make reference` writes them in each language; the words around them stand in the TOML file of the language.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from blackcat import Settings
from blackcat.entrypoints.cli.main import blackcat

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
LANGUAGES = ("en", "pt-BR")
Words = Mapping[str, Any]
Names = tuple[str, ...]  # of a command and its groups: ("blackcat", "dlq", "list")
_AS_IT_STANDS = "\b"  # click's mark of a paragraph that it does not wrap


def pages() -> dict[Path, str]:
    """Every page that is generated, by its path."""
    return {
        HERE.parent / language / name: text
        for language in LANGUAGES
        for name, text in _in_language(words_of(language)).items()
    }


def words_of(language: str) -> Words:
    return tomllib.loads((HERE / f"{language}.toml").read_text(encoding="utf-8"))


def _in_language(words: Words) -> dict[str, str]:
    return {"cli.md": cli_page(words["cli"]), "settings.md": settings_page(words["settings"])}


def cli_page(words: Words) -> str:
    sections = [_section(command, path, words) for path, command in _commands(blackcat, ("blackcat",))]
    return _page(words, sections)


def _commands(command: click.Command, path: Names) -> Iterator[tuple[Names, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            inner = command.get_command(click.Context(command), name)
            if inner and not inner.hidden:
                yield from _commands(inner, (*path, name))


def _section(command: click.Command, path: Names, words: Words) -> str:
    context = click.Context(command, info_name=path[-1], terminal_width=100)
    name = " ".join(path)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    paragraphs = list(_paragraphs(command.help or ""))
    rows = [row for parameter in command.params if (row := parameter.get_help_record(context))]
    table = [f"| {words['option']} | {words['meaning']} |", "| --- | --- |"]
    table += [f"| `{_cell(option)}` | {_cell(meaning)} |" for option, meaning in rows]
    parts = [f"## {name}", *paragraphs, f"```text\n{usage}\n```", *(["\n".join(table)] if rows else [])]
    return "\n\n".join(parts) + "\n"


def _paragraphs(help_text: str) -> Iterator[str]:
    """Of a help text: paragraphs as they are, and as they stand those that click leaves alone."""
    for paragraph in re.split(r"\n\s*\n", help_text.strip()):
        if _AS_IT_STANDS in paragraph:
            lines = [line for line in paragraph.splitlines() if _AS_IT_STANDS not in line]
            yield "\n".join(["```text", textwrap.dedent("\n".join(lines)), "```"])
        else:
            yield " ".join(paragraph.split()).replace("<", "&lt;")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def settings_page(words: Words) -> str:
    schema = Settings.model_json_schema()["properties"]
    listed = [name for group in words["group"] for name in group["meaning"]]
    if missing := [name.upper() for name in schema if name.upper() not in listed]:
        raise SystemExit(f"docs/reference: say in each language what these mean: {', '.join(missing)}")
    groups = [_group(group, schema, words) for group in words["group"]]
    return _page(words, groups)


def _page(words: Words, sections: list[str]) -> str:
    parts = [f"# {words['title']}\n", f"{words['introduction'].strip()}\n", *sections]
    return "\n".join(parts).rstrip() + "\n"


def _group(group: Words, schema: Words, words: Words) -> str:
    heads = (words["variable"], words["values"], words["default"], words["meaning"])
    rows = [_row(name, meaning, schema[name.lower()], words) for name, meaning in group["meaning"].items()]
    anchor = f" {{#{group['anchor']}}}" if "anchor" in group else ""
    table = [f"| {' | '.join(heads)} |", "| --- | --- | --- | --- |", *rows]
    return "\n".join([f"## {group['title']}{anchor}", "", *table]) + "\n"


def _row(name: str, meaning: str, field: Words, words: Words) -> str:
    return f"| `{name}` | {_values(field, words)} | {_default(field)} | {meaning} |"


def _values(field: Words, words: Words) -> str:
    kinds = field.get("anyOf", [field])
    told = [_kind(kind, words) for kind in kinds if kind.get("type") != "null"]
    return f" {words['or']} ".join(dict.fromkeys(filter(None, told)))


def _kind(kind: Words, words: Words) -> str:
    if "enum" in kind:
        return ", ".join(f"`{value}`" for value in kind["enum"])
    low, above, high = kind.get("minimum"), kind.get("exclusiveMinimum"), kind.get("maximum")
    bounds: str = {
        (True, False, True): words["between"],
        (False, True, True): words["above_to"],
        (True, False, False): words["from"],
    }.get((low is not None, above is not None, high is not None), "")
    name: str = words["types"].get(kind.get("format") or kind.get("type"), "")
    return " ".join(filter(None, [name, bounds.format(low=low, above=above, high=high)]))


def _default(field: Words) -> str:
    default = field.get("default")
    if default is None or default == "":
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def main() -> None:
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
