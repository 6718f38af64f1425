"""What every optimiser promises, and where the known ones are listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from orchestrator.records import FloatArray, Origin, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

OPTIMISERS = ("cma",)
# Another kind of processor adds in another order: the same run then asks for points this close, in the unit cube.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Told:
    """One generation's evaluations as an optimiser sees them.

    Parameters
    ----------
    points : ndarray of float, shape (n_offspring, n_parameters)
        What `Optimiser.ask` returned, up to `TOLERANCE`.
    values : ndarray of float, shape (n_offspring, n_targets)
        Values of the targets, NaN where there is none.
    scores : ndarray of float, shape (n_offspring, n_targets)
        Scores of the targets, finite.
    outcomes : sequence of Outcome, length n_offspring
        What became of each.
    origins : sequence of Origin, length n_offspring
        Why each was asked for.
    ids : sequence of (int, int), length n_offspring
        Generation and index of each evaluation, for schedules.
    asked_after : sequence of int, length n_offspring
        How often the optimiser had been told when it asked for each, for schedules.
    """

    points: FloatArray
    values: FloatArray
    scores: FloatArray
    outcomes: Sequence[Outcome]
    origins: Sequence[Origin] = ()
    ids: Sequence[tuple[int, int]] = ()
    asked_after: Sequence[int] = ()


class Optimiser(Protocol):
    """Ask and tell in the unit cube.

    The state is a function of the constructor's arguments and of what was told: asking and telling the
    same again gives the same points, bit for bit. Random numbers come from a generator of its own.
    """

    def ask(self) -> FloatArray:
        """Return the next points, shape (n_offspring, n_parameters), inside the unit cube."""

    def tell(self, told: Told) -> None:
        """Take the evaluations of exactly the points that were asked last.

        Raises
        ------
        ValueError
            Where the points are others, a score is not finite, or nothing was asked.
        """

    def stop(self) -> str | None:
        """Return why there is nothing more to gain, or None."""

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return what the checkpoint keeps of a generation: ``mean``, ``sigma`` and ``covariance``."""


def same_points(asked: FloatArray, again: FloatArray) -> bool:
    """Return whether two sets of points are the same but for the rounding of another processor."""
    return asked.shape == again.shape and bool(np.abs(asked - again).max() <= TOLERANCE)


def create_optimiser(
    method: str, *, start: FloatArray, steps: FloatArray, sigma: float, size: int, seed: int
) -> Optimiser:
    """Return a new optimiser.

    Parameters
    ----------
    method : str
        One of `OPTIMISERS`.
    start : ndarray of float, shape (n_parameters,)
        Where the search begins, in the unit cube.
    steps : ndarray of float, shape (n_parameters,)
        Width of an integer step in each dimension, 0 for real parameters.
    sigma : float
        Initial standard deviation as a fraction of the range.
    size : int
        Offspring in a generation.
    seed : int
        Seed of the optimiser's own generator.
    """
    from orchestrator.optimisers.cma import CMA  # noqa: PLC0415  (cma takes a third of a second to import)

    return {"cma": CMA}[method](start=start, steps=steps, sigma=sigma, size=size, seed=seed)
