"""What SLURM's commands see of the environment: the user's own settings, and nothing of the job they run in."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, MutableMapping

from orchestrator.config.sections import SlurmSection, is_one_cluster

# of the job that this process runs in; and what changes which jobs SLURM's commands print or end
_PREFIXES = (
    *("SLURM_", "SLURMD_", "SRUN_", "PMI", "PMIX_", "OMPI_", "MPI_LOCAL"),
    *("SQUEUE_", "SCANCEL_", "SACCT_", "SINFO_", "SCONTROL_"),
)
# how SLURM is reached
_KEPT = ("SLURM_CONF", "SLURM_CLUSTERS", "SLURM_JWT")
# the only variables of sbatch that SLURM sets in a job; the others come from the shell that submitted it
_BINDING = re.compile(r"SBATCH_(CPU|MEM)_BIND(_\w+)?")
# what no variable may ask of a job of ours: to have another name or other files, to be an array, to be run again, ...
_NEVER = ("array", "error", "job-name", "no-requeue", "open-mode", "output", "requeue", "signal", "wait")
_MEMORY = ("SBATCH_MEM_PER_NODE", "SBATCH_MEM_PER_CPU", "SBATCH_MEM_PER_GPU")
# variables of options that are not named like these, or that exclude them
_VARIABLES = {
    "array": ("SBATCH_ARRAY_INX",),
    "bb": ("SBATCH_BURST_BUFFER",),
    "clusters": ("SBATCH_CLUSTERS", "SLURM_CLUSTERS"),
    "cpu-freq": ("SBATCH_CPU_FREQ_REQ",),
    **dict.fromkeys(("mem", "mem-per-cpu", "mem-per-gpu"), _MEMORY),
    "switches": ("SBATCH_REQ_SWITCH", "SBATCH_WAIT4SWITCH"),
    "time": ("SBATCH_TIMELIMIT",),
}


def leave_allocation(environment: MutableMapping[str, str] = os.environ) -> dict[str, str]:
    """Remove the variables of the job that this process runs in, and return them.

    A controller inside an allocation with ``--mem-per-cpu`` makes every child with ``--mem`` die, leaked CPU bindings
    slow MPI down, and MPI variables make a NEST without MPI exit. ``SBATCH_*`` variables, such as an account, are
    what a user tells every sbatch, and stay.
    """
    in_job = "SLURM_JOB_ID" in environment
    leaked = [
        name
        for name in environment
        if (name.startswith(_PREFIXES) and name not in _KEPT) or (in_job and _BINDING.fullmatch(name))
    ]
    return {name: environment.pop(name) for name in leaked}


def overruled(options: Collection[str], environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the variables that sbatch must not see, because it prefers them to what a script says.

    Parameters
    ----------
    options : collection of str
        Long names of the options in the script.
    environment : mapping
        The variables that there are.
    """
    names = {variable for option in (*_NEVER, *options) for variable in _variables(option)}
    return sorted(names.intersection(environment))


def inherited(option: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return what a variable tells every sbatch for an option, None if there is none; a key of ours would beat it."""
    return next((environment[name] for name in _variables(option) if environment.get(name)), None)


def _variables(option: str) -> tuple[str, ...]:
    return _VARIABLES.get(option, (f"SBATCH_{option.upper().replace('-', '_')}",))


def with_cluster(slurm: SlurmSection, environment: Mapping[str, str] = os.environ) -> SlurmSection:
    """Return the section with the cluster that the user's environment names, if it names none itself.

    A run notes it, so that whoever continues or cancels the run asks the same cluster.
    """
    named = cluster_named(environment)
    if slurm.cluster is not None or not is_one_cluster(named):
        return slurm
    return slurm.model_copy(update={"extra": {**slurm.extra, "clusters": named}})


def cluster_problem(slurm: SlurmSection, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return what is wrong with the clusters that the user's environment names, None if nothing is."""
    named = cluster_named(environment)
    if slurm.cluster is not None or named is None or is_one_cluster(named):
        return None
    return (
        f"SLURM_CLUSTERS is {named!r}, and jobs are submitted to and watched on one cluster: name it in slurm.extra, "
        "such as extra: {clusters: NAME}"
    )


def cluster_named(environment: Mapping[str, str]) -> str | None:
    """Return the cluster, or clusters, that SLURM's commands are told by the environment; None for their own."""
    return environment.get("SLURM_CLUSTERS") or environment.get("SBATCH_CLUSTERS") or None
