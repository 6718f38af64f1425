"""The controllers of the soak, on hosts of their own: started, continued elsewhere, suspended, killed."""

from __future__ import annotations

import contextlib
import random
import shlex
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psutil

from orchestrator.checkpoint import Checkpoint

_CODE = "from orchestrator.cli import main; main()"
# how likely a controller is continued on this host, where a dead one is known to be dead at once
_HERE = 0.7
# what a namespace has of its own stands for a host: processes, name, clocks since boot, and which boot it is
_ELSEWHERE = ("unshare", "--pid", "--fork", "--mount-proc", "--uts", "--time", "--kill-child")
_SETTING_UP = 'hostname {name} && mount --bind {boot} /proc/sys/kernel/random/boot_id && {{ "$@"; exit; }}'


@dataclass(frozen=True)
class Host:
    """Where controllers run.

    Parameters
    ----------
    name : str
        Its host name.
    enter : tuple of str
        What comes before a command that runs there.
    """

    name: str
    enter: tuple[str, ...] = ()


def hosts(directory: Path) -> list[Host]:
    """Return this host, and two others that are namespaces of it.

    Parameters
    ----------
    directory : pathlib.Path
        For their files.
    """
    found = [Host(socket.gethostname())]
    for name, uptime in (("front2", 86_400 * 40), ("front3", 7200)):
        boot = directory / f"{name}.boot"
        boot.write_text(f"{uuid.uuid4()}\n")
        clocks = (f"--monotonic={uptime}", f"--boottime={uptime}")
        script = _SETTING_UP.format(name=name, boot=shlex.quote(str(boot)))
        found.append(Host(name, (*_ELSEWHERE, *clocks, "sh", "-c", script, "sh")))
    return found


class Program:
    """One ``orchestrator run``.

    Parameters
    ----------
    host : Host
        Where it runs.
    arguments : sequence of str
        Of ``run``.
    directory : pathlib.Path
        Where it works.
    environment : dict of str to str
        All of its variables.
    log : pathlib.Path
        Gets what it prints.
    """

    def __init__(self, host: Host, arguments: Sequence[str], directory: Path, environment: dict[str, str], log: Path):
        self.host = host
        self.log = log
        self.former_lock = ""
        self._found: psutil.Process | None = None
        with log.open("ab") as output:
            self._started = subprocess.Popen(
                [*host.enter, sys.executable, "-c", _CODE, "run", *arguments],
                cwd=directory,
                env=environment,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )

    @property
    def code(self) -> int | None:
        """Exit code, the negative number of the signal that killed it, or None as long as it lives."""
        code = self._started.poll()
        return code if code is None or not self.host.enter or code <= 128 else 128 - code

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        with contextlib.suppress(psutil.NoSuchProcess):
            if process := self._process():
                process.send_signal(number)

    def wait(self, seconds: float) -> int | None:
        """Wait for its end; return its exit code, None if it lives on."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._started.wait(seconds)
        return self.code

    def memory(self) -> int:
        """Return its resident memory in bytes, 0 if it has just begun or ended."""
        try:
            process = self._process()
            return process.memory_info().rss if process else 0
        except psutil.NoSuchProcess:
            return 0

    def commands(self) -> list[psutil.Process]:
        """Return what it has started itself and has not ended."""
        try:
            process = self._process()
            return process.children() if process else []
        except psutil.NoSuchProcess:
            return []

    def destroy(self) -> None:
        """End it, whatever it does."""
        self._started.kill()
        self._started.wait()

    def _process(self) -> psutil.Process | None:
        """Return the controller itself, None if it has not begun or is gone."""
        if self._found is None or not self._found.is_running():
            started = psutil.Process(self._started.pid)
            for process in (started, *started.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    if process.cmdline()[1:3] == ["-c", _CODE]:
                        self._found = process
                        return process
            return None
        return self._found


class Controllers:
    """Sees to it that one works at the run, started anew whenever it was stopped.

    Parameters
    ----------
    project : pathlib.Path
        Where the run is.
    environment : dict of str to str
        All variables of a controller.
    hosts : sequence of Host
        Where controllers can run; the first is this machine.
    chance : random.Random
        Decides where they do.
    """

    def __init__(self, project: Path, environment: dict[str, str], hosts: Sequence[Host], chance: random.Random):
        self._project = project
        self._environment = environment
        self._chance = chance
        self._run: Path | None = None
        self._programs: list[Program] = []
        self.hosts = hosts
        self.memory: list[int] = []
        self.max_ngen: int | None = None
        # until when a controller may end with an error, in s of `time.monotonic`: its file system was away
        self.excused = 0.0
        self.current = self.start(hosts[0])

    def __enter__(self) -> Controllers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for program in self._programs:
            program.destroy()

    @property
    def starts(self) -> int:
        """How many controllers were started."""
        return len(self._programs)

    @property
    def run(self) -> Path | None:
        """The run directory, None as long as the run cannot be continued."""
        checkpoints = self._project.glob("*_Optimization/checkpoint.h5")
        self._run = self._run or next((path.parent for path in checkpoints), None)
        return self._run

    @property
    def generations(self) -> int:
        """How many are in the checkpoint."""
        return Checkpoint(self.run).n_generations if self.run else 0

    def elsewhere(self, than: Host) -> Host:
        """Return another host."""
        return self._chance.choice([host for host in self.hosts if host != than])

    def start(self, host: Host | None = None) -> Program:
        """Start the run, or continue it, here as a rule; return the controller, which is the current one now."""
        if host is None:
            here = self._chance.random() < _HERE
            host = self.hosts[0] if here else self.elsewhere(self.hosts[0])
        arguments = ["--continue", str(self.run)] if self.run else ["config.yaml"]
        if self.max_ngen is not None:
            arguments += ["--set", f"max_ngen={self.max_ngen}"]
        lock, log = self._lock(), self._project / f"output.{self.starts}"
        self.current = Program(host, arguments, self._project, self._environment, log)
        self.current.former_lock = lock
        self._programs.append(self.current)
        return self.current

    def holds(self, program: Program) -> bool:
        """Whether a controller holds the run."""
        lock = self._lock()
        return lock not in ("", program.former_lock) and lock.split("|")[1] == program.host.name

    def ended(self) -> bool:
        """Whether the run is done; a controller that was stopped is started again."""
        code = self.current.code
        if code is None:
            if self.holds(self.current) and (memory := self.current.memory()):
                self.memory.append(memory)
            return False
        if code == 0:
            return True
        if code in (3, -signal.SIGKILL, -signal.SIGTERM):  # the last where it has not yet begun to listen
            self.start()
        elif code == 1 and time.monotonic() < self.excused:
            self.start(self.current.host)
        else:
            said = self.current.log.read_text()[-3000:]
            raise SystemExit(f"the controller on {self.current.host.name} ended with exit code {code}:\n{said}")
        return False

    def finish(self) -> None:
        """Let the run end with the generation in flight."""
        self.max_ngen = self.generations + 1
        self.current.signal(signal.SIGTERM)
        if self.current.wait(300) is None:
            raise SystemExit("a controller does not stop")

    def printed(self) -> str:
        """Return all that controllers have printed."""
        return "".join(program.log.read_text() for program in self._programs)

    def _lock(self) -> str:
        locks = list(self.run.glob("controller.lock|*")) if self.run else []
        return locks[0].name if len(locks) == 1 else ""
