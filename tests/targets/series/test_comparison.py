"""Traces against measured ones: units, windows, weights, fitted scale and shift, sweeps and trials."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets import Events, Measurement, NoValue, Recordings, Target, TargetError, Trace, create_targets, measure
from targets.numbers import as_outputs
from targets.recordings.file import averaged
from targets.series import TraceRMSE

TIMES = np.linspace(0.0, 50.0, 101)
RNG = np.random.default_rng(3)
DATA = Trace(TIMES, np.sin(TIMES / 7) + 0.1 * RNG.normal(size=101), "mV")


def target(data: Mapping[str, Trace | Events] | None = None, /, **options: Any) -> Target:
    spec = {"class": "TraceRMSE", "trace": "v", "data": "rec", "norm": 1.0, **options}
    (made,) = create_targets([spec], data={"rec": DATA} if data is None else data)
    return made


def of(trace: Trace, made: Target) -> Measurement:
    (found,) = measure([made], Recordings(traces={"v": trace}))
    return found


def rms(difference: np.ndarray, weights: np.ndarray | None = None) -> float:
    return float(np.sqrt(np.average(difference**2, weights=weights)))


def test_a_simulation_with_other_times_is_interpolated_linearly_at_those_of_the_data() -> None:
    times = np.arange(-3.0, 60.0, 0.3)
    values = np.cos(times / 5)
    expected = rms(np.interp(TIMES, times, values) - DATA.values)
    assert of(Trace(times, values, "mV"), target()).value == pytest.approx(expected, rel=1e-6)


def test_at_the_times_of_the_simulation_the_data_are_interpolated() -> None:
    times = np.linspace(0.0, 50.0, 41)
    values = np.cos(times / 5)
    expected = rms(values - np.interp(times, TIMES, DATA.values))
    made = target(resample="simulation")
    assert of(Trace(times, values, "mV"), made).value == pytest.approx(expected, rel=1e-6)
    assert len(of(Trace(times, values, "mV"), made).outputs) == 41


def test_volts_and_seconds_are_compared_with_millivolts_and_milliseconds() -> None:
    in_volts = Trace(TIMES / 1000, DATA.values / 1000, "V", "s")
    assert of(in_volts, target()).value == pytest.approx(0, abs=1e-7)
    assert target().unit == "mV"
    in_seconds = Trace(TIMES / 1000, DATA.values, "mV", "s")
    assert of(DATA, target({"rec": in_seconds}, window=[10, 20])).value == pytest.approx(0, abs=1e-7)


def test_a_simulation_that_ends_a_step_before_the_data_holds_its_last_sample() -> None:
    (rmse,) = create_targets([{"class": "TraceRMSE", "trace": "v", "data": "v", "norm": 1}], data={"v": DATA})
    step = float(TIMES[1] - TIMES[0])
    shorter = Trace(TIMES[:-1], DATA.values[:-1], "mV")
    expected = (DATA.values[-2] - DATA.values[-1]) ** 2 / len(TIMES)
    assert rmse.measured(Recordings(traces={"v": shorter})) ** 2 == pytest.approx(expected, rel=1e-5)
    late = Trace(TIMES[2:], DATA.values[2:], "mV")
    assert late.times[0] - TIMES[0] == pytest.approx(2 * step)
    with pytest.raises(NoValue, match="expected times that the trace has"):
        rmse.measured(Recordings(traces={"v": late}))


def test_a_window_whose_edges_the_simulations_times_do_not_meet_is_covered() -> None:
    """The simulation was cut at the window as well, and ended before the first sample of the data there."""
    times = np.arange(0.0, 50.1, 0.7)
    values = np.sin(times / 7)
    inside = (TIMES >= 9.8) & (TIMES <= 31.2)
    expected = rms(np.interp(TIMES[inside], times, values) - DATA.values[inside])
    assert of(Trace(times, values, "mV"), target(window=[9.8, 31.2])).value == pytest.approx(expected, rel=1e-6)


def test_times_that_were_converted_are_still_in_the_window() -> None:
    """0.0049 s is 4.8999999999999995 ms, and 0.0082 s is 8.200000000000001 ms."""
    in_seconds = Trace([0, 0.0049, 0.0082], [0, 2, 3], time_unit="s")
    in_milliseconds = Trace([0, 4.9, 8.2], [0, 2, 3])
    for data, simulated in ((in_milliseconds, in_seconds), (in_seconds, in_milliseconds)):
        assert of(simulated, target({"rec": data}, window=[4.9, 8.2])).value == 0
        assert of(simulated, target({"rec": data})).value == 0
    assert of(in_seconds, target({"rec": Trace([0, 4.9, 8.2], [9, 2, 3])}, window=[4.9, 8.2])).value == 0


def test_weights_count_more_or_less() -> None:
    values = np.zeros(101)
    weights = np.where((TIMES >= 10) & (TIMES <= 20), 5.0, 1.0)
    made = target(weights=[[10, 20, 5]])
    assert of(Trace(TIMES, values, "mV"), made).value == pytest.approx(rms(DATA.values, weights), rel=1e-6)


@given(st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from([0.0, 2.5]), st.sampled_from([1.0, -0.4, 3.0]))
def test_fitted_scale_and_shift_are_those_of_least_squares(
    seed: int, weighted: bool, shift: float, scale: float
) -> None:
    rng = np.random.default_rng(seed)
    row = rng.normal(size=101)
    noisy = {"rec": Trace(TIMES, 2 * row + 0.3 * rng.normal(size=101) - 1, "mV")}
    weights = np.where(TIMES <= 20, 3.0, 1.0) if weighted else np.ones(101)
    given_weights = {"weights": [[0, 20, 3]]} if weighted else {}
    root = np.sqrt(weights)[:, None]
    measured, ones = noisy["rec"].values, np.ones(101)

    def best(*columns: np.ndarray, rest: np.ndarray) -> float:
        matrix = np.column_stack(columns)
        solution = np.linalg.lstsq(root * matrix, root[:, 0] * rest, rcond=None)[0]
        return rms(matrix @ solution - rest, weights)

    def found(**options: Any) -> float | None:
        return of(Trace(TIMES, row, "mV"), target(noisy, **given_weights, **options)).value

    assert found(scale="fit", shift="fit") == pytest.approx(best(row, ones, rest=measured), rel=1e-5)
    assert found(scale="fit", shift=shift) == pytest.approx(best(row, rest=measured - shift), rel=1e-5)
    assert found(scale=scale, shift="fit") == pytest.approx(best(ones, rest=measured - scale * row), rel=1e-5)
    assert found(scale=scale, shift=shift) == pytest.approx(rms(scale * row + shift - measured, weights), rel=1e-5)


def test_a_fitted_shift_stays_in_its_limits_and_a_fitted_scale_is_not_negative() -> None:
    row = np.linspace(-1, 1, 101)
    data = {"rec": Trace(TIMES, 3 * row + 10)}
    limited = target(data, scale="fit", shift="fit", shift_limits=[-2, 4])
    factor = (row @ (data["rec"].values - 4)) / (row @ row)
    assert of(Trace(TIMES, row), limited).value == pytest.approx(rms(factor * row + 4 - data["rec"].values), rel=1e-6)
    turned = target(data, scale="fit", shift="fit")
    assert of(Trace(TIMES, -row), turned).value == pytest.approx(rms(10 - data["rec"].values), rel=1e-6)


@pytest.mark.parametrize("resample", ["data", "simulation"])
@pytest.mark.parametrize("options", [{}, {"scale": "fit", "shift": "fit"}, {"weights": [[10, 20, 5]]}])
def test_residuals_have_the_distance_as_their_norm(resample: str, options: dict[str, Any]) -> None:
    made = target(resample=resample, **options)
    outputs = as_outputs(made.outputs(Recordings(traces={"v": Trace(TIMES, np.cos(TIMES), "mV")})))
    assert outputs is not None
    residuals = made.residuals(outputs)
    assert residuals is not None
    assert np.linalg.norm(residuals) == pytest.approx(made.distance(made.value(outputs)), rel=1e-12)
    assert target(target_value=0.5).residuals(outputs) is None


@pytest.mark.parametrize("resample", ["data", "simulation", "shorter"])
@pytest.mark.parametrize("options", [{}, {"smooth": 2.0}, {"weights": [[10, 20, 5]]}])
def test_residuals_are_differences_from_data_times_factors(resample: str, options: dict[str, Any]) -> None:
    made = target(resample=resample, **options)
    assert isinstance(made, TraceRMSE)
    simulated = Trace(TIMES[::2], np.cos(TIMES[::2]), "mV")
    outputs = as_outputs(made.outputs(Recordings(traces={"v": simulated})))
    assert outputs is not None
    ((row, measured, _),) = made.compared(outputs)
    known = made.differences_from(len(outputs))
    assert known is not None
    (times, values), factors = known
    np.testing.assert_allclose(made.residuals(outputs), factors * (row - values))
    np.testing.assert_array_equal(values, measured)
    assert (times[0], times[-1]) == pytest.approx((0, 50), abs=1.5)


def test_correlation_is_numpys_and_weighted() -> None:
    other = np.cos(TIMES / 9)
    made = target(**{"class": "TraceCorrelation"})
    assert of(Trace(TIMES, other, "V"), made).value == pytest.approx(np.corrcoef(other, DATA.values)[0, 1], rel=1e-5)
    assert made.unit == ""
    weights = np.where(TIMES <= 20, 3.0, 1.0)
    covariance = np.cov(other, DATA.values, aweights=weights)
    expected = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    weighted = target(**{"class": "TraceCorrelation", "weights": [[0, 20, 3]]})
    assert of(Trace(TIMES, other, "mV"), weighted).value == pytest.approx(expected, rel=1e-5)
    for constant in (0.0, 1.0, -70.3):
        flat = of(Trace(TIMES, np.full(101, constant), "mV"), made)
        assert flat.reason == "one of the two traces is constant"


def test_each_of_several_sweeps_has_a_value_of_its_own() -> None:
    data = {"rec": Trace(TIMES, [DATA.values, DATA.values + 1, DATA.values + 2])}
    spec = {"class": "TraceRMSE", "trace": "v", "data": "rec", "norm": 1.0, "sweeps": [0, 2]}
    both = create_targets([spec, {**spec, "sweeps": [1], "name": "mine"}], data=data)
    assert [each.label for each in both] == ["TraceRMSE(v)[0]", "TraceRMSE(v)[2]", "mine[1]"]
    assert [each.entry for each in both] == [0, 0, 1]
    found = measure(both, Recordings(traces={"v": Trace(TIMES, [DATA.values] * 3)}))
    assert [each.value for each in found] == pytest.approx([0, 2, 1], abs=1e-6)


def test_without_sweeps_the_mean_of_all_rows_is_compared() -> None:
    made = target({"rec": Trace(TIMES, [DATA.values - 1, DATA.values + 1], "mV")})
    assert of(Trace(TIMES, [DATA.values, DATA.values + 1], "mV"), made).value == pytest.approx(0.5, rel=1e-6)


def test_over_trials_recordings_or_values_are_averaged() -> None:
    trials = [Recordings(traces={"v": Trace(TIMES, DATA.values + up, "mV")}) for up in (-1, 3)]
    recordings = averaged(trials, Path())
    (mean,) = measure([target()], recordings)
    assert mean.value == pytest.approx(1.0, rel=1e-6)
    assert len(mean.outputs) == 101
    (values,) = measure([target(average="values")], recordings)
    assert values.value == pytest.approx(2.0, rel=1e-6)
    assert len(values.outputs) == 202
    assert mean.deviation == values.deviation == pytest.approx(np.std([1, 3], ddof=1), rel=1e-6)
    assert measure([target()], trials[0])[0].deviation is None


UNMEASURABLE: list[tuple[dict[str, Any], Trace, str, str]] = [
    ({"trace": "w"}, DATA, "trace", "trace: the simulation left no trace 'w'; it left: v"),
    ({}, Trace(TIMES, DATA.values, "nA"), "trace", "trace: v: expected a unit that converts to mV, got nA"),
    ({}, Trace(TIMES[:50], DATA.values[:50], "mV"), "window", "times that the trace has, [0, 24.5] ms, the data have"),
    ({"window": [30, 40]}, Trace(TIMES[:50], DATA.values[:50], "mV"), "window", "which has [0, 24.5] ms, got (30"),
    ({"resample": "shorter"}, Trace(TIMES[:50], DATA.values[:50], "mV"), "window", "[0, 24.5] ms, got [0, 50] ms"),
]


@pytest.mark.parametrize(("options", "trace", "option", "reason"), UNMEASURABLE)
def test_what_no_parameter_changes_names_the_option(
    options: dict[str, Any], trace: Trace, option: str, reason: str
) -> None:
    found = of(trace, target(**options))
    assert found.value is None
    assert found.option == option
    assert reason in str(found.reason)


def test_samples_that_are_missing_are_of_this_simulation_alone() -> None:
    values = DATA.values.copy()
    values[3] = np.nan
    found = of(Trace(TIMES, values, "mV"), target())
    assert (found.option, found.reason) == ("", "samples are missing in the window")
    assert of(Trace(TIMES, values, "mV"), target(window=[5, 50])).value == pytest.approx(0, abs=1e-7)


HOLES = Trace(TIMES, np.where(TIMES == 10, np.nan, DATA.values), "mV")
REFUSED: list[tuple[dict[str, Any], Any, str, str]] = [
    ({"data": "reck"}, DATA, "data", r"the section data has no 'reck'; did you mean 'rec'\?; it has: rec"),
    ({}, Events([1]), "data", "expected a trace, 'rec' in the section data are events"),
    ({"window": [0, 60]}, DATA, "window", r"expected times that 'rec' has, \[0, 50\] ms, got \[0, 60\]"),
    ({"weights": [[50.2, 70, 2]]}, DATA, "weights", r"has none in \[50.2, 70\] ms"),
    ({"sweeps": [0, 1]}, DATA, "sweeps", r"expected sweeps below 1, which 'rec' has, got \[1\]"),
    ({}, HOLES, "data", "'rec' does not suit it: samples are missing in the window"),
    ({"window": [40, 10]}, DATA, "window", "expected .from, to. with from < to"),
    ({"sweeps": [1, 1]}, DATA, "sweeps", "expected each sweep once"),
    ({"class": "TraceCorrelation"}, Trace(TIMES, np.ones(101)), "data", "'rec' does not suit it: it is constant"),
]


@pytest.mark.parametrize(("options", "data", "option", "message"), REFUSED)
def test_what_does_not_suit_is_refused_with_the_option(
    options: dict[str, Any], data: Trace | Events, option: str, message: str
) -> None:
    with pytest.raises(TargetError, match=message) as caught:
        target({"rec": data}, **options)
    assert [each.loc for each in caught.value.problems] == [(0, option)]


def test_holes_outside_of_the_window_do_not_matter() -> None:
    assert of(DATA, target({"rec": HOLES}, window=[20, 40])).value == pytest.approx(0, abs=1e-7)
