"""Finds jobs that SLURM would accept and never start, or not for now, because of their partition."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from orchestrator.cluster.environment import inherited
from orchestrator.cluster.partitions import Partition
from orchestrator.config.durations import format_duration
from orchestrator.config.model import Config
from orchestrator.simulations import Finding

# states of sinfo in which a node takes no jobs, now or soon
_NOT_UP = re.compile(r"down|drain|fail|maint|error|unknown|not_responding|powered_down", re.IGNORECASE)


def asked_for(config: Config, known: Sequence[Partition]) -> list[Partition]:
    """Return the partitions that a job may run in: those that are named, here or to every sbatch, or the default."""
    if named := config.slurm.partition or inherited("partition"):
        names = named.split(",")
        return [each for each in known if each.name in names]
    return [each for each in known if each.default]


def never_starts(config: Config, candidates: Sequence[Partition]) -> Finding | None:
    """Return why a job that sbatch accepts would wait for ever: it is too long or too large for every partition."""
    reasons = [_too_much(config, each) for each in candidates]
    if not reasons or not all(reasons):
        return None
    return reasons[0]


def _too_much(config: Config, partition: Partition) -> Finding | None:
    time, nodes = config.jobs.time, config.slurm.nodes or 1
    place = f"partition {partition.name}"
    if time and partition.max_time and time > partition.max_time:
        limit = format_duration(partition.max_time)
        message = f"expected at most {limit}, the limit of {place}, got {format_duration(time)}"
        return ("jobs", "time"), f"{message}: SLURM would take the job and never start it (PartitionTimeLimit)"
    most = min(partition.nodes, partition.max_nodes or partition.nodes)
    if partition.nodes and nodes > most:
        message = f"expected at most {most}, what {place} gives a job, got {nodes}"
        return ("slurm", "nodes"), f"{message}: SLURM would take the job and never start it (PartitionNodeLimit)"
    return None


def waits(candidates: Sequence[Partition], states: Sequence[str]) -> Iterator[str]:
    """Yield why a job would not start for now.

    Parameters
    ----------
    candidates : sequence of Partition
        Where it may run.
    states : sequence of str
        What sinfo says about each of their nodes; empty if it is not known.
    """
    if candidates and all(each.state != "UP" for each in candidates):
        down = ", ".join(f"{each.name} is {each.state}" for each in candidates)
        yield f"partition {down}: jobs wait until somebody sets it UP"
    elif candidates and states and all(_NOT_UP.search(each) for each in states):
        names = ", ".join(each.name for each in candidates)
        words = ", ".join(sorted(set(states)))
        yield f"none of the {len(states)} nodes of partition {names} is up ({words}): jobs wait"
