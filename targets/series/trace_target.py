"""What all targets on traces have in common: which trace, which data, which times and rows, and how trials count."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt, PrivateAttr, field_validator

from targets.base import Target, UnfitData, Unmeasurable
from targets.errors import NoValue
from targets.numbers import FloatArray
from targets.recordings import Events, Recordings, Trace
from targets.recordings.units import factor
from targets.series.interval import Interval
from targets.series.named import measured_series, named

Made = TypeVar("Made", bound="TraceTarget")
# of the largest time: by how much times that are computed differ from the same ones that are written
ROUNDING = 1e-9
# deviation, as a share of the largest sample, of which outputs of 32 bits tell nothing
CONSTANT = 1e-7


class TraceSamples(NamedTuple):
    """One row of a trace in the times that count.

    Parameters
    ----------
    times : ndarray of float, shape (n_samples,)
        In ms.
    values : ndarray of float, shape (n_samples,)
        In the unit of the data, or as the simulation left them.
    """

    times: FloatArray
    values: FloatArray


class TraceTarget(Target):
    """A value of a trace that the simulation leaves."""

    trace: str | None = Field(
        default=None, min_length=1, description="name of the trace; may be left out if the simulation leaves only one"
    )
    data: str | None = Field(default=None, min_length=1, description="name of a measured trace in the section data")
    window: Interval | None = Field(default=None, description="[from, to], the times that count, ms; by default all")
    sweeps: list[NonNegativeInt] | None = Field(
        default=None,
        min_length=1,
        description="rows of the trace, from 0, each of which has a value and a score of its own; by default the mean "
        "of all rows has one",
    )
    average: Literal["recordings", "values"] = Field(
        default="recordings",
        description="what is averaged over trials: recordings, the traces, which then have one value; values, those "
        "of the single traces",
    )
    _measured: Trace | None = PrivateAttr(None)
    # of the measured trace, made once: optimisers ask for thousands of values
    _wanted: TraceSamples | None = PrivateAttr(None)

    options_of_score: ClassVar[frozenset[str]] = Target.options_of_score | {"data"}

    @field_validator("sweeps")
    @classmethod
    def _each_once(cls, sweeps: list[int] | None) -> list[int] | None:
        if sweeps is not None and len(set(sweeps)) < len(sweeps):
            raise ValueError(f"expected each sweep once, got {sweeps}")
        return sweeps

    @property
    def unit(self) -> str:  # type: ignore[override]
        """The unit of the samples, unless a subclass has another one."""
        return self.samples_unit

    @property
    def samples_unit(self) -> str:
        """Unit that samples are converted to, that of the measured trace; empty if they are taken as they are."""
        return "" if self._measured is None else self._measured.unit

    def _subject(self) -> str | None:
        return self.trace or self.data

    def with_data(self: Made, data: Mapping[str, Trace | Events]) -> Made:  # noqa: D102
        if self.data is None:
            return self
        trace = measured_series(data, self.data, Trace)
        copy = self.model_copy()
        try:
            times = trace.times * factor(trace.time_unit, "ms")
        except ValueError as error:
            raise UnfitData("data", f"{self.data!r}: {error}") from error
        copy._measured = trace = Trace(times, trace.values, trace.unit)
        copy._wanted = None
        copy._require_rows(trace)
        copy._require_covered(trace)
        try:
            copy.data_samples()
        except NoValue as error:
            raise UnfitData("data", f"{self.data!r} does not suit it: {error}") from error
        return copy

    def difference_of_outputs(self, other: Target) -> str | None:
        """Return whether the two convert samples to different units."""
        unit = other.samples_unit if isinstance(other, TraceTarget) else ""
        if unit == self.samples_unit:
            return None
        return f"data: {self.data!r} is in {self.samples_unit or 'no unit'}, and {unit or 'no unit'} was measured"

    def parts(self) -> Sequence[Target]:
        """Return a target for each of the sweeps, named ``label[sweep]``."""
        if self.sweeps is None or (len(self.sweeps) == 1 and self.name is not None and self.name.endswith("]")):
            return (self,)
        made = [self.model_copy(update={"sweeps": [n], "name": f"{self.label}[{n}]"}) for n in self.sweeps]
        for each in made:
            each._wanted = None
        return made

    def outputs(self, recordings: Any) -> FloatArray:
        """Return the outputs of the trace, of each trial one after the other if their values are averaged."""
        return np.concatenate([np.atleast_1d(self.outputs_of(each)) for each in self._rows_of(recordings)])

    @abstractmethod
    def outputs_of(self, samples: TraceSamples) -> FloatArray | float:
        """Return the number or the numbers that the value of one row is computed from; raises `NoValue`."""

    def inside(self, times: FloatArray) -> NDArray[np.bool_]:
        """Return which of the times count, shape (n_samples,)."""
        if self.window is None:
            return np.ones(len(times), dtype=bool)
        slack = ROUNDING * float(np.abs(times).max())
        return np.asarray((times >= self.window[0] - slack) & (times <= self.window[1] + slack))

    def taken(self, times: FloatArray) -> NDArray[np.bool_]:
        """Return which samples of a simulated trace `outputs_of` is given, shape (n_samples,); those that count."""
        return self.inside(times)

    def data_samples(self) -> TraceSamples:
        """Return the measured trace in the times that count; raises `NoValue` if it is not at hand."""
        if self._measured is None:
            raise NoValue(f"the data {self.data!r} are not at hand")
        if self._wanted is None:
            self._wanted = self._samples_of(self._measured, self._row_of(self._measured), self.inside)
        return self._wanted

    def _require_rows(self, measured: Trace) -> None:
        if missing := [n for n in self.sweeps or () if n >= len(measured.rows)]:
            raise UnfitData(
                "sweeps", f"expected sweeps below {len(measured.rows)}, which {self.data!r} has, got {missing}"
            )

    def _require_covered(self, measured: Trace) -> None:
        if self.window is None:
            return
        first, last = float(measured.times[0]), float(measured.times[-1])
        slack = ROUNDING * max(abs(first), abs(last))
        if self.window[0] < first - slack or self.window[1] > last + slack:
            message = f"expected times that {self.data!r} has, [{first:g}, {last:g}] ms"
            raise UnfitData("window", f"{message}, got [{self.window[0]:g}, {self.window[1]:g}]")

    def _rows_of(self, recordings: Any) -> list[TraceSamples]:
        """Return what is averaged over trials, or the row of each trial."""
        if not isinstance(recordings, Recordings):
            raise Unmeasurable("class", f"{type(self).__name__} needs traces, got {type(recordings).__name__}")
        traces = [named(trial.traces, self.trace, "trace") for trial in recordings.trials or (recordings,)]
        rows = [self._samples_of(trace, self._row_of(trace), self.taken) for trace in traces]
        if self.average == "values" or len(rows) == 1:
            return rows
        return [TraceSamples(rows[0].times, np.mean([each.values for each in rows], axis=0))]

    def _row_of(self, trace: Trace) -> FloatArray:
        if self.sweeps is None:
            return trace.mean
        (sweep,) = self.sweeps
        if len(trace.rows) <= sweep:
            raise Unmeasurable("sweeps", f"expected sweeps below {len(trace.rows)}, which the trace has, got {sweep}")
        return np.asarray(trace.rows[sweep])

    def _samples_of(
        self, trace: Trace, row: FloatArray, which: Callable[[FloatArray], NDArray[np.bool_]]
    ) -> TraceSamples:
        try:
            row = row * factor(trace.unit, self.samples_unit)
            times = trace.times * factor(trace.time_unit, "ms")
        except ValueError as error:
            raise Unmeasurable("trace", f"{self.trace or 'the only one'}: {error}") from error
        inside = which(times)
        if not inside.any():
            message = f"expected times of the trace, which has [{times[0]:g}, {times[-1]:g}] ms, got {self.window}"
            raise Unmeasurable("window", message)
        times, row = times[inside], row[inside]
        if np.isnan(row).any():
            raise NoValue("samples are missing in the window")
        return TraceSamples(times, row)
