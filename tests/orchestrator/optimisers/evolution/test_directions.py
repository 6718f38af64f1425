"""Reference directions, and the niches around them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from orchestrator.optimisers.evolution.directions import reference_directions, simplex_lattice
from orchestrator.optimisers.evolution.niches import Normalisation, chosen_by_niche, nearest_directions


def test_a_lattice_has_every_compromise_in_steps() -> None:
    assert simplex_lattice(2, 2).tolist() == [[0, 1], [0.5, 0.5], [1, 0]]
    assert len(simplex_lattice(4, 5)) == math.comb(8, 5)


@pytest.mark.parametrize(("n_objectives", "most"), [(1, 8), (2, 8), (3, 32), (5, 32), (10, 64), (20, 20), (20, 50)])
def test_directions_are_on_the_simplex_not_too_many_and_each_objective_alone_is_one(
    n_objectives: int, most: int
) -> None:
    directions = reference_directions(n_objectives, most)
    assert n_objectives <= len(directions) <= most
    assert directions.sum(axis=1) == pytest.approx(1)
    assert (directions >= 0).all()
    assert len(np.unique(directions, axis=0)) == len(directions)
    assert all((directions == unit).all(axis=1).any() for unit in np.eye(n_objectives))


def test_if_a_lattice_has_nothing_inside_there_is_an_inner_layer() -> None:
    directions = reference_directions(8, 64)
    assert len(directions) == 36 + 8  # 2 divisions outside, 1 inside
    assert (directions > 0).all(axis=1).sum() == 8
    assert not (reference_directions(3, 6) > 0).all(axis=1).any()  # no room


@pytest.mark.reference
@pytest.mark.parametrize(("n_objectives", "divisions"), [(2, 7), (3, 12), (6, 4)])
def test_lattices_are_those_of_pymoo(n_objectives: int, divisions: int) -> None:
    from pymoo.util.ref_dirs import get_reference_directions  # noqa: PLC0415

    theirs = get_reference_directions("das-dennis", n_objectives, n_partitions=divisions)
    ours = simplex_lattice(n_objectives, divisions)
    assert np.unique(ours.round(12), axis=0).tolist() == np.unique(theirs.round(12), axis=0).tolist()


def test_scores_are_normalised_by_the_best_and_by_the_plane_through_the_extremes() -> None:
    front = np.array([[1.0, 12.0], [5.0, 2.0], [2.0, 6.0]])
    normalisation = Normalisation(2)
    normalisation.learn(np.vstack([front, [[9.0, 40.0]]]), front)
    # ideal (1, 2), intercepts 4 and 10
    assert normalisation.of(front).tolist() == [[0, 1], [1, 0], [0.25, 0.4]]


def test_without_a_plane_the_worst_of_the_front_is_one_and_equal_objectives_do_no_harm() -> None:
    front = np.array([[1.0, 3.0], [2.0, 3.0]])
    normalisation = Normalisation(2)
    normalisation.learn(front, front)
    assert normalisation.of(front).tolist() == [[0, 0], [1, 0]]


def test_a_row_belongs_to_the_nearest_line_from_the_origin() -> None:
    niches, distances = nearest_directions(
        np.array([[2.0, 0.0], [1.0, 1.0], [0.0, 3.0], [1.0, 0.9]]), simplex_lattice(2, 2)
    )
    assert niches.tolist() == [2, 1, 0, 1]
    assert distances == pytest.approx([0, 0, 0, 0.1 / np.sqrt(2)])


def test_the_emptiest_niches_are_filled_first_by_what_is_nearest() -> None:
    niches, distances = np.array([0, 0, 1, 2, 2]), np.array([0.3, 0.2, 0.1, 0.5, 0.4])
    chosen = chosen_by_niche(np.array([0, 3, 0]), niches, distances, 2, np.random.default_rng(1))
    assert sorted(chosen) == [1, 4]
    chosen = chosen_by_niche(np.array([0, 3, 0]), niches, distances, 5, np.random.default_rng(1))
    assert sorted(chosen) == [0, 1, 2, 3, 4]
    assert chosen[-1] == 2
