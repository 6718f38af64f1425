"""The controller killed between any two of its steps, doubled, out of disk, in a strange place: nothing is lost.

Each test ends with what the undisturbed run gave, and leaves no job, process or directory.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from orchestrator_project import Project, same, wait_for
from slurm_project import (
    CONFIG,
    HELD,
    Step,
    finished,
    in_offspring,
    interrupted_at,
    killed_at,
    let_go,
    log_of,
    project_at,
    results_of,
)

pytestmark = [pytest.mark.slurm, pytest.mark.usefixtures("on_cluster", "leaving_nothing")]

# All in the second generation, so that the first has to be replayed.
STEPS = {
    "sampled_but_not_recorded": Step("orchestrator.run.asked:write_json"),
    "recorded_but_not_submitted": Step("orchestrator.run.asked:write_json", after=True),
    "noted_but_sbatch_not_called": Step("orchestrator.cluster.slurm:SlurmCluster.submit"),
    "sbatch_returned_but_the_jobs_have_no_task_yet": Step("orchestrator.cluster.submission:hand_over"),
    "submitted_but_the_ids_not_written": Step("orchestrator.cluster.slurm:SlurmCluster.submit", after=True),
    "results_written_but_not_collected": Step(
        "orchestrator.jobs.folders:new_results",
        when="args[0].parent.name == '1' and len(list(args[0].glob('*.json'))) == 4",
    ),
    "collected_but_not_appended": Step("orchestrator.checkpoint:Checkpoint.append"),
    "appended_but_not_yet_to_be_seen": Step(
        # the second time that the superblock is told the new end of the file
        "orchestrator.checkpoint.image:_write",
        after=True,
        when="args[2] == 40 and n > 3",
    ),
    "appended_but_the_optimiser_not_told": Step("orchestrator.checkpoint:Checkpoint.append", after=True),
    "told_but_the_directories_not_deleted": Step("orchestrator.jobs.cleanup:Cleanup._discard", when="args[1] == 1"),
    "the_directories_half_deleted": Step("os:rmdir", when="n == 3"),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_a_controller_killed_between_two_steps(step: Step, tmp_path: Path, undisturbed: Project) -> None:
    project = project_at(tmp_path)
    killed_at(project, step, "run", CONFIG)
    project.command("run", "--continue", str(project.runs[0]))
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8


def test_a_controller_killed_again_and_again(tmp_path: Path, undisturbed: Project) -> None:
    """Each continuation dies a step later than the one before."""
    project = project_at(tmp_path)
    killed_at(project, STEPS["noted_but_sbatch_not_called"], "run", CONFIG)
    for name in (
        "submitted_but_the_ids_not_written",
        "results_written_but_not_collected",
        "collected_but_not_appended",
        "told_but_the_directories_not_deleted",
    ):
        step = STEPS[name]
        again = Step(step.call, step.after, step.when.replace("n == 2", "n == 1"))
        killed_at(project, again, "run", "--continue", str(project.runs[0]))
    project.command("run", "--continue", str(project.runs[0]))
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8


CANCELLING = {
    "before_the_first_is_cancelled": Step("orchestrator.jobs.pool:end_jobs", when="n == 1"),
    "all_cancelled_but_nothing_decided": Step("orchestrator.jobs.pool:end_jobs", after=True, when="n == 1"),
    "one_decided_and_the_other_not": Step("orchestrator.jobs.pool:write_json", after=True, when="n == 1"),
}


@pytest.mark.parametrize("step", CANCELLING.values(), ids=CANCELLING)
def test_a_controller_killed_while_it_enforces_the_timeout(step: Step, tmp_path: Path, undisturbed: Project) -> None:
    project = project_at(tmp_path, in_offspring("if directory.parts[-3] in '13': time.sleep(600)", generation=1))
    controller = project.start("run", CONFIG)
    wait_for(lambda: project.simulated == 8 and len(results_of(project, 1)) == 2)
    controller.kill()
    controller.communicate()
    continuing = ("run", "--continue", str(project.runs[0]), "--set", "timeout=1")
    killed_at(project, step, *continuing)
    project.command(*continuing)
    frame, expected = project.frame(), undisturbed.frame()
    late = [5, 7]
    assert same(frame.drop(index=late), expected.drop(index=late))
    assert list(frame["outcome"][late]) == ["TIMEOUT", "TIMEOUT"]
    assert list(frame["total_score"][late]) == [40, 40]
    assert list(frame["attempts"]) == [1] * 8
    assert project.simulated == 8


def test_a_second_controller_is_refused_and_a_dead_one_succeeded_at_once(tmp_path: Path, undisturbed: Project) -> None:
    project = project_at(tmp_path, in_offspring(HELD, generation=1))
    first = project.start("run", CONFIG)
    wait_for(lambda: project.simulated == 8)
    continuing = ("run", "--continue", str(project.runs[0]))
    refusal = project.command(*continuing, code=2)
    assert f"{project.runs[0]} is in use by the controller on {socket.gethostname()} (process {first.pid}" in refusal
    assert first.poll() is None
    first.kill()
    first.communicate()
    begin = time.monotonic()
    successor = project.start(*continuing)
    wait_for(lambda: "took over 4 jobs" in log_of(project))
    assert time.monotonic() - begin < 30  # and not after the minute for which a silent holder may be alive
    let_go(project)
    finished(successor)
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8


def test_of_two_that_take_over_from_a_dead_controller_one_does(tmp_path: Path, undisturbed: Project) -> None:
    """Both have seen that it is dead when the first takes its place, and the second must not take that of the first."""
    project, gate = project_at(tmp_path, in_offspring(HELD, generation=1)), tmp_path / "gate"
    killed_at(project, STEPS["recorded_but_not_submitted"], "run", CONFIG)
    continuing = ("run", "--continue", str(project.runs[0]))
    second = interrupted_at(project, Step("orchestrator.lock:Lock.take_over", when="n == 1"), *continuing, gate=gate)
    wait_for(gate.exists)
    first = project.start(*continuing)
    wait_for(lambda: project.simulated == 8)
    gate.unlink()
    wait_for(lambda: second.poll() is not None or log_of(project).count("took over 4 jobs") > 0)
    let_go(project)
    finished(first)
    out, err = second.communicate(timeout=60)
    assert second.returncode == 2, out + err
    assert f"is in use by the controller on {socket.gethostname()} (process {first.pid}" in err
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8
