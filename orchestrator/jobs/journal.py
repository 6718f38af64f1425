"""The journal of submissions: what was meant, what happened and what was lost, written down before and after."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from orchestrator.clocks import Moment, dated, file_system_time
from orchestrator.errors import UsageError
from orchestrator.files import append_json_line
from orchestrator.jobs.submissions import AttemptHistory, Loss, Submission, Submissions
from orchestrator.paths import GenerationPaths


class Journal:
    """Writes entries, and keeps the state that they lead to.

    Parameters
    ----------
    paths : GenerationPaths
        Whose journal; what a controller that is gone has written is taken over.
    confirm : callable
        Called before each entry; raises `orchestrator.errors.Stopped` if another controller has taken the run over.
    problems : list of str, optional
        As `Submissions.read` takes it: for those who only end what is in flight.
    """

    def __init__(self, paths: GenerationPaths, confirm: Callable[[], object], problems: list[str] | None = None):
        self._path = paths.journal
        self._confirm = confirm
        self._writer = secrets.token_hex(4)
        self.state = Submissions.read(paths.journal, problems)
        self._began, self._began_at = _time_of(paths.journal, self.state.last), time.monotonic()
        if self.state.last is not None:
            self._write("opened")
            # once more: nothing that its writer before this one adds counts any more
            self.state = Submissions.read(paths.journal, None if problems is None else [])

    @property
    def time(self) -> float:
        """What time it is in the journal, Unix time in s: one clock through all controllers and on all hosts."""
        return self._began + time.monotonic() - self._began_at

    def history(self, index: int) -> AttemptHistory:
        """Return what became of an offspring's attempts."""
        return self.state.history(index)

    def submitting(
        self, token: str, executor: str, tasks: Sequence[tuple[int, int]], together: Sequence[int] = ()
    ) -> Submission:
        """Note what is about to be submitted.

        Parameters
        ----------
        token, executor : str
            Name of the jobs, and who is given them.
        tasks : sequence of (int, int)
            Offspring and number of the attempt of each evaluation.
        together : sequence of int
            How many of the tasks each job does, in their order; nothing if each does one.
        """
        several = {"together": list(together)} if any(size > 1 for size in together) else {}
        self._write("submitting", token=token, executor=executor, tasks=[list(task) for task in tasks], **several)
        return self.state.submissions[token]

    def submitted(self, token: str, ids: Sequence[str]) -> None:
        """Note the id of the job of each task, in their order."""
        self._write("submitted", token=token, ids=list(ids))

    def refused(self, token: str, message: str) -> None:
        """Note that nothing was submitted, and why."""
        self._write("refused", token=token, message=message)

    def lost(self, index: int, loss: Loss) -> None:
        """Note that an offspring's last attempt ended without saying anything about the parameters."""
        self._write("lost", index=index, outcome=loss.outcome.value, reason=loss.reason, node=loss.node)

    def withdrawn(self, indices: Sequence[int]) -> None:
        """Note that the controller itself ended these offspring's attempts: they start afresh."""
        self._write("withdrawn", indices=list(indices))

    def restart_clock(self, indices: Sequence[int]) -> None:
        """Note that the time of these offspring begins now, for those who come after."""
        self._write("clock", indices=list(indices))

    def time_out(self, indices: Sequence[int]) -> None:
        """Note that the deadline of these offspring is enforced, before the first job is cancelled."""
        self._write("timeout", indices=list(indices))

    def _write(self, event: str, **parts: object) -> None:
        now = Moment.now(self.time)
        when = {"time": now.time, "boot": now.boot, "uptime": now.uptime}
        entry = {"event": event, "writer": self._writer, **when, **parts}
        self._confirm()
        append_json_line(self._path, entry)
        self.state.take(entry)


def _time_of(path: Path, last: Moment | None) -> float:
    """Return what time it is in a journal whose last entry was written at a moment."""
    now = file_system_time(path)
    return now if last is None else last.time + last.passed(dated(path), now)


def require_executor(paths: GenerationPaths, executor: str) -> None:
    """Make sure that what is in flight of a generation is with this executor.

    Raises
    ------
    orchestrator.errors.UsageError
        If it is not: this executor could neither watch nor end it.
    """
    require_executor_of(Submissions.read(paths.journal).in_flight(), paths, executor)


def require_executor_of(submissions: Iterable[Submission], paths: GenerationPaths, executor: str) -> None:
    """Make sure that these submissions of a generation are with this executor, as `require_executor`."""
    for submission in submissions:
        if submission.executor != executor:
            raise UsageError(
                f"{paths.directory}: its jobs run with executor: {submission.executor}, not "
                f"{executor}; continue with that, or end them first with orchestrator cancel"
            )
