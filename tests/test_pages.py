"""The pages that people read are whole: no half of a merge, and no link that leads nowhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
MARKS = re.compile(r"^(<{7} |={7}$|>{7} )", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]*)(?:#([^)\s]*))?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_half_of_a_merge_is_left(page: Path) -> None:
    assert not MARKS.search(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for path, heading in LINK.findall(page.read_text(encoding="utf-8")):
        if path.startswith(("http:", "https:", "mailto:")):
            continue
        target = page.parent / path if path else page
        assert target.exists(), f"{page.name} links to {path}"
        if heading:
            assert heading in headings(target), f"{page.name} links to {path}#{heading}"


def headings(page: Path) -> set[str]:
    """Name the headings of a page as GitHub does in links."""
    found = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in found}
