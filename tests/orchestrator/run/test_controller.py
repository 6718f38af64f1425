"""What the controller does itself: it finds again what the one before it has left."""

from __future__ import annotations

import math
from pathlib import Path
from unittest.mock import Mock

from scripted_pool import FakeCluster

from orchestrator.checkpoint import Checkpoint
from orchestrator.jobs.cleanup import Cleanup
from orchestrator.jobs.entries import Landed
from orchestrator.jobs.pool import JobPool
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.paths import RunPaths
from orchestrator.records import Evaluation, Offspring, Outcome, Result
from orchestrator.run.asked import Asks
from orchestrator.run.controller import Controller
from orchestrator.run.kept_recordings import KeptRecordings
from orchestrator.schedules import Schedule
from orchestrator.scores.evaluations import scored
from targets import ReturnedValue


def controller_of(paths: RunPaths) -> Controller:
    """Return one of a run in which nothing is left to do."""
    schedule, pool = Mock(spec=Schedule), Mock(spec=JobPool, is_idle=True)
    schedule.resume.return_value, schedule.next.return_value = [], ()
    schedule.is_closed.return_value, schedule.reason.return_value = True, "all is done"
    cleanup = Cleanup(paths, FakeCluster(paths.generation(0)), "none")
    asks = Asks(paths, SearchSpace([Parameter("x", 0, 1)]))
    kept = KeptRecordings(paths, 1)
    return Controller(schedule, pool, [], paths=paths, asks=asks, cleanup=cleanup, kept=kept, confirm=lambda: None)


def test_a_generation_whose_removal_was_interrupted_is_removed_by_the_next_controller(tmp_path: Path) -> None:
    """Its record may be the first file that goes; a folder that was only begun may be needed yet."""
    paths = RunPaths(tmp_path)
    checkpoint = Checkpoint.create(paths.checkpoint, config="a: 1\n", parameters=["x"], targets=[], versions={})
    told = Offspring(0, 0, (0.5,), {"x": 0.5})
    checkpoint.append([Evaluation(told, Result(Outcome.OK), (), (), attempts=1, submitted=1.0)], {})
    for number in (0, 1):
        paths.generation(number).create()
    assert controller_of(paths).run() == "all is done"
    assert paths.generation_numbers() == [1]


def test_what_the_cluster_did_has_no_score_except_of_what_kills_nodes() -> None:
    target = ReturnedValue(key="rate", target_value=3, norm=1)
    offspring, result = Offspring(0, 0, (0.5,), {"x": 0.5}), Result(Outcome.NODE_FAIL)
    lost = scored([target], Landed(offspring, result, attempts=4, submitted=1.0, speaks=False))
    assert math.isnan(lost.scores[0])
    assert math.isnan(lost.total_score)
    killer = scored([target], Landed(offspring, result, attempts=2, submitted=1.0))
    assert killer.total_score == target.max_score
