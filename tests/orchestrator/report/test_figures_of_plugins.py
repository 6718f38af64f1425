"""The page shows the figures that are registered, and figures show what is there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import report_runs
from posterior_runs import checks_of, samples_of
from report_runs import config, give_sets, make_run, model_state

from orchestrator.checkpoint import Checkpoint
from orchestrator.data.freezing import write_data
from orchestrator.records import Origin
from orchestrator.report import History, figures
from orchestrator.report.figures.registry import SECTIONS, figure, known_figures, sections_of
from orchestrator.report.page import write_report
from orchestrator.report.scene import Axis, Figure, Line, Panel
from orchestrator.report.summary import tiles
from targets import Events, Recordings, Trace
from targets.plugins import PluginError

pytestmark = pytest.mark.drawing

OF_THE_SEARCH = {"search_distribution", "learnt_correlation"}


@pytest.fixture
def own_figure() -> Iterator[None]:
    @figure(section="search", order=30, needs=("width",))
    def width_by_generation(run: Checkpoint | History) -> Figure:
        history = History.of(run)
        width = history.distribution["width"]
        panel = Panel(Axis("generation", (0, 3)), Axis("width"), (Line(history.numbers.astype(float), width),))
        return Figure("width_by_generation", "Width of the search", panels=(panel,))

    yield
    del known_figures()._plugins["width_by_generation"], known_figures()._origins["width_by_generation"]


def shown(page: str) -> list[str]:
    return re.findall(r'<figure id="(\w+)"', page)


def page_of(directory: Path, **changes: Any) -> str:
    run = make_run(directory / "run", **changes)
    return write_report([run], directory / "report.html").read_text()


def test_all_figures_of_one_run_are_on_the_page_in_their_sections(tmp_path: Path) -> None:
    rmse = {"class": "TraceRMSE", "trace": "v", "data": "measured", "norm": 1, "name": "Rate(exc)"}
    number = {"class": "ReturnedValue", "key": "k", "target_value": 0.0, "norm": 0.5, "name": "CV(exc)"}
    text = config(("sheets.exc.w", "sheets.inh.w"), (), targets=[rmse, number])
    mean = {"Exc: mean rate (Hz), spontaneous": 3.0}
    left = Recordings(mean, traces={"v": Trace([0, 1], [2, 3])}, events={"spikes": Events([0.5])})
    run = make_run(tmp_path / "run", state=model_state(), text=text, recordings=lambda _g, _i: left)
    write_data({"measured": Trace([0, 1], [1, 1])}, run.data)
    names = ("sheets.exc.w", "sheets.inh.w")
    samples_of(names, **checks_of(names, ("Rate(exc)", "CV(exc)"))).write(run.posterior)
    give_sets(run)
    page = write_report([run], tmp_path / "report.html").read_text()
    known = {name for name in figures.__all__ if name[0].islower() and not name.startswith("compare")}
    # every generation was waited for
    assert set(shown(page)) == known - {"hours_saved"}
    found = re.findall(r'<section id="(\w+)"', page)
    assert found == [*(name for name in SECTIONS if name != "more"), "best", "failures", "methods", "configuration"]
    first = ["score_by_generation", "fit_and_validation", "sheet_means", "traces", "trace_residuals", "events"]
    assert shown(page)[:6] == first


@pytest.mark.usefixtures("own_figure")
def test_an_own_figure_stands_in_its_section_if_the_optimiser_has_what_it_needs(tmp_path: Path) -> None:
    page = page_of(tmp_path, state={"width": 0.2})
    assert "width_by_generation" in shown(page)
    assert "Width of the search" in page
    assert not OF_THE_SEARCH & set(shown(page))
    (tmp_path / "usual").mkdir()
    usual = page_of(tmp_path / "usual")
    assert "width_by_generation" not in shown(usual)
    assert set(shown(usual)) >= OF_THE_SEARCH


@pytest.mark.usefixtures("no_layout")
@pytest.mark.parametrize("state", [{}, {"width": 0.2}, {"sigma": 0.3}], ids=str)
def test_an_optimiser_without_a_distribution_has_a_report(tmp_path: Path, state: Mapping[str, Any]) -> None:
    page = page_of(tmp_path, state=state)
    assert not OF_THE_SEARCH & set(shown(page))
    assert '<section id="search"' not in page
    history = History.of(Checkpoint(tmp_path / "run"))
    for make in (figures.parameters_in_bounds, figures.parameter_exploration):
        drawn = make(history)
        assert not [mark for panel in drawn.panels for mark in panel.marks if "search" in getattr(mark, "label", "")]
        assert drawn.save(tmp_path / "figure.png", dpi=40).stat().st_size


def test_a_run_that_did_not_evaluate_the_start_says_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_runs, "origin_of", lambda _g, _i: Origin.SAMPLE)
    page = page_of(tmp_path)
    history = History.of(Checkpoint(tmp_path / "run"))
    assert history.start is None
    assert "start values" not in " ".join(tile.text for tile in tiles(history))
    for section in sections_of(history):
        for kind in section.figures:
            marks = [mark for panel in kind.draw(history).panels for mark in panel.marks]
            assert not [mark for mark in marks if "start" in getattr(mark, "label", "")]
    assert shown(page)


def test_a_figure_of_no_section_is_refused() -> None:
    with pytest.raises(PluginError, match=r"no section 'serch' of the report; known: scores, recordings, targets"):
        figure(section="serch")
