"""Points that a model of the targets' values proposes for each ask, learnt from all that was told."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController

from orchestrator.optimisers.base import Problem, Told, known_errors
from orchestrator.optimisers.models.archive import rows_of
from orchestrator.optimisers.models.calibration import Calibration
from orchestrator.optimisers.models.metric import Metric
from orchestrator.optimisers.models.proposals import Distribution, ProposalSearch, propose
from orchestrator.optimisers.models.scores import Scales
from orchestrator.optimisers.models.values import Data, ValueModel
from orchestrator.records import FloatArray, Outcome

_LOG = logging.getLogger(__name__)
# so many evaluations that did not fail are needed
_FEWEST = 6


@dataclass(frozen=True)
class _Fitted:
    """A model, in the coordinates of its metric, and the points that it was fitted to."""

    model: ValueModel
    metric: Metric
    points: FloatArray


@dataclass
class _Ask:
    """What an ask is made in: the search distribution, its number, what is in flight, and how many blocks are known."""

    distribution: Distribution
    serial: int
    pending: FloatArray
    blocks: int
    fitted: _Fitted | None = None
    # whether the model cannot be fitted
    failed: bool = False


class Proposer:
    """Learns from what is told, and proposes points.

    The model is fitted when it is needed: in a replay, in which what was proposed is known, it is not.

    Parameters
    ----------
    problem : Problem
        With the scales of the targets.
    most : int
        So many evaluations are used at most: those nearest to the best one.
    """

    def __init__(self, problem: Problem, most: int):
        self._problem = problem
        self._most = most
        self._scales = Scales(problem.scales)
        self._told = [] if problem.known is None else [problem.known]
        self._ask: _Ask | None = None
        self._calibration = Calibration(problem, self._scales)
        # the last block, and the last ask before it was told
        self._last: tuple[Told, _Ask | None] | None = None

    def look(self, mean: FloatArray, covariance: FloatArray, serial: int, pending: FloatArray | None) -> None:
        """Note what the next ask is made in.

        Parameters
        ----------
        mean : ndarray of float, shape (n_parameters,)
            Of the search distribution in the unit cube.
        covariance : ndarray of float, shape (n_parameters, n_parameters)
            Likewise.
        serial : int
            Number of the ask: with the seed, all that the random numbers depend on.
        pending : ndarray of float, shape (n_pending, n_parameters), or None
            Points that are being evaluated.
        """
        nothing = np.empty((0, len(mean)))
        in_flight = nothing if pending is None else pending
        self._ask = _Ask(Distribution(mean, covariance), serial, in_flight, len(self._told))

    def proposals(self, number: int) -> FloatArray:
        """Return points for the ask, shape (number, n_parameters); none if too little is known."""
        nothing = np.empty((0, len(self._problem.start)))
        fitted = self._fit(self._ask) if number else None
        if fitted is None or self._ask is None:
            return nothing
        rng = self._problem.generator(self._ask.serial)
        try:
            # matrices are small: more threads, of which a large node has many, would only wait for each other
            with libraries().limit(limits=1):
                found = propose(self._search(fitted, self._ask), number, rng)
        except (np.linalg.LinAlgError, ValueError) as error:
            _warn(error)
            return nothing
        return found if np.isfinite(found).all() else nothing

    def learn(self, told: Told) -> None:
        """Take a block of evaluations."""
        self._told.append(told)
        self._last, self._ask = (told, self._ask), None

    @property
    def noise(self) -> FloatArray:
        """Standard deviation of the noise of each target in norms, as the model of the last ask has it; NaN if none."""
        fitted = self._fit(self._ask)
        if fitted is None:
            return np.full(len(self._problem.targets), math.nan)
        # near what is wanted, y is the distance over the width
        return fitted.model.noise * fitted.model.scales.width

    def state(self) -> Mapping[str, FloatArray]:
        """Return ``model_noise`` (n_targets,), of the model of the last ask, and `Calibration.state`."""
        if self._last is not None:
            told, ask = self._last
            fitted = self._fit(ask)
            self._calibration.compare(told, None if fitted is None else (fitted.model, fitted.metric))
            self._last = None
        return {"model_noise": self.noise, **self._calibration.state()}

    def _fit(self, ask: _Ask | None) -> _Fitted | None:
        """Return the model of an ask, None if there is none."""
        if ask is None or ask.fitted is not None or ask.failed:
            return None if ask is None else ask.fitted
        points, values, failed, totals, errors = self._rows(ask.blocks)
        if len(points) < self._problem.size or np.count_nonzero(~failed) < _FEWEST:
            return None
        try:
            with libraries().limit(limits=1):
                metric = Metric(ask.distribution.covariance, points.mean(axis=0))
                nearest = self._nearest(metric.of(points), totals)
                known = None if errors is None else errors[nearest]
                data = Data(metric.of(points[nearest]), values[nearest], failed[nearest], known)
                ask.fitted = _Fitted(ValueModel(data, self._scales), metric, points[nearest])
        except (np.linalg.LinAlgError, ValueError) as error:
            _warn(error)
            ask.failed = True
        return ask.fitted

    def _search(self, fitted: _Fitted, ask: _Ask) -> ProposalSearch:
        """Return where proposals are searched for: the model knows of what is pending, as it expects it itself."""
        model = fitted.model
        if len(ask.pending):
            model = model.believing(fitted.metric.of(self._problem.snapped(ask.pending)))
        return ProposalSearch(model, fitted.metric, ask.distribution, fitted.points, ask.pending)

    def _rows(
        self, blocks: int
    ) -> tuple[FloatArray, FloatArray, np.ndarray[tuple[int, ...], np.dtype[np.bool_]], FloatArray, FloatArray | None]:
        """Return points, values, whether they failed, totals and errors of what may be learnt of blocks, by ids."""
        rows = [(self._told[block], n) for block, n in rows_of(self._told[:blocks])]
        points = np.array([told.points[n] for told, n in rows]).reshape(len(rows), len(self._problem.start))
        scores = np.array([told.scores[n] for told, n in rows]).reshape(len(rows), len(self._problem.targets))
        values = np.array([told.values[n] for told, n in rows]).reshape(scores.shape)
        failed = np.array([told.outcomes[n] is not Outcome.OK for told, n in rows], dtype=bool)
        nothing = np.full(scores.shape[1], np.nan)
        told_of = [nothing if told.errors is None else told.errors[n] for told, n in rows]
        errors = known_errors(np.array(told_of).reshape(scores.shape))
        return self._problem.snapped(points), self._scales.known(values, scores), failed, scores.sum(axis=1), errors

    def _nearest(self, points: FloatArray, totals: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
        """Return the rows that are used, in their order."""
        if len(points) <= self._most:
            return np.arange(len(points))
        distances = ((points - points[int(np.nanargmin(totals))]) ** 2).sum(axis=1)
        return np.sort(np.argsort(distances, kind="stable")[: self._most])


@cache
def libraries() -> ThreadpoolController:
    """Return what limits the threads of the libraries that compute; to find them takes milliseconds."""
    return ThreadpoolController()


def _warn(error: Exception) -> None:
    _LOG.warning("nothing is proposed this time, because the model of the values cannot be fitted: %s", error)
