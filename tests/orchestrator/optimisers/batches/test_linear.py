"""Slopes by regression of what is known, and the best point of a box by them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from orchestrator.optimisers import Problem, Told
from orchestrator.optimisers.base import Scale
from orchestrator.optimisers.batches.linear import LinearModel
from orchestrator.optimisers.models.archive import Archive, archive_of
from orchestrator.records import FloatArray, Outcome

MATRIX = np.random.default_rng(3).standard_normal((4, 12))
WANTED = np.array([0.4, 0.7, 0.2, 0.6])


@dataclass(frozen=True)
class Distance:
    def values(self, outputs: FloatArray) -> FloatArray:
        return np.asarray(np.linalg.norm(outputs, axis=1))

    def residuals(self, outputs: FloatArray) -> FloatArray:
        return outputs


def archive(points: FloatArray, noise: float = 0.0) -> Archive:
    outputs = (points - WANTED) @ MATRIX + noise * np.random.default_rng(5).standard_normal((len(points), 12))
    values = Distance().values(outputs)[:, None]
    problem = Problem(
        np.full(4, 0.5), np.zeros(4), 0.2, 8, 1, ["a"], [Scale(0.0, 0.0, 1.0, 20.0)], vectors={0: Distance()}
    )
    return archive_of(problem, [Told(points, values, values, [Outcome.OK] * len(points), outputs={0: outputs})])


def test_differences_that_are_linear_are_solved_in_one_step() -> None:
    model = LinearModel(archive(np.random.default_rng(1).random((9, 4))), 0.4)
    assert model.best_in(np.zeros(4), np.ones(4)) == pytest.approx(WANTED, abs=1e-6)


def test_a_step_ends_at_the_face_of_its_box_where_that_is_best() -> None:
    model = LinearModel(archive(np.random.default_rng(1).random((9, 4))), 0.4)
    low, high = np.maximum(model.centre - 0.05, 0), np.minimum(model.centre + 0.05, 1)
    found = model.best_in(low, high)
    assert ((found >= low) & (found <= high)).all()
    grid = np.random.default_rng(2).uniform(low, high, (4000, 4))
    losses = np.linalg.norm((grid - WANTED) @ MATRIX, axis=1)
    assert np.linalg.norm((found - WANTED) @ MATRIX) <= losses.min() + 1e-6


def test_slopes_are_averaged_over_noise() -> None:
    """Two clusters of points: by the nearest ones alone, slopes would be those of the noise."""
    rng = np.random.default_rng(4)
    points = np.vstack([rng.random((30, 4)), np.clip(WANTED + 0.15 + 0.01 * rng.standard_normal((30, 4)), 0, 1)])
    model = LinearModel(archive(points, noise=0.3), 0.4)
    found = model.best_in(np.zeros(4), np.ones(4))
    assert np.linalg.norm((found - WANTED) @ MATRIX) < 0.6 * np.linalg.norm((model.centre - WANTED) @ MATRIX)


def test_fewer_evaluations_than_parameters_are_enough_for_a_step_that_helps() -> None:
    points = np.random.default_rng(6).random((3, 4))
    model = LinearModel(archive(points), 0.4)
    found = model.best_in(np.zeros(4), np.ones(4))
    assert np.linalg.norm((found - WANTED) @ MATRIX) < np.linalg.norm((model.centre - WANTED) @ MATRIX)


def test_the_sum_of_distances_of_several_targets_is_least_not_that_of_their_squares() -> None:
    """Targets that contradict each other: two of three are met, where least squares would meet none."""
    points = np.random.default_rng(7).random((8, 1))
    values = np.column_stack([points[:, 0] - 0.3, points[:, 0] - 0.3, points[:, 0] - 0.8])
    scales = [Scale(0.0, 0.0, 1.0, 20.0)] * 3
    problem = Problem(np.array([0.5]), np.zeros(1), 0.2, 8, 1, ["a", "b", "c"], scales)
    known = archive_of(problem, [Told(points, values, np.abs(values), [Outcome.OK] * 8)])
    found = LinearModel(known, 0.4).best_in(np.zeros(1), np.ones(1))
    assert found[0] == pytest.approx(0.3, abs=0.06)
