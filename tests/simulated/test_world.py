"""Nothing is lost, doubled or wrongly scored in the simulated world, whatever goes wrong; what would be is found."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from orchestrator.errors import UsageError
from orchestrator.jobs.submitter import Submitter
from orchestrator.lease import Lease
from simulated.faults import KINDS
from simulated.invariants import undisturbed
from simulated.schedules import Outcome, carried_out, schedule_of, shrunk
from simulated.world import SCHEDULES

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "world.py"
# in so many schedules a guard that does not work shows
ENOUGH = 2000
pytestmark = pytest.mark.hostile


def test_an_undisturbed_run_has_good_and_bad_evaluations_and_is_compared_with_itself() -> None:
    assert [row.outcome for row in undisturbed()] == ["SIMULATION_ERROR", "OK", "OK", "OK", "OK", "OK", "OK"]
    assert [row.generation for row in undisturbed()] == [0, 0, 0, 0, 1, 1, 1]
    assert carried_out(7, [], schedule="generations").violations == ()


def test_with_the_other_schedules_generations_overlap_and_each_evaluation_is_what_its_parameters_give() -> None:
    assert Counter(row.generation for row in undisturbed("close_at")) == {0: 4, 1: 3, 2: 3}
    # what was asked for and not handed out before a tell never is
    assert len(undisturbed("rolling")) == 9
    assert {row.generation for row in undisturbed("rolling")} >= {0, 1, 2}
    for schedule in ("close_at", "rolling"):
        assert {row.outcome for row in undisturbed(schedule)} == {"SIMULATION_ERROR", "OK"}
        assert carried_out(7, [], schedule=schedule).violations == ()


def test_every_schedule_comes_about_as_often() -> None:
    counts = Counter(schedule_of(seed) for seed in range(3000))
    assert set(counts) == set(SCHEDULES)
    assert min(counts.values()) > 3000 / len(SCHEDULES) * 0.9


@pytest.mark.parametrize("schedule", ["close_at", "rolling"])
def test_what_the_cluster_did_would_show_if_it_were_scored(schedule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which evaluations there are depends on the cluster there; what each must be does not."""
    size = len(undisturbed(schedule))
    monkeypatch.setattr("simulated.model.numbers_of", lambda _: {"rate": 1.0, "cv": 1.0})
    violations = carried_out(7, [], schedule=schedule).violations
    assert len(violations) == size
    assert any(each.startswith("0/0: expected SIMULATION_ERROR with scores ") for each in violations)


@pytest.mark.parametrize("first", range(0, 12, 6))
def test_some_schedules(first: int) -> None:
    outcomes = [carried_out(seed) for seed in range(first, first + 6)]
    assert [outcome for outcome in outcomes if outcome.violations] == []


def test_a_controller_that_dies_before_it_hands_over_the_tasks_and_a_late_successor_cost_no_result() -> None:
    assert carried_out(1019, schedule="generations").violations == ()


@pytest.mark.parametrize(("seed", "schedule"), [(102888, "generations"), (403150, "several_per_job")])
def test_a_job_whose_id_was_anothers_before_does_its_own_work(seed: int, schedule: str) -> None:
    assert carried_out(seed, schedule=schedule).violations == ()


@pytest.mark.parametrize("seed", range(700_000, 700_006))
def test_trials_with_a_job_each_are_lost_and_found_as_evaluations_are(seed: int) -> None:
    assert carried_out(seed, schedule="job_per_trial").violations == ()


def test_trials_with_a_job_each_give_what_one_simulation_gives() -> None:
    """Their model has no noise."""
    assert undisturbed("job_per_trial") == undisturbed("generations")


def test_a_controller_that_sleeps_in_its_first_submission_ends_no_job_early() -> None:
    assert carried_out(102998, schedule="generations").violations == ()


@pytest.mark.parametrize("seed", [206537, 212718, 213614])
def test_what_was_lost_while_the_controller_slept_past_its_deadline_is_evaluated_all_the_same(seed: int) -> None:
    assert carried_out(seed, schedule="generations").violations == ()


def test_a_user_who_is_refused_while_a_controller_waits_for_jobs_that_slurm_forgot_is_no_run_without_end() -> None:
    assert carried_out(213610, schedule="generations").violations == ()


def test_files_that_go_away_after_the_run_is_over_do_not_disturb_the_last_controller() -> None:
    assert carried_out(227974, schedule="generations").violations == ()


def test_a_job_whose_file_system_is_away_when_it_is_to_write_its_result_writes_it_later() -> None:
    assert carried_out(9, schedule="generations", kinds=["files away", "disk full"]).violations == ()


@pytest.mark.parametrize("seed", [203715, 205213])
def test_a_generation_whose_folder_alone_was_made_is_not_removed_with_the_one_before_it(seed: int) -> None:
    assert carried_out(seed, schedule="rolling").violations == ()


def test_a_run_that_no_controller_can_go_on_with_does_not_come_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is refused by another controller that does not live is not left out of the count."""

    def refused(*_: object) -> None:
        raise UsageError("the run is in use by the controller on login1; stop that controller first")

    monkeypatch.setattr("simulated.world.go_on", refused)
    assert carried_out(7, [], schedule="generations").violations == ("it does not come to an end",)


def test_a_schedule_is_the_same_each_time() -> None:
    once, again = (carried_out(11, trace=True) for _ in range(2))
    assert once.trace == again.trace
    assert once.digest == again.digest
    # looking on changes nothing
    assert carried_out(11).digest == once.digest
    assert carried_out(12).digest != once.digest


def test_a_schedule_is_the_same_in_every_process() -> None:
    printed = [
        subprocess.run(
            [sys.executable, BENCHMARK, "--seed", "11", "--trace"],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert printed[0] == printed[1]
    assert json.loads(printed[0].splitlines()[-1])["digest"] == carried_out(11).digest


def test_hundreds_of_schedules() -> None:
    done = subprocess.run(
        [sys.executable, BENCHMARK, "--schedules", "800", "--first", "1000", "--processes", "2"],
        capture_output=True,
        text=True,
        check=False,
    )
    figures = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0, done.stdout[-5000:]
    assert figures["schedules"] == 800
    assert figures["violations"] == 0
    assert set(figures["kinds"]) == set(KINDS)
    assert set(figures["runs"]) == set(SCHEDULES)


def first_violation(kinds: Sequence[str]) -> Outcome:
    for seed in range(ENOUGH):
        outcome = carried_out(seed, schedule="generations", kinds=kinds)
        if outcome.violations:
            return outcome
    pytest.fail(f"nothing was found in {ENOUGH} schedules")


def kinds_of(*beginnings: str) -> list[str]:
    return [kind for kind in KINDS if kind.startswith(beginnings)]


def nobody_asks(_lease: Lease) -> None:
    """Stands in for `Lease.confirm`."""


def nothing_is_found(_submitter: Submitter, error: Exception, _submission: object) -> None:
    """Stands in for `Submitter._found_after`: a submission that failed has not happened."""


# the kinds of fault that show it soonest; with all kinds it takes some hundreds of schedules
@pytest.mark.parametrize(
    ("guarded", "name", "broken", "kinds"),
    [
        (Lease, "confirm", nobody_asks, kinds_of("controller", "host", "second")),
        (Submitter, "_found_after", nothing_is_found, kinds_of("sbatch", "job")),
    ],
    ids=["the lease is confirmed before something is written", "a failed submission is looked up"],
)
def test_a_guard_that_does_not_work_is_found_and_its_schedule_shrinks(
    guarded: type,
    name: str,
    broken: Callable[..., object],
    kinds: Sequence[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guarded, name, broken)
    found = first_violation(kinds)
    fewest = shrunk(found)
    assert fewest.violations
    # what was left out did not matter, and all that is left does
    again = functools.partial(carried_out, found.seed, schedule="generations")
    assert again(fewest.faults).violations == fewest.violations
    for place in range(len(fewest.faults)):
        assert again([*fewest.faults[:place], *fewest.faults[place + 1 :]]).violations == ()
    assert again([]).violations == ()
    monkeypatch.undo()
    assert again(fewest.faults).violations == ()
