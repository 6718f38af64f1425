"""Features of traces and of events: their values by hand, what data want, and what has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets import Events, Measurement, Recordings, Target, TargetError, Trace, create_targets, measure
from targets.recordings.file import averaged

TIMES = np.arange(0.0, 100.0, 0.5)
BUMP = -70 + 30 * np.exp(-(((TIMES - 40) / 8) ** 2)) - 12 * np.exp(-(((TIMES - 70) / 5) ** 2))
V = Trace(TIMES, BUMP, "mV")


def made(name: str, data: dict[str, Any] | None = None, /, **options: Any) -> list[Target]:
    wanted = {} if "data" in options else {"target_value": 0.0}
    return create_targets([{"class": name, "norm": 1.0, **wanted, **options}], data=data or {})


def of(recordings: Any, name: str, data: dict[str, Any] | None = None, /, **options: Any) -> Measurement:
    (found,) = measure(made(name, data, **options), recordings)
    return found


def value(name: str, **options: Any) -> float | None:
    return of(Recordings(traces={"v": V}), name, **options).value


def test_mean_spread_and_peaks_in_a_window() -> None:
    inside = (TIMES >= 60) & (TIMES <= 80)
    assert value("TraceMean", window=[60, 80]) == pytest.approx(BUMP[inside].mean())
    assert value("TraceSD", window=[60, 80]) == pytest.approx(BUMP[inside].std())
    assert value("PeakAmplitude") == pytest.approx(BUMP.max())
    assert value("PeakAmplitude", polarity="negative") == pytest.approx(BUMP.min())
    assert value("PeakAmplitude", polarity="either") == pytest.approx(BUMP.min())
    assert value("PeakLatency") == 40
    assert value("PeakLatency", polarity="negative", window=[50, 90]) == 70


def test_a_peak_at_the_edge_of_the_window_has_no_latency() -> None:
    found = of(Recordings(traces={"v": V}), "PeakLatency", window=[40, 60])
    assert found.reason == "the positive peak is at the edge of the window, 40"


def test_the_value_of_the_data_is_wanted_unless_another_one_is() -> None:
    data = {"rec": Trace(TIMES / 1000, BUMP / 1000, "V", "s")}
    (wanted,) = made("PeakAmplitude", data, trace="v", data="rec", window=[30, 50])
    assert wanted.wanted_interval == (pytest.approx(BUMP.max() / 1000), pytest.approx(BUMP.max() / 1000))
    assert wanted.unit == "V"
    (found,) = measure([wanted], Recordings(traces={"v": V}))
    assert wanted.score(found.value) == pytest.approx(0, abs=1e-12)
    (other,) = made("PeakAmplitude", data, data="rec", target_value=-0.05)
    assert other.wanted_interval == (-0.05, -0.05)
    with pytest.raises(TargetError, match="expected target_value, or data whose value is the wanted one, got neither"):
        create_targets([{"class": "PeakAmplitude", "norm": 1}], data={})
    with pytest.raises(TargetError, match="'rec' has no such value: the positive peak is at the edge"):
        made("PeakLatency", data, data="rec", window=[40, 60])


def test_each_sweep_of_the_data_wants_its_own_value() -> None:
    """Several sweeps without target_value ended with a traceback."""
    rows = np.array([BUMP, 2 * BUMP, 3 * BUMP])
    wanted = made("TraceMean", {"rec": Trace(TIMES, rows, "mV")}, trace="v", data="rec", sweeps=[0, 2])
    assert [each.label for each in wanted] == ["TraceMean(v)[0]", "TraceMean(v)[2]"]
    found = measure(wanted, Recordings(traces={"v": Trace(TIMES, rows + 2, "mV")}))
    assert [each.distance(one.value or 0) for each, one in zip(wanted, found, strict=True)] == pytest.approx([2, 2])


def test_over_trials_the_peak_of_the_mean_is_another_than_the_mean_of_the_peaks() -> None:
    early, late = (np.exp(-(((TIMES - at) / 4) ** 2)) for at in (30, 60))
    recordings = averaged([Recordings(traces={"v": Trace(TIMES, each)}) for each in (early, late)], Path())
    assert of(recordings, "PeakAmplitude").value == pytest.approx(0.5, abs=1e-6)
    values = of(recordings, "PeakAmplitude", average="values")
    assert values.value == pytest.approx(1.0)
    assert values.outputs == (1.0, 1.0)
    assert of(recordings, "PeakLatency", average="values").deviation == pytest.approx(np.std([30, 60], ddof=1))


def test_the_standard_error_over_trials_is_known_of_means_alone() -> None:
    """A value of the mean trace that is no mean of the single values is off by something else."""
    rng = np.random.default_rng(1)
    phases, means = rng.uniform(0, 6, 4), rng.normal(0, 0.1, 4)
    trials = [np.sin(TIMES / 5 + phase) + mean for phase, mean in zip(phases, means, strict=True)]
    recordings = averaged([Recordings(traces={"v": Trace(TIMES, each)}) for each in trials], Path())
    single = [of(Recordings(traces={"v": Trace(TIMES, each)}), "TraceSD").value for each in trials]
    mean, whole, values = (
        of(recordings, "TraceMean"),
        of(recordings, "TraceSD"),
        of(recordings, "TraceSD", average="values"),
    )
    assert mean.error == pytest.approx((mean.deviation or 0) / 2)
    assert whole.error is None
    assert whole.deviation == values.deviation == pytest.approx(np.std(single, ddof=1))
    assert values.error == pytest.approx((values.deviation or 0) / 2)


def test_values_that_overflow_have_no_deviation() -> None:
    trials = [Recordings(numbers={"x": each}) for each in (1e160, 2e160)]
    found = of(averaged(trials, Path()), "ReturnedValue", key="x")
    assert (found.value, found.deviation, found.error) == (1.5e160, None, None)


@pytest.mark.reference  # scipy.signal takes half a second to import
def test_power_of_a_sine_is_in_its_band() -> None:
    step = 0.001
    times = np.arange(0, 2, step)
    wave = Trace(times, 3 * np.sin(2 * np.pi * 20 * times) + np.sin(2 * np.pi * 60 * times), "nAm", "s")
    recordings = Recordings(traces={"v": wave})
    bands = [[15, 25], [55, 65]]
    shares = [of(recordings, "BandPower", bands=[band]).value for band in bands]
    assert shares == pytest.approx([0.9, 0.1], abs=1e-3)
    weighted = of(recordings, "BandPower", bands=bands, band_weights=[1, -2]).value
    assert weighted == pytest.approx(0.7, abs=3e-3)
    # mean square of a sine of amplitude 3, which the window does not change
    assert of(recordings, "BandPower", bands=[bands[0]], relative=False).value == pytest.approx(4.5, rel=1e-2)


def test_power_needs_equal_steps() -> None:
    uneven = Recordings(traces={"v": Trace([0, 1, 2, 4], [1, 2, 1, 2])})
    assert (
        of(uneven, "BandPower", bands=[[1, 2]]).reason
        == "expected times at equal steps, of which a spectrum can be computed"
    )


SPIKES = Recordings(events={"spikes": Events([5, 12, 3, 30, 21, 40.5], [1, 1, 2, 2, 1, 3])})


def test_events_of_some_labels_in_a_window() -> None:
    assert of(SPIKES, "EventCount", window=[0, 30]).value == 5
    assert of(SPIKES, "EventCount", window=[0, 30], labels=[1, "3"]).value == 3
    assert of(SPIKES, "EventRate", window=[0, 50], sources=3).value == pytest.approx(40)
    assert of(SPIKES, "FirstEvent", window=[4, 50]).value == 1
    assert of(SPIKES, "FirstEvent", window=[41, 50]).reason == "no events in the window"
    assert of(SPIKES, "FirstEvent", window=[41, 50]).option == ""
    intervals = np.diff([5, 12, 21])
    assert of(SPIKES, "EventIrregularity", window=[0, 50], labels=[1]).value == pytest.approx(
        intervals.std() / intervals.mean()
    )


@given(st.lists(st.floats(0, 100, allow_subnormal=False), max_size=20))
def test_events_in_seconds_are_those_in_milliseconds(times: list[float]) -> None:
    one = of(Recordings(events={"s": Events(times)}), "EventCount", window=[-1, 101])
    other = of(Recordings(events={"s": Events(np.array(times) / 1000, time_unit="s")}), "EventCount", window=[-1, 101])
    assert one.value == other.value == len(times)


def test_measured_events_want_their_value_and_those_of_trials_are_averaged() -> None:
    (wanted,) = made("EventCount", {"rec": Events([1, 2, 300])}, window=[0, 100], data="rec")
    assert wanted.wanted_interval == (2, 2)
    trials = averaged([Recordings(events={"s": Events(range(n))}) for n in (3, 6)], Path())
    (found,) = measure([wanted], trials)
    assert (found.value, found.outputs) == (4.5, (3.0, 6.0))
    assert found.deviation == pytest.approx(np.std([3, 6], ddof=1))
    with pytest.raises(TargetError, match="expected events, 'rec' in the section data is a trace"):
        made("EventCount", {"rec": V}, window=[0, 100], data="rec")


@pytest.mark.parametrize(
    ("recordings", "options", "option", "reason"),
    [
        (Recordings(), {}, "events", "events: expected a name, as the simulation left no events"),
        (SPIKES, {"events": "spike"}, "events", "left no events 'spike'; did you mean 'spikes'?; it left: spikes"),
        (Recordings(events={"s": Events([1], time_unit="mV")}), {}, "events", "the only ones: expected a unit that"),
        ({"x": 1.0}, {}, "class", "class: EventCount needs events, got dict"),
    ],
)
def test_what_no_parameter_changes_names_the_option(recordings: Any, options: Any, option: str, reason: str) -> None:
    found = of(recordings, "EventCount", window=[0, 30], **options)
    assert found.option == option
    assert reason in str(found.reason)


@pytest.mark.parametrize(
    ("recordings", "options", "option", "reason"),
    [
        (Recordings(), {}, "trace", "trace: expected a name, as the simulation left no trace"),
        (
            Recordings(traces={"a": V, "b": V}),
            {},
            "trace",
            "expected a name, as the simulation left the traces a, b",
        ),
        (Recordings(traces={"v": V}), {"sweeps": [3]}, "sweeps", "expected sweeps below 1, which the trace has, got 3"),
        (Recordings(traces={"v": V}), {"window": [200, 300]}, "window", r"which has [0, 99.5] ms, got (200"),
        ({"x": 1.0}, {}, "class", "class: TraceMean needs traces, got dict"),
    ],
)
def test_a_trace_that_no_parameter_brings_names_the_option(
    recordings: Any, options: Any, option: str, reason: str
) -> None:
    found = of(recordings, "TraceMean", **options)
    assert found.option == option
    assert reason in str(found.reason)


def test_a_window_of_one_sample_has_no_spectrum() -> None:
    reason = of(Recordings(traces={"v": V}), "BandPower", bands=[[1, 30]], window=[50, 50.2]).reason
    assert reason == "expected at least two samples in the window, of which a spectrum can be computed, got one"
