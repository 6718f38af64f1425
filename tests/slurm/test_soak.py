"""Three minutes of random faults; ``benchmarks/soak.py`` does it for as long as one likes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).resolve().parents[2] / "benchmarks" / "soak.py"


@pytest.mark.slurm
@pytest.mark.timeout(1500)  # a submission that slurmctld forgets is waited for, for ten minutes
def test_random_faults_lose_nothing_and_repeat_nothing() -> None:
    command = [sys.executable, SOAK, "--minutes", "2.5", "--offspring", "48", "--seed", "5"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1400)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["evaluations"] >= 48
    assert figures["faults"] >= 8
    assert sum(figures[key] for key in ("wrong", "lost", "doubled", "left", "unexpected")) == 0
    assert figures["controllers"] >= 2
    assert figures["memory_growth"] < 1.2
