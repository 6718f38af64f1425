"""The journal: writer, reader, recovery and status say the same of any history."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest
from examples import at_least
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.cluster import Job, Task
from orchestrator.jobs.journal import Journal
from orchestrator.jobs.submissions import Loss, Submissions
from orchestrator.jobs.submitter import Submitter
from orchestrator.paths import GenerationPaths
from orchestrator.records import Outcome
from orchestrator.status.in_progress import GenerationReader

SIZE = 3
INDICES = st.lists(st.integers(0, SIZE - 1), min_size=1, max_size=SIZE, unique=True)
LOSSES = st.sampled_from([Outcome.NODE_FAIL, Outcome.LAUNCH_FAILED, Outcome.PREEMPTED])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["submitting", "submitted", "refused"]), INDICES),
        st.tuples(st.just("lost"), st.tuples(st.integers(0, SIZE - 1), LOSSES)),
        st.tuples(st.sampled_from(["withdrawn", "clock", "timeout"]), INDICES),
    ),
    max_size=12,
)


class Remembering:
    """A cluster that knows nothing but what it is told when it is asked to recover."""

    name = "fake"

    def recover(
        self, tasks: Sequence[Task], token: str, folder: Path, ids: Sequence[str] | None, wanted: Collection[int]
    ) -> list[Job] | None:
        return None if ids is None else [Job(token, job_id) for job_id in ids]


def write(journal: Journal, steps: Sequence[tuple[str, object]]) -> None:
    """Let a controller do these steps, each if it can be done."""
    for number, (step, argument) in enumerate(steps):
        indices = argument if isinstance(argument, list) else []
        if step in ("submitting", "submitted", "refused"):
            token = f"t{number}"
            tasks = [(index, journal.history(index).attempts + 1) for index in indices]
            journal.submitting(token, "fake", tasks)
            if step == "submitted":
                journal.submitted(token, [f"{token}_{n}" for n in range(len(tasks))])
            elif step == "refused":
                journal.refused(token, "no")
        elif isinstance(argument, tuple):
            index, outcome = argument
            if journal.history(index).token:
                journal.lost(index, Loss(outcome, "gone"))
        else:
            {"withdrawn": journal.withdrawn, "clock": journal.restart_clock, "timeout": journal.time_out}[step](indices)


@at_least(60)
@given(STEPS)
def test_all_readers_agree(steps: list[tuple[str, object]]) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as directory:
        patch.setattr("os.fsync", lambda _: None)
        paths = GenerationPaths(Path(directory))
        journal = Journal(paths, lambda: None)
        write(journal, steps)
        read = Submissions.read(paths.journal)
        assert read.submissions == journal.state.submissions
        assert [read.history(n) for n in range(SIZE)] == [journal.history(n) for n in range(SIZE)]
        shown = GenerationReader(paths, 0, size=SIZE).read(0.0, 1.0)
        for index in range(SIZE):
            history, offspring = read.history(index), shown.offspring[index]
            assert (offspring.in_flight, offspring.attempt) == (bool(history.token), history.attempts)
            assert offspring.job_id == read.job_id(index)
        found = Submitter(Journal(paths, lambda: None), paths, Remembering(), "run", threading.Event()).recover(  # type: ignore[arg-type]
            range(SIZE)
        )
        known = {index: read.job_id(index) for index in range(SIZE) if read.job_id(index)}
        assert {attempt.index: attempt.job.id for attempt in found} == known
        assert all(attempt.number == read.history(attempt.index).attempts for attempt in found)
