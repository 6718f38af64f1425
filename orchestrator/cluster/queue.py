"""Asks SLURM about jobs: one squeue for all of them, sacct for those it has forgotten; waits if neither answers."""

from __future__ import annotations

import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from orchestrator.cluster.base import Job, State, Status
from orchestrator.cluster.commands import COMMAND_TIMEOUT, CommandFailed, Run, run_command
from orchestrator.cluster.states import (
    SACCT_FORMAT,
    SQUEUE_FORMAT,
    Row,
    parse_configuration,
    parse_sacct,
    parse_squeue,
)
from orchestrator.config.durations import format_duration
from orchestrator.records import Outcome

_LOG = logging.getLogger(__name__)
# sacct would wait 45 s for a slurmdbd that hangs; it is only a second opinion
_SACCT_TIMEOUT = 10.0
# after so many s without an answer people are told; and the longest pause between two questions meanwhile, in s
_WARN_AFTER = 60.0
_LONGEST_PAUSE = 120.0
_FIRST_PAUSE = 5.0
# how SLURM's commands begin to say that they failed
_FAILED = re.compile(r"^(slurm_load_\w+ error|squeue: error|sacct: error|scontrol: error)\b", re.MULTILINE)


class Silence:
    """How long a program has not answered, and what the log says of it.

    Parameters
    ----------
    program : str
        Its name.
    clock : callable
        Seconds that only grow.
    """

    def __init__(self, program: str, clock: Callable[[], float]):
        self._program = program
        self._clock = clock
        self._since: float | None = None
        self._next_warning = _WARN_AFTER
        self._ask_again = 0.0
        self.failures = 0

    @property
    def over(self) -> bool:
        """Whether it is time to ask again: after a pause that doubles with every failure."""
        return not self.failures or self._clock() >= self._ask_again

    def goes_on(self, words: str) -> None:
        """Note that there was no answer, in these words; warn after a minute, and when that time has doubled."""
        now = self._clock()
        self._since = now if self._since is None else self._since
        self.failures += 1
        self._ask_again = now + self.stretch(_FIRST_PAUSE, _LONGEST_PAUSE)
        silence = now - self._since
        last_words = words.strip().rpartition("\n")[2]
        if silence >= self._next_warning:
            self._next_warning = 2 * silence
            said = "%s has not answered for %s (%s); asking again"
            _LOG.warning(said, self._program, format_duration(silence), last_words)
        elif self.failures == 1:
            _LOG.info("%s does not answer (%s); asking again", self._program, last_words)
        else:
            _LOG.debug("%s does not answer (%s)", self._program, last_words)

    def ends(self) -> None:
        """Note that there was an answer."""
        if self._since is not None:
            _LOG.info("%s answers again after %s", self._program, format_duration(self._clock() - self._since))
        self._since, self._next_warning, self.failures = None, _WARN_AFTER, 0

    def stretch(self, pause: float, longest: float) -> float:
        """Return a pause in s, doubled for every failure in a row, but not beyond the longest."""
        return min(pause * 2.0 ** min(self.failures, 30), max(pause, longest))


class Queue:
    """What SLURM knows of jobs.

    Parameters
    ----------
    poll_interval : float
        Longest time between two questions in s, while SLURM answers.
    run : callable
        Runs a command, given its time limit in s; raises `CommandFailed`.
    clock : callable
        Seconds that only grow.
    """

    def __init__(self, poll_interval: float, run: Run = run_command, clock: Callable[[], float] = time.monotonic):
        self._poll_interval = poll_interval
        self._run = run
        self._squeue, self._sacct, self._scontrol = (Silence(name, clock) for name in ("squeue", "sacct", "scontrol"))
        self._configuration: Mapping[str, str] = {}
        self._configuration_is_old = True

    def statuses(self, jobs: Sequence[Job]) -> dict[Job, Status]:
        """Return the status of every job, by one squeue, and one sacct if the cluster keeps accounts.

        Without an answer all are `UNKNOWN`. A job that squeue does not list is `ABSENT`, unless sacct knows its end.
        """
        rows = self.rows({job.token for job in jobs})
        if rows is None:
            return dict.fromkeys(jobs, Status(State.UNKNOWN, reason="squeue does not answer"))
        known = {(row.name, row.id): row.status for row in rows}
        absent = [job for job in jobs if (job.token, job.id) not in known]
        if absent and self._keeps_accounts():
            known |= self._remembered(absent)
        return {job: known.get((job.token, job.id), Status(State.ABSENT)) for job in jobs}

    def rows(self, tokens: Iterable[str]) -> list[Row] | None:
        """Return what squeue lists under these names, None if it does not answer."""
        names = sorted(set(tokens))
        # by name and user: an id that squeue has forgotten would make the whole query fail
        query = ["squeue", "--noheader", "--array", "--states=all", f"--user={os.getuid()}"]
        answer = self._ask(self._squeue, [*query, f"--name={','.join(names)}", f"--format={SQUEUE_FORMAT}"])
        return None if answer is None else [row for row in parse_squeue(answer) if row.name in names]

    def interval(self, normal: float) -> float:
        """Return how long to wait before the next question in s: longer than normal while squeue does not answer."""
        return self._squeue.stretch(normal, max(self._poll_interval, _LONGEST_PAUSE))

    def reached(self) -> None:
        """Note that SLURM took an order: the next question need not wait any longer than normal."""
        self._squeue.failures = 0

    def configuration_is_old(self) -> None:
        """Ask for SLURM's configuration again when it is needed next; without an answer what is known holds."""
        self._configuration_is_old = True

    @property
    def max_array_size(self) -> int | None:
        """The cluster's MaxArraySize, None if it is not known."""
        size = self._configured("MaxArraySize")
        return int(size) if size.isdecimal() else None

    def _keeps_accounts(self) -> bool:
        kept = self._configured("AccountingStorageType").rpartition("/")[2].lower() in ("slurmdbd", "mysql")
        return kept and shutil.which("sacct") is not None

    def _remembered(self, absent: Sequence[Job]) -> dict[tuple[str, str], Status]:
        """Return the ends that the accounts know; jobs that the accounts take for alive may have died long ago."""
        if not self._sacct.over:
            return {}
        bases = sorted({base for job in absent if (base := job.id.partition("_")[0]).isdecimal()}, key=int)
        # with --jobs and without --starttime it searches all times
        query = ["sacct", "--noheader", "--parsable2", "--allocations", f"--format={SACCT_FORMAT}"]
        answer = self._ask(self._sacct, [*query, f"--jobs={','.join(bases)}"], _SACCT_TIMEOUT)
        # by name as well, because ids are used again
        found = {(row.name, row.id): row.status for row in parse_sacct(answer or "")}
        asked = {(job.token, job.id) for job in absent}
        ends = {key: status for key, status in found.items() if key in asked and status.state is State.ENDED}
        # a slurmctld that lost its state says so about all that was running: a job's signs of life are more reliable
        return {key: status for key, status in ends.items() if status.outcome is not Outcome.NODE_FAIL}

    def _configured(self, name: str) -> str:
        """Return a value of SLURM's configuration, empty if it is not known; asks until there is an answer."""
        if self._configuration_is_old:
            answer = self._ask(self._scontrol, ["scontrol", "show", "config"])
            if answer is not None:
                self._configuration, self._configuration_is_old = parse_configuration(answer), False
        return self._configuration.get(name, "")

    def _ask(self, silence: Silence, command: Sequence[str], timeout: float = COMMAND_TIMEOUT) -> str | None:
        try:
            answer = self._run(command, timeout)
            if _FAILED.search(answer):  # a site's own squeue around SLURM's may lose the exit code
                raise CommandFailed(answer)
        except CommandFailed as error:
            silence.goes_on(str(error))
            return None
        silence.ends()
        return answer
