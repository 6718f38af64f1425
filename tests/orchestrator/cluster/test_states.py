"""The mapping of SLURM's words, on texts captured from several versions of squeue, sacct and scontrol."""

from __future__ import annotations

import pytest

from orchestrator.cluster import states
from orchestrator.cluster.base import State, Status
from orchestrator.cluster.states import Row, parse_configuration, parse_sacct, parse_squeue, status_of
from orchestrator.records import Outcome

# SLURM 22.05.8 (Debian 12), the last three from other clusters:
# squeue --noheader --array --states=all --user=0 --format=%F|%K|%T|%j|%N|%r
SQUEUE_22_05 = """\
8|N/A|COMPLETED|fin|n2|None
19|N/A|DEADLINE|dl2||DeadLine
2|1|FAILED|demo-g0-1a2b|n2|NonZeroExitCode
7|N/A|FAILED|imposs||BadConstraints
20|N/A|FAILED|kill9|n1|JobLaunchFailure
2|4|NODE_FAIL|demo-g0-1a2b|n2|NodeDown
2|0|CANCELLED|demo-g0-1a2b|n1|None
3|7|CANCELLED|demo-g1-3c4d||JobHeldUser
16|3|PENDING|rq||BeginTime
18|N/A|PENDING|dl||JobHeldUser
2|9|PENDING|demo-g0-1a2b||JobArrayTaskLimit
4|N/A|PENDING|a|b|c||JobHeldUser
5|N/A|PENDING|übung,x||JobHeldUser
17|N/A|RUNNING|susp|n1|None
1|N/A|TIMEOUT|to|n1|TimeLimit
1|N/A|PREEMPTED|low|n1|None
2|N/A|FAILED|oomstep|n1|NonZeroExitCode
1|N/A|OUT_OF_MEMORY|oom|n1|OutOfMemory
"""

# the same without --array
SQUEUE_WITHOUT_ARRAY_22_05 = """\
2|1|FAILED|demo-g0-1a2b|n2|NonZeroExitCode
2|3-9%2|PENDING|demo-g0-1a2b||JobArrayTaskLimit
3|0-4,7|PENDING|demo-g1-3c4d||JobHeldUser
1|N/A|RUNNING|to|n1|None
"""

# SLURM 22.05.8, the last two from other clusters and renumbered:
# sacct -n -P -X --format=JobID,State,ExitCode,NodeList,JobName --jobs=...
SACCT_22_05 = """\
1|TIMEOUT|0:0|n1|to
4|CANCELLED by 0|0:0|None assigned|a|b|c
5|PENDING|0:0|None assigned|übung,x
8|COMPLETED|0:0|n2|fin
2_0|CANCELLED by 0|0:0|n1|demo-g0-1a2b
2_1|FAILED|1:0|n2|demo-g0-1a2b
2_2|COMPLETED|0:0|n2|demo-g0-1a2b
2_4|NODE_FAIL|0:0|n2|demo-g0-1a2b
3_[0-4,7]|CANCELLED by 0|0:0|None assigned|demo-g1-3c4d
13|COMPLETED|0:0|n1|rq
16_3|RUNNING|0:0|n1|rq
19|DEADLINE|1:0|None assigned|dl2
20|FAILED|0:9|n1|kill9
21|PREEMPTED|0:0|n1|low
22|OUT_OF_MEMORY|0:125|n1|oom
"""

# the same with --duplicates, of a job that was requeued; without --allocations; and that had just started
SACCT_REQUEUED_22_05 = "16_3|REQUEUED|0:0|n1|rq\n16_3|RUNNING|0:0|n1|rq\n"
SACCT_STEPS_22_05 = "1|TIMEOUT|0:0|n1|to\n1.batch|CANCELLED|0:15|n1|batch\n"
SACCT_TOO_EARLY_22_05 = "13|PENDING|0:0|n1|allocation\n"

# job_state_string() in src/common/slurm_protocol_defs.c, the same from SLURM 20.11 to 26.05 except what is added below
STATES = """
COMPLETING STAGE_OUT CONFIGURING RESIZING REQUEUED REQUEUE_FED REQUEUE_HOLD SPECIAL_EXIT STOPPED REVOKED RESV_DEL_HOLD
SIGNALING PENDING RUNNING SUSPENDED COMPLETED CANCELLED FAILED TIMEOUT NODE_FAIL PREEMPTED BOOT_FAIL DEADLINE
OUT_OF_MEMORY
"""
ADDED_STATES = {"20.11": "REQUEUED_CRON", "25.11": "EXPEDITING"}


def rows_by_id(rows: list[Row]) -> dict[str, Row]:
    return {row.id: row for row in rows}


def test_squeue_lists_all_jobs_one_a_line() -> None:
    rows = {(row.name, row.id): row.status for row in parse_squeue(SQUEUE_22_05)}
    assert rows["fin", "8"] == Status(State.ENDED, None, "COMPLETED", "n2")
    assert rows["dl2", "19"] == Status(State.ENDED, Outcome.TIME_LIMIT, "DEADLINE DeadLine")
    assert rows["demo-g0-1a2b", "2_1"] == Status(State.ENDED, None, "FAILED NonZeroExitCode", "n2")
    assert rows["imposs", "7"] == Status(State.ENDED, None, "FAILED BadConstraints")
    assert rows["kill9", "20"] == Status(State.ENDED, None, "FAILED JobLaunchFailure", "n1")
    assert rows["demo-g0-1a2b", "2_4"] == Status(State.ENDED, Outcome.NODE_FAIL, "NODE_FAIL NodeDown", "n2")
    assert rows["demo-g0-1a2b", "2_0"] == Status(State.ENDED, Outcome.CANCELLED, "CANCELLED", "n1")
    assert rows["demo-g1-3c4d", "3_7"] == Status(State.ENDED, Outcome.CANCELLED, "CANCELLED JobHeldUser")
    assert rows["rq", "16_3"] == Status(State.PENDING, reason="BeginTime")
    assert rows["demo-g0-1a2b", "2_9"] == Status(State.PENDING, reason="JobArrayTaskLimit")
    assert rows["übung,x", "5"] == Status(State.PENDING, reason="JobHeldUser")
    assert rows["susp", "17"] == Status(State.RUNNING, node="n1")
    assert rows["to", "1"] == Status(State.ENDED, Outcome.TIME_LIMIT, "TIMEOUT TimeLimit", "n1")
    assert rows["low", "1"] == Status(State.ENDED, Outcome.PREEMPTED, "PREEMPTED", "n1")
    assert rows["oom", "1"] == Status(State.ENDED, Outcome.OUT_OF_MEMORY, "OUT_OF_MEMORY OutOfMemory", "n1")
    # of a step that ran out of memory, SLURM only says that it failed
    assert rows["oomstep", "2"] == Status(State.ENDED, None, "FAILED NonZeroExitCode", "n1")


def test_a_name_with_the_separator_in_it_hides_no_other_job() -> None:
    assert "a" in {row.name for row in parse_squeue(SQUEUE_22_05) if row.id == "4"}
    assert [row.name for row in parse_sacct(SACCT_22_05) if row.id == "4"] == ["a|b|c"]


def test_squeue_may_list_the_waiting_jobs_of_an_array_in_one_line() -> None:
    rows = rows_by_id(list(parse_squeue(SQUEUE_WITHOUT_ARRAY_22_05)))
    waiting = [*(f"2_{n}" for n in range(3, 10)), *(f"3_{n}" for n in (0, 1, 2, 3, 4, 7))]
    assert list(rows) == ["2_1", *waiting, "1"]
    assert {rows[job].status.state for job in waiting} == {State.PENDING}


def test_sacct_knows_ends() -> None:
    rows = rows_by_id(list(parse_sacct(SACCT_22_05)))
    assert rows["1"].status == Status(State.ENDED, Outcome.TIME_LIMIT, "TIMEOUT", "n1")
    assert rows["2_0"].status == Status(State.ENDED, Outcome.CANCELLED, "CANCELLED by 0", "n1")
    assert rows["2_1"].status == Status(State.ENDED, None, "FAILED exit code 1:0", "n2")
    assert rows["2_2"].status == Status(State.ENDED, None, "COMPLETED", "n2")
    assert rows["2_4"].status == Status(State.ENDED, Outcome.NODE_FAIL, "NODE_FAIL", "n2")
    assert rows["19"].status == Status(State.ENDED, Outcome.TIME_LIMIT, "DEADLINE exit code 1:0")
    assert rows["20"].status == Status(State.ENDED, None, "FAILED exit code 0:9", "n1")
    assert rows["21"].status.outcome is Outcome.PREEMPTED
    assert rows["22"].status == Status(State.ENDED, Outcome.OUT_OF_MEMORY, "OUT_OF_MEMORY exit code 0:125", "n1")
    assert rows["5"] == Row("5", "übung,x", Status(State.PENDING))
    cancelled_while_waiting = [f"3_{n}" for n in (0, 1, 2, 3, 4, 7)]
    assert [job for job in rows if job.startswith("3_")] == cancelled_while_waiting
    assert rows["3_7"].status == Status(State.ENDED, Outcome.CANCELLED, "CANCELLED by 0")


def test_a_requeued_job_is_what_its_last_row_says() -> None:
    rows = list(parse_sacct(SACCT_REQUEUED_22_05))
    assert [row.status.state for row in rows] == [State.PENDING, State.RUNNING]


def test_steps_are_no_jobs_and_a_job_just_started_has_no_name_yet() -> None:
    assert [row.id for row in parse_sacct(SACCT_STEPS_22_05)] == ["1"]
    assert [row.name for row in parse_sacct(SACCT_TOO_EARLY_22_05)] == ["allocation"]


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ("4", ["4"]),
        ("[5-9]", ["5", "6", "7", "8", "9"]),
        ("[5-9%2]", ["5", "6", "7", "8", "9"]),
        ("[4-190%2]", [str(n) for n in range(4, 191)]),  # oracle-quickstart/oci-hpc issue 23
        ("[88-89,91-94,96-98]", ["88", "89", "91", "92", "93", "94", "96", "97", "98"]),  # TUM-DAML/seml pull 28
        ("[0-6:2]", ["0", "2", "4", "6"]),  # from the manual of sbatch
        ("[1,3,...]", ["1", "3"]),  # squeue cuts long lists like this, says its manual (SLURM_BITSTR_LEN)
        ("[9-5]", []),
        ("[0-4:0]", []),
        ("[", []),
        ("x", []),
        ("²", []),
        ("7.batch", []),
    ],
)
def test_indices_of_an_array(index: str, expected: list[str]) -> None:
    assert [row.id for row in parse_sacct(f"77_{index}|CANCELLED|0:0|n1|a")] == [f"77_{n}" for n in expected]
    assert [row.id for row in parse_squeue(f"77|{index}|CANCELLED|a|n1|None")] == [f"77_{n}" for n in expected]


def test_a_garbled_range_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "_LONGEST_ARRAY", 1000)
    assert len(list(parse_sacct(f"77_[0-{10**18}]|CANCELLED|0:0|n1|a"))) <= 1000


GARBAGE = [
    "",
    "\n",
    "slurm_load_jobs error: Invalid job id specified",
    "slurm_load_jobs error: Unable to contact slurm controller (connect failure)",
    "CLUSTER: alpha",
    "Slurm accounting storage is disabled",  # access-ci-org/Jetstream_Cluster issue 12
    "Site-specific preamble here.",  # the tests of uzh/gc3pie have such sites
    "a|b|c",
    "x|N/A|RUNNING|n|r",
    "x|N/A|RUNNING|n|n1|r",
    "|||||",
    "||||",
    "²|N/A|RUNNING|n|n1|r",
    "\ufffd\ufffd|\x00|\ufffd",
    # sacct's table without --parsable2, of SLURM 22.05.8
    (
        "JobID           JobName  Partition    Account  AllocCPUS      State ExitCode \n"
        "------------ ---------- ---------- ---------- ---------- ---------- -------- \n"
        "2_4          demo-g0-1+       main       root          1 CANCELLED+      0:0 \n"
    ),
]


@pytest.mark.parametrize("text", GARBAGE)
def test_lines_of_another_form_are_no_news(text: str) -> None:
    assert list(parse_squeue(text)) == []
    assert list(parse_sacct(text)) == []


@pytest.mark.parametrize("text", GARBAGE)
def test_lines_of_another_form_hide_no_job(text: str) -> None:
    assert [row.id for row in parse_squeue(f"{text}\n12|3|RUNNING|a|n1|None\n{text}")] == ["12_3"]
    assert [row.id for row in parse_sacct(f"{text}\n12_3|TIMEOUT|0:0|n1|a\n{text}")] == ["12_3"]


def test_reasons_may_hold_commas_and_separators() -> None:
    # from the manual of squeue; the second by hand, an administrator may write anything
    rows = list(
        parse_squeue(
            "14|N/A|PENDING|run-g1-cc||ReqNodeNotAvail, UnavailableNodes:n[1-3]\n15|N/A|PENDING|run-g1-cc||down | ask"
        )
    )
    assert [row.status.reason for row in rows] == ["ReqNodeNotAvail, UnavailableNodes:n[1-3]", "down | ask"]


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("CANCELLED by 1060", Outcome.CANCELLED),
        ("CANCELLED+", Outcome.CANCELLED),
        ("OUT_OF_MEMORY", Outcome.OUT_OF_MEMORY),
        ("OUT_OF_ME+", Outcome.OUT_OF_MEMORY),
        ("TIMEOUT", Outcome.TIME_LIMIT),
        ("DEADLINE", Outcome.TIME_LIMIT),
        ("PREEMPTED", Outcome.PREEMPTED),
        ("NODE_FAIL", Outcome.NODE_FAIL),
        ("NODE_F+", Outcome.NODE_FAIL),
        ("BOOT_FAIL", Outcome.NODE_FAIL),
        ("LAUNCH_FAILED", Outcome.LAUNCH_FAILED),
        ("RECONFIG_FAIL", Outcome.LAUNCH_FAILED),
        ("REVOKED", Outcome.CANCELLED),
        ("COMPLETED", None),
        ("COMPLETED+", None),
        ("FAILED", None),
    ],
)
def test_ends(word: str, outcome: Outcome | None) -> None:
    status = status_of(word)
    assert status.state is State.ENDED
    assert status.outcome is outcome


@pytest.mark.parametrize("word", ["", " ", "?", "+", "NEW_WORD", "NEW_WO+", "COMPLET+", "RE+", "COMPLETE", "OUT_OF"])
def test_an_unknown_word_is_neither_success_nor_failure(word: str) -> None:
    assert status_of(word).state is State.UNKNOWN


@pytest.mark.parametrize("word", ["RUNNING", "RUNNI+", "COMPLETING", "SUSPENDED", "STOPPED"])
def test_alive(word: str) -> None:
    assert status_of(word).state is State.RUNNING


@pytest.mark.parametrize("word", ["PENDING", "CONFIGURING", "CONFIGURI+", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT"])
def test_waiting(word: str) -> None:
    assert status_of(word).state is State.PENDING


VERSIONS = ("20.11", "21.08", "22.05", "23.02", "23.11", "24.05", "24.11", "25.05", "25.11", "26.05")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_state_of_every_version_has_a_meaning(version: str) -> None:
    added = " ".join(words for since, words in ADDED_STATES.items() if since <= version)
    states = f"{STATES} {added}".split()
    assert [word for word in states if status_of(word).state in (State.UNKNOWN, State.ABSENT)] == []


# SLURM 22.05.8: scontrol show config
CONFIGURATION_22_05 = """\
Configuration data as of 2026-11-20T13:30:48
AccountingStorageBackupHost = (null)
AccountingStorageEnforce = none
AccountingStorageHost   = localhost
AccountingStorageExternalHost = (null)
AccountingStorageTRES   = cpu,mem,energy,node,billing,fs/disk,vmem,pages
AccountingStorageType   = accounting_storage/slurmdbd
AccountingStorageUser   = N/A
LaunchParameters        = (null)
MaxArraySize            = 1001
SLURM_VERSION           = 22.05.8
"""

# SLURM 23.02.7, from the tests of vantage_agent
CONFIGURATION_23_02 = """
    Configuration data as of 2024-08-19T19:08:02
    AccountingStorageHost   = 10.59.51.10
    AccountingStorageType   = accounting_storage/slurmdbd
    InteractiveStepOptions  = --interactive --preserve-env --pty $SHELL
    JobCredentialPublicCertificate = (null)
    AuthAltParameters       = jwt_key=/var/lib/slurm/slurmctld/jwt_hs256.key
    MaxArraySize            = 1001
    PowerPlugin             =
    SLURM_VERSION           = 23.02.7

    Slurmctld(primary) at democluster-example is UP
"""


@pytest.mark.parametrize(
    ("text", "version"), [(CONFIGURATION_22_05, "22.05.8"), (CONFIGURATION_23_02, "23.02.7")], ids=["22.05", "23.02"]
)
def test_the_configuration_of_a_cluster(text: str, version: str) -> None:
    found = parse_configuration(text)
    assert found["SLURM_VERSION"] == version
    assert found["MaxArraySize"] == "1001"
    assert found["AccountingStorageType"] == "accounting_storage/slurmdbd"
    assert "" not in found


def test_what_is_not_configured_is_empty() -> None:
    assert parse_configuration(CONFIGURATION_22_05)["LaunchParameters"] == ""
    assert parse_configuration(CONFIGURATION_23_02)["PowerPlugin"] == ""
    assert parse_configuration(CONFIGURATION_23_02)["AuthAltParameters"].startswith("jwt_key=/")
    assert parse_configuration("slurm_load_ctl_conf error: Unable to contact slurm controller") == {}
