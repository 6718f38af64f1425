"""What a report shows of the sheets of a mozaik model: means, rates and curves beside what is wanted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_runs import config, make_run

from orchestrator.checkpoint import Checkpoint
from orchestrator.report import History, figures
from orchestrator.report.described import describe_targets
from orchestrator.report.figures.common import wanted_of
from orchestrator.report.figures.registry import sections_of
from targets import Events, Recordings, Trace

START, BEST, OTHER = (0, 0), (1, 2), (0, 3)
SIZES = np.array([0.5, 1.0, 2.0])
RATE, V = "mean rate (Hz), spontaneous", "mean v (mV), spontaneous"
TARGETS = [
    {"class": "SpontActivityTarget", "sheet_name": "Exc", "target_value": [1, 4], "norm": 2, "name": "rate"},
    {"class": "IrregularityTarget", "sheet_name": "Exc", "target_value": 0.8, "norm": 0.1, "name": "cv"},
]


def left(generation: int, index: int) -> Recordings | None:
    if (generation, index) not in (START, BEST, OTHER):
        return None
    rate = 2.0 + index
    numbers = {f"Exc: {RATE}": rate, "Exc: SD of rate (Hz), spontaneous": 1.5, f"Inh: {RATE}": 3 * rate}
    if (generation, index) == BEST:
        numbers[f"Inh: {V}"] = -60.0
    traces = {
        "Exc: rate, spontaneous": Trace([5.0, 15.0], [rate, rate], "Hz"),
        "Exc: size tuning, contrast 100 %": Trace(
            SIZES, [SIZES, SIZES + rate, SIZES + 2 * rate], "Hz", "deg", "radius"
        ),
        "Inh: rate, spontaneous": Trace([0.005, 0.015], [9, 9], "Hz", "s"),
    }
    spikes = Events([1.0, 2.0, 3.0], ["102", "13", "13" if (generation, index) == START else "7"])
    return Recordings(numbers, traces, {"Exc: spikes, spontaneous": spikes})


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    paths = make_run(
        tmp_path_factory.mktemp("digests") / "run",
        targets=("rate", "cv"),
        generations=2,
        values=lambda g, i, _rng: [0.1 if (g, i) == BEST else 5.0 + i, 0.0],
        text=config(("sheets.exc.w", "sheets.inh.w"), (), targets=TARGETS),
        recordings=left,
    )
    return History.of(Checkpoint(paths.checkpoint))


def marks(figure: Any, kind: str) -> list[Any]:
    return [mark for mark in figure.panels[0].marks if type(mark).__name__ == kind]


def test_means_of_start_and_best_are_beside_what_is_wanted(history: History) -> None:
    figure = figures.sheet_means(history)
    assert figure.choices[0].options == (RATE, V)
    chosen = figure.choose()
    assert chosen.panels[0].x.title == RATE
    assert chosen.panels[0].y.rows == ("Exc", "Inh")
    other, start, best = marks(chosen, "Points")
    assert [each.label.partition(":")[0] for each in (start, best)] == ["start values", "best"]
    assert [each.x.tolist() for each in (other, start, best)] == [[5, 15], [2, 6], [4, 12]]
    assert np.rint(best.y).tolist() == [0, 1]
    wanted, of_start, of_best = marks(chosen, "Bars")
    room = 0.003 * np.diff(chosen.panels[0].x.domain)  # type: ignore[arg-type]
    np.testing.assert_allclose([*wanted.low, *wanted.high, *wanted.at], [1 - room[0], 4 + room[0], 0])
    assert [each.low.tolist() + each.high.tolist() for each in (of_start, of_best)] == [[0.5, 3.5], [2.5, 5.5]]


def test_what_is_wanted_of_a_stimulus_of_another_duration_is_not_wanted_of_the_longest(history: History) -> None:
    (wanted,) = wanted_of(history, f"Exc: {RATE}")
    assert wanted.label == "rate"
    entries = [{**TARGETS[0], "duration": 500.0}, TARGETS[1]]
    values = np.zeros((1, 2))
    shorter, _ = describe_targets({"targets": entries}, ("rate", "cv"), values, values)
    assert wanted_of(replace(history, targets=shorter), f"Exc: {RATE}") == []


def test_a_mean_that_no_target_wants_is_shown_alone(history: History) -> None:
    chosen = figures.sheet_means(history).choose(mean=V)
    assert [each.x.tolist() for each in marks(chosen, "Points")] == [[], [], [-60]]
    assert not any(len(each.low) for each in marks(chosen, "Bars"))


def test_a_rate_over_time_is_beside_the_rate_that_is_wanted(history: History) -> None:
    figure = figures.traces(history)
    chosen = figure.choose(trace="Exc: rate, spontaneous")
    assert chosen.panels[0].x.title == "time (ms)"
    norm, wanted = marks(chosen, "Span")
    assert (norm.low, norm.high, wanted.low, wanted.high) == (-1, 6, 1, 4)
    other = figure.choose(trace="Inh: rate, spontaneous")
    assert np.isnan([each.low for each in marks(other, "Span")]).all()
    np.testing.assert_allclose(marks(other, "Line")[-1].x, [5, 15])


def test_a_curve_is_over_its_own_axis_with_the_spread_over_cells(history: History) -> None:
    chosen = figures.traces(history).choose(trace="Exc: size tuning, contrast 100 %")
    assert chosen.panels[0].x.title == "radius (deg)"
    assert "standard deviation (shaded)" in chosen.caption
    of_start, of_best = marks(chosen, "Band")
    for band, rate in ((of_start, 2), (of_best, 4)):
        np.testing.assert_allclose(band.x, SIZES)
        np.testing.assert_allclose(band.low, SIZES)
        np.testing.assert_allclose(band.high, SIZES + 2 * rate)
    assert marks(chosen, "Line")[-1].y.tolist() == (SIZES + 4).tolist()


def test_rasters_have_the_same_cells_in_the_order_of_their_numbers(history: History) -> None:
    of_start, raster, _ = figures.events(history).choose().panels
    assert of_start.y.rows == raster.y.rows == ("7", "13", "102")
    for panel, rows in ((of_start, [2, 1, 1]), (raster, [2, 1, 0])):
        (points,) = panel.marks
        assert points.y.tolist() == rows  # type: ignore[union-attr]


def test_numbers_of_other_kinds_are_no_means_of_sheets(tmp_path: Path) -> None:
    other = Recordings({"mean": 1.0, "a: b": 2.0}, {"v": Trace([0, 1], [0, 1])})
    history = History.of(Checkpoint(make_run(tmp_path / "run", recordings=lambda _g, _i: other).checkpoint))
    assert "sheet_means" not in [kind.name for section in sections_of(history) for kind in section.figures]
    assert figures.sheet_means(history).empty
