"""What a report shows of the posterior distribution of the parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from posterior_runs import checks_of, samples_of
from report_runs import config, make_run

from orchestrator.checkpoint import Checkpoint
from orchestrator.paths import RunPaths
from orchestrator.posterior.predicted import Predicted
from orchestrator.report import History, figures
from orchestrator.report.figures.registry import sections_of
from orchestrator.report.scene import Figure

pytestmark = pytest.mark.commands

TARGETS = ("Rate(exc)", "CV(exc)")
NAMES = ("exc", "inh", "n")
# exc linear, inh on a log scale, n whole numbers
PARAMETERS = {
    "exc": {"bounds": [0.0, 1.0], "prior": {"normal": [0.5, 0.1]}},
    "inh": {"bounds": [0.1, 1.0], "scale": "log"},
    "n": {"bounds": [0, 4], "integer": True},
}
TEXT = config((), TARGETS, parameters=PARAMETERS)


@pytest.fixture
def run(tmp_path: Path) -> RunPaths:
    return make_run(tmp_path / "run", parameters=NAMES, text=TEXT)


def history(run: RunPaths, **changes: Any) -> History:
    samples = samples_of(NAMES, **changes)
    samples.values[:, 2] = np.round(4 * samples.values[:, 2])  # 2
    samples.values[0, 2] = 1
    samples.write(run.posterior)
    return History.of(Checkpoint(run.checkpoint))


def mark(figure: Figure, panel: int, label: str, **choice: str) -> Any:
    return next(each for each in figure.choose(**choice).panels[panel].marks if each.label == label)


@pytest.mark.parametrize("name", NAMES)
def test_marginals_and_priors_are_densities(run: RunPaths, name: str) -> None:
    figure = figures.posterior_pair(history(run))
    parameter = next(each for each in history(run).parameters if each.name == name)
    band = mark(figure, 0, "posterior", parameter=name)
    edges = np.array([parameter.encode(value) for value in band.x])
    if not parameter.integer:  # of which ends are beyond the bounds
        assert np.sum((edges[1::2] - edges[::2]) * band.high[::2]) == pytest.approx(1, abs=1e-3)
    prior = mark(figure, 0, "prior", parameter=name)
    if name == "exc":
        assert prior.y.max() == pytest.approx(1 / (0.1 * np.sqrt(2 * np.pi)), rel=1e-3)
    else:
        np.testing.assert_allclose(prior.y, 1)


def test_values_of_a_choice_have_a_bar_each_and_are_as_likely_as_their_weights(tmp_path: Path) -> None:
    parameters = {"k": {"prior": {"choice": [1, 2, 8], "weights": [1, 2, 3]}}, "x": [0.0, 1.0]}
    own = make_run(
        tmp_path / "run", parameters=("k", "x"), text=config((), ("Rate(exc)", "CV(exc)"), parameters=parameters)
    )
    samples = samples_of(("k", "x"))
    samples.values[:, 0] = np.repeat([2, 8], [300, 200])
    samples.write(own.posterior)
    figure = figures.posterior_pair(History.of(Checkpoint(own.checkpoint)))
    band = mark(figure, 0, "posterior", parameter="k")
    np.testing.assert_allclose(band.x, [1.5, 5, 5, 11])
    np.testing.assert_allclose(band.high, [1.8, 1.8, 1.2, 1.2])
    prior = mark(figure, 0, "prior", parameter="k")
    assert set(np.round(prior.y, 6)) == {1.0, 1.5}


def test_whole_numbers_have_a_bar_each(run: RunPaths) -> None:
    band = mark(figures.posterior_pair(history(run)), 0, "posterior", parameter="n")
    np.testing.assert_allclose(band.x, [0.5, 1.5, 1.5, 2.5])
    assert band.high[0] < band.high[2]


def test_a_pair_is_drawn_with_the_best_evaluation(run: RunPaths) -> None:
    known = history(run)
    figure = figures.posterior_pair(known)
    points = mark(figure, 2, "samples", parameter="inh", other="exc")
    np.testing.assert_array_equal([points.x, points.y], known.posterior.values[:, [1, 0]].T)  # type: ignore[union-attr]
    best = mark(figure, 2, "best evaluation", parameter="inh", other="exc")
    np.testing.assert_array_equal([best.x, best.y], known.points[known.best, [1, 0]][:, None])
    cells = figures.posterior_correlation(known).panels[0].marks[0].cells  # type: ignore[union-attr]
    assert cells[0, 1] == pytest.approx(np.corrcoef(points.y, np.log(points.x))[0, 1])  # type: ignore[index]


def test_newer_evaluations_and_warnings_are_told(run: RunPaths) -> None:
    assert "newer" not in figures.posterior_pair(history(run)).caption
    caption = figures.posterior_pair(history(run, blocks=2, warnings=["few are near"])).caption
    assert "There are newer evaluations" in caption
    assert "! few are near." in caption


def test_without_samples_there_is_no_section_and_the_figure_says_how_to_get_some(run: RunPaths) -> None:
    known = History.of(Checkpoint(run.checkpoint))
    assert "posterior" not in [section.id for section in sections_of(known)]
    assert "orchestrator posterior RUN" in figures.posterior_pair(known).empty


@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\x03\x04"])
def test_a_report_does_without_samples_that_cannot_be_read(run: RunPaths, content: bytes) -> None:
    run.posterior.write_bytes(content)
    known = History.of(Checkpoint(run.checkpoint))
    assert known.posterior is None
    assert "The samples of the posterior cannot be read" in known.notes[-1]


@pytest.mark.parametrize("names", [("a", "b"), ("exc", "inh")])
def test_samples_of_other_parameters_are_not_shown(run: RunPaths, names: tuple[str, ...]) -> None:
    samples_of(names).write(run.posterior)
    known = History.of(Checkpoint(run.checkpoint))
    assert known.posterior is None
    assert known.notes[-1] == "The samples of the posterior are of other parameters, or bounds, than the run's."


def test_samples_beyond_the_bounds_are_not_shown(run: RunPaths) -> None:
    samples = samples_of(NAMES)
    samples.values[3, 1] = -1.0
    samples.write(run.posterior)
    assert History.of(Checkpoint(run.checkpoint)).posterior is None


def checked(run: RunPaths, **changes: Any) -> History:
    return history(run, **{**checks_of(NAMES, TARGETS), **changes})


def test_predictions_are_in_norms_from_the_middle_of_what_is_wanted(run: RunPaths) -> None:
    """Which is 0 here, with norms of 0.5."""
    known = checked(run)
    figure = figures.posterior_predictive(known)
    wide = mark(figure, 0, "95 % of predictions")
    quantiles = known.posterior.predicted.quantiles  # type: ignore[union-attr]
    np.testing.assert_allclose([wide.low, wide.high], 2 * quantiles[[0, 4]])
    np.testing.assert_allclose(mark(figure, 0, "best evaluation").x, 2 * known.values[known.best])
    within = mark(figure, 0, "within 1 norm")
    np.testing.assert_allclose([within.low, within.high], [[-1, -1], [1, 1]])
    low, median, high = quantiles[[0, 2, 4], 0]
    assert figure.panels[0].y.notes[0] == f"{median:.3g} [{low:.3g}, {high:.3g}] (0)"  # type: ignore[index]


def test_wanted_intervals_that_are_open_or_unknown_are_drawn_as_far_as_they_are_known(tmp_path: Path) -> None:
    kept = [{"low": 1.0, "high": None, "norm": 0.5, "max_score": 20, "sheet": ""}, {}]
    own = [{"class": "own.py:Own", "name": label} for label in TARGETS]
    text = config((), (), targets=own, parameters=PARAMETERS)
    known = checked(make_run(tmp_path / "run", parameters=NAMES, text=text, described=kept))
    figure = figures.posterior_predictive(known)
    wanted, median = mark(figure, 0, "wanted"), mark(figure, 0, "their median")
    assert wanted.low[0] == 0
    assert wanted.high[0] == figure.panels[0].x.domain[1]
    assert median.x[0] == pytest.approx(2 * (known.posterior.predicted.quantiles[2, 0] - 1))  # type: ignore[union-attr]
    assert np.isnan([wanted.low[1], wanted.high[1], median.x[1]]).all()


def test_a_predicted_trace_is_drawn_over_the_data_and_the_best(run: RunPaths) -> None:
    known = checked(run)
    (trace,) = known.posterior.predicted.traces  # type: ignore[union-attr]
    figure = figures.posterior_traces(known)
    inner = mark(figure, 0, "68 % of predictions")
    np.testing.assert_array_equal([inner.low, inner.high], trace.quantiles[[1, 3]])
    np.testing.assert_array_equal(mark(figure, 0, "data").y, np.sin(trace.times))
    np.testing.assert_array_equal(mark(figure, 0, "best evaluation").y, np.cos(trace.times))


def test_ranks_are_drawn_within_their_band_with_a_verdict(run: RunPaths) -> None:
    figure = figures.posterior_calibration(checked(run))
    assert [panel.title for panel in figure.panels] == ["exc: fine", "inh: fine", "n: not tested"]
    band, line = mark(figure, 0, "if posteriors are right"), mark(figure, 0, "true parameters")
    assert ((band.low <= line.y) & (line.y <= band.high)).all()
    assert "of 30 evaluations that the model was not told, 2 of each" in figure.caption


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("posterior_predictive", {"predicted": None}),
        ("posterior_predictive", checks_of(NAMES, ("Other", "Targets"))),
        ("posterior_traces", {"predicted": Predicted(TARGETS, np.zeros((5, 2)))}),
        ("posterior_calibration", {"calibration": None}),
    ],
)
def test_what_was_not_kept_is_not_shown(run: RunPaths, name: str, changes: dict[str, Any]) -> None:
    known = checked(run, **changes)
    shown = [kind.name for section in sections_of(known) for kind in section.figures]
    assert name not in shown
    assert "posterior_pair" in shown
    assert "orchestrator posterior RUN" in getattr(figures, name)(known).empty
