"""Figures as SVG in the page, for readers without JavaScript."""

from __future__ import annotations

import math
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from report_runs import NASTY, config, make_run

from orchestrator.checkpoint import Checkpoint
from orchestrator.optimisers.space import Parameter
from orchestrator.records import Outcome
from orchestrator.report import History, figures, write_report
from orchestrator.report.domains import around, central, from_zero, log_domain, parameter_domain
from orchestrator.report.palette import BLUE, INK, NO_VALUE
from orchestrator.report.scene import (
    Axis,
    Band,
    Bars,
    Figure,
    Heat,
    Line,
    Mark,
    Panel,
    Pick,
    Points,
    Rule,
    Selector,
    Span,
    Taken,
)
from orchestrator.report.svg import static
from orchestrator.report.svg.figures import MARKS
from orchestrator.report.svg.scales import AxisScale, Colours, number, ticks_of

NAN, LARGEST = math.nan, sys.float_info.max


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
    html = static(Figure("f", "A figure", panels=(panel,), choices=(Selector("which", "Which", ("one", "other"), 1),)))
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


@pytest.mark.parametrize("numbers", [(-LARGEST, 1.0, LARGEST), (LARGEST,), (5e-324,), (1e10, 1e10 + 2e-6)], ids=str)
def test_ends_of_axes_hold_whatever_a_float_holds(numbers: tuple[float, ...]) -> None:
    for low, high in (around(numbers), from_zero(numbers), central(np.array(numbers))):
        assert low < high
        assert math.isfinite(high - low)
    low, high = log_domain(numbers)
    assert 0 < low < high < math.inf
    svg = drawn(
        Points(np.array(numbers), np.array(numbers), BLUE), x=Axis("x", around(numbers)), y=Axis("y", (0.0, 1.0))
    )
    assert not re.search("nan|inf", path_of(svg, BLUE))


def test_bounds_may_be_far_apart() -> None:
    low, high = parameter_domain(Parameter("x", 1e-300, 1e300, log=True))
    assert 0 < low < 1e-300
    assert 1e300 < high < math.inf
    assert AxisScale(Axis("x", (low, high), "log"), 0.0, 100.0).place(1.0) == pytest.approx(50.0, abs=0.1)


def test_what_is_beyond_drawing_is_left_out() -> None:
    panels = [
        Panel(Axis("x", (0.0, 1.0)), Axis("y", ends, "log"), (), title)
        for ends, title in (((-1, 1), "a"), ((1, 2), "b"))
    ]
    mark = Points(np.ones(1), np.ones(1), BLUE)
    html = static(Figure("f", "A figure", panels=tuple(replace(each, marks=(mark,)) for each in panels)))
    assert re.findall("<h4>(.)</h4>", html) == ["b"]


@pytest.mark.drawing
def test_one_enormous_value_does_not_end_the_report(tmp_path: Path) -> None:
    enormous = {1: LARGEST / 2, 2: -LARGEST / 2}
    bounds = {"wide": {"bounds": [1e-300, 1e300], "scale": "log"}, "far": [-1e308, 1e308]}
    run = make_run(
        tmp_path / "run",
        parameters=list(bounds),
        values=lambda g, i, _rng: [enormous.get(i, 1.0) if g else 0.5, 0.1 * i],
        scores=lambda found: np.minimum(np.abs(found), 20.0),
        text=config(list(bounds), ["Rate(exc)", "CV(exc)"], parameters=bounds),
    )
    page = write_report([run], tmp_path / "report.html").read_text()
    assert page.count('<svg viewBox="0 0') > 20


def test_ticks_are_round_and_inside() -> None:
    assert ticks_of(Axis(domain=(0.0, 1.03)), 5) == [0.0, 0.5, 1.0]
    assert ticks_of(Axis(domain=(-0.3, 3.3), whole=True), 8) == [0.0, 1.0, 2.0, 3.0]
    assert ticks_of(Axis(domain=(0.5, 2000.0), scale="log"), 8) == [1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0]
    # of ends that are too far apart or too near for a float
    for low, high in ((0.0, math.inf), (-LARGEST, LARGEST), (1.0, 1.0), (0.0, 5e-324), (math.nan, 1.0)):
        assert ticks_of(Axis(domain=(low, high)), 5) == []
    assert ticks_of(Axis(domain=(0.0, 1.0), scale="log"), 5) == []
    wide = ticks_of(Axis(domain=(1e-300, 1e300), scale="log"), 5)
    assert len(wide) > 2
    assert set(np.diff(np.log10(wide)).round(6)) == {120.0}
    assert [number(value) for value in (0.0, -0.5, 1e7, 2.5e-6, 1234.0)] == ["0", "−0.5", "1e7", "2.5e−6", "1234"]


def test_places_and_colours() -> None:
    scale = AxisScale(Axis(domain=(0.0, 10.0)), 100.0, 0.0)
    np.testing.assert_allclose(scale.place(np.array([0.0, 5.0, 10.0])), [100.0, 50.0, 0.0])
    np.testing.assert_allclose(scale.clamped(np.array([-5.0, 20.0])), [100.0, 0.0])
    assert scale.step == 10.0
    colours = Colours(((0.0, "#000000"), (1.0, "#ff0000"), (2.0, "#00ff00")))
    assert [colours.of(value) for value in (-1.0, 1.0, 9.0)] == ["rgb(0,0,0)", "rgb(255,0,0)", "rgb(0,255,0)"]
