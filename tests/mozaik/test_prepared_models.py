"""A generation of each test model, from a bare directory and what ``orchestrator prepare`` wrote.

The model in the current style, with named experiments, needs a newer mozaik than the one of the tests: it is prepared
and checked, in tests/orchestrator/prepare/test_prepare.py.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from bare_models import bare_model, make_small

from orchestrator.checkpoint import Checkpoint

pytestmark = pytest.mark.mozaik

CONFIG = "param_optim/config_optimisation.yaml"
# the one is carried over, as an extension of NEST's that is installed would be; the other is not, and would fail
BEFORE = "from mpi4py import MPI\nfrom pyNN import nest\nimport nest\nnest.set_verbosity('M_ERROR')\n"
AFTER = "raise SystemExit('run.py is not what jobs run')\n"
# what so few neurons may be too quiet for in 0.2 s
MAY_LACK = {
    "balanced_network": set[str](),
    "visual_model": {"IrregularityTarget", "SynchronyTarget", "SizeTuning", "ModulationRatio"}
    | {f"OrientationTuning{each}Target" for each in ("Preference", "OrthoHigh", "OrthoLow")},
}


def command(model: Path, *arguments: str) -> str:
    program = [sys.executable, "-c", "from orchestrator.cli import main; main()"]
    done = subprocess.run([*program, *arguments], cwd=model, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["balanced_network", "visual_model"])
def test_prepare_check_and_run_a_generation(name: str, tmp_path: Path) -> None:
    model = make_small(bare_model(name, tmp_path))
    script = model / "run.py"
    script.write_text(script.read_text() + AFTER if name == "visual_model" else BEFORE + script.read_text())

    said = command(model, "prepare", ".")
    assert ("simulation.before has what run.py does" in said) == (name == "balanced_network")
    command(model, "check", CONFIG, "--set", "executor=local")
    small = ["executor=local", "offspring_size=3", "max_ngen=1", "explosion_check.duration=70", "optimiser_sigma=0.05"]
    command(model, "run", CONFIG, *(word for setting in small for word in ("--set", setting)))

    (run,) = model.glob("*_Optimization")
    checkpoint = Checkpoint(run)
    frame, details = checkpoint.evaluations(), checkpoint.details()
    assert list(frame["outcome"]) == ["OK"] * 3, list(details["message"])
    start = frame.iloc[0]
    values = {column: start[column] for column in frame.columns if column.startswith("value:")}
    lacking = {column for column, value in values.items() if value != value}  # noqa: PLR0124  (nan)
    assert {column.removeprefix("value:").partition("(")[0] for column in lacking} <= MAY_LACK[name]
    # spikes of every sheet and conductances of the excitatory ones were recorded
    assert all(values[column] == values[column] for column in values if "SpontActivity" in column)
    ratios = [value for column, value in values.items() if "ConductanceRatio" in column]
    assert ratios
    assert all(ratio > 0 for ratio in ratios)
