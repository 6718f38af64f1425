"""Files of Neurodata Without Borders: time series, those of single sweeps, and the spike times of units."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from orchestrator.data.channels import Channel, Train, events_of, trace_of
from orchestrator.data.errors import Unreadable
from orchestrator.data.section import DataSource
from orchestrator.data.shaping import Raw
from orchestrator.text import shortened
from targets.plugins import said
from targets.recordings import FloatArray

_LONGEST = 300


def read_nwb(path: Path, source: DataSource) -> Raw:
    """Return the series or the spike trains that are wanted of a file.

    Series of single sweeps are chosen by their sweep number; times count from the beginning of each then.

    Raises
    ------
    Unreadable
        If pynwb is not there or does not read the file, or it has not what is wanted.
    """
    # by pynwb: neo's reader refuses files in which units have no observation intervals, as most do
    try:
        pynwb: Any = importlib.import_module("pynwb")
    except ImportError as error:
        message = "to read .nwb files needs pynwb: pip install 'mozaik-orchestrator[nwb]'"
        raise Unreadable("file", message) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pynwb.NWBHDF5IO(str(path), "r", load_namespaces=True) as file:
                return _wanted(file.read(), pynwb.TimeSeries, source)
    except Unreadable:
        raise
    except Exception as error:
        raise Unreadable("file", f"pynwb cannot read it: {shortened(said(error), _LONGEST)}") from error


def _wanted(content: Any, kind: type[Any], source: DataSource) -> Raw:
    if source.events is not False:
        return events_of(list(_trains(content)), source)
    found = [each for each in content.objects.values() if isinstance(each, kind) and _is_numbers(each)]
    series = sorted(found, key=lambda each: (each.name, each.object_id))
    if source.sweeps is None:
        channels = [channel for each in series for channel in _channels(each, from_zero=False)]
        return trace_of({0: channels}, source)
    known = {int(n) for each in series if (n := getattr(each, "sweep_number", None)) is not None}
    if missing := [number for number in source.sweeps if number not in known]:
        numbers = f"there are {', '.join(map(str, sorted(known)))}" if known else "no series of it has a sweep number"
        raise Unreadable("sweeps", f"there is no sweep {missing[0]}; {numbers}")
    sweeps = {
        number: [
            channel
            for each in series
            if getattr(each, "sweep_number", None) == number
            for channel in _channels(each, from_zero=True)
        ]
        for number in source.sweeps
    }
    return trace_of(sweeps, source)


def _is_numbers(series: Any) -> bool:
    data = getattr(series, "data", None)
    return data is not None and np.ndim(data) in (1, 2) and getattr(data, "dtype", np.dtype(float)).kind in "iuf"


def _channels(series: Any, *, from_zero: bool) -> Iterator[Channel]:
    columns: list[int | None] = [None] if np.ndim(series.data) == 1 else list(range(np.shape(series.data)[1]))
    for column in columns:
        name = series.name if len(columns) == 1 else f"{series.name}[{column}]"
        yield Channel(str(name), str(series.unit), _reading(series, column, from_zero))


def _reading(series: Any, column: int | None, from_zero: bool) -> Any:
    def read() -> tuple[FloatArray, FloatArray]:
        data = np.asarray(series.data[:] if column is None else series.data[:, column], dtype=np.float64)
        values = data * float(series.conversion) + float(series.offset)
        if series.rate:
            times = np.arange(values.size, dtype=np.float64) / float(series.rate) + float(series.starting_time or 0)
        else:
            times = np.asarray(series.timestamps[:], dtype=np.float64)
        return 1000 * (times - times[0] if from_zero else times), values

    return read


def _trains(content: Any) -> Iterator[Train]:
    units = content.units
    for row in range(0 if units is None else len(units)):
        yield Train(str(units.id[row]), 1000 * np.asarray(units.get_unit_spike_times(row), dtype=np.float64))
