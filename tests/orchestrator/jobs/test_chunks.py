"""Several evaluations in a job: how many there are, and that what ends the job is nobody's doing of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripted_pool import ABSENT, OK, PENDING, RUNNING, ScriptedRun, ended

from orchestrator.cluster import SubmissionFailed
from orchestrator.files import read_json_lines
from orchestrator.jobs.chunks import Chunks
from orchestrator.jobs.submissions import JournalError, Submissions
from orchestrator.records import Outcome, Result

Make = Callable[..., ScriptedRun]


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    def make(per_job: int, **options: Any) -> ScriptedRun:
        run = ScriptedRun(tmp_path, monkeypatch, **options)
        run.terms = replace(run.terms, chunks=Chunks(per_job))
        return run

    return make


def took(seconds: float) -> Result:
    return Result(Outcome.OK, started=100.0, finished=100.0 + seconds)


def together(run: ScriptedRun) -> list[list[int]]:
    return [entry.get("together", []) for entry in run.events("submitting")]


def test_as_many_as_wanted_go_into_a_job_and_as_evenly_as_possible(scripted: Make) -> None:
    run = scripted(4, size=10)
    assert run.outcomes() == [Outcome.OK] * 10
    assert together(run) == [[4, 3, 3]]
    ids = run.events("submitted")[0]["ids"]
    assert [ids.count(each) for each in dict.fromkeys(ids)] == [4, 3, 3]


def test_an_array_has_as_many_jobs_as_the_executor_takes_whatever_is_in_them(scripted: Make) -> None:
    run = scripted(3, size=8)
    run.cluster.batch_size = 2
    assert run.outcomes() == [Outcome.OK] * 8
    assert together(run) == [[3, 3], [2]]
    assert [len(batch) for batch in run.cluster.batches] == [6, 2]


def test_where_fewer_jobs_are_taken_they_are_as_large(scripted: Make) -> None:
    run = scripted(2, size=8)
    run.cluster.refusals.append((SubmissionFailed("too many", transient=False, too_many=True), False))
    assert run.outcomes() == [Outcome.OK] * 8
    assert together(run) == [[2, 2, 2, 2], [2, 2], [2, 2]]


@pytest.mark.parametrize("outcome", [Outcome.TIME_LIMIT, Outcome.OUT_OF_MEMORY, Outcome.NODE_FAIL, None])
def test_the_end_of_a_job_says_nothing_of_what_it_had_not_delivered_and_fewer_are_tried(
    scripted: Make, outcome: Outcome | None
) -> None:
    run = scripted(16, size=16, timeout=5000.0)
    run.cluster.answer(0, 1, RUNNING, ended(outcome))
    for index in range(1, 4):
        run.cluster.answer(index, 1, RUNNING, RUNNING)
    landed = run.finish()
    assert [each.result.outcome for each in landed] == [Outcome.OK] * 16
    assert [each.attempts for each in landed] == [2] * 4 + [1] * 12
    assert together(run) == [[16], [2, 2]]
    assert {entry["outcome"] for entry in run.events("lost")} <= {"NODE_FAIL", "LAUNCH_FAILED"}
    assert {entry["node"] for entry in run.events("lost")} == {""}


def test_alone_an_evaluation_is_judged_by_the_end_of_its_job(scripted: Make) -> None:
    run = scripted(16, size=16, timeout=50_000.0)
    run.cluster.answer(3, None, RUNNING, ended(Outcome.TIME_LIMIT))
    landed = run.finish()
    assert [each.result.outcome for each in landed] == [Outcome.OK] * 3 + [Outcome.TIME_LIMIT] + [Outcome.OK] * 12
    assert [attempt for attempt in run.cluster.submitted if attempt[0] == 3] == [(3, 1), (3, 2)]


def test_two_nodes_that_die_under_a_job_of_many_do_not_speak_of_any_of_them(scripted: Make) -> None:
    run = scripted(128, size=20, timeout=20_000.0)
    for index in range(20):
        run.cluster.answer(index, 1, RUNNING, ended(Outcome.NODE_FAIL, "n1"))
        run.cluster.answer(index, 2, RUNNING, ended(Outcome.NODE_FAIL, "n2"))
    landed = run.finish()
    assert [each.result.outcome for each in landed] == [Outcome.OK] * 20
    assert together(run) == [[20], [10, 10], [2] * 10]


def test_a_late_result_does_not_cancel_a_job_that_evaluates_others(scripted: Make) -> None:
    run = scripted(16, size=3)
    run.cluster.answer(0, 1, RUNNING, ended(Outcome.CANCELLED))
    for index in range(3):
        run.cluster.answer(index, 1, RUNNING, ended(Outcome.CANCELLED))
        run.cluster.answer(index, 2, RUNNING, RUNNING, RUNNING, OK)
    run.clock.after(9.0, lambda: run.deliver(0, 1))  # while the second job is at work
    assert run.outcomes() == [Outcome.OK] * 3
    assert run.cluster.cancelled == []


@pytest.mark.parametrize("died", [0.5, 3.0])
def test_another_controller_takes_over_jobs_of_several(scripted: Make, died: float) -> None:
    run = scripted(3, size=7)
    run.cluster.otherwise = [PENDING, RUNNING, RUNNING, RUNNING, OK]
    run.crash(died)
    assert run.outcomes() == [Outcome.OK] * 7
    assert run.cluster.submitted == [(index, 1) for index in range(7)]


def test_jobs_that_a_dead_controller_had_submitted_and_not_noted_are_found_with_all_they_do(scripted: Make) -> None:
    run = scripted(3, size=7)
    run.cluster.refusals.append((SubmissionFailed("no answer", transient=True), True))
    assert run.outcomes() == [Outcome.OK] * 7
    assert run.cluster.submitted == [(index, 1) for index in range(7)]
    assert len(run.events("submitted")[0]["ids"]) == 7


def test_at_the_deadline_a_job_is_cancelled_once(scripted: Make) -> None:
    run = scripted(4, size=4, timeout=100.0)
    run.cluster.otherwise = [RUNNING]
    run.clock.after(9.0, lambda: run.deliver(0, 1))
    assert run.outcomes() == [Outcome.OK] + [Outcome.TIMEOUT] * 3
    assert len(run.cluster.cancelled) == len(set(run.cluster.cancelled)) == 4


def test_what_the_queue_has_forgotten_of_a_job_is_submitted_again(scripted: Make) -> None:
    run = scripted(4, size=4, timeout=5000.0)
    for index in range(4):
        run.cluster.answer(index, 1, PENDING, ABSENT)
    assert run.outcomes() == [Outcome.OK] * 4


def test_a_journal_whose_jobs_do_not_add_up_is_refused(scripted: Make) -> None:
    run = scripted(4, size=4)
    run.finish()
    entry = next(each for each in read_json_lines(run.paths.journal) if each["event"] == "submitting")
    for damaged in ([3], [0, 4], [2, 3], "4", [math.nan]):
        with pytest.raises(JournalError, match="expected an entry that this version writes"):
            Submissions().take({**entry, "together": damaged})


def test_a_job_gets_three_minutes_of_work_by_what_evaluations_took(scripted: Make) -> None:
    chunks = Chunks("auto", processes=2, timeout=36_000.0)
    assert chunks.size == 2
    for seconds in (1.0, 1.5, 90.0):
        chunks.learn(took(seconds))
    assert chunks.size == 240
    chunks.learn(Result(Outcome.SIMULATION_ERROR, started=0.0, finished=0.001))
    chunks.learn(Result(Outcome.OK))
    assert chunks.size == 240
    assert Chunks("auto", processes=2, timeout=36_000.0, seconds=[3600.0]).size == 2
    assert Chunks("auto", job=20.0, seconds=[1.0]).size == 10
    assert Chunks("auto", timeout=20.0, seconds=[1.0]).size == 5
    assert Chunks(7, processes=2).size == 7
