"""Spikes of membrane potentials: counts, times, widths and shapes against measured ones, and what silence is worth."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets import Measurement, Recordings, Target, TargetError, Trace, create_targets, measure
from targets.numbers import FloatArray
from targets.recordings.file import averaged
from targets.series import TraceRMSE
from targets.series.spikes import spikes_of
from targets.series.trace_target import TraceSamples

TIMES = np.arange(0.0, 100.0, 0.1)
OWN = ["SpikeTimes", "SpikeWidths", "SpikeShapes", "MeanSpike"]


def potential(*spikes: float, bump: float = -70.0, at: float = 50.0, width: float = 1.0) -> FloatArray:
    """Return a cell at -70 mV with spikes to 30 mV around some times, and a bump to some potential around another."""
    values = np.full(TIMES.size, -70.0)
    for each in spikes:
        values = np.maximum(values, -70 + 100 * np.exp(-(((TIMES - each) / width) ** 2)))
    return np.asarray(np.maximum(values, -70 + (bump + 70) * np.exp(-(((TIMES - at) / 5) ** 2))))


def v(*rows: FloatArray, unit: str = "mV") -> Trace:
    return Trace(TIMES, rows[0] if len(rows) == 1 else np.array(rows), unit)


def made(name: str, data: Trace | None = None, **options: Any) -> list[Target]:
    wanted = {} if data is not None or "target_value" in options else {"target_value": 0.0}
    spec = {"class": name, "norm": 1.0, "trace": "v", **wanted, **options}
    return create_targets([spec if data is None else {**spec, "data": "rec"}], data={"rec": data} if data else {})


def of(trace: Trace, name: str, data: Trace | None = None, **options: Any) -> Measurement:
    (found,) = measure(made(name, data, **options), Recordings(traces={"v": trace}))
    return found


def value(trace: Trace, name: str, data: Trace | None = None, **options: Any) -> float:
    found = of(trace, name, data, **options)
    assert found.value is not None, found.reason
    return found.value


def test_spikes_begin_and_end_where_lines_between_samples_cross_the_threshold() -> None:
    samples = TraceSamples(np.arange(8.0), np.array([-70.0, -40, 20, -60, -30, 0, -80, -50]))
    found = spikes_of(samples, -20)
    assert found.starts == pytest.approx([1 + 20 / 60, 4 + 10 / 30])
    assert found.ends == pytest.approx([2 + 40 / 80, 5 + 20 / 80])
    # from -80 mV it rises to -50 mV again
    assert (found.nearest, found.depth) == (7, 30)


@pytest.mark.parametrize(
    ("values", "starts", "ends", "depth"),
    [
        ([-70, -70, 10, 10], [1.625], [3.0], 0.0),  # lasts until the end
        ([10, 10, -70, -30], [], [], 0.0),  # had begun before
        ([10, -70, 10, -70], [1.625], [2.375], 50.0),
        ([-70, -60, -30, -65], [], [], 10.0),
    ],
)
def test_spikes_at_the_ends_of_a_trace(
    values: list[float], starts: list[float], ends: list[float], depth: float
) -> None:
    found = spikes_of(TraceSamples(np.arange(4.0), np.array(values, dtype=np.float64)), -20)
    assert (found.starts.tolist(), found.ends.tolist(), found.depth) == (starts, ends, depth)


@given(st.lists(st.floats(-90, 40), min_size=2, max_size=40), st.floats(-80, 30))
def test_spikes_follow_each_other_and_are_as_many_as_crossings(values: list[float], threshold: float) -> None:
    samples = TraceSamples(np.arange(float(len(values))), np.array(values))
    found = spikes_of(samples, threshold)
    above = samples.values > threshold
    assert found.starts.size == found.ends.size == np.count_nonzero(np.diff(above.astype(int)) == 1)
    order = np.stack([found.starts, found.ends], axis=1).ravel()
    assert (np.diff(order) >= 0).all()
    assert found.depth >= 0


def test_counts_in_the_whole_trace_during_a_stimulus_and_after_it() -> None:
    trace = v(potential(10, 30, 45, 80))
    assert value(trace, "SpikeCount") == 4
    assert value(trace, "SpikeCount", window=[20, 60]) == 2
    assert value(trace, "SpikeCount", window=[60, 100]) == 1
    assert value(trace, "SpikeCount", threshold=40) == pytest.approx(-0.1, abs=0.01)
    assert value(trace, "SpikeRate", window=[20, 60]) == pytest.approx(50)
    assert value(trace, "SpikeRate") == pytest.approx(1000 * 4 / (TIMES[-1] - TIMES[0]))


def test_a_silent_cell_is_the_nearer_to_a_spike_the_nearer_its_potential_is() -> None:
    """Counts alone are a plateau on which no optimiser finds out."""
    counts = [value(v(potential(bump=peak)), "SpikeCount") for peak in (-70, -60, -40, -21)]
    assert counts == pytest.approx([-0.5, -0.4, -0.2, -0.01])
    (wanted,) = made("SpikeCount", v(potential(10, 30)))
    distances = [wanted.distance(each) for each in counts]
    assert distances == pytest.approx([2.5, 2.4, 2.2, 2.01])
    assert distances[-1] > wanted.distance(1)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SpikeCount", {"data": v(potential(bump=-40))}),
        ("SpikeCount", {"target_value": 0}),
        ("SpikeRate", {"target_value": 0}),
        ("SpikeCountAtMost", {"target_value": 0}),
        ("SpikeCountRange", {"target_value": [0, 2]}),
    ],
)
def test_where_no_spikes_are_wanted_all_silent_cells_are_as_good(name: str, options: dict[str, Any]) -> None:
    (wanted,) = made(name, **options)
    assert [wanted.distance(value(v(potential(bump=peak)), name, **options)) for peak in (-70, -30)] == [0, 0]
    assert wanted.wanted_interval is not None
    assert wanted.wanted_interval[0] == -math.inf
    assert wanted.distance(3) > 0


@pytest.mark.parametrize("name", ["SpikeCount", "SpikeTimes", "SubthresholdRMSE", "PhasePlaneDensity"])
def test_without_the_data_at_hand_there_is_a_target_and_no_value(name: str) -> None:
    (target,) = create_targets([{"class": name, "trace": "v", "data": "rec", "norm": 1}])
    (found,) = measure([target], Recordings(traces={"v": v(potential(20))}))
    assert target.label == f"{name}(v)"
    assert target.wanted_interval is not None
    assert found.reason == (None if name == "SpikeCount" else "the data 'rec' are not at hand")


def test_at_least_some_spikes_leaves_silent_cells_graded() -> None:
    (wanted,) = made("SpikeCountAtLeast", target_value=1)
    assert wanted.distance(-0.4) > wanted.distance(-0.1) > wanted.distance(1) == 0


def test_a_curve_of_frequency_over_current_is_an_entry_with_sweeps() -> None:
    data = v(potential(), potential(20), potential(20, 40, 60))
    wanted = made("SpikeRate", data, sweeps=[0, 1, 2], window=[0, 90])
    assert [each.label for each in wanted] == [f"SpikeRate(v)[{n}]" for n in range(3)]
    simulated = Recordings(traces={"v": v(potential(20), potential(20), potential(bump=-30))})
    far = [each.distance(one.value or 0.0) for each, one in zip(wanted, measure(wanted, simulated), strict=True)]
    assert far == pytest.approx([1000 / 90, 0, (3 + 0.1) * 1000 / 90])


@pytest.mark.parametrize("name", OWN)
def test_a_trace_is_at_no_distance_from_itself_whatever_its_unit(name: str) -> None:
    trace = potential(10, 30, 70)
    assert value(v(trace), name, v(trace / 1000, unit="V")) == pytest.approx(0, abs=1e-4)
    assert made(name, v(trace))[0].unit == {"SpikeTimes": "ms", "SpikeWidths": "ms"}.get(name, "mV")


def test_times_of_spikes_differ_by_their_root_mean_square() -> None:
    data = v(potential(10, 30, 70))
    assert value(v(potential(12, 30, 71)), "SpikeTimes", data) == pytest.approx(math.sqrt((4 + 1) / 3), abs=1e-3)
    assert value(v(potential(12, 30, 71)), "SpikeTimes", data, spikes=2) == pytest.approx(math.sqrt(2), abs=1e-3)
    assert value(v(potential(10, 30, 70, 90)), "SpikeTimes", data) == pytest.approx(0, abs=1e-5)
    assert value(v(potential(30, 70)), "SpikeTimes", data, window=[20, 99]) == pytest.approx(0, abs=1e-5)


def test_a_missing_spike_is_one_after_the_end_and_later_for_each_mv_that_is_missing() -> None:
    data = v(potential(10, 30))
    start = spikes_of(TraceSamples(TIMES, potential(30)), -20).starts[0]
    expected = [(TIMES[-1] + depth - start) / math.sqrt(2) for depth in (50, 5)]
    found = [value(v(potential(10, bump=peak)), "SpikeTimes", data) for peak in (-70, -25)]
    assert found == pytest.approx(expected, rel=1e-4)


def test_the_width_of_a_spike_is_how_long_it_is_above_the_threshold() -> None:
    data = v(potential(20, 60))
    half = math.sqrt(math.log(2))  # at -20 mV, half of 100 mV
    assert value(v(potential(20, 60, width=2)), "SpikeWidths", data) == pytest.approx(2 * half, rel=0.02)
    assert value(v(potential(bump=-50)), "SpikeWidths", data) == pytest.approx(2 * half + 0.3, rel=0.02)


def test_shapes_are_compared_spike_by_spike_or_as_their_mean() -> None:
    first, second = (TIMES > 20) & (TIMES < 22), (TIMES > 60) & (TIMES < 62)
    data = v(np.where(first | second, 30.0, -70.0))
    simulated = v(np.where(first, 40.0, np.where(second, 20.0, -70.0)))
    around = {"before": 0, "after": 1.5}
    assert value(simulated, "SpikeShapes", data, **around) == pytest.approx(10, abs=0.5)
    assert value(simulated, "MeanSpike", data, **around) == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("name", OWN)
def test_silent_cells_are_worse_than_those_with_a_spike_and_the_worse_the_farther_they_are(name: str) -> None:
    data = v(potential(20, 60))
    cells = [potential(20, 60), potential(20, bump=-30), *(potential(bump=peak) for peak in (-25, -45, -70))]
    found = [value(v(each), name, data) for each in cells]
    assert found == sorted(found)
    assert len({round(each, 3) for each in found}) == 5


@pytest.mark.parametrize("name", OWN)
def test_residuals_are_differences_whose_norm_is_the_value(name: str) -> None:
    (target,) = made(name, v(potential(20, 60)))
    outputs = target.outputs(Recordings(traces={"v": v(potential(25, bump=-40, at=70))}))
    assert outputs is not None
    residuals = target.residuals(np.asarray(outputs))
    assert residuals is not None
    assert np.linalg.norm(residuals) == pytest.approx(target.value(np.asarray(outputs)))


def test_a_sweep_without_spikes_is_refused_where_spikes_are_compared() -> None:
    message = r"expected spikes above -20 mV in the window, sweep 0 of 'rec' has none: leave it out here, SpikeCount"
    with pytest.raises(TargetError, match=message):
        made("SpikeTimes", v(potential(), potential(20)), sweeps=[0, 1])


def test_outputs_of_other_data_are_not_those_of_these_if_they_have_more_spikes() -> None:
    one, other = (made("SpikeTimes", v(potential(*each)))[0] for each in ((20,), (20, 60)))
    assert one.difference_of_outputs(other) == "data: 'rec' has 1 spikes that count, and 2 were measured"
    assert one.difference_of_outputs(made("SpikeTimes", v(potential(30)))[0]) is None


def test_spikes_are_those_of_each_trial_not_of_the_mean_trace() -> None:
    trials = averaged([Recordings(traces={"v": v(potential(at))}) for at in (20, 60)], Path())
    assert measure(made("SpikeCount"), trials)[0].value == 1
    assert measure(made("SpikeCount", average="recordings"), trials)[0].value == pytest.approx(0)


def test_subthreshold_potentials_are_compared_beside_the_spikes_of_either() -> None:
    data = v(potential(20))
    near = (TIMES > 15) & (TIMES < 34) | (TIMES > 55) & (TIMES < 74)
    simulated = np.where(near, potential(60), -68.0)
    found = value(v(simulated), "SubthresholdRMSE", data, before=5, after=15)
    assert found == pytest.approx(2, rel=1e-3)
    assert value(v(potential(60)), "TraceRMSE", data) > 5
    busy = of(v(potential(*range(3, 100, 10))), "SubthresholdRMSE", data, before=5, after=15)
    assert busy.reason == "no sample counts: all are close to spikes"
    with pytest.raises(TargetError, match="'rec' does not suit it: no sample counts: all are close to spikes"):
        made("SubthresholdRMSE", data, before=200, after=200)
    (target,) = made("SubthresholdRMSE", data)
    assert isinstance(target, TraceRMSE)
    assert target.differences_from(len(TIMES)) is None


def test_samples_during_spikes_may_count_more() -> None:
    data, simulated = v(potential(20, 60)), v(potential())
    squares = (potential(20, 60) + 70) ** 2
    weights = np.where(potential(20, 60) > -20, TIMES.size / 2, 1.0)
    expected = math.sqrt(np.average(squares, weights=weights))
    assert value(simulated, "SpikeWeightedRMSE", data) == pytest.approx(expected, rel=1e-5)
    plain = value(simulated, "SpikeWeightedRMSE", data, spike_weight=1)
    assert plain == pytest.approx(value(simulated, "TraceRMSE", data))


def test_smoothed_traces_are_compared_by_their_moving_averages() -> None:
    noise = np.random.default_rng(1).normal(size=TIMES.size)
    data, simulated = v(potential()), v(potential() + noise)
    means = [noise[max(n - 10, 0) : n + 11].mean() for n in range(TIMES.size)]
    found = value(simulated, "TraceRMSE", data, smooth=2.01)
    assert found == pytest.approx(float(np.sqrt(np.mean(np.square(means)))), rel=1e-4)


def test_the_density_of_a_phase_plane_changes_gradually_with_the_trace() -> None:
    data = v(potential(20, 60))
    found = [value(v(potential(20, bump=peak)), "PhasePlaneDensity", data) for peak in (-70, -60, -50, -40)]
    assert len(set(found)) == 4
    assert value(data, "PhasePlaneDensity", data) == pytest.approx(0, abs=1e-6)
    assert value(v(potential(30, 70)), "PhasePlaneDensity", data) == pytest.approx(0, abs=1e-6)
    away = v(np.full(TIMES.size, 20.0) + 0.001 * np.sin(TIMES))
    assert 1 < value(away, "PhasePlaneDensity", data) <= 2


def test_the_density_of_a_phase_plane_by_hand() -> None:
    """Slopes are 1 or -1 per ms, values 0.5 and 1.5: the corners of two by two bins, in which nothing is shared."""
    data = Trace([0, 1, 2, 3, 4], [0, 1, 2, 1, 0])
    wanted = create_targets([{"class": "PhasePlaneDensity", "data": "rec", "norm": 1, "bins": 2}], data={"rec": data})
    simulated = Trace([0, 1, 2], [0, 1, 0])  # half of the time rising at 0.5, half falling
    (found,) = measure(wanted, Recordings(traces={"v": simulated}))
    assert found.outputs == (0.5, 0.5, 0.0, 0.0)
    assert found.value == pytest.approx(4 * 0.25 * 0.75)


def test_a_straight_line_has_no_phase_plane() -> None:
    with pytest.raises(TargetError, match="'rec' does not suit it: it is constant, or a straight line"):
        made("PhasePlaneDensity", v(np.full(TIMES.size, -70.0)))
    one, other = (made("PhasePlaneDensity", v(potential(20, width=each)))[0] for each in (1, 2))
    assert one.difference_of_outputs(other) == "data: 'rec' has another range than what was measured with"


def test_moments_of_a_trace() -> None:
    values = np.random.default_rng(2).gamma(2, size=TIMES.size)
    deviations = values - values.mean()
    assert value(v(values), "TraceSkewness") == pytest.approx((deviations**3).mean() / values.std() ** 3)
    assert value(v(values), "TraceKurtosis") == pytest.approx((deviations**4).mean() / values.std() ** 4)
    assert of(v(np.full(TIMES.size, -70.1)), "TraceKurtosis").reason == "the trace is constant in the window"
