"""A SLURM cluster of virtual nodes on this machine, as an object: started, looked at, broken, stopped.

Standard library only; `slurm_cluster.py` beside it is its command line.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from slurm_accounting import ACCOUNTING_PROGRAMS, Accounting
from slurm_configuration import ClusterSettings, cgroup_conf, free_ports, slurm_conf
from slurm_processes import Process, connects, descendants, end, launch, processes, wait_until

PROGRAMS = ("munged", "slurmctld", "slurmd")
LONGEST_DIRECTORY = 80  # characters: the sockets inside must stay below the 108 that Linux allows
# What a SLURM job finds in its environment misleads the commands of another cluster.
FOREIGN = ("SLURM_", "SBATCH_", "SRUN_", "SALLOC_", "SLURMD_", "SQUEUE_", "SINFO_", "SCANCEL_", "SACCT_")


class ClusterError(Exception):
    """The cluster can't do what was asked; the message says why and what to do."""


class VirtualCluster:
    """A SLURM cluster of virtual nodes on this machine.

    As a context manager it starts on entering and stops on leaving. Its state is in its directory alone, so that any
    process can look at it or stop it, also after the one that started it has died.

    Parameters
    ----------
    directory
        Its directory: doesn't exist yet, is empty, or is that of a cluster started before.
    settings
        What `start` shall make.
    """

    def __init__(self, directory: Path | str, settings: ClusterSettings | None = None) -> None:
        self.directory = Path(directory).absolute()
        self.settings = settings or ClusterSettings()
        self.conf = self.directory / "slurm.conf"  # SLURM's commands find it through SLURM_CONF
        self.record = self.directory / "cluster.json"  # which daemons were started
        self.accounting = Accounting(self.directory)

    def environment(self) -> dict[str, str]:
        """The caller's environment, directed at this cluster, without what belongs to another SLURM job."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
        return {**clean, "PATH": _search_path(), "SLURM_CONF": str(self.conf)}

    def run(self, *command: str, timeout: float = 60.0) -> str:
        """Run one of SLURM's commands on this cluster and return what it prints.

        Raises
        ------
        ClusterError
            It fails or takes longer than `timeout` seconds.
        """
        try:
            answer = subprocess.run(
                command, env=self.environment(), capture_output=True, text=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired:
            raise ClusterError(f"{shlex.join(command)}: no answer within {timeout:g} s") from None
        if answer.returncode:
            raise ClusterError(f"{shlex.join(command)}: exit code {answer.returncode}: {answer.stderr.strip()}")
        return answer.stdout

    # The whole cluster

    def start(self, timeout: float = 30.0) -> None:
        """Start all daemons and wait until every node is idle; a running cluster is left as it is.

        Raises
        ------
        ClusterError
            Programs are missing, the directory can't be used, or the nodes are not idle within `timeout` seconds;
            nothing is left behind.
        """
        _require_programs(self.settings.accounting)
        if self.record.exists():
            if self.running():
                return
            if any(process.alive() for process in self.daemons().values()):
                raise ClusterError(
                    f"{self.directory}: a cluster some of whose daemons are dead, or that is just being started."
                    f" End it first: tools/slurm_cluster.py stop --dir {shlex.quote(str(self.directory))}"
                )
            self.stop()  # what a reboot left
        for retry in (True, True, False):
            self._make_directory()
            try:
                self._start_daemons(timeout)
            except BaseException:
                clash = "Address already in use" in self.log_tails()  # somebody was faster: with other ports, then
                self.stop()
                if not (retry and clash):
                    raise
            else:
                return

    def stop(self) -> bool:
        """End the daemons and the processes of all jobs, and remove the directory, whatever is left of the cluster.

        Returns False if there was nothing to stop.

        Raises
        ------
        ClusterError
            The directory is not that of a cluster, or a process survives SIGKILL.
        """
        if not self.directory.exists():
            return False
        if not self.record.exists():
            raise ClusterError(f"{self.directory}: not the directory of a virtual cluster (it has no cluster.json)")
        survivors = end(descendants(self.daemons().values()))
        for find, grace in ((self._strays, 3.0), (self.job_processes, 1.0)):
            for _ in range(5):  # what was found may have started another process meanwhile
                found = set(find()) - set(survivors)
                if not found:
                    break
                survivors += end(found, grace)
        if survivors:
            pids = ", ".join(str(process.pid) for process in survivors)
            raise ClusterError(f"{self.directory}: the processes {pids} don't end; see why, then run stop again")
        shutil.rmtree(self.directory)
        return True

    def __enter__(self) -> VirtualCluster:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def running(self) -> bool:
        """Whether all of its daemons run."""
        daemons = self.daemons()
        return bool(daemons) and all(process.alive() for process in daemons.values())

    def node_states(self) -> dict[str, str]:
        """State of every node as slurmctld reports it: idle, allocated, mixed, down, ..."""
        answer = self.run("sinfo", "--noheader", "--Node", "--partition=main", "--format=%N %T", timeout=20)
        return dict(line.split() for line in answer.splitlines())

    def wait_for_idle(self, timeout: float = 30.0) -> None:
        """Wait until every node is idle; ClusterError if they are not within `timeout` seconds."""
        states: dict[str, str] = {}

        def idle() -> bool:
            self._require_alive()
            states.update(self.node_states())
            return set(states.values()) == {"idle"}

        if not wait_until(idle, timeout, interval=0.05):
            raise ClusterError(f"the nodes are not idle within {timeout:g} s: {states}\n{self.log_tails()}")

    # Single daemons, named munged, mariadbd, slurmdbd, slurmctld, n1, n2, ...: for tests that break them

    def daemons(self) -> dict[str, Process]:
        """The daemons that were started, by name, dead or alive."""
        return {name: Process(entry["pid"], entry["started"]) for name, entry in self._recorded().items()}

    def signal(self, daemon: str, number: signal.Signals) -> None:
        """Send a signal to a daemon: SIGSTOP freezes it, SIGCONT lets it go on."""
        self.daemons()[daemon].signal(number)

    def kill(self, daemon: str) -> None:
        """Kill a daemon with SIGKILL, as in a crash, and wait until it is gone."""
        process = self.daemons()[daemon]
        process.signal(signal.SIGKILL)
        end([process])

    def terminate(self, daemon: str) -> None:
        """End a daemon with SIGTERM, so that it saves its state, and wait until it is gone."""
        end([self.daemons()[daemon]], grace=20.0)

    def launch(self, daemon: str, timeout: float = 30.0) -> None:
        """Start a daemon that has ended, and wait until it answers; one that runs is left as it is."""
        if not self.daemons()[daemon].alive():
            entry = self._recorded()[daemon]
            self._launch(daemon, entry["command"], entry["port"])
        self._wait_for(daemon, timeout)

    def crash_node(self, node: str) -> None:
        """Kill a node's slurmd and the slurmstepd of its jobs at once; the jobs' own processes may live on."""
        victims = [self.daemons()[node], *self.step_daemons(node)]
        for process in victims:
            process.signal(signal.SIGKILL)
        end(victims)

    def step_daemons(self, node: str | None = None) -> list[Process]:
        """The slurmstepd of the running jobs, of one node or of all; each holds its node's log file open."""
        logs = {str(self._log(name)) for name in ([node] if node else self.daemons())}
        candidates = (process for process in processes() if process.command().startswith("slurmstepd"))
        return [process for process in candidates if not logs.isdisjoint(process.open_files())]

    def job_processes(self) -> set[Process]:
        """All processes of the jobs: their slurmstepd, what these started, and what outlived them."""
        roots = self.step_daemons()
        for process in processes():
            environment = process.environment()
            # a slurmstepd that has just been started knows no job, and has not opened the log
            newborn = Path(process.command().partition(" ")[0]).name == "slurmstepd"
            if environment.get("SLURM_CONF") == str(self.conf) and ("SLURM_JOB_ID" in environment or newborn):
                roots.append(process)
        return descendants(roots)

    def log_tails(self, names: Sequence[str] = (), lines: int = 8) -> str:
        """The last lines that some daemons, or all, have printed, which is what they have logged."""
        tails = []
        for log in (self.directory / "log" / f"{name}.out" for name in names or self.daemons()):
            last = log.read_text(errors="replace").splitlines()[-lines:] if log.exists() else []
            tails.append("\n".join([f"--- {log.name}", *last]))
        return "\n".join(tails)

    # How it is made

    def _make_directory(self) -> None:
        path = str(self.directory)
        if len(path) > LONGEST_DIRECTORY or any(character in " #%=,\"'\\" for character in path):
            raise ClusterError(
                f"{path}: expected at most {LONGEST_DIRECTORY} characters, without spaces, quotes, # % = , and \\,"
                " because SLURM's sockets and configuration contain this path; choose another one with --dir"
            )
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            if any(self.directory.iterdir()):
                raise ClusterError(f"{path}: not empty and not a virtual cluster; choose another one with --dir")
            self.record.touch(exist_ok=False)  # of two that start at once, one wins
            self.directory.chmod(0o755)  # munged refuses a socket that not everybody can reach
        except OSError as error:
            raise ClusterError(f"{path}: can't be a cluster's directory: {error}; choose another with --dir") from None
        for name in ("log", "state", "spool", *(f"spool/{node}" for node in self.settings.node_names())):
            (self.directory / name).mkdir()

    def _start_daemons(self, timeout: float) -> None:
        ports = free_ports(1 + self.settings.nodes + self.settings.accounting)
        name = f"virtual{uuid.uuid4().hex[:12]}"
        self.conf.write_text(slurm_conf(self.directory, name, self.settings, ports), encoding="utf-8")
        version = self.run("sinfo", "--version")
        (self.directory / "cgroup.conf").write_text(cgroup_conf(version, self.settings), encoding="utf-8")
        key = self.directory / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))
        munged = ["munged", "--foreground"]
        for option in ("key-file=munge.key", "socket=munge.socket", "pid-file=munged.pid", "seed-file=munged.seed"):
            munged.append(f"--{option.replace('=', f'={self.directory}/')}")
        munged.append(f"--log-file={self._log('munged')}")
        self._launch("munged", munged, 0)
        self._wait_for("munged", timeout)
        if self.settings.accounting:
            self._start_accounting(ports[-1], timeout)
        self._launch("slurmctld", ["slurmctld", "-D", "-f", str(self.conf)], ports[0])
        for node, port in zip(self.settings.node_names(), ports[1 : 1 + self.settings.nodes], strict=True):
            self._launch(node, ["slurmd", "-D", "-N", node, "-f", str(self.conf)], port)
        self._wait_for("slurmctld", timeout)
        self.wait_for_idle(timeout)
        if self.settings.accounting and not wait_until(self._keeps_accounts, timeout, interval=0.05):
            raise ClusterError(f"slurmctld does not reach slurmdbd within {timeout:g} s\n{self.log_tails()}")

    def _start_accounting(self, port: int, timeout: float) -> None:
        self.accounting.write(port)
        self.run(*self.accounting.create_database(), timeout=timeout)
        self._launch("mariadbd", self.accounting.run_database(), 0)
        self._wait_for("mariadbd", timeout)
        self._launch("slurmdbd", self.accounting.run_slurmdbd(), port)
        self._wait_for("slurmdbd", timeout)

    def _keeps_accounts(self) -> bool:
        """Whether slurmctld has registered with slurmdbd."""
        self._require_alive()
        known = self.run("sacctmgr", "--noheader", "--parsable2", "show", "cluster", "format=ControlPort")
        return known.strip() not in ("", "0")

    def _launch(self, daemon: str, command: Sequence[str], port: int) -> None:
        keep = {key: os.environ[key] for key in ("HOME", "USER", "LANG", "TMPDIR") if key in os.environ}
        environment = {**keep, "PATH": _search_path(), "SLURM_CONF": str(self.conf)}
        process = launch(command, self.directory / "log" / f"{daemon}.out", environment)
        entry = {"pid": process.pid, "started": process.started, "command": list(command), "port": port}
        unfinished = self.record.with_suffix(".new")
        unfinished.write_text(json.dumps({**self._recorded(), daemon: entry}, indent=1), encoding="utf-8")
        unfinished.replace(self.record)

    def _wait_for(self, daemon: str, timeout: float) -> None:
        port = self._recorded()[daemon]["port"]
        socket = self.accounting.socket if daemon == "mariadbd" else self.directory / "munge.socket"
        address = ("127.0.0.1", port) if port else str(socket)

        def answers() -> bool:
            self._require_alive(daemon)
            return connects(address)

        if not wait_until(answers, timeout):
            raise ClusterError(f"{daemon} doesn't answer within {timeout:g} s\n{self.log_tails()}")

    def _require_alive(self, *names: str) -> None:
        daemons = self.daemons()
        dead = [name for name in names or daemons if not daemons[name].alive()]
        if dead:
            raise ClusterError(f"{', '.join(dead)} ended; its last words:\n{self.log_tails(dead[:1])}")

    def _recorded(self) -> dict[str, dict[str, Any]]:
        text = self.record.read_text(encoding="utf-8") if self.record.exists() else ""
        entries: dict[str, dict[str, Any]] = json.loads(text or "{}")
        return entries

    def _strays(self) -> list[Process]:
        """Daemons of this directory, and shells about to launch one, of a `start` killed before it recorded them."""
        marks = {str(self.conf), f"--key-file={self.directory}/munge.key", *self.accounting.marks}
        found = []
        for process in processes():
            program, *words = process.command().split() or [""]
            name = Path(program).name
            if name == "slurmdbd":  # the only one whose command line does not say whose it is
                words.append(f"MYSQL_UNIX_PORT={process.environment().get('MYSQL_UNIX_PORT')}")
            if name in (*PROGRAMS, *ACCOUNTING_PROGRAMS, "sh", "env") and not marks.isdisjoint(words):
                found.append(process)
        return found

    def _log(self, daemon: str) -> Path:
        return self.directory / "log" / f"{daemon}.log"


def _search_path() -> str:
    """PATH with the directories in which Debian keeps daemons, which ordinary users lack."""
    return os.pathsep.join([os.environ.get("PATH", "/usr/bin:/bin"), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def _require_programs(accounting: bool) -> None:
    wanted = (*PROGRAMS, "sbatch", "sinfo", *((*ACCOUNTING_PROGRAMS, "sacct") if accounting else ()))
    missing = [program for program in wanted if shutil.which(program, path=_search_path()) is None]
    if missing:
        raise ClusterError(
            f"not installed: {', '.join(missing)}. On Debian or Ubuntu, as root:"
            f" apt-get install slurmctld slurmd slurm-client munge{' slurmdbd mariadb-server' if accounting else ''}"
        )
