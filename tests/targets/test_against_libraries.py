"""Spike trains and recordings against elephant and neo."""

from __future__ import annotations

from pathlib import Path

import neo
import numpy as np
import pytest
import quantities as pq
from elephant import spike_train_correlation, statistics
from elephant.conversion import BinnedSpikeTrain
from examples import at_least
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from targets import SpikeTrains
from targets.recordings.taking import as_recordings

pytestmark = [
    pytest.mark.reference,
    pytest.mark.filterwarnings("ignore:The 'copy' argument in Quantity"),  # elephant's
]

WINDOW = 1000.0
# on a grid, as a simulator's
PARTS = st.lists(hnp.arrays(np.int64, st.integers(0, 25), elements=st.integers(0, 10_000)), min_size=1, max_size=8).map(
    lambda parts: [np.sort(part) / 10 for part in parts]
)


def trains_of(parts: list[np.ndarray]) -> SpikeTrains:
    counts = np.array([len(part) for part in parts], np.int64)
    times = np.concatenate([*parts, np.empty(0)])
    return SpikeTrains.create(times, counts, np.arange(len(parts), dtype=np.int64) + 5, 0.0, WINDOW)


@at_least(50)
@given(PARTS)
def test_shapes_and_round_trip_through_neo(parts: list[np.ndarray]) -> None:
    trains = trains_of(parts)
    back = trains.to_neo()
    assert len(trains) == len(back) == len(parts)
    for part, train, number in zip(parts, back, trains.ids, strict=True):
        np.testing.assert_array_equal(train.magnitude, part)
        assert train.annotations["channel_id"] == number
        assert (float(train.t_start), float(train.t_stop)) == (0.0, WINDOW)


@given(PARTS)
def test_rates_and_intervals_equal_elephant(parts: list[np.ndarray]) -> None:
    trains = trains_of(parts)
    intervals = trains.intervals()
    for index, train in enumerate(trains.to_neo()):
        expected_rate = float(statistics.mean_firing_rate(train).rescale("Hz")) if len(train) else 0.0
        assert trains.rates()[index] == pytest.approx(expected_rate)
        isi = statistics.isi(train).magnitude
        assert intervals.number[index] == len(isi)
        if len(isi) and isi.mean() > 0:
            assert intervals.mean[index] == pytest.approx(isi.mean())
            assert intervals.cv[index] == pytest.approx(statistics.cv(isi), abs=1e-12)
        else:
            assert np.isnan(intervals.cv[index])


def test_mean_correlation_equals_elephant() -> None:
    rng = np.random.default_rng(1)
    common = rng.uniform(0, WINDOW, 20)
    parts = [np.sort(np.concatenate([common, rng.uniform(0, WINDOW, 30)])) for _ in range(30)]
    trains = trains_of(parts)
    binned = BinnedSpikeTrain(trains.to_neo(), bin_size=10 * pq.ms)
    matrix = spike_train_correlation.correlation_coefficient(binned)
    expected = matrix[np.triu_indices(30, 1)].mean()
    assert expected > 0.1
    assert trains.mean_correlation(10.0) == pytest.approx(expected, rel=1e-12)


def test_objects_of_neo_are_taken_as_they_are(tmp_path: Path) -> None:
    signal = neo.AnalogSignal(np.arange(6.0).reshape(3, 2), units="mV", sampling_rate=2 * pq.kHz, t_start=1 * pq.s)
    train = neo.SpikeTrain([0.5, 1.5] * pq.s, t_stop=2 * pq.s)
    found = as_recordings({"v": signal, "one": train, "two": [train, train[:1]]}, tmp_path)
    trace = found.traces["v"]
    np.testing.assert_allclose(trace.times, [1000, 1000.5, 1001], rtol=1e-14)
    assert trace.values.tolist() == [[0, 2, 4], [1, 3, 5]]
    assert trace.unit == "mV"
    assert found.events["one"].times.tolist() == [500, 1500]
    assert found.events["one"].labels.tolist() == ["", ""]
    assert found.events["two"].of("0").tolist() == [500, 1500]
    assert found.events["two"].of("1").tolist() == [500]
