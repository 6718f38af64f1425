"""The built site says what its sources say, and is searched from a disk in headless Chromium."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from shown import ROOT


class Cells(HTMLParser):
    """The texts of a page's table rows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._cell: list[str] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: object) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._cell is not None:
            self.rows[-1].append(" ".join("".join(self._cell).split()))
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)


def rows_of(markdown: str) -> list[list[str]]:
    """Return the texts of the table rows of a page's source, as a reader sees them."""
    rows = [
        line for line in markdown.splitlines() if line.startswith("|") and not re.fullmatch(r"[| :]*-[| :-]*", line)
    ]
    cells = [re.split(r"(?<!\\)\|", row.strip()[1:-1]) for row in rows]
    return [[_plain(cell.replace(r"\|", "|")) for cell in row] for row in cells]


def _plain(cell: str) -> str:
    """Return a cell without its marks for code, links and strong words."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)|\*\*(\w[^*]*)\*\*|</?code>", lambda found: found[1] or found[2] or "", cell)
    return " ".join(html.unescape(text).replace("`", "").split())


@pytest.mark.run
@pytest.mark.parametrize("page", ["configuration", "commands", "programs", "status"])
def test_tables_say_on_the_site_what_they_say_in_their_source(page: str, site: Path) -> None:
    """Braces at the end of a cell, as in {bounds, scale}, were taken for attributes and vanished."""
    source = rows_of((ROOT / f"docs/{page}.md").read_text(encoding="utf-8"))
    assert source
    assert Cells((site / f"{page}.html").read_text(encoding="utf-8")).rows == source


@pytest.mark.run
def test_pages_lead_to_the_previous_and_the_next_one(site: Path) -> None:
    text = (site / "tutorial.html").read_text(encoding="utf-8")
    assert re.search(r'href="index.html"[^>]*rel="prev"|aria-label="Previous: Start"', text)
    assert 'aria-label="Next: Your own model"' in text


@pytest.mark.browser
def test_the_site_is_searched_from_a_disk_without_a_network(site: Path) -> None:
    from chromium import started  # noqa: PLC0415  (imports what only tests in a browser need)

    with started() as browser:
        tab = browser.new_context(offline=True).new_page()
        requested: list[str] = []
        tab.on("request", lambda request: requested.append(request.url))
        tab.goto((site / "index.html").as_uri())
        tab.locator("input.md-search__input").click()
        tab.get_by_text("Type to start searching").wait_for(state="attached")
        tab.locator("input.md-search__input").press_sequentially("poll_interval")
        found = tab.locator(".md-search-result__item a", has_text="poll_interval")
        found.first.wait_for()
        found.first.click()
        tab.wait_for_url("**/configuration.html*")
        tab.locator("article mark", has_text="poll_interval").first.wait_for()
        assert [url for url in requested if not url.startswith(("file:", "data:", "blob:"))] == []
