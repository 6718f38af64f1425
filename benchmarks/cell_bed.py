"""The test beds of a single cell under steps of current: `examples/cell`, and `examples/neuron_cell` on NEURON.

What is searched for is what the example's configuration says; what is reported is an error that does not depend on it.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from orchestrator.config.file import load_config
from orchestrator.optimisers import Problem, Told
from orchestrator.optimisers.vectors import has_vector
from orchestrator.paths import AttemptPaths, RunPaths
from orchestrator.records import FloatArray, Origin, Outcome
from orchestrator.simulations import create_simulation
from orchestrator.simulations.base import SimulationFailed
from orchestrator.simulations.options import SimulationContext
from targets import Recordings, measure, ranked_score_of
from targets.series.spikes import spikes_of
from targets.series.trace_target import TraceSamples

EXAMPLES = Path(__file__).parents[1] / "examples"
THRESHOLD = -20.0

IntArray = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


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
    counts: IntArray


class CellBed:
    """An example, evaluated in this process.

    Parameters
    ----------
    example : str
        Its directory in ``examples``.

    Attributes
    ----------
    counts : ndarray of int, shape (n_sweeps,)
        Numbers of spikes of the recording.
    """

    def __init__(self, example: str = "cell") -> None:
        self._config = load_config(EXAMPLES / example / "config.yaml")
        self._simulation = create_simulation(self._config.simulation, self._config.model_dir, SimulationContext())
        # what simulation.before compiles is kept here, for the processes that are forked off as well
        self._place = tempfile.TemporaryDirectory()
        self._targets = self._config.create_targets()
        self._space = self._config.space()
        recording = self._config.measured["recording"]
        self._times, self._recorded = recording.times, recording.rows
        self.counts = self._counts(self._recorded)

    @property
    def silent_error(self) -> float:
        """The error of a cell whose potential stays where the recording begins, in every sweep."""
        return self.error(np.broadcast_to(self._recorded[:, :1], self._recorded.shape))

    def is_silent(self, counts: IntArray) -> bool:
        """Return whether a cell with these numbers of spikes has none in any sweep in which the recording has some."""
        return not np.asarray(counts)[self.counts > 0].any()

    def problem(self, seed: int, size: int) -> Problem:
        """Return what an optimiser is given: it starts in the middle of the ranges, where cells hardly spike."""
        config = self._config.model_copy(update={"optimiser_centroid": self._space.middle})
        return replace(config.problem(), seed=seed, size=size)

    def evaluated(self, points: FloatArray, origins: tuple[Origin, ...]) -> Evaluated:
        """Simulate the cells of points of the unit cube, shape (n_cells, n_parameters)."""
        found = self._simulated(points)
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
        exploded = np.full(len(self.counts), -1)
        counts = np.array([exploded if each is None else self._counts(each) for each in potentials])
        return Evaluated(told, errors, counts)

    def error(self, potentials: FloatArray) -> float:
        """Return the error of the potentials of a cell, shape (n_sweeps, n_times); see `Evaluated`."""
        spikes = np.abs(self._counts(potentials) - self.counts) / np.maximum(self.counts, 1)
        squares = ((potentials - self._recorded) ** 2).mean(axis=1) / (self._recorded**2).mean(axis=1)
        return float(np.concatenate([spikes, squares]).mean())

    def _simulated(self, points: FloatArray) -> list[Recordings | None]:
        """Return what each cell leaves, None if its potential explodes; all at once if the function can do that."""
        parameter_sets = [self._config.given().values(self._space.decode(point)) for point in points]
        directory = Path(self._place.name)
        attempt = RunPaths(directory).generation(0).attempt(0, 1)
        if self._simulation.runs_many:
            returned = self._simulation.run_together(parameter_sets, directory, attempt)
        else:
            returned = [self._one(each, directory, attempt) for each in parameter_sets]
        return [_unless_exploded(each) for each in returned]

    def _one(
        self, parameters: dict[str, float | int], directory: Path, attempt: AttemptPaths
    ) -> Recordings | SimulationFailed:
        try:
            return self._simulation.run_here(parameters, directory, attempt)
        except SimulationFailed as error:
            return error

    def _counts(self, potentials: FloatArray) -> IntArray:
        return np.array([spikes_of(TraceSamples(self._times, row), THRESHOLD).starts.size for row in potentials])


def _unless_exploded(returned: Recordings | Exception) -> Recordings | None:
    """Return what a simulation has left, None if it has exploded; raises what else has happened."""
    if isinstance(returned, Recordings):
        return returned
    if isinstance(returned, SimulationFailed) and returned.outcome is Outcome.EXPLODED:
        return None
    raise RuntimeError(str(returned)) from returned  # what processes can hand to each other
