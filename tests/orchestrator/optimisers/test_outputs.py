"""What an optimiser is told of the numbers that a target's value is computed from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from orchestrator.optimisers import Asked, Told
from orchestrator.optimisers.guard import Guarded
from orchestrator.records import FloatArray, Origin, Outcome

POINTS = np.array([[0.2, 0.3], [0.4, 0.5]])


class Listening:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    def ask(self) -> Asked:
        return Asked.samples(POINTS)

    def tell(self, told: Told) -> None:
        self.told.append(told)

    def stop(self) -> str | None:
        return None

    def state(self) -> dict[str, FloatArray | float]:
        return {}


def told(asked: Asked, outputs: Mapping[int, FloatArray]) -> Told:
    scores = np.ones((len(asked.points), 2))
    return Told(asked.points, scores, scores, [Outcome.OK] * len(scores), asked.origins, outputs=outputs)


def test_outputs_stay_with_their_rows_where_the_start_is_not_told_to_a_method() -> None:
    method = Listening()
    guarded = Guarded(method, np.array([0.5, 0.5]))
    asked = guarded.ask()
    assert asked.origins == (Origin.START, Origin.SAMPLE, Origin.SAMPLE)
    guarded.tell(told(asked, {1: np.array([[0.0, 1, 2], [10, 11, 12], [np.nan] * 3])}))
    assert np.array_equal(method.told[0].points, POINTS)
    assert np.array_equal(method.told[0].outputs[1], [[10, 11, 12], [np.nan] * 3], equal_nan=True)


@pytest.mark.parametrize("rows", [np.zeros(3), np.zeros((2, 4))], ids=["one number each", "too few"])
def test_outputs_are_one_row_for_each_point(rows: FloatArray) -> None:
    guarded = Guarded(Listening(), np.array([0.5, 0.5]))
    with pytest.raises(ValueError, match="row of outputs"):
        guarded.tell(told(guarded.ask(), {0: rows}))
