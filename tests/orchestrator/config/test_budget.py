"""How long a search may go on: in generations, evaluations, hours, or until it is good enough."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orchestrator.config.budget import generations_of
from orchestrator.config.file import dump_config
from orchestrator.config.model import Config
from orchestrator.config.yaml_text import read_mapping
from orchestrator.optimisers import Told
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.records import Outcome
from orchestrator.schedules import base
from orchestrator.schedules.base import Search

DATA = {
    "parameters": {"a": [0, 1]},
    "targets": [{"class": "ReturnedValue", "key": "x", "target_value": 1, "norm": 1}],
    "simulation": {"type": "function", "function": "m:f"},
    "offspring_size": 8,
}


def test_an_optimiser_is_told_how_many_evaluations_there_are() -> None:
    for given, budget in (({}, 800), ({"max_evaluations": 50}, 48), ({"max_ngen": 3}, 24)):
        assert Config.model_validate({**DATA, **given, "optimiser_centroid": {"a": 0.5}}).problem().budget == budget


@pytest.mark.parametrize(
    ("given", "generations"),
    [
        ({}, 100),
        ({"max_ngen": 7}, 7),
        ({"max_evaluations": 48}, 6),
        ({"max_evaluations": 50}, 6),
        ({"max_evaluations": 5000}, 625),
        ({"max_evaluations": 3}, 1),
        ({"max_evaluations": 48, "max_ngen": 4}, 4),
        ({"max_evaluations": 48, "max_ngen": 40}, 6),
    ],
)
def test_generations_of_a_configuration_and_of_what_is_kept_of_it(given: dict[str, Any], generations: int) -> None:
    config = Config.model_validate(DATA | given)
    assert config.generations == generations
    kept = read_mapping(dump_config(config, Path()))
    assert generations_of(kept) == generations
    assert Config.model_validate(kept | {"max_evaluations": 16, "max_ngen": None}).generations == 2


@pytest.mark.parametrize("data", [{}, {"max_ngen": "many"}, {"max_evaluations": True}])
def test_nothing_is_known_of_a_configuration_that_cannot_be_read(data: dict[str, Any]) -> None:
    assert generations_of(data) is None


def told(*totals: float, outcome: Outcome = Outcome.OK) -> Told:
    n = len(totals)
    scores = np.array(totals, dtype=float).reshape(n, 1)
    return Told(np.full((n, 1), 0.5), scores, scores, [outcome] * n)


class Silent:
    """An optimiser that takes whatever it is told."""

    def tell(self, told: Told) -> None:
        pass

    def stop(self) -> None:
        return None


def search(**options: Any) -> Search:
    return Search(Silent(), SearchSpace([Parameter("a", 0, 1)]), max_ngen=10, size=2, **options)  # type: ignore[arg-type]


def test_a_search_ends_when_it_is_good_enough() -> None:
    found = search(stop_at=0.5)
    found.tell(told(3.0, math.nan))
    assert found.reason_to_stop(1) == ""
    found.tell(told(0.1, outcome=Outcome.EXPLODED))
    assert found.reason_to_stop(2) == ""
    found.tell(told(0.7, 0.5))
    assert found.reason_to_stop(3) == "stop_at of 0.5 reached, with a total score of 0.5"


def test_a_search_ends_when_its_hours_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(base.time, "monotonic", lambda: now)
    found = search(seconds_left=60)
    assert found.reason_to_stop(0) == ""
    now += 61
    assert found.reason_to_stop(0) == "max_hours are over"


def test_generations_end_a_search_as_before() -> None:
    assert search().reason_to_stop(9) == ""
    assert search().reason_to_stop(10) == "max_ngen of 10 generations reached"
