"""The test bed HNN: hnn-core's evoked response without NEURON, from waveforms of real simulations.

Gaussian processes interpolate the principal components of data/hnn_waveforms.npz, which `hnn_waveforms.py` makes. What
they cannot explain of the simulations is as jagged here: each component has a sum of waves of its own, with its spread.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from beds import Interpolation
from traces import Rmse, TraceBed

from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.records import FloatArray

WAVEFORMS = Path(__file__).parent / "data" / "hnn_waveforms.npz"
DATA = Path(__file__).parents[1] / "examples" / "hnn_evoked_response" / "S1_SupraT.txt"
# share of the waveforms' variance that the components have
_EXPLAINED = 0.995
# distance in the cube over which the unexplained part changes, and number of its waves
_LENGTH, _WAVES = 0.15, 200


class Emulator:
    """Waveforms at the times of the data.

    Attributes
    ----------
    bounds : mapping of str to (float, float)
        Of the ten parameters.
    data : ndarray of float, shape (n_times,)
        The measured dipole in nAm.
    """

    def __init__(self) -> None:
        with np.load(WAVEFORMS) as kept:
            points, waveforms, times = (kept[name] for name in ("points", "waveforms", "times"))
            self.bounds = dict(zip(kept["names"].tolist(), kept["bounds"].tolist(), strict=True))
        at, self.data = np.loadtxt(DATA).T
        known = np.array([np.interp(at, times, each) for each in waveforms])
        self._mean = known.mean(axis=0)
        _, lengths, self._components = np.linalg.svd(known - self._mean, full_matrices=False)
        kept_shares = np.cumsum(lengths**2) / np.sum(lengths**2)
        self._components = self._components[: int(np.argmax(kept_shares > _EXPLAINED)) + 1]
        amounts = (known - self._mean) @ self._components.T
        self._smooth = [Interpolation(points, column) for column in amounts.T]

    def waveforms(self, points: FloatArray, number: int) -> FloatArray:
        """Return waveforms in nAm, shape (n_points, n_times).

        Parameters
        ----------
        points : ndarray of float, shape (n_points, n_parameters)
            In the unit cube.
        number : int
            Seed of the jagged part.
        """
        rng = np.random.default_rng([number, 3])
        amounts = []
        for smooth in self._smooth:
            waves = rng.standard_normal((points.shape[1], _WAVES)) / _LENGTH
            jagged = np.sqrt(2 / _WAVES) * np.cos(points @ waves + rng.uniform(0, 2 * np.pi, _WAVES)).sum(axis=1)
            amounts.append(smooth(points) + smooth.noise * jagged)
        return np.asarray(self._mean + np.stack(amounts, axis=1) @ self._components)


class Hnn(TraceBed):
    """The dipole of jones_2009_model, compared with the data by its root mean square error in nAm.

    Parameters
    ----------
    number : int
        Seed of the jagged part.
    """

    norm = 1.0

    def __init__(self, number: int):
        self._number, self._emulator = number, _emulator()
        self.space = SearchSpace([Parameter(name, *each) for name, each in self._emulator.bounds.items()])
        self.vectors = {0: Rmse(self._emulator.data)}

    def outputs(self, points: FloatArray) -> dict[int, FloatArray]:
        """Return the dipole at the times of the data, in nAm."""
        return {0: self._emulator.waveforms(points, self._number)}

    def start(self, seed: int) -> FloatArray:
        """Return the middle of the ranges, as hnn-core begins."""
        return np.full(len(self._emulator.bounds), 0.5)


@cache
def _emulator() -> Emulator:
    return Emulator()
