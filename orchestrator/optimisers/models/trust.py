"""How far a model is trusted: by what its proposals were worth, and by whether the search makes progress."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from orchestrator.optimisers.base import Told
from orchestrator.records import FloatArray

# share of the pairs of a proposal and a sample in which the proposal is better: below the one the model is trusted
# less, above the other more
_POOR, _GOOD = 0.5, 0.65
# so many proposals at most: the time that they take grows with their number
_MOST = 64
# so many blocks without progress are a stall
_PATIENCE = 16


class Trust:
    """Says how many of the points that are asked for are the model's.

    Parameters
    ----------
    size : int
        Points that are asked for at once.
    fixed : int, optional
        Proposals of every ask; by default half of them at first, then as many as they were worth.

    Attributes
    ----------
    win : float
        Share of the pairs of a proposal and a sample in which the proposal was better, in the last block that had
        both; NaN before.
    stalls : int
        How often the search has stalled: after the first time a quarter is proposed at most, after the second nothing.
    best : ndarray of float, shape (n_parameters,)
        Point of the best evaluation so far, once there is one.
    """

    def __init__(self, size: int, fixed: int | None = None):
        self._own = max(1, math.ceil(size / 4))
        self._most = min(size - self._own, _MOST)
        self._fixed = fixed
        self._number = min(math.ceil(size / 2), self._most)
        self._least = math.inf
        # the least total when there was progress last, and blocks since then
        self._progress, self._blocks_since = math.inf, 0
        self.win = math.nan
        self.stalls = 0
        self.best: FloatArray = np.empty(0)

    @property
    def proposals(self) -> int:
        """How many points of the next ask are the model's."""
        if self.stalls > 1:
            return 0
        most = self._most if self.stalls == 0 else min(self._own, self._most)
        return min(self._number if self._fixed is None else self._fixed, most)

    def state(self) -> Mapping[str, float]:
        """Return ``model_proposals``, ``model_win`` and ``model_stalls``."""
        return {
            "model_proposals": float(self.proposals),
            "model_win": self.win,
            "model_stalls": float(self.stalls),
        }

    def learn(self, told: Told, noise: float) -> bool:
        """Take a block of evaluations; return whether the search has stalled for the first time.

        A block without a proposal says nothing of the model.

        Parameters
        ----------
        told : Told
            The block.
        noise : float
            Standard deviation of the total score of one point that is evaluated again and again.
        """
        if not told.evaluated:
            return False
        totals = told.totals[told.evaluated]
        proposed = np.isin(told.evaluated, told.proposed)
        if totals.min() < self._least:
            self._least = float(totals.min())
            self.best = told.points[told.evaluated[int(np.argmin(totals))]]
        if not proposed.any():
            return False
        self._compare(totals[proposed], totals[~proposed])
        self._blocks_since += 1
        if self._least < self._progress - (noise if math.isfinite(self._progress) else 0.0):
            self._progress, self._blocks_since = self._least, 0
        if self._blocks_since < _PATIENCE or self.stalls > 1:
            return False
        self.stalls, self._blocks_since = self.stalls + 1, 0
        return self.stalls == 1

    def _compare(self, proposed: FloatArray, sampled: FloatArray) -> None:
        if not len(proposed) or not len(sampled):
            return
        self.win = win_share(proposed, sampled)
        if self.win < _POOR:
            self._number = max(1, self._number // 2)
        elif self.win > _GOOD:
            self._number = min(2 * self._number, self._most)


def win_share(proposed: FloatArray, sampled: FloatArray) -> float:
    """Return in which share of the pairs of a proposal and a sample the proposal is better; equal ones are half.

    Parameters
    ----------
    proposed, sampled : ndarray of float, shape (n_proposals,) or (n_samples,)
        Total scores of a block.

    Returns
    -------
    float
        NaN if there is no pair.
    """
    difference = sampled[None, :] - proposed[:, None]
    return float(np.mean((difference > 0) + 0.5 * (difference == 0))) if difference.size else math.nan
