"""What a report shows of traces and events: those that are kept, over the measured ones."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_runs import Page, config, make_run
from typer.testing import CliRunner

from orchestrator.checkpoint import Checkpoint
from orchestrator.cli import app
from orchestrator.data.freezing import write_data
from orchestrator.paths import RunPaths
from orchestrator.report import History, figures, summary, write_report
from orchestrator.report.drawing import _draw
from orchestrator.report.figures.registry import sections_of
from orchestrator.status import Watcher
from orchestrator.status.described import Best
from targets import Events, Recordings, Trace
from targets.recordings.file import load

TIMES = np.arange(0.0, 10.0, 0.5)
MEASURED = Trace(TIMES[:10], np.full(10, 1000.0), "uV")
START, BEST, OTHER, LOST = (0, 0), (1, 2), (0, 3), (9, 9)


def left(generation: int, index: int) -> Recordings | None:
    if (generation, index) not in (START, BEST, OTHER):
        return None
    size = 1.0 + index
    labels = ["L2", "L5", "L2", "L5", "L5", "L5"][: 3 + index]
    traces = {"v": Trace(TIMES / 1000, [np.full(20, size), np.full(20, size + 2)], "mV", "s"), "w": Trace(TIMES, TIMES)}
    return Recordings({"rate": size}, traces, {"spikes": Events(np.arange(3.0 + index), labels)})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    targets = [
        {"class": "TraceRMSE", "trace": "v", "data": "recorded", "norm": 1, "name": "fit"},
        {"class": "EventCount", "events": "spikes", "data": "counted", "norm": 1, "window": [0, 10], "name": "count"},
    ]
    data = {"recorded": {"file": "v.csv"}, "counted": {"file": "s.csv"}}
    paths = make_run(
        tmp_path_factory.mktemp("recordings") / "run",
        targets=("fit", "count"),
        generations=2,
        values=lambda g, i, _rng: [0.1 if (g, i) == BEST else 5.0 + i, 0.0],
        text=config(("sheets.exc.w", "sheets.inh.w"), (), targets=targets, data=data),
        recordings=left,
    )
    write_data({"recorded": MEASURED, "counted": Events([1.0, 2.0])}, paths.data)
    return paths


@pytest.fixture(scope="module")
def history(run: RunPaths) -> History:
    return History.of(Checkpoint(run.checkpoint))


def line(figure: Any, label: str) -> Any:
    (found,) = [mark for mark in figure.panels[0].marks if label in getattr(mark, "label", "")]
    return found


def test_traces_of_start_best_and_others_lie_over_the_measured_one_in_its_unit(history: History) -> None:
    figure = figures.traces(history).choose(trace="v")
    assert figure.panels[0].x.title == "time (ms)"
    assert figure.panels[0].y.title == "v (uV)"
    for label, value in (
        ("start values", 2000),
        ("best: generation 1 offspring 2", 4000),
        ("generation 0 offspring 3", 5000),
    ):
        drawn = line(figure, label)
        np.testing.assert_allclose(drawn.x, TIMES)
        np.testing.assert_allclose(drawn.y, value)
    np.testing.assert_allclose(line(figure, "measured").y, 1000)


def test_a_trace_that_no_target_compares_is_shown_alone(history: History) -> None:
    figure = figures.traces(history).choose(trace="w")
    np.testing.assert_allclose(line(figure, "best").y, TIMES)
    assert not len(line(figure, "measured").x)


def test_what_is_left_of_the_difference_is_below(history: History) -> None:
    figure = figures.trace_residuals(history).choose(trace="v")
    np.testing.assert_allclose(line(figure, "best").x, MEASURED.times)
    np.testing.assert_allclose(line(figure, "best").y, 3000)
    np.testing.assert_allclose(line(figure, "start values").y, 1000)


def test_events_are_a_raster_by_label_and_a_histogram(history: History) -> None:
    figure = figures.events(history).choose(recorded="best: generation 1 offspring 2")
    of_start, raster, histogram = figure.panels
    assert (of_start.title, raster.title) == ("raster of the start values", "raster")
    assert of_start.x.domain == raster.x.domain
    (points,) = of_start.marks
    assert points.x.tolist() == [0, 1, 2]  # type: ignore[union-attr]
    assert raster.y.rows == ("L2", "L5")
    (points,) = raster.marks
    assert points.x.tolist() == [0, 1, 2, 3, 4]  # type: ignore[union-attr]
    assert points.y.tolist() == [0, 1, 0, 1, 1]  # type: ignore[union-attr]
    bars, measured = histogram.marks
    assert bars.high.sum() / 2 == 5  # type: ignore[union-attr]
    assert measured.y.sum() / 2 == 2  # type: ignore[union-attr]


@pytest.mark.drawing
def test_a_saved_raster_has_every_row(history: History) -> None:
    """All events were drawn on one line."""
    figure = figures.events(history).choose(recorded="best: generation 1 offspring 2")
    (points,) = _draw(figure, 6.0).axes[1].collections
    assert points.get_offsets()[:, 1].tolist() == [0, 1, 0, 1, 1]


def test_a_run_without_recordings_has_no_such_section(tmp_path: Path) -> None:
    history = History.of(Checkpoint(make_run(tmp_path / "run").checkpoint))
    assert "recordings" not in [section.id for section in sections_of(history)]
    assert figures.traces(history).empty == "No traces or events are kept of any evaluation."


def test_data_that_are_not_beside_the_run_any_more_are_said(run: RunPaths, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.h5").write_bytes(run.checkpoint.read_bytes())
    figure = figures.traces(Checkpoint(tmp_path))
    assert "The measured data are not beside the run" in figure.caption
    np.testing.assert_allclose(line(figure.choose(trace="v"), "best").y, 4)


@pytest.mark.drawing
def test_the_page_has_them(run: RunPaths, tmp_path: Path) -> None:
    page = Page(write_report([run], tmp_path / "report.html"))
    assert [figure["name"] for figure in page.data["figures"]][1:4] == ["traces", "trace_residuals", "events"]
    assert "Recordings" in page.text
    figures.traces(Checkpoint(run.checkpoint)).save(tmp_path / "traces.png", trace="v")


def printed(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    return result.output + (f"{result.exception}" if result.exception else "")


def test_best_writes_its_traces_and_events(run: RunPaths, tmp_path: Path) -> None:
    assert printed("best", run.directory, "--traces", tmp_path / "best.npz") == f"Written: {tmp_path / 'best.npz'}\n"
    found = load(tmp_path / "best.npz", tmp_path)
    np.testing.assert_allclose(found.traces["v"].rows[1], 5)
    assert len(found.events["spikes"]) == 5
    printed("best", run.directory, "--traces", tmp_path / "best.csv")
    with (tmp_path / "best.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 20 + 20 + 5 + 1
    assert rows[0] == {"name": "v", "row": "0", "time": "0.0", "time unit": "s", "value": "3.0", "unit": "mV"}
    assert rows[-2]["value"] == "L5"
    assert (rows[-1]["name"], rows[-1]["time"], rows[-1]["value"]) == ("rate", "", "3.0")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--traces", "best.txt"], "expected a file .npz or .csv, got best.txt"),
        (["--traces", "best.npz", "--rank", 3], "no traces or events are kept of generation"),
        (["--traces", "best.npz", "--rank", 99], "from 1 to 8, got 99"),
        (["--traces", "best.npz", "--top", 2], "--rank says which of the best"),
        (["--traces", "nowhere/best.npz"], "cannot be written: No such file or directory"),
    ],
)
def test_traces_that_cannot_be_written_are_one_message(run: RunPaths, options: list[Any], message: str) -> None:
    assert message in printed("best", run.directory, *options)


def test_the_value_of_a_run_with_one_target_is_told_in_its_unit(tmp_path: Path) -> None:
    described = [{"unit": "nAm", "sheet": "", "norm": 1.0, "max_score": 20.0, "low": 0.0, "high": 0.0, "entry": 0}]
    paths = make_run(
        tmp_path / "run", targets=("fit",), values=lambda g, i, _rng: [3.0 - 0.4 * g - 0.1 * i], described=described
    )
    history = History.of(Checkpoint(paths.checkpoint))
    assert summary.tiles(history)[0].text.endswith("fit 1.9 nAm (0); generation 2, offspring 3")
    assert Watcher(paths).look().best == Best(pytest.approx(3.8), 2, 3, "sample", "fit 1.9 nAm")
