"""How an evaluation is shown of which each trial has a job of its own."""

from __future__ import annotations

import pytest

from orchestrator.jobs.trials.trial import trials_in
from orchestrator.status.in_flight import OffspringStatus
from orchestrator.status.trials import as_one


def of(state: str, **more: object) -> OffspringStatus:
    return OffspringStatus(0, state, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("trials", "state", "name"),
    [
        ([of("measuring"), of("running", in_flight=True), of("queued")], "running", "1 of 3 trials are there"),
        ([of("measuring"), of("measuring"), of("queued")], "queued", "2 of 3 trials are there"),
        ([of("measuring"), of("measuring")], "measuring", "2 of 2 trials are there"),
        ([of("running"), of("exploded", outcome="EXPLODED")], "exploded", ""),
        ([of("done", outcome="OK"), of("measuring")], "done", ""),
    ],
)
def test_it_stands_where_the_least_of_its_trials_does(trials: list[OffspringStatus], state: str, name: str) -> None:
    one = as_one(7, trials)
    assert (one.index, one.state, one.name) == (7, state, name)


@pytest.mark.parametrize(
    ("simulation", "count"),
    [
        ({"trials": 4, "job_per_trial": True}, 4),
        ({"trials": 4}, 1),
        ({"trials": "many", "job_per_trial": True}, 1),
        ({"trials": -1, "job_per_trial": True}, 1),
        ("mozaik", 1),
        (None, 1),
    ],
)
def test_a_damaged_configuration_has_one_job_for_each(simulation: object, count: int) -> None:
    assert trials_in({"simulation": simulation}) == count
