"""What every optimiser promises: it is asked for points of the unit cube, and told what they were worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from orchestrator.optimisers.space import SearchSpace
from orchestrator.records import FloatArray, Origin, Outcome, total_of

# Another kind of processor adds in another order: the same run then asks for points this close, in the unit cube.
TOLERANCE = 1e-6
# outcomes that are a property of the parameters, beside OK; others say nothing of the landscape
FAILED = (Outcome.EXPLODED, Outcome.OUT_OF_MEMORY, Outcome.TIME_LIMIT)


@dataclass(frozen=True)
class Scale:
    """How the value of a target becomes its score.

    Parameters
    ----------
    low, high : float
        The values that score 0, in the target's unit; infinite if open.
    norm : float
        Distance from them that scores 1, in the target's unit.
    max_score : float
        Score of a value that is far away, or missing.
    by_score : bool
        Whether the score is not that of an interval: its own way from the wanted value 0 is all that is known.
    """

    low: float
    high: float
    norm: float
    max_score: float
    by_score: bool = False

    @classmethod
    def of_scores(cls, max_score: float) -> Scale:
        """Return the scale of a target that computes its score in a way of its own."""
        return cls(-math.inf, 0.0, 1.0, max_score, by_score=True)


class Vector(Protocol):
    """How the value of a target follows from its outputs, the numbers that it measures of a simulation."""

    def values(self, outputs: FloatArray) -> FloatArray:
        """Return values in the target's unit, NaN if there is none.

        Parameters
        ----------
        outputs : ndarray of float, shape (n_points, n_outputs)
            Measured, or what a model expects.

        Returns
        -------
        ndarray of float, shape (n_points,)
        """

    def residuals(self, outputs: FloatArray) -> FloatArray | None:
        """Return differences from what is wanted, of which the Euclidean norm is the distance of the value from it.

        Parameters
        ----------
        outputs : ndarray of float, shape (n_points, n_outputs)
            As for `values`.

        Returns
        -------
        ndarray of float, shape (n_points, n_residuals), or None
            In the target's unit, not divided by its norm; None if the value is no norm of a vector of differences.
        """


@dataclass(frozen=True)
class Problem:
    """What an optimiser is to solve, in the unit cube.

    Parameters
    ----------
    start : ndarray of float, shape (n_parameters,)
        Where the search begins.
    steps : ndarray of float, shape (n_parameters,)
        Width of one integer step in each dimension, 0 for real parameters.
    sigma : float
        Initial standard deviation as a fraction of the range.
    size : int
        Points that are asked for at once.
    seed : int
        Seed of the optimiser's own generator of random numbers.
    targets : sequence of str
        Label of each target, in the order of the scores.
    scales : sequence of Scale
        How each target's value becomes its score.
    space : SearchSpace, optional
        Of which different points of the cube are the same, if parameters are whole numbers.
    known : Told, optional
        Evaluations of other runs, which a model may learn from.
    vectors : mapping of int to Vector
        How a target's value follows from its outputs, by index of the target; only of targets whose outputs are told.
    directory : pathlib.Path
        The model's directory, where files that options name are looked for.
    budget : int
        Evaluations that the run has altogether, 0 if nobody knows. A continued run may have another one.
    sets : ndarray of float, shape (n_sets, n_parameters), optional
        Points that the user wants to be evaluated, for methods that evaluate these.
    """

    start: FloatArray
    steps: FloatArray
    sigma: float
    size: int
    seed: int
    targets: Sequence[str] = ()
    scales: Sequence[Scale] = ()
    space: SearchSpace | None = None
    known: Told | None = None
    vectors: Mapping[int, Vector] = field(default_factory=dict)
    directory: Path = Path()
    budget: int = 0
    sets: FloatArray | None = None

    def generator(self, serial: int) -> np.random.Generator:
        """Return a generator of random numbers that depend on the seed and on this number, and on nothing else."""
        return np.random.Generator(np.random.Philox(key=[self.seed % 2**64, serial]))

    def snapped(self, points: FloatArray) -> FloatArray:
        """Return points of the cube as they are simulated: whole numbers are at the middle of their share."""
        if self.space is None or not self.steps.any():
            return points
        return np.array([self.space.encode(self.space.decode(point)) for point in points]).reshape(points.shape)


@dataclass(frozen=True)
class Asked:
    """Points that an optimiser asks for.

    Parameters
    ----------
    points : ndarray of float, shape (n_points, n_parameters)
        Inside the unit cube.
    origins : tuple of Origin, length n_points
        Why each of them is asked for.
    """

    points: FloatArray
    origins: tuple[Origin, ...]

    @classmethod
    def samples(cls, points: FloatArray) -> Asked:
        """Return points that were all drawn from a search distribution."""
        return cls(points, (Origin.SAMPLE,) * len(points))

    def redrawn(self, samples: FloatArray) -> Asked:
        """Return what was asked for in a replay: samples are drawn again, what a model proposed is as it was.

        Parameters
        ----------
        samples : ndarray of float, shape (at least n_points, n_parameters)
            What is drawn now, the start included, in the order of the points.
        """
        own = np.array([origin in (Origin.START, Origin.SAMPLE) for origin in self.origins])
        return Asked(np.where(own[:, None], samples[: len(own)], self.points), self.origins)


@dataclass(frozen=True)
class Told:
    """Evaluations as an optimiser sees them.

    Parameters
    ----------
    points : ndarray of float, shape (n_points, n_parameters)
        What `Optimiser.ask` returned, up to `TOLERANCE`.
    values : ndarray of float, shape (n_points, n_targets)
        Values of the targets, NaN if there is none.
    scores : ndarray of float, shape (n_points, n_targets)
        Scores of the targets, finite; above a target's ``max_score`` they go on growing by up to 5 % of it, which
        values that are missing have. A row of NaN was not evaluated, because the cluster lost its job or had no room
        for it: nothing is known of that point, which is neither good nor bad.
    outcomes : sequence of Outcome, length n_points
        What became of each.
    origins : sequence of Origin, length n_points
        Why each was asked for.
    ids : sequence of (int, int), length n_points
        Generation and index of each evaluation, for schedules.
    asked_after : sequence of int, length n_points
        How often the optimiser had been told when it asked for each, for schedules.
    state : mapping of str to ndarray of float or float
        In a replay, what `Optimiser.state` returned before these were told; nothing otherwise.
    outputs : mapping of int to ndarray of float, shape (n_points, n_outputs)
        The numbers that a target's value is computed from, by index of the target, rows of NaN where there are none;
        only of targets of which these are several.
    errors : ndarray of float, shape (n_points, n_targets), or None
        Standard errors of the values, in the targets' units, of simulations with several trials; NaN where none is
        known, and None if none is at all.
    """

    points: FloatArray
    values: FloatArray
    scores: FloatArray
    outcomes: Sequence[Outcome]
    origins: Sequence[Origin] = ()
    ids: Sequence[tuple[int, int]] = ()
    asked_after: Sequence[int] = ()
    state: Mapping[str, FloatArray | float] = field(default_factory=dict)
    outputs: Mapping[int, FloatArray] = field(default_factory=dict)
    errors: FloatArray | None = None

    @property
    def evaluated(self) -> list[int]:
        """Rows that were evaluated, of which alone an optimiser learns."""
        return [n for n, row in enumerate(self.scores) if not np.isnan(row).all()]

    @property
    def proposed(self) -> list[int]:
        """Rows that a model proposed."""
        return [n for n, origin in enumerate(self.origins) if origin is Origin.MODEL]

    @property
    def errors_or_nan(self) -> FloatArray:
        """Standard errors of the values, shape (n_points, n_targets), NaN where none is known."""
        return np.full(self.values.shape, math.nan) if self.errors is None else self.errors

    @property
    def totals(self) -> FloatArray:
        """Sum of the scores of each row, shape (n_points,); NaN if it was not evaluated."""
        return np.array([total_of(row) for row in self.scores])

    def without(self, row: int) -> Told:
        """Return all evaluations except one."""

        def others(rows: Sequence[Any]) -> list[Any]:
            return [each for n, each in enumerate(rows) if n != row]

        return replace(
            self,
            points=np.delete(self.points, row, axis=0),
            values=np.delete(self.values, row, axis=0),
            scores=np.delete(self.scores, row, axis=0),
            outcomes=others(self.outcomes),
            origins=others(self.origins),
            ids=others(self.ids),
            asked_after=others(self.asked_after),
            outputs={target: np.delete(rows, row, axis=0) for target, rows in self.outputs.items()},
            errors=None if self.errors is None else np.delete(self.errors, row, axis=0),
        )


def known_errors(errors: npt.ArrayLike) -> FloatArray | None:
    """Return standard errors as `Told` has them: None if none is known."""
    found = np.asarray(errors, dtype=float)
    return None if np.isnan(found).all() else found


class Optimiser(Protocol):
    """Ask and tell in the unit cube; the constructor takes options and `Problem`.

    The state is a function of the constructor's arguments and of what was told: asking and telling the
    same again gives the same points, bit for bit. Random numbers come from a generator of its own.
    """

    def ask(self, recorded: Asked | None = None, pending: FloatArray | None = None) -> Asked:
        """Return the next points; called once for each `tell`, except of a method that takes any rows.

        A method that is not registered as one that proposes points by a model has no parameters here.

        Parameters
        ----------
        recorded : Asked, optional
            In a replay, what was asked for then, or its beginning if the rest was never evaluated. As many points are
            returned; those of `Origin.MODEL` are taken from it instead of being computed again, because a model's
            search ends elsewhere on another kind of processor.
        pending : ndarray of float, shape (n_pending, n_parameters), optional
            Points that were asked for earlier, are being evaluated, and were not told yet.
        """

    def tell(self, told: Told) -> None:
        """Take the evaluations of exactly the points that were asked last; of any that were, if it takes any rows.

        `Told.evaluated` says which of them there are; there may be any number of others, or none.
        """

    def stop(self) -> str | None:
        """Return why there is nothing more to gain, or None."""

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return what the checkpoint keeps of a generation: any arrays by name, none if there is nothing to keep.

        Figures are drawn of ``mean`` (n_parameters,), ``sigma`` and ``covariance`` (n_parameters, n_parameters).
        """


def same_points(asked: FloatArray, again: FloatArray) -> bool:
    """Return whether two sets of points are the same except for the rounding of another processor."""
    return asked.shape == again.shape and bool(np.abs(asked - again).max() <= TOLERANCE)
