"""Keeps the environment of the controller's own SLURM job out of the jobs that it submits."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

_PREFIXES = ("SLURM_", "SBATCH_", "SRUN_", "SLURMD_", "SQUEUE_", "SCANCEL_", "PMI", "PMIX_", "OMPI_", "MPI_LOCAL")
_KEPT = ("SLURM_CONF", "SLURM_CLUSTERS")


def leave_allocation(environment: MutableMapping[str, str] = os.environ) -> dict[str, str]:
    """Remove the variables of the job that this process runs in, and return them.

    A controller inside an allocation with ``--mem-per-cpu`` makes every child with ``--mem`` die, leaked CPU bindings
    slow MPI down, and MPI variables make a NEST without MPI exit.
    """
    leaked = [name for name in environment if name.startswith(_PREFIXES) and name not in _KEPT]
    return {name: environment.pop(name) for name in leaked}
