"""What a journal says, entry by entry: for the controller, for cancel, and for those who look on."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cluster import Job
from orchestrator.errors import Stopped, UsageError
from orchestrator.jobs.journal import Journal, require_executor
from orchestrator.jobs.submissions import JournalError, Loss, Submissions
from orchestrator.paths import GenerationPaths
from orchestrator.records import Outcome, Result

SUBMITTING = {"event": "submitting", "time": 5.0, "token": "a", "executor": "slurm", "tasks": [[0, 1], [1, 1]]}
SUBMITTED = {"event": "submitted", "time": 6.0, "token": "a", "ids": ["7_0", "7_1"]}


def state_of(*entries: dict[str, Any]) -> Submissions:
    state = Submissions()
    for entry in entries:
        state.take(entry)
    return state


def lost(index: int, outcome: Outcome = Outcome.NODE_FAIL, node: str = "") -> dict[str, Any]:
    return {"event": "lost", "time": 9.0, "index": index, "outcome": outcome.value, "reason": "gone", "node": node}


def again(index: int, number: int) -> list[dict[str, Any]]:
    token = f"t{index}.{number}"
    return [
        {"event": "submitting", "time": 10.0, "token": token, "executor": "slurm", "tasks": [[index, number]]},
        {"event": "submitted", "time": 11.0, "token": token, "ids": [f"{token}"]},
    ]


def test_a_submission_is_in_flight_from_its_intent_on() -> None:
    intended = state_of(SUBMITTING)
    (submission,) = intended.in_flight()
    assert (submission.ids, intended.current_tasks(submission)) == (None, [(0, 1), (1, 1)])
    assert (intended.history(0).attempts, intended.history(0).submissions) == (1, 0)
    done = state_of(SUBMITTING, SUBMITTED)
    assert (done.job_id(0), done.job_id(1), done.job_id(5)) == ("7_0", "7_1", "")
    assert (done.history(1).submissions, done.history(1).submitted, done.history(1).begin) == (1, 5.0, 5.0)
    assert done.jobs("slurm") == [Job("a", "7_0"), Job("a", "7_1")]
    assert done.jobs("local") == []


def test_a_refused_submission_leaves_nothing_in_flight() -> None:
    state = state_of(SUBMITTING, {"event": "refused", "time": 6.0, "token": "a", "message": "no"})
    assert state.in_flight() == []
    assert (state.history(0).attempts, state.history(0).submissions) == (1, 0)


def test_a_refusal_does_not_end_what_was_submitted_since() -> None:
    refused = {"event": "refused", "time": 6.0, "token": "a", "message": "no"}
    state = state_of(SUBMITTING, *again(0, 2), refused)
    assert [each.token for each in state.in_flight()] == ["t0.2"]


def test_a_lost_attempt_is_not_in_flight_and_its_successor_is() -> None:
    state = state_of(SUBMITTING, SUBMITTED, lost(0), *again(0, 2))
    assert [(each.token, state.current_tasks(each)) for each in state.in_flight()] == [
        ("a", [(1, 1)]),
        ("t0.2", [(0, 2)]),
    ]
    assert state.history(0).losses == [Loss(Outcome.NODE_FAIL, "gone")]
    assert state.history(0).begin == 5.0
    assert len(state.jobs("slurm")) == 3


def test_what_was_withdrawn_starts_afresh() -> None:
    state = state_of(
        SUBMITTING, SUBMITTED, lost(0), *again(0, 2), {"event": "withdrawn", "time": 12.0, "indices": [0, 1]}
    )
    assert state.in_flight() == []
    history = state.history(0)
    assert (history.submissions, history.losses, history.attempts) == (0, [], 2)


@pytest.mark.parametrize("parts", [{}, {"indices": [0, 1]}])
def test_a_timeout_is_of_the_offspring_that_it_names_or_of_all(parts: dict[str, Any]) -> None:
    state = state_of(SUBMITTING, SUBMITTED, {"event": "timeout", "time": 20.0, **parts})
    assert [state.history(index).timed_out for index in (0, 1)] == [True, True]
    state.take({"event": "withdrawn", "time": 21.0, "indices": []})
    assert [state.history(index).timed_out for index in (0, 1)] == [False, False]


def test_a_timeout_of_one_is_none_of_the_others() -> None:
    state = state_of(SUBMITTING, SUBMITTED, {"event": "timeout", "time": 20.0, "indices": [1]})
    assert [state.history(index).timed_out for index in (0, 1)] == [False, True]


def test_a_clock_that_starts_anew_holds_for_what_it_names() -> None:
    state = state_of(SUBMITTING, SUBMITTED, {"event": "clock", "time": 30.0, "indices": [0, 4]}, *again(4, 1))
    assert [state.history(index).begin for index in (0, 1, 4)] == [30.0, 5.0, 30.0]


TIMEOUT = {"event": "timeout", "time": 8.0, "indices": [0]}


class TestWhichAttemptCounts:
    def test_what_speaks_of_the_parameters_counts_from_whichever_attempt(self) -> None:
        history = state_of(SUBMITTING, SUBMITTED, lost(0), *again(0, 2)).history(0)
        assert history.counts(1, Outcome.OK)
        assert history.counts(1, Outcome.EXPLODED)

    def test_a_loss_counts_if_it_is_the_last_and_nothing_follows(self) -> None:
        before = [SUBMITTING, SUBMITTED, lost(0), *again(0, 2), lost(0)]
        assert not state_of(*before).history(0).counts(2, Outcome.NODE_FAIL)
        history = state_of(*before, TIMEOUT).history(0)
        assert history.counts(2, Outcome.NODE_FAIL)
        assert not history.counts(1, Outcome.NODE_FAIL)

    def test_two_nodes_that_died_in_a_row_are_enough(self) -> None:
        state = state_of(SUBMITTING, SUBMITTED, lost(0, node="n1"), *again(0, 2), lost(0, node="n2"))
        assert state.history(0).counts(2, Outcome.NODE_FAIL)
        assert state.history(0).speaks(Result(Outcome.NODE_FAIL))
        same = state_of(SUBMITTING, SUBMITTED, lost(0, node="n1"), *again(0, 2), lost(0, node="n1"))
        assert not same.history(0).counts(2, Outcome.NODE_FAIL)

    def test_what_is_lost_after_the_deadline_is_lost_for_good(self) -> None:
        history = state_of(SUBMITTING, SUBMITTED, TIMEOUT, lost(0)).history(0)
        assert history.counts(1, Outcome.NODE_FAIL)
        assert not history.speaks(Result(Outcome.NODE_FAIL))


UNKNOWN = [
    {"event": "postponed", "time": 1.0, "index": 0},
    {"time": 1.0},
    {"event": "submitted", "time": 1.0, "token": "never seen", "ids": []},
    {"event": "submitting", "time": 1.0, "token": "b", "executor": "slurm", "tasks": 3},
    {"event": "submitting", "time": 1.0, "token": "b", "executor": "slurm", "tasks": [[0]]},
    {"event": "submitted", "time": 1.0, "token": "a", "ids": ["1"]},
    {"event": "lost", "time": 1.0, "index": 0, "outcome": "NO SUCH", "reason": ""},
    {"event": "withdrawn", "time": 1.0},
]


@pytest.mark.parametrize("entry", UNKNOWN, ids=[json.dumps(entry)[:60] for entry in UNKNOWN])
def test_an_entry_that_is_not_understood_is_an_error_that_names_file_and_entry(
    entry: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "jobs.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in (SUBMITTING, entry, SUBMITTED)))
    with pytest.raises(
        JournalError, match=r"jobs\.jsonl: expected an entry that this version writes, got \{.*continue"
    ):
        Submissions.read(file)
    problems: list[str] = []
    state = Submissions.read(file, problems)
    assert len(problems) == 1
    assert state.job_id(0) == "7_0"


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    paths = GenerationPaths(tmp_path)
    journal = Journal(paths, lambda: None)
    journal.submitting("a", "slurm", [(0, 1), (1, 1)])
    journal.submitted("a", ["7_0", "7_1"])
    journal.lost(1, Loss(Outcome.PREEMPTED, "preempted", "n3"))
    journal.submitting("b", "slurm", [(1, 2)])
    journal.refused("b", "no")
    journal.restart_clock([0])
    journal.time_out([0, 1])
    journal.withdrawn([1])
    journal.time_out([0])
    read = Submissions.read(paths.journal)
    assert read.histories == journal.state.histories
    assert read.submissions == journal.state.submissions
    assert not math.isnan(read.history(0).submitted)
    assert read.history(0).timed_out


def test_what_a_controller_writes_that_was_succeeded_does_not_count(tmp_path: Path) -> None:
    """It may be suspended between its look at the lease and the entry: no look is close enough."""
    paths = GenerationPaths(tmp_path)
    first = Journal(paths, lambda: None)
    first.submitting("a", "slurm", [(0, 1), (1, 1)])
    first.submitted("a", ["7_0", "7_1"])
    first.lost(1, Loss(Outcome.PREEMPTED, "preempted"))
    second = Journal(paths, lambda: None)
    second.submitting("b", "slurm", [(1, 2)])
    # it wakes
    first.time_out([0, 1])
    first.submitting("c", "slurm", [(1, 3)])
    first.submitted("c", ["9"])
    second.submitted("b", ["8"])
    read = Submissions.read(paths.journal)
    assert read.histories == second.state.histories
    assert read.submissions == second.state.submissions
    assert (read.job_id(0), read.job_id(1), read.history(1).attempts) == ("7_0", "8", 2)
    assert not read.history(0).timed_out
    # and a third one judges by the same
    assert Journal(paths, lambda: None).state.histories == second.state.histories


def test_a_journal_of_an_earlier_version_is_taken_over(tmp_path: Path) -> None:
    paths = GenerationPaths(tmp_path)
    paths.journal.write_text("".join(json.dumps(each) + "\n" for each in (SUBMITTING, SUBMITTED)))
    journal = Journal(paths, lambda: None)
    assert journal.state.job_id(1) == "7_1"
    assert journal.time == pytest.approx(6.0, abs=5)  # its own clock, whatever that of the host shows
    journal.lost(1, Loss(Outcome.PREEMPTED, "preempted"))
    assert Submissions.read(paths.journal).histories == journal.state.histories


def test_an_entry_is_written_only_while_the_lease_is_held(tmp_path: Path) -> None:
    def taken_over() -> None:
        raise Stopped("another controller has taken this run over")

    journal = Journal(GenerationPaths(tmp_path), taken_over)
    with pytest.raises(Stopped):
        journal.submitting("a", "slurm", [(0, 1)])
    assert not GenerationPaths(tmp_path).journal.exists()
    assert journal.state.in_flight() == []


def test_another_executor_is_refused_for_what_is_in_flight_alone(tmp_path: Path) -> None:
    paths = GenerationPaths(tmp_path)
    require_executor(paths, "local")
    journal = Journal(paths, lambda: None)
    journal.submitting("a", "slurm", [(0, 1)])
    with pytest.raises(UsageError, match="its jobs run with executor: slurm, not local"):
        require_executor(paths, "local")
    require_executor(paths, "slurm")
    journal.lost(0, Loss(Outcome.NODE_FAIL, "gone"))
    require_executor(paths, "local")
