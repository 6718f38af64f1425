"""What a run asks for at most: jobs, node-hours, core-hours, days."""

from __future__ import annotations

import math
from dataclasses import dataclass

from orchestrator.checking.partitions import Partition
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
        That one of them takes.
    nodes_known : bool
        Whether the number of nodes is certain: given, or all on one node.
    seconds : float
        Longest time of a job.
    limit : str
        What sets this time.
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
    """Return what the jobs of a run cost where all of them last until their time limit.

    Parameters
    ----------
    config : Config
        Valid.
    partition : Partition or None
        Where the jobs go, as far as it is known: says how large a node is, and how long a job may last that does not
        say it itself.
    """
    jobs, options = config.offspring_size * config.max_ngen, config.slurm
    if config.executor == "local":
        return Costs(jobs, 1, config.simulation.cores, True, config.timeout, "the generation's timeout")
    per_node = partition.cpus_per_node if partition else None
    cores = options.ntasks * (options.cpus_per_task or 1)
    nodes = options.nodes or (math.ceil(cores / per_node) if per_node else 1)
    if "exclusive" in options.extra and per_node:
        cores = nodes * per_node
    default = (partition.default_time or partition.max_time) if partition else None
    limits = [(config.timeout, "the generation's timeout")]
    limits += [(options.time, "slurm.time")] if options.time else []
    limits += [(default, "the partition's time limit")] if default and not options.time else []
    seconds, limit = min(limits)
    return Costs(jobs, nodes, cores, bool(options.nodes) or cores == 1, seconds, limit)


def job_text(config: Config, found: Costs) -> str:
    """Return what one job asks for, for people."""
    options = config.slurm
    if config.executor == "local":
        threads = f"{found.cores} threads each" if found.cores > 1 else "one thread each"
        return f"{config.workers} at once on this machine, {threads}"
    processes = f"{options.ntasks} processes" if options.ntasks > 1 else "1 process"
    if options.cpus_per_task and options.cpus_per_task > 1:
        processes += f" x {options.cpus_per_task} cores"
    nodes = f"{options.nodes} node{'s' if options.nodes > 1 else ''}, " if options.nodes else ""
    where = f", partition {options.partition}" if options.partition else ""
    return f"{nodes}{processes}{f', {options.mem}' if options.mem else ''}{where}"


def cost_text(found: Costs) -> str:
    """Return the hours, for people."""
    each = f"{format_duration(found.seconds)} a job, {found.limit}"
    node_hours = f"{_hours(found.node_hours)} node-hours{'' if found.nodes_known else ' on as few nodes as possible'}"
    return f"at most {_hours(found.core_hours)} core-hours, {node_hours} ({each})"


def _hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 10 else f"{hours:.2g}"
