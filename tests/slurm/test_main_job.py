"""The main job on a real SLURM, of a function instead of a network."""

from __future__ import annotations

import os
import re
import shutil
import signal
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from orchestrator_project import MODEL, Project, same, wait_for
from slurm_project import ALIVE, CONFIG, ROOT, SLURM, jobs_of, project_at
from virtual_cluster import VirtualCluster

pytestmark = [pytest.mark.slurm, pytest.mark.usefixtures("on_cluster", "leaving_nothing")]


def test_sbatch_runs_a_whole_optimisation(cluster: VirtualCluster, tmp_path: Path, undisturbed: Project) -> None:
    project = project_at(tmp_path / "a model's [new] directory ü")
    shutil.copy(ROOT / "slurm_templates" / "optimisation.sbatch", project.directory)
    submitted = cluster.run("sh", "-c", f'cd "{project.directory}" && sbatch --wait optimisation.sbatch')
    log = next(project.directory.glob("optimisation-*.log")).read_text()
    assert "Submitted batch job" in submitted
    assert "Done: max_ngen of 2 generations reached" in log
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8
    assert not any((project.runs[0] / "generations").iterdir())
    assert set(project.frame()["host"]) <= {"n1", "n2", "n3", "n4"}
    assert all("_" in job for job in project.frame()["job_id"])


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_controller_that_is_gone_is_continued(
    cluster: VirtualCluster, tmp_path: Path, undisturbed: Project, how: signal.Signals
) -> None:
    project = project_at(tmp_path)
    controller = project.start("run", CONFIG, TEST_SECONDS="4")
    wait_for(lambda: project.simulated >= 6)
    controller.send_signal(how)
    controller.communicate(timeout=10)
    assert controller.returncode == (-9 if how is signal.SIGKILL else 3)
    assert jobs_of(cluster, project, *ALIVE)  # its jobs go on
    project.command("run", "--continue", str(project.runs[0]))
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8


def test_a_controller_cancelled_by_scancel_leaves_its_jobs(
    cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    project = project_at(tmp_path)
    shutil.copy(ROOT / "slurm_templates" / "optimisation.sbatch", project.directory)
    command = f'cd "{project.directory}" && TEST_SECONDS=4 sbatch --parsable optimisation.sbatch'
    job = cluster.run("sh", "-c", command).strip()
    wait_for(lambda: project.simulated >= 6)
    cluster.run("scancel", job)
    wait_for(lambda: cluster.run("squeue", "-h", "-j", job, "-t", "all", "-o", "%T").strip() == "CANCELLED", 10)
    log = (project.directory / f"optimisation-{job}.log").read_text()
    assert f"orchestrator run --continue {project.runs[0]}" in log
    project.command("run", "--continue", str(project.runs[0]))
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8


def test_a_refused_submission_is_one_message_and_leaves_nothing(cluster: VirtualCluster, tmp_path: Path) -> None:
    project = project_at(tmp_path, jobs={**SLURM["jobs"], "retries": 0}, slurm={"partition": "nope"})
    said = project.command("run", CONFIG, code=1)
    assert "invalid partition specified: nope" in said
    assert project.runs == []


def test_slurm_is_asked_as_often_for_many_offspring_as_for_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrappers = tmp_path / "wrappers"
    wrappers.mkdir()
    calls = tmp_path / "calls"
    for name in ("sbatch", "squeue", "scancel", "scontrol", "sacct"):
        real = shutil.which(name)
        (wrappers / name).write_text(f'#!/bin/sh\necho {name} >> "{calls}"\nexec {real} "$@"\n')
        (wrappers / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrappers}{os.pathsep}{os.environ['PATH']}")
    counts = {}
    for size in (4, 8):
        calls.write_text("")
        project = project_at(tmp_path / str(size), offspring_size=size, max_ngen=1)
        project.command("run", CONFIG, "--set", "slurm.poll_interval=30")
        counts[size] = calls.read_text().split()
    assert counts[4].count("sbatch") == counts[8].count("sbatch") == 1
    assert len(counts[8]) <= len(counts[4]) + 1


def test_a_generation_larger_than_an_array_is_submitted_in_several(
    cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    project = project_at(tmp_path, slurm={"array_size": 3})
    project.command("run", CONFIG)
    assert same(project.frame(), undisturbed.frame())
    first = project.frame()["job_id"][:4]
    assert len({job.partition("_")[0] for job in first}) == 2
    assert ["_" in job for job in first] == [True, True, True, False]


def test_a_node_on_which_nothing_starts_is_avoided(tmp_path: Path, undisturbed: Project) -> None:
    """An idle black hole would otherwise draw one offspring after the other, and end the run."""
    model = "import os\nif os.environ.get('SLURMD_NODENAME') == 'n1': raise ImportError('no such module')\n" + MODEL
    project = project_at(tmp_path, model=model)
    out = project.command("run", CONFIG, TEST_SECONDS="2")
    frame = project.frame()
    assert same(frame.drop(columns="attempts"), undisturbed.frame().drop(columns="attempts"))
    assert frame["attempts"].max() >= 2
    assert "n1" not in set(frame["host"])
    assert "attempt lost, LAUNCH_FAILED on n1: ImportError: no such module" in out


def test_a_job_that_is_terminated_from_outside_is_no_bad_simulation(
    cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    """A reboot of a node ends its jobs' processes with SIGTERM; SLURM says FAILED."""
    model = MODEL.replace("    time.sleep(", '    (here / f"pid-{os.getpid()}").touch()\n    time.sleep(')
    project = project_at(tmp_path, model=model, max_ngen=1)
    controller = project.start("run", CONFIG, TEST_SECONDS="3")
    wait_for(lambda: len(list(tmp_path.glob("pid-*"))) == 4)
    os.kill(int(min(tmp_path.glob("pid-*")).name.partition("-")[2]), signal.SIGTERM)
    out, err = controller.communicate(timeout=60)
    assert controller.returncode == 0, out + err
    frame = project.frame()
    assert list(frame["total_score"]) == list(undisturbed.frame()["total_score"][:4])
    assert sorted(frame["attempts"]) == [1, 1, 1, 2]


def test_a_job_gets_the_clusters_own_time_limit_where_none_is_asked_for(
    cluster: VirtualCluster, tmp_path: Path
) -> None:
    """Submitit has five minutes for a default."""
    project = project_at(tmp_path, max_ngen=1)
    controller = project.start("run", CONFIG, TEST_SECONDS="4", LOGNAME="nobody", USER="nobody")
    wait_for(lambda: project.simulated == 4)
    job = jobs_of(cluster, project, "RUNNING")[0][0]
    said = cluster.run("scontrol", "show", "job", job)
    assert re.search(r"TimeLimit=(UNLIMITED|365-00:00:00)", said), said  # the partition's, which is none
    assert "WCKey" not in said
    out, err = controller.communicate(timeout=60)
    assert controller.returncode == 0, out + err
    assert project.simulated == 4  # also where the environment lies about who asks


def test_a_controller_at_its_time_limit_goes_on_in_its_own_job(
    cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    project = project_at(tmp_path)
    shutil.copy(ROOT / "slurm_templates" / "optimisation.sbatch", tmp_path)
    job = cluster.run("sh", "-c", f'cd "{tmp_path}" && TEST_SECONDS=4 sbatch --parsable optimisation.sbatch').strip()
    wait_for(lambda: project.simulated >= 6)
    cluster.run("scancel", "--batch", "--signal=USR1", job)  # as SLURM does some minutes before the limit

    def state() -> str:
        word, begin = cluster.run("squeue", "-h", "-j", job, "-t", "all", "-o", "%T %S").split()
        if (
            word == "PENDING"
            and begin != "N/A"
            and datetime.fromisoformat(begin) > datetime.now() + timedelta(seconds=20)
        ):
            # SLURM would wait for two minutes; but the node takes a job that starts at once for the one it has ended
            cluster.run("sh", "-c", f"scontrol update jobid={job} starttime=now+10 || true")
        return word

    wait_for(lambda: state() == "COMPLETED", 200)
    assert len(project.runs) == 1
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8
    log = (tmp_path / f"optimisation-{job}.log").read_text()
    assert f"and so does job {job}, which is queued again" in log
    assert "Done: max_ngen of 2 generations reached" in log


def test_cancel_ends_a_controllers_job_that_is_queued_again(
    cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    """It would go on with the run, or begin another one."""
    project = project_at(tmp_path)
    shutil.copy(ROOT / "slurm_templates" / "optimisation.sbatch", tmp_path)
    job = cluster.run("sh", "-c", f'cd "{tmp_path}" && TEST_SECONDS=100 sbatch --parsable optimisation.sbatch').strip()
    wait_for(lambda: project.simulated == 4)
    cluster.run("scancel", "--batch", "--signal=USR1", job)

    def states() -> list[str]:
        return cluster.run("squeue", "-h", "-j", job, "-t", "all", "-o", "%T").split()

    wait_for(lambda: states() == ["PENDING"])
    assert "Ended 4 jobs" in project.command("cancel", str(project.runs[0]))
    assert states() == ["CANCELLED"]
    project.command("run", "--continue", str(project.runs[0]))
    assert same(project.frame(), undisturbed.frame())


def test_cancel_of_a_copied_run_leaves_the_jobs_of_the_original_alone(cluster: VirtualCluster, tmp_path: Path) -> None:
    """SLURM says where a job works: a backup has the same name and the same journal."""
    project = project_at(tmp_path / "model")
    controller = project.start("run", CONFIG, TEST_SECONDS="100")
    wait_for(lambda: project.simulated == 4)
    controller.kill()
    controller.communicate(timeout=10)
    before = jobs_of(cluster, project, *ALIVE)
    assert len(before) == 4
    shutil.copytree(project.directory, tmp_path / "backup")
    copy = Project(tmp_path / "backup", CONFIG)
    said = copy.command("cancel", str(copy.runs[0]))
    assert "Ended 0 jobs" in said
    assert said.count("nothing shows that it is this run's: it is left alone") == 4
    assert [row[0] for row in jobs_of(cluster, project, *ALIVE)] == [row[0] for row in before]
    assert "Ended 4 jobs" in project.command("cancel", str(project.runs[0]))
    assert jobs_of(cluster, project, *ALIVE) == []
    for each in (copy, project):
        shutil.rmtree(each.runs[0])  # what it would go on with
