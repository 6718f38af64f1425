"""Spike trains of a segment as two arrays, and their statistics as vector operations on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_EDGE = 1e-8
"""Part of a bin by which a spike may miss, because of rounding, an edge that it stands on."""


class Intervals(NamedTuple):
    """Inter-spike intervals of n trains."""

    number: Integers
    """Number of intervals, (n,)."""
    mean: Floats
    """Mean interval in ms, (n,); NaN without intervals."""
    cv: Floats
    """Standard deviation (ddof 0) over mean, (n,); NaN without intervals or if their mean is 0."""


@dataclass(frozen=True, eq=False)
class SpikeTrains:
    """All spike trains of a segment.

    Attributes
    ----------
    times : ndarray of float64, (n_spikes,)
        Spike times in ms, train after train, ascending within a train.
    offsets : ndarray of int64, (n_trains + 1,)
        Train i is ``times[offsets[i]:offsets[i + 1]]``.
    ids : ndarray of int64, (n_trains,)
        The simulator's ids of the neurons.
    t_start, t_stop : float
        The window of the recording, ms.
    """

    times: Floats
    offsets: Integers
    ids: Integers
    t_start: float
    t_stop: float

    @classmethod
    def create(cls, times: Floats, counts: Integers, ids: Integers, t_start: float, t_stop: float) -> SpikeTrains:
        """Make them from the times of all trains, one after the other in any order within a train.

        Parameters
        ----------
        times : ndarray, (n_spikes,)
            In ms.
        counts, ids : ndarray, (n_trains,)
            Number of spikes, and the neuron's id, of each train.
        t_start, t_stop : float
            The window, ms.

        Raises
        ------
        ValueError
            If counts don't add up, an id occurs twice, the window is empty, or a spike is not finite or outside of it.
        """
        if counts.sum() != times.size or counts.shape != ids.shape:
            raise ValueError(f"{times.size} spike times for trains of {counts.sum()} spikes in all")
        if not t_stop > t_start:
            raise ValueError(f"the recording's window is empty: {t_start} to {t_stop} ms")
        if np.unique(ids).size != ids.size:
            raise ValueError("two spike trains of the same neuron")
        slack = _EDGE * (t_stop - t_start)
        if not np.all((times >= t_start - slack) & (times <= t_stop + slack)):
            raise ValueError(f"a spike outside of the recording's window, {t_start} to {t_stop} ms")
        trains = cls(times, np.concatenate(([0], np.cumsum(counts))), ids, t_start, t_stop)
        owner = trains.owners()
        if np.any((np.diff(times) < 0) & (owner[1:] == owner[:-1])):
            return cls(times[np.lexsort((times, owner))], trains.offsets, ids, t_start, t_stop)
        return trains

    def __len__(self) -> int:
        return self.ids.size

    @property
    def duration(self) -> float:
        """Length of the window, ms."""
        return self.t_stop - self.t_start

    def owners(self) -> Integers:
        """Return the index of the train that each spike belongs to, (n_spikes,)."""
        return np.repeat(np.arange(len(self)), self.counts())

    def counts(self) -> Integers:
        """Return the number of spikes of each train, (n_trains,)."""
        return np.diff(self.offsets)

    def rates(self) -> Floats:
        """Return the mean rate of each train, ``1000 n / (t_stop - t_start)`` in Hz, (n_trains,)."""
        return np.asarray(1000.0 * self.counts() / self.duration, np.float64)

    def select(self, chosen: NDArray[np.bool_]) -> SpikeTrains:
        """Return the trains for which `chosen`, (n_trains,), is true."""
        counts = self.counts()
        times = self.times[np.repeat(chosen, counts)]
        offsets = np.concatenate(([0], np.cumsum(counts[chosen])))
        return SpikeTrains(times, offsets, self.ids[chosen], self.t_start, self.t_stop)

    def intervals(self) -> Intervals:
        """Return number, mean and coefficient of variation of each train's inter-spike intervals."""
        owner = self.owners()
        within = owner[1:] == owner[:-1]
        owner, intervals = owner[1:][within], np.diff(self.times)[within]
        number = np.bincount(owner, minlength=len(self))
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.bincount(owner, intervals, minlength=len(self)) / number
            variance = np.bincount(owner, (intervals - mean[owner]) ** 2, minlength=len(self)) / number
            cv = np.where(mean > 0, np.sqrt(variance) / mean, np.nan)
        return Intervals(number, mean, cv)

    def n_bins(self, width: float) -> int:
        """Return how many whole bins of `width` ms the window has."""
        return int(self.duration / width + _EDGE)

    def equal_width(self, width: float) -> float:
        """Return the width in ms of ``round(duration / width)`` equal bins, which fill the whole window."""
        return self.duration / max(1, round(self.duration / width))

    def bins(self, width: float) -> tuple[Integers, Integers]:
        """Return the train and the bin of every spike that lies in a whole bin.

        Bins of `width` ms begin at t_start and include their left edge; the last includes its right edge too, as in
        :func:`numpy.histogram`, because simulators report spikes at t_stop.

        Returns
        -------
        tuple of two ndarrays, (n_spikes in bins,)
            Index of the train, and index of the bin, of each spike.
        """
        n_bins = self.n_bins(width)
        position = (self.times - self.t_start) / width + _EDGE
        index = np.maximum(position, 0.0).astype(np.int64)
        index[(index == n_bins) & (position <= n_bins + 2 * _EDGE)] = n_bins - 1
        inside = (index >= 0) & (index < n_bins)
        return self.owners()[inside], index[inside]

    def binned_counts(self, width: float) -> Integers:
        """Return the spike counts in bins of `width` ms, (n_trains, n_bins)."""
        n_bins = self.n_bins(width)
        owner, index = self.bins(width)
        counts = np.bincount(owner * n_bins + index, minlength=len(self) * n_bins)
        return counts.reshape(len(self), n_bins)

    def psth(self, width: float) -> Floats:
        """Return the rate averaged over trains in bins of `width` ms, (n_bins,), in Hz."""
        counts = np.bincount(self.bins(width)[1], minlength=self.n_bins(width))
        return np.asarray(counts * (1000.0 / width / len(self)), np.float64)

    def mean_correlation(self, width: float) -> float:
        """Return the mean Pearson correlation of the binned counts over all pairs of trains.

        A pair with a train of constant counts has correlation 0. With z_i the standardised counts of train i divided
        by the square root of the number of bins, the correlation of i and j is z_i . z_j, so that the sum over i != j
        is |sum_i z_i|^2 - sum_i |z_i|^2: neither the N x N matrix nor the counts of empty bins are needed.

        Parameters
        ----------
        width : float
            Width of a bin, ms.

        Returns
        -------
        float
            NaN for fewer than two trains or bins.
        """
        n_trains, n_bins = len(self), self.n_bins(width)
        if n_trains < 2 or n_bins < 2:
            return float("nan")
        owner, index = self.bins(width)
        # Spikes are ordered by train and bin, so equal neighbours share a bin.
        flat = owner * n_bins + index
        first = np.flatnonzero(np.diff(flat, prepend=-1))
        in_bin = np.diff(first, append=flat.size)
        total = np.bincount(owner, minlength=n_trains)
        squares = np.bincount(owner[first], in_bin.astype(np.float64) ** 2, minlength=n_trains)
        spread = n_bins * squares - total.astype(np.float64) ** 2  # n_bins^2 times the variance, exact in integers
        varying = spread > 0
        weight = np.zeros(n_trains)
        weight[varying] = np.sqrt(n_bins / spread[varying])  # 1 / (standard deviation * sqrt(n_bins))
        summed = np.bincount(index, weight[owner], minlength=n_bins) - (total * weight).sum() / n_bins
        return float((summed @ summed - varying.sum()) / (n_trains * (n_trains - 1)))

    def correlations(self, width: float) -> Floats:
        """Return the Pearson correlation of the binned counts of every pair of trains.

        As in `mean_correlation`, which is their mean and needs far less memory: here a matrix of all trains and bins.

        Parameters
        ----------
        width : float
            Width of a bin, ms.

        Returns
        -------
        ndarray, (n_trains * (n_trains - 1) / 2,)
            The upper triangle of the matrix, row by row; 0 for a pair with a train of constant counts.
        """
        counts = self.binned_counts(width).astype(np.float64)
        counts -= counts.mean(axis=1, keepdims=True)
        length = np.sqrt((counts**2).sum(axis=1, keepdims=True))
        unit = np.divide(counts, length, out=np.zeros_like(counts), where=length > 1e-9)
        return np.asarray((unit @ unit.T)[np.triu_indices(len(self), 1)], np.float64)

    def to_neo(self) -> list[Any]:
        """Return the trains as neo's SpikeTrain objects (needs neo), their ids as annotation ``channel_id``."""
        import neo  # noqa: PLC0415  (an optional dependency, and slow to import)

        parts = np.split(self.times, self.offsets[1:-1])
        return [
            neo.SpikeTrain(part, t_start=self.t_start, t_stop=self.t_stop, units="ms", channel_id=int(neuron))
            for part, neuron in zip(parts, self.ids, strict=True)
        ]
