"""`orchestrator check` on a real SLURM: what it accepts, what would wait for ever, an offspring tried on a node."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from slurm_project import (
    ALIVE,
    CONFIG,
    MODEL,
    SLURM,
    Project,
    environment_of,
    own_cluster,
    processes_in,
    project_at,
    wait_for,
)
from virtual_cluster import VirtualCluster

pytestmark = pytest.mark.slurm

ROOT = Path(__file__).resolve().parents[2]
PARTITIONS = (
    "PartitionName=short Nodes=n1 MaxTime=00:10:00 State=UP",
    "PartitionName=broken Nodes=n1 State=DOWN",
)


@pytest.fixture(scope="module")
def partitioned() -> Iterator[VirtualCluster]:
    """A cluster with a partition for short jobs, and one that is down."""
    with own_cluster(nodes=2, extra=PARTITIONS) as own:
        yield own


def project(directory: Path, model: str = MODEL, **options: Any) -> Project:
    jobs = {key: options.pop(key) for key in ("ntasks", "time") if key in options}
    return project_at(directory, model, timeout="2h", jobs={**SLURM["jobs"], **jobs}, slurm=options)


def jobs(cluster: VirtualCluster, *states: str) -> list[str]:
    """Id, name and reason of the jobs that check has submitted."""
    rows = cluster.run("squeue", "-h", "-t", ",".join(states) or "all", "-o", "%i %j %r").splitlines()
    return [row for row in rows if "orchestrator_check_" in row]


def nothing_is_left(cluster: VirtualCluster, directory: Path) -> bool:
    """Whether no job, process or file of a trial is left."""
    wait_for(lambda: not jobs(cluster, *ALIVE) and not processes_in(directory))
    return not list(directory.glob("orchestrator_check_*"))


@pytest.mark.usefixtures("on_cluster")
def test_a_job_that_the_cluster_accepts(tmp_path: Path) -> None:
    said = project(tmp_path, ntasks=2, time="1h").command("check", CONFIG)
    assert "  cluster     accepts the job (partition main, such as n" in said
    assert (
        "  cost        at most 16 core-hours, 8 node-hours on as few nodes as possible (1 h per job, jobs.time)" in said
    )
    assert "sound." in said


@pytest.mark.usefixtures("on_cluster")
@pytest.mark.parametrize(
    ("slurm", "message"),
    [
        ({"partition": "mian"}, "slurm.partition: SLURM refuses such a job: invalid partition specified: mian"),
        ({"constraint": "avx1024"}, "slurm.constraint: SLURM refuses such a job: allocation failure: Invalid feature"),
        (
            {"nodes": 99, "ntasks": 99},
            "slurm: SLURM refuses such a job: allocation failure: Requested node configuration",
        ),
        ({"extra": {"gres": "gpu:8"}}, "slurm: SLURM refuses such a job: "),
    ],
    ids=["partition", "constraint", "nodes", "gres"],
)
def test_a_job_that_the_cluster_refuses(tmp_path: Path, slurm: dict[str, Any], message: str) -> None:
    said = project(tmp_path, **slurm).command("check", CONFIG, code=2)
    assert message in said
    assert "  cluster     refuses the job" in said


def test_a_job_that_would_wait_for_ever_does(partitioned: VirtualCluster, tmp_path: Path) -> None:
    environment = environment_of(partitioned)
    own = project(tmp_path, partition="short", time="1h")
    said = own.command("check", CONFIG, code=2, **environment)
    assert ": jobs.time: expected at most 10 min, the limit of partition short, got 1 h: " in said
    # and so it is
    job = partitioned.run("sbatch", "--parsable", "-o/dev/null", "-pshort", "-t60", "--wrap=true").strip()
    wait_for(lambda: "PartitionTimeLimit" in partitioned.run("squeue", "-h", "-j", job, "-o", "%r"))
    partitioned.run("scancel", job)
    assert "sound." in project(tmp_path, partition="short", time="10m").command("check", CONFIG, **environment)


def test_a_partition_that_is_down_is_noted(partitioned: VirtualCluster, tmp_path: Path) -> None:
    said = project(tmp_path, partition="broken", time="1h").command("check", CONFIG, **environment_of(partitioned))
    assert "slurm.partition: partition broken is DOWN: jobs wait until somebody sets it UP" in said
    assert "sound." in said


def test_the_controllers_script_is_asked_about_as_well(partitioned: VirtualCluster, tmp_path: Path) -> None:
    own = project(tmp_path, time="1h")
    script = tmp_path / "optimisation.sbatch"
    text = (ROOT / "slurm_templates/optimisation.sbatch").read_text()
    script.write_text(text)
    said = own.command("check", CONFIG, **environment_of(partitioned))
    assert said.splitlines()[-1] == "  sbatch optimisation.sbatch"
    script.write_text(text.replace("##SBATCH --mem=4G", "#SBATCH --partition=long"))
    said = own.command("check", CONFIG, code=2, **environment_of(partitioned))
    assert f"{script}: SLURM refuses the controller's job: invalid partition specified: long" in said


@pytest.mark.usefixtures("on_cluster")
def test_one_offspring_is_tried_on_a_node_and_nothing_is_left(cluster: VirtualCluster, tmp_path: Path) -> None:
    own = project(tmp_path)
    said = own.command("check", CONFIG, "--on-node")
    assert "  node        works on n" in said
    assert "sound." in said
    assert own.simulated == 1
    assert nothing_is_left(cluster, tmp_path)
    assert not own.runs


@pytest.mark.usefixtures("on_cluster")
def test_what_goes_wrong_on_the_node_is_shown(cluster: VirtualCluster, tmp_path: Path) -> None:
    # it can be imported here, and not there
    model = f'import os\nif "SLURM_JOB_ID" in os.environ:\n    raise ImportError("no NEST on this node")\n{MODEL}'
    said = project(tmp_path, model).command("check", CONFIG, "--on-node", code=2)
    assert "  node        fails on n" in said
    assert "and failed (LAUNCH_FAILED): ImportError: no NEST on this node" in said
    assert nothing_is_left(cluster, tmp_path)


@pytest.mark.usefixtures("on_cluster")
def test_what_goes_wrong_before_the_program_starts_is_shown(cluster: VirtualCluster, tmp_path: Path) -> None:
    said = project(tmp_path, setup=["echo no such module: nest >&2; exit 3"]).command(
        "check", CONFIG, "--on-node", code=2
    )
    assert "and failed (LAUNCH_FAILED): the job ended without a result (FAILED" in said
    assert "no such module: nest" in said
    assert nothing_is_left(cluster, tmp_path)


@pytest.mark.usefixtures("on_cluster")
def test_a_trial_that_waits_in_the_queue_says_why_and_is_cancelled(cluster: VirtualCluster, tmp_path: Path) -> None:
    own = project(tmp_path, extra={"hold": True})
    process = own.start("check", CONFIG, "--on-node", PYTHONUNBUFFERED="1")
    wait_for(lambda: any("JobHeldUser" in job for job in jobs(cluster, "PENDING")))
    assert process.stdout is not None
    line = process.stdout.readline()
    while "in the queue (JobHeld" not in line:
        assert line
        line = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (3, "orchestrator: the job was cancelled; nothing is left of it\n")
    assert nothing_is_left(cluster, tmp_path)
    assert own.simulated == 0


@pytest.mark.usefixtures("on_cluster")
def test_a_trial_that_somebody_cancels_is_told_as_such(cluster: VirtualCluster, tmp_path: Path) -> None:
    own = project(tmp_path)
    process = own.start("check", CONFIG, "--on-node", TEST_SECONDS="100")
    wait_for(lambda: own.simulated == 1)
    (job,) = jobs(cluster, "RUNNING")
    cluster.run("scancel", job.split()[0])
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2, out + err
    assert "and failed (CANCELLED): " in out
    assert nothing_is_left(cluster, tmp_path)


@pytest.fixture
def balanced(tmp_path: Path) -> Path:
    directory = tmp_path / "balanced network"
    shutil.copytree(ROOT / "tests/models/balanced_network", directory, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "param_optim/run_optimization_experiment.py", directory / "param_optim")
    return directory


@pytest.mark.mozaik
@pytest.mark.usefixtures("on_cluster")
def test_a_network_is_built_on_a_node_and_presented_one_slice(cluster: VirtualCluster, balanced: Path) -> None:
    own = Project(balanced, CONFIG)
    said = own.command("check", CONFIG, "--on-node", "--set", "executor=slurm")
    lines = said.splitlines()
    assert any(line.endswith("building the network") for line in lines)
    (node,) = [line for line in lines if line.startswith("  node  ")]
    assert "works on n" in node
    assert "(build " in node
    assert "peak memory " in node
    # the protocol is made and counted, and not presented
    assert "an estimate: 1 stimuli, 1 s, spikes of 2,000 neurons at 10 Hz" in said
    assert nothing_is_left(cluster, balanced)


@pytest.mark.mozaik
@pytest.mark.usefixtures("on_cluster")
@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("model.py", ("import numpy\n", "import numpy\nimport no_such_module\n"), "No module named 'no_such_module'"),
        ("experiments.py", ("parameters.spontaneous_duration", "parameters.how_long"), "how_long"),
    ],
)
def test_a_model_or_protocol_that_fails_is_found_on_the_node(
    cluster: VirtualCluster, balanced: Path, file: str, change: tuple[str, str], message: str
) -> None:
    text = (balanced / file).read_text()
    assert change[0] in text
    (balanced / file).write_text(text.replace(*change))
    said = Project(balanced, CONFIG).command("check", CONFIG, "--on-node", "--set", "executor=slurm", code=2)
    assert "an offspring with the start values was tried on n" in said
    assert "The last lines of its log:" in said
    assert message in said
    assert nothing_is_left(cluster, balanced)


@pytest.mark.mozaik
@pytest.mark.usefixtures("on_cluster")
def test_start_values_that_explode_are_a_note(cluster: VirtualCluster, balanced: Path) -> None:
    low = [word for key in ("threshold", "certain_threshold") for word in ("--set", f"explosion_check.{key}=0.01")]
    said = Project(balanced, CONFIG).command("check", CONFIG, "--on-node", "--set", "executor=slurm", *low)
    assert "optimiser_centroid: the start values explode: sheet " in said
    assert "sound." in said
    assert nothing_is_left(cluster, balanced)
