"""Statistics of spike trains against closed forms and loops; `test_against_libraries` compares them with elephant."""

from __future__ import annotations

import numpy as np
import pytest
from examples import at_least
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from targets import SpikeTrains

WINDOW = 1000.0


def trains_of(parts: list[np.ndarray], t_start: float = 0.0, t_stop: float = WINDOW) -> SpikeTrains:
    counts = np.array([len(part) for part in parts], np.int64)
    times = np.concatenate([*parts, np.empty(0)])
    return SpikeTrains.create(times, counts, np.arange(len(parts), dtype=np.int64) + 5, t_start, t_stop)


# On a grid, as a simulator's, that holds the edges of bins and of the window.
PARTS = st.lists(hnp.arrays(np.int64, st.integers(0, 25), elements=st.integers(0, 10_000)), min_size=1, max_size=8).map(
    lambda parts: [np.sort(part) / 10 for part in parts]
)


@at_least(50)
@given(PARTS, st.sampled_from([5.0, 10.0, 30.0, 250.0, 1000.0, 2000.0]))
def test_binned_counts_equal_numpys_histogram(parts: list[np.ndarray], width: float) -> None:
    trains = trains_of(parts)
    n_bins = int(WINDOW // width)
    counts = trains.binned_counts(width)
    assert counts.shape == (len(parts), n_bins)
    for row, part in zip(counts, parts, strict=True):
        expected = np.histogram(part, n_bins, (0, n_bins * width))[0] if n_bins else []
        np.testing.assert_array_equal(row, expected)
    if n_bins:
        np.testing.assert_allclose(trains.psth(width), counts.mean(axis=0) * 1000 / width)


@pytest.mark.parametrize("t_start", [0.0, 100.0, 0.1])
@pytest.mark.parametrize("step", [0.1, 0.05, 0.025])
def test_spikes_on_an_edge_belong_to_the_bin_that_begins_there(t_start: float, step: float) -> None:
    """Multiples of the time step are not exact: 3 * 0.1 is above 0.3."""
    grid = t_start + np.arange(round(300 / step)) * step
    counts = trains_of([grid], t_start, t_start + 300.0).binned_counts(10.0)
    assert set(counts[0]) == {round(10 / step)}


@given(PARTS, st.sampled_from([10.0, 30.0, 500.0]))
def test_mean_correlation_equals_the_mean_of_the_matrix(parts: list[np.ndarray], width: float) -> None:
    trains = trains_of(parts)
    counts = trains.binned_counts(width)
    with np.errstate(invalid="ignore", divide="ignore"):
        matrix = np.nan_to_num(np.atleast_2d(np.corrcoef(counts)))
    # np.corrcoef leaves rounding noise of constant rows that aren't 0; they are constant all the same.
    constant = np.ptp(counts, axis=1) == 0
    matrix[constant] = matrix[:, constant] = 0
    if len(parts) < 2:
        assert np.isnan(trains.mean_correlation(width))
    else:
        expected = matrix[np.triu_indices(len(parts), 1)].mean()
        assert trains.mean_correlation(width) == pytest.approx(expected, abs=1e-12)


def test_correlations_of_known_trains() -> None:
    one = np.array([5.0, 25.0, 45.0])
    other = np.array([15.0, 35.0, 55.0])
    assert trains_of([one, one, one], t_stop=60.0).mean_correlation(10.0) == pytest.approx(1.0)
    assert trains_of([one, other], t_stop=60.0).mean_correlation(10.0) == pytest.approx(-1.0)
    silent, regular = np.array([]), np.arange(5.0, 60.0, 10.0)
    assert trains_of([one, one, silent], t_stop=60.0).mean_correlation(10.0) == pytest.approx(1 / 3)
    assert trains_of([one, one, regular], t_stop=60.0).mean_correlation(10.0) == pytest.approx(1 / 3)
    assert trains_of([silent, regular, silent], t_stop=60.0).mean_correlation(10.0) == 0.0


def test_a_poisson_train_has_a_cv_of_1_and_a_regular_one_of_0() -> None:
    rng = np.random.default_rng(2)
    poisson = np.cumsum(rng.exponential(10.0, 100_000))
    trains = trains_of([poisson, np.arange(0.0, 1e6, 10.0)], t_stop=float(poisson[-1]) + 1e4)
    np.testing.assert_allclose(trains.intervals().cv, [1.0, 0.0], atol=0.01)
    np.testing.assert_allclose(trains.intervals().mean, [10.0, 10.0], rtol=0.01)


def test_select_keeps_the_chosen_trains() -> None:
    trains = trains_of([np.array([1.0, 2.0]), np.array([]), np.array([3.0]), np.array([4.0, 5.0])])
    chosen = trains.select(np.array([False, True, True, True]))
    assert chosen.ids.tolist() == [6, 7, 8]
    assert chosen.counts().tolist() == [0, 1, 2]
    assert chosen.times.tolist() == [3.0, 4.0, 5.0]


def test_unsorted_trains_are_sorted() -> None:
    trains = trains_of([np.array([5.0, 1.0, 3.0]), np.array([9.0, 2.0])])
    assert trains.times.tolist() == [1.0, 3.0, 5.0, 2.0, 9.0]


@pytest.mark.parametrize(
    ("times", "counts", "ids", "window", "message"),
    [
        ([1.0], [2], [1], (0, 10), "1 spike times"),
        ([1.0], [1], [1, 2], (0, 10), "spike times"),
        ([1.0], [1], [1], (10, 10), "window is empty"),
        ([1.0], [1], [1], (10, 0), "window is empty"),
        ([1.0], [1], [1], (0, np.nan), "window is empty"),
        ([1.0, 2.0], [1, 1], [1, 1], (0, 10), "same neuron"),
        ([11.0], [1], [1], (0, 10), "outside"),
        ([-1.0], [1], [1], (0, 10), "outside"),
        ([np.nan], [1], [1], (0, 10), "outside"),
    ],
)
def test_impossible_trains_are_refused(
    times: list[float], counts: list[int], ids: list[int], window: tuple[float, float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        SpikeTrains.create(np.array(times), np.array(counts), np.array(ids), *window)


def test_no_spikes_at_all() -> None:
    trains = trains_of([np.array([]), np.array([])])
    assert trains.rates().tolist() == [0.0, 0.0]
    assert np.isnan(trains.intervals().cv).all()
    assert trains.mean_correlation(10.0) == 0.0
    assert trains.psth(10.0).tolist() == [0.0] * 100
