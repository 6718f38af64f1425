"""The targets for the modes in which pyneuronautofit compares a cell with its recording."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from targets.recordings import Trace
from targets.series.spikes import spikes_of
from targets.series.trace_target import TraceSamples

_STATISTICS = ("TraceMean", "TraceSD", "TraceSkewness", "TraceKurtosis")
# what is suggested as the distance that scores 1
_NORMS = {
    "SpikeCount": 1,
    "SpikeRate": 5,
    "SpikeTimes": 2,
    "SpikeWidths": 0.2,
    "SpikeShapes": 5,
    "MeanSpike": 5,
    "SubthresholdRMSE": 2,
    "TraceRMSE": 5,
    "SpikeWeightedRMSE": 10,
    "PhasePlaneDensity": 0.1,
    "TraceMean": 2,
    "TraceSD": 2,
    "TraceSkewness": 0.5,
    "TraceKurtosis": 1,
}
# those that compare spikes that are in the data
_OF_SPIKES = ("SpikeTimes", "SpikeWidths", "SpikeShapes", "MeanSpike")
Window = tuple[float, float]


@dataclass(frozen=True)
class RecordingComparison:
    """How a cell is compared with its recording.

    Parameters
    ----------
    modes : mapping of str to None
        Letters, in their order, each once.
    sweeps : mapping of str to sequence of int
        Those of each mode.
    potential : Trace
        The recording, in mV and ms.
    stimulus : (float, float)
        From when to when current flows, ms.
    count : int or None
        How many spikes are compared; None for all.
    threshold : float
        Potential of a spike, mV.
    before, after : int
        Samples around a spike.
    weight : float or None
        Of samples during spikes; the number of samples for each spike, times the absolute value, if negative.
    bins : int
        Of a phase plane, along each axis.
    smooth : float
        Width of the kernel that smooths potentials, ms.
    """

    modes: Mapping[str, None]
    sweeps: Mapping[str, Sequence[int]]
    potential: Trace
    stimulus: Window
    count: int | None
    threshold: float
    before: int
    after: int
    weight: float | None
    bins: int
    smooth: float

    @property
    def step(self) -> float:
        """Time between two samples, ms."""
        return float(self.potential.times[1] - self.potential.times[0])

    @property
    def before_it(self) -> Window:
        """From the beginning to the stimulus."""
        return float(self.potential.times[0]), self.stimulus[0]

    @property
    def after_it(self) -> Window:
        """From the end of the stimulus to that of the recording."""
        return self.stimulus[1], float(self.potential.times[-1])

    @property
    def as_long_after(self) -> Window:
        """As long after the stimulus as it lasts, as far as it was recorded."""
        begin, end = self.stimulus
        return end, min(2 * end - begin, self.after_it[1])

    def has_spikes(self, sweep: int, window: Window | None) -> bool:
        """Return whether a sweep has spikes in a window."""
        times = self.potential.times
        first, last = window or (times[0], times[-1])
        inside = (times >= first) & (times <= last)
        return bool(
            spikes_of(TraceSamples(times[inside], self.potential.rows[sweep][inside]), self.threshold).starts.size
        )


@dataclass(frozen=True)
class _Line:
    """A target without its sweeps and norm."""

    kind: str
    window: Window | None = None
    options: str = ""
    label: str = ""


def _spikes(given: RecordingComparison) -> str:
    return f", threshold: {given.threshold:g}"


def _first(given: RecordingComparison) -> str:
    return _spikes(given) + (f", spikes: {given.count}" if given.count else "")


def _around(given: RecordingComparison) -> str:
    return f", before: {given.before * given.step:g}, after: {given.after * given.step:g}"


def _shapes(kind: str) -> Callable[[RecordingComparison], list[_Line]]:
    def lines(given: RecordingComparison) -> list[_Line]:
        first = _first(given) if kind == "SpikeShapes" else _spikes(given)
        return [_Line(kind, given.stimulus, f"{first}{_around(given)}, step: {given.step:g}")]

    return lines


def _statistics(
    kinds: Sequence[str], window: Callable[[RecordingComparison], Window], label: str
) -> Callable[..., list[_Line]]:
    return lambda given: [_Line(kind, window(given), label=label) for kind in kinds]


def _counts(given: RecordingComparison) -> list[_Line]:
    """Return those of spikes in all, during the stimulus, and as long after it."""
    option = _spikes(given)
    during = _Line("SpikeCount", given.stimulus, option, "during")
    return [_Line("SpikeCount", None, option, "all"), during, _Line("SpikeCount", given.as_long_after, option, "after")]


def _weighted(given: RecordingComparison) -> list[_Line]:
    weight = f", spike_weight: {given.weight:g}" if given.weight is not None and given.weight > 0 else ""
    return [_Line("SpikeWeightedRMSE", None, _spikes(given) + weight)]


MODES: dict[str, Callable[[RecordingComparison], list[_Line]]] = {
    "T": lambda given: [_Line("SpikeTimes", None, _first(given))],
    "S": _shapes("SpikeShapes"),
    "U": lambda given: [_Line("SubthresholdRMSE", None, _spikes(given) + _around(given))],
    "W": lambda given: [_Line("SpikeWidths", given.stimulus, _first(given))],
    "R": _statistics(_STATISTICS[:2], lambda given: given.before_it, "rest"),
    "L": _statistics(_STATISTICS, lambda given: given.after_it, "tail"),
    "M": _statistics(_STATISTICS, lambda given: given.stimulus, "stimulus"),
    "A": _shapes("MeanSpike"),
    "N": _counts,
    "O": lambda given: [_Line("SpikeCount", None, _spikes(given))],
    "V": lambda _: [_Line("TraceRMSE")],
    "C": lambda given: [_Line("TraceRMSE", given.stimulus, label="stimulus")],
    "D": lambda given: [_Line("TraceRMSE", given.after_it, label="tail")],
    "Z": _weighted,
    "P": lambda given: [_Line("PhasePlaneDensity", None, f", bins: {given.bins}")],
    "Q": lambda given: [_Line("PhasePlaneDensity", given.stimulus, f", bins: {given.bins}", "stimulus")],
    "F": lambda given: [_Line("SpikeRate", given.stimulus, _spikes(given))],
    "X": lambda given: [_Line("TraceRMSE", None, f", smooth: {given.smooth:g}", "smooth")],
}
"""What each mode compares."""


def target_lines(given: RecordingComparison) -> tuple[list[str], list[str]]:
    """Return the lines of the targets of all modes, and notes on what is left out."""
    lines: list[str] = []
    notes = [f"current flows from {given.stimulus[0]:g} to {given.stimulus[1]:g} ms, by channel 1 of the recording"]
    for mode in given.modes:
        if mode == "Z" and given.weight is not None and given.weight < 0:
            notes.append("-z: a weight below 0 is relative; spike_weight is the number of samples for each spike")
        for line in MODES[mode](given):
            sweeps, silent = _sweeps_of(line, given, mode)
            if silent:
                notes.append(f"{mode}: sweeps {silent} have no spikes, which {line.kind} could compare")
            if sweeps:
                lines.append(_written(line, mode, sweeps))
    return lines, notes


def _sweeps_of(line: _Line, given: RecordingComparison, mode: str) -> tuple[list[int], list[int]]:
    """Return the sweeps that a target compares, and those that it cannot."""
    silent = [n for n in given.sweeps[mode] if line.kind in _OF_SPIKES and not given.has_spikes(n, line.window)]
    return [n for n in given.sweeps[mode] if n not in silent], silent


def _written(line: _Line, mode: str, sweeps: Sequence[int]) -> str:
    return "- {" + ", ".join(_keys(line, mode, sweeps)) + line.options + "}"


def _keys(line: _Line, mode: str, sweeps: Sequence[int]) -> Iterator[str]:
    yield f"class: {line.kind}"
    yield f"name: {mode} {line.kind}{f' {line.label}' if line.label else ''}"
    yield f"data: recording, sweeps: {list(sweeps)}, norm: {_NORMS[line.kind]:g}"
    if line.window is not None:
        yield f"window: [{line.window[0]:g}, {line.window[1]:g}]"
