"""Synaptic conductances during spontaneous activity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from orchestrator.analysis.figures.common import missing, number
from orchestrator.analysis.opened import Inspected, defined
from orchestrator.records import FloatArray
from orchestrator.report.domains import from_zero
from orchestrator.report.palette import BAD, BLUE, GREY, INK
from orchestrator.report.scene import Axis, Band, Figure, Line, Mark, Panel, Points
from targets import ConductanceRatio, DatastoreError, NoValue
from targets.conductance import EXCITATORY, INHIBITORY
from targets.signals import Signal

_MOST_SAMPLES = 500
_NANO = 1000.0  # nS in a uS
_KINDS = (("excitatory", BLUE, EXCITATORY), ("inhibitory", BAD, INHIBITORY))


def conductances(data: Inspected, sheet: str) -> Figure:
    """Return the excitatory and inhibitory conductance of a sheet over time, and their means of every recorded cell.

    Parameters
    ----------
    data : Inspected
        The datastore.
    sheet : str
        One of its sheets.
    """
    title = f"Synaptic conductances of {sheet}, spontaneous activity"
    target = defined(ConductanceRatio, sheet)
    store = data.store
    if store is None or data.problem:
        return missing("conductances", title, [data.problem])
    try:
        segment = target.spontaneous(store)[0]
        ratio = target.measured(store)
        recorded = [each for each in store.traces(segment) if each.dimension == "conductance"]
        traces = {kind: (colour, _of_kind(recorded, names)) for kind, colour, names in _KINDS}
        _require_the_same_times(traces["excitatory"][1] + traces["inhibitory"][1])
    except (NoValue, DatastoreError) as reason:
        return missing("conductances", title, [f"{sheet}: {reason}"])
    marks: list[Mark] = []
    tops, means = [], {}
    sampled = traces["excitatory"][1][0].times()
    merged = max(1, -(-len(sampled) // _MOST_SAMPLES))
    times = _coarse(sampled[:, None], merged)[:, 0]
    for kind, (colour, parts) in traces.items():
        coarse = np.hstack([_coarse(part.values, merged) for part in parts]) * _NANO
        low, high = np.quantile(coarse, (0.1, 0.9), axis=1)
        mean = coarse.mean(axis=1)
        means[kind] = np.concatenate([part.values.mean(axis=0) for part in parts]) * _NANO
        label = f"{kind}: mean {number(float(means[kind].mean()), 'nS')} ({len(means[kind]):,} cells)"
        marks += [Band(times, low, high, colour, "", 0.18), Line(times, mean, colour, label, 1.4)]
        tops.append(high)
    subtitle = "mean over the recorded cells, and their 10th to 90th percentile"
    across = Axis("time (ms)", (float(times[0]), float(times[-1])))
    time = Panel(across, Axis("conductance (nS)", from_zero(*tops)), tuple(marks), subtitle, 260)
    panels = (time, _of_cells(means["excitatory"], means["inhibitory"], ratio))
    caption = "First trial."
    if merged > 1:
        caption += f" Over time, means of {merged} samples are drawn."
    return Figure("conductances", title, caption, panels)


def _of_cells(excitatory: FloatArray, inhibitory: FloatArray, ratio: float) -> Panel:
    high = from_zero(excitatory)[1]
    marks: list[Mark] = [
        Line(np.array([0.0, high]), np.array([0.0, high * ratio]), GREY, f"ratio {number(ratio)}", 1.2, dashed=True)
    ]
    if len(excitatory) == len(inhibitory):
        marks.append(Points(excitatory, inhibitory, INK, "a cell", 4, opacity=0.7))
    vertical = Axis("mean inhibitory conductance (nS)", from_zero(inhibitory, high * ratio))
    return Panel(Axis("mean excitatory conductance (nS)", (0.0, high)), vertical, tuple(marks), "every cell", 260)


def _of_kind(recorded: Sequence[Signal], names: tuple[str, ...]) -> list[Signal]:
    """Return the parts of one signal, which some recorders split into some cells each."""
    found = [each for each in recorded if each.name in names]
    if not found:
        raise NoValue(f"no signal {' or '.join(names)} can be read over time")
    return found


def _require_the_same_times(traces: Sequence[Signal]) -> None:
    first = traces[0]
    for each in traces:
        if len(each.values) != len(first.values) or abs(each.step - first.step) > 1e-9:
            raise NoValue(f"the signals {first.name} and {each.name} were not sampled at the same times")


def _coarse(values: FloatArray, merged: int) -> FloatArray:
    """Return means of `merged` successive samples, (n_samples // merged, n_cells)."""
    n = len(values) // merged
    return np.asarray(values[: n * merged].reshape(n, merged, -1).mean(axis=1))
