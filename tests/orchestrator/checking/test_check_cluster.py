"""What SLURM's answers mean for a configuration, with SLURM played by scripts; and what a run costs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from checked_project import visual_model

from orchestrator.checking import check
from orchestrator.checking.check import Inspection, inspect
from orchestrator.checking.costs import cost_text, costs, job_text
from orchestrator.checking.partitions import asked_for, never_starts, waits
from orchestrator.cluster import Task
from orchestrator.cluster.commands import CommandFailed
from orchestrator.cluster.partitions import node_states, parse_partitions
from orchestrator.cluster.slurm import SlurmCluster
from orchestrator.config.file import load_config

pytestmark = pytest.mark.commands

# scontrol --oneliner show partition of SLURM 22.05, shortened
PARTITIONS = """\
PartitionName=main AllowGroups=ALL Default=YES QoS=N/A DefaultTime=NONE MaxNodes=UNLIMITED MaxTime=UNLIMITED \
MinNodes=0 Nodes=n[1-4] State=UP TotalCPUs=64 TotalNodes=4 TRES=cpu=64,mem=24104M,node=4,billing=8
PartitionName=short Default=NO DefaultTime=00:05:00 MaxNodes=1 MaxTime=00:10:00 State=UP TotalCPUs=32 TotalNodes=2
PartitionName=week Default=NO DefaultTime=1-00:00:00 MaxNodes=2 MaxTime=7-00:00:00 State=UP TotalCPUs=32 TotalNodes=2
PartitionName=broken Default=NO DefaultTime=NONE MaxNodes=UNLIMITED MaxTime=NONE State=DOWN TotalCPUs=8 TotalNodes=2
"""
KNOWN = parse_partitions(PARTITIONS)
ACCEPTS = "sbatch: Job 1 to start at 2026-11-20T13:55:44 using 2 processors on nodes n1 in partition main"
Slurm = Callable[..., Path]


@pytest.fixture(autouse=True)
def _no_remarks_on_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What bash and shellcheck say takes half of the time of an inspection; `test_check_scripts.py` has its tests."""
    monkeypatch.setattr(check, "script_remarks", lambda *_: iter(()))


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    """Put commands of SLURM on the path that answer as told, and keep the script that sbatch got."""
    commands = tmp_path / "commands"
    commands.mkdir()

    def play(answer: str = ACCEPTS, code: int = 0, partitions: str = PARTITIONS, states: str = "n1|idle") -> Path:
        stream = "" if answer.startswith("Submitted") else " >&2"
        scripts = {
            "sbatch": f'for script; do :; done\ncp "$script" "{tmp_path}/asked.$(basename "$script")"\n'
            f"echo '{answer}'{stream}\nexit {code}",
            "scontrol": f"cat <<'END'\n{partitions}END\n{'exit 0' if partitions else 'exit 1'}",
            "sinfo": f"printf '{states}\\n'",
            **dict.fromkeys(("squeue", "scancel", "srun"), "exit 0"),
        }
        for name, text in scripts.items():
            (commands / name).write_text(f"#!/bin/sh\n{text}\n")
            (commands / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
        return tmp_path

    return play


def inspected(tmp_path: Path, changes: Mapping[str, Any], *overrides: str) -> Inspection:
    return inspect(visual_model(tmp_path, {"executor": "slurm", **changes}), overrides)


def problems(found: Inspection) -> list[tuple[str, str]]:
    return [(problem.key, problem.message) for problem in found.problems]


def test_a_cluster_that_accepts_the_job_is_named(slurm: Slurm, tmp_path: Path) -> None:
    slurm()
    found = inspected(tmp_path, {})
    assert (found.problems, found.cluster) == ([], "accepts the job (partition main, such as n1)")


def test_what_is_asked_about_is_what_is_submitted(slurm: Slurm, tmp_path: Path) -> None:
    options = {"slurm|partition": "main", "slurm|extra": {"nice": 100}, "jobs|setup": ["module load python"]}
    folder = slurm()
    path = visual_model(tmp_path, {"executor": "slurm", **options})
    inspect(path, ())
    asked = (folder / "asked.submission.sh").read_text().splitlines()
    slurm("Submitted batch job 7")
    config = load_config(path)
    tasks = [Task.of(index, folder / f"{index}.json") for index in range(config.offspring_size)]
    SlurmCluster(config.jobs, config.slurm).submit(tasks, "check", config.model_dir, ())
    submitted = folder / "asked.submission_file_check.sh"
    lines = submitted.read_text().splitlines()
    assert [line for line in lines if line.startswith("#SBATCH")] == [
        line for line in asked if line.startswith("#SBATCH")
    ]
    assert "module load python" in asked
    assert "#SBATCH --array=0-13%14" in asked


REFUSALS: list[tuple[dict[str, Any], str, tuple[str, str]]] = [
    (
        {"slurm|partition": "mian"},
        "sbatch: error: invalid partition specified: mian\nallocation failure: Invalid partition name specified",
        ("slurm.partition", "mian; allocation failure: Invalid partition name specified. Partitions: main, short"),
    ),
    (
        {"slurm|account": "lab"},
        "sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified",
        ("slurm.account", "Invalid account"),
    ),
    ({}, "sbatch: error: Memory specification can not be satisfied", ("jobs.mem", "Memory specification")),
    ({"slurm|constraint": "x"}, "allocation failure: Invalid feature specification", ("slurm.constraint", "feature")),
    ({}, "allocation failure: Requested node configuration is not available", ("slurm", "node configuration")),
]


def test_a_limit_on_the_number_of_jobs_is_a_note(slurm: Slurm, tmp_path: Path) -> None:
    """A run waits until there are fewer."""
    slurm("error: QOSMaxSubmitJobPerUserLimit\nallocation failure: Job violates accounting/QOS policy", 1)
    found = inspected(tmp_path, {})
    assert problems(found) == []
    assert any("SLURM takes no more jobs of yours for now" in note.message for note in found.notes)


@pytest.mark.parametrize(("changes", "refusal", "said"), REFUSALS)
def test_a_refusal_is_shown_in_slurms_words_at_the_key_it_speaks_of(
    slurm: Slurm, tmp_path: Path, changes: dict[str, Any], refusal: str, said: tuple[str, str]
) -> None:
    slurm(refusal, 1)
    found = inspected(tmp_path, changes)
    assert found.cluster == "refuses the job"
    key, message = problems(found)[0]
    assert key == said[0]
    assert message.startswith("SLURM refuses such a job: ")
    assert said[1] in message


def test_a_refusal_of_the_controllers_job_is_a_problem_of_its_script(slurm: Slurm, tmp_path: Path) -> None:
    folder = slurm()
    sbatch = folder / "commands/sbatch"
    refusing = 'case "$2" in *optimisation.sbatch) echo "sbatch: error: no account" >&2; exit 1;; esac\n'
    sbatch.write_text(sbatch.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\n{refusing}"))
    (problem,) = inspected(tmp_path, {}).problems
    assert problem.message.endswith("optimisation.sbatch: SLURM refuses the controller's job: no account")


def test_partition_and_account_of_the_configuration_are_those_of_the_controllers_job(
    slurm: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They had to be written into optimisation.sbatch as well."""
    folder = slurm()
    sbatch = folder / "commands/sbatch"
    sbatch.write_text(sbatch.read_text().replace("#!/bin/sh\n", f'#!/bin/sh\necho "$@" >> {folder}/given\n'))
    shared = {"partition": "main", "account": "proj 42", "qos": "long"}
    path = visual_model(tmp_path, {"executor": "slurm", "slurm": shared})
    script = path.parents[1] / "optimisation.sbatch"
    options = ["--partition=main", "--account=proj 42", "--qos=long"]

    found = inspect(path, ())
    assert found.sound
    assert (folder / "given").read_text().splitlines()[-1] == " ".join(["--test-only", *options, str(script)])
    monkeypatch.chdir(path.parents[1])
    assert check.next_command(found, path, ()) == ["sbatch", *options, "optimisation.sbatch"]

    own = "#SBATCH --qos=short\n#SBATCH -n 1 -p week\n##SBATCH --account=other\n"
    script.write_text(f"#!/bin/bash\n{own}exec orchestrator run\n")
    assert check.next_command(found, path, ()) == ["sbatch", "--account=proj 42", "optimisation.sbatch"]


def test_silence_is_no_refusal(slurm: Slurm, tmp_path: Path) -> None:
    slurm("sbatch: error: Unable to contact slurm controller (connect failure)", 1)
    found = inspected(tmp_path, {})
    assert (found.problems, found.cluster) == ([], "does not answer")
    assert any("SLURM does not answer: " in each.message for each in found.unknown)


def test_sbatch_is_asked_where_scontrol_does_not_answer(slurm: Slurm, tmp_path: Path) -> None:
    slurm(partitions="")
    found = inspected(tmp_path, {})
    assert (found.problems, found.cluster) == ([], "accepts the job (partition main, such as n1)")
    assert any("the limits of partitions: scontrol does not answer" in each.message for each in found.unknown)


def test_without_slurm_it_is_said_that_nothing_was_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/bash").symlink_to(shutil.which("bash") or "")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    found = inspected(tmp_path, {})
    assert (found.problems, found.cluster) == ([], "no SLURM here, not asked")
    assert [each.key for each in found.unknown] == ["executor"]
    assert "there is no SLURM here" in found.unknown[0].message


@pytest.mark.parametrize(
    ("changes", "key", "message"),
    [
        (
            {"slurm|partition": "short"},
            "jobs.time",
            "expected at most 10 min, the limit of partition short, got 4 h: SLURM would take the job and never start",
        ),
        ({"slurm|partition": "short,short"}, "jobs.time", "expected at most 10 min"),
        ({"slurm|nodes": 9}, "slurm.nodes", "expected at most 4, what partition main gives a job, got 9"),
        ({"slurm|partition": "week", "slurm|nodes": 3}, "slurm.nodes", "expected at most 2"),
    ],
)
def test_a_job_that_is_accepted_and_would_never_start_is_a_problem(
    slurm: Slurm, tmp_path: Path, changes: dict[str, Any], key: str, message: str
) -> None:
    slurm()
    found = inspected(tmp_path, changes)
    assert problems(found)[0][0] == key
    assert message in problems(found)[0][1]
    assert found.cluster == "accepts the job, and would never start it"


@pytest.mark.parametrize(
    "changes", [{"slurm|partition": "short,week"}, {"jobs|time": "10m", "slurm|partition": "short"}]
)
def test_a_job_that_one_partition_can_start_is_none(slurm: Slurm, tmp_path: Path, changes: dict[str, Any]) -> None:
    slurm()
    assert inspected(tmp_path, changes).problems == []


def test_a_quality_of_service_may_lift_the_partitions_limit(slurm: Slurm, tmp_path: Path) -> None:
    slurm()
    found = inspected(tmp_path, {"slurm|partition": "short", "slurm|qos": "long"})
    assert found.problems == []
    assert any(note.key == "jobs.time" for note in found.notes)


@pytest.mark.parametrize(
    ("partition", "states", "message"),
    [
        ("broken", "n1|idle", "partition broken is DOWN: jobs wait until somebody sets it UP"),
        (
            "main",
            "n1|down*\\nn2|drained",
            "none of the 2 nodes of partition main is up (down*, drained): jobs wait",
        ),
    ],
)
def test_jobs_that_wait_for_somebody_are_noted(
    slurm: Slurm, tmp_path: Path, partition: str, states: str, message: str
) -> None:
    slurm(states=states)
    found = inspected(tmp_path, {"slurm|partition": partition})
    assert found.problems == []
    assert message in [note.message for note in found.notes]


def test_one_node_that_is_up_is_enough() -> None:
    run = lambda *_: "CLUSTER: gpu\nWelcome to gpu\nn1|down*\nn2|mixed\n"  # noqa: E731
    assert node_states(KNOWN[:1], "gpu", run) == ["down*", "mixed"]
    assert list(waits(KNOWN[:1], ["down*", "mixed"])) == []


def test_nodes_of_which_nothing_is_known_are_no_reason_to_wait() -> None:
    def away(*_: object) -> str:
        raise CommandFailed("away")

    assert node_states(KNOWN[:1], None, away) == node_states([], None, away) == []
    assert list(waits(KNOWN[:1], [])) == []


def test_partitions_are_read() -> None:
    assert [(each.name, each.default, each.max_time, each.default_time, each.max_nodes) for each in KNOWN] == [
        ("main", True, None, None, None),
        ("short", False, 600, 300, 1),
        ("week", False, 604800, 86400, 2),
        ("broken", False, None, None, None),
    ]
    assert KNOWN[0].cpus_per_node == 16
    assert parse_partitions("slurm_load_partitions error\n") == []


def test_an_unknown_partition_says_nothing_of_starting(tmp_path: Path) -> None:
    config = load_config(visual_model(tmp_path, {"slurm|partition": "elsewhere"}))
    assert never_starts(config, asked_for(config, KNOWN)) is None


@pytest.mark.parametrize(
    ("changes", "node_hours", "core_hours", "limit"),
    [
        # 14 x 60 jobs of 4 h
        ({"jobs|ntasks": 1}, 3360, 3360, "jobs.time"),
        ({"jobs|ntasks": 64}, 4 * 3360, 64 * 3360, "jobs.time"),
        ({"jobs|ntasks": 8, "jobs|cpus_per_task": 4}, 2 * 3360, 32 * 3360, "jobs.time"),
        ({"jobs|ntasks": 2, "slurm|nodes": 2}, 2 * 3360, 2 * 3360, "jobs.time"),
        ({"jobs|ntasks": 2, "slurm|nodes": 2, "slurm|extra": {"exclusive": True}}, 2 * 3360, 32 * 3360, "jobs.time"),
        ({"jobs|ntasks": 1, "timeout": "1h"}, 840, 840, "the generation's timeout"),
        ({"jobs|ntasks": 1, "jobs|time": None, "slurm|partition": "short"}, 70, 70, "the partition's time limit"),
        ({"jobs|ntasks": 1, "jobs|time": None}, 16800, 16800, "the generation's timeout"),
    ],
)
def test_the_costs_are_those_of_jobs_that_last_until_their_limit(
    tmp_path: Path, changes: dict[str, Any], node_hours: float, core_hours: float, limit: str
) -> None:
    config = load_config(visual_model(tmp_path, {"executor": "slurm", **changes}))
    found = costs(config, asked_for(config, KNOWN)[0])
    assert (found.jobs, found.node_hours, found.core_hours, found.limit) == (840, node_hours, core_hours, limit)


def test_without_the_cluster_the_number_of_nodes_is_a_lower_bound(tmp_path: Path) -> None:
    path = visual_model(tmp_path, {"executor": "slurm", "jobs|ntasks": 64})
    config = load_config(path)
    text = cost_text(costs(config, None))
    assert text == "at most 215,040 core-hours, 3,360 node-hours on as few nodes as possible (4 h per job, jobs.time)"
    assert job_text(config, costs(config, None)) == "64 processes, 2G"


def test_times_that_do_not_fit_together_are_noted(slurm: Slurm, tmp_path: Path) -> None:
    slurm()
    (note,) = inspected(tmp_path, {"timeout": "1h"}).notes
    assert note.key == "timeout"
    assert "times out after 1 h, queue included, before its jobs reach their own limit of 4 h" in note.message


@pytest.mark.parametrize(
    ("changes", "noted"),
    [
        ({"executor": "local", "slurm|partition": "main", "slurm|mpi": "pmix"}, ["slurm.partition"]),
        ({"executor": "local", "jobs|retries": 3}, []),
        ({"slurm|mpi": "pmi2", "jobs|ntasks": 1}, ["slurm.mpi"]),
        ({"slurm|mpi": "pmi2", "jobs|ntasks": 2}, []),
    ],
)
def test_keys_of_slurm_that_do_nothing_are_noted(
    slurm: Slurm, tmp_path: Path, changes: dict[str, Any], noted: list[str]
) -> None:
    slurm()
    found = inspected(tmp_path, changes)
    assert [note.key for note in found.notes if "does nothing" in note.message] == noted


def test_a_missing_time_limit_is_noted(slurm: Slurm, tmp_path: Path) -> None:
    slurm()
    (note,) = inspected(tmp_path, {"jobs|time": None}).notes
    assert note.key == "jobs.time"


def test_a_refusal_that_speaks_of_the_cluster_is_one_of_extra(slurm: Slurm, tmp_path: Path) -> None:
    slurm("sbatch: error: No cluster 'gpo' known by database.", 1)
    found = inspected(tmp_path, {"slurm|extra": {"clusters": "gpo"}})
    assert found.cluster == "gpo refuses the job"
    assert problems(found)[0][0] == "slurm.extra"


@pytest.mark.parametrize(("named", "at_fault"), [("cpu,gpu", ["slurm.extra"]), ("gpu", [])])
def test_the_cluster_of_the_environment_is_asked_if_it_is_one(
    slurm: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, at_fault: list[str]
) -> None:
    slurm()
    monkeypatch.setenv("SLURM_CLUSTERS", named)
    found = inspected(tmp_path, {})
    assert [problem.key for problem in found.problems] == at_fault
    assert all("SLURM_CLUSTERS is 'cpu,gpu'" in problem.message for problem in found.problems)
    assert found.cluster == ("" if at_fault else "gpu accepts the job (partition main, such as n1)")


def test_what_a_user_tells_every_sbatch_is_part_of_the_job(
    slurm: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm()
    for name, value in {"PARTITION": "short", "QOS": "long", "TIMELIMIT": "5"}.items():
        monkeypatch.setenv(f"SBATCH_{name}", value)
    path = visual_model(tmp_path, {"executor": "slurm"})
    config = load_config(path)
    assert [each.name for each in asked_for(config, KNOWN)] == ["short"]
    found = inspect(path, ())
    assert (found.problems, [note.key for note in found.notes]) == ([], ["jobs.time"])  # the quality may lift the limit
    assert inspect(path, ["jobs.time=null"]).notes == []
    assert [each.name for each in asked_for(load_config(path, ["slurm.partition=week"]), KNOWN)] == ["week"]
