"""docs/ as a site."""

from __future__ import annotations

import re
from pathlib import Path

import markdown
import pytest
import yaml
from shown import ROOT


@pytest.mark.run
def test_the_site_is_built_without_a_warning_and_needs_no_network(site: Path) -> None:
    pages = sorted(site.glob("*.html"))
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} <= {path.stem for path in pages}
    for page in pages:
        loaded = re.findall(
            r"<(?:script|img|iframe)[^>]*\ssrc=\"([^\"]*)|<link[^>]*\shref=\"([^\"]*)", page.read_text()
        )
        outside = [one or other for one, other in loaded if re.match(r"(https?:)?//", one or other)]
        assert outside == [], page.name
    styles = "".join(path.read_text() for path in site.rglob("*.css"))
    assert not re.search(r"url\(['\"]?(https?:)?//", styles)


def test_every_page_is_in_the_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    named = re.findall(r": (\w[\w-]*\.md)$", text, flags=re.MULTILINE)
    assert sorted(named) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))
    assert yaml.safe_load(text)["theme"]["font"] is False


def test_braces_in_a_table_are_text() -> None:
    """With attr_list they were attributes of the cell, and vanished."""
    extensions = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["markdown_extensions"]
    names = [next(iter(each)) if isinstance(each, dict) else each for each in extensions]
    page = markdown.markdown("| key | meaning |\n|---|---|\n| `x` | one of {bounds, scale} |", extensions=names)
    assert "<td>one of {bounds, scale}</td>" in page
