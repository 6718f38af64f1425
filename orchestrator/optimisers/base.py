"""What every optimiser promises: it is asked for points of the unit cube, and told what they were worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

import numpy as np
from pydantic import Field

from orchestrator.config.section import PluginOptions
from orchestrator.records import FloatArray, Origin, Outcome

# Another kind of processor adds in another order: the same run then asks for points this close, in the unit cube.
TOLERANCE = 1e-6


class OptimiserOptions(PluginOptions):
    """The section ``optimiser``; a method that has options of its own adds them in a subclass."""

    # fewer than this it cannot use
    least_offspring: ClassVar[int] = 1

    method: str = Field(description="name of the optimiser, or file.py:Class for one of your own")

    def default_offspring(self, n_parameters: int) -> int:
        """Return how many offspring a generation has if the configuration does not say it."""
        return 4 + math.floor(3 * math.log(n_parameters))


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
    """

    start: FloatArray
    steps: FloatArray
    sigma: float
    size: int
    seed: int
    targets: Sequence[str] = ()


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
        Scores of the targets, finite.
    outcomes : sequence of Outcome, length n_points
        What became of each.
    origins : sequence of Origin, length n_points
        Why each was asked for.
    ids : sequence of (int, int), length n_points
        Generation that each was asked for with, and its place there.
    asked_after : sequence of int, length n_points
        How often the optimiser had been told when it asked for each.
    """

    points: FloatArray
    values: FloatArray
    scores: FloatArray
    outcomes: Sequence[Outcome]
    origins: Sequence[Origin] = ()
    ids: Sequence[tuple[int, int]] = ()
    asked_after: Sequence[int] = ()

    def rows(self, numbers: Sequence[int]) -> Told:
        """Return only these evaluations, by their place from 0."""
        rows = list(numbers)
        return Told(
            self.points[rows],
            self.values[rows],
            self.scores[rows],
            *([column[n] for n in rows] if column else () for column in self._columns),
        )

    @property
    def _columns(self) -> tuple[Sequence[Any], ...]:
        return self.outcomes, self.origins, self.ids, self.asked_after


class Optimiser(Protocol):
    """Ask and tell in the unit cube; the constructor takes options and `Problem`.

    The state is a function of the constructor's arguments and of what was told: asking and telling the
    same again gives the same points, bit for bit. Random numbers come from a generator of its own.
    """

    def ask(self) -> Asked:
        """Return the next points; called once before each `tell`, at any time if it was registered for `any_rows`."""

    def tell(self, told: Told) -> None:
        """Take the evaluations of the points that were asked for last, of any if it was registered for `any_rows`."""

    def stop(self) -> str | None:
        """Return why there is nothing more to gain, or None."""

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return what the checkpoint keeps of a generation: any arrays by name, none if there is nothing to keep.

        Figures are drawn of ``mean`` (n_parameters,), ``sigma`` and ``covariance`` (n_parameters, n_parameters).
        """


class Guarded:
    """An optimiser of which the order of asking and telling, the points and the scores are checked, for all methods.

    The start is the first point that is evaluated: if the method itself does not ask for it first, it is asked for
    beside the method's points, and not told to the method.

    Parameters
    ----------
    optimiser : Optimiser
        What is guarded.
    start : ndarray of float, shape (n_parameters,)
        Where the search begins.
    any_rows : bool
        Whether it may be told of any points that it asked for, and asked again before; if not, of all that it asked for
        last, in their order.
    """

    def __init__(self, optimiser: Optimiser, start: FloatArray, *, any_rows: bool = False):
        self._optimiser = optimiser
        self._start = np.asarray(start, dtype=float)
        self._any_rows = any_rows
        # what was asked for and not told yet
        self._open = Asked(np.zeros((0, len(self._start))), ())
        self._asked_before = self._start_is_added = False

    def ask(self) -> Asked:
        """Return the next points; unless any may be told, the same ones again until they are told.

        Raises
        ------
        ValueError
            If the method asks for what is no point of the unit cube.
        """
        if self._any_rows or not self._open.origins:
            asked = self._with_start(_checked(self._optimiser.ask(), len(self._start)))
            self._open = Asked(np.vstack([self._open.points, asked.points]), (*self._open.origins, *asked.origins))
            self._asked_before = True
            return asked
        return Asked(self._open.points.copy(), self._open.origins)

    def tell(self, told: Told) -> None:
        """Take the evaluations of points that were asked for and not told yet.

        Raises
        ------
        ValueError
            If the points are others, a score is not finite, or nothing was asked.
        """
        if not self._open.origins:
            raise ValueError("tell() without ask()")
        if told.scores.shape[0] != len(told.points) or not np.isfinite(told.scores).all():
            raise ValueError("tell() takes one row of finite scores for every point")
        places = self._places_of(told.points)
        origins = [self._open.origins[place] for place in places]
        rest = [place for place in range(len(self._open.origins)) if place not in places]
        self._open = Asked(self._open.points[rest], tuple(self._open.origins[place] for place in rest))
        self._optimiser.tell(self._without_start(replace(told, origins=origins)))

    def stop(self) -> str | None:
        """Return why there is nothing more to gain, or None."""
        return self._optimiser.stop()

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return what the checkpoint keeps of a generation."""
        return self._optimiser.state()

    def _places_of(self, points: FloatArray) -> list[int]:
        """Return the places of points among those that were asked for and not told yet."""
        if not self._any_rows:
            if not same_points(points, self._open.points):
                raise ValueError("tell() got other points than ask() gave")
            return list(range(len(points)))
        places: list[int] = []
        for point in points:
            alike = np.flatnonzero(np.abs(self._open.points - point).max(axis=1) <= TOLERANCE)
            place = next((int(each) for each in alike if each not in places), None)
            if place is None:
                raise ValueError("tell() got a point that ask() did not give, or that was told before")
            places.append(place)
        return places

    def _with_start(self, asked: Asked) -> Asked:
        if self._asked_before or asked.origins[0] is Origin.START:
            return asked
        self._start_is_added = True
        return Asked(np.vstack([self._start, asked.points]), (Origin.START, *asked.origins))

    def _without_start(self, told: Told) -> Told:
        """Return what the method itself asked for."""
        own = [n for n, origin in enumerate(told.origins) if origin is not Origin.START or not self._start_is_added]
        return told if len(own) == len(told.origins) else told.rows(own)


def _checked(asked: Asked, width: int) -> Asked:
    points = np.asarray(asked.points, dtype=float)
    if points.ndim != 2 or points.shape[1] != width or not len(points) or len(asked.origins) != len(points):
        message = f"ask() must give points of shape (n_points, {width}) and the origin of each"
        raise ValueError(f"{message}, got shape {points.shape} and {len(asked.origins)} origins")
    if not ((points >= 0) & (points <= 1)).all():
        raise ValueError("ask() must give points of the unit cube: finite, from 0 to 1")
    return Asked(points, tuple(asked.origins))


def same_points(asked: FloatArray, again: FloatArray) -> bool:
    """Return whether two sets of points are the same except for the rounding of another processor."""
    return asked.shape == again.shape and bool(np.abs(asked - again).max() <= TOLERANCE)
