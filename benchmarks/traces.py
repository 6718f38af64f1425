"""Test beds whose values are computed from traces: a linear cell, and responses to a drive, smooth and jagged ones.

CELL     2 parameters, 40 samples of a linear neuron under two currents; it can be fitted exactly
EVOKED   10 parameters, 105 samples of a response to a drive; nothing depends on the parameters in the first 70 ms, and
         ripples are finer than any model can learn
SMOOTH   the same without ripples
HNN      10 parameters, 105 samples: waveforms of hnn-core's evoked response, interpolated (`hnn_bed.py`)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from orchestrator.optimisers import Problem, Told
from orchestrator.optimisers.base import Scale
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.records import FloatArray, Origin, Outcome

MAX_SCORE = 20.0
# of the amplitudes of EVOKED, in nAm
_RIPPLES = 8.0


@dataclass(frozen=True)
class Rmse:
    """Root mean square of the difference from data.

    Parameters
    ----------
    data : ndarray of float, shape (n_samples,)
        What is wanted.
    """

    data: FloatArray

    def values(self, outputs: FloatArray) -> FloatArray:
        """Return it, shape (n_points,)."""
        return np.asarray(np.linalg.norm(self.residuals(outputs), axis=1))

    def residuals(self, outputs: FloatArray) -> FloatArray:
        """Return differences whose norm it is, shape (n_points, n_samples)."""
        return np.asarray((outputs - self.data) / np.sqrt(len(self.data)))


class TraceBed(ABC):
    """Targets that are each a root mean square of a part of a trace.

    Attributes
    ----------
    space : SearchSpace
        The parameters.
    vectors : mapping of int to Rmse
        The targets.
    norm : float
        Difference that scores 1.
    """

    space: SearchSpace
    vectors: dict[int, Rmse]
    norm: float

    @abstractmethod
    def outputs(self, points: FloatArray) -> dict[int, FloatArray]:
        """Return the trace of every target, shape (n_points, n_samples)."""

    @abstractmethod
    def start(self, seed: int) -> FloatArray:
        """Return where a search begins, shape (n_parameters,)."""

    def losses(self, points: FloatArray) -> FloatArray:
        """Return the sum of the values, shape (n_points,)."""
        found = self.outputs(points)
        return np.asarray(sum(self.vectors[target].values(found[target]) for target in self.vectors))

    def told(self, points: FloatArray, origins: tuple[Origin, ...]) -> Told:
        """Return what an optimiser is told of points."""
        outputs = self.outputs(points)
        values = np.stack([self.vectors[target].values(outputs[target]) for target in self.vectors], axis=1)
        far = values / self.norm
        excess = np.maximum(far / MAX_SCORE - 1, 0)
        scores = np.minimum(far, MAX_SCORE * (1 + 0.05 * excess / (excess + 100)))
        return Told(points, values, scores, [Outcome.OK] * len(points), origins, outputs=outputs)

    def problem(self, seed: int, size: int, sigma: float) -> Problem:
        """Return what an optimiser is given."""
        return Problem(
            start=self.start(seed),
            steps=self.space.steps,
            sigma=sigma,
            size=size,
            seed=seed,
            targets=[f"target {target}" for target in self.vectors],
            scales=[Scale(0.0, 0.0, self.norm, MAX_SCORE) for _ in self.vectors],
            space=self.space,
            vectors=self.vectors,
        )


class Cell(TraceBed):
    """dr/dt = -a r + b I(t), r(0) = 0, with two steps of current I; a and b from -1 to 10 and -10 to 10.

    Where a is negative r grows without bounds. The wanted trace is that of a = 0.8 and b = 2.
    """

    norm = 1.0

    def __init__(self) -> None:
        self.space = SearchSpace([Parameter("a", -1, 10), Parameter("b", -10, 10)])
        wanted = self.outputs(self.space.encode({"a": 0.8, "b": 2.0})[None])
        self.vectors = {target: Rmse(trace[0]) for target, trace in wanted.items()}

    def outputs(self, points: FloatArray) -> dict[int, FloatArray]:
        """Return r at 20 times, for each of two currents."""
        parameters = [self.space.decode(point) for point in points]
        a, b = (np.array([each[name] for each in parameters])[:, None] for name in ("a", "b"))
        times = np.linspace(0.25, 5, 20)
        a = np.where(np.abs(a) < 1e-9, 1e-9, a)
        response = b * -np.expm1(-a * times) / a
        late = b * np.where(times > 2.5, -np.expm1(-a * np.maximum(times - 2.5, 0)) / a, 0.0)
        return {0: response, 1: 3 * late - response}

    def start(self, seed: int) -> FloatArray:
        """Return any point."""
        return np.random.default_rng([seed, 5]).uniform(0.05, 0.95, 2)


class Evoked(TraceBed):
    """A fixed response, and bumps of which amplitudes, latencies and widths depend on the parameters.

    Parameters are four weights of fast and four of slow synapses from 0 to 1, and mean and standard deviation of the
    time of a drive, 100 to 120 and 2 to 30 ms. Weights act together, on a logarithmic scale, and saturate. Data are
    the response to other parameters, and what no parameters give.

    Parameters
    ----------
    number : int
        Seed of the landscape.
    ripples : float
        Their amplitude, in nAm.
    """

    norm = 2.0

    def __init__(self, number: int, ripples: float):
        rng = np.random.default_rng([number, 2])
        names = [f"{kind}_{place}" for kind in ("ampa", "nmda") for place in ("L2b", "L2p", "L5b", "L5p")]
        weights = [Parameter(name, 0.0, 1.0) for name in names]
        self.space = SearchSpace([*weights, Parameter("mu", 100, 120), Parameter("sigma", 2, 30)])
        self._times = np.linspace(0, 173.3, 105)
        bumps = 7
        self._ripples = ripples
        self._mixing = rng.standard_normal((bumps, 8)) * (rng.random((bumps, 8)) < 0.5)
        self._second = rng.standard_normal((bumps, 8)) * (rng.random((bumps, 8)) < 0.4)
        self._shift, self._height = rng.uniform(-0.5, 0.5, bumps), rng.uniform(50, 120, bumps)
        self._delay, self._width = np.sort(rng.uniform(-5, 45, bumps)), rng.uniform(3, 9, bumps)
        self._rippled = rng.standard_normal((bumps, 10))
        self._phase = rng.uniform(0, 2 * np.pi, bumps)
        solution = rng.uniform(0.1, 0.9, (1, 10))
        wanted = self.outputs(solution)[0][0]
        early = 45 * np.sin(self._times / 11) * np.exp(-(((self._times - 35) / 18) ** 2))
        never = 15 * np.sin(self._times / 5 + rng.uniform(0, 6)) * (self._times > 70)
        self.vectors = {0: Rmse(wanted + early + never)}

    def outputs(self, points: FloatArray) -> dict[int, FloatArray]:
        """Return the response, 105 samples from 0 to 173.3 ms, in nAm."""
        weights, drive = np.log(0.05 + points[:, :8]) + 1.2, points[:, 8:]
        first, second = weights @ self._mixing.T + self._shift, weights @ self._second.T
        ripples = self._ripples * np.sin(2 * np.pi * 3 * (points @ self._rippled.T) / np.sqrt(10) * 2 + self._phase)
        height = self._height * np.tanh(0.7 * first) * (0.6 + 0.4 * np.tanh(second)) + ripples
        latency = (100 + 20 * drive[:, :1]) + self._delay - 6 * np.tanh(second) + 0.08 * ripples
        width = np.sqrt(self._width**2 + (0.35 * (2 + 28 * drive[:, 1:])) ** 2)
        height = height * self._width / width
        bumps = height[:, :, None] * np.exp(-0.5 * ((self._times - latency[:, :, None]) / width[:, :, None]) ** 2)
        fixed = 12 * np.exp(-(((self._times - 45) / 12) ** 2))
        return {0: fixed + bumps.sum(axis=1) * (self._times > 70)}

    def start(self, seed: int) -> FloatArray:
        """Return the middle of the ranges."""
        return np.full(10, 0.5)


def trace_bed_of(name: str, seed: int) -> TraceBed:
    """Return a bed by its name; each seed has a landscape of its own, if there are several."""
    if name == "HNN":
        from hnn_bed import Hnn  # noqa: PLC0415  (which is made of the classes above)

        return Hnn(seed)
    return Cell() if name == "CELL" else Evoked(seed, _RIPPLES if name == "EVOKED" else 0.0)


TRACE_NAMES = ("CELL", "EVOKED", "SMOOTH", "HNN")
