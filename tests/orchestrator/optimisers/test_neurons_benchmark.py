"""A cell of 20 parameters gets its spikes: benchmarks/neurons.py, smaller, and the bed that it is measured on."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))

import neurons
from cell_bed import CellBed

from orchestrator.records import Origin

pytestmark = pytest.mark.reference  # simulates cells


@pytest.fixture(scope="module")
def bed() -> CellBed:
    return CellBed()


def test_the_recording_has_0_4_and_12_spikes_and_a_silent_cell_has_more_than_a_third_of_the_error(bed: CellBed) -> None:
    assert bed.counts.tolist() == [0, 4, 12]
    silent = np.full((3, 800), -70.0)
    assert 1 / 3 < bed.error(silent) < 0.4
    assert bed.error(np.zeros((3, 800))) == pytest.approx(5 / 6)


def test_an_optimiser_is_told_how_far_a_silent_cell_is_from_spikes(bed: CellBed) -> None:
    points = np.full((2, 20), 0.5)  # few spikes
    points[1, 1] = 0.0  # less sodium
    found = bed.evaluated(points, (Origin.SAMPLE, Origin.SAMPLE))
    assert found.counts.tolist() == [[0, 0, 1], [0, 0, 0]]
    assert (found.told.values[1, 1:3] < 0).all()
    assert set(found.told.outputs) >= {3, 4, 5, 6}


@pytest.mark.parametrize("seed", [0, 1])
def test_hybrid_finds_the_right_number_of_spikes_in_every_sweep(seed: int) -> None:
    found = neurons.search(seed, method="hybrid", evaluations=120, size=12)
    assert found.counts == [0, 4, 12]
    assert found.errors[-1] < 0.16  # half of that of a cell that is silent
