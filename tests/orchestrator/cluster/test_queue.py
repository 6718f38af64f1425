"""One question for all jobs, a second opinion where SLURM keeps accounts, and patience while nobody answers."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from orchestrator.cluster import Job, State
from orchestrator.cluster.commands import CommandFailed
from orchestrator.cluster.queue import Queue
from orchestrator.records import Outcome

KEEPS_ACCOUNTS = "AccountingStorageType   = accounting_storage/slurmdbd\nMaxArraySize            = 1001\n"
ALONE, LEFT, RIGHT = Job("run-g0-aa", "76"), Job("run-g0-bb", "77_0"), Job("run-g0-bb", "77_1")
# what SLURM 22.05.8 says where slurmctld is away, and where slurmdbd is
NO_SLURMCTLD = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n"
NO_SLURMDBD = """\
sacct: error: slurm_persist_conn_open_without_init: failed to open persistent connection to host:localhost:20911: \
Connection refused
sacct: error: Sending PersistInit msg: Connection refused
sacct: error: Problem talking to the database: Connection refused
"""


@dataclass
class Programs:
    """SLURM's programs: what they print, None where they fail with these words; what they were asked, and the time."""

    answers: dict[str, str | CommandFailed] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)
    now: float = 1000.0

    def run(self, command: Sequence[str], timeout: float) -> str:
        self.asked.append([*command])
        answer = self.answers.get(command[0], CommandFailed(f"{command[0]} is away"))
        if isinstance(answer, CommandFailed):
            raise answer
        return answer

    def clock(self) -> float:
        return self.now

    def names(self) -> list[str]:
        return [command[0] for command in self.asked]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Programs of which sacct is on the path."""
    (tmp_path / "sacct").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return Programs({"squeue": "", "sacct": "", "scontrol": KEEPS_ACCOUNTS})


@pytest.fixture
def queue(programs: Programs) -> Queue:
    return Queue(30.0, programs.run, programs.clock)


def states(statuses: Mapping[Job, object]) -> list[object]:
    return [getattr(status, "state", None) for status in statuses.values()]


def test_sacct_is_asked_once_for_all_that_squeue_has_forgotten(programs: Programs, queue: Queue) -> None:
    programs.answers["squeue"] = "77|1|RUNNING|run-g0-bb|n2|None\n"
    programs.answers["sacct"] = "76|TIMEOUT|0:0|n1|run-g0-aa\n77_0|OUT_OF_ME+|0:125|n1|run-g0-bb\n"
    further = Job("run-g0-aa", "9")
    found = queue.statuses([ALONE, LEFT, RIGHT, further])
    assert states(found) == [State.ENDED, State.ENDED, State.RUNNING, State.ABSENT]
    assert (found[ALONE].outcome, found[LEFT].outcome) == (Outcome.TIME_LIMIT, Outcome.OUT_OF_MEMORY)
    assert found[LEFT].node == "n1"
    assert programs.names() == ["squeue", "scontrol", "sacct"]
    assert "--jobs=9,76,77" in programs.asked[2]
    assert "--allocations" in programs.asked[2]
    # the configuration does not change
    queue.statuses([ALONE])
    assert programs.names()[3:] == ["squeue", "sacct"]


def test_jobs_that_squeue_knows_are_not_asked_for_again(programs: Programs, queue: Queue) -> None:
    programs.answers["squeue"] = "77|0|RUNNING|run-g0-bb|n2|None\n77|1|COMPLETED|run-g0-bb|n2|None\n"
    assert states(queue.statuses([LEFT, RIGHT])) == [State.RUNNING, State.ENDED]
    assert programs.names() == ["squeue"]


def test_the_accounts_do_not_overrule_squeue(programs: Programs, queue: Queue) -> None:
    # somebody requeued it: squeue is ahead of the accounts
    programs.answers["squeue"] = "77|1|PENDING|run-g0-bb||BeginTime\n"
    programs.answers["sacct"] = "77_0|COMPLETED|0:0|n1|run-g0-bb\n77_1|NODE_FAIL|0:0|n1|run-g0-bb\n"
    assert states(queue.statuses([LEFT, RIGHT])) == [State.ENDED, State.PENDING]


@pytest.mark.parametrize(
    "row",
    [
        "76|NODE_FAIL|0:0|n1|run-g0-aa",  # what slurmctld says of all that ran when it lost its memory
        "76|RUNNING|0:0|n1|run-g0-aa",  # entered, and never seen again by slurmctld
        "76|PENDING|0:0|None assigned|run-g0-aa",
        "76|SOMETHING_NEW|0:0|n1|run-g0-aa",
        "76|COMPLETED|0:0|n1|somebody-elses",  # the id was used again
        "76.batch|COMPLETED|0:0|n1|run-g0-aa",
        "176|COMPLETED|0:0|n1|run-g0-aa",
        "76|COMPLETED|0:0|n1|run-g0-aa\n76|RUNNING|0:0|n1|run-g0-aa",  # requeued
        "",
    ],
)
def test_only_an_end_of_this_very_job_is_news(programs: Programs, queue: Queue, row: str) -> None:
    programs.answers["sacct"] = row
    assert states(queue.statuses([ALONE])) == [State.ABSENT]


@pytest.mark.parametrize(
    "kind",
    [
        "AccountingStorageType   = accounting_storage/none\n",
        "AccountingStorageType   = (null)\n",  # what newer versions say instead
        "AccountingStorageType   =\n",
        "AccountingStorageType   = accounting_storage/filetxt\n",
        "MaxArraySize            = 1001\n",
    ],
)
def test_without_accounts_sacct_is_never_asked(programs: Programs, queue: Queue, kind: str) -> None:
    programs.answers["scontrol"] = kind
    for _ in range(3):
        assert states(queue.statuses([ALONE])) == [State.ABSENT]
    assert programs.names() == ["squeue", "scontrol", "squeue", "squeue"]


def test_without_the_program_sacct_is_never_asked(
    programs: Programs, queue: Queue, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert states(queue.statuses([ALONE])) == [State.ABSENT]
    assert "sacct" not in programs.names()


def test_a_cluster_that_did_not_say_whether_it_keeps_accounts_is_asked_again(programs: Programs, queue: Queue) -> None:
    programs.answers["sacct"] = "76|COMPLETED|0:0|n1|run-g0-aa\n"
    del programs.answers["scontrol"]
    assert states(queue.statuses([ALONE])) == [State.ABSENT]
    programs.answers["scontrol"] = KEEPS_ACCOUNTS
    assert states(queue.statuses([ALONE])) == [State.ENDED]


def test_while_the_accounts_are_away_jobs_are_absent_and_sacct_is_left_in_peace(
    programs: Programs, queue: Queue
) -> None:
    programs.answers["sacct"] = CommandFailed(NO_SLURMDBD)
    asked = []
    for _ in range(100):
        assert states(queue.statuses([ALONE])) == [State.ABSENT]
        asked.append(programs.names().count("sacct"))
        programs.now += 1.0
    # after 10 s, 20 s, 40 s
    assert [asked[n] for n in (0, 9, 10, 29, 30, 69, 70, 99)] == [1, 1, 2, 2, 3, 3, 4, 4]
    programs.answers["sacct"] = "76|COMPLETED|0:0|n1|run-g0-aa\n"
    programs.now += 120.0
    assert states(queue.statuses([ALONE])) == [State.ENDED]


@pytest.mark.parametrize("answer", [CommandFailed(NO_SLURMCTLD), CommandFailed("no answer within 60 s"), NO_SLURMCTLD])
def test_no_answer_is_no_news(programs: Programs, queue: Queue, answer: str | CommandFailed) -> None:
    programs.answers["squeue"] = answer
    found = queue.statuses([ALONE, LEFT])
    assert states(found) == [State.UNKNOWN, State.UNKNOWN]
    assert programs.names() == ["squeue"]


def test_an_empty_answer_is_an_answer(programs: Programs, queue: Queue) -> None:
    assert queue.rows(["run-g0-aa"]) == []
    assert states(queue.statuses([ALONE])) == [State.ABSENT]


def test_other_lines_hide_no_job(programs: Programs, queue: Queue) -> None:
    programs.answers["squeue"] = "Welcome!\nCLUSTER: alpha\n76|N/A|RUNNING|run-g0-aa|n1|None\n4|N/A|PENDING|a|b|c||x\n"
    assert states(queue.statuses([ALONE])) == [State.RUNNING]


def spoken(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    said = [(record.levelname, record.getMessage()) for record in caplog.records]
    caplog.clear()
    return said


def test_a_long_silence_is_told_after_a_minute_and_whenever_it_has_doubled(
    programs: Programs, queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "orchestrator")
    programs.answers["squeue"] = CommandFailed(NO_SLURMCTLD)
    words = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"
    queue.rows(["a"])
    assert spoken(caplog) == [("INFO", f"squeue does not answer ({words}); asking again")]
    for _ in range(59):
        programs.now += 1.0
        queue.rows(["a"])
    assert spoken(caplog) == []
    warned = []
    for _ in range(3600):
        programs.now += 1.0
        queue.rows(["a"])
        warned += spoken(caplog)
    times = ("1 min", "2 min", "4 min", "8 min", "16 min", "32 min")
    assert warned == [("WARNING", f"squeue has not answered for {time} ({words}); asking again") for time in times]
    programs.answers["squeue"] = ""
    queue.rows(["a"])
    assert spoken(caplog) == [("INFO", "squeue answers again after 1 h")]
    # from the beginning
    programs.answers["squeue"] = CommandFailed(NO_SLURMCTLD)
    queue.rows(["a"])
    programs.now += 60.0
    queue.rows(["a"])
    assert [level for level, _ in spoken(caplog)] == ["INFO", "WARNING"]


def test_every_program_has_a_silence_of_its_own(
    programs: Programs, queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "orchestrator")
    programs.answers["sacct"] = CommandFailed(NO_SLURMDBD)
    for _ in range(10):
        queue.statuses([ALONE])
        programs.now += 30.0
    said = spoken(caplog)
    last_words = "sacct: error: Problem talking to the database: Connection refused"
    assert said[0] == ("INFO", f"sacct does not answer ({last_words}); asking again")
    assert said[1] == ("WARNING", f"sacct has not answered for 1 min ({last_words}); asking again")
    assert all(message.startswith("sacct ") for _, message in said)
    assert queue.interval(5.0) == 5.0  # squeue answers


@pytest.mark.parametrize(
    ("poll_interval", "normal", "expected"),
    [(30.0, 5.0, [5, 10, 20, 40, 80, 120, 120]), (300.0, 30.0, [30, 60, 120, 240, 300]), (1.0, 1.0, [1, 2, 4, 8])],
)
def test_questions_become_rarer_while_squeue_is_silent(
    programs: Programs, poll_interval: float, normal: float, expected: list[float]
) -> None:
    queue = Queue(poll_interval, programs.run, programs.clock)
    del programs.answers["squeue"]
    waits = []
    for _ in expected:
        waits.append(queue.interval(normal))
        queue.rows(["a"])
    assert waits == expected
    for _ in range(2000):
        queue.rows(["a"])
    assert queue.interval(normal) == max(poll_interval, 120.0)
    programs.answers["squeue"] = ""
    queue.rows(["a"])
    assert queue.interval(normal) == normal
