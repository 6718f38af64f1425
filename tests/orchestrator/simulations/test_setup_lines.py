"""Setup lines of the user's, executed by bash."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from orchestrator.config.sections import JobsSection
from orchestrator.simulations.mozaik.options import MozaikOptions
from orchestrator.simulations.setup_lines import watched

LINES = ["true", "ls /nowhere/at/all", "echo went on"]


def run(tmp_path: Path, lines: list[str], *, end: bool, options: str = "set -e") -> tuple[int, str, str]:
    script = tmp_path / "script.sh"
    script.write_text("\n".join([options, *watched(lines, "jobs.setup", end=end), 'echo "ended with $-"', ""]))
    done = subprocess.run(["bash", str(script)], capture_output=True, text=True, check=False, timeout=30)
    return done.returncode, done.stdout, done.stderr


def test_a_line_that_fails_ends_the_script_with_its_own_code(tmp_path: Path) -> None:
    code, said, errors = run(tmp_path, LINES, end=True)
    assert (code, said) == (2, "")
    assert errors.splitlines()[-1] == "jobs.setup, line 2: exit code 2 from: ls /nowhere/at/all"


def test_a_line_that_fails_is_told_and_the_script_goes_on(tmp_path: Path) -> None:
    code, said, errors = run(tmp_path, LINES, end=False)
    assert (code, said.splitlines()[0]) == (0, "went on")
    assert "jobs.setup, line 2: exit code 2 from: ls /nowhere/at/all" in errors


@pytest.mark.parametrize(("options", "exits"), [("set -e", True), ("set +e", False)])
def test_the_script_s_own_options_hold_again(tmp_path: Path, options: str, exits: bool) -> None:
    _, said, errors = run(tmp_path, ["false || true", "x=$(true)"], end=True, options=options)
    assert ("e" in said.rpartition(" ")[2].strip()) == exits
    assert errors == ""


def test_no_lines_add_nothing() -> None:
    assert watched([], "jobs.setup", end=True) == []


def test_a_block_of_text_is_its_lines_in_both_sections() -> None:
    text = "module load nest\n\n# and its environment\nsource env/bin/activate"
    lines = ("module load nest", "", "# and its environment", "source env/bin/activate")
    assert MozaikOptions.model_validate({"model": "m:N", "setup": text}).setup == lines
    assert JobsSection.model_validate({"setup": text}).setup == lines
    assert MozaikOptions.model_validate({"model": "m:N", "setup": list(lines)}).setup == lines
