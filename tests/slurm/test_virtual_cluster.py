"""The virtual cluster itself: several at once, daemons that are broken and come back, nothing left behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import slurm_cluster
from slurm_cluster import ClusterError, ClusterSettings, VirtualCluster
from slurm_configuration import cgroup_conf
from slurm_processes import Process, processes, wait_until

pytestmark = pytest.mark.slurm


@pytest.fixture(scope="module")
def second() -> Iterator[VirtualCluster]:
    with VirtualCluster(tempfile.mkdtemp(prefix="slurm-"), ClusterSettings(nodes=2)) as own:
        yield own


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that doesn't exist yet, of a path short enough for SLURM; its cluster is stopped in any case."""
    path = Path(tempfile.mkdtemp(prefix="slurm-"))
    path.rmdir()
    yield path
    if (path / "cluster.json").exists():
        VirtualCluster(path).stop()


def command_line(*arguments: str) -> "subprocess.CompletedProcess[str]":
    program = [sys.executable, slurm_cluster.__file__, *arguments]
    return subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)


def submit(cluster: VirtualCluster, *arguments: str) -> str:
    return cluster.run("sbatch", "--parsable", "--output=/dev/null", *arguments).strip()


def state(cluster: VirtualCluster, job: str) -> str:
    return cluster.run("squeue", "--noheader", "--states=all", f"--jobs={job}", "--format=%T %r").strip()


def processes_of(directory: Path) -> list[str]:
    """Command lines of all processes that mention the directory, in their arguments or as their cluster."""
    return [
        process.command()
        for process in processes()
        if str(directory) in process.command() or process.environment().get("SLURM_CONF", "").startswith(str(directory))
    ]


def test_a_second_cluster_runs_beside_the_first(cluster: VirtualCluster, second: VirtualCluster) -> None:
    assert second.node_states() == {"n1": "idle", "n2": "idle"}
    job = submit(second, "--job-name=only-in-the-second", "--hold", "--wrap=true")
    assert "only-in-the-second" in second.run("squeue", "--noheader", "--format=%j")
    assert "only-in-the-second" not in cluster.run("squeue", "--noheader", "--format=%j")
    second.run("scancel", job)


def test_a_job_runs_on_both_nodes(second: VirtualCluster, tmp_path: Path) -> None:
    second.run("sbatch", "--wait", f"--output={tmp_path}/two", "--nodes=2", "--wrap=srun printenv SLURMD_NODENAME")
    assert sorted((tmp_path / "two").read_text().split()) == ["n1", "n2"]


def test_a_freed_cpu_is_used_at_once(second: VirtualCluster, tmp_path: Path) -> None:
    started = time.monotonic()
    second.run("sbatch", "--array=0-31", f"--output={tmp_path}/%a", "--wrap=echo $SLURM_ARRAY_TASK_ID")
    wanted = {str(task): f"{task}\n" for task in range(32)}
    assert wait_until(lambda: {file.name: file.read_text() for file in tmp_path.iterdir()} == wanted, 20)
    # Eight waves on four CPUs: 2 s, and 6 s or more where each waits for the scheduler's next tick.
    assert time.monotonic() - started < 5.0


def test_starting_twice_leaves_the_running_cluster_alone(second: VirtualCluster) -> None:
    before = second.daemons()
    answer = command_line("start", f"--dir={second.directory}")
    assert answer.returncode == 0
    assert answer.stdout == f"export SLURM_CONF={second.conf}\n"
    assert "already running" in answer.stderr
    assert second.daemons() == before


def test_a_restarted_controller_daemon_keeps_the_queue(second: VirtualCluster, tmp_path: Path) -> None:
    held = second.run("sbatch", "--parsable", "--hold", f"--output={tmp_path}/held", "--wrap=echo ran").strip()
    running = submit(second, "--wrap=sleep 60")
    assert wait_until(lambda: state(second, running).startswith("RUNNING"), 5)
    second.terminate("slurmctld")
    status = command_line("status", f"--dir={second.directory}", "--json")
    assert status.returncode == 1
    assert json.loads(status.stdout)["daemons"]["slurmctld"]["state"] == "dead"
    second.launch("slurmctld")
    assert state(second, held) == "PENDING JobHeldUser"
    assert state(second, running).startswith("RUNNING")
    second.run("scontrol", "release", held)
    second.run("scancel", running)
    assert wait_until(lambda: state(second, held).startswith("COMPLETED"), 10)
    assert (tmp_path / "held").read_text() == "ran\n"
    assert command_line("status", f"--dir={second.directory}").returncode == 0


def test_a_crashed_node_leaves_orphans_and_comes_back(second: VirtualCluster, tmp_path: Path) -> None:
    second.wait_for_idle()
    job = submit(second, "--nodelist=n2", "--no-requeue", f"--wrap=echo $$ > {tmp_path}/pid; sleep 60; true")
    assert wait_until((tmp_path / "pid").exists, 5)
    assert wait_until(lambda: (tmp_path / "pid").read_text().strip() != "", 5)
    payload = Process.find(int((tmp_path / "pid").read_text()))
    assert payload is not None
    assert payload in second.job_processes()
    second.crash_node("n2")
    assert not second.daemons()["n2"].alive()
    assert payload.alive()  # what makes node failures nasty
    assert payload in second.job_processes()
    second.launch("n2")
    payload.signal(signal.SIGKILL)
    second.run("scancel", job)
    second.wait_for_idle()


@pytest.mark.parametrize("broken", [(), ("slurmctld", "n1"), ("munged",)], ids=["whole", "half dead", "without munge"])
def test_stop_leaves_no_process_and_no_directory(broken: tuple[str, ...], directory: Path, tmp_path: Path) -> None:
    own = VirtualCluster(directory, ClusterSettings(nodes=2))
    own.start()
    script = f'trap "" TERM; setsid sleep 777 & env -i /bin/sleep 777 & echo $$ > {tmp_path}/pid; srun sleep 777'
    submit(own, "--nodes=2", f"--wrap={script}")
    assert wait_until(lambda: len([p for p in own.job_processes() if p.command().endswith("sleep 777")]) >= 4, 10)
    jobs, daemons = own.job_processes(), own.daemons().values()
    for daemon in broken:
        own.kill(daemon)
    own.signal("n2", signal.SIGSTOP)
    answer = command_line("stop", f"--dir={directory}")
    assert answer.returncode == 0, answer.stderr
    assert [process.command() for process in (*jobs, *daemons) if process.alive()] == []
    assert processes_of(directory) == []
    assert not directory.exists()
    assert command_line("stop", f"--dir={directory}").returncode == 0  # nothing to stop is no error


def test_stop_ends_a_step_that_has_just_been_started(directory: Path) -> None:
    """It has its program's whole path as its name, no log open, and no job in its environment."""
    own = VirtualCluster(directory, ClusterSettings(nodes=1))
    own.start()
    environment = {"SLURM_CONF": str(own.conf)}
    with subprocess.Popen(["/usr/sbin/slurmstepd", "777"], executable="/bin/sleep", env=environment) as newborn:
        try:
            own.stop()
            assert wait_until(lambda: newborn.poll() is not None, 10)
        finally:
            newborn.kill()
    assert processes_of(directory) == []


@pytest.mark.parametrize(
    ("option", "word"),
    [("--nodes=4", "slurmd"), ("--accounting", "mariadb-install-db"), ("--accounting", "slurmdbd")],
)
def test_stop_cleans_up_after_a_start_that_was_killed(option: str, word: str, directory: Path) -> None:
    program = [sys.executable, slurm_cluster.__file__, "start", f"--dir={directory}", option]
    with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as starting:
        assert wait_until(lambda: any(word in command for command in processes_of(directory)), 60, interval=0.002)
        starting.kill()
    VirtualCluster(directory).stop()
    assert processes_of(directory) == []
    assert not directory.exists()


def test_a_process_that_got_the_id_of_a_dead_daemon_is_not_killed(directory: Path) -> None:
    directory.mkdir()
    with subprocess.Popen(["sleep", "60"]) as innocent:
        entry = {"pid": innocent.pid, "started": 1, "command": ["slurmctld"], "port": 0}
        (directory / "cluster.json").write_text(json.dumps({"slurmctld": entry}))
        assert VirtualCluster(directory).stop()
        assert innocent.poll() is None
        innocent.kill()


def test_run_gives_the_program_a_cluster_and_its_exit_code(directory: Path) -> None:
    answer = command_line("run", f"--dir={directory}", "--nodes=1", "--", "sh", "-c", "sinfo -hN -o %N; exit 7")
    assert (answer.stdout, answer.returncode) == ("n1\n", 7)
    assert processes_of(directory) == []
    assert not directory.exists()


def test_settings_reach_the_cluster(directory: Path) -> None:
    extra = ["KillWait=9", "PartitionName=low Nodes=n1 MaxTime=5"]
    with VirtualCluster(directory, ClusterSettings(nodes=1, cpus=7, memory=1234, extra=extra)) as own:
        assert "KillWait                = 9 sec" in own.run("scontrol", "show", "config")
        assert sorted(own.run("sinfo", "-h", "-o", "%R %c %m %l").split("\n")) == [
            "", "low 7 1234 5:00", "main 7 1234 infinite",
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("version", "plugin"),
    [("slurm-wlm 22.05.8", "cgroup/v1"), ("slurm 23.11.4", "cgroup/v1"), ("slurm-wlm 24.11.5", "disabled")],
)
def test_slurmd_starts_in_containers_without_cgroups(version: str, plugin: str) -> None:
    assert cgroup_conf(version, ClusterSettings()) == f"CgroupPlugin={plugin}\n"


def test_refusals_say_what_to_do(directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "precious").touch()
    for action in ("start", "stop"):
        answer = command_line(action, f"--dir={tmp_path}")
        assert answer.returncode == 1
        assert "not" in answer.stderr
        assert "Traceback" not in answer.stderr
        assert (tmp_path / "precious").exists()
    with pytest.raises(ClusterError, match="at most 80 characters"):
        VirtualCluster(directory / ("x" * 90)).start()
    with pytest.raises(ValueError, match="--nodes: expected at least 1, got 0"):
        ClusterSettings(nodes=0)
    with pytest.raises(ClusterError, match=r"n1 ended(.|\n)*proctrack/nope"):
        VirtualCluster(directory, ClusterSettings(nodes=1, extra=["ProctrackType=proctrack/nope"])).start()
    assert not directory.exists()
    monkeypatch.setattr("shutil.which", lambda program, **_: None if program == "slurmd" else os.devnull)
    with pytest.raises(ClusterError, match=r"not installed: slurmd.*apt-get install .* munge$"):
        VirtualCluster(directory).start()
    monkeypatch.setattr("shutil.which", lambda program, **_: None if program == "mariadbd" else os.devnull)
    with pytest.raises(ClusterError, match=r"not installed: mariadbd\..*apt-get install .* slurmdbd mariadb-server$"):
        VirtualCluster(directory, ClusterSettings(accounting=True)).start()
