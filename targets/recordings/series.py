"""What a simulation leaves for targets: numbers, traces and events by name, and whatever files it wrote.

A function returns them in one mapping::

    from targets import Events, Trace

    def simulate(parameters, directory):
        ...
        return {"rate": 4.2, "v": Trace(times, v, "mV"), "spikes": Events(spike_times)}

Objects of neo are taken as they are: an ``AnalogSignal`` is a trace, a ``SpikeTrain`` or a list of them are events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from targets.numbers import FloatArray

# what a trace is over, unless it says something else
TIME = "time"


@dataclass(frozen=True, eq=False)
class Trace:
    """A quantity over time, or over something else: one row of values, or one for each trial, sweep or channel.

    Parameters
    ----------
    times : array_like of float, shape (n_samples,)
        Strictly increasing, in `time_unit`; at least two.
    values : array_like of float, shape (n_samples,) or (n_rows, n_samples)
        In `unit`; NaN is a sample that there is not.
    unit : str
        Such as ``mV``; empty for a pure number.
    time_unit : str
        Unit of the times.
    axis : str
        What `times` are if they are no times, such as ``orientation`` of a tuning curve, with its unit in `time_unit`.

    Raises
    ------
    ValueError
        If times and values do not fit each other; the message says how.
    """

    times: FloatArray
    values: FloatArray
    unit: str = ""
    time_unit: str = "ms"
    axis: str = TIME

    def __init__(self, times: ArrayLike, values: ArrayLike, unit: str = "", time_unit: str = "ms", axis: str = TIME):
        at, samples = _floats(times, "times"), _floats(values, "values")
        if at.ndim != 1 or at.size < 2:
            raise ValueError(f"expected the times of at least two samples, got an array of shape {at.shape}")
        if samples.ndim not in (1, 2) or samples.shape[-1] != at.size or not samples.size:
            raise ValueError(
                f"expected values of shape ({at.size},) or (rows, {at.size}), one for each of {at.size} times, "
                f"got {samples.shape}"
            )
        if not np.isfinite(at).all() or (np.diff(at) <= 0).any():
            raise ValueError("expected times that are finite and increase")
        if np.isinf(samples).any():
            raise ValueError("expected values that are finite, or NaN if there is none")
        _set(self, times=at, values=samples, unit=str(unit), time_unit=str(time_unit), axis=str(axis))

    @property
    def rows(self) -> FloatArray:
        """The values, shape (n_rows, n_samples), also if there is one row.

        Examples
        --------
        >>> from orchestrator import Trace
        >>> Trace([0, 0.1, 0.2], [-65, -64, -60], "mV").rows.shape
        (1, 3)
        """
        return np.atleast_2d(self.values)

    @property
    def mean(self) -> FloatArray:
        """Mean of the rows, shape (n_samples,); NaN where any row has none.

        Examples
        --------
        >>> from orchestrator import Trace
        >>> Trace([0, 0.1], [[-65, -64], [-63, -60]], "mV").mean.tolist()
        [-64.0, -62.0]
        """
        return np.asarray(self.rows.mean(axis=0))


@dataclass(frozen=True, eq=False)
class Events:
    """Points of time, such as spikes, each with a label if there are several sorts or sources.

    Parameters
    ----------
    times : array_like of float, shape (n_events,)
        In `time_unit`; sorted here.
    labels : sequence of str or int, shape (n_events,), optional
        What or whose each event is, such as the number of a neuron or the name of a cell type.
    time_unit : str
        Unit of the times.

    Raises
    ------
    ValueError
        If times and labels do not fit each other, or a time is not finite.
    """

    times: FloatArray
    labels: NDArray[np.str_]
    time_unit: str = "ms"

    def __init__(self, times: ArrayLike, labels: Sequence[object] | None = None, time_unit: str = "ms"):
        at = _floats(times, "times")
        if at.ndim != 1:
            raise ValueError(f"expected the times of events, got an array of shape {at.shape}")
        names = np.array([""] * at.size if labels is None else [str(each) for each in labels], dtype=np.str_)
        if names.shape != at.shape:
            raise ValueError(f"expected a label for each of {at.size} events, got {names.size}")
        if not np.isfinite(at).all():
            raise ValueError("expected times that are finite")
        order = np.argsort(at, kind="stable")
        _set(self, times=at[order], labels=names[order], time_unit=str(time_unit))

    def __len__(self) -> int:
        return int(self.times.size)

    def of(self, label: str) -> FloatArray:
        """Return the times of the events of one label, shape (n,).

        Examples
        --------
        >>> from orchestrator import Events
        >>> Events([12.5, 40.1, 7.0], ["a", "b", "a"]).of("a").tolist()
        [7.0, 12.5]
        """
        return np.asarray(self.times[self.labels == label])


@dataclass(frozen=True, eq=False)
class Recordings(Mapping[str, Any]):
    """All that one simulation left; as a mapping, its numbers by name.

    Parameters
    ----------
    numbers : mapping of str to float or None
        None if there is no value.
    traces : mapping of str to Trace
        By name.
    events : mapping of str to Events
        By name.
    directory : pathlib.Path
        With the files that it wrote; ``recordings / "name"`` is the path of one.
    trials : sequence of Recordings
        Those of the single trials if there were several; numbers are means then, traces have the trials as rows, and
        events are those of all trials.
    """

    numbers: Mapping[str, float | None] = field(default_factory=dict)
    traces: Mapping[str, Trace] = field(default_factory=dict)
    events: Mapping[str, Events] = field(default_factory=dict)
    directory: Path = Path()
    trials: Sequence[Recordings] = ()

    def __getitem__(self, name: str) -> float | None:
        return self.numbers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.numbers)

    def __len__(self) -> int:
        return len(self.numbers)

    def __fspath__(self) -> str:
        return str(self.directory)

    def __truediv__(self, name: str) -> Path:
        return self.directory / name

    def __repr__(self) -> str:
        """Return what there is, in words: a mapping's own would print every sample."""
        parts = {"numbers": dict(self.numbers), "traces": sorted(self.traces), "events": sorted(self.events)}
        return f"Recordings({', '.join(f'{name}={part}' for name, part in parts.items() if part)})"


def _floats(values: ArrayLike, what: str) -> FloatArray:
    try:
        given = np.ma.asarray(values) if np.ma.isMaskedArray(values) else np.asarray(values)
        if given.dtype.kind in "cSUMm":  # numpy would take the real part, the digits, and a count of its own unit
            raise TypeError
        array = np.ma.filled(given.astype(np.float64), np.nan)
    except (TypeError, ValueError):
        kind = getattr(getattr(values, "dtype", None), "name", type(values).__name__)
        raise ValueError(f"expected real numbers as {what}, got {kind}") from None
    array.flags.writeable = False
    return array


def _set(instance: object, **fields: object) -> None:
    for name, each in fields.items():
        object.__setattr__(instance, name, each)
