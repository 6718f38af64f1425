"""The cluster's partitions, and jobs that they take and never start."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.cluster.queue import CommandFailed, Run, run_command
from orchestrator.config.durations import format_duration, parse_duration
from orchestrator.config.model import Config
from orchestrator.simulations import Finding

_TIMEOUT = 10.0
# states of sinfo in which a node takes no jobs, now or soon
_NOT_UP = re.compile(r"down|drain|fail|maint|error|unknown|not_responding|powered_down", re.IGNORECASE)


@dataclass(frozen=True)
class Partition:
    """A partition as SLURM describes it.

    Parameters
    ----------
    name : str
        Its name.
    default : bool
        Whether jobs go there that name none.
    state : str
        ``UP``, ``DOWN``, ``DRAIN`` or ``INACTIVE``.
    max_time, default_time : float or None
        Of a job, in s; None where there is no limit.
    max_nodes : int or None
        Of a job; None where there is no limit.
    nodes, cpus : int
        All that it has.
    """

    name: str
    default: bool
    state: str
    max_time: float | None
    default_time: float | None
    max_nodes: int | None
    nodes: int
    cpus: int

    @property
    def cpus_per_node(self) -> int | None:
        """Cores that SLURM counts on a node, on average."""
        return self.cpus // self.nodes if self.nodes and self.cpus >= self.nodes else None


def partitions(run: Run = run_command) -> list[Partition]:
    """Ask SLURM for its partitions.

    Raises
    ------
    orchestrator.cluster.queue.CommandFailed
        Where it does not answer.
    """
    return parse_partitions(run(["scontrol", "--oneliner", "show", "partition"], _TIMEOUT))


def parse_partitions(text: str) -> list[Partition]:
    """Read ``scontrol --oneliner show partition``."""
    found = []
    for line in text.splitlines():
        # values may hold spaces, names may not
        values = dict(re.findall(r"(\w+)=(\S*)", line))
        if "PartitionName" in values:
            found.append(_partition(values))
    return found


def _partition(values: Mapping[str, str]) -> Partition:
    return Partition(
        name=values["PartitionName"],
        default=values.get("Default") == "YES",
        state=values.get("State", "UP"),
        max_time=_time(values.get("MaxTime", "")),
        default_time=_time(values.get("DefaultTime", "")),
        max_nodes=_number(values.get("MaxNodes", "")),
        nodes=_number(values.get("TotalNodes", "")) or 0,
        cpus=_number(values.get("TotalCPUs", "")) or 0,
    )


def _time(text: str) -> float | None:
    """Return SLURM's ``[days-]hours:minutes:seconds`` in s; None for UNLIMITED, NONE and what is not understood."""
    try:
        return parse_duration(text) if ":" in text else None
    except ValueError:
        return None


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def asked_for(config: Config, known: Sequence[Partition]) -> list[Partition]:
    """Return the partitions that a job may run in: those that are named, or the default one."""
    if config.slurm.partition:
        names = config.slurm.partition.split(",")
        return [each for each in known if each.name in names]
    return [each for each in known if each.default]


def never_starts(config: Config, candidates: Sequence[Partition]) -> Finding | None:
    """Return why a job that sbatch accepts would wait for ever: it is too long or too large for every partition."""
    reasons = [_too_much(config, each) for each in candidates]
    if not reasons or not all(reasons):
        return None
    return reasons[0]


def _too_much(config: Config, partition: Partition) -> Finding | None:
    time, nodes = config.slurm.time, config.slurm.nodes or 1
    place = f"partition {partition.name}"
    if time and partition.max_time and time > partition.max_time:
        limit = format_duration(partition.max_time)
        message = f"expected at most {limit}, the limit of {place}, got {format_duration(time)}"
        return ("slurm", "time"), f"{message}: SLURM would take the job and never start it (PartitionTimeLimit)"
    most = min(partition.nodes, partition.max_nodes or partition.nodes)
    if partition.nodes and nodes > most:
        message = f"expected at most {most}, what {place} gives a job, got {nodes}"
        return ("slurm", "nodes"), f"{message}: SLURM would take the job and never start it (PartitionNodeLimit)"
    return None


def waits(candidates: Sequence[Partition], run: Run = run_command) -> Iterator[str]:
    """Yield why a job would not start for now."""
    if candidates and all(each.state != "UP" for each in candidates):
        down = ", ".join(f"{each.name} is {each.state}" for each in candidates)
        yield f"partition {down}: jobs wait until somebody sets it UP"
    elif candidates and (states := _node_states(candidates, run)) and all(_NOT_UP.search(each) for each in states):
        names = ", ".join(each.name for each in candidates)
        words = ", ".join(sorted(set(states)))
        yield f"none of the {len(states)} nodes of partition {names} is up ({words}): jobs wait"


def _node_states(candidates: Sequence[Partition], run: Run) -> list[str]:
    names = ",".join(each.name for each in candidates)
    try:
        rows = run(["sinfo", "--noheader", "--Node", f"--partition={names}", "--format=%N %T"], _TIMEOUT).splitlines()
    except CommandFailed:
        return []
    return list(dict(row.split(maxsplit=1) for row in rows if " " in row).values())
