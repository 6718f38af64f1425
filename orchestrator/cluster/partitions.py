"""Asks SLURM about its partitions and the states of their nodes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.cluster.commands import CommandFailed, Run, on_cluster, run_command
from orchestrator.config.durations import parse_duration

# how long a question may take, in s: somebody waits for the answer
_TIMEOUT = 10.0


@dataclass(frozen=True)
class Partition:
    """A partition as SLURM describes it.

    Parameters
    ----------
    name : str
        Name of the partition.
    default : bool
        Whether jobs that name no partition go there.
    state : str
        ``UP``, ``DOWN``, ``DRAIN`` or ``INACTIVE``.
    max_time, default_time : float or None
        Longest and usual time limit of a job, in s; None if there is none.
    max_nodes : int or None
        Most nodes of a job; None if there is no limit.
    nodes, cpus : int
        Number of nodes and cores of the whole partition.
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


def partitions(cluster: str | None = None, run: Run = run_command) -> list[Partition]:
    """Ask SLURM for the partitions of a cluster, by default this machine's.

    Raises
    ------
    orchestrator.cluster.commands.CommandFailed
        If it does not answer.
    """
    return parse_partitions(on_cluster(run, cluster)(["scontrol", "--oneliner", "show", "partition"], _TIMEOUT))


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


def node_states(candidates: Sequence[Partition], cluster: str | None = None, run: Run = run_command) -> list[str]:
    """Return the state of every node of these partitions, in sinfo's words; nothing if it does not answer."""
    if not candidates:
        return []
    names = ",".join(each.name for each in candidates)
    question = ["sinfo", "--noheader", "--Node", f"--partition={names}", "--format=%N|%T"]
    try:
        rows = on_cluster(run, cluster)(question, _TIMEOUT).splitlines()
    except CommandFailed:
        return []
    # other lines are a site's own, or name the cluster
    return list(dict(row.strip().split("|") for row in rows if row.count("|") == 1).values())
