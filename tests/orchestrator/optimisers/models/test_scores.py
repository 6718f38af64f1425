"""From values to what is learnt, and to scores."""

from __future__ import annotations

import math

import numpy as np
import pytest

from orchestrator.optimisers.base import Scale
from orchestrator.optimisers.models.scores import Scales
from targets.base import AtLeastTarget, AtMostTarget, PointTarget, RangeTarget, Target

KINDS: list[tuple[type[Target], object]] = [
    (PointTarget, 3.0),
    (RangeTarget, (2.0, 5.0)),
    (AtLeastTarget, 4.0),
    (AtMostTarget, 4.0),
]
VALUES = np.array([-1e6, -30.0, 0.0, 2.0, 3.0, 4.0, 4.5, 5.0, 9.0, 50.0, 1e6])


def made(kind: type[Target], wanted: object, **changes: float) -> Target:
    own = type("Own", (kind,), {"outputs": lambda _self, recordings: recordings})
    return own(**{"target_value": wanted, "norm": 0.5, "max_score": 12, **changes})


@pytest.mark.parametrize("width", [1.0, 16.0])
@pytest.mark.parametrize(("kind", "wanted"), KINDS, ids=[kind.__name__ for kind, _ in KINDS])
def test_scores_are_the_targets_own(kind: type[Target], wanted: object, width: float) -> None:
    target = made(kind, wanted)
    scales = Scales([Scale(*target.wanted_interval, target.norm, target.max_score)])  # type: ignore[misc]
    scales = scales.widened(np.array([width]))
    learnt = scales.learnt(VALUES[:, None])
    assert np.isfinite(learnt).all()
    np.testing.assert_allclose(scales.score(learnt)[:, 0], [target.score(value) for value in VALUES], atol=1e-9)


def test_sign_and_far_values_are_kept_and_nan_stays() -> None:
    scales = Scales([Scale(0, 0, 1, 20)])
    learnt = scales.learnt(np.array([[-400.0], [-50.0], [50.0], [400.0], [math.nan]]))[:, 0]
    assert (np.diff(learnt[:4]) > 0).all()
    assert math.isnan(learnt[4])


@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("shift", [0.0, 1e3])
def test_the_unit_of_a_target_does_not_matter(factor: float, shift: float) -> None:
    values = np.array([[-3.0], [1.0], [8.0]])
    plain = Scales([Scale(1, 2, 0.5, 20)]).learnt(values)
    other = Scales([Scale(factor + shift, 2 * factor + shift, 0.5 * factor, 20)]).learnt(factor * values + shift)
    np.testing.assert_allclose(other, plain, atol=1e-9 if shift == 0 or factor >= 1 else 1e-6)


@pytest.mark.parametrize("width", [1.0, 4.0])
def test_the_soft_score_has_a_slope_beyond_the_cap_and_its_derivative_is_right(width: float) -> None:
    scales = Scales([Scale(-1, 1, 0.5, 20)]).widened(np.array([width]))
    learnt = np.linspace(-6, 6, 41)[:, None]
    score, slope = scales.soft_score(learnt)
    by_difference = (scales.soft_score(learnt + 1e-6)[0] - scales.soft_score(learnt - 1e-6)[0]) / 2e-6
    np.testing.assert_allclose(slope, by_difference, rtol=1e-5, atol=1e-5)
    assert (scales.score(learnt)[-1], slope[-1] > 0) == (20, True)
    inside = score < 0.2
    np.testing.assert_allclose(score[inside], scales.score(learnt)[inside], atol=1e-3)
