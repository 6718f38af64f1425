"""Which parameters values depend on, how far good solutions spread, and evaluations as lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from posterior_runs import samples_of
from report_runs import Page, config, make_run
from scipy.stats import spearmanr

from orchestrator.analysis.runs import dependence_table
from orchestrator.checkpoint import Checkpoint
from orchestrator.errors import UsageError
from orchestrator.records import FloatArray, Outcome
from orchestrator.report import History, figures, write_report
from orchestrator.report.figures.solutions import _rounded_up
from orchestrator.report.scene import Band, Bars, Figure, Heat, Line, Mark, Points, Profiles
from orchestrator.report.statistics.dependence import Dependences
from orchestrator.scores.ranks import rank_correlation, rank_correlation_interval

pytestmark = pytest.mark.drawing


def dependences(of: Callable[[FloatArray], FloatArray], number: int = 150, width: int = 3) -> Dependences:
    """Return those of a function of uniform points, which has no best region."""
    places = np.random.default_rng(1).random((number, width))
    return Dependences.of(places, of(places))


def test_total_indices_of_a_sum_are_the_shares_of_its_parts() -> None:
    """y = 3 a + 4 b: 9 var a and 16 var b."""
    found = dependences(lambda x: x[:, :2] @ [[3.0], [4.0]])
    ((one,), _) = found.regions
    assert (one.by_model, one.number, found.learnt) == (True, 150, 150)
    parts = np.array([9, 16, 0]) * np.random.default_rng(1).random((150, 3)).var(axis=0)
    np.testing.assert_allclose(one.share, parts / parts.sum(), atol=0.04)
    assert one.error < 0.05
    assert (one.low <= one.share).all()
    assert (one.share <= one.high).all()


def test_an_interaction_counts_for_both() -> None:
    """y = a b of a and b from -1 to 1 has no main effects: both total indices are 1."""
    ((one,), _) = dependences(lambda x: (2 * x[:, :1] - 1) * (2 * x[:, 1:2] - 1)).regions
    assert one.by_model
    np.testing.assert_allclose(one.share, [1, 1, 0], atol=0.12)
    # to ranks it is nothing
    assert np.abs(rank_correlation(*_interaction())).max() < 0.25


def _interaction() -> tuple[FloatArray, FloatArray]:
    x = np.random.default_rng(1).random((150, 3))
    return x, (2 * x[:, :1] - 1) * (2 * x[:, 1:2] - 1)


@pytest.mark.parametrize(
    ("of", "number"),
    [
        (lambda x: np.random.default_rng(2).normal(size=(len(x), 1)), 60),  # no model predicts it
        (lambda x: x[:, :1], 29),  # too few
        (lambda x: np.where(x[:, 1:2] < 0.8, np.nan, x[:, :1]), 100),  # too few that have it
        (lambda x: np.ones((len(x), 1)), 60),  # constant
    ],
    ids=["noise", "few", "few values", "constant"],
)
def test_without_a_model_that_predicts_there_are_ranks(of: Callable[[FloatArray], FloatArray], number: int) -> None:
    ((one,), _) = dependences(of, number).regions
    places = np.random.default_rng(1).random((number, 3))
    values = of(places)[:, 0]
    known = np.isfinite(values)
    assert (one.by_model, one.number) == (False, known.sum())
    if np.ptp(values[known]):
        wanted = [spearmanr(column[known], values[known]).statistic for column in places.T]
        np.testing.assert_allclose(one.share, wanted, atol=1e-12)
        assert ((one.low <= one.share) & (one.share <= one.high) & (one.low < one.high)).all()
    else:
        assert np.isnan(one.share).all()


def test_the_best_fifth_may_depend_on_something_else() -> None:
    places = np.random.default_rng(3).random((400, 2))
    # the first parameter decides how bad it is far away, the second one among the good
    value = np.where(places[:, 0] > 0.25, 50 * places[:, 0], 0.0) + places[:, 1]
    order = value.argsort()
    (everything,), (good,) = Dependences.of(places[order], value[order, None]).regions
    assert everything.share[0] > everything.share[1]
    assert good.share[1] > good.share[0]
    assert good.number == 80


def test_the_interval_of_a_rank_correlation_holds_what_is_there() -> None:
    rng, inside = np.random.default_rng(0), 0
    # of normal variables of correlation r, Spearman's is 6 / pi asin(r / 2)
    wanted = 6 / np.pi * np.arcsin(0.3)
    for _ in range(200):
        x = rng.normal(size=(40, 1))
        found = rank_correlation(x, 0.6 * x + 0.8 * rng.normal(size=(40, 1)))
        low, high = rank_correlation_interval(found, 40)
        inside += int(low[0, 0] <= wanted <= high[0, 0])
    assert 180 <= inside <= 199


def test_enormous_values_are_learnt_as_others() -> None:
    def of(x: FloatArray) -> FloatArray:
        return 1e300 * (2 * x[:, :1] - 1)

    ((one,), _) = dependences(of, 60).regions
    assert one.by_model
    np.testing.assert_allclose(one.share, [1, 0, 0], atol=0.05)


def test_evaluations_that_are_all_one_are_no_model() -> None:
    ((one,), _) = Dependences.of(np.full((60, 2), 0.5), np.random.default_rng(0).normal(size=(60, 1))).regions
    assert not one.by_model


@pytest.fixture(scope="module")
def sloppy(tmp_path_factory: pytest.TempPathFactory) -> History:
    """A run whose first target is a + b, which alone counts; c is free; failures are in between."""

    def values(generation: int, index: int, _rng: np.random.Generator) -> list[float]:
        a, b, _ = points[generation, index]
        return [4 * (a + b - 1.1), 0.0]

    points = np.random.default_rng(1).uniform(0.1, 1.0, (12, 10, 3))
    run = make_run(
        tmp_path_factory.mktemp("sloppy") / "run", parameters=["a", "b", "c"], targets=["Sum", "Nothing"],
        generations=12, size=10, values=values, outcome=lambda _, i: Outcome.EXPLODED if i == 3 else Outcome.OK,
        text=config(["a", "b", "c"], ["Sum", "Nothing"], parameters={name: [0.1, 1.0] for name in "abc"}),
    )  # fmt: skip
    return History.of(Checkpoint(run.checkpoint))


def marks(figure: Figure, label: str, **options: Any) -> list[Mark]:
    panels = figure.choose(**options).panels
    return [mark for panel in panels for mark in panel.marks if getattr(mark, "label", "") == label]


def test_what_matters_and_how_well_that_is_known_is_in_the_figure(sloppy: History) -> None:
    (panel,) = figures.importance(sloppy).choose().panels
    (heat,) = (mark for mark in panel.marks if isinstance(mark, Heat))
    cells = np.asarray(heat.cells)
    assert cells.shape == (2, 3)
    assert cells[0, :2].min() > 0.3
    assert cells[0, 2] < 0.05
    assert np.isnan(cells[1]).all()
    assert (panel.y.notes[0].startswith("error 0."), panel.y.notes[1]) == (True, "not known")  # type: ignore[index]
    one, total = figures.dependence(sloppy).choose(target="Sum", region="all evaluations").panels
    assert "error" in str(one.x.title)
    assert (one.title, total.title) == ("Sum", "total score")
    shares = next(mark for mark in one.marks if isinstance(mark, Points))
    np.testing.assert_allclose(shares.x, cells[0])
    nothing, _ = figures.dependence(sloppy).choose(target="Nothing").panels
    assert "108 evaluations" in str(nothing.x.title)


def test_the_same_is_a_table(sloppy: History) -> None:
    table = dependence_table(sloppy)
    assert len(table) == 3 * 3
    rows = table[table["target"] == "Sum"]
    assert set(rows["measure"]) == {"total index"}
    (panel,) = figures.importance(sloppy).choose().panels
    np.testing.assert_allclose(rows["share"], np.asarray(panel.marks[0].cells)[0])  # type: ignore[union-attr]
    assert list(table["parameter"][-3:]) == ["a", "b", "c"]
    assert table["target"].iloc[-1] == "total score"
    assert len(dependence_table(sloppy, "best fifth")) == 9
    with pytest.raises(UsageError, match="no region 'best'; known: all evaluations, best fifth"):
        dependence_table(sloppy, "best")


def test_few_evaluations_are_compared_by_ranks(run: Checkpoint) -> None:
    figure = figures.importance(run)
    assert "Gaussian process" not in figure.caption
    (panel,) = figure.choose().panels
    assert figure.caption.startswith("Spearman's rank correlation, as there are too few")
    assert all("ranks, chance 0.2" in note for note in panel.y.notes)  # type: ignore[union-attr]


def test_what_is_not_determined_spreads_among_the_good_ones(sloppy: History) -> None:
    figure = figures.good_solutions(sloppy)
    (within,) = figure.choices
    counts = [int(option.partition("(")[2].partition(" ")[0]) for option in within.options]
    assert counts == sorted(counts)
    assert counts[within.default] >= 20
    (inner,) = marks(figure, "central 80 % of them")
    assert isinstance(inner, Bars)
    width = np.asarray(inner.high) - np.asarray(inner.low)
    assert width[2] > 0.6
    near = sloppy.total <= sloppy.total[sloppy.best] + float(within.options[within.default].split()[2])
    rows = np.flatnonzero(near & sloppy.ok)
    assert len(rows) == counts[within.default]
    np.testing.assert_allclose(inner.low, np.quantile(sloppy.places[rows], 0.1, axis=0))


def test_a_pair_that_makes_up_for_each_other_is_told(sloppy: History) -> None:
    figure = figures.good_pairs(sloppy)
    heats, pair = figure.choose(parameter="a", other="b").panels
    (heat,) = (mark for mark in heats.marks if isinstance(mark, Heat))
    cells = np.asarray(heat.cells)
    assert cells[0, 1] < -0.9
    assert np.isnan(cells[[0, 1, 2], [0, 1, 2]]).all()
    assert np.isnan(cells[2, :2]).all()  # may be chance
    good, others = (next(m for m in pair.marks if m.label == each) for each in ("good ones", "others"))  # type: ignore[union-attr]
    assert isinstance(good, Points)
    assert isinstance(others, Points)
    assert np.abs(np.asarray(good.x) + np.asarray(good.y) - 1.1).max() < 0.2
    assert len(np.asarray(good.x)) + len(np.asarray(others.x)) == sloppy.ok.sum()


@pytest.mark.parametrize(
    ("number", "wanted"), [(0, 0), (0.3, 0.5), (1, 1), (1.1, 2), (2.1, 5), (51, 100), (3e-13, 5e-13)]
)
def test_distances_are_rounded_up(number: float, wanted: float) -> None:
    assert _rounded_up(number) == wanted


def test_lines_are_evaluations_through_all_their_rows(sloppy: History) -> None:
    (panel,) = figures.parallel_coordinates(sloppy).choose().panels
    lines = [mark for mark in panel.marks if isinstance(mark, Profiles)]
    places = np.vstack([np.asarray(mark.x) for mark in lines])
    rows = sloppy.shown[np.concatenate([np.asarray(mark.evaluations) for mark in lines])]
    assert sorted(rows) == np.flatnonzero(sloppy.ok).tolist()
    assert panel.y.full == ("total score", "a", "b", "c", "Sum", "Nothing")
    np.testing.assert_allclose(places[:, 1:4], sloppy.places[rows])
    assert [mark.label for mark in lines][-1] == "best"
    assert rows[-1] == sloppy.best
    assert places[-1, 0] == 0
    low, high = (float(end) for end in panel.y.notes[4].split(" … "))  # type: ignore[index]
    np.testing.assert_allclose(low + places[:, 4] * (high - low), np.clip(sloppy.values[rows, 0], low, high), atol=0.01)
    (wanted,) = marks(figures.parallel_coordinates(sloppy), "wanted")
    assert isinstance(wanted, Bars)
    middle = (np.asarray(wanted.low) + np.asarray(wanted.high)) / 2
    np.testing.assert_allclose(low + middle[0] * (high - low), 0, atol=0.02)


def test_every_parameter_has_a_small_panel(sloppy: History) -> None:
    figure = figures.parameters_exploration(sloppy)
    assert figure.columns
    assert [panel.title for panel in figure.panels] == ["a", "b", "c"]
    for n, panel in enumerate(figure.panels):
        # the same as the large one of the parameter that is chosen
        (large,) = figures.parameter_exploration(sloppy).choose(parameter=n).panels
        for kind, field in ((Line, "y"), (Band, "low")):
            own, wanted = (
                next(mark for mark in reversed(each.marks) if isinstance(mark, kind)) for each in (panel, large)
            )
            np.testing.assert_array_equal(getattr(own, field), getattr(wanted, field))


def test_figures_that_share_a_choice_have_the_same_options(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", parameters=["a", "b"], targets=["T", "U", "V"], generations=4)
    samples_of(("a", "b")).write(run.posterior)
    options: dict[str, list[str]] = {}
    for figure in Page(write_report([run], tmp_path / "report.html")).data["figures"]:
        for choice in figure["choices"]:
            assert options.setdefault(choice["key"], choice["options"]) == choice["options"], choice["key"]
    assert len(options["over"]) == 3
    assert len(options["other"]) == 2
