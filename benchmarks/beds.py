"""Test beds for optimisers: landscapes of many targets' values that cost nothing, and a real network's, emulated.

A20, A37   20 or 37 parameters, 20 or 24 targets, smooth
M20        the same with ripples of about one norm
S20        with ripples of about three norms, finer than any model can learn from a few hundred evaluations
NET        8 parameters and 8 targets of a balanced network of 400 + 100 neurons: 376 simulations on NEST
           (data/network.npz), interpolated by Gaussian processes
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache
from pathlib import Path

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

from orchestrator.config.file import load_config
from orchestrator.optimisers import Problem
from orchestrator.optimisers.base import Scale
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.records import FloatArray

MAX_SCORE = 20.0
# parameters, start and targets of the real network
NETWORK = Path(__file__).with_name("network.yaml")
Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


class Bed(ABC):
    """Values of targets in the unit cube.

    Attributes
    ----------
    space : SearchSpace
        Of which some parameters are whole numbers.
    low, high, norm : ndarray of float, shape (n_targets,)
        Wanted interval of each target's value, and the distance from it that scores 1.
    """

    space: SearchSpace
    low: FloatArray
    high: FloatArray
    norm: FloatArray

    @abstractmethod
    def values(self, points: FloatArray) -> tuple[FloatArray, Flags]:
        """Return values without noise, shape (n_points, n_targets), NaN if there is none; and which do not explode."""

    @abstractmethod
    def start(self, seed: int) -> FloatArray:
        """Return where a search begins, shape (n_parameters,); it does not explode."""

    @property
    @abstractmethod
    def noise(self) -> FloatArray:
        """Standard deviation of each value when a simulation is repeated with another seed, shape (n_targets,)."""

    def snapped(self, points: FloatArray) -> FloatArray:
        """Return the points with whole numbers at the middle of their share of the range."""
        return np.array([self.space.encode(self.space.decode(point)) for point in points])

    def simulated(self, points: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, Flags]:
        """Return values as simulations with different seeds would give them, and which do not explode."""
        values, works = self.values(self.snapped(points))
        return values + self.noise * rng.standard_normal(values.shape), works

    def scores(self, values: FloatArray) -> FloatArray:
        """Return the scores of values, shape (n_points, n_targets)."""
        distance = np.maximum(np.maximum(self.low - values, values - self.high), 0) / self.norm
        return np.where(np.isfinite(distance), np.minimum(distance, MAX_SCORE), MAX_SCORE)

    def true_total(self, points: FloatArray) -> FloatArray:
        """Return the total score without noise, shape (n_points,)."""
        return self.scores(self.values(self.snapped(points))[0]).sum(axis=1)

    def problem(self, seed: int, size: int, sigma: float) -> Problem:
        """Return what an optimiser is given."""
        bounds = zip(self.low, self.high, self.norm, strict=True)
        return Problem(
            start=self.start(seed),
            steps=self.space.steps,
            sigma=sigma,
            size=size,
            seed=seed,
            targets=[f"target {n}" for n in range(len(self.low))],
            scales=[Scale(float(low), float(high), float(norm), MAX_SCORE) for low, high, norm in bounds],
            space=self.space,
        )


class Synthetic(Bed):
    """Targets of three forms, an exponential, a line and a tanh of z, around a solution x.

    z = 2.2 W d + 1.5 c . (A d)^2 + r sin(B d), d = u - x: sparse loadings W, curvature A, ripples B. A third of the
    targets is pulled away from what can be reached, rates are wanted in a range, every third tanh is wanted at least
    there. A quarter of the cube explodes; where the first rate is very low, two targets have no value.

    Parameters
    ----------
    n_parameters, n_targets : int
        Its size.
    ripples : float
        r.
    number : int
        Seed of the landscape.
    """

    def __init__(self, n_parameters: int, n_targets: int, ripples: float, number: int):
        # the generator and the order of its numbers are part of the definition of a bed
        rng = np.random.RandomState(1000 * number + n_parameters)
        n, m = n_parameters, n_targets
        self._solution = rng.uniform(0.25, 0.75, n)
        self._loadings = rng.randn(m, n) * (rng.rand(m, n) < 0.4) / np.sqrt(0.4 * n)
        self._curved, self._curvature = rng.randn(m, 2, n) / np.sqrt(n), rng.randn(m, 2)
        self._rippled, self._ripples, self._phase = rng.randn(m, n) / np.sqrt(n), ripples, rng.uniform(0, 6.28, m)
        self._form = np.arange(m) % 3
        self.space = SearchSpace([self._parameter(k, n) for k in range(n)])
        self._explosive = rng.randn(n) / np.sqrt(n)
        sample = rng.rand(4000, n)
        drive = self._drive(sample)
        self._threshold = max(np.quantile(drive, 0.75), 0.15 * drive.std())
        values, wanted = self._values(sample), self._values(self._solution[None])[0]
        self.norm = np.median(np.abs(values - wanted), axis=0) / 6
        target = wanted + self.norm * 1.5 * rng.randn(m) * (rng.rand(m) < 0.3)
        self.low, self.high = target.copy(), target.copy()
        rates = self._form == 0
        self.low[rates] -= self.norm[rates] * 0.5
        self.high[rates] += self.norm[rates] * 0.5
        self.high[np.flatnonzero(self._form == 2)[::3]] = np.inf
        self._noise = self.norm * 0.3 * rng.uniform(0.3, 2, m)
        self._silent = np.quantile(values[:, 0], 0.12)

    @staticmethod
    def _parameter(k: int, n: int) -> Parameter:
        highest = {2: 12, n - 3: 40}.get(k)
        return Parameter(f"p{k}", 0, 1) if highest is None else Parameter(f"p{k}", 1, highest, integer=True)

    @property
    def noise(self) -> FloatArray:
        """A third of a norm, more or less."""
        return np.asarray(self._noise)

    def values(self, points: FloatArray) -> tuple[FloatArray, Flags]:
        """Return values and which do not explode."""
        values, works = self._values(points), self._drive(points) < self._threshold
        values[~works] = np.nan
        values[np.ix_(values[:, 0] < self._silent, [4, 10])] = np.nan
        return values, works

    def start(self, seed: int) -> FloatArray:
        """Return a point anywhere that does not explode."""
        rng = np.random.RandomState(seed + 77)
        while True:
            point = rng.uniform(0.1, 0.9, len(self._solution))
            if self._drive(point[None])[0] < self._threshold:
                return np.asarray(point)

    def _drive(self, points: FloatArray) -> FloatArray:
        distance = points - self._solution
        return np.asarray(distance @ self._explosive + 0.5 * (distance @ self._curved[0, 0]) ** 2)

    def _values(self, points: FloatArray) -> FloatArray:
        distance = points - self._solution
        curved = np.einsum("mkn,in->imk", self._curved, distance) ** 2
        waves = 2 * np.pi * 3 * (distance @ self._rippled.T) * np.sqrt(12) / 2 + self._phase
        z = 2.2 * (distance @ self._loadings.T) + 1.5 * np.einsum("imk,mk->im", curved, self._curvature)
        z += self._ripples * (np.sin(waves) - np.sin(self._phase))
        return np.where(self._form == 0, 5 * np.exp(1.2 * z), np.where(self._form == 1, z, np.tanh(1.2 * z)))


class Network(Bed):
    """The balanced network of ``network.yaml`` with 400 + 100 neurons, by interpolation of real simulations.

    Rate (Hz), CV, synchrony and conductance ratio of the excitatory and of the inhibitory sheet. If half of the
    simulations nearby exploded or had no value, there is none.
    """

    def __init__(self) -> None:
        config = load_config(NETWORK)
        scales = config.problem().scales
        self.space, self._begin = config.space(), config.problem().start
        self.low, self.high, self.norm = (
            np.array([getattr(each, name) for each in scales]) for name in ("low", "high", "norm")
        )
        with np.load(NETWORK.with_name("data") / "network.npz") as data:
            points, values, worked, self._noise = (data[name] for name in ("points", "values", "worked", "noise"))
        self._worked = Interpolation(points, worked.astype(float))
        self._has = [Interpolation(points[worked], np.isfinite(column).astype(float)) for column in values[worked].T]
        self._rates = np.array([0, 4])
        transformed = values.copy()
        transformed[:, self._rates] = np.log(0.05 + values[:, self._rates])
        finite = np.isfinite(transformed)
        self._values = [
            Interpolation(points[rows], column[rows]) for rows, column in zip(finite.T, transformed.T, strict=True)
        ]

    @property
    def noise(self) -> FloatArray:
        """That of 14 repetitions with other seeds."""
        return np.asarray(self._noise)

    def values(self, points: FloatArray) -> tuple[FloatArray, Flags]:
        """Return values and which do not explode."""
        works = self._worked(points) > 0.5
        values = np.stack([each(points) for each in self._values], axis=1)
        values[:, self._rates] = np.maximum(np.exp(values[:, self._rates]) - 0.05, 0)
        values[np.stack([each(points) < 0.5 for each in self._has], axis=1) | ~works[:, None]] = np.nan
        return values, works

    def start(self, seed: int) -> FloatArray:
        """Return where the optimisations on NEST began, moved a little: far too much drive for so little inhibition."""
        rng = np.random.default_rng(seed)
        moved = np.clip(self._begin + 0.03 * rng.standard_normal((200, len(self._begin))), 0, 1)
        return np.asarray(moved[np.argmax(self._worked(moved) > 0.5)])


class Interpolation:
    """A Gaussian process with a Matern kernel of order 3/2 and one length for each parameter (Rasmussen & Williams).

    Parameters
    ----------
    points : ndarray of float, shape (n_data, n_parameters)
        In the unit cube.
    values : ndarray of float, shape (n_data,)
        Finite.

    Attributes
    ----------
    noise : float
        Root mean square error of each value's prediction from all others, in the unit of the values.
    """

    def __init__(self, points: FloatArray, values: FloatArray):
        self._points, self._mean, self._spread = points, values.mean(), values.std() or 1.0
        standard = (values - self._mean) / self._spread
        start = np.log(np.r_[np.full(points.shape[1], 1.0), 0.1])
        limits = [(np.log(0.2), np.log(10.0))] * points.shape[1] + [(np.log(0.01), np.log(1.0))]
        found = minimize(self._loss, start, (standard,), bounds=limits, method="L-BFGS-B", options={"maxiter": 15})
        self._lengths, noise = np.exp(found.x[:-1]), np.exp(found.x[-1])
        kernel = self._kernel(points, self._lengths) + noise * np.eye(len(points))
        self._weights = cho_solve(cho_factor(kernel), standard)
        inverse = cho_solve(cho_factor(kernel), np.eye(len(points)))
        # Rasmussen & Williams, equation 5.12
        self.noise = float(self._spread * np.sqrt(np.mean((self._weights / np.diag(inverse)) ** 2)))

    def __call__(self, points: FloatArray) -> FloatArray:
        """Return the expectation at points, shape (n_points,)."""
        return np.asarray(self._mean + self._spread * self._kernel(points, self._lengths) @ self._weights)

    def _loss(self, logarithms: FloatArray, standard: FloatArray) -> float:
        kernel = self._kernel(self._points, np.exp(logarithms[:-1])) + np.exp(logarithms[-1]) * np.eye(len(standard))
        factor = cho_factor(kernel)
        variance = max(standard @ cho_solve(factor, standard) / len(standard), 1e-12)
        return float(0.5 * len(standard) * np.log(variance) + np.log(np.diag(factor[0])).sum())

    def _kernel(self, points: FloatArray, lengths: FloatArray) -> FloatArray:
        one, other = points / lengths, self._points / lengths
        squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
        distance = np.sqrt(3 * np.maximum(squares, 0))
        return np.asarray((1 + distance) * np.exp(-distance))


@cache
def bed_of(name: str) -> Bed:
    """Return a bed by its name."""
    synthetic = {"A20": (20, 20, 0.0, 1), "S20": (20, 20, 0.25, 2), "M20": (20, 20, 0.08, 2), "A37": (37, 24, 0.0, 3)}
    return Network() if name == "NET" else Synthetic(*synthetic[name])


NAMES = ("A20", "M20", "S20", "A37", "NET")
