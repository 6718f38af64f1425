"""What `tools/demo` does where the environment is there already, short of simulating, and which points it asks for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from asked_and_told import rounds
from clones import make_clone

from orchestrator.config.file import load_config
from orchestrator.optimisers import create_optimiser
from orchestrator.records import FloatArray, Origin

CONFIG = Path(__file__).resolve().parents[1] / "models/balanced_network/param_optim/config_optimisation.yaml"
# what its first two generations ask for, from 0 to 1 within the ranges, where scores are those of `bowls`
POINTS = [
    [
        [0.231378, 0.305865, 0.203795, 0.778151],
        [0.678535, 0.414994, 0.227920, 0.312261],
        [0.162031, 0.217175, 0.183109, 0.621395],
        [0.220424, 0.186559, 0.027885, 0.987155],
        [0.451708, 0.733264, 0.216304, 0.676978],
        [0.095038, 0.004731, 0.449393, 0.502874],
    ],
    [
        [0.644540, 0.672904, 0.614466, 0.892264],
        [0.003822, 0.208068, 0.494515, 0.757533],
        [0.109664, 0.000000, 0.443968, 0.498509],
        [0.016567, 0.112380, 0.335681, 0.674612],
        [0.009611, 0.099647, 0.649166, 0.228120],
        [0.070910, 0.218376, 0.372846, 0.996756],
    ],
]


def bowls(points: FloatArray) -> FloatArray:
    """Return scores of four targets, each of which wants one parameter somewhere."""
    return 20 * (points - [0.3, 0.4, 0.5, 0.6]) ** 2


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


@pytest.mark.methods
def test_the_same_seed_gives_the_same_points_as_before() -> None:
    """As long as nobody means to change what the demonstration, and every run with its seed, asks for."""
    config = load_config(CONFIG)
    blocks = rounds(create_optimiser(config.optimiser, config.problem()), 2, bowls)
    assert {Origin.START, Origin.SAMPLE, Origin.MODEL} == {origin for block in blocks for origin in block.origins}
    for block, points in zip(blocks, POINTS, strict=True):
        drawn = [n for n, origin in enumerate(block.origins) if origin is not Origin.MODEL]
        np.testing.assert_allclose(block.points[drawn], np.array(points)[drawn], rtol=0, atol=1e-5)
        # on another kind of processor the search in a model may end at another point that is as good
        proposed = np.delete(block.points, drawn, axis=0)
        assert ((proposed >= 0) & (proposed <= 1)).all()
