"""Many simulations of hnn-core's evoked response that share what comes before the fitted drive's first event.

The network is built once. It runs to just before the first event that a parameter set has, is forked, and the child
sets that set's weights, queues its events and simulates the rest. The dipole is that of ``simulate_dipole``, to the
last bit; `benchmarks/hnn_waveforms.py` checks it of its first.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from orchestrator.records import FloatArray

EXAMPLE = Path(__file__).parents[1] / "examples" / "hnn_evoked_response"
DATA = EXAMPLE / "S1_SupraT.txt"
WEIGHTS = [
    f"evprox2_{sort}_{cell}"
    for sort in ("ampa", "nmda")
    for cell in ("L2_basket", "L2_pyramidal", "L5_basket", "L5_pyramidal")
]
BOUNDS = {**dict.fromkeys(WEIGHTS, (0.01, 1.0)), "evprox2_mu": (100.0, 120.0), "evprox2_sigma": (2.0, 30.0)}
TSTOP = float(np.loadtxt(DATA)[-1, 0])
SCALE, SMOOTH = 3000.0, 30.0
_SHORT = {"L2Basket": "L2_basket", "L2Pyr": "L2_pyramidal", "L5Basket": "L5_basket", "L5Pyr": "L5_pyramidal"}


def set_params() -> Callable[[Any, Mapping[str, float]], None]:
    """Return the example's function."""
    spec = importlib.util.spec_from_file_location("evoked", EXAMPLE / "evoked.py")
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module.set_params  # type: ignore[no-any-return]


def as_parameters(point: FloatArray) -> dict[str, float]:
    """Return the parameters of a point of the unit cube, shape (10,)."""
    return {name: low + (high - low) * float(u) for u, (name, (low, high)) in zip(point, BOUNDS.items(), strict=True)}


def rmse(times: FloatArray, dipole: FloatArray, data: FloatArray) -> float:
    """Return the error in nAm as hnn-core has it.

    Parameters
    ----------
    times, dipole : ndarray of float, shape (n_samples,)
        In ms and nAm.
    data : ndarray of float, shape (n_times, 2)
        Time in ms and dipole moment in nAm.
    """
    from hnn_core.dipole import Dipole, _rmse  # noqa: PLC0415  (seconds)

    measured = Dipole(data[:, 0], np.column_stack([data[:, 1]] * 3))
    return float(_rmse(Dipole(times, np.column_stack([dipole] * 3)), measured, tstop=TSTOP))


class SharedPrefix:
    """The network with the drives that are not fitted, in NEURON.

    Parameters
    ----------
    dt : float
        Time step in ms.
    mesh : tuple of int
        Of pyramidal cells; hnn-core's default is (10, 10).
    """

    def __init__(self, dt: float, mesh: tuple[int, int] = (10, 10)):
        import hnn_core.network_builder as builder  # noqa: PLC0415  (seconds)
        from hnn_core import jones_2009_model  # noqa: PLC0415

        self.dt, self._network = dt, lambda: jones_2009_model(mesh_shape=mesh)
        self._set_params = set_params()
        net = self._prepared({**dict.fromkeys(WEIGHTS, 1.0), "evprox2_mu": 110.0, "evprox2_sigma": 10.0})
        self._first_gid = net.gid_ranges["evprox2"][0]
        net.external_drives["evprox2"]["events"] = [[[] for _ in net.gid_ranges["evprox2"]]]
        with contextlib.redirect_stdout(io.StringIO()):
            self._built = builder.NetworkBuilder(net, trial_idx=0)
        self._h, self._pc = builder.h, builder._PC
        # weight of each connection for a weight of 1, which falls with the distance
        self._fitted = [
            (_name_of(name), each, each.weight[0])
            for name, found in self._built.ncs.items()
            if name.startswith("evprox2_")
            for each in found
        ]
        h = self._h
        h.load_file("stdrun.hoc")
        h.tstop, h.dt, h.celsius = TSTOP, dt, net._params["celsius"]
        self._times = h.Vector().record(h._ref_t)
        self._pc.set_maxstep(10)
        h.finitialize()
        h.fcurrent()

    def _prepared(self, parameters: Mapping[str, float]) -> Any:
        net = self._network()
        self._set_params(net, parameters)
        net._instantiate_drives(n_trials=1, tstop=TSTOP)
        net._reset_rec_arrays()
        net._params |= {"record_vsec": False, "record_isec": False, "record_ca": False}
        net._verbose, net._tstop, net._dt = False, TSTOP, self.dt
        return net

    def simulated(self, sets: Sequence[Mapping[str, float]]) -> Iterator[tuple[int, FloatArray]]:
        """Yield the number of each set, in the order of their first events, and the processed dipole."""
        events = [self._prepared(each).external_drives["evprox2"]["events"][0] for each in sets]
        first = [min(t for times in each for t in times) for each in events]
        for number in np.argsort(first):
            until = (int(first[number] / self.dt) - 1) * self.dt
            if until > self._h.t:
                self._pc.psolve(until)
            yield int(number), self._forked(sets[number], events[number])

    def _forked(self, parameters: Mapping[str, float], events: Sequence[Sequence[float]]) -> FloatArray:
        receiver, sender = os.pipe()
        if (child := os.fork()) == 0:
            try:
                with os.fdopen(sender, "wb") as pipe:
                    pipe.write(self._rest(parameters, events).tobytes())
            finally:
                sys.stderr.flush()
                os._exit(0)
        os.close(sender)
        with os.fdopen(receiver, "rb") as pipe:
            received = pipe.read()
        os.waitpid(child, 0)
        if not received:
            raise RuntimeError(f"the simulation of {dict(parameters)} has failed")
        return np.frombuffer(received)

    def _rest(self, parameters: Mapping[str, float], events: Sequence[Sequence[float]]) -> FloatArray:
        for name, connection, weight in self._fitted:
            connection.weight[0] = parameters[name] * weight
            for time in events[int(connection.srcgid()) - self._first_gid]:
                connection.event(time + connection.delay)
        from hnn_core.parallel_backends import _gather_trial_data  # noqa: PLC0415

        self._pc.psolve(TSTOP)
        self._built.aggregate_data(n_samples=self._times.size())
        cells = [each.as_numpy() for each in self._built._nrn_dipoles.values()]
        trial: dict[str, Any] = {key: [] for key in ("spike_times", "spike_gids")}
        trial |= {key: {} for key in ("vsec", "isec", "ca", "rec_data", "rec_times")}
        trial |= {"times": np.array(self._times), "dpl_data": np.column_stack([np.sum(cells, axis=0), *cells])}
        (dipole,) = _gather_trial_data([trial], self._built.net, 1, postproc=False)
        return np.asarray(dipole.scale(SCALE).smooth(SMOOTH).data["agg"])


def _name_of(connections: str) -> str:
    """Return the parameter of NEURON's connections of one sort, which hnn-core calls ``evprox2_L2Basket_ampa``."""
    drive, cell, receptor = connections.rsplit("_", 2)
    return f"{drive}_{receptor}_{_SHORT.get(cell, cell)}"
