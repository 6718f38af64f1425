"""What a report shows of the posterior distribution of the parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from posterior_runs import samples_of
from report_runs import config, make_run

from orchestrator.checkpoint import Checkpoint
from orchestrator.paths import RunPaths
from orchestrator.report import History, figures
from orchestrator.report.figures.registry import sections_of
from orchestrator.report.scene import Figure

pytestmark = pytest.mark.commands

NAMES = ("exc", "inh", "n")
# exc linear, inh on a log scale, n whole numbers
TEXT = config(
    (),
    ("Rate(exc)", "CV(exc)"),
    parameters={
        "exc": {"bounds": [0.0, 1.0], "prior": {"normal": [0.5, 0.1]}},
        "inh": {"bounds": [0.1, 1.0], "scale": "log"},
        "n": {"bounds": [0, 4], "integer": True},
    },
)


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
