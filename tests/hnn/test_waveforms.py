"""What the benchmarks' emulator of an evoked response is made of is what hnn-core simulates."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.simulators

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def test_simulations_that_share_their_beginning_are_those_of_hnn_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the last bit, whichever of them begins first to differ."""
    from hnn_core import JoblibBackend, jones_2009_model, simulate_dipole  # noqa: PLC0415

    monkeypatch.syspath_prepend(str(BENCHMARKS))
    forks = importlib.import_module("hnn_forks")
    rng = np.random.default_rng(0)
    sets = [forks.as_parameters(rng.random(10)) for _ in range(2)]
    data = np.loadtxt(forks.DATA)
    found = dict(forks.SharedPrefix(0.1, mesh=(3, 3)).simulated(sets))
    for number, parameters in enumerate(sets):
        net = jones_2009_model(mesh_shape=(3, 3))
        forks.set_params()(net, parameters)
        with JoblibBackend(n_jobs=1):
            (dipole,) = simulate_dipole(net, forks.TSTOP, dt=0.1, n_trials=1, verbose=False)
        assert np.array_equal(found[number], dipole.scale(3000).smooth(30).data["agg"])
        assert forks.rmse(dipole.times, found[number], data) > 20


def test_the_kept_waveforms_have_the_errors_that_are_kept() -> None:
    with np.load(BENCHMARKS / "data" / "hnn_waveforms.npz") as kept:
        times, waveforms, errors = kept["times"], kept["waveforms"], kept["rmse"]
    data = np.loadtxt(BENCHMARKS.parent / "examples" / "hnn_evoked_response" / "S1_SupraT.txt")
    again = [np.sqrt(np.mean((np.interp(data[:, 0], times, each) - data[:, 1]) ** 2)) for each in waveforms]
    # hnn-core compares one sample less, resampled by Fourier's method
    np.testing.assert_allclose(again, errors, rtol=0.02)
