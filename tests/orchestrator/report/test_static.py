"""Figures as SVG in the page, for readers without JavaScript."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from report_runs import NASTY, make_run

from orchestrator.checkpoint import Checkpoint
from orchestrator.records import Outcome
from orchestrator.report import History, figures
from orchestrator.report.palette import BLUE, INK, NO_VALUE
from orchestrator.report.scene import (
    Axis,
    Band,
    Bars,
    Choice,
    Figure,
    Heat,
    Line,
    Mark,
    Panel,
    Pick,
    Points,
    Rule,
    Span,
    Taken,
)
from orchestrator.report.svg import static
from orchestrator.report.svg.figures import MARKS
from orchestrator.report.svg.scales import Colours, Scale, number, ticks_of

NAN = math.nan


def parsed(figure: Figure) -> ET.Element:
    """Read what is written as XML, which forgives less than a browser."""
    return ET.fromstring(f"<div>{static(figure)}</div>")


def drawn(*marks: Mark, x: Axis | None = None, y: Axis | None = None) -> ET.Element:
    """Return the SVG of a panel with these marks."""
    panel = Panel(x or Axis("x", (0.0, 10.0)), y or Axis("y", (0.0, 10.0)), marks, height=100)
    found = parsed(Figure("f", "A figure", panels=(panel,))).find(".//div[@class='wide']/svg")
    assert found is not None
    return found


def path_of(svg: ET.Element, colour: str) -> str:
    return next(path.attrib["d"] for path in svg.iter("path") if colour in (path.get("stroke"), path.get("fill")))


def test_each_mark_is_one_path() -> None:
    x, y = np.array([0.0, 5.0, NAN, 10.0]), np.array([0.0, 10.0, 3.0, 99.0])
    line = path_of(drawn(Line(x, y, BLUE)), BLUE)
    assert line.count("M") == 2  # interrupted where there is no number
    assert line.count("L") == 1
    assert "NaN" not in line
    assert "H" in path_of(drawn(Line(x, y, BLUE, step=True)), BLUE)
    band = path_of(drawn(Band(x[:2], y[:2], y[:2] + 1, BLUE)), BLUE)
    assert band.startswith("M")
    assert band.endswith("z")
    assert band.count("L") == 3
    for symbol in ("dot", "ring", "cross", "diamond", "square", "triangle"):
        assert path_of(drawn(Points(x, y, BLUE, symbol=symbol)), BLUE).count("M") == 3
    assert path_of(drawn(Bars(np.zeros(2), np.array([1.0, NAN]), np.arange(2.0), BLUE)), BLUE).count("M") == 1
    assert path_of(drawn(Rule("x", 5.0, BLUE)), BLUE)
    assert not [path for path in drawn(Rule("x", 11.0, BLUE)).iter("path") if path.get("stroke") == BLUE]
    assert path_of(drawn(Span("y", -math.inf, math.inf, BLUE)), BLUE)
    assert not [path for path in drawn(Span("y", 20.0, 30.0, BLUE)).iter("path") if path.get("fill") == BLUE]


def test_no_kind_of_mark_is_forgotten() -> None:
    assert set(MARKS) == set(get_args(Mark))


def test_points_are_where_the_axes_say() -> None:
    svg = drawn(Points(np.array([1.0, 100.0]), np.array([0.0, 50.0]), BLUE), x=Axis("", (1.0, 100.0), "log"))
    places = [tuple(map(float, each.split("h")[0].split())) for each in path_of(svg, BLUE).split("M")[1:]]
    (left, bottom), (right, top) = places
    ticks = {text.text: float(text.attrib["x"]) for text in svg.iter("text") if text.get("class") == "tick"}
    assert left == pytest.approx(ticks["1"], abs=0.1)
    assert right == pytest.approx(ticks["100"], abs=0.1)
    assert (bottom, top) == (108.0, 8.0)  # what is beyond the axis is at its end


def test_cells_of_a_colour_share_a_path() -> None:
    cells = np.array([[0.0, 0.0, 1.0], [1.0, NAN, 1.0]])
    axis = Axis(domain=(-0.5, 1.5), rows=("a", "b"))
    svg = drawn(Heat(cells, ((0.0, "#000000"), (1.0, "#ffffff"))), x=Axis("generation", (-0.5, 2.5)), y=axis)
    fills = [path.get("fill") for path in svg.iter("path") if path.get("fill")]
    assert sorted(fills) == sorted(["rgb(0,0,0)", "rgb(255,255,255)", NO_VALUE])
    assert path_of(svg, "rgb(0,0,0)").count("M") == 1  # two cells beside each other are one


def test_rows_are_below_the_heading_of_their_group() -> None:
    axis = Axis(domain=(-0.5, 4.5), rows=("a", "b", "a"), slots=(1.0, 4.0, 2.0), headings=((0.0, "one"), (3.0, "two")))
    svg = drawn(Points(np.array([1.0, 2.0, 3.0]), np.arange(3.0), INK), y=axis)
    names = sorted(
        (float(text.attrib["y"]), text.text) for text in svg.iter("text") if text.get("class") in ("name", "heading")
    )
    assert [name for _, name in names] == ["one", "a", "a", "two", "b"]
    heights = [float(each.split()[1].split("h")[0]) for each in path_of(svg, INK).split("M")[1:]]
    assert heights[0] < heights[2] < heights[1]


def test_choices_are_those_that_are_made_first_and_told() -> None:
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    mark = Points(Taken(np.arange(4.0), np.array([0, 2])), Pick("which", tuple(values)), BLUE)
    panel = Panel(Axis("x", (0.0, 4.0)), Axis(Pick("which", ("one", "other")), (0.0, 4.0)), (mark,))
    html = static(Figure("f", "A figure", panels=(panel,), choices=(Choice("which", "Which", ("one", "other"), 1),)))
    assert "Which: other" in html
    assert ">other</text>" in html


def test_nothing_to_see_is_nothing() -> None:
    assert static(Figure("f", "A figure", empty="Nothing yet.")) == ""


@pytest.mark.drawing
def test_all_figures_of_a_run_are_whole_whatever_names_say(tmp_path: Path) -> None:
    def outcome(_generation: int, index: int) -> Outcome:
        return [Outcome.OK, Outcome.OK, Outcome.OK, Outcome.EXPLODED][index % 4]

    run = make_run(tmp_path / "run", parameters=NASTY, targets=NASTY, generations=4, size=8, outcome=outcome)
    history = History.of(Checkpoint(run.checkpoint))
    draws = [figures.score_by_generation, figures.target_scores, figures.values_against_targets, figures.wall_time]
    draws += [figures.parameters_in_bounds, figures.parameter_target_correlation, figures.target_by_generation]
    draws += [figures.target_scores_by_generation, figures.job_timeline, figures.search_distribution]
    for draw in draws:
        figure = draw(history)
        html = static(figure)
        assert len(ET.fromstring(f"<div>{html}</div>").findall(".//div[@class='wide']/svg")) == len(figure.panels)
        assert not re.search("NaN|inf|None|<script|<img", html)
        assert len(html) < 60_000


def test_ticks_are_round_and_inside() -> None:
    assert ticks_of(Axis(domain=(0.0, 1.03)), 5) == [0.0, 0.5, 1.0]
    assert ticks_of(Axis(domain=(-0.3, 3.3), whole=True), 8) == [0.0, 1.0, 2.0, 3.0]
    assert ticks_of(Axis(domain=(0.5, 2000.0), scale="log"), 8) == [1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0]
    assert [number(value) for value in (0.0, -0.5, 1e7, 2.5e-6, 1234.0)] == ["0", "−0.5", "1e7", "2.5e−6", "1234"]


def test_places_and_colours() -> None:
    scale = Scale(Axis(domain=(0.0, 10.0)), 100.0, 0.0)
    np.testing.assert_allclose(scale.place(np.array([0.0, 5.0, 10.0])), [100.0, 50.0, 0.0])
    np.testing.assert_allclose(scale.clamped(np.array([-5.0, 20.0])), [100.0, 0.0])
    assert scale.step == 10.0
    colours = Colours(((0.0, "#000000"), (1.0, "#ff0000"), (2.0, "#00ff00")))
    assert [colours.of(value) for value in (-1.0, 1.0, 9.0)] == ["rgb(0,0,0)", "rgb(255,0,0)", "rgb(0,255,0)"]
