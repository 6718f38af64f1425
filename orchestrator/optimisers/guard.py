"""The order of asking and telling, the points and the scores are checked here for all optimisers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from orchestrator.optimisers.base import TOLERANCE, Asked, Optimiser, Told, same_points
from orchestrator.records import FloatArray, Origin


class Guarded:
    """An optimiser whose points and scores are checked, and which evaluates the start first.

    If the method itself does not ask for the start first, it is asked for beside the method's points, and not told to
    the method. The method is told of points bit for bit as it has asked for them.

    Parameters
    ----------
    optimiser : Optimiser
        What is guarded.
    start : ndarray of float, shape (n_parameters,)
        Where the search begins.
    any_rows : bool
        Whether the method may be asked again before it was told, and told of any points that it has asked for;
        otherwise it is told of exactly those that it asked for last.
    proposes : bool
        Whether a model of the method may propose points.
    """

    def __init__(self, optimiser: Optimiser, start: FloatArray, *, any_rows: bool = False, proposes: bool = False):
        self._optimiser = optimiser
        self._start = np.asarray(start, dtype=float)
        self._any_rows = any_rows
        self._proposes = proposes
        # what was asked last, and all points that were asked for and not told yet
        self._asked: Asked | None = None
        self._open = np.empty((0, len(self._start)))
        self._first = True
        self._start_is_added = False

    def ask(self, recorded: Asked | None = None, pending: FloatArray | None = None) -> Asked:
        """Return the next points; the same ones again until they are told, unless the method takes any rows.

        Parameters
        ----------
        recorded, pending
            As for `Optimiser.ask`.

        Raises
        ------
        ValueError
            If the method asks for what is no point of the unit cube.
        """
        if self._asked is None or self._any_rows:
            asked = self._optimiser.ask(recorded, pending) if self._proposes else self._optimiser.ask()
            self._asked = self._with_start(_checked(asked, len(self._start)))
            self._open = np.vstack([self._open, self._asked.points])
        return Asked(self._asked.points.copy(), self._asked.origins)

    def tell(self, told: Told) -> None:
        """Take evaluations.

        Raises
        ------
        ValueError
            If the points are others than those that were asked, or were told already; if a score is not finite, unless
            all scores of its point are NaN, which was not evaluated then; if there is not a row of outputs, or of
            standard errors, for each.
        """
        if self._asked is None:
            raise ValueError("tell() without ask()")
        if len(told.scores) != len(told.points) or not np.isfinite(told.scores[told.evaluated]).all():
            raise ValueError("tell() takes one row of finite scores, or of NaN, for every point")
        if any(rows.ndim != 2 or len(rows) != len(told.points) for rows in told.outputs.values()):
            raise ValueError("tell() takes one row of outputs, or of NaN, for every point")
        if told.errors is not None and told.errors.shape != told.values.shape:
            raise ValueError("tell() takes one row of standard errors, or of NaN, for every point")
        if self._any_rows:
            told = replace(told, points=self._taken(told.points))
        else:
            if not same_points(told.points, self._asked.points):
                raise ValueError("tell() got other points than ask() gave")
            told = replace(told, points=self._asked.points, origins=self._asked.origins)
            self._asked, self._open = None, self._open[:0]
        if self._start_is_added and Origin.START in told.origins:
            told = told.without(list(told.origins).index(Origin.START))
            self._start_is_added = False
        if len(told.points):
            self._optimiser.tell(told)

    def stop(self) -> str | None:
        """Return why there is nothing more to gain, or None."""
        return self._optimiser.stop()

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return what the checkpoint keeps of a generation."""
        return self._optimiser.state()

    def close(self) -> None:
        """Let the method end what it has begun, such as processes; one that has nothing to end has no ``close``."""
        close = getattr(self._optimiser, "close", None)
        if close is not None:
            close()

    def _taken(self, points: FloatArray) -> FloatArray:
        """Return points as they were asked for; they are open no more."""
        rest, rows = self._open, []
        for point in points:
            off = np.abs(rest - point).max(axis=1, initial=0.0)
            nearest = int(np.argmin(off)) if len(rest) else 0
            if not len(rest) or not off[nearest] <= TOLERANCE:
                raise ValueError("tell() got other points than ask() gave, or one of them twice")
            rows.append(rest[nearest])
            rest = np.delete(rest, nearest, axis=0)
        self._open = rest
        return np.array(rows).reshape(points.shape)

    def _with_start(self, asked: Asked) -> Asked:
        if not self._first:
            return asked
        self._first = False
        if asked.origins[0] is Origin.START:
            return asked
        self._start_is_added = True
        return Asked(np.vstack([self._start, asked.points]), (Origin.START, *asked.origins))


def _checked(asked: Asked, width: int) -> Asked:
    points = np.asarray(asked.points, dtype=float)
    if points.ndim != 2 or points.shape[1] != width or not len(points) or len(asked.origins) != len(points):
        message = f"ask() must give points of shape (n_points, {width}) and the origin of each"
        raise ValueError(f"{message}, got shape {points.shape} and {len(asked.origins)} origins")
    if not ((points >= 0) & (points <= 1)).all():
        raise ValueError("ask() must give points of the unit cube: finite, from 0 to 1")
    return Asked(points, tuple(asked.origins))
