"""What surrounds a controller: a full disk, the job it runs in, a directory of a strange name, other users."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from orchestrator_project import MODEL, Project, same, wait_for
from slurm_project import (
    ALIVE,
    CONFIG,
    HELD,
    ROOT,
    SLURM,
    Step,
    calls_of,
    disguised,
    environment_of,
    in_offspring,
    interrupted_at,
    jobs_of,
    let_go,
    processes_in,
    project_at,
    public_files,
    results_of,
    same_but_attempts,
)
from virtual_cluster import VirtualCluster

pytestmark = [pytest.mark.slurm, pytest.mark.usefixtures("on_cluster", "leaving_nothing")]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB."""
    place = tmp_path / "small"
    place.mkdir()
    # mounting is for root; everybody is root in a namespace of his own: unshare -rm tools/test
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m,mode=700", "tmpfs", str(place)], check=True)
    yield place
    wait_for(lambda: not processes_in(place))
    subprocess.run(["umount", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Leave no room on a file system."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (2**16, 2**10, 1):
            with pytest.raises(OSError, match="No space left on device"):
                while file.write(b"x" * size):
                    pass
    return filler


def test_a_disk_that_is_full_while_jobs_end_is_waited_for(
    cluster: VirtualCluster, small_disk: Path, undisturbed: Project
) -> None:
    model = in_offspring(f"while directory.parts[-3] != '0' and {HELD.removeprefix('while ')}", generation=1)
    project = project_at(small_disk / "model", model)
    controller = project.start("run", CONFIG)
    # the controller deletes the directory of the first generation once the second delivers
    wait_for(lambda: project.simulated == 8 and not (project.runs[0] / "generations" / "0").exists())
    filler = fill(small_disk)
    let_go(project)
    wait_for(lambda: "unable to write their results" in project.command("status", str(project.runs[0])))
    filler.unlink()
    out, err = controller.communicate(timeout=100)
    assert controller.returncode == 0, out + err
    assert same_but_attempts(project.frame(), undisturbed.frame())
    # what a simulation itself could not write is lost, and simulated again
    assert project.simulated == 8 + out.count("attempt lost, NODE_FAIL"), out


def test_a_full_disk_stops_the_run_with_one_message(
    cluster: VirtualCluster, tmp_path: Path, small_disk: Path, undisturbed: Project
) -> None:
    project, gate = project_at(small_disk / "model"), tmp_path / "gate"
    controller = interrupted_at(project, Step("orchestrator.checkpoint:Checkpoint.append"), "run", CONFIG, gate=gate)
    wait_for(gate.exists)
    filler = fill(small_disk)
    gate.unlink()
    out, err = controller.communicate(timeout=90)
    assert controller.returncode == 1, out + err
    assert len([line for line in err.splitlines() if line.startswith("orchestrator: ")]) == 1
    assert err.startswith(f"orchestrator: {project.runs[0]}")
    assert "No space left on device" in err
    assert err.count("\n") == 2
    assert f"orchestrator run --continue {project.runs[0]}" in err
    assert "Traceback" not in out
    assert same(project.frame(), undisturbed.frame()[:4])
    wait_for(lambda: not jobs_of(cluster, project, *ALIVE))
    assert len(results_of(project, 1)) == 4
    filler.unlink()
    project.command("run", "--continue", str(project.runs[0]))
    assert same_but_attempts(project.frame(), undisturbed.frame())
    assert project.simulated == 8


# What a controller's own job may have in its environment. Each would break an offspring's submission or simulation.
LEAKS = {
    "SBATCH_CPU_BIND": "leaked",
    "SBATCH_MEM_BIND_TYPE": "leaked",
    "SLURM_CPU_BIND": "leaked",
    "SLURM_EXPORT_ENV": "LEAKED=leaked",
    "SQUEUE_FORMAT2": "leaked",
    "SQUEUE_STATES": "leaked",
    "SCANCEL_STATE": "leaked",
    "SRUN_LABEL": "leaked",
    "PMI_RANK": "leaked",
    "PMIX_RANK": "leaked",
    "PMIX_NAMESPACE": "leaked",
    "OMPI_COMM_WORLD_RANK": "leaked",
    "OMPI_MCA_orte_ess_jobid": "leaked",
}


def test_offspring_see_nothing_of_the_controllers_own_job(
    cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    dump = 'json.dump(dict(os.environ), open(here / f"environment-{os.getpid()}", "w"))'
    model = MODEL.replace("    time.sleep(", f"    {dump}\n    time.sleep(")
    project = project_at(tmp_path, model, jobs={**SLURM["jobs"], "mem": "50M"})
    script = (ROOT / "slurm_templates" / "optimisation.sbatch").read_text()
    exports = "".join(f"export {name}={value}\n" for name, value in LEAKS.items())
    job_script = tmp_path / "optimisation.sbatch"
    job_script.write_text(script.replace("exec orchestrator", f"{exports}exec orchestrator"))
    command = f'cd "{tmp_path}" && sbatch --parsable --wait --mem-per-cpu=100 --ntasks-per-node=1 optimisation.sbatch'
    controller = cluster.run("sh", "-c", command, timeout=120).strip()
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8
    environments = [json.loads(file.read_text()) for file in tmp_path.glob("environment-*")]
    assert len(environments) == 8
    for environment in environments:
        assert not [name for name, value in environment.items() if "leaked" in value]
        assert environment["SLURM_MEM_PER_NODE"] == "50"
        assert "SLURM_MEM_PER_CPU" not in environment
        assert environment["SLURM_ARRAY_JOB_ID"] != controller
        assert "-g" in environment["SLURM_JOB_NAME"]


BANNER = """echo "------------------------------------------------"
echo "--> You have 1 running job 0 pending (limit: job 50)"
"""


def test_what_a_sites_sbatch_prints_before_slurms_own_line_is_no_id(
    cluster: VirtualCluster, tmp_path: Path, undisturbed: Project
) -> None:
    project = project_at(tmp_path / "model")
    talking = disguised(tmp_path / "bin", "sbatch", BANNER)
    project.command("run", CONFIG, **environment_of(cluster, talking))
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8
    assert calls_of(talking, "sbatch") == 2


def test_an_sbatch_that_hangs_ends_with_the_generations_timeout(cluster: VirtualCluster, tmp_path: Path) -> None:
    project = project_at(tmp_path / "model", timeout=20, max_ngen=1)
    hanging = disguised(tmp_path / "bin", "sbatch", "sleep 1000")
    controller = project.start("run", CONFIG, **environment_of(cluster, hanging))
    out, err = controller.communicate(timeout=90)
    assert controller.returncode == 1
    assert "sbatch: no answer within 5 s" in out
    assert "not submitted within 20 s: sbatch: no answer within 5 s" in err
    assert "Traceback" not in out + err
    assert project.simulated == 0


def test_a_controller_stops_while_sbatch_hangs(cluster: VirtualCluster, tmp_path: Path, undisturbed: Project) -> None:
    project = project_at(tmp_path / "model")
    hanging = disguised(tmp_path / "bin", "sbatch", '[ "$N" = 2 ] && sleep 1000')
    controller = project.start("run", CONFIG, **environment_of(cluster, hanging))
    wait_for(lambda: calls_of(hanging, "sbatch") == 2)
    controller.terminate()
    begin = time.monotonic()
    _, err = controller.communicate(timeout=60)
    assert (controller.returncode, time.monotonic() - begin < 10) == (3, True), err
    project.command("run", "--continue", str(project.runs[0]))
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8


def test_a_directory_of_any_name_works(tmp_path: Path, undisturbed: Project) -> None:
    project = project_at(tmp_path / """it's "my" [1st] {model}; rm -rf $HOME & <b> | `c` *?! #~ = , é日本 """)
    project.command("run", CONFIG)
    assert same(project.frame(), undisturbed.frame())
    assert project.simulated == 8


@pytest.mark.parametrize("name", ["50% done", "back\\slash", "two\nlines"], ids=["percent", "backslash", "newline"])
def test_a_directory_whose_name_slurm_cannot_take_is_refused(name: str, tmp_path: Path) -> None:
    project = project_at(tmp_path / name)
    said = project.command("run", CONFIG, code=2)
    assert "model_dir: SLURM" in said
    assert "rename the directory" in said
    assert project.runs == []


def test_nobody_else_can_read_a_run(cluster: VirtualCluster, tmp_path: Path) -> None:
    """While it is in flight, and when it has ended; whatever the user's umask is."""
    project = project_at(tmp_path, in_offspring(HELD, generation=1))
    before = os.umask(0o022)
    try:
        controller = project.start("run", CONFIG)
    finally:
        os.umask(before)
    wait_for(lambda: project.simulated == 8)
    assert project.runs[0].stat().st_mode & 0o777 == 0o700
    in_flight = public_files(project.runs[0])
    let_go(project)
    out, err = controller.communicate(timeout=60)
    assert controller.returncode == 0, out + err
    assert in_flight == []
    assert public_files(project.runs[0]) == []
