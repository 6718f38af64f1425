"""What a report says of the model of the values, and of a schedule that does not wait."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from checkpoint_files import change_rows
from report_runs import Page, make_run, model_state

from orchestrator.checkpoint import Checkpoint
from orchestrator.records import Origin, Outcome
from orchestrator.report import History, figures, write_report
from orchestrator.report.scene import Figure, Line, Points, Rule
from orchestrator.report.waiting import compare_with_waiting, differs_from_asking

pytestmark = pytest.mark.drawing

MODEL_FIGURES = ["origin_of_evaluations", "model_trust", "model_calibration", "model_noise", "model_explosions"]
# of each generation the first two offspring are proposals, once there is a model
SCORES = [[8, 6, 7, 9], [5, 4, 4, 6], [9, 3, 4, 5]]


def origin(generation: int, index: int) -> Origin:
    if (generation, index) == (0, 0):
        return Origin.START
    return Origin.MODEL if generation and index < 2 else Origin.SAMPLE


def state(number: int) -> dict[str, Any]:
    """Of the block before: nothing before the second, then other numbers each time."""
    nothing = {"model_last_values": np.zeros((2, 2)), "model_last_rows": np.zeros(2)}
    later = {
        "model_last_error": np.array([[1.0, 2.0], [math.nan, 3.0]]) * number,
        "model_last_values": np.array([[2.0, 1.0], [0.0, 2.0]]),
        "model_last_rows": np.array([2.0, 2.0]),
        "model_last_predicted": np.array([0.25, 0.5]),
        "model_last_exploded": np.array([0.5, 0.0]),
        "model_last_brier": np.array([0.1, 0.3]) * number,
    }
    return model_state(**(later if number else nothing), model_proposals=number + 1.0, model_stalls=float(number == 2))


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    values = lambda g, i, _rng: [0.5 * SCORES[g][i], 0.0]  # noqa: E731
    run = make_run(tmp_path_factory.mktemp("model") / "run", values=values, origin=origin, state=state)
    return History.of(Checkpoint(run.checkpoint))


def mark(figure: Figure, label: str, panel: int = 0) -> Any:
    return next(each for each in figure.choose().panels[panel].marks if getattr(each, "label", "") == label)


def test_where_evaluations_and_the_best_come_from(history: History) -> None:
    figure = figures.origin_of_evaluations(history)
    assert figure.caption == (
        "Of 12 evaluations: 1 (8%) start values, 7 (58%) samples of the search, 4 (33%) proposals of the model. "
        "Of the best 10: 1 (10%) start values, 6 (60%) samples of the search, 3 (30%) proposals of the model."
    )
    assert mark(figure, "samples of the search", 1).y.tolist() == [6, 4, 4]
    np.testing.assert_array_equal(mark(figure, "proposals of the model", 1).y, [math.nan, 4, 3])
    assert mark(figure, "proposals of the model (4)").high.tolist() == [4, 4, 4, 4, 4, 4]


def test_how_often_proposals_were_better_is_of_the_generation_itself(history: History) -> None:
    figure = figures.model_trust(history)
    # of the pairs of 5 and 4 with 4 and 6, and of 9 and 3 with 4 and 5; equal ones are half
    np.testing.assert_allclose(mark(figure, "of one generation").y, [math.nan, (1 + 1.5) / 4, 2 / 4])
    assert "On average of 2 generations they were better in 56%." in figure.caption
    assert mark(figure, "proposals", 1).high.tolist() == [0, 0, 2, 2, 2, 2]
    assert mark(figure, "trusted with", 1).y.tolist() == [1, 1, 2, 2, 3, 3]
    stalled = mark(figure, "the search had stalled")
    assert isinstance(stalled, Rule)
    assert stalled.at == 1.5
    assert figure.caption.endswith("The search has stalled once.")


def test_standardised_errors_of_several_generations_are_one_root_mean_square(history: History) -> None:
    figure = figures.model_calibration(history)
    # those of generations 0 and 1, in the states of 1 and 2
    samples, proposals = mark(figure, "samples"), mark(figure, "proposals")
    np.testing.assert_allclose(samples.x, [math.sqrt((1 + 4) / 2), math.sqrt((4 + 16) / 2)])
    np.testing.assert_allclose(proposals.x, [math.nan, math.sqrt((9 + 36) / 2)])
    assert figure.choose().panels[0].y.notes == ("1.6 / –", "3.2 / 4.7")


def test_noise_above_the_norm_is_marked(history: History) -> None:
    figure = figures.model_noise(history)
    loud, quiet = mark(figure, "above the norm !"), mark(figure, "within the norm")
    assert isinstance(loud, Points)
    assert (loud.symbol, loud.x.tolist(), loud.y.tolist()) == ("diamond", [2.0], [1.0])  # type: ignore[union-attr]
    assert (quiet.symbol, quiet.x.tolist(), quiet.y.tolist()) == ("dot", [0.5], [0.0])
    assert figure.choose().panels[0].y.notes == ("0.25, norm 0.5", "1, norm 0.5")
    assert figure.caption.endswith("Above the norm, where a score is luck: CV(exc).")


def test_explosions_that_were_expected_are_beside_those_that_came(history: History) -> None:
    figure = figures.model_explosions(history)
    assert mark(figure, "expected", 0).y.tolist() == [0.5, 1.0]
    assert mark(figure, "observed", 0).y.tolist() == [1.0, 2.0]
    assert mark(figure, "expected", 1).y.tolist() == [1.0, 2.0]
    assert "Of 4 samples 1 were expected to explode and 2 did (Brier score 0.15)." in figure.caption
    assert "Of 4 proposals 2 were expected to explode and 0 did (Brier score 0.45)." in figure.caption


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("generations", [0, 1, 3])
def test_without_a_model_its_figures_say_so(generations: int, tmp_path: Path) -> None:
    run = Checkpoint(make_run(tmp_path / "run", generations=generations).checkpoint)
    for name in MODEL_FIGURES[1:]:
        why = getattr(figures, name)(run).empty
        assert why.startswith("The optimiser has no model" if generations else "No generation is complete")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("outcome", [Outcome.EXPLODED, Outcome.NODE_FAIL])
def test_a_model_that_was_never_fitted_has_figures(outcome: Outcome, tmp_path: Path) -> None:
    unknown = {
        "model_win": math.nan,
        "model_noise": np.full(2, math.nan),
        "model_last_error": np.full((2, 2), math.nan),
        "model_last_values": np.zeros((2, 2)),
        "model_last_rows": np.zeros(2),
        **dict.fromkeys(("model_last_predicted", "model_last_exploded", "model_last_brier"), np.full(2, math.nan)),
    }
    run = Checkpoint(
        make_run(tmp_path / "run", outcome=lambda _g, _i: outcome, state=model_state(**unknown)).checkpoint
    )
    made = {name: getattr(figures, name)(run) for name in MODEL_FIGURES}
    assert [name for name, each in made.items() if not each.empty] == ["origin_of_evaluations", "model_trust"]


@pytest.mark.drawing
@pytest.mark.filterwarnings("error")
def test_the_page_has_the_model_where_there_is_one_and_the_hours_where_nobody_waited(tmp_path: Path) -> None:
    plain = make_run(tmp_path / "plain")
    own = make_run(tmp_path / "own", origin=origin, state=state)
    page = Page(write_report([own], tmp_path / "own.html"))
    shown = [figure["name"] for figure in page.data["figures"]]
    assert [name for name in shown if name in MODEL_FIGURES] == MODEL_FIGURES
    assert "hours_saved" not in shown
    assert "Model of the values" in page.text
    without = Page(write_report([plain], tmp_path / "plain.html"))
    assert not set(MODEL_FIGURES) & {figure["name"] for figure in without.data["figures"]}
    assert "Model of the values" not in without.text

    def told_later(tell: h5py.Group) -> None:
        rows = tell["table"][:]
        rows["generation"][-1] = max(0, rows["generation"][-1] - 1)
        tell["table"][:] = rows

    change_rows(plain.checkpoint, told_later)
    rolling = Page(write_report([plain], tmp_path / "plain.html"))
    assert "hours_saved" in {figure["name"] for figure in rolling.data["figures"]}


# hours that a schedule which does not wait has saved

HOUR = 3600.0


def table(rows: list[tuple[int, int, float, float]]) -> pd.DataFrame:
    """Return evaluations: ask, block, hours of the submission and of the end."""
    asked, told, begin, end = zip(*rows, strict=True)
    columns = {"generation": asked, "offspring": range(len(rows)), "told_in": told}
    times = {"submitted": np.array(begin) * HOUR, "finished": np.array(end) * HOUR}
    return pd.DataFrame({**columns, **times, "started": times["submitted"]})


# two slots: of each pair one takes 1 h, the other 3 h
ROLLING = [(0, 0, 0, 1), (0, 0, 0, 3), (1, 1, 1, 2), (1, 2, 2, 5), (2, 1, 3, 4), (2, 2, 4, 7)]


def test_waiting_takes_the_longest_of_every_generation() -> None:
    found = compare_with_waiting(table(ROLLING), 2)
    assert found is not None
    assert found.evaluations.tolist() == [2, 4, 6]
    # the second end, the fourth, the last
    assert (found.took / HOUR).tolist() == [2, 4, 7]
    assert (found.waiting / HOUR).tolist() == [3, 6, 9]
    assert found.saved / HOUR == 2


def test_evaluations_are_put_into_generations_as_they_were_asked_for() -> None:
    """A schedule that asks often, and takes a part of each ask, would have waited for whole generations only."""
    found = compare_with_waiting(table(ROLLING), 4)
    assert found is not None
    assert (found.waiting / HOUR).tolist() == [3, 6]
    shuffled = compare_with_waiting(table(ROLLING).iloc[::-1], 4)
    assert shuffled is not None
    assert shuffled.waiting.tolist() == found.waiting.tolist()


def test_a_run_that_waited_has_saved_nothing() -> None:
    waited = [(g, g, 3.0 * g, 3.0 * g + 1 + n) for g in range(3) for n in range(3)]
    found = compare_with_waiting(table(waited), 3)
    assert found is not None
    assert found.saved == 0
    assert not differs_from_asking(table(waited))
    assert differs_from_asking(table(ROLLING))


def test_time_in_which_no_job_existed_counts_for_neither() -> None:
    stopped = [(0, 0, 0, 1), (0, 0, 0, 2), (1, 1, 100, 101), (1, 1, 101, 103)]
    found = compare_with_waiting(table(stopped), 2)
    assert found is not None
    assert (found.took / HOUR).tolist() == [2, 5]
    assert (found.waiting / HOUR).tolist() == [2, 4]


def test_jobs_of_unknown_times_are_left_out() -> None:
    rows = [*ROLLING, (3, 3, 5, math.nan), (3, 3, math.nan, 9), (3, 3, 8, 7)]
    found, without = (compare_with_waiting(table(each), 2) for each in (rows, ROLLING))
    assert found is not None
    assert without is not None
    assert found.saved == without.saved
    assert compare_with_waiting(table(rows[-3:]), 2) is None


def test_hours_are_told_in_words(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", size=4)
    figure = figures.hours_saved(Checkpoint(run.checkpoint))
    # three generations of four which begin every 100 s, and of which the longest takes 53 s
    assert figure.caption.startswith(
        "12 evaluations took 2 min 39 s; to wait for all of every 4, and to have no others at the same time, would "
        "have taken about 2 min 39 s: 0 s saved."
    )
    assert [line.label for line in figure.panels[0].marks if isinstance(line, Line)] == [
        "waiting for all of every 4", "as it was",
    ]  # fmt: skip
    nothing = make_run(tmp_path / "nothing", times=False)
    assert figures.hours_saved(Checkpoint(nothing.checkpoint)).empty == "The checkpoint holds no times of jobs."
