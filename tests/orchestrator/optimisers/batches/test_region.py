"""The box in which models are believed: it follows from what was told, and from nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from orchestrator.optimisers import Told
from orchestrator.optimisers.batches.region import Region
from orchestrator.records import Origin, Outcome


def told(total: float, at: float, origin: Origin = Origin.MODEL, rows: int = 8) -> Told:
    points = np.full((rows, 2), at)
    scores = np.full((rows, 1), total)
    return Told(points, scores, scores, [Outcome.OK] * rows, [origin] * rows)


def learn(region: Region, block: Told) -> None:
    region.learn(block, block.evaluated)


def begun() -> Region:
    region = Region(0.4)
    learn(region, told(10.0, 0.5, Origin.SAMPLE))
    return region


def test_the_first_samples_and_blocks_without_proposals_change_nothing() -> None:
    region = begun()
    learn(region, told(12.0, 0.6, Origin.SAMPLE))
    learn(region, Told(np.zeros((2, 2)), *[np.full((2, 1), np.nan)] * 2, [Outcome.CANCELLED] * 2, [Origin.MODEL] * 2))
    assert region.radius == 0.4


@pytest.mark.parametrize(("step", "radius"), [(0.3, 0.6), (0.15, 0.3), (0.001, 0.08)])
def test_after_progress_it_is_twice_the_step_that_helped(step: float, radius: float) -> None:
    region = begun()
    learn(region, told(9.0, 0.5 + step))
    assert region.radius == pytest.approx(radius)


@pytest.mark.parametrize(("rows", "factor"), [(8, 0.5), (4, 0.5), (2, 0.5**0.5), (1, 0.5**0.25)])
def test_without_progress_it_shrinks_by_half_for_four_proposals(rows: int, factor: float) -> None:
    """One evaluation without progress, in batches of one, said as much as a batch of eight."""
    region = begun()
    learn(region, told(11.0, 0.6, rows=rows))
    assert region.radius == pytest.approx(0.4 * factor)


def test_a_narrow_box_in_which_proposals_gain_nothing_is_exhausted() -> None:
    region = begun()
    exhausted = []
    for _ in range(5):
        learn(region, told(11.0, 0.6))
        exhausted.append(region.exhausted)
    assert region.radius == pytest.approx(0.4 / 2**5)
    assert exhausted == [False] * 4 + [True]


@pytest.mark.parametrize(("gain", "exhausted"), [(0.002, True), (0.02, False)])
def test_many_small_gains_count_once_they_are_three_percent_together(gain: float, exhausted: bool) -> None:
    region, total = begun(), 10.0
    for _ in range(9):
        total *= 1 - gain
        learn(region, told(total, 0.5 + 1e-4 * total))
    assert region.exhausted is exhausted


def test_a_box_that_is_widened_is_tried_again() -> None:
    region = begun()
    for _ in range(5):
        learn(region, told(11.0, 0.6))
    region.widen()
    assert (region.radius, region.exhausted) == (0.4, False)
    assert region.best.tolist() == [0.5, 0.5]


def test_many_parameters_need_more_proposals_before_a_box_is_exhausted() -> None:
    region = Region(0.4)
    for origin in [Origin.SAMPLE, *[Origin.MODEL] * 5]:
        points, scores = np.full((4, 20), 0.5), np.full((4, 1), 10.0)
        learn(region, Told(points, scores, scores, [Outcome.OK] * 4, [origin] * 4))
    assert region.radius < 0.05 * 0.4
    assert not region.exhausted


def test_only_rows_that_count_are_learnt() -> None:
    region, block = begun(), told(1.0, 0.7)
    region.learn(block, [])
    assert region.radius == 0.4
    region.learn(block, [3])
    assert region.radius == pytest.approx(0.4)


def test_the_box_ends_at_the_faces_of_the_cube() -> None:
    low, high = Region(0.4).box(np.array([0.1, 0.5]), 0.5)
    assert low == pytest.approx([0.0, 0.3])
    assert high == pytest.approx([0.3, 0.7])
