"""Computes what a run asks for at most: jobs, node-hours, core-hours."""

from __future__ import annotations

import math
from dataclasses import dataclass

from orchestrator.cluster.partitions import Partition
from orchestrator.config.durations import format_duration
from orchestrator.config.model import Config


@dataclass(frozen=True)
class Costs:
    """An upper bound, lost jobs that are submitted again aside.

    Parameters
    ----------
    jobs : int
        Simulations of the whole run.
    nodes, cores : int
        How many of each one simulation takes.
    nodes_known : bool
        Whether the number of nodes is certain: given, or all on one node.
    seconds : float
        Longest time of a job, in s.
    limit : str
        What sets this time, for people.
    """

    jobs: int
    nodes: int
    cores: int
    nodes_known: bool
    seconds: float
    limit: str

    @property
    def core_hours(self) -> float:
        """Cores times hours of all jobs."""
        return self.jobs * self.cores * self.seconds / 3600

    @property
    def node_hours(self) -> float:
        """Nodes times hours of all jobs."""
        return self.jobs * self.nodes * self.seconds / 3600


def costs(config: Config, partition: Partition | None) -> Costs:
    """Return what the jobs of a run cost if all of them last until their time limit.

    Parameters
    ----------
    config : Config
        Valid.
    partition : Partition or None
        Where the jobs go, as far as it is known: it says how large a node is, and how long a job without a time limit
        of its own may last.
    """
    simulations = config.offspring_size * config.generations * config.simulation.jobs_per_evaluation
    asked, slurm = config.jobs, config.slurm
    if config.executor == "local":
        return Costs(simulations, 1, config.simulation.cores, True, config.timeout, "the generation's timeout")
    per_node = partition.cpus_per_node if partition else None
    cores = asked.ntasks * (asked.cpus_per_task or 1)
    nodes = slurm.nodes or (math.ceil(cores / per_node) if per_node else 1)
    if "exclusive" in slurm.further_options and per_node:
        cores = nodes * per_node
    default = (partition.default_time or partition.max_time) if partition else None
    limits = [(config.timeout, "the generation's timeout")]
    limits += [(asked.time, "jobs.time")] if asked.time else []
    limits += [(default, "the partition's time limit")] if default and not asked.time else []
    seconds, limit = min(limits)
    return Costs(simulations, nodes, cores, bool(slurm.nodes) or cores == 1, seconds, limit)


def job_text(config: Config, found: Costs) -> str:
    """Return what one job asks for, for people."""
    asked, slurm = config.jobs, config.slurm
    if config.executor == "local":
        threads = f"{found.cores} threads each" if found.cores > 1 else "one thread each"
        return f"{config.workers} at once on this machine, {threads}"
    processes = f"{asked.ntasks} processes" if asked.ntasks > 1 else "1 process"
    if asked.cpus_per_task and asked.cpus_per_task > 1:
        processes += f" x {asked.cpus_per_task} cores"
    nodes = f"{slurm.nodes} node{'s' if slurm.nodes > 1 else ''}, " if slurm.nodes else ""
    where = f", partition {slurm.partition}" if slurm.partition else ""
    return f"{nodes}{processes}{f', {asked.mem}' if asked.mem else ''}{where}"


def cost_text(found: Costs) -> str:
    """Return the hours, for people."""
    each = f"{format_duration(found.seconds)} per job, {found.limit}"
    node_hours = f"{_hours(found.node_hours)} node-hours{'' if found.nodes_known else ' on as few nodes as possible'}"
    return f"at most {_hours(found.core_hours)} core-hours, {node_hours} ({each})"


def _hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 10 else f"{hours:.2g}"
