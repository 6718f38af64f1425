"""What SLURM is asked for and told, and what its answers mean; without SLURM."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from submitit.core.utils import DelayedSubmission, JobPaths

from orchestrator.cluster import Job, State, SubmissionFailed, Task
from orchestrator.cluster.commands import CommandFailed
from orchestrator.cluster.slurm import SlurmCluster
from orchestrator.cluster.submission import job_parameters, refusal, script_of
from orchestrator.config.sections import JobsSection, SlurmSection
from orchestrator.errors import Stopped

Runs = list[list[str]]

CONFIGURATION = """\
Configuration data as of 2024-02-01T10:00:00
AccountingStorageType   = (null)
LaunchParameters        = (null)
MaxArraySize            = {size}
MaxJobCount             = 10000
"""


def sections(**options: Any) -> tuple[JobsSection, SlurmSection]:
    """Return the two sections that hold these keys."""
    jobs = {key: value for key, value in options.items() if key in JobsSection.model_fields}
    return JobsSection(**jobs), SlurmSection(**{key: value for key, value in options.items() if key not in jobs})


def text_of(avoid: Sequence[str] = (), **options: Any) -> str:
    return script_of(job_parameters(*sections(**options), "run-g0-aa", Path("/run"), avoid), Path("/run"), 3)


def script(avoid: Sequence[str] = (), **options: Any) -> dict[str, str]:
    """Return the options of the script that submitit makes, by their names."""
    text = text_of(avoid, **options)
    lines = [line.removeprefix("#SBATCH --") for line in text.splitlines() if line.startswith("#SBATCH")]
    assert len({line.partition("=")[0] for line in lines}) == len(lines)
    return {line.partition("=")[0]: line.partition("=")[2] for line in lines}


def answering(answers: Mapping[str, str], **options: Any) -> tuple[SlurmCluster, Runs]:
    """Make a cluster whose programs print this, or fail where nothing is given; and the list of what they are asked."""
    commands: Runs = []

    def run(command: Sequence[str], timeout: float) -> str:
        commands.append([*command])
        if command[0] not in answers:
            raise CommandFailed("it is away")
        return answers[command[0]]

    return SlurmCluster(*sections(**options), run), commands


def test_what_is_not_configured_is_left_to_the_cluster() -> None:
    # submitit would ask for five minutes and an accounting key of its own
    assert set(script()) == {
        *("job-name", "array", "output", "open-mode"),  # submitit's
        *("nodes", "ntasks", "chdir", "no-requeue", "signal"),
    }


def test_nodes_are_a_range_where_they_are_left_open() -> None:
    assert (script()["nodes"], script()["ntasks"]) == ("1-1", "1")
    assert script(ntasks=16)["nodes"] == "1-16"
    assert script(ntasks=16, nodes=2)["nodes"] == "2"


def test_what_is_configured_is_asked_for() -> None:
    options = {"partition": "gpu", "account": "lab", "qos": "long", "mem": "64G", "constraint": "avx512"}
    found = script(**options, time="26h", cpus_per_task=4, hint="nomultithread", nodelist="n[1-9]", extra={"nice": 100})
    assert {name: found[name] for name in options} == options
    assert found["time"] == "1-02:00:00"
    assert found["cpus-per-task"] == "4"
    assert found["hint"] == "nomultithread"
    assert found["nodelist"] == "'n[1-9]'"
    assert found["nice"] == "100"


def test_options_that_are_false_or_null_are_left_out() -> None:
    found = script(extra={"exclusive": False, "comment": None, "spread-job": True, "nice": 0})
    assert (found["spread-job"], found["nice"]) == ("", "0")
    assert not {"exclusive", "comment"} & set(found)


@pytest.mark.parametrize(
    ("exclude", "avoid", "expected"),
    [
        (None, [], None),
        ("n1", [], "n1"),
        (None, ["n4", "n3"], "n3,n4"),
        ("n[1-2]", ["n4"], "'n[1-2],n4'"),
    ],
)
def test_nodes_that_start_nothing_are_excluded_besides_the_configured_ones(
    exclude: str | None, avoid: list[str], expected: str | None
) -> None:
    assert script(avoid, exclude=exclude).get("exclude") == expected


def test_no_signal_reaches_the_simulation_before_its_end_and_slurm_repeats_nothing() -> None:
    assert script()["signal"] == "B:URG@1"
    assert script()["no-requeue"] == ""


def test_a_whole_array_may_run_at_once() -> None:
    assert script(array_size=500)["array"] == "0-2%3"


def test_setup_lines_come_before_the_program_and_no_srun_in_between() -> None:
    lines = text_of(setup="module load python\nexport A=1").splitlines()
    (program,) = [line for line in lines if "-m submitit.core._submit /run" in line]
    places = [lines.index(line) for line in ("umask 077", "module load python", "export A=1", program)]
    assert places == sorted(places)
    assert not any("srun" in line for line in lines)


SBATCH = """#!/bin/sh
cp "$1" "{directory}/script"
{body}
"""


@pytest.fixture
def sbatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put an sbatch on the path that does what it is told."""
    commands = tmp_path / "commands"
    commands.mkdir()

    def make(body: str) -> None:
        (commands / "sbatch").write_text(SBATCH.format(directory=tmp_path, body=body))
        (commands / "sbatch").chmod(0o755)
        monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")

    return make


def tasks_in(directory: Path, size: int) -> list[Task]:
    return [Task.of(index, directory / str(index) / "offspring.json") for index in range(3, 3 + size)]


@pytest.mark.parametrize(("size", "ids"), [(1, ["77"]), (3, ["77_0", "77_1", "77_2"])])
def test_a_submission_is_one_script_and_a_crash_after_it_finds_the_same_jobs(
    tmp_path: Path, sbatch: Callable[[str], None], size: int, ids: list[str]
) -> None:
    sbatch("echo Submitted batch job 77")
    tasks = tasks_in(tmp_path, size)
    jobs = SlurmCluster(*sections()).submit(tasks, "run-g0-aa", tmp_path, {"n4"})
    assert jobs == [Job("run-g0-aa", job_id) for job_id in ids]
    text = (tmp_path / "script").read_text()
    assert "#SBATCH --job-name=run-g0-aa\n" in text
    assert "#SBATCH --exclude=n4\n" in text
    assert "--time" not in text
    assert "--wckey" not in text
    # the controller after one that died here sees a row for each task, whatever the order
    rows = [f"77|{'N/A' if size == 1 else n}|PENDING|run-g0-aa||Priority" for n in reversed(range(size))]
    cluster, _ = answering({"squeue": "\n".join(rows)})
    assert cluster.recover(tasks, "run-g0-aa", tmp_path, None, {3}) == jobs


@pytest.mark.parametrize(
    ("words", "transient"),
    [
        ("sbatch: error: Unable to contact slurm controller (connect failure)", True),
        ("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation", True),
        ("sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying", True),
        ("sbatch: error: invalid partition specified: nope", False),
        ("sbatch: error: Batch job submission failed: Requested node configuration is not available", False),
        ("sbatch: error: QOSMaxSubmitJobPerUserLimit", False),
        (
            (
                "sbatch: error: lua: the account is exhausted, please try again next month\n"
                "sbatch: error: Batch job submission failed: Unspecified error"
            ),
            False,
        ),
        (
            (
                "sbatch: error: lua: slurmctld is happy, connection refused by our policy\n"
                "sbatch: error: Batch job submission failed: Access/permission denied"
            ),
            False,
        ),
    ],
)
def test_a_refused_submission_says_why_and_whether_to_wait(
    tmp_path: Path, sbatch: Callable[[str], None], words: str, transient: bool
) -> None:
    sbatch(f"echo '{words}' >&2; exit 1")
    with pytest.raises(SubmissionFailed) as caught:
        SlurmCluster(*sections()).submit(tasks_in(tmp_path, 2), "run-g0-aa", tmp_path, ())
    assert caught.value.transient is transient
    assert words in str(caught.value)


POLICY = (
    "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size "
)
POLICY += "and/or time limits)"


@pytest.mark.parametrize(
    ("words", "too_many"),
    [
        ("sbatch: error: QOSMaxSubmitJobPerUserLimit", True),
        (f"sbatch: error: QOSMaxSubmitJobPerUserLimit\n{POLICY}", True),
        (f"sbatch: error: AssocMaxSubmitJobLimit\n{POLICY}", True),
        (f"sbatch: error: AssocGrpSubmitJobsLimit\n{POLICY}", True),
        (POLICY, True),
        (f"sbatch: error: QOSMaxWallDurationPerJobLimit\n{POLICY}", False),
        ("sbatch: error: Batch job submission failed: Invalid job array specification", True),
        ("sbatch: error: Batch job submission failed: Requested node configuration is not available", False),
    ],
)
def test_a_limit_on_the_number_of_jobs_is_no_refusal_of_what_was_asked(words: str, too_many: bool) -> None:
    failed = refusal(words)
    assert (failed.too_many, failed.transient) == (too_many, False)


def test_a_largest_array_that_was_lowered_meanwhile_is_noticed(tmp_path: Path) -> None:
    sizes, asked = [1001, 6], []

    def run(command: Sequence[str], timeout: float) -> str:
        asked.append(command[0])
        if command[0] == "sbatch":
            raise CommandFailed("sbatch: error: Batch job submission failed: Invalid job array specification")
        return CONFIGURATION.format(size=sizes.pop(0))

    cluster = SlurmCluster(*sections(array_size=500), run)
    assert cluster.batch_size == cluster.batch_size == 500
    with pytest.raises(SubmissionFailed) as caught:
        cluster.submit(tasks_in(tmp_path, 2), "run-g0-aa", tmp_path, ())
    assert caught.value.too_many
    assert cluster.batch_size == cluster.batch_size == 6
    assert asked == ["scontrol", "sbatch", "scontrol"]


def test_jobs_that_lost_their_controller_before_they_had_their_tasks_get_them(tmp_path: Path) -> None:
    tasks = tasks_in(tmp_path, 2)
    folder = tmp_path / "run-g0-aa"
    folder.mkdir()
    JobPaths(folder, "77_0").submitted_pickle.write_bytes(b"of a controller that has been killed")
    cluster, commands = answering({"squeue": "77|0|RUNNING|run-g0-aa|n1|None\n77|1|PENDING|run-g0-aa||Priority\n"})
    jobs = cluster.recover(tasks, "run-g0-aa", tmp_path, None, {3, 4})
    assert jobs == [Job("run-g0-aa", "77_0"), Job("run-g0-aa", "77_1")]
    for task, job in zip(tasks, jobs, strict=True):
        submission = DelayedSubmission.load(JobPaths(folder, job.id).submitted_pickle)
        assert submission.args == (str(task.files[0]),)
        assert submission.function.__name__ == "evaluate"
    assert len(commands) == 1
    assert "--name=run-g0-aa" in commands[0]


def test_a_job_of_a_version_in_which_submissions_shared_a_folder_has_its_log_there(tmp_path: Path) -> None:
    cluster, _ = answering({})
    job = Job("run-g0-aa", "77_0")
    own = tmp_path / "run-g0-aa" / "77_0_0_log.out"
    assert cluster.log(job, tmp_path) == own
    before = tmp_path / own.name
    before.write_text("of a version before")
    assert cluster.log(job, tmp_path) == before
    own.parent.mkdir()
    own.write_text("its own")
    assert cluster.log(job, tmp_path) == own


def test_a_submission_that_squeue_does_not_know_never_happened(tmp_path: Path) -> None:
    cluster, _ = answering({"squeue": "78|0|RUNNING|somebody-elses|n1|None\n"})
    assert cluster.recover(tasks_in(tmp_path, 2), "run-g0-aa", tmp_path, None, {3}) is None


def test_a_submission_is_in_doubt_while_squeue_does_not_answer(tmp_path: Path) -> None:
    cluster, _ = answering({})
    with pytest.raises(SubmissionFailed) as caught:
        cluster.recover(tasks_in(tmp_path, 2), "run-g0-aa", tmp_path, None, {3})
    assert caught.value.transient


def test_known_ids_need_no_question(tmp_path: Path) -> None:
    cluster, commands = answering({})
    found = cluster.recover(tasks_in(tmp_path, 2), "run-g0-aa", tmp_path, ["77_0", "77_1"], {3})
    assert found == [Job("run-g0-aa", "77_0"), Job("run-g0-aa", "77_1")]
    assert commands == []


def test_one_question_for_all_jobs_and_an_id_alone_is_no_identity() -> None:
    jobs = [Job("run-g0-aa", "77_0"), Job("run-g0-aa", "77_1"), Job("run-g0-bb", "78"), Job("run-g0-bb", "79")]
    # 79 was given to somebody else's job since, and one more that only starts with the name
    answer = (
        "77|0|RUNNING|run-g0-aa|n1|None\n78|N/A|FAILED|run-g0-bb|n2|NonZeroExitCode\n79|N/A|RUNNING|other|n3|None\n"
    )
    cluster, commands = answering({"squeue": answer, "scontrol": CONFIGURATION.format(size=1001)})
    statuses = cluster.poll(jobs)
    assert [statuses[job].state for job in jobs] == [State.RUNNING, State.ABSENT, State.ENDED, State.ABSENT]
    assert statuses[jobs[2]].node == "n2"
    assert [command[0] for command in commands] == ["squeue", "scontrol"]
    assert "--name=run-g0-aa,run-g0-bb" in commands[0]


def test_a_failed_question_is_no_news() -> None:
    job = Job("run-g0-aa", "77")
    cluster, _ = answering({})
    assert cluster.poll([job])[job].state is State.UNKNOWN


def test_an_array_is_cancelled_with_one_command_and_by_its_name() -> None:
    cluster, commands = answering({"scancel": ""})
    ids = ["77_0", "77_12", "80", "77_3", "81_4"]
    cluster.cancel([*(Job("run-g0-aa", job_id) for job_id in ids), Job("run-g0-bb", "77_9")])
    assert all(command[0] == "scancel" for command in commands)
    assert sorted(command[-2:] for command in commands) == [
        ["--name=run-g0-aa", "77_[0,12,3]"],
        ["--name=run-g0-aa", "80"],
        ["--name=run-g0-aa", "81_[4]"],
        ["--name=run-g0-bb", "77_[9]"],
    ]


@pytest.mark.parametrize(
    ("answer", "array_size", "expected"),
    [
        (CONFIGURATION.format(size=1001), 1000, 1000),
        (CONFIGURATION.format(size=75), 1000, 75),
        (CONFIGURATION.format(size=1001), 20, 20),
        (CONFIGURATION.format(size=0), 1000, 1),  # arrays are forbidden
        ("MaxArraySizeOfAnother = 3\n", 1000, 1000),
        (CONFIGURATION.format(size="UNLIMITED"), 1000, 1000),
    ],
)
def test_an_array_is_no_larger_than_the_cluster_takes(answer: str, array_size: int, expected: int) -> None:
    cluster, commands = answering({"scontrol": answer}, array_size=array_size)
    assert cluster.batch_size == cluster.batch_size == expected
    assert commands == [["scontrol", "show", "config"]]


def test_a_cluster_that_did_not_say_how_large_arrays_may_be_is_asked_again() -> None:
    answers: dict[str, str] = {}
    cluster, commands = answering(answers, array_size=1000)
    assert cluster.batch_size == 1000
    answers["scontrol"] = CONFIGURATION.format(size=75)
    assert cluster.batch_size == cluster.batch_size == 75
    assert len(commands) == 2


def test_a_cancel_that_fails_is_told_and_not_the_end(caplog: pytest.LogCaptureFixture) -> None:
    cluster, commands = answering({})
    cluster.cancel([Job("run-g0-aa", "77_0"), Job("run-g0-bb", "78")])
    assert len(commands) == 2
    assert "scancel of 77_[0] failed: it is away" in caplog.text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("scancel: error: Kill job error on job id 5_2: Invalid job id specified", False),
        ("scancel: error: Kill job error on job id 5: Job/step already completing or completed", False),
        ("scancel: error: Kill job error on job id 5_2: Invalid job id specified\nscancel: error: no permission", True),
        ("scancel: error: Kill job error on job id 5_2: Access/permission denied", True),
    ],
)
def test_a_cancel_of_what_has_ended_is_not_told(words: str, told: bool, caplog: pytest.LogCaptureFixture) -> None:
    def run(command: Sequence[str], timeout: float) -> str:
        raise CommandFailed(words)

    SlurmCluster(*sections(), run).cancel([Job("run-g0-aa", "5_2")])
    assert ("scancel of 5_[2] failed" in caplog.text) is told


def test_the_queue_is_looked_at_less_often_the_longer_jobs_run() -> None:
    cluster = SlurmCluster(*sections(poll_interval=30))
    assert [cluster.poll_interval(elapsed) for elapsed in (0, 40, 100, 10_000)] == [5, 5, 10, 30]


def test_the_queue_is_looked_at_less_often_while_squeue_does_not_answer() -> None:
    answers: dict[str, str] = {}
    job = Job("run-g0-aa", "77")
    cluster, _ = answering(answers, poll_interval=30)
    waits = []
    for _ in range(5):
        cluster.poll([job])
        waits.append(cluster.poll_interval(0.0))
    assert waits == [10, 20, 40, 80, 120]
    answers["squeue"] = "77|N/A|RUNNING|run-g0-aa|n1|None\n"
    assert cluster.poll([job])[job].state is State.RUNNING
    assert cluster.poll_interval(0.0) == 5


def test_a_submission_that_works_ends_the_waiting_for_squeue(tmp_path: Path) -> None:
    cluster, _ = answering({"sbatch": "Submitted batch job 78\n"}, poll_interval=30)
    for _ in range(5):
        cluster.poll([Job("run-g0-aa", "77")])
    cluster.submit(tasks_in(tmp_path, 1), "run-g0-bb", tmp_path, ())
    assert cluster.poll_interval(0.0) == 5


def test_what_changes_the_queue_is_done_by_the_holder_of_the_lease_alone(tmp_path: Path) -> None:
    """Nor are jobs handed their tasks that were submitted while the controller slept: they end by themselves."""
    answers = {"sbatch": "Submitted batch job 77\n", "scancel": "", "squeue": "77|N/A|PENDING|run-g0-aa||Priority\n"}
    commands: list[str] = []
    # how often the lease is found to be held
    holds = 0

    def confirm() -> None:
        nonlocal holds
        if holds == 0:
            raise Stopped("another controller has taken this run over")
        holds -= 1

    def run(command: Sequence[str], timeout: float) -> str:
        commands.append(command[0])
        return answers[command[0]]

    cluster, tasks = SlurmCluster(*sections(), run, confirm=confirm), tasks_in(tmp_path, 1)
    with pytest.raises(Stopped):
        cluster.submit(tasks, "run-g0-aa", tmp_path, ())
    assert commands == []
    holds = 1
    with pytest.raises(Stopped):
        cluster.submit(tasks, "run-g0-aa", tmp_path, ())
    assert commands == ["sbatch"]
    with pytest.raises(Stopped):
        cluster.recover(tasks, "run-g0-aa", tmp_path, None, {0})
    with pytest.raises(Stopped):
        cluster.cancel([Job("run-g0-aa", "77")])
    assert commands == ["sbatch", "squeue"]
    assert not JobPaths(tmp_path / "run-g0-aa", "77").submitted_pickle.exists()
    holds = 3
    assert cluster.submit(tasks, "run-g0-aa", tmp_path, ()) == [Job("run-g0-aa", "77")]
    cluster.cancel([Job("run-g0-aa", "77")])
    assert commands == ["sbatch", "squeue", "sbatch", "scancel"]
    assert JobPaths(tmp_path / "run-g0-aa", "77").submitted_pickle.exists()
