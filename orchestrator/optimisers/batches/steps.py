"""Gauss-Newton steps of several lengths, and points in random directions around them."""

from __future__ import annotations

import math

import numpy as np

from orchestrator.optimisers.batches.linear import LinearModel
from orchestrator.optimisers.batches.method import Known
from orchestrator.records import FloatArray

# half widths of the boxes in which steps end, in radii: one after the other, then random directions
_BOXES = (0.5, 0.25, 1.0, 0.12, 2.0)
# of a batch, so much are steps
_STEPS = 0.65
# length of random directions, in radii times the square root of half of the number of parameters
_LENGTH = 0.35
# a step to where simulations fail, which is so likely, is halved so often
_FAILS, _HALVED = 0.5, 4
# steps that are nearer than this to another new point, or to an evaluation, in radii, give way to a random direction
_CLOSE, _KNOWN = 0.02, 1e-3


def stepping(known: Known, number: int) -> FloatArray:
    """Return points, shape (number, n_parameters): steps of the linear model, then random directions.

    A step that ends where another point is, such as at a bound, or at the same whole numbers, or where another search
    has ended, gives way to a random direction.

    Parameters
    ----------
    known : Known
        What they are chosen by.
    number : int
        How many.
    """
    model = LinearModel(known.archive, known.region.radius)
    pending = list(known.snapped(known.pending))
    chosen: list[FloatArray] = []
    for box in _BOXES[: max(1, math.ceil(_STEPS * number))]:
        step = _feasible(known, model.centre, model.best_in(*known.region.box(model.centre, box)))
        new = not known.near(step, [*pending, *chosen], _CLOSE) and not known.near(step, known.archive.points, _KNOWN)
        if new and not known.is_left(step[None])[0]:
            chosen.append(step)
    around = chosen[0] if chosen else model.centre
    while len(chosen) < number:
        chosen.append(_feasible(known, model.centre, _beside(known, around)))
    return np.array(chosen[:number])


def _beside(known: Known, point: FloatArray) -> FloatArray:
    """Return a point in a random direction from another."""
    direction = known.rng.standard_normal(len(point))
    length = _LENGTH * known.region.radius * math.sqrt(len(point)) / np.linalg.norm(direction)
    return np.asarray(known.snapped(np.clip(point + length * direction, 0.0, 1.0)[None])[0])


def _feasible(known: Known, centre: FloatArray, point: FloatArray) -> FloatArray:
    """Return the point, or one that is nearer to the centre, if it would fail."""
    for _ in range(_HALVED):
        if known.feasibility.works(point[None])[0] > _FAILS:
            break
        point = (centre + point) / 2
    return np.asarray(known.snapped(point[None])[0])
