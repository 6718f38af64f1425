"""Rate, irregularity, synchrony and conductances: MOZAIK's definitions, and what degenerate data has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stores import LAYOUTS, SPONTANEOUS, Store, poisson_trains

from targets import Datastore, Measurement, create_targets, measure

IDS = range(3, 103)
RNG = np.random.default_rng(5)
POSITIONS = RNG.uniform(-3, 3, (3, 100))
TRAINS = poisson_trains(IDS, 12, 2000, RNG)
REGULAR = np.arange(10.0, 2000.0, 100.0)
LONG = SPONTANEOUS | {"duration": 2000.0}


def value_of(name: str, store: Store | Path, **options: Any) -> Measurement:
    directory = store if isinstance(store, Path) else store.write()
    target_value = [0, 1] if name == "SpontActivityTarget" else 1
    spec = {"class": name, "sheet_name": "A", "target_value": target_value, "norm": 1}
    (found,) = measure(create_targets([spec | options]), Datastore(directory))
    assert (found.value is None) != (found.reason is None)
    return found


def store_of(
    directory: Path, *trials: Mapping[int, Any], layout: str = "0.1.0", ids: Any = IDS, **options: Any
) -> Store:
    store = Store(directory / "store", layout).sheet("A", ids, POSITIONS[:, : len(ids)])
    for trial, trains in enumerate(trials):
        store.segment("A", LONG | {"trial": trial}, trains, duration=2000.0, **options)
    return store


@pytest.mark.parametrize("layout", LAYOUTS)
def test_definitions(layout: str, tmp_path: Path) -> None:
    directory = store_of(tmp_path, TRAINS, layout=layout).write()
    rates = [len(train) / 2 for train in TRAINS.values()]
    assert value_of("SpontActivityTarget", directory).value == pytest.approx(np.mean(rates))

    cvs = [np.std(np.diff(train)) / np.mean(np.diff(train)) for train in TRAINS.values() if len(train) > 6]
    assert value_of("IrregularityTarget", directory).value == pytest.approx(np.mean(cvs))

    central = [
        np.histogram(train, 200, (0, 2000))[0]
        for train, (x, y, _) in zip(TRAINS.values(), POSITIONS.T, strict=True)
        if max(abs(x), abs(y)) <= 1.5 and len(train) > 6
    ]
    assert 10 < len(central) < 40
    matrix = np.corrcoef(central)
    expected = matrix[np.triu_indices(len(central), 1)].mean()
    assert value_of("SynchronyTarget", directory).value == pytest.approx(expected)


def test_ids_decide_on_positions_not_the_order_of_recording(tmp_path: Path) -> None:
    some = list(IDS)[::-3]
    together = np.sort(RNG.uniform(0, 2000, 40)).round(1)
    near = {i for i in some if np.abs(POSITIONS[:2, i - 3]).max() <= 1.5}
    assert 3 < len(near) < 20
    store = store_of(tmp_path, {i: together if i in near else TRAINS[i] for i in some})
    assert value_of("SynchronyTarget", store).value == pytest.approx(1.0)


def test_options(tmp_path: Path) -> None:
    together = REGULAR + 1
    trains = dict.fromkeys(IDS, together) | {3: np.array([1.0, 2.0, 4.0])}
    directory = store_of(tmp_path, trains).write()
    assert value_of("IrregularityTarget", directory).value == pytest.approx(0.0, abs=1e-12)
    expected = 0.5 / 1.5
    assert value_of("IrregularityTarget", directory, min_intervals=1).value == pytest.approx(expected / 100)
    assert value_of("SynchronyTarget", directory, bin=200.0).value == 0.0
    assert value_of("SynchronyTarget", directory, bin=50.0, window=6.0).value == pytest.approx(1.0)
    assert value_of("SynchronyTarget", directory, window=1e-6).value is None
    assert value_of("SpontActivityTarget", directory, duration=2000.0).value is not None
    assert "of 500 ms in sheet A" in str(value_of("SpontActivityTarget", directory, duration=500).reason)


def test_trials_are_averaged(tmp_path: Path) -> None:
    few, many = dict.fromkeys(IDS, REGULAR[:4]), dict.fromkeys(IDS, REGULAR)
    directory = store_of(tmp_path, few, many, TRAINS).write()
    rates = [2.0, 10.0, np.mean([len(train) / 2 for train in TRAINS.values()])]
    assert value_of("SpontActivityTarget", directory).value == pytest.approx(np.mean(rates))
    irregularity = [
        value_of("IrregularityTarget", store_of(tmp_path / str(i), t)).value for i, t in enumerate((many, TRAINS))
    ]
    assert value_of("IrregularityTarget", directory).value == pytest.approx(np.mean(irregularity))


def test_a_neuron_on_the_edge_of_the_square_is_in(tmp_path: Path) -> None:
    store = Store(tmp_path / "store").sheet("A", [1, 2, 3], [[1.5, -1.5, 1.6], [-1.5, 0, 0], [0, 0, 0]])
    store.segment("A", LONG, dict.fromkeys([1, 2], REGULAR) | {3: REGULAR[:8] + 20}, duration=2000.0)
    assert value_of("SynchronyTarget", store).value == pytest.approx(1.0)


@pytest.mark.parametrize("multiplexed", [False, True])
def test_silence_is_a_rate_of_0_and_has_no_other_value(multiplexed: bool, tmp_path: Path) -> None:
    silent = dict.fromkeys(IDS, np.array([]))
    directory = store_of(tmp_path, silent, multiplexed=multiplexed).write()
    assert value_of("SpontActivityTarget", directory) == Measurement(0.0, None)
    assert "more than 5 intervals" in str(value_of("IrregularityTarget", directory).reason)
    assert "there are 0" in str(value_of("SynchronyTarget", directory).reason)


@pytest.mark.parametrize(("spikes", "has_value"), [(6, False), (7, True)])
def test_a_train_needs_more_than_five_intervals(spikes: int, has_value: bool, tmp_path: Path) -> None:
    directory = store_of(tmp_path, dict.fromkeys(IDS, TRAINS[3][:spikes])).write()
    assert (value_of("IrregularityTarget", directory).value is not None) == has_value
    assert (value_of("SynchronyTarget", directory).value is not None) == has_value


def test_spikes_at_one_time_have_no_irregularity(tmp_path: Path) -> None:
    assert value_of("IrregularityTarget", store_of(tmp_path, dict.fromkeys(IDS, np.full(20, 5.0)))).value is None


def test_one_train_has_no_synchrony(tmp_path: Path) -> None:
    store = Store(tmp_path / "store").sheet("A", [1]).segment("A", LONG, {1: REGULAR}, duration=2000.0)
    assert "two recorded neurons" in str(value_of("SynchronyTarget", store).reason)
    quiet = store_of(tmp_path / "quiet", {**dict.fromkeys(IDS, TRAINS[3][:2]), IDS[0]: REGULAR})
    assert "two trains" in str(value_of("SynchronyTarget", quiet).reason)
    assert "two bins" in str(value_of("SynchronyTarget", store_of(tmp_path / "other", TRAINS), bin=1500.0).reason)


def test_no_spontaneous_activity(tmp_path: Path) -> None:
    store = Store(tmp_path / "store").sheet("A", IDS)
    store.segment("A", LONG | {"direct_stimulation_name": "Kick"}, TRAINS, duration=2000.0)
    for name in ("SpontActivityTarget", "IrregularityTarget", "SynchronyTarget", "ConductanceRatio"):
        assert value_of(name, store).reason == "no recording of spontaneous activity in sheet A"


def test_no_spikes_recorded(tmp_path: Path) -> None:
    store = store_of(tmp_path, {}, signals={"gsyn_exc": np.ones((5, 2)), "gsyn_inh": np.ones((5, 2)) * 3})
    assert "record spikes of A" in str(value_of("SpontActivityTarget", store).reason)
    assert value_of("ConductanceRatio", store).value == 3.0


@pytest.mark.parametrize("names", [("gsyn_exc", "gsyn_inh"), ("g_ex", "g_in")])
@pytest.mark.parametrize("units", ["uS", "nS"])
def test_conductance_ratio(names: tuple[str, str], units: str, tmp_path: Path) -> None:
    excitatory, inhibitory = RNG.uniform(0, 1, (2, 50, 7))
    signals = {"v": np.full((50, 7), -65.0), names[0]: excitatory, names[1]: inhibitory}
    directory = store_of(tmp_path, TRAINS, signals=signals, units=units).write()
    assert value_of("ConductanceRatio", directory).value == pytest.approx(inhibitory.mean() / excitatory.mean())
    options = {"excitatory_signal": names[1], "inhibitory_signal": names[0]}
    swapped = value_of("ConductanceRatio", directory, **options)
    assert swapped.value == pytest.approx(excitatory.mean() / inhibitory.mean())


@pytest.mark.parametrize(
    ("signals", "units", "reason"),
    [
        ({"gsyn_exc": np.zeros((5, 2)), "gsyn_inh": np.ones((5, 2))}, "uS", "excitatory conductance is 0"),
        ({"gsyn_exc": np.zeros((5, 2)), "gsyn_inh": np.zeros((5, 2))}, "uS", "excitatory conductance is 0"),
        ({"gsyn_exc": np.zeros((5, 0)), "gsyn_inh": np.ones((5, 2))}, "uS", "no signal gsyn_exc or g_ex"),
        ({"gsyn_exc": np.zeros((0, 2)), "gsyn_inh": np.ones((5, 2))}, "uS", "the value is nan"),
        ({"gsyn_exc": np.full((5, 2), np.nan), "gsyn_inh": np.ones((5, 2))}, "uS", "the value is nan"),
        ({"gsyn_exc": np.ones((5, 2)), "gsyn_inh": np.ones((5, 2))}, "mV", "is a voltage, not a conductance"),
        ({"gsyn_exc": np.ones((5, 2)), "gsyn_inh": np.ones((5, 2))}, "1/ohm", "can't be read: the unit"),
        (
            {"gsyn_exc": np.ones((5, 2)), "v": np.ones((5, 2))},
            "uS",
            "gsyn_inh or g_in of sheet A was recorded; signals: gsyn_exc, v",
        ),
        ({}, "uS", "signals: none"),
    ],
)
def test_no_conductance_ratio(signals: dict[str, Any], units: str, reason: str, tmp_path: Path) -> None:
    directory = store_of(tmp_path, TRAINS, signals=signals, units=units).write()
    assert reason in str(value_of("ConductanceRatio", directory).reason)
    assert value_of("SpontActivityTarget", directory).value is not None


@pytest.mark.parametrize(("duration", "n_bins"), [(504.0, 50), (1001.0, 100), (2007.0, 201), (1505.0, 150)])
def test_the_bins_of_synchrony_are_equal_and_fill_a_recording_of_whatever_length(
    duration: float, n_bins: int, tmp_path: Path
) -> None:
    """mozaik's durations are multiples of 7 ms; without the tail 0.0726 became 0.0810."""
    rng = np.random.default_rng(9)
    common = rng.uniform(0, duration, 20)
    trains = {
        i: np.sort(np.concatenate([train, common])).round(1)
        for i, train in poisson_trains(range(30), 12, duration, rng).items()
    }
    store = Store(tmp_path / "store").sheet("A", range(30), rng.uniform(-1, 1, (3, 30)))
    store.segment("A", SPONTANEOUS | {"duration": duration}, trains, duration=duration)
    # spikes stand on a grid of 0.1 ms; one on the edge of a bin belongs to the bin that begins there
    counts = [np.histogram(train + 1e-6, n_bins, (0, duration))[0] for train in trains.values()]
    expected = np.corrcoef(counts)[np.triu_indices(30, 1)].mean()
    assert value_of("SynchronyTarget", store).value == pytest.approx(expected, rel=1e-9)


def test_spikes_of_the_last_milliseconds_count_for_synchrony(tmp_path: Path) -> None:
    """In 504 ms there are 50 bins of 10.08 ms. Two trains share all bins but one of seven, the last."""
    shared = np.array([5.0, 105.0, 205.0, 305.0, 355.0, 405.0])
    store = Store(tmp_path / "store").sheet("A", [1, 2], [[0, 0], [0, 0], [0, 0]])
    trains = {1: np.append(shared, 501.0), 2: np.append(shared, 455.0)}
    store.segment("A", SPONTANEOUS | {"duration": 504.0}, trains, duration=504.0)
    # 7 of 50 bins have a spike, 6 of them in both trains: (6/50 - 0.14^2) / (0.14 - 0.14^2)
    expected = (6 / 50 - 0.14**2) / (0.14 - 0.14**2)
    assert value_of("SynchronyTarget", store).value == pytest.approx(expected)
