"""The documents say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import config_reference
import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def test_the_reference_of_the_configuration_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    config_reference.main()
    assert (ROOT / "docs/configuration.md").read_text() == capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if not link.startswith("http"):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
