"""The test bed of a single cell: `examples/cell`, 20 parameters of Hodgkin-Huxley channels, three steps of current.

What is searched for is what the example's configuration says; what is reported is an error that does not depend on it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from orchestrator.config.file import load_config
from orchestrator.optimisers import Problem, Told
from orchestrator.optimisers.vectors import has_vector
from orchestrator.records import FloatArray, Origin, Outcome
from targets import Exploded, Recordings, measure, ranked_score_of
from targets.recordings.taking import as_recordings
from targets.series.spikes import spikes_of
from targets.series.trace_target import Samples

EXAMPLE = Path(__file__).parents[1] / "examples" / "cell"
THRESHOLD = -20.0


@dataclass(frozen=True)
class Evaluated:
    """What came of a batch of cells.

    Parameters
    ----------
    told : Told
        For an optimiser.
    errors : ndarray of float, shape (n_cells,)
        Mean over all sweeps of two errors, each divided by that of a trace that stays at 0 mV: that of the number of
        spikes (of a sweep that has none, the number itself), and the mean squared difference of the potential.
        Infinite if the potential explodes.
    counts : ndarray of int, shape (n_cells, n_sweeps)
        Numbers of spikes; -1 if the potential explodes.
    """

    told: Told
    errors: FloatArray
    counts: np.ndarray[tuple[int, ...], np.dtype[np.int64]]


class CellBed:
    """The example, evaluated in this process.

    Attributes
    ----------
    counts : ndarray of int, shape (n_sweeps,)
        Numbers of spikes of the recording.
    """

    def __init__(self) -> None:
        sys.path.insert(0, str(EXAMPLE))
        import cell  # noqa: PLC0415  (of the example)

        self._simulate = cell.simulate
        self._config = load_config(EXAMPLE / "config.yaml")
        self._targets = self._config.create_targets()
        self._space = self._config.space()
        with np.load(EXAMPLE / "recording.npz") as kept:
            self._times = kept["time"]
            self._recorded = np.array([kept[name] for name in sorted(kept.files) if name != "time"])
        self.counts = self._counts(self._recorded)

    def problem(self, seed: int, size: int) -> Problem:
        """Return what an optimiser is given: it starts in the middle of the ranges, where cells hardly spike."""
        config = self._config.model_copy(update={"optimiser_centroid": self._space.decode(np.full(20, 0.5))})
        return replace(config.problem(), seed=seed, size=size)

    def evaluated(self, points: FloatArray, origins: tuple[Origin, ...]) -> Evaluated:
        """Simulate the cells of points of the unit cube, shape (n_cells, 20), all at once."""
        returned = self._simulate([self._space.decode(point) for point in points], Path())
        found = [None if isinstance(each, Exploded) else as_recordings(each, Path()) for each in returned]
        measured = [measure(self._targets, Recordings() if each is None else each) for each in found]
        values = np.array([[np.nan if one.value is None else one.value for one in row] for row in measured])
        scores = [
            [ranked_score_of(target, one.value) for target, one in zip(self._targets, row, strict=True)]
            for row in measured
        ]
        outcomes = [Outcome.EXPLODED if each is None else Outcome.OK for each in found]
        outputs = {}
        for number, target in enumerate(self._targets):
            width = max(len(row[number].outputs) for row in measured)
            if has_vector(target) and width:
                nothing = (np.nan,) * width
                outputs[number] = np.array([row[number].outputs or nothing for row in measured])
        told = Told(points, values, np.array(scores), outcomes, origins, outputs=outputs)
        potentials = [None if each is None else each.traces["v"].rows for each in found]
        errors = np.array([np.inf if each is None else self.error(each) for each in potentials])
        silent = np.full(len(self.counts), -1)
        counts = np.array([silent if each is None else self._counts(each) for each in potentials])
        return Evaluated(told, errors, counts)

    def error(self, potentials: FloatArray) -> float:
        """Return the error of the potentials of a cell, shape (n_sweeps, n_times); see `Evaluated`."""
        spikes = np.abs(self._counts(potentials) - self.counts) / np.maximum(self.counts, 1)
        squares = ((potentials - self._recorded) ** 2).mean(axis=1) / (self._recorded**2).mean(axis=1)
        return float(np.concatenate([spikes, squares]).mean())

    def _counts(self, potentials: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        return np.array([spikes_of(Samples(self._times, row), THRESHOLD).starts.size for row in potentials])
