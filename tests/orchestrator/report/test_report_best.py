"""Only what was measured can be best, in every figure and table; and a run in which nothing was."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from report_runs import Page, make_run

from orchestrator.analysis import runs
from orchestrator.checkpoint import Checkpoint
from orchestrator.paths import RunPaths
from orchestrator.records import FloatArray, Outcome
from orchestrator.report import History, figures, write_report
from orchestrator.report.listings import best_evaluations, centroid_yaml, failures
from orchestrator.report.scene import Heat, Line
from orchestrator.report.summary import findings, tiles
from orchestrator.status.past import PastReader

pytestmark = pytest.mark.drawing

ONE_RUN = sorted(name for name in figures.__all__ if name[0].islower() and not name.startswith("compare"))


def penalties_below_scores(found: FloatArray) -> FloatArray:
    """Return scores with which a failure looks better than what was measured."""
    return np.where(np.isnan(found), 1.0, 5.0 + np.abs(found))


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    """A run that measured nothing in its first generation, and 2 of 6 offspring in the others."""
    return make_run(
        tmp_path_factory.mktemp("best") / "few",
        size=6,
        outcome=lambda g, i: Outcome.OK if g and i in (1, 2) else Outcome.EXPLODED,
        scores=penalties_below_scores,
    )


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    run = make_run(tmp_path_factory.mktemp("best") / "failed", outcome=lambda _g, _i: Outcome.TIMEOUT)
    run.config.write_text(Checkpoint(run.checkpoint).config_text)
    return run


def test_failed_evaluations_are_never_best(few: RunPaths) -> None:
    frame = Checkpoint(few.checkpoint).evaluations()
    measured = frame[frame["outcome"] == "OK"].sort_values("total_score", kind="stable")
    history = History.of(Checkpoint(few.checkpoint))
    assert history.ranked(10).tolist() == measured.index.tolist()
    assert history.best == measured.index[0]
    assert history.best_rows[0] == -1
    so_far = [measured["total_score"][measured["generation"] <= n].min() for n in range(3)]
    np.testing.assert_array_equal(history.best_so_far(history.total), so_far)
    assert [each.total for each in best_evaluations(history)] == [f"{total:.5g}" for total in measured["total_score"]]
    assert runs.best_table(history)["total score"].tolist() == measured["total_score"].tolist()
    assert tiles(history)[0].value == f"{measured['total_score'].iloc[0]:.4g}"
    assert "the start values were not measured" in tiles(history)[0].text
    best = PastReader(few.checkpoint).read().best
    assert best is not None
    assert best.total_score == measured["total_score"].iloc[0]


def test_figures_show_the_best_that_was_measured(few: RunPaths) -> None:
    history = History.of(Checkpoint(few.checkpoint))
    figure = figures.score_by_generation(history)
    assert "as the optimiser was told" in figure.caption
    lines = {mark.label: mark for mark in figure.choose().panels[0].marks if isinstance(mark, Line)}
    np.testing.assert_array_equal(lines["best so far"].y, history.best_so_far(history.total))
    (heat,) = figures.target_scores_by_generation(history).choose().panels[0].marks
    assert isinstance(heat, Heat)
    np.testing.assert_array_equal(np.isnan(heat.cells), [[True, False, False]] * 2)  # type: ignore[arg-type]
    options = figures.target_scores(history).choices[0].options
    assert len(options) == 4 + 1
    assert options[-1] == "the start values: generation 0, offspring 0"


@pytest.mark.filterwarnings("error")
def test_where_all_failed_nothing_is_best(failed: RunPaths, few: RunPaths, tmp_path: Path) -> None:
    history = History.of(Checkpoint(failed.checkpoint))
    assert history.best is None
    assert best_evaluations(history) == []
    assert centroid_yaml(history) == runs.centroid_text(history) == ""
    assert [each.value for each in tiles(history)] == ["–", "–", "–", "0%"]
    assert findings(history)[0].startswith("No evaluation was measured")
    assert figures.target_scores(history).empty == "Nothing measured yet: every evaluation exploded or failed."
    page = Page(write_report([failed], tmp_path / "report.html"))
    assert "optimiser_centroid" not in page.text
    assert "Nothing measured yet" in page.text
    assert "exploded or failed is never among the best" in page.text
    assert "3 × " not in page.text
    assert "TIMEOUT" in page.text
    comparison = Page(write_report([failed, few], tmp_path / "comparison.html"))
    assert [mark["label"] for mark in comparison.figure("compare_scores")["panels"][0]["marks"]] == ["few", ""]
    for compare in (figures.compare_scores, figures.compare_targets, figures.compare_parameters):
        assert compare([history]).empty.startswith("Nothing measured yet")


@pytest.mark.usefixtures("no_layout")
@pytest.mark.parametrize("name", ONE_RUN)
def test_figures_of_a_run_in_which_all_failed_are_drawn(name: str, failed: RunPaths, tmp_path: Path) -> None:
    figure = getattr(figures, name)(Checkpoint(failed.checkpoint))
    assert figure.save(tmp_path / f"{name}.png", dpi=40).stat().st_size > 0


def test_tables_and_status_of_a_run_in_which_all_failed(failed: RunPaths) -> None:
    history = History.of(Checkpoint(failed.checkpoint))
    for table in (runs.best_table(history), runs.parameters_table(history), runs.targets_table(history)):
        assert len(table) == 0
    assert runs.facts(history)[0] == "Best total score: –, nothing measured yet."
    status = runs.look_at(failed.directory)
    assert status.best is None
    assert all(math.isinf(score) for score in status.best_scores)
    assert status.start_score == history.total[0]
    standing = runs.status_table(status)
    assert standing.loc[standing["what"] == "best so far", "now"].tolist() == ["nothing measured yet"]


def test_a_long_run_draws_the_best_that_were_measured(tmp_path: Path, few_are_drawn: int) -> None:
    run = make_run(
        tmp_path / "run",
        generations=6,
        size=100,
        outcome=lambda _g, i: Outcome.OK if i % 2 else Outcome.EXPLODED,
        scores=penalties_below_scores,
    )
    history = History.of(Checkpoint(run.checkpoint))
    assert len(history.shown) == few_are_drawn < len(history)
    measured = history.frame[history.frame["outcome"] == "OK"]
    assert set(measured["total_score"].nsmallest(200).index) <= set(history.shown)


def test_what_was_not_evaluated_is_told_and_in_no_number(tmp_path: Path) -> None:
    """The cluster lost the start values and one more until the timeout: they have no scores."""
    lost = {(0, 0): Outcome.CANCELLED, (2, 3): Outcome.NODE_FAIL}
    run = make_run(tmp_path / "run", outcome=lambda g, i: lost.get((g, i), Outcome.OK))
    history = History.of(Checkpoint(run.checkpoint))
    frame = history.frame
    assert list(frame["total_score"].isna()) == [(g, i) in lost for g in range(3) for i in range(4)]
    shown = tiles(history)
    assert shown[0].value == f"{frame['total_score'].min():.4g}"
    assert "the start values were not evaluated" in shown[0].text
    assert "0 of 4 of the last one exploded or failed, 1 not evaluated" in shown[3].text
    told = " ".join(findings(history))
    assert "2 of the last 12 evaluations were not evaluated" in told
    assert "(CANCELLED 1, NODE_FAIL 1)" in told
    assert [each.outcome for each in failures(history)] == ["NODE_FAIL, not evaluated", "CANCELLED, not evaluated"]
    assert "2 offspring were not evaluated" in figures.score_by_generation(history).caption
    page = write_report([run], tmp_path / "report.html").read_text(encoding="utf-8")
    assert "2 offspring were not evaluated" in page
