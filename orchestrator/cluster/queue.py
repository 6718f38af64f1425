"""The questions to SLURM: one squeue for all jobs, sacct for those it has forgotten, patience with their silence."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from orchestrator.cluster.base import Job, State, Status
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
# in s; commands fail by themselves after 9-18 s where slurmctld is away
COMMAND_TIMEOUT = 60.0
# sacct would wait 45 s for a slurmdbd that hangs; it is only a second opinion
_SACCT_TIMEOUT = 10.0
# in s: the silence from which on people are told, and the longest pause between two questions while it lasts
_WORTH_A_WARNING = 60.0
_LONGEST_PAUSE = 120.0
_FIRST_PAUSE = 5.0
# how SLURM's commands begin to say that they failed
_FAILED = re.compile(r"^(slurm_load_\w+ error|squeue: error|sacct: error|scontrol: error)\b", re.MULTILINE)

Run = Callable[[Sequence[str], float], str]


class CommandFailed(Exception):
    """A command of SLURM's failed; the message holds its words."""


def run_command(command: Sequence[str], timeout: float = COMMAND_TIMEOUT) -> str:
    """Return what a command prints.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    timeout : float
        How long it may take, in s.

    Raises
    ------
    CommandFailed
        Where it is not there, fails, or takes too long.
    """
    try:
        # job names and reasons are other people's: no byte of them may end the watch
        done = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise CommandFailed(words_of(error)) from error
    return done.stdout


def words_of(error: BaseException) -> str:
    """Return what the failed command said, or the error's own text."""
    said = getattr(error, "stderr", None)
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    if isinstance(error, subprocess.TimeoutExpired):
        text = f"no answer within {error.timeout:.0f} s"
    return (text or str(error)).strip()


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
        self._next_warning = _WORTH_A_WARNING
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
        self._since, self._next_warning, self.failures = None, _WORTH_A_WARNING, 0

    def stretch(self, pause: float, longest: float) -> float:
        """Return a pause in s, doubled for every failure in a row, but not beyond the longest."""
        return min(pause * 2.0 ** min(self.failures, 30), max(pause, longest))


class Queue:
    """What SLURM knows of jobs.

    Parameters
    ----------
    poll_interval : float
        Longest time between two looks in s, while SLURM answers.
    run : callable
        Runs a command within a number of seconds; raises `CommandFailed`.
    clock : callable
        Seconds that only grow.
    """

    def __init__(self, poll_interval: float, run: Run = run_command, clock: Callable[[], float] = time.monotonic):
        self._poll_interval = poll_interval
        self._run = run
        self._squeue, self._sacct, self._scontrol = (Silence(name, clock) for name in ("squeue", "sacct", "scontrol"))
        self._configuration: Mapping[str, str] | None = None

    def statuses(self, jobs: Sequence[Job]) -> dict[Job, Status]:
        """Return the status of every job, by one squeue, and one sacct where the cluster keeps accounts.

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
        """Return what squeue lists under these names, None where it does not answer."""
        names = sorted(set(tokens))
        # by name and user: an id that squeue has forgotten would make the whole query fail
        query = ["squeue", "--noheader", "--array", "--states=all", f"--user={os.getuid()}"]
        answer = self._ask(self._squeue, [*query, f"--name={','.join(names)}", f"--format={SQUEUE_FORMAT}"])
        return None if answer is None else [row for row in parse_squeue(answer) if row.name in names]

    def interval(self, normal: float) -> float:
        """Return how long to wait for the next look in s: longer than normal while squeue does not answer."""
        return self._squeue.stretch(normal, max(self._poll_interval, _LONGEST_PAUSE))

    def reached(self) -> None:
        """Note that SLURM took an order: the next look need not wait any longer than normal."""
        self._squeue.failures = 0

    @property
    def max_array_size(self) -> int | None:
        """The cluster's MaxArraySize, None where it is not known."""
        size = self._configured("MaxArraySize")
        return int(size) if size.isdecimal() else None

    def _keeps_accounts(self) -> bool:
        kept = self._configured("AccountingStorageType").rpartition("/")[2].lower() in ("slurmdbd", "mysql")
        return kept and shutil.which("sacct") is not None

    def _remembered(self, absent: Sequence[Job]) -> dict[tuple[str, str], Status]:
        """Return the ends that the accounts know. Who lives there may be long dead, or not yet entered: no news."""
        if not self._sacct.over:
            return {}
        bases = sorted({job.id.partition("_")[0] for job in absent}, key=int)
        # with --jobs and without --starttime it looks at all times
        query = ["sacct", "--noheader", "--parsable2", "--allocations", f"--format={SACCT_FORMAT}"]
        answer = self._ask(self._sacct, [*query, f"--jobs={','.join(bases)}"], _SACCT_TIMEOUT)
        # by name as well, because ids are used again
        found = {(row.name, row.id): row.status for row in parse_sacct(answer or "")}
        asked = {(job.token, job.id) for job in absent}
        ends = {key: status for key, status in found.items() if key in asked and status.state is State.ENDED}
        # slurmctld without its memory says so of all that was running: the heart of the job knows better
        return {key: status for key, status in ends.items() if status.outcome is not Outcome.NODE_FAIL}

    def _configured(self, name: str) -> str:
        """Return a value of SLURM's configuration, empty where it is not known; asks until there is an answer."""
        if self._configuration is None:
            answer = self._ask(self._scontrol, ["scontrol", "show", "config"])
            if answer is None:
                return ""
            self._configuration = parse_configuration(answer)
        return self._configuration.get(name, "")

    def _ask(self, silence: Silence, command: Sequence[str], timeout: float = COMMAND_TIMEOUT) -> str | None:
        try:
            answer = self._run(command, timeout)
            if _FAILED.search(answer):  # where a site's own squeue around SLURM's loses the exit code
                raise CommandFailed(answer)
        except CommandFailed as error:
            silence.goes_on(str(error))
            return None
        silence.ends()
        return answer
