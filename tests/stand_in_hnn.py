"""A stand-in for hnn-core and NEURON, for tests of what the program does with them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HNN_CORE = """
import numpy as np


class JoblibBackend:
    def __init__(self, n_jobs): self.n_jobs = n_jobs
    def __enter__(self): return self
    def __exit__(self, *error): pass


class MPIBackend(JoblibBackend):
    def __init__(self, n_procs, mpi_cmd): self.n_procs = n_procs


class Dipole:
    def __init__(self, times, agg):
        self.times, self.data = times, {"agg": agg, "L2": agg / 4, "L5": agg * 3 / 4}
        self.log = []
    def scale(self, factor):
        for layer in self.data: self.data[layer] = self.data[layer] * factor
        return self
    def smooth(self, window_len):
        for layer in self.data: self.data[layer] = self.data[layer] + window_len
        return self


class Response: pass


class Network:
    def __init__(self, mesh_shape):
        assert isinstance(mesh_shape, tuple)
        self.mesh, self.drives = mesh_shape, {}
        self.gid_ranges = {"evprox1": range(30, 40), "L5_pyramidal": range(30)}
        self.external_drives = {"evprox1": {"event_seed": 2}}
    def write_configuration(self, fname):
        with open(fname, "w") as file: file.write(repr(self.drives))


def small_model(mesh_shape=(10, 10)):
    return Network(mesh_shape)


def simulate_dipole(net, tstop, dt, n_trials):
    times = np.arange(0, tstop + dt / 2, dt)
    net.cell_response = Response()
    net.cell_response.spike_times = [[5.0 + n, 2.0] for n in range(n_trials)]
    net.cell_response.spike_types = [["L5_pyramidal", "evprox1"] for n in range(n_trials)]
    height = net.drives["height"] + net.external_drives["evprox1"]["event_seed"] - 2
    return [Dipole(times, (n + 1) * height * np.ones(times.size)) for n in range(n_trials)]
"""
# the functions of a user's
FITTED = """
def set_params(net, params):
    net.drives["height"] = params["height"]


def other_network(layers):
    import hnn_core
    return hnn_core.small_model((layers, layers))
"""


def install(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let modules ``hnn_core`` and ``neuron`` in a directory be imported, here and by processes that are started."""
    directory.mkdir()
    (directory / "hnn_core.py").write_text(HNN_CORE)
    (directory / "neuron.py").write_text("")
    monkeypatch.syspath_prepend(str(directory))
    monkeypatch.setenv("PYTHONPATH", str(directory))
    for name in [name for name in sys.modules if name.partition(".")[0] in ("hnn_core", "neuron")]:
        monkeypatch.delitem(sys.modules, name)
    # whatever is imported from now on is forgotten at the end
    for name in ("hnn_core", "neuron"):
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, name)
