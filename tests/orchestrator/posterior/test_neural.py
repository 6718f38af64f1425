"""Posterior distributions by networks: what they learn, against exact densities, and what is said against them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from in_process import command
from posterior_runs import CORRELATION, MEAN, SD, SLOPES, WANTED, linear_run, samples_of, scattered

from orchestrator.config.parameters import read_parameter, space_of
from orchestrator.errors import UsageError
from orchestrator.optimisers import Problem, Told
from orchestrator.optimisers.base import Scale
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.posterior import Method, chain, networks
from orchestrator.posterior.examples import Examples, examples_of
from orchestrator.posterior.networks import trained
from orchestrator.posterior.neural import _within_steps, sampled_by, uneven
from orchestrator.posterior.observed import Observed
from orchestrator.posterior.samples import Samples
from orchestrator.records import FloatArray, Outcome

# marks of what trains networks
training = pytest.mark.reference
SPACE = SearchSpace([Parameter("a", -1, 3), Parameter("b", 0, 5)])
LOW, WIDTH = np.array([-1.0, 0.0]), np.array([4.0, 5.0])


def observed(points: FloatArray, values: FloatArray, scales: list[Scale], exploded: int = 0) -> Observed:
    """What evaluations say of which the last so many exploded."""
    outcomes = [Outcome.OK] * (len(points) - exploded) + [Outcome.EXPLODED] * exploded
    names = [f"target {n}" for n in range(len(scales))]
    problem = Problem(np.full(2, 0.5), SPACE.steps, 0.2, 6, 1, targets=names, scales=scales, space=SPACE)
    return Observed.of(problem, [Told(points, values, np.zeros(values.shape), outcomes)])


def moments(points: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Mean, standard deviation and correlation, in the parameters' units."""
    mean, covariance = np.average(points, axis=0, weights=weights), np.cov(points.T, aweights=weights)
    sd = np.sqrt(np.diag(covariance))
    return LOW + WIDTH * mean, WIDTH * sd, float(covariance[0, 1] / sd.prod())


def test_examples_are_distances_from_what_is_wanted_in_standard_deviations_of_the_data() -> None:
    """Those inside of an interval are 0, far ones are compressed, and those that nothing changes are left out."""
    points = np.random.default_rng(1).random((6, 2))
    inside, far, same = [1.0, 1.5, 2.0, 2.3, 0.5, 1.0], [0.0, 0.1, -0.1, 1e4, 0.0, 0.0], np.full(6, 7.0)
    scales = [Scale(1, 2, 0.1, 20), Scale(0, 0, 0.1, 20), Scale(0, 1, 0.1, 20)]
    found = examples_of(observed(points, np.column_stack([inside, far, same]), scales, exploded=1))
    np.testing.assert_array_equal(found.points, points[:5])
    np.testing.assert_array_equal(found.without, points[5:])
    assert found.distances.shape == (5, 2)
    np.testing.assert_allclose(found.distances[:3, 0], 0, atol=1e-9)
    np.testing.assert_allclose(found.distances[3:, 0], 10 * np.arcsinh([0.3, -0.5]))
    np.testing.assert_allclose(found.distances[:3, 1], 10 * np.arcsinh([0, 0.1, -0.1]), atol=1e-9)
    assert 30 < found.distances[3, 1] < 60


def test_values_that_say_nothing_are_refused() -> None:
    points, scale = np.random.default_rng(1).random((4, 2)), [Scale(0, 1, 0.1, 20)]
    with pytest.raises(UsageError, match="all evaluations have the same values"):
        examples_of(observed(points, np.full((4, 1), 0.5), scale))
    with pytest.raises(UsageError, match="with a value of every target, got none"):
        examples_of(observed(points, np.full((4, 1), np.nan), scale))


def test_whole_numbers_are_moved_to_where_they_are_rounded_to_them() -> None:
    """On a logarithmic scale, between bounds that others decide, and values of a choice."""
    parameters = {
        "n": {"bounds": [1, 100], "integer": True, "scale": "log"},
        "m": {"bounds": [1, "n"], "integer": True},
        "k": {"prior": {"choice": [1, 2, 7]}},
        "x": [0, 1],
    }
    space = space_of({name: read_parameter(spec) for name, spec in parameters.items()})
    points = np.array(
        [space.encode({"n": 90, "m": 9, "k": 7, "x": 0.3}), space.encode({"n": 10, "m": 9, "k": 2, "x": 1})]
    )
    moved = np.array([_within_steps(points, space, seed) for seed in range(200)])
    assert ((moved >= 0) & (moved <= 1)).all()
    assert all(space.decode(row[0])["n"] == 90 and space.decode(row[1])["k"] == 2 for row in moved)
    # m lies beside the value of n, which is the same
    assert all(space.decode([points[1, 0], *row[1, 1:]])["m"] == 9 for row in moved)
    widths = np.ptp(moved, axis=0)
    ends = np.log([89.5, 90.5, 0.5, 100.5])
    assert widths[0] == pytest.approx([(ends[1] - ends[0]) / (ends[3] - ends[2]), 1 / 90, 1 / 3, 0], rel=0.05)
    assert widths[1, 1] == pytest.approx(1 / 10, rel=0.05)


def test_networks_are_not_calibrated() -> None:
    points, scale = np.random.default_rng(1).random((60, 2)), [Scale(0, 1, 0.1, 20)]
    with pytest.raises(UsageError, match="--calibrate: expected --method gp, whose model needs no training, got nle"):
        sampled_by(Method.NLE, observed(points, points[:, :1], scale), 100, calibrations=20)


def test_samples_say_their_method_and_those_of_before_there_were_several_are_read(tmp_path: Path) -> None:
    path = tmp_path / "samples.npz"
    samples_of(("a", "b"), method=Method.NLE).write(path)
    assert Samples.read(path).method is Method.NLE
    with np.load(path) as arrays:
        kept = dict(arrays)
    about = json.loads(str(kept["about"]))
    assert about.pop("method") == "nle"
    np.savez(path, **{**kept, "about": json.dumps(about)})
    assert Samples.read(path).method is Method.GP


def test_too_few_evaluations_for_networks_are_refused() -> None:
    rows = scattered(49)
    few = observed((rows - LOW) / WIDTH, rows @ SLOPES.T, [Scale(float(v), float(v), 0.1, 20) for v in WANTED])
    with pytest.raises(UsageError, match=r"--method nle expects 50 or more evaluations .* got 49: evaluate more, or"):
        sampled_by(Method.NLE, few, 400)


@pytest.mark.commands  # imports what takes long
def test_points_of_a_search_are_told_from_those_that_are_even() -> None:
    rng = np.random.default_rng(1)
    assert not uneven(rng.random((300, 4)))
    assert not uneven((np.stack(np.meshgrid(np.arange(16), np.arange(16)), axis=-1).reshape(-1, 2) + 0.5) / 16)
    assert uneven(np.column_stack([rng.random(300), np.clip(0.5 + 0.2 * rng.standard_normal(300), 0, 1)]))


@pytest.mark.commands
def test_without_sbi_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    run = linear_run(tmp_path)
    done = command("posterior", str(run.directory), "--method", "npe", cwd=tmp_path)
    assert done.returncode == 2
    assert "orchestrator: posterior: --method nle and npe need sbi, which is not installed (" in done.stderr
    assert done.stderr.endswith("pip install 'mozaik-orchestrator[sbi]'\n")


@training
@pytest.mark.parametrize("method", [Method.NLE, Method.NPE])
def test_a_network_learns_the_density_of_rates(method: Method) -> None:
    """Of points that are even: within 0.3 standard deviations, 20 % of the standard deviations and .1."""
    points = MEAN + 6 * SD * np.random.default_rng(1).uniform(-1, 1, (200, 2))
    points = (points - LOW) / WIDTH
    distances = ((LOW + WIDTH * points) @ SLOPES.T - WANTED) / 0.1
    density = trained(method, Examples(points, distances, np.empty((0, 2))), 1)
    grid = [np.linspace(*np.quantile(column, [0, 1]), 60) for column in points.T]
    everywhere = np.column_stack([each.ravel() for each in np.meshgrid(*grid)])
    mean, sd, correlation = moments(everywhere, np.exp(density(everywhere)))
    assert (np.abs(mean - MEAN) < 0.3 * SD).all()
    np.testing.assert_allclose(sd, SD, rtol=0.2)
    assert correlation == pytest.approx(CORRELATION, abs=0.1)


@training
def test_the_same_seed_trains_the_same_network_and_leaves_torch_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch  # noqa: PLC0415  (takes long to import)

    monkeypatch.setattr(networks, "_MOST", 20)
    points = np.random.default_rng(1).random((50, 2))
    examples = Examples(points, 10 * points - 5, points[:0])
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    one, same, other = (trained(Method.NLE, examples, seed)(points) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    assert torch.equal(torch.random.get_rng_state(), before)


@training
def test_the_command_says_that_a_search_is_no_sample_of_the_prior(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "_MOST", 200)  # too few steps to be exact, of walkers as well
    monkeypatch.setattr(chain, "_MOST", 500)
    run = linear_run(tmp_path)
    done = command("posterior", str(run.directory), "--method", "npe", "--samples", "300", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert "! the evaluations are not spread evenly over the ranges" in text
    assert "target best evaluation off rate 0 0." in text
    assert "under networks of the posterior of " in text
    samples = Samples.read(run.posterior)
    assert (samples.method, samples.values.shape, samples.evaluations) == (Method.NPE, (300, 2), 61)
    assert not list(tmp_path.rglob("sbi-logs"))
