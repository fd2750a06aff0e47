"""What the sites need beyond their pages: links that leave docs/, and the files at the root.

A page links to files of the repository by their paths (``../../CHANGELOG.md``), which works where the
repository is read. In the site the files below are pages too; any other one is named instead of linked.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security-policy.md",
    "benchmarks/RESULTS.md": "results.md",
}
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<path>[^)#:\s]+)(?P<anchor>#[^)\s]*)?\)")
_DOCS = re.compile(r"docs/(en|pt-BR)/")
# Where a page stands in the repository, as seen from its root; both languages are alike.
_FOLDER = "docs/en"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files of the repository's root that pages link to."""
    for source, page in PUBLISHED.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        added = File.generated(config, page, content=linked(text, posixpath.dirname(source)))
        added.inclusion = added.inclusion.NOT_IN_NAV
        files.append(added)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links out of docs/ to their pages."""
    return markdown if page.file.src_uri in PUBLISHED.values() else linked(markdown, _FOLDER)


def linked(markdown: str, folder: str) -> str:
    """The text of a file in that folder of the repository, with the links of the site."""

    def link(found: re.Match[str]) -> str:
        text, path, anchor = found["text"], found["path"], found["anchor"] or ""
        target = posixpath.normpath(posixpath.join(folder, path))
        if _DOCS.match(target):
            return f"[{text}]({_DOCS.sub('', target)}{anchor})"
        if target in PUBLISHED:
            return f"[{text}]({PUBLISHED[target]}{anchor})"
        return text

    return _LINK.sub(link, markdown)
