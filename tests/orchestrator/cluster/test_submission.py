"""A submission's script is submitit's own; what sbatch says, in whatever surroundings, is understood or in doubt."""

from __future__ import annotations

import inspect
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import submitit
from submitit.core.utils import DelayedSubmission, JobPaths

from orchestrator.cluster import Job, SubmissionFailed, Task
from orchestrator.cluster.commands import NoAnswer
from orchestrator.cluster.slurm import SlurmCluster
from orchestrator.cluster.submission import ask_about, ask_about_script, job_parameters, script_of
from orchestrator.config.sections import JobsSection, SlurmSection
from orchestrator.simulations.failure_cause import waited_in_vain

JOBS = JobsSection(ntasks=4, mem="2G", time="2h", setup="module load python")
SLURM = SlurmSection(partition="main", exclude="n1", extra={"nice": 100})


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that come first; submitit asks for an srun."""
    folder = tmp_path / "commands"
    folder.mkdir()
    (folder / "srun").touch(mode=0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def play(commands: Path, body: str) -> None:
    (commands / "sbatch").write_text(f"#!/bin/sh\n{body}\n")
    (commands / "sbatch").chmod(0o755)


def tasks_in(folder: Path, size: int) -> list[Task]:
    return [Task.of(index, folder / str(index) / "offspring.json") for index in range(size)]


@pytest.mark.usefixtures("commands")
@pytest.mark.parametrize("size", [1, 3])
def test_a_script_is_what_submitit_would_submit(tmp_path: Path, size: int) -> None:
    # fails if submitit changes its script, its program, or the parameters of either
    parameters = job_parameters(JOBS, SLURM, "run-g0-aa", tmp_path, {"n4"})
    executor = submitit.SlurmExecutor(folder=tmp_path, max_num_timeout=0)
    executor.update_parameters(**parameters)
    if size > 1:
        executor.parameters["map_count"] = size
    own = executor._make_submission_file_text(executor._submitit_command_str, "")
    program = executor._submitit_command_str
    told = 'echo "orchestrator: the process of the job ended with exit code $code" >&2'
    telling = f'code=0; {program} || code=$?; {told}; exit "$code"'
    assert script_of(parameters, tmp_path, size) == own.replace(program, telling)
    assert ("--array" in own) is (size > 1)


@pytest.mark.usefixtures("commands")
def test_what_is_left_beside_a_job_is_what_submitit_would_leave(
    tmp_path: Path, commands: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(commands, "echo Submitted batch job 77")
    folders = tmp_path / "ours", tmp_path / "submitits"
    tasks = tasks_in(tmp_path, 2)
    SlurmCluster(JOBS, SLURM).submit(tasks, folders[0].name, tmp_path, ())
    executor = submitit.SlurmExecutor(folder=folders[1], max_num_timeout=0)
    executor.map_array(len, [str(task.files[0]) for task in tasks])
    ours, theirs = ({path.name for path in folder.iterdir() if not path.is_symlink()} for folder in folders)
    assert ours == theirs
    for n, task in enumerate(tasks):
        pickles = [JobPaths(folder, f"77_{n}").submitted_pickle for folder in folders]
        found, expected = (DelayedSubmission.load(pickle) for pickle in pickles)
        assert found.args == expected.args == (str(task.files[0]),)
        assert vars(found).keys() == vars(expected).keys()


def test_a_job_whose_id_was_anothers_before_finds_its_own_task_alone(tmp_path: Path, commands: Path) -> None:
    # a slurmctld that has lost its state forgets a job, and gives its id to the next one, which may begin at once
    play(commands, "echo Submitted batch job 77")
    cluster = SlurmCluster(JOBS, SLURM)
    tokens = ["run-g0-aa", "run-g0-bb"]
    for token, task in zip(tokens, tasks_in(tmp_path, 2), strict=True):
        cluster.submit([task], token, tmp_path / "jobs", ())
    places = [tmp_path / "jobs" / token for token in tokens]
    for place, task in zip(places, tasks_in(tmp_path, 2), strict=True):
        script = JobPaths(place, "77").submission_file.read_text(encoding="utf-8")
        assert f"submitit.core._submit {place} " in script
        assert DelayedSubmission.load(JobPaths(place, "77").submitted_pickle).args == (str(task.files[0]),)


def test_submitit_still_waits_for_a_jobs_pickle() -> None:
    # it is written once the job's id is known, and the job may have started by then
    from submitit.core.submission import process_job  # noqa: PLC0415

    assert "submitted_pickle.exists()" in inspect.getsource(process_job)


def test_what_submitits_program_says_if_it_waits_in_vain_is_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from submitit.core.submission import process_job  # noqa: PLC0415

    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SUBMITIT_EXECUTOR", "slurm")
    monkeypatch.setenv("SUBMITIT_FOLDER", str(tmp_path))  # the program sets it
    seconds: list[float] = []
    monkeypatch.setattr("submitit.core.submission.time.sleep", seconds.append)
    with pytest.raises(RuntimeError) as raised:
        process_job(tmp_path)
    assert sum(seconds) == 60
    assert waited_in_vain(f"Traceback ...\nRuntimeError: {raised.value}\norchestrator: the process ...\n")
    assert not waited_in_vain("ModuleNotFoundError: No module named 'submitit'")


BANNER = """----------------------------------------------------
--> You have 1 running job 0 pending (limit: job 50)
Submitted batch job 3 yesterday, see job 4
"""


@pytest.mark.parametrize(
    "printed",
    [
        "Submitted batch job 77\n",
        f"{BANNER}Submitted batch job 77\n",
        f"{BANNER}Submitted batch job 77 on cluster x\nYour quota: job 12 of 50\n",
        f"{BANNER}Submitted batch job 77 on cluster gpu\n",
        "Submitted batch job 77\nSubmitted batch job 3 yesterday\n",
        "Submitted batch job 77\nSubmitted batch job 77\n",
        "Submitted batch job 77, thank you for using us\n",
        "77\n",  # extra: {parsable: true}
        "Welcome, you have job 12\n77;x\n",
    ],
)
def test_slurms_own_line_counts(tmp_path: Path, printed: str) -> None:
    cluster = SlurmCluster(JOBS, SLURM, lambda *_: printed)
    jobs = cluster.submit(tasks_in(tmp_path, 2), "run-g0-aa", tmp_path, ())
    assert jobs == [Job("run-g0-aa", "77_0"), Job("run-g0-aa", "77_1")]


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ("76|0|PENDING|run-g0-aa||Priority\n76|1|PENDING|run-g0-aa||Priority\n77|N/A|RUNNING|mine|n1|None\n", "76"),
        ("77|N/A|RUNNING|mine|n1|None\n", "77"),  # squeue does not know it yet
        (None, "77"),
    ],
)
def test_of_two_ids_the_one_counts_under_which_the_queue_lists_the_name(
    tmp_path: Path, listed: str | None, expected: str
) -> None:
    def run(command: Sequence[str], timeout: float) -> str:
        if command[0] == "sbatch":
            return "Submitted batch job 76\nSubmitted batch job 77\n"
        if listed is None:
            raise NoAnswer("it is away")
        return listed

    jobs = SlurmCluster(JOBS, SLURM, run).submit(tasks_in(tmp_path, 2), "run-g0-aa", tmp_path, ())
    assert [job.id for job in jobs] == [f"{expected}_0", f"{expected}_1"]


def failure_of(cluster: SlurmCluster, folder: Path) -> SubmissionFailed:
    with pytest.raises(SubmissionFailed) as caught:
        cluster.submit(tasks_in(folder, 2), "run-g0-aa", folder, ())
    return caught.value


def test_without_an_id_it_is_not_known_whether_the_jobs_exist(tmp_path: Path) -> None:
    failure = failure_of(SlurmCluster(JOBS, SLURM, lambda *_: "Welcome, you have job 12\n"), tmp_path)
    assert failure.transient
    assert "got 'Welcome, you have job 12'" in str(failure)


@pytest.mark.parametrize(("timeout", "limit"), [(72000, 60), (100, 25), (10, 5)])
def test_after_the_time_limit_it_is_not_known_whether_the_jobs_exist(
    tmp_path: Path, timeout: float, limit: float
) -> None:
    def run(command: Sequence[str], timeout: float) -> str:
        assert (command[0], timeout) == ("sbatch", limit)
        raise NoAnswer(f"no answer within {timeout:.0f} s")

    failure = failure_of(SlurmCluster(JOBS, SLURM, run, timeout=timeout), tmp_path)
    assert failure.transient
    assert str(failure) == f"sbatch: no answer within {limit} s"


@pytest.mark.parametrize(("timeout", "limit"), [(72000, 60), (10, 5)])
def test_no_command_that_hangs_takes_all_the_time_there_is(timeout: float, limit: float) -> None:
    limits: dict[str, float] = {}

    def run(command: Sequence[str], timeout: float) -> str:
        limits[command[0]] = timeout
        raise NoAnswer("it hangs")

    cluster = SlurmCluster(JOBS, SLURM, run, timeout=timeout)
    job = Job("run-g0-aa", "77")
    cluster.poll([job])
    cluster.cancel([job])
    assert cluster.batch_size == SLURM.array_size
    assert limits == dict.fromkeys(("squeue", "scancel", "scontrol"), limit)


def test_a_stop_is_obeyed_while_sbatch_hangs(tmp_path: Path, commands: Path) -> None:
    play(commands, "sleep 60")
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    begin = time.monotonic()
    assert failure_of(SlurmCluster(JOBS, SLURM, stop=stop), tmp_path).transient
    assert time.monotonic() - begin < 5


def test_a_disk_that_takes_no_script_is_told(tmp_path: Path) -> None:
    (tmp_path / "full").touch()
    failure = failure_of(SlurmCluster(JOBS, SLURM, lambda *_: "Submitted batch job 77"), tmp_path / "full")
    assert not failure.transient
    assert "full" in str(failure)


def test_a_limit_on_the_number_of_jobs_is_no_refusal_of_the_job(tmp_path: Path, commands: Path) -> None:
    words = (
        "error: QOSMaxSubmitJobPerUserLimit\nallocation failure: Job violates accounting/QOS policy (job submit limit)"
    )
    play(commands, f"echo '{words}' >&2; exit 1")
    answer = ask_about(tmp_path / "own.sh", tmp_path)
    assert (answer.accepted, answer.limited, answer.words) == (True, True, words)
    play(commands, "echo 'allocation failure: Invalid account' >&2; exit 1")
    answer = ask_about(tmp_path / "own.sh", tmp_path)
    assert (answer.accepted, answer.limited) == (False, False)


def test_asking_changes_nothing(tmp_path: Path, commands: Path) -> None:
    play(commands, f'echo "$@" > {tmp_path}/asked; pwd >> {tmp_path}/asked; echo "sbatch: fine" >&2')
    script = tmp_path / "own.sh"
    answer = ask_about(script, tmp_path)
    assert (answer.accepted, answer.words) == (True, "fine")
    assert (tmp_path / "asked").read_text().splitlines() == [f"--test-only {script}", str(tmp_path)]
    play(commands, 'cp "$2" asked; echo "sbatch: error: no" >&2; exit 1')
    answer = ask_about_script("#!/bin/sh\n", tmp_path)
    assert (answer.accepted, answer.words, (tmp_path / "asked").read_text()) == (False, "error: no", "#!/bin/sh\n")
    play(commands, "echo sbatch: error: Unable to contact slurm controller >&2; exit 1")
    assert ask_about(script, tmp_path).accepted is None
