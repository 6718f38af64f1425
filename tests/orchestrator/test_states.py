"""The mapping of SLURM's words, on texts captured from squeue of SLURM 20.11, 22.05 and 23.11."""

from __future__ import annotations

import pytest

from orchestrator.cluster.base import State, Status
from orchestrator.cluster.states import parse_squeue, status_of
from orchestrator.records import Outcome

CAPTURED = """\
12|3|RUNNING|run-g0-aa|n1|None
12|4|PENDING|run-g0-aa||Resources
12|5|CANCELLED|run-g0-aa|n1|None
12|6|FAILED|run-g0-aa|n2|NonZeroExitCode
13|N/A|NODE_FAIL|run-g0-bb|n1|NodeDown
14|N/A|PENDING|run-g1-cc||ReqNodeNotAvail, UnavailableNodes:n[1-3]
"""


def test_squeue_answer() -> None:
    rows = {row.id: row for row in parse_squeue(CAPTURED)}
    assert list(rows) == ["12_3", "12_4", "12_5", "12_6", "13", "14"]
    assert rows["12_3"].status == Status(State.RUNNING, node="n1")
    assert rows["12_4"].status == Status(State.PENDING, reason="Resources")
    assert rows["12_5"].status.outcome is Outcome.CANCELLED
    assert rows["12_6"].status == Status(State.ENDED, None, "FAILED NonZeroExitCode", "n2")
    assert rows["13"].status.outcome is Outcome.NODE_FAIL
    assert rows["14"].status.reason == "ReqNodeNotAvail, UnavailableNodes:n[1-3]"
    assert rows["14"].name == "run-g1-cc"


@pytest.mark.parametrize(
    "text", ["", "\n", "slurm_load_jobs error: Invalid job id specified", "a|b|c", "x|N/A|RUNNING|n|r"]
)
def test_lines_of_another_form_are_no_news(text: str) -> None:
    assert list(parse_squeue(text)) == []


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("CANCELLED by 1060", Outcome.CANCELLED),
        ("CANCELLED+", Outcome.CANCELLED),
        ("OUT_OF_MEMORY", Outcome.OUT_OF_MEMORY),
        ("OUT_OF_ME+", None),
        ("TIMEOUT", Outcome.TIME_LIMIT),
        ("DEADLINE", Outcome.TIME_LIMIT),
        ("PREEMPTED", Outcome.PREEMPTED),
        ("BOOT_FAIL", Outcome.NODE_FAIL),
        ("COMPLETED", None),
    ],
)
def test_ends(word: str, outcome: Outcome | None) -> None:
    assert status_of(word).outcome is outcome


@pytest.mark.parametrize("word", ["", "?", "SOMETHING_NEW", "OUT_OF_ME+", "COMPLETE"])
def test_an_unknown_word_is_neither_success_nor_failure(word: str) -> None:
    assert status_of(word).state is State.UNKNOWN


@pytest.mark.parametrize("word", ["RUNNING", "COMPLETING", "SUSPENDED", "STOPPED"])
def test_alive(word: str) -> None:
    assert status_of(word).state is State.RUNNING


@pytest.mark.parametrize("word", ["PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT"])
def test_waiting(word: str) -> None:
    assert status_of(word).state is State.PENDING
