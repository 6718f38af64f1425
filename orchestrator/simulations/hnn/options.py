"""The section ``simulation`` of a network of hnn-core."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any, ClassVar

from pydantic import Field

from orchestrator.config.section import CIRCUMSTANCE, Reference
from orchestrator.simulations.options import TrialOptions


class HNNOptions(TrialOptions):
    """A network of hnn-core whose drives and connections ``set_params(net, params)`` sets."""

    stand_ins: ClassVar[dict[str, object]] = {"network": "missing:missing", "set_params": "missing:missing", "tstop": 1}
    seed_example: ClassVar[str] = "event_seed: 1"
    trials_need_seeds: ClassVar[bool] = False

    type: str = Field("hnn", description="name of the kind of simulation, or file.py:Class for one of your own")
    network: Reference = Field(
        description="module:function that returns the network without what is fitted: one of hnn-core's, such as "
        "hnn_core:jones_2009_model, or your own, importable from the model directory"
    )
    network_arguments: dict[str, Any] = Field(
        default_factory=dict,
        description="named arguments of that function, such as mesh_shape: [3, 3]; lists become tuples",
    )
    set_params: Reference = Field(
        description="module:function set_params(net, params) as hnn-core's Optimizer takes it, importable from the "
        "model directory; params are the parameters and what seeds names"
    )
    tstop: float = Field(gt=0, description="duration of a trial in ms")
    dt: float = Field(0.025, gt=0, description="time step of NEURON in ms")
    trials: int = Field(
        1,
        ge=1,
        description="trials of each simulation, each with other times of its drives' events, which hnn-core makes of "
        "event_seed; what they leave is averaged as each target says",
    )
    scale: float = Field(1.0, description="factor of the dipole moments")
    smooth: float = Field(0.0, ge=0, description="length in ms of the Hamming window that smooths them, 0 for none")
    n_procs: int = Field(
        1,
        ge=1,
        description="MPI processes of a simulation on its node, started by hnn-core",
        json_schema_extra=CIRCUMSTANCE,
    )
    mpi_command: str = Field(
        "mpiexec", min_length=1, description="program that starts them", json_schema_extra=CIRCUMSTANCE
    )

    @property
    def cores(self) -> int:
        """Cores of this machine that one simulation takes."""
        return self.n_procs

    @property
    def arguments(self) -> dict[str, Any]:
        """The named arguments of the network's function, lists as the tuples that hnn-core insists on."""
        return {name: tuple(each) if isinstance(each, list) else each for name, each in self.network_arguments.items()}


def missing_packages(options: HNNOptions) -> str | None:
    """Return what this Python lacks for such simulations, with the command that installs it; None if nothing."""
    needed = {"hnn_core": "hnn-core", "neuron": "NEURON"}
    if options.n_procs > 1:
        needed |= {"mpi4py": "mpi4py"}
    missing = [name for module, name in needed.items() if importlib.util.find_spec(module) is None]
    if not missing:
        return None
    what, name = ("mpi4py",) * 2 if missing == ["mpi4py"] else ("the extra hnn", "'mozaik-orchestrator[hnn]'")
    return (
        f"{sys.executable}, with which the jobs run, has no {' and no '.join(missing)}. Install {what}: "
        f"{sys.executable} -m pip install {name}"
    )
