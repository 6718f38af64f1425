"""What is learnt of a target, and how far off it is from what is wanted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from orchestrator.optimisers import Told, Vector
from orchestrator.optimisers.base import Scale
from orchestrator.optimisers.models.quantities import Components, quantities_of
from orchestrator.records import FloatArray, Outcome

OUTPUTS = np.random.default_rng(1).standard_normal((12, 30))


@dataclass(frozen=True)
class Off:
    """Root mean square of the difference from 1, or, without differences, the mean of the outputs."""

    differences: bool = True

    def values(self, outputs: FloatArray) -> FloatArray:
        if self.differences:
            return np.asarray(np.linalg.norm(self.residuals(outputs), axis=1))
        return np.asarray(outputs.mean(axis=1))

    def residuals(self, outputs: FloatArray) -> FloatArray | None:
        return (outputs - 1) / np.sqrt(outputs.shape[1]) if self.differences else None


def told(outputs: FloatArray, values: FloatArray) -> Told:
    scores = np.ones((len(values), 1))
    return Told(np.zeros((len(values), 2)), values[:, None], scores, [Outcome.OK] * len(values), outputs={0: outputs})


def components(vector: Vector | None, scale: Scale, share: float, values: FloatArray | None = None) -> Components:
    found = np.zeros(12) if values is None else values
    known = told(OUTPUTS, found)
    (quantity,) = quantities_of([scale], {} if vector is None else {0: vector}, [known])
    return quantity.components(quantity.learnt(known), share)


def test_the_norm_of_differences_is_that_of_their_components() -> None:
    found = components(Off(), Scale(0.0, 0.0, 0.5, 20.0), 1.0)
    expected = Off().values(OUTPUTS) / 0.5
    assert found.distances(found.numbers) == pytest.approx(expected)
    assert np.linalg.norm(found.residuals(found.numbers), axis=1) == pytest.approx(expected)
    assert found.distances(found.numbers[None])[0] == pytest.approx(expected)  # of draws at points as well


def test_what_the_components_leave_out_of_the_mean_stays_in_the_distance() -> None:
    found = components(Off(), Scale(0.0, 0.0, 1.0, 20.0), 0.5)
    assert found.numbers.shape[1] < 8
    off = np.linalg.norm(OUTPUTS.mean(axis=0) - 1) / np.sqrt(30)
    assert found.distances(np.zeros(found.numbers.shape[1])) == pytest.approx(off)


def test_a_value_that_is_a_function_of_outputs_is_that_of_what_is_predicted_of_them() -> None:
    found = components(Off(differences=False), Scale(0.1, 0.2, 0.5, 20.0), 1.0)
    means = OUTPUTS.mean(axis=1)
    expected = np.maximum(np.maximum(0.1 - means, means - 0.2), 0) / 0.5
    assert found.distances(found.numbers) == pytest.approx(expected)
    signed = np.where(means > 0.2, 1, -1) * expected
    assert found.residuals(found.numbers)[:, 0] == pytest.approx(signed)


@pytest.mark.parametrize("kind", ["differences", "function", "number"])
def test_slopes_are_the_derivatives_of_the_residuals(kind: str) -> None:
    vector = None if kind == "number" else Off(kind == "differences")
    scale = Scale(0.1, 0.2, 0.5, 20.0)
    found = components(vector, scale, 1.0, np.linspace(-2, 3, 12))
    for numbers in found.numbers[[0, 5, -1]]:
        steps = 1e-6 * np.eye(len(numbers))
        expected = (found.residuals(numbers + steps) - found.residuals(numbers - steps)).T / 2e-6
        assert found.slopes(numbers) == pytest.approx(expected, rel=1e-3, abs=1e-6)


def test_outputs_of_a_target_that_scores_in_its_own_way_are_not_used() -> None:
    found = components(Off(), Scale.of_scores(20.0), 1.0)
    assert found.numbers.shape == (12, 1)  # its score


def test_a_row_of_outputs_that_is_not_known_is_not_learnt() -> None:
    outputs = OUTPUTS.copy()
    outputs[3] = np.nan
    outputs[5, 2] = np.nan
    block = told(outputs, Off().values(outputs))
    (quantity,) = quantities_of([Scale(0.0, 0.0, 1.0, 20.0)], {0: Off()}, [block])
    learnt = quantity.learnt(block)
    assert learnt.shape == OUTPUTS.shape
    assert np.flatnonzero(~np.isfinite(learnt).all(axis=1)).tolist() == [3, 5]


def test_a_target_whose_outputs_are_not_as_many_each_time_is_learnt_by_its_values() -> None:
    values = Off().values(OUTPUTS)
    some = OUTPUTS.copy()
    some[3] = np.nan  # what is told of an evaluation that has another number of them than the first
    for blocks in ([told(OUTPUTS, values), told(OUTPUTS[:, :20], values)], [told(some, values)]):
        (quantity,) = quantities_of([Scale(0.0, 0.0, 1.0, 20.0)], {0: Off()}, blocks)
        found = np.concatenate([quantity.learnt(each) for each in blocks])
        assert found.shape == (12 * len(blocks), 1)
        assert np.isfinite(found).all()


def test_a_generation_in_which_all_failed_does_not_hide_the_outputs_of_the_others() -> None:
    lost = replace(told(OUTPUTS, np.full(12, np.nan)), outputs={})
    known = told(OUTPUTS, Off().values(OUTPUTS))
    (quantity,) = quantities_of([Scale(0.0, 0.0, 1.0, 20.0)], {0: Off()}, [lost, known])
    assert quantity.learnt(known) == pytest.approx(Off().residuals(OUTPUTS))
    assert np.isnan(quantity.learnt(lost)).all()
    assert quantity.learnt(lost).shape == OUTPUTS.shape
