"""What was asked for is kept before anything is submitted, in this version's words and those of the one before."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from orchestrator.checkpoint import Checkpoint
from orchestrator.errors import RunFailed, Stopped, UsageError
from orchestrator.files import append_json_line
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.paths import RunPaths
from orchestrator.records import Evaluation, Offspring, Origin, Outcome, Result
from orchestrator.run.asked import Asks
from orchestrator.schedules.base import RecordedGeneration

SPACE = SearchSpace([Parameter("x", 0, 10), Parameter("n", 1, 4, integer=True)])


@pytest.fixture
def asks(tmp_path: Path) -> Asks:
    return Asks(RunPaths(tmp_path), SPACE)


def offspring(index: int, origin: Origin = Origin.SAMPLE) -> Offspring:
    point = (0.1 * index + 1 / 3, 0.5)
    return Offspring(2, index, point, SPACE.decode(point), origin, asked_after=1)


def test_what_is_recorded_is_what_was_asked_for(asks: Asks) -> None:
    asked = [offspring(0, Origin.START), offspring(1), offspring(2, Origin.MODEL)]
    asks.record(asked)
    assert asks.recorded(2) == RecordedGeneration(asked, [])
    assert asks.recorded(3) == RecordedGeneration(())


def test_a_generation_grows(asks: Asks) -> None:
    asks.record([offspring(0)])
    asks.record([offspring(1)])
    assert asks.recorded(2) == RecordedGeneration([offspring(0), offspring(1)], [])


def test_what_is_kept_for_later_is_what_was_kept_last(asks: Asks) -> None:
    asks.record([offspring(0)], [offspring(1, Origin.MODEL), offspring(2)])
    asks.record([offspring(1, Origin.MODEL)], [offspring(2)])
    assert asks.recorded(2) == RecordedGeneration([offspring(0), offspring(1, Origin.MODEL)], [offspring(2)])
    assert asks.missing([]) == {2: {0, 1}}


def test_a_controller_that_was_succeeded_while_it_wrote_leaves_what_its_successor_has_recorded(
    asks: Asks, tmp_path: Path
) -> None:
    """With the schedule rolling a generation grows: what was added meanwhile would be submitted, and forgotten."""
    asks.record([offspring(0)])

    def another_one_goes_on() -> None:
        Asks(RunPaths(tmp_path), SPACE).record([offspring(1), offspring(2)])
        raise Stopped("another controller has taken this run over")

    with pytest.raises(Stopped):
        asks.record([offspring(1)], confirm=another_one_goes_on)
    assert asks.recorded(2) == RecordedGeneration([offspring(0), offspring(1), offspring(2)], [])


def write(directory: Path, number: int, content: str) -> None:
    record = RunPaths(directory).generation(number).record
    record.parent.mkdir(parents=True)
    record.write_text(content)


def test_a_generation_of_the_version_before_is_read(asks: Asks, tmp_path: Path) -> None:
    write(tmp_path, 0, json.dumps({"generation": 0, "points": [[0.25, 0.5], [0.5, 1.0]]}))
    first, second = asks.recorded(0).offspring
    assert first == Offspring(0, 0, (0.25, 0.5), {"x": 2.5, "n": 3}, Origin.START, asked_after=0)
    assert (second.parameters, second.origin) == ({"x": 5.0, "n": 4}, Origin.SAMPLE)
    write(tmp_path, 3, json.dumps({"generation": 3, "points": [[0.25, 0.5]]}))
    (third,) = asks.recorded(3).offspring
    assert (third.origin, third.asked_after) == (Origin.SAMPLE, 3)


def test_a_reevaluation_of_the_version_before_is_read(asks: Asks, tmp_path: Path) -> None:
    write(tmp_path, 0, json.dumps({"generation": 0, "tasks": [{"x": 1.5, "n": 2, "seed": 77}]}))
    (only,) = asks.recorded(0).offspring
    assert only.parameters == {"x": 1.5, "n": 2, "seed": 77}
    assert all(math.isnan(each) for each in only.point)


@pytest.mark.parametrize("content", ["", "[]", '{"offspring": [{}]}', '{"points": 3}', '{"offspring": [{"index": 0}]}'])
def test_a_damaged_record_is_one_message(asks: Asks, tmp_path: Path, content: str) -> None:
    write(tmp_path, 1, content)
    with pytest.raises(RunFailed, match=r"generation\.json: does not say what was asked for .*delete .*generations/1"):
        asks.recorded(1)


def evaluation(each: Offspring) -> Evaluation:
    return Evaluation(each, Result(Outcome.OK), (1.0,), (1.0,), attempts=1, submitted=1.0)


def test_jobs_of_another_executor_are_refused_whichever_generation_they_are_of(asks: Asks, tmp_path: Path) -> None:
    """The number of blocks that were told is not that of the generation in flight for every schedule."""
    asks.record([offspring(0), offspring(1)])
    paths = RunPaths(tmp_path)
    append_json_line(
        paths.generation(2).journal,
        {"event": "submitting", "time": 1.0, "token": "a", "executor": "slurm", "tasks": [[0, 1], [1, 1]]},
    )
    checkpoint = Checkpoint.create(
        paths.checkpoint, config="a: 1\n", parameters=["x", "n"], targets=["rate"], versions={}
    )
    assert asks.missing(checkpoint.told()) == {2: {0, 1}}
    asks.require_executor(checkpoint, "slurm")
    with pytest.raises(UsageError, match="its jobs run with executor: slurm, not local"):
        asks.require_executor(checkpoint, "local")
    checkpoint.append([evaluation(offspring(0)), evaluation(offspring(1))], {})
    assert asks.missing(checkpoint.told()) == {2: set()}
    asks.require_executor(checkpoint, "local")
