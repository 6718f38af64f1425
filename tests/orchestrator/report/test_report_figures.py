"""Figures for notebooks and papers, and the numbers in them."""

from __future__ import annotations

import math
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from checkpoint_files import change_rows
from hypothesis import given
from hypothesis import strategies as st
from report_runs import config, make_run, model_state

from orchestrator.analysis.runs import parameters_table
from orchestrator.checkpoint import Checkpoint
from orchestrator.errors import UsageError
from orchestrator.report import History, figures
from orchestrator.report.figures.parameters import between_bounds
from orchestrator.report.figures.simulations import _occupancy
from orchestrator.report.listings import best_evaluations, failures, last_lines, plain
from orchestrator.report.naming import elided, short_names
from orchestrator.report.sampling import sample_evaluations
from orchestrator.report.scene import Bars, Line, Points
from orchestrator.report.summary import findings, gain, tiles

pytestmark = pytest.mark.drawing


def test_what_is_chosen_is_drawn(run: Checkpoint) -> None:
    figure = figures.parameter_exploration(run)
    frame = run.evaluations()
    for name in run.parameter_names:
        (panel,) = figure.choose(parameter=name).panels
        assert panel.y.title == name
        best = next(mark for mark in panel.marks if isinstance(mark, Line) and mark.label == "best so far")
        rows = [frame["total_score"][: 5 * (n + 1)].idxmin() for n in range(5)]
        np.testing.assert_array_equal(best.y, frame[f"parameter:{name}"].iloc[rows])


def test_unknown_choices_and_files_are_refused(run: Checkpoint, tmp_path: Path) -> None:
    figure = figures.target_by_generation(run)
    with pytest.raises(UsageError, match="no choice 'parameter'; known: target"):
        figure.choose(parameter="x")
    with pytest.raises(UsageError, match=r"no option 'x'; there are: Rate\(exc\), CV\(exc\)"):
        figure.choose(target="x")
    with pytest.raises(UsageError, match=r"ends in .png, .svg, .pdf, got .jpg"):
        figure.save(tmp_path / "figure.jpg")
    assert list(tmp_path.iterdir()) == []


def test_phases_of_jobs_add_up(run: Checkpoint) -> None:
    history = History.of(run)
    frame = run.evaluations()
    total = np.sum(list(history.phases.values()), axis=0)
    np.testing.assert_allclose(total, frame["finished"] - frame["submitted"])
    np.testing.assert_allclose(history.phases["queue"], 10)
    (panel,) = figures.job_timeline(run).choose(generation="2").panels
    ends = np.max([np.max(mark.high) for mark in panel.marks if isinstance(mark, Bars)])
    assert ends == pytest.approx(54)


def test_jobs_of_which_the_end_is_not_known_are_told(tmp_path: Path) -> None:
    own = make_run(tmp_path / "run", size=6)

    def forget(tell: h5py.Group) -> None:
        rows = tell["table"][:]
        rows["finished"][0] = math.nan
        # cancelled in the queue: never started
        for name in ("started", "build", "check", "protocols", "measuring"):
            rows[name][1] = math.nan
        tell["table"][:] = rows

    change_rows(own.checkpoint, forget)
    history = History.of(Checkpoint(own.checkpoint))
    np.testing.assert_allclose(history.phases["queue"].reshape(3, 6), [[10, 51, 10, 10, 10, 10]] * 3)
    told = "The end of 3 of 18 jobs is not known: that time is missing here."
    for make in (figures.wall_time, figures.job_timeline, figures.jobs_at_once):
        assert make(history).caption.endswith(told)


def test_a_duration_that_is_not_known_is_not_0_s(tmp_path: Path) -> None:
    own = make_run(tmp_path / "run", times=False)
    assert {each.duration for each in best_evaluations(History.of(Checkpoint(own.checkpoint)))} == {""}


def test_whole_numbers_at_a_bound_are_flagged_but_not_a_choice(tmp_path: Path) -> None:
    names = ["high", "low", "amid"]
    bounds = {"bounds": [1, 10], "integer": True}
    names += ["few"]
    ranges = {"high": bounds, "low": bounds | {"scale": "log"}, "amid": bounds, "few": {"prior": {"choice": [1, 8]}}}
    text = config(names, ["T"], parameters=ranges)
    own = make_run(tmp_path / "run", parameters=names, targets=["T"], text=text)

    def set_parameters(tell: h5py.Group) -> None:
        tell["parameters"][:] = [10, 1, 4, 8]

    change_rows(own.checkpoint, set_parameters)
    history = History.of(Checkpoint(own.checkpoint))
    assert any("at a bound of high (upper), low (lower); wider bounds may" in found for found in findings(history))
    assert parameters_table(history)["between the bounds"].tolist() == pytest.approx([1, 0, 1 / 3, 1])
    (panel,) = figures.parameters_in_bounds(history).panels
    assert "8  of 2 values" in str(panel.y)
    (flagged,) = [mark for mark in panel.marks if isinstance(mark, Points) and "of a bound" in mark.label]
    assert (list(flagged.x), list(flagged.y)) == ([1.0, 0.0], [0.0, 1.0])  # type: ignore[arg-type]
    # the search has room for half a number beyond the bounds
    (search,) = [mark for mark in panel.marks if isinstance(mark, Bars)]
    assert (search.low[2], search.high[2]) == pytest.approx(((0.3 * 10 - 0.5) / 9, (0.7 * 10 - 0.5) / 9))  # type: ignore[index]


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0.01, 50)), min_size=1, max_size=30),
    st.integers(1, 40),
)
def test_jobs_at_once_add_up_to_their_seconds(jobs: list[tuple[float, float]], bins: int) -> None:
    begin = np.array([start for start, _ in jobs])
    end = begin + np.array([length for _, length in jobs])
    edges = np.linspace(begin.min(), end.max(), bins + 1)
    covered = (_occupancy(begin, end, edges) * np.diff(edges)).sum()
    assert covered == pytest.approx((end - begin).sum(), rel=1e-6, abs=1e-6)


def test_the_front_of_all_targets_is_marked_among_the_scores_of_two(run: Checkpoint) -> None:
    history = History.of(run)
    frame = run.evaluations()
    scores = frame[frame["outcome"] == "OK"][[f"score:{label}" for label in run.target_labels]]

    def dominated(row: pd.Series) -> bool:
        return bool(((scores <= row).all(axis=1) & (scores < row).any(axis=1)).any())

    front = [n for n, row in scores.iterrows() if not dominated(row)]
    assert history.front.tolist() == front
    one, other = run.target_labels[1], run.target_labels[0]
    (panel,) = figures.trade_off(run).choose(target=one, over=other).panels
    dots = {mark.label: mark for mark in panel.marks if isinstance(mark, Points)}
    assert sorted(dots["on the front"].y) == sorted(scores[f"score:{one}"][front])
    assert sorted(dots["on the front"].x) == sorted(scores[f"score:{other}"][front])
    assert len(dots["dominated"].x) == len(scores) - len(front)
    assert panel.x.title == f"score of {other}"


def test_the_parameters_of_the_best_and_of_the_front_are_drawn_within_their_bounds(tmp_path: Path) -> None:
    run = Checkpoint(make_run(tmp_path / "run", generations=5, size=6).checkpoint)
    history = History.of(run)
    for which, rows in (("the best 10 %", history.ranked(10)), ("the Pareto front", history.front)):
        (panel,) = figures.parameters_of_the_best(history).choose(which=which).panels
        places = np.array([between_bounds(history, row) for row in rows])
        dots = {mark.label: mark for mark in panel.marks if isinstance(mark, Points)}
        assert sorted(zip(dots["each"].y, dots["each"].x, strict=True)) == sorted(
            (float(n), place) for each in places for n, place in enumerate(each)
        )
        np.testing.assert_allclose(dots["median"].x, np.median(places, axis=0))
        (half,) = (mark for mark in panel.marks if isinstance(mark, Bars))
        np.testing.assert_allclose([half.low, half.high], np.quantile(places, [0.25, 0.75], axis=0))


def test_weights_of_targets_are_drawn_where_they_count(tmp_path: Path) -> None:
    weights = [[1.0, 1.0], [1.0, 0.2], [0.0, 1.0]]
    state = lambda number: model_state(weights=np.array(weights[number]))  # noqa: E731
    figure = figures.target_weights(Checkpoint(make_run(tmp_path / "run", generations=3, state=state).checkpoint))
    for n, target in enumerate(("Rate(exc)", "CV(exc)")):
        (panel,) = figure.choose(target=target).panels
        chosen = next(mark for mark in panel.marks if isinstance(mark, Line) and mark.label == "chosen target")
        np.testing.assert_array_equal(chosen.y, [row[n] or math.nan for row in weights])
    assert figures.target_weights(Checkpoint(make_run(tmp_path / "other", generations=1).checkpoint)).empty


def test_a_sample_keeps_what_matters() -> None:
    rng = np.random.default_rng(0)
    generation, total, columns = np.repeat(np.arange(100), 50), rng.random(5000), rng.normal(size=(5000, 3))
    columns[::7, 1] = math.nan
    rows = sample_evaluations(generation, total, columns, 1000)
    assert len(rows) == 1000
    assert (np.diff(rows) > 0).all()
    best = {int(np.flatnonzero(generation == g)[total[generation == g].argmin()]) for g in range(100)}
    kept = {0, 4999, *np.argsort(total)[:200], *np.nanargmin(columns, axis=0), *np.nanargmax(columns, axis=0), *best}
    assert kept <= set(rows)
    np.testing.assert_array_equal(rows, sample_evaluations(generation, total, columns, 1000))
    np.testing.assert_array_equal(sample_evaluations(generation, total, columns, 5000), np.arange(5000))


@given(st.lists(st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=5).map(".".join), unique=True))
def test_short_names_tell_names_apart(names: list[str]) -> None:
    short = short_names(names, 20)
    assert len(set(short)) == len(names)
    assert all(len(text) <= 20 for text in short)


def test_short_names_are_those_a_modeller_would_use() -> None:
    names = [
        "sheets.l4_cortex_exc.L4ExcL4ExcConnection.base_weight",
        "sheets.l4_cortex_exc.L4ExcL4InhConnection.base_weight",
        "sheets.l4_cortex_exc.AfferentConnection.base_weight",
        "sheets.l4_cortex_inh.AfferentConnection.base_weight",
        "sheets.l4_cortex_inh.L4InhL4ExcConnection.base_weight",
        "sheets.l4_cortex_exc.params.cell.params.tau_m",
        "sheets.l4_cortex_inh.params.cell.params.tau_m",
        "sheets.retino_thalamic.gain",
    ]
    assert short_names(names) == [
        "L4ExcL4ExcConnection.base_weight",
        "L4ExcL4InhConnection.base_weight",
        "l4_cortex_exc.AfferentConnection.base_weight",
        "l4_cortex_inh.AfferentConnection.base_weight",
        "L4InhL4ExcConnection.base_weight",
        "l4_cortex_exc…tau_m",
        "l4_cortex_inh…tau_m",
        "gain",
    ]
    assert elided("abcdefghij", 5) == "ab…ij"


def test_logs_lose_colours_and_control_characters() -> None:
    assert plain("\x1b[1;31mred\x1b[0m \x1b]0;title\x07a\x00b\tc\r\nd\re") == "red ab\tc\nd\ne"
    long = last_lines("\n".join(str(n) for n in range(100)) + "\n\n")
    assert long.splitlines()[-1] == "99"
    assert len(long.splitlines()) <= 40


def test_failures_with_the_same_message_are_one(run: Checkpoint) -> None:
    (failure,) = failures(History.of(run))
    assert (failure.outcome, failure.count, failure.place) == ("EXPLODED", 5, "generation 4, offspring 0")
    assert failure.message == "<img src=x onerror=alert(4)> code 0"
    assert "\x1b" not in failure.log


def totals(tmp_path: Path, best_of: list[float]) -> History:
    """A run of one target whose best score is given generation by generation."""
    values = lambda g, i, _rng: [0.5 * (best_of[g] + i)]  # noqa: E731
    run = make_run(tmp_path / "run", targets=["T"], generations=len(best_of), values=values)
    return History.of(Checkpoint(run.checkpoint))


@pytest.mark.parametrize(
    ("best_of", "verdict"),
    [
        ([9.0 - n / 2 for n in range(16)], "Yes"),
        ([9.0] * 3 + [8.9] * 13, "Levelled off"),
        ([9.0] * 10 + [8.8] * 6, "Slowly"),
        ([9.0, 5.0], "Too early to tell"),
        ([9.0] * 9 + [0.0], "Perfect"),
    ],
)
def test_the_verdict_on_the_trend(best_of: list[float], verdict: str, tmp_path: Path) -> None:
    history = totals(tmp_path, best_of)
    score, trend, met, _ = tiles(history)
    assert trend.value == verdict
    assert score.value == f"{min(best_of):.4g}"
    assert met.value == f"{int(min(best_of) <= 1)} of 1"
    if verdict == "Slowly":
        assert gain(history) == pytest.approx(0.2 / 9)


def test_what_deserves_a_look_is_named(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", values=lambda _g, _i, _rng: [2.0, math.nan], generations=4)
    found = " ".join(findings(History.of(Checkpoint(run.checkpoint))))
    assert "CV(exc) never had a value: too <few> spikes." in found
    assert "Rate(exc) at 4 norms: 2 (0)" in found
    assert "No evaluation so far met Rate(exc)." in found
