"""What `tools/demo` does where the environment is there already, short of simulating."""

from __future__ import annotations

import subprocess
from pathlib import Path

from clones import make_clone


def demo(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["./tools/demo", *arguments]
    return subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False, timeout=60)


def test_setup_sets_up_and_runs_nothing(tmp_path: Path) -> None:
    clone = make_clone(tmp_path / "clone")
    done = demo(clone, "--setup")
    assert done.returncode == 0, done.stderr
    assert f"source {clone}/.venv/bin/activate" in done.stderr
    model = clone / ".demo/balanced_network"
    assert (model / "run.py").is_file()
    assert (model / "param_optim/run_optimization_experiment.py").is_file()
    assert not list(model.glob("*_Optimization"))


def test_setup_takes_nothing_else(tmp_path: Path) -> None:
    clone = make_clone(tmp_path / "clone")
    done = demo(clone, "--setup", "--set", "max_ngen=1")
    assert (done.returncode, done.stderr) == (
        2,
        "tools/demo --setup takes no further arguments, got: --set max_ngen=1\n",
    )
    assert not (clone / ".demo").exists()


def test_help_says_so(tmp_path: Path) -> None:
    assert "tools/demo --setup " in demo(make_clone(tmp_path / "clone"), "--help").stdout
