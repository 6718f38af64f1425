"""Targets on traces against hnn-core's formulas, scipy and eFEL."""

from __future__ import annotations

from typing import Any

import efel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal, stats

from targets import Measurement, Recordings, TargetError, Trace, create_targets, measure

pytestmark = pytest.mark.reference


def of(trace: Trace, data: Trace | None = None, **options: Any) -> Measurement:
    given_data = {} if data is None else {"data": "rec"}
    spec = {"norm": 1.0, **given_data, **options}
    targets = create_targets([spec], data={} if data is None else {"rec": data})
    (found,) = measure(targets, Recordings(traces={"v": trace}))
    return found


def compared_by_hnn(
    simulated: tuple[np.ndarray, np.ndarray], measured: tuple[np.ndarray, np.ndarray], start: float, stop: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the two series that hnn-core compares, by what `hnn_core.dipole._rmse` does (hnn-core, BSD-3).

    The range is clipped to both; each series is taken from the sample nearest to its beginning up to, and without, the
    one nearest to its end; the longer one is then resampled to the length of the shorter.
    """
    start = max(start, measured[0][0], simulated[0][0])
    stop = min(stop, measured[0][-1], simulated[0][-1])
    cut = [
        values[np.argmin(np.abs(times - start)) : np.argmin(np.abs(times - stop))]
        for times, values in (simulated, measured)
    ]
    count = min(map(len, cut))
    one, other = (part if len(part) == count else signal.resample(part, count) for part in cut)
    return one, other


def series(seed: int, stop: float, step: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    times = np.arange(0, stop + step / 2, step)
    return times, 20 * np.sin(times / 15 + rng.uniform(0, 3)) + rng.normal(size=times.size).cumsum() / 5


LENGTHS = [
    pytest.param((170.0, 0.1), (173.0, 1.667), (0, 170), id="simulation finer and a little shorter, in a window"),
    pytest.param((200.0, 0.1), (173.33, 1.6666), None, id="simulation finer and longer"),
    pytest.param((180.0, 4.0), (173.33, 1.6666), None, id="simulation coarser and longer"),
    pytest.param((173.0, 1.0), (173.0, 1.0), None, id="the same times"),
    pytest.param((250.0, 0.5), (173.33, 1.6666), (70, 160), id="a window"),
    pytest.param((250.0, 5.0), (173.33, 1.6666), (71.3, 159.2), id="a window in coarser times"),
]


@pytest.mark.parametrize(("sim", "measured", "window"), LENGTHS)
def test_resampled_to_the_shorter_the_numbers_are_hnn_cores(
    sim: tuple[float, float], measured: tuple[float, float], window: tuple[float, float] | None
) -> None:
    one, other = series(1, *sim), series(2, *measured)
    cut = compared_by_hnn(one, other, *(window or (0.0, 1e9)))
    options = {"resample": "shorter", **({} if window is None else {"window": window})}
    traces = Trace(*one, "nAm"), Trace(*other, "nAm")
    rmse = of(*traces, **{"class": "TraceRMSE"}, **options).value
    # outputs have the precision of 32 bits
    assert rmse == pytest.approx(float(np.sqrt(((cut[0] - cut[1]) ** 2).mean())), rel=1e-6)
    correlation = of(*traces, **{"class": "TraceCorrelation"}, **options).value
    assert correlation == pytest.approx(float(np.corrcoef(*cut)[0, 1]), rel=1e-5)


@given(st.integers(0, 2**32 - 1))
def test_correlation_is_pearsons(seed: int) -> None:
    one, other = series(seed, 100, 1), series(seed + 1, 100, 1)
    found = of(Trace(*one), Trace(*other), **{"class": "TraceCorrelation"}).value
    assert found == pytest.approx(float(stats.pearsonr(one[1], other[1]).statistic), abs=1e-5)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.25, 1.0]))
def test_relative_power_is_that_of_scipys_periodogram(seed: int, step: float) -> None:
    """As `maximize_psd` of hnn-core computes it."""
    trace = series(seed, 300, step)
    frequencies, density = signal.periodogram(trace[1], 1000 / step, window="hamming")
    bands, weights = [(9, 14), (15, 30)], [1.0, 2.0]
    power = [density[(frequencies >= low) & (frequencies <= high)].sum() for low, high in bands]
    options = {"class": "BandPower", "bands": bands, "band_weights": weights, "target_value": 1}
    assert of(Trace(*trace), **options).value == pytest.approx(np.dot(weights, power) / density.sum(), rel=1e-9)


def spiking() -> Trace:
    """Return a potential with spikes of 2 ms from 100 ms on, at growing intervals."""
    times = np.arange(0, 500, 0.1)
    v = np.full(times.size, -70.0) + 8 * ((times > 100) & (times < 400))
    for at in (120, 145, 180, 230, 300):
        v += 95 * np.exp(-(((times - at) / 0.6) ** 2)) - 9 * np.exp(-(((times - at - 4) / 3) ** 2))
    return Trace(times, v, "mV")


FEATURES = ["spike_count", "time_to_first_spike", "AP_amplitude", "AHP_depth_abs", "voltage_base", "ISI_CV"]


@pytest.mark.parametrize("feature", FEATURES)
def test_features_are_those_of_efel(feature: str) -> None:
    trace = spiking()
    efel.reset()
    as_efel_takes_it = {"T": trace.times, "V": trace.values, "stim_start": [100], "stim_end": [400]}
    (expected,) = efel.get_feature_values([as_efel_takes_it], [feature])
    options = {"class": "ElectrophysiologyFeature", "feature": feature, "stimulus": [100, 400], "target_value": 1}
    in_volts = Trace(trace.times / 1000, trace.values / 1000, "V", "s")
    for each in (trace, in_volts):
        assert of(each, **options).value == pytest.approx(float(np.mean(expected[feature])), rel=1e-6)
    last = of(trace, **options, element="last").value
    assert last == pytest.approx(float(expected[feature][-1]), rel=1e-9)


def test_a_feature_that_efel_does_not_find_or_does_not_have_says_so() -> None:
    silent = Trace(np.arange(0, 500, 0.1), np.full(5000, -70.0), "mV")
    options = {"class": "ElectrophysiologyFeature", "stimulus": [100, 400], "target_value": 1}
    found = of(silent, **options, feature="AP_amplitude")
    assert (found.reason, found.option) == ("eFEL finds no AP_amplitude in the trace", "")
    with pytest.raises(TargetError, match="eFEL has no 'AP_amplitud'; did you mean 'AP_amplitude'"):
        of(silent, **options, feature="AP_amplitud")
    assert "element 9: AP_amplitude has 5 values" in str(
        of(spiking(), **options, feature="AP_amplitude", element=9).reason
    )


def test_the_feature_of_measured_data_is_wanted() -> None:
    options = {"class": "ElectrophysiologyFeature", "feature": "spike_count", "stimulus": [100, 400]}
    (wanted,) = create_targets([{**options, "norm": 1, "data": "rec"}], data={"rec": spiking()})
    assert wanted.wanted_interval == (5, 5)
