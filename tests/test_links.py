"""What the pages refer to is there."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.architecture import ROOT

FOLDERS = (".", "benchmarks", "data/image_encoders", "data/text_encoders", "docs")
FOLDERS += ("reports", "reports/appendix", "docs/examples/nih-sample", "docs/examples/nih-sample/appendix")
PAGES = sorted(page for folder in FOLDERS for page in (ROOT / folder).glob("*.md"))


def read(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    heads = re.findall(r"^#+ (.*)$", read(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def dead_links(page: Path) -> list[str]:
    """The relative links of a page that lead to no file, or to no heading of a page."""
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)", read(page)):
        file, _, anchor = unquote(link).partition("#")
        target = page.parent / file if file else page
        there = target.exists() and (not anchor or anchor in anchors(target))
        dead += [] if there or re.match(r"[a-z]+:", link) else [link]
    return dead


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_resolves(page):
    assert not dead_links(page)


def test_a_dead_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    links = "[a](page.md#a-head-two) [b](no.md) [c](#none) ![d](no.png) [e](http://x)"
    page.write_text(f"# A head, two\n{links}\n")
    assert dead_links(page) == ["no.md", "#none", "no.png"]
