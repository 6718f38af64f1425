"""A digest of a mozaik datastore: what is kept of the activity of a simulation whose datastore is deleted.

It has numbers, traces and events under names that begin with the sheet's, as a function may return them. Of each sheet
that recorded, during spontaneous activity or, if there is none, the stimulus that was presented first:

- ``SHEET: mean rate (Hz), spontaneous`` and ``SHEET: SD of rate (Hz), spontaneous``, over cells, and the mean of each
  recorded signal over cells and time, ``SHEET: mean v (mV), spontaneous``; numbers, means over trials;
- ``SHEET: rate, spontaneous``, the mean over cells in bins of 10 ms, or of a hundredth of the recording if that is
  more, and over trials, and ``SHEET: rates of the cells, spontaneous``, quantiles of the mean rates over trials;
- ``SHEET: spikes, spontaneous``, of a sample of the cells in the first second of the first trial.

And where they were presented, ``SHEET: orientation tuning, contrast 100 %`` and ``SHEET: size tuning, contrast 100 %``:
three rows, mean - SD, mean and mean + SD over cells, so that mean and SD (n - 1) of the rows are those of the cells.
"""

from __future__ import annotations

import io
import logging
import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from targets.base import Target
from targets.datastore import Datastore
from targets.errors import DatastoreError, NoValue
from targets.numbers import FloatArray
from targets.recordings import Events, Recordings, Trace
from targets.recordings.file import save
from targets.recordings.taking import as_recordings
from targets.segment import Segment, SignalSummary, mean_over_cells
from targets.sheet_target import mean_over, rates_by_cell
from targets.size import DISK, SizeTuning, SuppressedShare
from targets.spikes import SpikeTrains
from targets.tuning import contrasts, orientation_responses, size_responses

_LOG = logging.getLogger(__name__)
MOST_BYTES = 200_000
"""Size of a digest in a file, compressed, at most; what would be more is left out, rasters of sheets first."""
LEAST_SECONDS = 30.0
"""Time that a digest may always take, s; no more is read after it, or after that which measuring took if it is more."""
SPONTANEOUS_RATES = frozenset({"rate, spontaneous", "mean rate (Hz), spontaneous"})
"""What follows a sheet's name where a value is of the quantity that `targets.spontaneous.SpontaneousRate` measures."""

_SPONTANEOUS, _OTHERWISE = "spontaneous", "first stimulus"
_MEAN, _SPREAD = "mean ", "SD of "
_UNITS = {"voltage": "mV", "conductance": "uS", "current": "nA"}
# of a raster: cells, ms from the beginning, and spikes
_CELLS, _LONGEST, _SPIKES = 40, 1000.0, 2000
# of rates over time: bins at most, and their least width in ms; and quantiles of rates over cells
_BINS, _WIDTH, _QUANTILES = 100, 10.0, 51
# where the full field stands on the axis of radii, in radii of the largest disk
_FULL_FIELD = 1.25

_Part = tuple[str, float | Trace | Events]
# is called before more is read; raises `_TooLate`
_InTime = Callable[[], None]


class Mean(NamedTuple):
    """A mean of one sheet in a digest."""

    sheet: str
    what: str
    """Such as ``mean rate (Hz), spontaneous``."""
    mean: float
    spread: float
    """Standard deviation over cells; NaN if it is not known."""


class _Activity(NamedTuple):
    """All trials of the stimulus from which the activity of a sheet is told."""

    sheet: str
    state: str
    trials: Sequence[Segment]


class _TooLate(Exception):
    """There is no time to read more."""


def digest(datastore: Datastore, targets: Sequence[Target] = (), seconds: float = 0.0) -> Recordings:
    """Return a digest of a datastore, at most `MOST_BYTES` in a file.

    What was not recorded or not presented, or cannot be read, is left out, and so is what takes too long to read.

    Parameters
    ----------
    datastore : Datastore
        What is read of it stays in its memory, as what targets measure does.
    targets : sequence of Target
        Those that were measured: the size tuning of a sheet is that of the cells of its target, if it has one.
    seconds : float
        What measuring them took: the digest reads no more after as long, or after `LEAST_SECONDS` if that is more.
    """
    in_time = _limit(max(LEAST_SECONDS, seconds))
    activities = list(_activities(datastore))
    makers: dict[str, Callable[[Datastore, _Activity], Iterator[_Part]]] = {
        "means": _means,
        "rates": _rates,
        "raster": _raster,
        "orientation tuning": partial(_orientation_tuning, in_time=in_time),  # last: they read most
        "size tuning": partial(_size_tuning, in_time=in_time, targets=targets),
    }
    parts = [
        part
        for what, make in makers.items()
        for activity in activities
        for part in _there(make(datastore, activity), f"{activity.sheet}: {what}", in_time)
    ]
    parts.sort(key=lambda part: isinstance(part[1], Events))  # of what is too large, rasters are left out first
    return as_recordings(dict(_within(parts, MOST_BYTES)), datastore.path)


def sheet_and_quantity(name: str) -> tuple[str, str]:
    """Return the sheet, and what it is, that something in a digest is called after; no sheet if it is not from one."""
    sheet, _, quantity = name.rpartition(": ")
    return sheet, quantity


def means_in(recordings: Recordings) -> list[Mean]:
    """Return the means of sheets among the numbers of recordings."""
    found = []
    for name, number in recordings.numbers.items():
        sheet, what = sheet_and_quantity(name)
        if sheet and what.startswith(_MEAN) and number is not None:
            spread = recordings.numbers.get(f"{sheet}: {_SPREAD}{what.removeprefix(_MEAN)}")
            found.append(Mean(sheet, what, number, math.nan if spread is None else spread))
    return found


def _activities(datastore: Datastore) -> Iterator[_Activity]:
    """Yield what each sheet did, without sheets of which nothing is known."""
    for sheet in datastore.sheets:
        if spontaneous := datastore.spontaneous(sheet):
            yield _Activity(sheet, _SPONTANEOUS, spontaneous)
        elif first := datastore.first_trials(sheet):
            yield _Activity(sheet, _OTHERWISE, first)


def _limit(seconds: float) -> _InTime:
    """Return what raises `_TooLate` once so many seconds have passed."""
    end = time.monotonic() + seconds

    def in_time() -> None:
        if time.monotonic() > end:
            raise _TooLate(f"making the digest took more than {seconds:.0f} s")

    return in_time


def _there(parts: Iterator[_Part], what: str, in_time: _InTime) -> Iterator[_Part]:
    """Yield parts until one cannot be made: what follows it is of the same recordings."""
    try:
        in_time()
        yield from parts
    except (NoValue, DatastoreError) as reason:
        _LOG.debug("%s is not in the digest: %s", what, reason)
    except _TooLate as reason:
        _LOG.warning("%s is left out: %s", what, reason)
    except Exception as error:  # noqa: BLE001  (whatever it is, there are other parts)
        _LOG.warning("%s is left out: %s: %s", what, type(error).__name__, error)


def _within(parts: Sequence[_Part], most: int) -> Iterator[_Part]:
    """Yield parts as long as they are no larger than so many bytes in a file; those that are too large are left out."""
    size = 0
    for name, part in parts:
        file = io.BytesIO()
        save(as_recordings({name: part}, Path()), file, compressed=True)
        if size + file.tell() > most:
            _LOG.info("%s is left out: the digest would be larger than %d bytes", name, most)
            continue
        size += file.tell()
        yield name, part


def _means(datastore: Datastore, activity: _Activity) -> Iterator[_Part]:
    sheet, state, trials = activity
    dimensions = {each.name: each.dimension for segment in trials for each in _signals(segment)}
    for name, dimension in dimensions.items():
        unit = f" ({_UNITS[dimension]})" if dimension in _UNITS else ""
        yield f"{sheet}: {_MEAN}{name}{unit}, {state}", mean_over(trials, partial(_mean_of, name=name))
    rates = _recorded(rates_by_cell(datastore, sheet, trials))
    yield f"{sheet}: {_MEAN}rate (Hz), {state}", float(rates.mean())
    yield f"{sheet}: {_SPREAD}rate (Hz), {state}", float(rates.std())


def _signals(segment: Segment) -> list[SignalSummary]:
    """Return the signals that have a mean."""
    return [each for each in segment.signals() if each.problem is None and each.n_cells and math.isfinite(each.mean)]


def _mean_of(segment: Segment, name: str) -> float:
    own = [each for each in _signals(segment) if each.name == name]
    if not own:
        raise NoValue(f"{name} was not recorded")
    return mean_over_cells(own)


def _rates(datastore: Datastore, activity: _Activity) -> Iterator[_Part]:
    sheet, state, trials = activity
    first = _trains(trials[0])
    width = first.equal_width(max(_WIDTH, first.duration / _BINS))
    n_bins = first.n_bins(width)
    if n_bins > 1:
        trains = [each for each in (trial.spikes() for trial in trials) if len(each) and each.n_bins(width) == n_bins]
        over_time = np.mean([each.psth(width) for each in trains], axis=0)
        yield f"{sheet}: rate, {state}", _trace(width * (np.arange(n_bins) + 0.5), over_time, "ms")
    rates = _recorded(rates_by_cell(datastore, sheet, trials))
    shares = np.linspace(0, 100, _QUANTILES)
    quantiles = _trace(shares, np.percentile(rates, shares), "%", "share of the cells")
    yield f"{sheet}: rates of the cells, {state}", quantiles


def _raster(_: Datastore, activity: _Activity) -> Iterator[_Part]:
    """Yield spikes of cells at even distances among all, every second, fourth, ... of them if they fire much.

    Labels are their ids; those of fewer cells are among those of more, whatever the parameters.
    """
    trains = _trains(activity.trials[0])
    ids = np.sort(trains.ids)
    chosen = ids[np.unique(np.linspace(0, len(ids) - 1, _CELLS).round().astype(np.int64))]
    while True:
        sample = trains.select(np.isin(trains.ids, chosen))
        times = sample.times - sample.t_start
        early = times <= _LONGEST
        if early.sum() <= _SPIKES or len(chosen) == 1:
            break
        chosen = chosen[::2]
    labels = sample.ids[sample.owners()[early]]
    yield f"{activity.sheet}: spikes, {activity.state}", Events(times[early].astype(np.float32), labels.tolist())


def _orientation_tuning(datastore: Datastore, activity: _Activity, in_time: _InTime) -> Iterator[_Part]:
    sheet = activity.sheet
    datastore.sheet(sheet).require_orientations()  # before the responses are read, of which there are many
    for contrast in contrasts(datastore, sheet):
        name = f"{sheet}: orientation tuning, contrast {contrast:g} %"
        yield from _there(_orientation_curve(datastore, sheet, contrast, name, in_time), name, in_time)


def _orientation_curve(
    datastore: Datastore, sheet: str, contrast: float, name: str, in_time: _InTime
) -> Iterator[_Part]:
    offsets, rates = orientation_responses(datastore, sheet, contrast, in_time).aligned()
    if len(offsets) > 1:
        yield name, _over_cells(np.degrees(offsets), rates, "orientation from the preferred one")


def _size_tuning(
    datastore: Datastore, activity: _Activity, in_time: _InTime, targets: Sequence[Target]
) -> Iterator[_Part]:
    """Yield the curves of the cells of the sheet's own target, and of the usual ones if it has none."""
    sheet = activity.sheet
    datastore.sheet(sheet).require_orientations()
    own = [each for each in targets if isinstance(each, SuppressedShare) and each.sheet_name == sheet]
    usual = SizeTuning(sheet_name=sheet, target_value=SizeTuning.any_target_value, norm=1.0)
    by_contrast = {each.contrast: each for each in reversed(own)}
    for contrast in sorted({*by_contrast, *contrasts(datastore, sheet, DISK)}):
        like = own[0] if own else usual
        target = by_contrast.get(contrast) or like.model_copy(update={"contrast": contrast})
        name = f"{sheet}: size tuning, contrast {contrast:g} %"
        yield from _there(_size_curve(datastore, target, name, in_time), name, in_time)


def _size_curve(datastore: Datastore, target: SuppressedShare, name: str, in_time: _InTime) -> Iterator[_Part]:
    responses = size_responses(datastore, target, in_time)
    radii = responses.radii
    if len(radii) > 1:
        full = np.isinf(radii)
        x = np.where(full, _FULL_FIELD * radii[~full].max(), radii)
        axis = "radius, the largest is the full field" if full.any() else "radius"
        yield name, _over_cells(x, responses.rates, axis)


def _trains(segment: Segment) -> SpikeTrains:
    trains = segment.spikes()
    if not len(trains):
        raise NoValue("no spikes were recorded")
    return trains


def _recorded(rates: FloatArray) -> FloatArray:
    """Return the rates of the cells that were recorded."""
    found = rates[np.isfinite(rates)]
    if not found.size:
        raise NoValue("no spikes were recorded")
    return found


def _over_cells(x: FloatArray, rates: FloatArray, axis: str) -> Trace:
    """Return a curve of rates, shape (n_samples, n_cells), over an angle in degrees."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing is NaN, as wanted
        mean, spread = np.nanmean(rates, axis=1), np.nanstd(rates, axis=1)
    return _trace(x, np.array([mean - spread, mean, mean + spread]), "deg", axis)


def _trace(x: ArrayLike, rates: ArrayLike, unit: str, axis: str = "time") -> Trace:
    """Return rates in Hz with the precision of 32 bits, which take half of the space; what they are over has it all."""
    return Trace(x, np.asarray(rates, np.float32), "Hz", unit, axis)
