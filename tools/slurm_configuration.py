"""The configuration of a virtual cluster: what slurm.conf says so that a cluster starts and schedules within a second.

Standard library only.
"""

from __future__ import annotations

import os
import pwd
import random
import re
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# Keys that slurm.conf may hold several times: an extra line is added to ours, for all others it replaces ours.
REPEATED = frozenset({"nodename", "partitionname", "nodeset", "downnodes", "include"})
PORTS = range(20000, 32000)  # below the ephemeral ports, so that no outgoing connection takes one meanwhile


@dataclass(frozen=True)
class ClusterSettings:
    """What can be chosen about a virtual cluster.

    Parameters
    ----------
    nodes
        Number of virtual nodes, named n1, n2, ...
    cpus
        CPUs that each node claims to have, whatever the machine has.
    memory
        Memory that each node claims to have, in MB; None divides the machine's memory between the nodes.
    max_array_size
        SLURM's MaxArraySize: one more than the highest index of a job array.
    min_job_age
        Seconds for which SLURM remembers a job that has ended.
    extra
        Lines ``KEY=VALUE`` for slurm.conf; they replace ours, except nodes and partitions, which they add.
    cgroup
        Lines ``KEY=VALUE`` for cgroup.conf, to constrain memory for example; without, cgroups are left alone.
    accounting
        Whether the cluster keeps accounts, for sacct: with slurmdbd and a database of its own.
    """

    nodes: int = 4
    cpus: int = 2
    memory: int | None = None
    max_array_size: int = 1001
    min_job_age: int = 300
    extra: Sequence[str] = ()
    cgroup: Sequence[str] = ()
    accounting: bool = False

    def __post_init__(self) -> None:
        for name, least in (("nodes", 1), ("cpus", 1), ("memory", 1), ("max_array_size", 2), ("min_job_age", 2)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"--{name.replace('_', '-')}: expected at least {least}, got {value}")
        for option, lines in (("--extra", self.extra), ("--cgroup", self.cgroup)):
            for line in lines:
                key, _, value = line.partition("=")
                if not (key.strip() and value.strip()) or "\n" in line:
                    raise ValueError(f"{option}: expected KEY=VALUE, got {line!r}")

    def node_memory(self) -> int:
        """Memory that each node claims to have, in MB."""
        if self.memory is not None:
            return self.memory
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        return max(1, machine // self.nodes)

    def node_names(self) -> list[str]:
        """The nodes' names."""
        return [f"n{number}" for number in range(1, self.nodes + 1)]


def free_ports(count: int) -> range:
    """As many consecutive TCP ports on which nothing listens now."""
    for _ in range(200):
        first = random.randrange(PORTS.start, PORTS.stop - count)
        ports = range(first, first + count)
        if all(_is_free(port) for port in ports):
            return ports
    raise OSError(f"no {count} consecutive free ports between {PORTS.start} and {PORTS.stop}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def cgroup_conf(version: str, settings: ClusterSettings) -> str:
    """The text of cgroup.conf.

    slurmd loads a cgroup plugin even if nothing uses it, and the one it chooses itself refuses to work in containers:
    say so where it can be said (since 24.05), and choose the one that does nothing before it is used where it can't.

    Parameters
    ----------
    version
        What SLURM's programs answer to ``--version``, such as "slurm-wlm 22.05.8".
    settings
        What was chosen about the cluster.
    """
    found = re.search(r"(\d+)\.(\d+)", version)
    can_be_disabled = found is not None and (int(found[1]), int(found[2])) >= (24, 5)
    plugin = "CgroupPlugin=disabled" if can_be_disabled else "CgroupPlugin=cgroup/v1"
    return "\n".join([*(settings.cgroup or [plugin]), ""])


def slurm_conf(directory: Path, name: str, settings: ClusterSettings, ports: Sequence[int]) -> str:
    """The text of slurm.conf.

    Parameters
    ----------
    directory
        The cluster's directory.
    name
        The cluster's name.
    settings
        What was chosen about it.
    ports
        One for slurmctld, then one for every node, then with accounting one for slurmdbd.
    """
    host = socket.gethostname().partition(".")[0]
    user = pwd.getpwuid(os.geteuid()).pw_name
    lines = {
        "ClusterName": name,
        "SlurmctldHost": f"{host}(127.0.0.1)",
        "SlurmctldPort": str(ports[0]),
        "SlurmUser": user,
        "SlurmdUser": user,
        "AuthType": "auth/munge",
        "AuthInfo": f"socket={directory}/munge.socket",
        "CredType": "cred/munge",
        "StateSaveLocation": f"{directory}/state",
        "SlurmdSpoolDir": f"{directory}/spool/%n",
        "SlurmctldPidFile": f"{directory}/slurmctld.pid",
        "SlurmdPidFile": f"{directory}/%n.pid",
        "SlurmctldLogFile": f"{directory}/log/slurmctld.log",
        "SlurmdLogFile": f"{directory}/log/%n.log",
        "MailProg": "/bin/true",
        "MpiDefault": "none",
        "ProctrackType": "proctrack/linuxproc",
        "TaskPlugin": "task/none",
        "JobAcctGatherType": "jobacct_gather/linux",
        "AccountingStorageType": "accounting_storage/none",
        # Nodes may claim more than the machine has, and come back by themselves.
        "SlurmdParameters": "config_overrides",
        "ReturnToService": "2",
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_Core",
        # Speed: a cluster for one user on one machine needn't save its scheduler any work. With an epilog, however
        # empty, a job's end starts the scheduler at once; without, the next job waits up to a second for its next tick.
        "SchedulerType": "sched/backfill",
        "SchedulerParameters": "batch_sched_delay=0,sched_min_interval=10000,bf_interval=1",
        "Epilog": shutil.which("true") or "/bin/true",
        "CompleteWait": "0",
        "EpilogMsgTime": "0",
        "KillWait": "5",
        "SlurmdTimeout": "30",
        "MinJobAge": str(settings.min_job_age),
        "MaxArraySize": str(settings.max_array_size),
    }
    if settings.accounting:
        lines["AccountingStorageType"] = "accounting_storage/slurmdbd"
        lines["AccountingStorageHost"] = "localhost"
        lines["AccountingStoragePort"] = str(ports[1 + settings.nodes])
        lines["AccountingStoragePass"] = f"{directory}/munge.socket"  # AuthInfo does not count for slurmdbd
    names = {key.lower(): key for key in lines}
    added = []
    for line in settings.extra:
        key, _, value = (part.strip() for part in line.partition("="))
        if key.lower() in REPEATED:
            added.append(f"{key}={value}")
        else:
            lines[names.get(key.lower(), key)] = value
    nodes = [
        f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={settings.cpus}"
        f" RealMemory={settings.node_memory()} State=UNKNOWN"
        for node, port in zip(settings.node_names(), ports[1 : 1 + settings.nodes], strict=True)
    ]
    partition = "PartitionName=main Nodes=ALL Default=YES State=UP"
    return "\n".join([*(f"{key}={value}" for key, value in lines.items()), *nodes, partition, *added, ""])
