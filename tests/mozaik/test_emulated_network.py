"""What the benchmarks' emulator of a network was made of is what the network does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orchestrator.config.file import load_config
from targets import Datastore, measure

pytestmark = pytest.mark.mozaik

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
# 400 and 100 neurons
SMALL = {"sheets.exc.params.density": 25.0, "sheets.inh.params.density": 6.25, "spontaneous_duration": 600.0}


def test_the_start_has_the_values_that_the_emulator_learnt(make_model: Callable[[str, str], Any]) -> None:
    config = load_config(BENCHMARKS / "network.yaml")
    with np.load(BENCHMARKS / "data" / "network.npz") as data:
        points, values = data["points"], data["values"]
    (row,) = np.flatnonzero(np.abs(points - config.problem().start).max(axis=1) < 1e-9)
    start = config.space().decode(points[row])
    model = make_model("balanced_network", config.simulation.model)
    check = config.explosion_check.model_dump(mode="json")
    run = model.run("start", {**config.simulation.seeds, **SMALL, **start}, **check)
    assert run.returncode == 0, run.stderr
    found = measure(config.create_targets(), Datastore(run.datastore))
    np.testing.assert_allclose([each.value for each in found], values[row], rtol=1e-6)
