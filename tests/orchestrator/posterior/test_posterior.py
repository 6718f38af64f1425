"""Posterior distributions against exact ones, and the command that finds them."""

from __future__ import annotations

import csv
import io
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from best_runs import written_run
from checkpoint_files import change_rows
from in_process import Done, command
from orchestrator_project import Project
from posterior_runs import (
    CONFIG,
    CORRELATION,
    MEAN,
    SD,
    SLOPES,
    WANTED,
    Line,
    checks_of,
    line,
    linear_run,
    problem,
    rates,
    samples_of,
    scattered,
    told,
)
from rich.console import Console

from orchestrator.checkpoint import Checkpoint
from orchestrator.config.parameters import read_parameter, space_of
from orchestrator.errors import UsageError
from orchestrator.optimisers.priors import Choice, Prior
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.paths import RunPaths
from orchestrator.posterior.fitting import log_likelihoods
from orchestrator.posterior.observed import Observed, observed_in
from orchestrator.posterior.samples import Samples
from orchestrator.posterior.sampling import sampled
from orchestrator.posterior.tables import constraint, correlated, posterior_parts
from orchestrator.records import FloatArray, Outcome

pytestmark = pytest.mark.commands

# marks of what samples
sampling = pytest.mark.reference


def moments(found: Samples) -> tuple[FloatArray, FloatArray, float]:
    return found.values.mean(axis=0), found.values.std(axis=0), float(np.corrcoef(found.values.T)[0, 1])


@sampling
def test_rates_of_a_neuron_give_the_exact_posterior() -> None:
    """Within 0.15 standard deviations of the mean, 8 % of the standard deviations and .05 of the correlation."""
    found = sampled(rates(), 4000)
    mean, sd, correlation = moments(found)
    assert (np.abs(mean - MEAN) < 0.15 * SD).all()
    np.testing.assert_allclose(sd, SD, rtol=0.08)
    assert correlation == pytest.approx(CORRELATION, abs=0.05)
    assert found.warnings == []
    assert found.effective > 1000


@sampling
def test_five_parameters_of_linear_values_give_the_exact_posterior() -> None:
    """The space-filling evaluations of which there are 60 know it within 0.25 sd, 15 % and .12."""
    rng = np.random.default_rng(3)
    slopes, norm = rng.standard_normal((8, 5)), 0.2
    space = SearchSpace([Parameter(f"p{n}", -2, 2) for n in range(5)])
    strata = rng.permuted(np.tile(np.arange(60), (5, 1)), axis=1).T
    parameters = -2 + 4 * (strata + rng.random((60, 5))) / 60
    wanted = slopes @ rng.uniform(-0.4, 0.4, 5) + norm * rng.standard_normal(8)
    found = sampled(Observed.of(problem(space, wanted, norm), [told(space, parameters, parameters @ slopes.T)]), 4000)
    covariance = np.linalg.inv(slopes.T @ slopes) * norm**2
    exact, sd = np.linalg.lstsq(slopes, wanted, rcond=None)[0], np.sqrt(np.diag(covariance))
    assert (np.abs(found.values.mean(axis=0) - exact) < 0.25 * sd).all()
    np.testing.assert_allclose(found.values.std(axis=0), sd, rtol=0.15)
    np.testing.assert_allclose(np.corrcoef(found.values.T), covariance / np.outer(sd, sd), atol=0.12)


@sampling
def test_a_prior_counts_as_data_do() -> None:
    """A normal prior of b as narrow as the data's own knowledge of it: precisions are added."""
    prior = Prior("normal", 2.1, 0.1)
    found = sampled(rates(Parameter("a", -1, 3), Parameter("b", 0, 5, prior=prior)), 4000)
    precision = SLOPES.T @ SLOPES / 0.1**2 + np.diag([0, 1 / prior.deviation**2])
    mean = np.linalg.solve(precision, SLOPES.T @ WANTED / 0.1**2 + [0, prior.centre / prior.deviation**2])
    sd = np.sqrt(np.diag(np.linalg.inv(precision)))
    assert (np.abs(moments(found)[0] - mean) < 0.15 * sd).all()
    np.testing.assert_allclose(moments(found)[1], sd, rtol=0.08)


@sampling
def test_a_choice_is_as_likely_as_its_weight_and_the_data_say() -> None:
    """b is one of four values; the weight of each is its own times that of the data, a integrated over."""
    choice = Choice((1.8, 1.9, 2.05, 2.3), (1, 2, 1, 1))
    space = SearchSpace([Parameter("a", -1, 3), Parameter("b", 1.8, 2.3, prior=choice)])
    points = [space.encode({"a": a, "b": b}) for a, b in scattered()]
    rows = np.array([list(space.decode(point).values()) for point in points])
    found = sampled(Observed.of(problem(space, WANTED), [told(space, rows, rows @ SLOPES.T)]), 4000)
    assert found.warnings == []
    # the data alone have a normal distribution of b
    densities = np.array(choice.weights) * np.exp(-0.5 * ((np.array(choice.values) - MEAN[1]) / SD[1]) ** 2)
    shares = [np.mean(found.values[:, 1] == value) for value in choice.values]
    assert sum(shares) == 1
    np.testing.assert_allclose(shares, densities / densities.sum(), atol=0.03)


@sampling
def test_bounds_that_another_parameter_decides_truncate_the_posterior() -> None:
    """Against the integral on a grid; b is uniform between 0 and 2.5 a, which cuts what the data allow in two."""
    space = space_of({"a": read_parameter([0.1, 3]), "b": read_parameter([0, "2.5 * a"])})
    rows = np.array([row for row in scattered(120) if not space.outside(dict(zip("ab", row, strict=True)))])
    found = sampled(Observed.of(problem(space, WANTED), [told(space, rows, rows @ SLOPES.T)]), 4000)
    a, b = (each.ravel() for each in np.meshgrid(np.linspace(0.7, 0.9, 801), np.linspace(1.4, 2.4, 801)))
    distances = (np.column_stack([a, b]) @ SLOPES.T - WANTED) / 0.1
    weights = np.exp(-0.5 * (distances**2).sum(axis=1)) / a * (b <= 2.5 * a)
    mean, sd = np.average([a, b], axis=1, weights=weights), np.sqrt(np.diag(np.cov([a, b], aweights=weights)))
    assert (found.values[:, 1] <= 2.5 * found.values[:, 0]).all()
    assert (np.abs(moments(found)[0] - mean) < 0.15 * sd).all()
    np.testing.assert_allclose(moments(found)[1], sd, rtol=0.1)


@sampling
def test_traces_are_learnt_by_their_differences_from_the_data() -> None:
    """Against the integral on a grid, with data that are known to 0.05."""
    vector, norm, sd = Line(), 0.1, 0.05
    a, b = (each.ravel() for each in np.meshgrid(np.linspace(0, 2, 801), np.linspace(1, 3, 801)))
    distance = vector.values(a[:, None] ** 2 / 0.8 * vector.times + b[:, None] ** 2 / 2)
    weights = np.exp(-0.5 * (distance / sd) ** 2)
    exact = np.average([a, b], axis=1, weights=weights), np.sqrt(np.diag(np.cov([a, b], aweights=weights)))
    mean, spread, correlation = moments(sampled(line(np.array([sd / norm])), 4000))
    assert (np.abs(mean - exact[0]) < 0.15 * exact[1]).all()
    np.testing.assert_allclose(spread, exact[1], rtol=0.1)
    covariance = np.cov([a, b], aweights=weights)
    assert correlation == pytest.approx(covariance[0, 1] / np.prod(exact[1]), abs=0.05)


@sampling
def test_where_simulations_explode_the_posterior_is_not() -> None:
    space = SearchSpace([Parameter("x", 0, 1)])
    x = np.linspace(0, 1, 41)[:, None]
    exploded = x[:, 0] > 0.6
    outcomes = [Outcome.EXPLODED if each else Outcome.OK for each in exploded]
    values = np.where(exploded[:, None], np.nan, x)
    found = sampled(
        Observed.of(problem(space, np.array([0.6]), 0.2), [told(space, x, values, outcomes=outcomes)]), 2000
    )
    # without explosions a half of it would be there
    assert (found.values > 0.65).mean() < 0.05
    assert (found.values > 0.5).mean() > 0.2


@sampling
def test_a_model_that_is_not_exact_enough_is_told() -> None:
    rng = np.random.default_rng(1)
    found = sampled(rates(of=lambda values: values + 0.2 * rng.standard_normal((60, 3))), 400)
    assert "the model is not exact enough for target 0, target 1, target 2" in "\n".join(found.warnings)


@sampling
def test_the_same_seed_gives_the_same_samples() -> None:
    one, same, other = (sampled(rates(), 400, seed).values for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


@sampling
def test_data_that_no_parameters_give_are_told() -> None:
    space = SearchSpace([Parameter("a", -1, 3), Parameter("b", 0, 5)])
    rows = scattered()
    found = sampled(Observed.of(problem(space, WANTED), [told(space, rows, rows @ SLOPES.T + [9, 0, 0])]), 400)
    assert "no evaluation is nearer to the data than 3 of their standard deviations in target 0" in found.warnings[-1]


@pytest.mark.parametrize(
    "parameter",
    [
        Parameter("n", 8, 16, prior=Choice((8, 16), (1, 9))),
        Parameter("n", 1, 3, prior=Choice((1, 2, 3), (1, 8, 1))),
        Parameter("n", 8, 16, prior=Choice((8, 16))),
        Parameter("n", 0, 10, integer=True, prior=Prior("normal", 5.0, 0.4)),
        Parameter("n", 0, 10, integer=True),
    ],
)
def test_data_that_say_nothing_of_a_parameter_with_few_values_do_not_constrain_it(parameter: Parameter) -> None:
    shares = (np.arange(4000) + 0.5) / 4000
    values = np.array([parameter.decode(parameter.prior_quantile(share)) for share in shares], dtype=float)
    assert constraint(parameter, values) == pytest.approx(1, abs=0.1)


def test_a_parameter_whose_bounds_meet_nearly_everywhere_is_compared_with_nothing() -> None:
    space = space_of({"a": read_parameter([0, 1]), "b": read_parameter([0, "max(a - 0.9, 0)"])})
    assert np.isnan(constraint(space.parameters[1], np.zeros(100), space.prior_values(2000).T[1]))


def test_parameters_are_compared_with_their_priors() -> None:
    values = np.random.default_rng(1).normal(3, 0.5, 20_000)
    assert constraint(Parameter("x", 0, 6, prior=Prior("normal", 3.0, 1.0)), values) == pytest.approx(0.5, abs=0.01)
    assert constraint(Parameter("x", 0, 6), values) == pytest.approx(2 * 0.9945 * 0.5 / (0.68 * 6), abs=0.01)
    assert constraint(Parameter("x", 1, 9, log=True), np.geomspace(1, 9, 1001)) == pytest.approx(1)
    assert constraint(Parameter("x", 0, 9), values, values[::2] * 2) == pytest.approx(0.5, abs=0.01)


def test_the_strongest_correlations_come_first() -> None:
    rng = np.random.default_rng(1)
    x, y, z = rng.standard_normal((3, 5000))
    space = SearchSpace([Parameter("x", -9, 9), Parameter("y", 1e-9, 1e9, log=True), Parameter("z", -9, 9)])
    pairs = correlated(np.column_stack([x, np.exp(y + x), z - 0.5 * x]), space)
    assert [pair[:2] for pair in pairs] == [("x", "y"), ("x", "z"), ("y", "z")]
    assert [pair[2] for pair in pairs] == pytest.approx([0.707, -0.447, -0.316], abs=0.03)


def test_the_likelihood_of_an_evaluation_is_half_the_squares_of_its_scores() -> None:
    observed = rates()
    scores = (scattered() @ SLOPES.T - WANTED) / 0.1
    np.testing.assert_allclose(log_likelihoods(observed), -0.5 * (scores**2).sum(axis=1), rtol=1e-9)
    differences = line(np.array([0.5]))
    distances = 2 * np.linalg.norm(differences.archive.rows[0], axis=1)
    np.testing.assert_allclose(log_likelihoods(differences), -0.5 * distances**2)


def test_too_few_evaluations_are_refused() -> None:
    space = SearchSpace([Parameter("a", -1, 3), Parameter("b", 0, 5)])
    rows = scattered(6)
    values = rows @ SLOPES.T
    values[:2, 1] = np.nan
    with pytest.raises(UsageError, match="at least 5 evaluations with a value of every target, got 4: evaluate more"):
        sampled(Observed.of(problem(space, WANTED), [told(space, rows, values)]), 400)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    return linear_run(tmp_path_factory.mktemp("linear"))


def said(run: RunPaths, *options: str) -> Done:
    return command("posterior", str(run.directory), *options, cwd=run.directory.parent)


@sampling
def test_the_command_prints_what_is_known_and_keeps_the_samples(run: RunPaths) -> None:
    done = said(run, "--samples", "500")
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert "parameter median 16 % 84 % width / prior's data a 0." in text
    assert text.count("constrain it") == 2
    assert "correlated with correlation a b -0.7" in text
    assert "of 61 evaluations" in text
    assert Samples.read(run.posterior).values.shape == (500, 2)
    assert not (run.directory.parent / "simulated").exists()


@sampling
def test_the_noise_of_the_data_may_be_given(run: RunPaths, tmp_path: Path) -> None:
    wider = [option for n in range(3) for option in ("--noise", f"rate {n}=0.2")]
    done = said(run, *wider, "--samples", "2000", "--out", str(tmp_path / "samples.csv"))
    assert done.returncode == 0, done.stderr
    with (tmp_path / "samples.csv").open() as table:
        heading, *rows = csv.reader(table)
    assert heading == ["a", "b", "log_posterior"]
    np.testing.assert_allclose(np.array(rows, dtype=float)[:, :2].std(axis=0), 2 * SD, rtol=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--noise", "rate 1=none"], "--noise: expected TARGET=SD, the SD a number above 0, got 'rate 1=none'"),
        (["--noise", "rate 1=0"], "--noise: expected TARGET=SD, the SD a number above 0, got 'rate 1=0'"),
        (["--noise", "rat 1=1"], "has no target 'rat 1'; did you mean 'rate 1'? It has: rate 0, rate 1, rate 2"),
        (["--out", "samples.txt"], "--out: expected a file .npz or .csv, got samples.txt"),
    ],
)
def test_wrong_options_are_one_message(run: RunPaths, options: list[str], message: str) -> None:
    done = said(run, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_without_emcee_the_extra_is_named(run: RunPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "emcee", None)
    done = said(run)
    assert done.returncode == 2
    assert done.stderr.endswith(
        "orchestrator: posterior: needs emcee, which is not installed: pip install 'mozaik-orchestrator[posterior]'\n"
    )


def test_a_run_without_evaluations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected evaluations, but no generation is complete yet"):
        observed_in(Checkpoint(empty(tmp_path).checkpoint), {})


def empty(directory: Path) -> RunPaths:
    return written_run(Project.create(directory, CONFIG).config, [])


def test_points_that_are_no_numbers_are_one_message(run: RunPaths, tmp_path: Path) -> None:
    """Whoever has written the checkpoint."""
    damaged = tmp_path / "checkpoint.h5"
    shutil.copy(run.checkpoint, damaged)

    def change(tell: h5py.Group) -> None:
        points = tell["points"][...]
        del tell["points"]
        tell["points"] = np.full_like(points, np.nan)

    change_rows(damaged, change)
    done = command("posterior", str(damaged), cwd=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert "orchestrator: posterior: expected 5 or more values of rate 0 at different points" in done.stderr


def test_priors_intervals_and_lost_evaluations_are_read_from_the_checkpoint(run: RunPaths) -> None:
    observed = observed_in(Checkpoint(run.checkpoint), {"rate 1": 0.3})
    assert observed.space.names == ("a", "b")
    assert len(observed.archive.points) == 61  # one was lost
    np.testing.assert_array_equal(np.flatnonzero(observed.archive.failed), [60])
    np.testing.assert_allclose(observed.noise, [1, 3, 1])
    assert [scale.low for scale in observed.problem.scales] == WANTED.tolist()


def test_data_of_targets_that_compare_a_trace_are_read_from_the_run(tmp_path: Path) -> None:
    rows = scattered(9)
    traces = rows[:, :1] * Line.times + rows[:, 1:]
    np.savetxt(tmp_path / "rec.csv", np.column_stack([Line.times, Line.data]), delimiter=",", header="t,v", comments="")
    compared = {"class": "TraceRMSE", "trace": "v", "data": "rec", "norm": 0.5, "weights": [[0, 0.5, 3]], "name": "v"}
    changes = {
        **CONFIG,
        "data": {"rec": {"file": "rec.csv", "unit": "mV"}},
        "targets": [compared, CONFIG["targets"][0]],
    }
    weights = np.where(Line.times <= 0.5, 3, 1) / (4 * 3 + 4)
    values = np.sqrt(((traces - Line.data) ** 2) @ weights)
    pairs = [({"a": a, "b": b}, [value, b]) for (a, b), value in zip(rows, values, strict=True)]
    run = written_run(Project.create(tmp_path, changes).config, pairs, outputs=[{0: row.tolist()} for row in traces])
    observed = observed_in(Checkpoint(run.checkpoint), {})
    assert list(observed.traces) == [0]
    found = observed.traces[0]
    assert found.unit == "mV"
    np.testing.assert_allclose([found.times, found.values], [Line.times, Line.data], rtol=1e-6)
    np.testing.assert_allclose(found.factors**2, weights)
    simulated = found.values + observed.archive.rows[0] * 0.5 / found.factors
    np.testing.assert_allclose(simulated, traces, rtol=1e-5)


def test_targets_of_ones_own_are_not_imported(tmp_path: Path) -> None:
    """What was kept of them is enough, if their scores are those of an interval."""
    (tmp_path / "own.py").write_text(
        "from targets import PointTarget\n"
        "class Rate(PointTarget):\n"
        "    def outputs(self, recordings):\n        return recordings['r1']\n"
        "class Squared(Rate):\n"
        "    def score(self, value):\n"
        "        return 20.0 if value is None else min((value - self.target_value) ** 2, 20.0)\n"
    )
    own = [{"class": f"own.py:{name}", "target_value": 6.0, "norm": 0.1} for name in ("Rate", "Squared")]
    run = linear_run(tmp_path, {"targets": [CONFIG["targets"][0], *own]}, number=20)
    (tmp_path / "own.py").write_text("raise SystemExit('imported')")
    observed = observed_in(Checkpoint(run.checkpoint), {})
    assert [scale.by_score for scale in observed.problem.scales] == [False, False, True]
    assert observed.problem.scales[1].low == 6.0


@pytest.mark.parametrize("suffix", [".npz", ".csv"])
def test_samples_are_kept_whole(tmp_path: Path, suffix: str) -> None:
    samples = samples_of(("a", "b"), warnings=["few"], **checks_of(("a", "b"), ("v", "rate")))
    path = tmp_path / f"samples{suffix}"
    samples.write(path)
    if suffix == ".csv":
        assert len(path.read_text().splitlines()) == 501
        return
    again = Samples.read(path)
    np.testing.assert_array_equal(again.values, samples.values)
    assert (again.qualities, again.warnings, list(again.names)) == (samples.qualities, ["few"], ["a", "b"])
    assert again.predicted is not None
    assert again.calibration is not None
    assert again.predicted.targets == ["v", "rate"]
    np.testing.assert_array_equal(again.predicted.quantiles, samples.predicted.quantiles)  # type: ignore[union-attr]
    (trace,), (written,) = again.predicted.traces, samples.predicted.traces  # type: ignore[union-attr]
    assert (trace.target, trace.unit) == ("v", "mV")
    np.testing.assert_array_equal(trace.array(), written.array())
    np.testing.assert_array_equal(again.calibration.ranks, samples.calibration.ranks)  # type: ignore[union-attr]
    assert [each.width for each in again.calibration.parameters] == [0.5, 0.95]


def test_samples_that_were_written_before_there_were_predictions_are_read(tmp_path: Path) -> None:
    samples_of(("a",)).write(tmp_path / "samples.npz")
    again = Samples.read(tmp_path / "samples.npz")
    assert (again.predicted, again.calibration) == (None, None)


@pytest.mark.parametrize("known", [True, False])
def test_ranks_are_printed_with_the_widths_of_posteriors_if_these_were_kept(tmp_path: Path, known: bool) -> None:
    samples = samples_of(("a", "b"), **checks_of(("a", "b"), ("v", "rate")))
    assert samples.calibration is not None
    if not known:
        samples = replace(samples, calibration=replace(samples.calibration, widths=None))
    samples.write(tmp_path / "samples.npz")
    space = SearchSpace([Parameter("a", 0, 1), Parameter("b", 0, 1)])
    console = Console(width=200, file=io.StringIO())
    console.print(*posterior_parts(Samples.read(tmp_path / "samples.npz"), space), sep="\n")
    text = " ".join(console.file.getvalue().split())  # type: ignore[attr-defined]
    assert ("spread / sd width / prior's independent ranks a fine" in text) == known
    assert ("b not tested" in text) == known


@pytest.mark.parametrize(
    ("array", "wrong"),
    [
        ("predicted", np.zeros((5, 3))),
        ("predicted", np.full((5, 2), np.inf)),
        ("trace_0", None),
        ("trace_0", np.zeros((3, 4))),
        ("trace_0", np.full((8, 4), np.nan)),
        ("ranks", np.zeros((2, 2))),
    ],
)
def test_predictions_and_ranks_that_are_none_are_refused(tmp_path: Path, array: str, wrong: FloatArray | None) -> None:
    samples_of(("a", "b"), **checks_of(("a", "b"), ("v", "rate"))).write(tmp_path / "samples.npz")
    with np.load(tmp_path / "samples.npz") as kept:
        arrays = {name: kept[name] for name in kept.files if name != array}
    np.savez(tmp_path / "samples.npz", **arrays, **({} if wrong is None else {array: wrong}))
    with pytest.raises(ValueError, match="expected"):
        Samples.read(tmp_path / "samples.npz")


@pytest.mark.parametrize("array", ["values", "logarithms", "about"])
def test_samples_that_lack_something_are_refused(tmp_path: Path, array: str) -> None:
    samples_of(("a",)).write(tmp_path / "samples.npz")
    with np.load(tmp_path / "samples.npz") as arrays:
        left = {name: arrays[name] for name in arrays.files if name != array}
    np.savez(tmp_path / "samples.npz", **left)
    with pytest.raises(ValueError, match="expected samples of a posterior distribution"):
        Samples.read(tmp_path / "samples.npz")


def test_a_best_evaluation_without_a_trace_is_kept_as_such(tmp_path: Path) -> None:
    checks = checks_of(("a",), ("v",))
    (trace,) = checks["predicted"].traces
    without = replace(trace, best=np.full_like(trace.best, np.nan))
    samples_of(("a",), predicted=replace(checks["predicted"], traces=[without])).write(tmp_path / "samples.npz")
    again = Samples.read(tmp_path / "samples.npz").predicted
    assert again is not None
    assert np.isnan(again.traces[0].best).all()
    np.testing.assert_array_equal(again.traces[0].data, trace.data)


def test_traces_of_no_target_are_refused(tmp_path: Path) -> None:
    checks = checks_of(("a",), ("v", "rate"))
    renamed = replace(checks["predicted"], targets=("w", "rate"))
    samples_of(("a",), predicted=renamed).write(tmp_path / "samples.npz")
    with pytest.raises(ValueError, match="unexpected traces of v"):
        Samples.read(tmp_path / "samples.npz")


@sampling
def test_of_very_many_evaluations_some_are_learnt() -> None:
    """A thousand evaluations all over the ranges: the first model is of 300 of them, the last of those near."""
    space = SearchSpace([Parameter("a", -1, 3), Parameter("b", 0, 5)])
    rows = np.random.default_rng(1).uniform([-1, 0], [3, 5], (1000, 2))
    steps: list[str] = []
    found = sampled(Observed.of(problem(space, WANTED), [told(space, rows, rows @ SLOPES.T)]), 1000, 1, steps.append)
    assert steps[0] == "model 1, of 300 evaluations"
    np.testing.assert_allclose(moments(found)[1], SD, rtol=0.15)
    assert (np.abs(moments(found)[0] - MEAN) < 0.25 * SD).all()
