"""Analog signals over time, and what else of a datastore figures need besides the values of targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import neo
import numpy as np
import pytest
import quantities as pq
from stores import LAYOUTS, SPONTANEOUS, Store, poisson_trains

from targets import Datastore, DatastoreError, IrregularityTarget, SpikeTrains, SynchronyTarget

VALUES = np.arange(12.0).reshape(6, 2)


def datastore_of(path: Path, *signals: neo.AnalogSignal) -> Datastore:
    segment = neo.Segment()
    segment.analogsignals.extend(signals)
    return Datastore(Store(path / "store").sheet("A", [1, 2]).add(segment, "A", SPONTANEOUS).write())


@pytest.mark.parametrize(
    ("sampling", "step"),
    [
        ({"sampling_rate": 10 * pq.kHz}, 0.1),
        ({"sampling_rate": 500 * pq.Hz}, 2.0),
        ({"sampling_rate": 4 / pq.ms}, 0.25),
        ({"sampling_period": 0.5 * pq.ms}, 0.5),
        ({"sampling_period": 0.007 * pq.s}, 7.0),
    ],
)
def test_times_whatever_says_the_sampling(sampling: dict[str, pq.Quantity], step: float, tmp_path: Path) -> None:
    store = datastore_of(tmp_path, neo.AnalogSignal(VALUES, units="uS", name="gsyn_exc", t_start=2 * pq.ms, **sampling))
    (trace,) = store.traces(store.segments()[0])
    assert (trace.name, trace.dimension, trace.t_start) == ("gsyn_exc", "conductance", 2.0)
    assert trace.step == pytest.approx(step)
    np.testing.assert_allclose(trace.times(), 2.0 + step * np.arange(6))
    np.testing.assert_array_equal(trace.values, VALUES)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_units_and_layouts(layout: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "store", layout).sheet("A", [1])
    store.segment("A", SPONTANEOUS, {1: [5.0]}, signals={"v": VALUES / 1000}, units="V")
    datastore = Datastore(store.write())
    (trace,) = datastore.traces(datastore.segments("A")[0])
    assert (trace.name, trace.dimension, trace.step) == ("v", "voltage", 1.0)
    np.testing.assert_allclose(trace.values, VALUES)
    (summary,) = datastore.segments("A")[0].signals()
    assert summary.mean == pytest.approx(trace.values.mean())


@pytest.mark.parametrize(
    ("annotations", "ids"),
    [
        ({"channel_ids": np.array([7, 3])}, [7, 3]),  # PyNN
        ({"source_ids": np.array([7, 3])}, [7, 3]),  # PyNN as mozaik knows it
        ({"array_annotations": {"channel_index": [0, 1]}}, []),
        ({"channel_ids": np.array([7])}, []),  # two locations of one neuron
        ({"channel_ids": "of whom?"}, []),
        ({"channel_ids": [2**70, 3]}, []),
    ],
)
def test_whose_the_columns_of_a_signal_are(annotations: dict[str, Any], ids: list[int], tmp_path: Path) -> None:
    signal = neo.AnalogSignal(VALUES, units="mV", name="v", sampling_rate=1 * pq.kHz, **annotations)
    store = datastore_of(tmp_path, signal)
    (trace,) = store.traces(store.segments()[0])
    assert trace.ids.tolist() == ids


def test_a_signal_that_cannot_be_read_costs_itself_only(tmp_path: Path) -> None:
    strange = neo.AnalogSignal(VALUES, units=pq.m, name="x", sampling_rate=1 * pq.kHz)
    empty = neo.AnalogSignal(np.zeros((0, 2)), units="mV", name="v", sampling_rate=1 * pq.kHz)
    good = neo.AnalogSignal(VALUES, units="nS", name="g_in", sampling_rate=1 * pq.kHz)
    store = datastore_of(tmp_path, strange, empty, good)
    (trace,) = store.traces(store.segments()[0])
    assert trace.name == "g_in"
    np.testing.assert_allclose(trace.values, VALUES / 1000)


def test_the_file_of_a_segment(tmp_path: Path) -> None:
    store = Datastore(Store(tmp_path / "store").sheet("A", [1]).segment("A", SPONTANEOUS, {1: []}).write())
    file = store.segment_file(store.segments()[0])
    assert file == tmp_path / "store" / "Segment0.pickle"
    file.unlink()
    for read in (store.segment_file, store.traces):
        with pytest.raises(DatastoreError, match="no such file"):
            read(store.segments()[0])


def test_correlations_of_all_pairs() -> None:
    rng = np.random.default_rng(3)
    parts = list(poisson_trains(range(12), 30, 1000, rng).values())
    parts += [parts[0] + 0.05, np.zeros(0), parts[1][:1]]
    counts = np.array([len(each) for each in parts])
    trains = SpikeTrains.create(np.concatenate(parts).clip(0, 1000), counts, np.arange(len(parts)), 0.0, 1000.0)
    with np.errstate(invalid="ignore"):
        matrix = np.nan_to_num(np.corrcoef(trains.binned_counts(10.0)))
    found = trains.correlations(10.0)
    np.testing.assert_allclose(found, matrix[np.triu_indices(len(parts), 1)], atol=1e-12)
    assert found.mean() == pytest.approx(trains.mean_correlation(10.0), abs=1e-12)
    assert found.max() > 0.9


def test_distributions_have_the_targets_values_as_their_means(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    store = Store(tmp_path / "store").sheet("A", range(30), rng.uniform(-1.6, 1.6, (3, 30)))
    store.segment("A", SPONTANEOUS, poisson_trains(range(30), 12, 1000, rng))
    datastore = Datastore(store.write())
    (segment,) = datastore.spontaneous("A")
    irregularity = IrregularityTarget(sheet_name="A", target_value=1, norm=1)
    assert irregularity.coefficients(segment).mean() == pytest.approx(irregularity.measured(datastore))
    synchrony = SynchronyTarget(sheet_name="A", target_value=0, norm=1)
    trains = synchrony.central_trains(datastore, segment)
    assert 2 < len(trains) < 30
    assert trains.correlations(synchrony.bin_of(trains)).mean() == pytest.approx(
        synchrony.measured(datastore), abs=1e-12
    )
