"""Figures as files: what matplotlib draws of each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from posterior_runs import checks_of, samples_of
from report_runs import NASTY, give_sets, make_run

from orchestrator.checkpoint import Checkpoint
from orchestrator.paths import RunPaths
from orchestrator.report import figures
from orchestrator.report.drawing import _draw
from orchestrator.report.palette import score_stops
from orchestrator.report.scene import Axis, Figure, Heat, Panel

pytestmark = pytest.mark.drawing

ONE_RUN = sorted(name for name in figures.__all__ if name[0].islower() and not name.startswith("compare"))
# what a figure is saved as here: those with lines and points, bars, cells as each, the others as one of them
BEGINNINGS = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}
ALL_KINDS = ("jobs_at_once", "learnt_correlation", "parameter_exploration")
SAVED = [
    (name, suffix)
    for n, name in enumerate(ONE_RUN)
    for suffix in (BEGINNINGS if name in ALL_KINDS else [list(BEGINNINGS)[n % 3]])
]
SEVERAL = ["compare_parameters", "compare_scores", "compare_targets"]


@pytest.fixture(scope="module")
def run(run: Checkpoint) -> Checkpoint:
    """A run of which everything is drawn."""
    checks = checks_of(run.parameter_names, run.target_labels)
    samples_of(run.parameter_names, **checks).write(RunPaths(run.path.parent).posterior)
    give_sets(RunPaths(run.path.parent))
    return run


def test_every_figure_is_tested() -> None:
    assert len(ONE_RUN) == 40
    assert sorted([*ONE_RUN, *SEVERAL, "Figure", "History"]) == sorted(figures.__all__)


@pytest.fixture
def no_fonts_embedded() -> Iterator[None]:
    """PDF with the fonts that every reader has: to embed others takes longer than all the rest."""
    with mpl.rc_context({"pdf.use14corefonts": True}):
        yield


@pytest.mark.usefixtures("no_fonts_embedded")
@pytest.mark.parametrize(("name", "suffix"), SAVED)
def test_a_figure_is_saved_as_png_svg_and_pdf(name: str, suffix: str, run: Checkpoint, tmp_path: Path) -> None:
    figure: Figure = getattr(figures, name)(run)
    assert figure.title
    assert not figure.empty
    path = figure.save(tmp_path / f"{name}{suffix}", width=5, dpi=60)
    assert path.read_bytes().startswith(BEGINNINGS[suffix])
    assert list(tmp_path.iterdir()) == [path]


def test_a_pdf_has_its_fonts_with_it(run: Checkpoint, tmp_path: Path) -> None:
    assert b"/FontFile2" in figures.score_by_generation(run).save(tmp_path / "f.pdf").read_bytes()


def test_figures_of_several_runs_are_saved(run: Checkpoint, tmp_path: Path) -> None:
    for name in SEVERAL:
        text = getattr(figures, name)([run, run]).save(tmp_path / f"{name}.svg").read_text()
        assert "1: run" in text
        assert "2: run" in text


def test_names_are_drawn_as_they_are(tmp_path: Path) -> None:
    odd = [*NASTY[2:3], "$x$ \\frac"]
    own = make_run(tmp_path / "run", parameters=odd, targets=odd)
    text = figures.target_scores(Checkpoint(own.checkpoint)).save(tmp_path / "f.svg").read_text()
    assert "$x$ \\frac" in text
    assert "&lt;/script&gt;&lt;img src=x" in text


@pytest.mark.usefixtures("no_layout")
def test_the_same_run_gives_the_same_file(run: Checkpoint, tmp_path: Path) -> None:
    one, other = (figures.score_by_generation(run).save(tmp_path / f"{n}.svg").read_bytes() for n in "ab")
    assert one == other


@pytest.mark.usefixtures("no_layout")
def test_a_figure_of_nothing_says_why(tmp_path: Path) -> None:
    empty = Checkpoint(make_run(tmp_path / "run", generations=0).checkpoint)
    for name in ONE_RUN:
        figure = getattr(figures, name)(empty)
        assert figure.empty == "No generation is complete yet."
        assert figure.save(tmp_path / f"{name}.png", dpi=40).stat().st_size > 0


def test_a_notebook_shows_a_figure(run: Checkpoint) -> None:
    assert figures.target_scores(run)._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("max_score", [20.0, 100.0, 1000.0])
def test_no_unmet_target_is_green_in_a_file(max_score: float) -> None:
    panel = Panel(Axis(), Axis(), (Heat(np.array([[0.9, 1.0, 1.1, max_score]]), score_stops(max_score)),))
    (mesh,) = _draw(Figure("f", "f", panels=(panel,)), 5).axes[0].collections
    red, green, _, _ = mesh.cmap(mesh.norm(np.array([0.5, 0.9, 1.0, 1.1, 1.5, max_score]))).T
    assert (green > red).tolist() == [True, True, True, False, False, False]
