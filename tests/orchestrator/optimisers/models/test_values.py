"""The model of all values: what it expects of a total, its gradient, and odd data."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pytest

from orchestrator.optimisers.base import Scale
from orchestrator.optimisers.models.metric import Metric
from orchestrator.optimisers.models.proposals import Distribution, ProposalSearch, propose
from orchestrator.optimisers.models.scores import Scales
from orchestrator.optimisers.models.values import Data, ValueModel

pytestmark = pytest.mark.methods

WIDTH, TARGETS = 4, 5
SCALES = Scales([Scale(0, 0, 0.2, 20), Scale(-1, 1, 0.3, 20), Scale(0.5, np.inf, 0.2, 20)] + [Scale(0, 0, 0.5, 10)] * 2)


def data(number: int = 40, seed: int = 0) -> Data:
    """Two targets have no value where the first parameter is low; a corner fails."""
    points = np.random.default_rng(seed).normal(size=(number, WIDTH))
    values = np.stack([points[:, 0], np.sin(points[:, 1]), points[:, 2], points[:, 3], points.sum(axis=1)], axis=1)
    values[points[:, 0] < -0.5, 3:] = np.nan
    failed = points[:, 1] > 1
    values[failed] = np.nan
    return Data(points, values, failed)


def model(of: Data) -> ValueModel:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return ValueModel(of, SCALES)


def test_what_is_expected_near_the_data_is_what_was_found() -> None:
    known = data(150)
    works = ~known.failed
    fitted = model(known)
    expected = fitted.predict(known.points)
    learnt = fitted.scales.learnt(known.values)
    has = np.isfinite(learnt)
    assert np.abs(expected.mean - learnt)[has].mean() < 0.15
    assert expected.fails[known.failed].mean() > 0.8
    assert expected.fails[works].mean() < 0.1
    missing = np.isnan(known.values[:, 3])
    assert expected.no_value[missing & works, 3].mean() > 0.8
    assert expected.no_value[~missing & works, 3].mean() < 0.1
    assert not expected.no_value[:, :3].any()


def test_what_is_pending_is_believed_to_come_back_as_expected() -> None:
    fitted = model(data())
    pending = np.random.default_rng(5).normal(size=(6, WIDTH))
    before, after = fitted.predict(pending), fitted.believing(pending).predict(pending)
    works = (before.fails < 0.5)[:, None] & (before.no_value < 0.5)
    assert works.sum() > 10
    assert np.abs(after.mean - before.mean)[works].mean() < 0.3 * before.deviation[works].mean()
    assert after.deviation[works].mean() < 0.7 * before.deviation[works].mean()


def test_what_is_far_off_and_linear_is_learnt_as_such_and_what_is_exponential_by_its_logarithm() -> None:
    """A line across 40 norms is a step of asinh(d), which few points would not tell."""
    rng = np.random.default_rng(0)
    points, at = rng.normal(size=(25, WIDTH)), rng.normal(size=(50, WIDTH))
    values = lambda t: np.stack([t @ [3, 2, 1, 0.5], 10 * np.exp(2 * t[:, 0])], axis=1)  # noqa: E731
    fitted = ValueModel(
        Data(points, values(points), np.zeros(25, dtype=bool)), Scales([Scale(0, 0, 0.2, 20), Scale(0, 0, 1, 20)])
    )
    assert fitted.scales.width[0] >= 16
    assert fitted.scales.width[1] == 1
    off = fitted.scales.values(fitted.predict(at).mean) - values(at)
    assert np.median(np.abs(off[:, 0])) < 0.2
    assert np.median(np.abs(off[:, 1] / values(at)[:, 1])) < 0.05


def test_values_are_those_of_what_is_learnt() -> None:
    values = np.array([[0.3, -7.0, 0.5, 1e2, -1e-9]])
    np.testing.assert_allclose(SCALES.values(SCALES.learnt(values)), values, rtol=1e-9, atol=1e-15)


def test_the_total_is_that_of_its_formula() -> None:
    known = data()
    fitted = model(known)
    expected = fitted.predict(known.points[:6])
    draws = np.random.default_rng(1).normal(size=(3, 1, TARGETS))
    totals = fitted.total(expected, draws)
    assert totals.shape == (3, 6)
    for draw, point in np.ndindex(3, 6):
        y = expected.mean[point] + draws[draw, 0] * expected.deviation[point]
        score, q = fitted.scales.score(y), expected.no_value[point]
        working = sum((1 - q) * score + q * SCALES.cap)
        fails = expected.fails[point]
        assert totals[draw, point] == pytest.approx((1 - fails) * working + fails * SCALES.cap.sum())


@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_is_that_of_differences(seed: int) -> None:
    fitted = model(data())
    rng = np.random.default_rng(seed)
    at, draws = rng.normal(size=WIDTH), rng.normal(size=(1, TARGETS))
    total, gradient = fitted.total_and_gradient(at[None], draws)
    # with a smaller step their rounding is larger than their error
    both = fitted.total_and_gradient(np.concatenate([at + 1e-5 * np.eye(WIDTH), at - 1e-5 * np.eye(WIDTH)]), draws)[0]
    by_difference = (both[:WIDTH] - both[WIDTH:]) / 2e-5
    np.testing.assert_allclose(gradient[0], by_difference, rtol=1e-3, atol=1e-3 * np.abs(by_difference).max())
    assert total.shape == (1,)


def odd_data() -> dict[str, Data]:
    usual = data(12)
    points, values, works = usual.points, np.nan_to_num(usual.values), np.zeros(12, dtype=bool)
    alternating = values.copy()
    alternating[::2, 0], alternating[1::2, 1] = np.nan, np.nan
    few, none, constant, far = (values.copy() for _ in range(4))
    few[2:, 2], none[:, 4], constant[:, 0] = np.nan, np.nan, 3.0
    far[:, 1] = 1e15
    near = points[:1] + 1e-9 * np.arange(12)[:, None]
    twice = np.concatenate([points[:6], points[:6]])
    return {
        "alternating gaps": Data(points, alternating, works),
        "two values": Data(points, few, works),
        "no value": Data(points, none, works),
        "a constant": Data(points, constant, works),
        "far values": Data(points, far, works),
        "all failed but one": Data(points, np.where(np.arange(12)[:, None] == 0, values, np.nan), np.arange(12) > 0),
        "every point twice": Data(twice, values, works),
        "one point again and again": Data(np.repeat(points[:1], 12, axis=0), values, works),
        "nearly one point": Data(near, values, works),
        "two points": Data(points[:2], values[:2], works[:2]),
    }


@pytest.mark.parametrize("name", odd_data())
def test_proposals_from_odd_data_are_points_of_the_cube(name: str) -> None:
    known = odd_data()[name]
    metric = Metric(0.04 * np.eye(WIDTH), np.full(WIDTH, 0.5))
    distribution = Distribution(np.full(WIDTH, 0.5), 0.04 * np.eye(WIDTH))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search = ProposalSearch(
            ValueModel(known, SCALES), metric, distribution, metric.cube(known.points), metric.cube(known.points[:2])
        )
        found = propose(search, 3, np.random.default_rng(0))
    assert found.shape == (3, WIDTH)
    assert ((found >= 0) & (found <= 1)).all()


def test_the_best_of_a_known_landscape_is_proposed() -> None:
    """Linear values with one best point: the expectation leads there."""
    rng = np.random.default_rng(0)
    best = np.array([0.3, 0.6, 0.5, 0.8])
    metric = Metric(0.04 * np.eye(WIDTH), np.full(WIDTH, 0.5))
    cube = rng.random((40, WIDTH))
    scales = Scales([Scale(0, 0, 0.1, 20)] * WIDTH)
    fitted = ValueModel(Data(metric.of(cube), cube - best, np.zeros(40, dtype=bool)), scales)
    distribution = Distribution(np.full(WIDTH, 0.5), 0.04 * np.eye(WIDTH))
    found = propose(ProposalSearch(fitted, metric, distribution, cube, cube[:0]), 4, rng)
    assert np.abs(found[0] - best).max() < 0.03
    apart = np.linalg.norm(found[:, None] - found[None], axis=2)[np.triu_indices(4, 1)]
    assert (apart > 0.004).all()


def test_the_metric_makes_the_distribution_round_and_leads_back() -> None:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(WIDTH, WIDTH))
    covariance = root @ root.T
    metric = Metric(covariance, np.full(WIDTH, 0.5))
    sample = rng.multivariate_normal(np.full(WIDTH, 0.5), covariance, size=4000)
    round_one = np.cov(metric.of(sample).T)
    np.testing.assert_allclose(round_one / np.trace(round_one), np.eye(WIDTH) / WIDTH, atol=0.02)
    cube = rng.random((20, WIDTH))
    np.testing.assert_allclose(metric.cube(metric.of(cube)), cube, atol=1e-9)
    assert np.linalg.det(Metric(7 * covariance, np.zeros(WIDTH)).of(np.eye(WIDTH))) == pytest.approx(
        np.linalg.det(metric.of(np.eye(WIDTH) + 0.5)), rel=1e-6
    )


@pytest.mark.hostile
def test_forty_targets_of_a_thousand_evaluations_of_forty_parameters_take_less_than_ten_seconds() -> None:
    rng = np.random.default_rng(0)
    cube, loadings = rng.random((1000, 40)), rng.normal(size=(40, 40)) * (rng.random((40, 40)) < 0.4)
    values = 10 * np.sinh((cube - 0.5) @ loadings + 0.1 * rng.normal(size=(1000, 40)))
    failed = cube[:, 0] > 0.8
    values[failed], values[cube[:, 1] > 0.8, 3] = np.nan, np.nan
    metric = Metric(0.04 * np.eye(40), np.full(40, 0.5))
    begin = time.thread_time()
    fitted = ValueModel(Data(metric.of(cube), values, failed), Scales([Scale(0, 0, 1, 20)] * 40))
    search = ProposalSearch(fitted, metric, Distribution(np.full(40, 0.5), 0.04 * np.eye(40)), cube, cube[:0])
    assert propose(search, 8, rng).shape == (8, 40)
    assert time.thread_time() - begin < 10
