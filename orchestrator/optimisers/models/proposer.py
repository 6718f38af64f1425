"""Points that a model of the targets' values proposes for each ask, learnt from all that was told."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping

import numpy as np
from threadpoolctl import threadpool_limits

from orchestrator.optimisers.base import Problem, Told
from orchestrator.optimisers.models.calibration import Calibration
from orchestrator.optimisers.models.metric import Metric
from orchestrator.optimisers.models.proposals import Distribution, Search, propose
from orchestrator.optimisers.models.scores import Scales
from orchestrator.optimisers.models.trust import Trust
from orchestrator.optimisers.models.values import FAILED, Data, ValueModel
from orchestrator.records import FloatArray, Outcome

_LOG = logging.getLogger(__name__)
# so many evaluations that did not fail are needed
_FEWEST = 6


class Proposer:
    """Learns from what is told, and proposes points.

    Parameters
    ----------
    problem : Problem
        With the scales of the targets.
    most : int
        So many evaluations are used at most: those nearest to the best one.
    proposals : int, optional
        How many points are proposed for each ask; by default as many as have been worth it.
    """

    def __init__(self, problem: Problem, most: int, proposals: int | None = None):
        self._problem = problem
        self._most = most
        self._scales = Scales(problem.scales)
        self._told: list[Told] = []
        self._trust = Trust(problem.size, proposals)
        self._model: ValueModel | None = None
        self._calibration = Calibration(problem, self._scales)
        # the model that was fitted for the present ask
        self._fitted: tuple[ValueModel, Metric] | None = None

    def proposals(
        self, mean: FloatArray, covariance: FloatArray, serial: int, recorded: FloatArray | None = None
    ) -> FloatArray:
        """Return points for the next ask, shape (number, n_parameters); none if too little is known.

        Parameters
        ----------
        mean : ndarray of float, shape (n_parameters,)
            Of the search distribution in the unit cube.
        covariance : ndarray of float, shape (n_parameters, n_parameters)
            Likewise.
        serial : int
            Number of the ask: with the seed, all that the random numbers depend on.
        recorded : ndarray of float, optional
            In a replay, what was proposed then: the model is fitted as it was, for what it says of the noise, and these
            are returned.
        """
        nothing = np.empty((0, len(self._problem.start))) if recorded is None else recorded
        number, self._fitted = self._trust.proposals, None
        if not number:
            return nothing
        points, values, failed, totals = self._rows()
        if len(points) < self._problem.size or np.count_nonzero(~failed) < _FEWEST:
            return nothing
        rng = np.random.Generator(np.random.Philox(key=[self._problem.seed % 2**64, serial]))
        try:
            # matrices are small: more threads, of which a large node has many, would only wait for each other
            with threadpool_limits(1):
                metric = Metric(covariance, points.mean(axis=0))
                nearest = self._nearest(metric.of(points), totals)
                data = Data(metric.of(points[nearest]), values[nearest], failed[nearest])
                self._model = ValueModel(data, self._scales)
                self._fitted = self._model, metric
                if recorded is not None:
                    return recorded
                search = Search(self._model, metric, Distribution(mean, covariance), points[nearest])
                found = propose(search, number, rng)
        except (np.linalg.LinAlgError, ValueError) as error:
            _LOG.warning("nothing is proposed this time, because the model of the values cannot be fitted: %s", error)
            return nothing
        return found if np.isfinite(found).all() else nothing

    def learn(self, told: Told) -> bool:
        """Take a block of evaluations; return whether the search should begin anew at the best of them."""
        self._told.append(told)
        self._calibration.compare(told, self._fitted)
        return self._trust.learn(told, self.noise)

    @property
    def noise(self) -> float:
        """Standard deviation that the model gives the total score of one point that is evaluated again, 0 if none."""
        return 0.0 if self._model is None else float(np.sqrt(np.nansum(self._model.noise**2)))

    def best(self) -> FloatArray:
        """Return the point of the best evaluation so far."""
        totals = np.concatenate([told.totals for told in self._told])
        return np.asarray(np.concatenate([told.points for told in self._told])[int(np.nanargmin(totals))])

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return what is known before the next block is told, and how the model compares with the last one.

        Returns
        -------
        mapping of str to ndarray of float or float
            ``model_proposals``: with how many the model is trusted; ``model_noise`` (n_targets,), in norms;
            ``model_stalls``; ``model_win``: of the last block that had both proposals and samples; and
            `Calibration.state`.
        """
        noise = np.full(len(self._problem.targets), math.nan) if self._model is None else self._model.noise
        return {
            "model_proposals": float(self._trust.proposals),
            "model_win": self._trust.win,
            "model_stalls": float(self._trust.stalls),
            "model_noise": noise,
            **self._calibration.state(),
        }

    def _rows(self) -> tuple[FloatArray, FloatArray, np.ndarray[tuple[int, ...], np.dtype[np.bool_]], FloatArray]:
        """Return points, values, whether they failed, and totals of what the model may learn from, by their ids."""
        rows = sorted(
            (
                (told.ids[n] if told.ids else (block, n), told, n)
                for block, told in enumerate(self._told)
                for n in told.evaluated
                if told.outcomes[n] is Outcome.OK or told.outcomes[n] in FAILED
            ),
            key=lambda row: row[0],
        )
        points = np.array([told.points[n] for _, told, n in rows]).reshape(len(rows), len(self._problem.start))
        scores = np.array([told.scores[n] for _, told, n in rows]).reshape(len(rows), len(self._problem.targets))
        values = np.array([told.values[n] for _, told, n in rows]).reshape(scores.shape)
        failed = np.array([told.outcomes[n] is not Outcome.OK for _, told, n in rows], dtype=bool)
        return self._problem.snapped(points), self._scales.known(values, scores), failed, scores.sum(axis=1)

    def _nearest(self, points: FloatArray, totals: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
        """Return the rows that are used, in their order."""
        if len(points) <= self._most:
            return np.arange(len(points))
        distances = ((points - points[int(np.nanargmin(totals))]) ** 2).sum(axis=1)
        return np.sort(np.argsort(distances, kind="stable")[: self._most])
