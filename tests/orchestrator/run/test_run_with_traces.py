"""A whole run on this machine whose function returns traces, several times for each evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from orchestrator_project import Project, same

from orchestrator.checkpoint import Checkpoint
from orchestrator.simulations.seeds import seeds_of, seeds_of_trial

pytestmark = pytest.mark.run

MODEL = """
import numpy as np
from targets import Events, Trace

TIMES = np.arange(0, 50, 0.5)

def simulate(p, d):
    noise = 0.1 * np.random.default_rng(p["seed"]).normal()
    v = p["x"] * np.sin(TIMES / 5) + p["y"] + noise
    return {"v": Trace(TIMES, v, "mV"), "spikes": Events(TIMES[v > 0.5]), "noise": noise}
"""
SEEDS = {"seed": "per_offspring"}
CHANGES: dict[str, Any] = {
    "simulation": {"type": "function", "function": "model:simulate", "trials": 2, "seeds": SEEDS},
    "data": {"rec": {"file": "rec.csv", "unit": "mV"}},
    "targets": [
        {"class": "TraceRMSE", "trace": "v", "data": "rec", "norm": 0.1},
        {"class": "ReturnedValue", "key": "noise", "target_value": 0, "norm": 100},
        {"class": "EventCount", "window": [0, 50], "target_value": 20, "norm": 100},
    ],
    "keep": {"best": 1},
    "reevaluate": "none",
}


def project(directory: Path, **changes: Any) -> Project:
    times = np.arange(0, 50, 1.0)
    directory.mkdir(exist_ok=True)
    np.savetxt(directory / "rec.csv", np.column_stack([times, 0.5 * np.sin(times / 5) + 1]), delimiter=",")
    return Project.create(directory, {**CHANGES, **changes}, model=MODEL)


def test_outputs_deviations_and_recordings_are_in_the_checkpoint_of_a_continued_run_too(tmp_path: Path) -> None:
    whole = project(tmp_path / "whole")
    whole.command("run", "config.yaml")
    frame = whole.frame()
    assert set(frame["outcome"]) == {"OK"}
    noise = [
        [
            0.1 * np.random.default_rng(seeds_of_trial(seeds_of(SEEDS, 1, g, n), trial)["seed"]).normal()
            for trial in range(2)
        ]
        for g, n in zip(frame["generation"], frame["offspring"], strict=True)
    ]
    np.testing.assert_allclose(frame["value:ReturnedValue(noise)"], np.mean(noise, axis=1), rtol=1e-12)
    np.testing.assert_allclose(frame["sd:ReturnedValue(noise)"], np.std(noise, axis=1, ddof=1), rtol=1e-12)
    assert (frame["sd:TraceRMSE(v)"] > 0).all()
    checkpoint = Checkpoint(whole.runs[0])
    labels = ("TraceRMSE(v)", "ReturnedValue(noise)", "EventCount")
    errors = frame[[f"sd:{label}" for label in labels]].to_numpy() / np.sqrt(2)
    np.testing.assert_allclose(np.vstack([block.errors_or_nan for block in checkpoint.told()]), errors, rtol=1e-12)
    outputs = np.vstack([block.outputs[0] for block in checkpoint.told()])
    times = np.arange(0, 50, 1.0)
    expected = [
        x * np.sin(times / 5) + y + np.mean(both)
        for x, y, both in zip(frame["parameter:x"], frame["parameter:y"], noise, strict=True)
    ]
    np.testing.assert_allclose(outputs, expected, rtol=1e-6, atol=1e-6)
    rmse = np.sqrt(((outputs - 0.5 * np.sin(times / 5) - 1) ** 2).mean(axis=1))
    np.testing.assert_allclose(frame["value:TraceRMSE(v)"], rmse, rtol=1e-6)
    kept = checkpoint.recordings()
    best = frame.loc[frame["total_score"].idxmin()]
    assert {(0, 0), (best["generation"], best["offspring"])} <= set(kept)
    assert kept[0, 0].traces["v"].rows.shape == (2, 100)
    assert kept[0, 0].events.keys() == {"spikes"}

    parts = project(tmp_path / "parts", max_ngen=1)
    parts.command("run", "config.yaml")
    parts.command("run", "--continue", parts.runs[0], "--set", "max_ngen=2")
    same(parts.frame(), frame)
    assert Checkpoint(parts.runs[0]).recordings().keys() == kept.keys()
