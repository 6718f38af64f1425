"""Shell lines of a user: one that fails ends the script and says which it is; what it sources may do as it likes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from orchestrator.config.sections import JobsSection
from orchestrator.simulations.mozaik.options import MozaikOptions
from orchestrator.simulations.setup_lines import watched

# conda's and modules' scripts are like this: commands fail on the way, and the last one may, too
UNCLEAN = 'false\n[ -n "$NOT_SET" ] && echo never\nls /proc/nowhere 2>/dev/null\nexport SITE=ready\nfalse\n'


def ran(folder: Path, *lines: str, head: str = "set -e") -> subprocess.CompletedProcess[str]:
    (folder / "unclean site.sh").write_text(UNCLEAN)
    (folder / "strict.sh").write_text("set -e\nfalse\n")
    script = folder / "script.sh"
    script.write_text("\n".join(["#!/bin/bash", head, *watched(lines, "jobs.setup"), 'echo "$SITE" $-', ""]))
    return subprocess.run(["bash", str(script)], cwd=folder, capture_output=True, text=True, check=False)


FAILING = [
    (["export A=1", "module load nest/99"], 2, "module load nest/99", 127),
    (["module() { return 3; }", "module load nest/99"], 2, "module load nest/99", 3),
    (["if true; then", "  cd /proc/nowhere", "fi"], 2, "  cd /proc/nowhere", 1),
    (["cat <<END", "false", "END", "(exit 4)"], 4, "(exit 4)", 4),
    (["source /proc/nowhere/activate"], 1, "source /proc/nowhere/activate", 1),
    ([". ."], 1, ". .", 1),
    (["set -e", "false"], 2, "false", 1),
]


@pytest.mark.parametrize(("lines", "number", "text", "code"), FAILING, ids=[each[2] for each in FAILING])
def test_a_line_that_fails_ends_the_script_and_says_which_it_is(
    tmp_path: Path, lines: list[str], number: int, text: str, code: int
) -> None:
    done = ran(tmp_path, *lines)
    said = f"jobs.setup, line {number}: exit code {code} from: {text}"
    assert done.stderr.splitlines()[-1] == said
    assert done.returncode == code
    assert "hB" not in done.stdout


@pytest.mark.parametrize(
    "line",
    ["source './unclean site.sh'", '. "unclean site.sh"', "source './unclean site.sh' > /dev/null 2>&1"],
)
def test_a_sourced_script_in_which_commands_fail_works(tmp_path: Path, line: str) -> None:
    done = ran(tmp_path, "export A=1", line)
    assert (done.returncode, done.stdout) == (0, "ready ehB\n")
    (said,) = done.stderr.splitlines()
    assert said.startswith(f"jobs.setup, line 2: exit code 1 from: {line} (passed over, ")


@pytest.mark.parametrize("line", ["false || true", 'if [ -n "$NO" ]; then echo no; fi', '[ -n "$NO" ] && echo no'])
def test_a_line_that_may_fail_says_nothing(tmp_path: Path, line: str) -> None:
    done = ran(tmp_path, line, "SITE=ready")
    assert (done.returncode, done.stdout, done.stderr) == (0, "ready ehB\n", "")


@pytest.mark.parametrize("line", ["exit 3", "source ./strict.sh", "set -u; echo $NOT_SET"])
def test_a_line_that_ends_the_script_is_not_silent(tmp_path: Path, line: str) -> None:
    done = ran(tmp_path, line)
    assert done.returncode != 0
    said = f"jobs.setup ended the script with exit code {done.returncode} ("
    assert done.stderr.splitlines()[-1].startswith(said)


@pytest.mark.parametrize(("head", "flags"), [("set -e", "ehB"), (":", "hB")])
def test_the_rest_of_the_script_is_as_it_would_be(tmp_path: Path, head: str, flags: str) -> None:
    assert ran(tmp_path, "SITE=ready", head=head).stdout == f"ready {flags}\n"
    assert watched([], "jobs.setup") == []


def test_a_block_of_text_is_its_lines_in_both_sections() -> None:
    text = "module load nest\n\n# and its environment\nsource env/bin/activate"
    lines = ("module load nest", "", "# and its environment", "source env/bin/activate")
    assert MozaikOptions.model_validate({"model": "m:N", "setup": text}).setup == lines
    assert JobsSection.model_validate({"setup": text}).setup == lines
    assert MozaikOptions.model_validate({"model": "m:N", "setup": list(lines)}).setup == lines
