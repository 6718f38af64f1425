"""What a report, tables and exports show of bounds that other parameters decide."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from posterior_runs import samples_of
from report_runs import config, make_run

from orchestrator.analysis.runs import parameters_table
from orchestrator.checkpoint import Checkpoint
from orchestrator.export.columns import columns_of
from orchestrator.optimisers.space import SearchSpace
from orchestrator.report import History, figures
from orchestrator.report.domains import places_between
from orchestrator.report.figures.parameters import between_bounds
from orchestrator.report.scene import Bars, Points
from orchestrator.report.texts.methods import methods_text

pytestmark = pytest.mark.drawing

NAMES = ("a", "b", "n")
PARAMETERS = {
    "a": [0.1, 1.0],
    "b": {"bounds": ["a / 10", "2 * a + 1"], "scale": "log"},
    "n": {"bounds": [0, "4 * a"], "integer": True},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    text = config(NAMES, ("Rate", "CV"), parameters=PARAMETERS)
    return Checkpoint(
        make_run(
            tmp_path_factory.mktemp("runs") / "run", parameters=NAMES, text=text, targets=("Rate", "CV")
        ).checkpoint
    )


@pytest.fixture
def history(run: Checkpoint) -> History:
    return History.of(run)


def test_places_are_those_between_the_bounds_of_each_evaluation(history: History) -> None:
    a, b, n = history.points.T
    low, high = np.log(a / 10), np.log(2 * a + 1)
    np.testing.assert_allclose(history.places[:, 1], (np.log(b) - low) / (high - low))
    np.testing.assert_allclose(history.places[:, 2], np.clip(n / np.floor(4 * a + 0.5), 0, 1), atol=1e-12)
    rows = [between_bounds(history, row) for row in range(len(history))]
    np.testing.assert_allclose(rows, history.places, atol=1e-12)
    assert np.isnan(between_bounds(history, None)).all()


def test_places_of_choices_are_those_of_their_numbers(tmp_path: Path) -> None:
    parameters = {"a": [0.1, 1.0], "b": {"prior": {"choice": [0.1, 0.2, 0.4, 0.99]}}, "n": [0, 4]}
    text = config(NAMES, ("Rate", "CV"), parameters=parameters)
    paths = make_run(tmp_path / "run", parameters=NAMES, text=text, targets=("Rate", "CV"))
    history = History.of(Checkpoint(paths.checkpoint))
    rows = [between_bounds(history, row) for row in range(len(history))]
    np.testing.assert_allclose(rows, history.places, atol=1e-12)
    assert places_between(history.space, [0.5, 0.2, 1.0])[1] == pytest.approx(1 / 3)


def test_the_range_that_is_drawn_has_all_bounds_and_all_values(history: History) -> None:
    _, b, n = history.parameters
    assert (b.low, b.high) == pytest.approx((0.01, 3))
    assert (n.low, n.high) == (0, 4)
    assert (history.points <= [1.0, 3.0, 4.0]).all()
    caption = figures.parameter_exploration(history).caption
    assert caption == "Of bounds that other parameters decide (b, n), the widest are drawn."


def test_the_search_is_drawn_between_the_bounds_at_its_mean(history: History) -> None:
    (panel,) = figures.parameters_in_bounds(history).panels
    (search,) = (mark for mark in panel.marks if isinstance(mark, Bars))
    np.testing.assert_allclose(search.low[:2], 0.3)
    np.testing.assert_allclose(search.high[:2], 0.7)
    (best,) = (mark for mark in panel.marks if isinstance(mark, Points) and mark.label == "best")
    assert len(best.x) == 3
    assert history.best is not None
    a, b, _ = history.points[history.best]
    assert panel.y.notes[1] == f"{b:.4g}  in {a / 10:.3g} … {2 * a + 1:.3g} log"


def test_a_table_of_parameters_has_the_bounds_of_its_evaluation(history: History) -> None:
    table = parameters_table(history).set_index("parameter")
    a = table.loc["a", "value"]
    assert table.loc["b", ["lower bound", "upper bound"]].tolist() == pytest.approx([a / 10, 2 * a + 1])
    assert table.loc["a", ["lower bound", "upper bound"]].tolist() == [0.1, 1.0]


def test_texts_have_the_expressions(run: Checkpoint, history: History) -> None:
    described = {each.name: each.description for each in columns_of(run, history)}
    assert described["parameter:b"].startswith("searched: a / 10 to 2 * a + 1 (0.01 to 3), logarithmic scale")
    assert "b: a / 10 to 2 * a + 1 (0.01 to 3) (logarithmic)" in methods_text(history)
    (panel,) = figures.parallel_coordinates(history).panels
    assert panel.y.notes[2] == "a / 10 … 2 * a + 1 log"


def test_without_the_parameter_that_decides_the_range_of_the_data_is_shown(tmp_path: Path) -> None:
    text = config(NAMES, ("Rate", "CV"), parameters={**PARAMETERS, "n": [0, "missing"]})
    history = History.of(Checkpoint(make_run(tmp_path / "run", parameters=NAMES, text=text).checkpoint))
    assert "The configuration has no bounds of b, n; the range of the data is shown." in history.notes
    assert not history.space.moves


def test_a_posterior_is_drawn_beside_the_prior_that_the_others_leave(run: Checkpoint) -> None:
    space = SearchSpace(History.of(run).parameters)
    samples = replace(samples_of(NAMES), values=space.prior_values(500))
    samples.write(run.path.parent / "posterior.npz")
    history = History.of(run)
    assert history.posterior is not None
    marginal = figures.posterior_pair(history).choose(parameter="b", other="a").panels[0]
    band, line = marginal.marks
    # densities of the place between the widest bounds: both are of the same distribution
    width = np.log(3) - np.log(0.01)
    for mark in (band.high, line.y), (band.x, line.x):
        assert all(np.isfinite(each).all() for each in mark)
    assert (np.diff(np.log(line.x)) * line.y[1:]).sum() / width == pytest.approx(1, abs=0.02)
    means = [np.average(np.log(x), weights=y) for x, y in ((band.x, band.high), (line.x, line.y))]
    assert means[0] == pytest.approx(means[1], abs=0.25)
