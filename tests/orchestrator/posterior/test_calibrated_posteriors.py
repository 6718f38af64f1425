"""What posteriors predict, against what is known, and whether wrong ones are found out by known parameters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from in_process import command
from posterior_runs import SLOPES, WANTED, Line, line, linear_run, problem, rates, scattered, told

from orchestrator.errors import UsageError
from orchestrator.optimisers.base import Scale
from orchestrator.optimisers.models.metric import Metric
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.posterior.calibration import calibrated
from orchestrator.posterior.chain import Chain
from orchestrator.posterior.emulator import Emulator
from orchestrator.posterior.fitting import Posterior, posterior_of
from orchestrator.posterior.observed import MeasuredTrace, Observed
from orchestrator.posterior.predicted import QUANTILES
from orchestrator.posterior.ranks import Ranks
from orchestrator.posterior.samples import Samples
from orchestrator.posterior.sampling import sampled

pytestmark = pytest.mark.reference


def within_bands(found: Ranks) -> bool:
    return all(each.verdict in {"fine", "too few to tell"} for each in found.parameters)


def test_the_linear_posterior_predicts_what_the_exact_one_does_and_its_width_is_right() -> None:
    steps: list[str] = []
    found = sampled(rates(), 400, 1, steps.append, 40)
    assert found.predicted is not None
    low, lower, median, higher, high = found.predicted.quantiles
    sd = np.sqrt(np.diag(SLOPES @ np.linalg.inv(SLOPES.T @ SLOPES) @ SLOPES.T)) * 0.1
    np.testing.assert_allclose(median, WANTED, atol=0.02)
    np.testing.assert_allclose(higher - lower, 2 * 0.994 * sd, rtol=0.15)
    np.testing.assert_allclose(high - low, 2 * 1.96 * sd, rtol=0.2)
    assert found.calibration is not None
    assert within_bands(found.calibration)
    assert [each.spread for each in found.calibration.parameters] == pytest.approx([1, 1], abs=0.3)
    assert steps[-1].startswith("calibration: evaluation ")


def test_half_the_noise_of_the_data_makes_posteriors_too_narrow() -> None:
    observed = rates(noise=0.5)
    found = calibrated(observed, posterior_of(observed), 60)
    assert [each.verdict for each in found.parameters] == ["too narrow", "too narrow"]


def test_intervals_and_noise_between_seeds_are_calibrated() -> None:
    """One parameter with two values: one should be in an interval, the other in an open one, which says nothing."""
    space, rng = SearchSpace([Parameter("x", 0, 1)]), np.random.default_rng(1)
    x = rng.random((40, 1))
    scales = [Scale(0.4, 0.6, 0.1, 20.0), Scale(-np.inf, 0.9, 0.1, 20.0)]
    known = replace(problem(space, np.zeros(2)), scales=scales)
    values = np.hstack([x, x]) + 0.05 * rng.standard_normal((40, 2))
    observed = Observed.of(known, [told(space, x, values)], np.array([np.hypot(1, 0.5), 1]), np.ones(2))
    found = sampled(observed, 400, calibrations=60)
    assert found.calibration is not None
    assert [each.verdict for each in found.calibration.parameters] == ["fine"]
    assert found.warnings[-1] == "calibration says nothing of what target 1 constrain"


@pytest.mark.parametrize("scale", [Scale(0.5, np.inf, 0.1, 20.0), Scale.of_scores(np.inf)])
def test_targets_of_which_there_are_no_data_with_known_parameters_are_not_found_fine(scale: Scale) -> None:
    """Neither of open intervals nor of scores: their ranks were uniform whatever noise was believed."""
    space, x = SearchSpace([Parameter("x", 0, 1)]), np.random.default_rng(1).random((40, 1))
    known = replace(problem(space, np.zeros(1)), scales=[scale])
    block = replace(told(space, x, x), scores=np.maximum(0.5 - x, 0.0) / 0.1)
    found = sampled(Observed.of(known, [block], np.full(1, 0.5)), 400, calibrations=60)
    assert found.calibration is None
    assert found.warnings[-1].startswith("not calibrated: --calibrate: expected a target that wants a value or a")


def test_a_parameter_that_no_evaluation_varies_is_not_tested() -> None:
    space = SearchSpace([Parameter("x", 0, 1), Parameter("n", 0, 4, integer=True)])
    rows = np.column_stack([np.random.default_rng(1).random(30), np.full(30, 2.0)])
    observed = Observed.of(problem(space, np.array([0.5])), [told(space, rows, rows[:, :1])], np.array([0.5]))
    varied, constant = calibrated(observed, posterior_of(observed), 9).parameters
    assert constant.verdict == "not tested"
    assert constant.width == pytest.approx(1, abs=0.1)
    assert varied.verdict == "too few to tell"
    assert varied.width < 0.8


def test_a_trace_is_predicted_and_calibrated() -> None:
    """The bands are those of the exact posterior of a t + b; the best trace is the simulated one."""
    bare = line(np.array([0.5]))
    factors = np.full(len(Line.times), 1 / np.sqrt(len(Line.times)))
    observed = replace(bare, traces={0: MeasuredTrace(Line.times, Line.data, factors, "mV")})
    found = sampled(observed, 4000, 1, calibrations=20)
    assert found.predicted is not None
    (trace,) = found.predicted.traces
    a, b = found.values.T
    simulated = a[:, None] ** 2 / 0.8 * Line.times + b[:, None] ** 2 / 2
    exact, width = np.quantile(simulated, QUANTILES, axis=0), simulated.std(axis=0)
    assert (np.abs(trace.quantiles - exact) < 0.4 * width).all()
    best = observed.archive.rows[0][observed.archive.best] * 0.1 / factors + Line.data
    np.testing.assert_allclose(trace.best, best)
    np.testing.assert_array_equal(trace.data, Line.data)
    value = np.sqrt(((simulated - Line.data) ** 2).mean(axis=1))
    np.testing.assert_allclose(found.predicted.quantiles[2:, 0], np.quantile(value, QUANTILES[2:]), rtol=0.15)
    assert found.calibration is not None
    assert within_bands(found.calibration)


def test_too_few_evaluations_with_values_are_refused() -> None:
    space, rows = SearchSpace([Parameter("a", -1, 3), Parameter("b", 0, 5)]), scattered(12)
    values = rows @ SLOPES.T
    values[:4, 1] = np.nan
    observed = Observed.of(problem(space, WANTED), [told(space, rows, values)])
    emulator = Emulator(observed, observed.archive, Metric(np.eye(2), np.zeros(2)))
    chain = Chain(np.random.default_rng(1).random((4, 40, 2)), np.zeros((4, 40)), np.ones(2))
    with pytest.raises(UsageError, match=r"--calibrate: expected 9 or more evaluations near the posterior.* got 8"):
        calibrated(observed, Posterior(chain, emulator, np.ones(12, dtype=bool)), 20)


def test_samples_are_written_though_a_calibration_is_refused(tmp_path: Path) -> None:
    run = linear_run(tmp_path, number=8)
    done = command("posterior", str(run.directory), "--samples", "200", "--calibrate", "20", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "! not calibrated: --calibrate: expected 9 or more evaluations" in " ".join(done.stdout.split())
    kept = Samples.read(run.posterior)
    assert kept.calibration is None
    assert kept.warnings[-1].endswith("got 8: evaluate more")


def test_the_command_prints_a_verdict_of_each_parameter_and_keeps_the_ranks(tmp_path: Path) -> None:
    run = linear_run(tmp_path)
    done = command("posterior", str(run.directory), "--samples", "200", "--calibrate", "9", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "calibration: evaluation 1 of 9, posteriors of each: 1\n" in done.stderr
    text = " ".join(done.stdout.split())
    assert "calibration posterior off by true ones' spread / sd width / prior's independent ranks a too few" in text
    kept = Samples.read(run.posterior)
    assert kept.calibration is not None
    assert kept.calibration.ranks.shape == (9, 1, 2)
    assert kept.predicted is not None
    assert list(kept.predicted.targets) == ["rate 0", "rate 1", "rate 2"]
