"""Links between the project's pages lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

from architecture.sources import ROOT, project_files

LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")
FENCED = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)


def broken_links(page: Path) -> list[str]:
    """The targets of relative links in a Markdown page that do not exist; fenced blocks are left out."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    return [target for target in LINK.findall(text) if not (page.parent / target).exists()]


def test_every_relative_link_leads_to_a_file() -> None:
    pages = [path for path in project_files() if path.suffix == ".md"]
    assert ROOT / "docs" / "decisions" / "README.md" in pages
    assert {str(page.relative_to(ROOT)): found for page in pages if (found := broken_links(page))} == {}


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[a](gone.md) [b](page.md#x) [c](https://example.com)\n```sh\n[d](gone.md)\n```\n")
    assert broken_links(page) == ["gone.md"]
