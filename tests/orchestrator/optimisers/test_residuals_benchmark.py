"""How many evaluations the methods that learn outputs need, on the test beds of benchmarks/residuals.py."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))

import residuals
import traces

from orchestrator.records import FloatArray


def curve(bed: str, method: str, seed: int, evaluations: int, size: int) -> FloatArray:
    return residuals.search(seed, name=bed, method=method, evaluations=evaluations, size=size)[0]


@pytest.mark.run
@pytest.mark.parametrize("seed", range(100, 110))
def test_a_linear_cell_is_fitted_in_a_hundred_evaluations_from_any_start(seed: int) -> None:
    """CMA-ES needs 400 and misses a loss of 1e-4 with some seeds."""
    assert curve("CELL", "hybrid", seed, 102, 6)[-1] < 1e-4


def test_the_early_part_of_an_evoked_response_depends_on_nothing_and_fine_ripples_on_everything() -> None:
    jagged, smooth = (traces.trace_bed_of(name, 100) for name in ("EVOKED", "SMOOTH"))
    points = np.random.default_rng(1).random((50, 10))
    waveforms = jagged.outputs(points)[0]
    assert np.ptp(waveforms[:, :40], axis=0).max() == 0  # the first 65 ms
    moved = np.clip(points + 0.1 / np.sqrt(10) * np.sign(np.random.default_rng(2).standard_normal((50, 10))), 0, 1)
    rms = [np.sqrt(((bed.outputs(moved)[0] - bed.outputs(points)[0]) ** 2).mean()) for bed in (jagged, smooth)]
    assert rms[0] > rms[1] > 1


@pytest.mark.run
@pytest.mark.parametrize("bed", ["EVOKED", "SMOOTH"])
def test_hybrid_is_as_good_after_24_evaluations_as_cma_is_after_48(bed: str) -> None:
    def medians(method: str) -> FloatArray:
        return np.asarray(np.median([curve(bed, method, seed, 48, 8) for seed in range(100, 110)], axis=0))

    hybrid, plain = medians("hybrid"), medians("none")
    assert hybrid[2] < plain[5]
    assert hybrid[5] < plain[5] - 0.4


@pytest.mark.run
def test_an_evoked_response_of_hnn_core_is_fitted_better_than_by_cma() -> None:
    """By more than half a nAm; the middle has 30."""
    medians = {
        method: np.median([curve("HNN", method, seed, 48, 8) for seed in range(100, 110)], axis=0)
        for method in ("hybrid", "composite", "none")
    }
    assert medians["hybrid"][4] < medians["none"][5]
    assert medians["hybrid"][5] < medians["none"][5] - 0.5
    assert medians["composite"][5] < medians["none"][5] - 0.5
