"""Runs SLURM's commands, each with a time limit: no other module of the program starts one."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_LOG = logging.getLogger(__name__)
# in s; commands fail by themselves after 9-18 s if slurmctld is away
COMMAND_TIMEOUT = 60.0
# between two checks whether the program is asked to stop, and for a killed command to close its output, in s
_LOOK = 0.2
_LAST_WORDS = 1.0

Run = Callable[[Sequence[str], float], str]


class CommandFailed(Exception):
    """A command of SLURM failed; the message holds its words."""


class NoAnswer(CommandFailed):
    """A command was ended before it had answered: whether SLURM has done what was asked is not known."""


def run_command(
    command: Sequence[str], timeout: float = COMMAND_TIMEOUT, *, stop: threading.Event | None = None
) -> str:
    """Return what a command prints on its standard output.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    timeout : float
        How long it may take, in s.
    stop : threading.Event or None
        If it is set while the command runs, the command is ended. If it was set before, it is not looked at: what is
        done after the program was asked to stop, such as ending its jobs, has to be done.

    Raises
    ------
    NoAnswer
        If it takes too long, or is ended because of `stop`.
    CommandFailed
        If it is not there, or its exit code is not 0.
    """
    done = finish(command, timeout, stop=stop)
    if done.returncode != 0:
        raise CommandFailed(done.stderr.strip() or f"{command[0]} returned non-zero exit status {done.returncode}")
    return done.stdout


def within(limit: float, run: Run) -> Run:
    """Return `run` with a time limit in s that no command may exceed, whatever it is given."""
    return lambda command, timeout: run(command, min(timeout, limit))


def on_cluster(run: Run, cluster: str | None) -> Run:
    """Return `run` for commands that are to ask another cluster than this machine's own; None for its own."""
    if cluster is None:
        return run

    def run_there(command: Sequence[str], timeout: float) -> str:
        # one that is named there and is out of order ends a command before it looks at its options
        elsewhere = os.environ.get("SLURM_CLUSTERS", cluster) != cluster
        without = ("env", "-u", "SLURM_CLUSTERS") if elsewhere else ()
        return run([*without, command[0], f"--clusters={cluster}", *command[1:]], timeout)

    return run_there


def finish(
    command: Sequence[str], timeout: float, *, stop: threading.Event | None = None, directory: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, whatever its exit code is.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    timeout : float
        How long it may take, in s.
    stop : threading.Event or None
        As for `run_command`.
    directory : pathlib.Path or None
        Where it runs; None for the present working directory.

    Raises
    ------
    NoAnswer
        If it takes too long, or is ended because of `stop`.
    CommandFailed
        If it is not there.
    """
    # before the command begins: one that was asked to stop while it was being started is ended as well
    heeded = None if stop is None or stop.is_set() else stop
    try:
        child = subprocess.Popen(
            command,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # job names and reasons are other people's: no byte of them may end the watch
            encoding="utf-8",
            errors="replace",
            # a site's command is often a script: it is ended together with what it has started
            start_new_session=True,
        )
    except OSError as error:
        raise CommandFailed(str(error)) from error
    with child:
        try:
            out, err = _wait(child, timeout, heeded)
        except BaseException:
            _end(child)
            raise
    return subprocess.CompletedProcess(command, child.returncode, out, err)


def _wait(child: subprocess.Popen[str], timeout: float, stop: threading.Event | None) -> tuple[str, str]:
    """Return standard output and standard error of a command that ends by itself."""
    end = time.monotonic() + timeout
    while True:
        left = end - time.monotonic()
        try:
            return child.communicate(timeout=max(left if stop is None else min(left, _LOOK), 0.0))
        except subprocess.TimeoutExpired:
            if stop is not None and stop.is_set():
                raise NoAnswer("ended before it had answered, because the program was asked to stop") from None
            if time.monotonic() >= end:
                raise NoAnswer(f"no answer within {timeout:.0f} s") from None


def _end(child: subprocess.Popen[str]) -> None:
    """Kill a command and all of its session; what has left that session may keep the output open."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.communicate(timeout=_LAST_WORDS)


@dataclass(frozen=True)
class Place:
    """What shows whose a job is, by SLURM's own word.

    Parameters
    ----------
    name : str
        Of the job.
    directory, command : pathlib.Path
        Its working directory, and the script that was submitted.
    """

    name: str
    directory: Path
    command: Path

    def is_in(self, folder: Path) -> bool:
        """Return whether the job works in a folder, or was submitted as a script in it."""
        return any(path.resolve().is_relative_to(folder.resolve()) for path in (self.directory, self.command))


def own_jobs(run: Run = run_command) -> dict[str, Place]:
    """Return this user's jobs, those of an array one by one, by their ids.

    Parameters
    ----------
    run : callable
        Asks the cluster that they are on.

    Raises
    ------
    CommandFailed
        If SLURM does not answer.
    """
    query = ["squeue", "--noheader", "--array", "--states=all", f"--user={os.getuid()}", "--format=%i|%j|%Z|%o"]
    rows = [line.strip().split("|", 3) for line in run(query, COMMAND_TIMEOUT).splitlines()]
    return {row[0]: Place(row[1], Path(row[2]), Path(row[3])) for row in rows if len(row) == 4}


def cancel_job(job_id: str) -> None:
    """Cancel one job of this user, such as a controller's own.

    Raises
    ------
    CommandFailed
        If SLURM refuses or does not answer.
    """
    run_command(["scancel", f"--user={os.getuid()}", job_id])


def cancel_pending(job_ids: Sequence[str]) -> None:
    """Cancel those of this user's jobs that wait in the queue; the others, and what has ended, stay as they are."""
    try:
        run_command(["scancel", f"--user={os.getuid()}", "--state=PENDING", *job_ids])
    except CommandFailed as error:
        # it fails if a job has ended, or if there is no SLURM here
        _LOG.debug("scancel of pending jobs failed: %s", error)


def requeue_job(job_id: str) -> None:
    """Put a running job back into the queue; SLURM ends its processes meanwhile.

    Raises
    ------
    CommandFailed
        If SLURM refuses or does not answer.
    """
    run_command(["scontrol", "requeue", job_id])
