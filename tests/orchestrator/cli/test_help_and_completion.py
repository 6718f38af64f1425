"""Short help everywhere, and what a shell is told to complete."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import command_reference
import pytest
from in_process import command

PROGRAM = Path(sys.executable).parent / "orchestrator"


def test_every_command_explains_itself_to_h(tmp_path: Path) -> None:
    for name in ("", *command_reference.commands()):
        short, long = (command(*filter(None, (name,)), option, cwd=tmp_path) for option in ("-h", "--help"))
        assert (short.returncode, short.stdout) == (0, long.stdout)
        assert " Usage: " in short.stdout


@pytest.mark.run
@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("orchestrator ch", ["check"]),
        ("orchestrator check --on-n", ["--on-node"]),
        ("orchestrator sc", ["schema", "score"]),
    ],
)
def test_bash_completes_commands_and_options(line: str, completed: list[str]) -> None:
    words = line.split()
    script = f"""
    eval "$(_ORCHESTRATOR_COMPLETE=source_bash orchestrator)"
    COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}
    _orchestrator_completion orchestrator {words[-1]} {words[-2]}
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    environment = {**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert sorted(done.stdout.split()) == completed


@pytest.mark.run
def test_completion_is_installed_for_the_shell_that_one_has(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path)}
    # the shell is found among the processes above
    script = f"{PROGRAM} --install-completion; true"
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert "completion installed" in done.stdout
    (file,) = tmp_path.rglob("orchestrator.sh")
    assert str(file) in (tmp_path / ".bashrc").read_text()
