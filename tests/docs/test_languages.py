"""The pages in Portuguese keep step with those in English: the same headings, code and links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from tests.docs.blocks import ROOT, Block, blocks_of

ENGLISH, PORTUGUESE = ROOT / "docs" / "en", ROOT / "docs" / "pt-BR"
PAGES = sorted(page.name for page in ENGLISH.glob("*.md"))

_FENCES = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(?P<marks>#+) (?P<text>.+?)(?: \{ ?#(?P<anchor>[\w-]+) ?\})?$", re.MULTILINE)
_COMMENT = re.compile(r"(^|\s+)(#|//).*$")
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")


def pair(name: str) -> tuple[str, str]:
    pages = (ENGLISH / name, PORTUGUESE / name)
    english, portuguese = (page.read_text(encoding="utf-8") for page in pages)
    return english, portuguese


def headings(text: str) -> list[tuple[int, str]]:
    """Levels and anchors, but for the title, which nothing leads to.

    A heading without an anchor of its own has the one that its words give.
    """
    title, *found = _HEADING.finditer(_FENCES.sub("", text))
    anchors = [(len(one["marks"]), one["anchor"] or slug(one["text"])) for one in found]
    return [(len(title["marks"]), ""), *anchors]


def slug(words: str) -> str:
    """As Markdown's own table of contents makes it."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", words).replace("`", "")
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())


def code(block: Block) -> tuple[str, list[str]]:
    """What of a block is the same in all languages: everything but comments and drawings."""
    lines = block.code.splitlines() if block.language != "text" else []
    return block.language, [_COMMENT.sub("", line) for line in lines]


def targets(text: str) -> list[str]:
    return sorted(found["target"] for found in _LINK.finditer(_FENCES.sub("", text)))


def test_both_languages_have_the_same_pages() -> None:
    assert sorted(page.name for page in PORTUGUESE.glob("*.md")) == PAGES


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_the_same_headings_under_the_same_anchors(name: str) -> None:
    english, portuguese = pair(name)
    assert headings(portuguese) == headings(english)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_the_same_code(name: str) -> None:
    assert [code(block) for block in blocks_of(PORTUGUESE / name)] == [
        code(block) for block in blocks_of(ENGLISH / name)
    ]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_leads_to_the_same_places(name: str) -> None:
    english, portuguese = pair(name)
    assert targets(portuguese) == targets(english)


@pytest.mark.parametrize("name", ["README.md"])
def test_the_readme_is_there_in_both_languages(name: str) -> None:
    english, portuguese = ROOT / name, ROOT / name.replace(".md", ".pt-BR.md")
    assert [code(block) for block in blocks_of(portuguese)] == [code(block) for block in blocks_of(english)]
    assert len(headings(portuguese.read_text())) == len(headings(english.read_text()))


def pages_in(configuration: Path) -> list[str]:
    # The tags of mkdocs' own are of no interest here.
    found = yaml.safe_load(configuration.read_text(encoding="utf-8"))["nav"]
    return [page for entry in found for page in (entry if isinstance(entry, list) else flat(entry))]


def flat(entry: str | dict[str, list[str]]) -> list[str]:
    return [entry] if isinstance(entry, str) else [page for pages in entry.values() for page in pages]


def test_both_sites_list_the_same_pages_in_the_same_order() -> None:
    assert pages_in(ROOT / "mkdocs.pt-BR.yml") == pages_in(ROOT / "mkdocs.yml")
    assert sorted(pages_in(ROOT / "mkdocs.yml")) == PAGES
