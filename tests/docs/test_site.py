"""Both sites build without a warning, and need nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs.blocks import ROOT

import blackcat

# What a browser fetches by itself: links that a reader may follow are none of these.
_FETCHED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(?:https?:)?//|@import|url\(["']?https?:"""
)
_STYLE = re.compile(
    r"""<link\b[^>]*\brel=["']?(?:stylesheet|preconnect|icon)[^>]*\bhref=["']?(?:https?:)?//"""
)


@pytest.fixture(scope="module", params=["mkdocs.yml", "mkdocs.pt-BR.yml"], ids=["en", "pt-BR"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", request.param, "-d", str(folder)]
    variables = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    pages = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert len(pages) > 30
    texts = {page.name: page.read_text(encoding="utf-8") for page in pages}
    assert [name for name, text in texts.items() if _FETCHED.search(text) or _STYLE.search(text)] == []


def test_the_other_language_is_one_click_away(site: Path) -> None:
    text = (site / "consumer.html").read_text(encoding="utf-8")
    assert 'href="../en/' in text
    assert 'href="../pt-BR/' in text


def test_the_api_page_has_every_public_name(site: Path) -> None:
    text = (site / "api.html").read_text(encoding="utf-8")
    described = {name.rpartition(".")[2] for name in re.findall(r'id="(blackcat[\w.]+)"', text)}
    assert set(blackcat.__all__) - described - {"metrics"} == set()
