"""The documents say what the code does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import command_reference
import pytest
from typer.testing import CliRunner

from orchestrator.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


@pytest.mark.run
def test_the_reference_of_the_configuration_is_up_to_date() -> None:
    # in a process of its own, where no test has registered plug-ins
    page = subprocess.run(
        [sys.executable, ROOT / "tools/config_reference.py"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert (ROOT / "docs/configuration.md").read_text() == page


def test_the_reference_of_the_commands_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    command_reference.main()
    page = capsys.readouterr().out
    assert (ROOT / "docs/commands.md").read_text() == page
    for name, function in command_reference.commands().items():
        for parameter in command_reference.parameters_of(function):
            assert (name, parameter.info.help) != (name, None), parameter.names
    assert all(len(line) <= command_reference.WIDTH for line in page.splitlines() if not line.startswith("|"))


def test_the_reference_of_the_commands_says_what_help_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    for name, function in command_reference.commands().items():
        helped = CliRunner().invoke(app, [name, "--help"], color=False).output
        for parameter in command_reference.parameters_of(function):
            if parameter.is_option:
                assert all(each in helped for each in parameter.names), (name, parameter.names)
            # in brackets stands markup, which rich may leave out
            assert (parameter.info.help or "").split("[")[0] in helped, (name, parameter.names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        file, _, anchor = link.partition("#")
        if not link.startswith("http"):
            assert (page.parent / file).exists(), f"{page.name}: {link}"
        if anchor and not link.startswith("http"):
            text = (page.parent / file if file else page).read_text()
            headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
            anchors = [re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings]
            assert anchor in anchors, f"{page.name}: {link}"


def test_every_fault_names_a_test_that_exists() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    rows = [line for line in (ROOT / "docs/reliability.md").read_text().splitlines() if line.startswith("| ")]
    assert len(rows) > 30
    for row in rows[1:]:
        tests = row.rsplit("|", 2)[1]
        names = re.findall(r"`(?:test_\w+\.py::)?(\w+)`", tests)
        files = re.findall(r"`(test_\w+\.py)", tests)
        assert names or files, row
        assert all(f"def {name}(" in sources for name in names), row
        assert all(list((ROOT / "tests").rglob(file)) for file in files), row
