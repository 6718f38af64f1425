"""What ranks of known parameters say of the width of posteriors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import ndtr

from orchestrator.posterior.ranks import GRID, Ranks, Uniformity
from orchestrator.records import FloatArray


def of(ranks: FloatArray) -> Uniformity:
    return Uniformity("a", ranks, 0.05)


def normal(*shape: int) -> FloatArray:
    return np.random.default_rng(1).standard_normal(shape)


def test_uniform_ranks_leave_the_band_in_one_of_twenty_runs() -> None:
    low, high = of(normal(40, 1)).band
    differences = (np.random.default_rng(1).random((2000, 40, 1)) <= GRID).mean(axis=1) - GRID
    inside = ((differences >= low) & (differences <= high)).all(axis=1)
    assert inside.mean() == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(
    ("narrower", "higher", "verdict"),
    [
        (1.0, 0.0, "fine"),
        (2.0, 0.0, "too narrow"),
        (0.4, 0.0, "too wide"),
        (1.0, 0.8, "too high"),
        (1.0, -0.8, "too low"),
    ],
)
def test_posteriors_that_are_wrong_are_found_out(narrower: float, higher: float, verdict: str) -> None:
    found = of(ndtr(narrower * normal(80, 1) - higher))
    assert found.verdict == verdict
    assert found.spread == pytest.approx(narrower, rel=0.2)
    assert found.bias == pytest.approx(higher, abs=0.25)


def test_repeats_count_as_far_as_they_differ() -> None:
    alone = ndtr(normal(40, 1))
    assert of(alone).number == of(np.tile(alone, 5)).number == 40
    assert of(ndtr(normal(40, 5))).number == pytest.approx(200, rel=0.1)
    half_alike = ndtr(np.sqrt(0.5) * (normal(40, 1) + normal(41, 5)[1:]))
    assert of(half_alike).number == pytest.approx(200 / (1 + 4 * 0.5), rel=0.25)


def test_few_ranks_are_no_proof() -> None:
    assert of(ndtr(normal(12, 1))).verdict == "too few to tell"


def test_ranks_of_posteriors_that_are_as_wide_as_the_prior_test_nothing_unless_they_are_wrong() -> None:
    right = ndtr(normal(40, 1))
    verdicts = [[Uniformity("a", ranks, 0.05, width).verdict for width in (0.8, 0.99)] for ranks in (right, right**3)]
    assert verdicts == [["fine", "not tested"], ["too high", "too high"]]


def test_the_band_is_what_it_should_be_where_that_is_known() -> None:
    """Of one rank, which is from 0.025 to 0.975 in 95 of 100 cases."""
    low, high = of(np.array([[0.5]])).band
    np.testing.assert_allclose(low[3:-3], -GRID[3:-3])
    np.testing.assert_allclose(high[3:-3], 1 - GRID[3:-3])
    assert (low[-1], high[0]) == pytest.approx((1 - GRID[-1], -GRID[0]))


def test_of_many_parameters_each_may_leave_its_band_less_often() -> None:
    names = ("a", "b", "c", "d")
    found = Ranks(names, np.random.default_rng(1).random((40, 1, 4)))
    assert [each.name for each in found.parameters] == list(names)
    alone, together = of(found.ranks[..., 0]).band, found.parameters[0].band
    assert (together[0] <= alone[0]).all()
    assert (together[1] >= alone[1]).all()
    assert (together[1] > alone[1]).any()


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(3),
        np.zeros((2, 1, 3)),
        np.zeros((0, 1, 2)),
        np.full((1, 1, 2), np.nan),
        np.full((1, 1, 2), 2.0),
        np.zeros((20_001, 1, 2)),
    ],
)
def test_ranks_that_are_none_are_refused(array: npt.NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="unexpected ranks"):
        Ranks.of(("a", "b"), array)


@pytest.mark.parametrize("widths", [np.ones(3), np.array([0.5, np.nan]), np.array([0.5, -1.0])])
def test_widths_that_are_none_are_refused(widths: npt.NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="unexpected widths"):
        Ranks.of(("a", "b"), np.full((1, 1, 2), 0.5), widths)
