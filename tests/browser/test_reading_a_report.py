"""A report read elsewhere: on a phone, in the dark, in a mail's preview, with the keyboard, in a paper."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from chromium import started
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab
from report_runs import config, make_run

from orchestrator.checkpoint import Checkpoint
from orchestrator.records import Outcome
from orchestrator.report import History, write_report
from targets import create_targets

pytestmark = pytest.mark.browser

PARAMETERS = [
    f"sheets.{layer}_cortex_{kind}.{name}.base_weight"
    for layer in ("l4", "l23")
    for kind in ("exc", "inh")
    for name in ("AfferentConnection", f"{layer}ExcRecurrentConnection", f"{layer}InhRecurrentConnection")
]
SPECS = [
    {"class": name, "sheet_name": f"V1_{kind}_L4", "target_value": 0.5, "norm": 0.5}
    for name in ("IrregularityTarget", "SynchronyTarget")
    for kind in ("Exc", "Inh")
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run with the names of a mozaik model."""
    directory = tmp_path_factory.mktemp("reading")
    labels = [target.label for target in create_targets(SPECS)]
    run = make_run(
        directory / "20261126-120000_Optimization",
        parameters=PARAMETERS,
        targets=labels,
        generations=5,
        size=8,
        text=config(PARAMETERS, [], targets=SPECS),
        outcome=lambda _g, i: Outcome.EXPLODED if i == 7 else Outcome.OK,
    )
    return write_report([run], directory / "report.html")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    context = browser.new_context(offline=True, accept_downloads=True)
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(f"console {message.type}: {message.text}"))
    tab.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    yield tab
    context.close()
    assert complaints == []


def shown(tab: Tab, page: Path) -> None:
    tab.goto(page.as_uri())
    tab.wait_for_selector("html[data-drawn=all]", state="attached")


def overflow(tab: Tab) -> int:
    return int(tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (800, "light"), (390, "dark")])
def test_figures_are_there_without_javascript(width: int, scheme: str, report: Path, browser: Browser) -> None:
    context = browser.new_context(
        offline=True, java_script_enabled=False, color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    tab = context.new_page()
    tab.goto(report.as_uri())
    figures = tab.locator("figure")
    assert figures.count() == 23
    for figure in figures.all():
        pictures = figure.locator(".wide svg")
        assert pictures.count() >= 1 or figure.locator(".empty").count()
        for picture in pictures.all():
            box = picture.bounding_box()
            assert box is not None
            assert box["width"] >= 300
            assert box["height"] > 40
    assert "of: the best: generation" in tab.locator("#target_scores").inner_text().lower()
    # nothing is cut off at the edge of a picture
    for name in tab.locator("#values_against_targets text.note").all():
        right = tab.locator("#values_against_targets .wide svg").bounding_box()
        own = name.bounding_box()
        assert own is not None
        assert right is not None
        assert own["x"] + own["width"] <= right["x"] + right["width"] + 1
    assert overflow(tab) <= 0
    context.close()


def test_names_on_a_phone_tell_rows_apart(report: Path, tab: Tab) -> None:
    tab.set_viewport_size({"width": 390, "height": 844})
    shown(tab, report)
    rows = tab.locator("#parameters_in_bounds svg[role=img] text.name").all_text_contents()
    assert len(rows) == len(PARAMETERS)
    for first in range(0, len(rows), 3):
        assert len(set(rows[first : first + 3])) == 3
    assert not [name for name in rows if "onnection" in name]  # what all long names end with
    headings = tab.locator("#parameters_in_bounds svg[role=img] text.heading").all_text_contents()
    assert headings == ["l4_cortex_exc", "l4_cortex_inh", "l23_cortex_exc", "l23_cortex_inh"]
    # the whole name on hovering
    plot = tab.locator("#parameters_in_bounds svg[role=img]")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    tab.mouse.move(box["x"] + 200, box["y"] + 8 + 22 * 1.5)
    assert PARAMETERS[0] in tab.locator("#tip").inner_text()


@pytest.mark.parametrize(("width", "media"), [(1280, "screen"), (390, "screen"), (720, "print")])
def test_whole_names_stand_in_a_table(width: int, media: Any, report: Path, tab: Tab) -> None:
    """Nothing is told on hovering on paper and on a screen that is touched."""
    tab.set_viewport_size({"width": width, "height": 844})
    shown(tab, report)
    tab.emulate_media(media=media)
    table = tab.locator("#configuration table.names")
    assert table.is_visible()
    rows = [row.locator("td").all_inner_texts() for row in table.locator("tr:has(td)").all()]
    labels = [target.label for target in create_targets(SPECS)]
    assert [whole for _, whole in rows] == [*PARAMETERS, *labels]
    # by what the other tables call them
    for row, (short, whole) in enumerate(rows):
        cell = tab.locator("#best .matrix tbody td:first-child").nth(row)
        assert (cell.text_content(), cell.get_attribute("title")) == (short, whole)
    scrolled = "element => element.scrollWidth - element.clientWidth"
    assert tab.locator("#configuration .scroll:has(table.names)").evaluate(scrolled) <= 0
    assert overflow(tab) <= 0


def test_a_row_below_a_heading_is_the_row_that_is_drawn(report: Path, tab: Tab) -> None:
    shown(tab, report)
    heat = tab.locator("#target_scores_by_generation svg[role=img]")
    box = heat.bounding_box()
    assert box is not None
    # second row of the second group: the last target
    heat.click(position={"x": box["width"] * 0.7, "y": 8 + 17 * 5.5})
    assert tab.locator("#target_by_generation select").input_value() == "3"
    # a heading is nothing to choose
    heat.click(position={"x": box["width"] * 0.7, "y": 8 + 17 * 0.5})
    assert tab.locator("#target_by_generation select").input_value() == "3"


def test_a_page_is_dark_where_that_is_wanted(report: Path, browser: Browser) -> None:
    ink = "getComputedStyle(document.querySelector('#score_by_generation path[stroke=\"#1d2733\"]')).stroke"
    paper = "getComputedStyle(document.body).backgroundColor"
    seen = {}
    for scheme in ("light", "dark"):
        context = browser.new_context(offline=True, color_scheme=scheme)  # type: ignore[arg-type]
        tab = context.new_page()
        shown(tab, report)
        seen[scheme] = [brightness(tab.evaluate(each)) for each in (ink, paper)]
        tab.emulate_media(media="print")
        assert brightness(tab.evaluate(paper)) > 250
        assert brightness(tab.evaluate(ink)) < 60
        context.close()
    assert seen["light"][1] - seen["light"][0] > 180
    assert seen["dark"][0] - seen["dark"][1] > 180


def brightness(colour: str) -> float:
    return sum(float(part) for part in re.findall(r"[\d.]+", colour)[:3]) / 3


def saved(tab: Tab, figure: str, kind: str) -> bytes:
    with tab.expect_download() as download:
        tab.locator(f"#{figure} .save button", has_text=kind).click()
    assert download.value.suggested_filename == f"{figure}.{kind.lower()}"
    return Path(download.value.path()).read_bytes()


def test_a_figure_is_saved_as_svg_and_png(report: Path, tab: Tab) -> None:
    shown(tab, report)
    for figure in ("score_by_generation", "values_against_targets", "parameter_target_correlation", "wall_time"):
        svg = ET.fromstring(saved(tab, figure, "SVG"))
        assert svg.tag == "{http://www.w3.org/2000/svg}svg"
        width = float(svg.attrib["width"])
        for path in svg.iter("{http://www.w3.org/2000/svg}path"):
            assert "NaN" not in path.attrib["d"]
        title = tab.locator(f"#{figure} h3").inner_text()
        assert title in "".join(svg.itertext())
        png = saved(tab, figure, "PNG")
        assert png[:8] == b"\x89PNG\r\n\x1a\n"
        assert abs(int.from_bytes(png[16:20], "big") - 2 * width) <= 2
        assert len(png) > 5000


def test_what_is_drawn_over_a_figure_is_saved_as_it_is_seen(report: Path, tab: Tab) -> None:
    """It was black, as whatever no rule in the file says anything of."""
    shown(tab, report)
    panel = tab.locator("#parallel_coordinates svg[role=img]")
    panel.drag_to(panel, source_position={"x": 300, "y": 60}, target_position={"x": 500, "y": 60})
    picture = saved(tab, "parallel_coordinates", "SVG").decode()
    assert picture.count('class="brush"') == 1
    assert re.search(r"\.brush\{fill:#\w{6};fill-opacity:\.\d", picture)


def test_a_figure_is_saved_as_numbers(report: Path, tab: Tab) -> None:
    shown(tab, report)
    history = History.of(Checkpoint(report.parent / "20261126-120000_Optimization" / "checkpoint.h5"))
    rows = list(csv.DictReader(io.StringIO(saved(tab, "score_by_generation", "CSV").decode())))
    best = [float(row["y"]) for row in rows if row["series"] == "best so far"]
    assert best == pytest.approx(history.best_so_far(history.total), rel=1e-6)
    rows = list(csv.DictReader(io.StringIO(saved(tab, "target_scores", "CSV").decode())))
    found = {row["row"]: float(row["x"]) for row in rows if row["series"].startswith(("within", "beyond"))}
    assert found == pytest.approx(
        {each.label: history.scores[history.best, n] for n, each in enumerate(history.targets)}, rel=1e-6
    )
    # what is chosen is what is saved, and evaluations have their names
    tab.locator("#parameter_exploration select").select_option(index=1)
    rows = list(csv.DictReader(io.StringIO(saved(tab, "parameter_exploration", "CSV").decode())))
    measured = {(int(row["generation"]), int(row["offspring"])): float(row["y"]) for row in rows if row["offspring"]}
    expected = {
        (int(g), int(i)): history.points[n, 1]
        for n, (g, i) in enumerate(zip(history.generation, history.offspring, strict=True))
    }
    assert measured == pytest.approx(expected, rel=1e-6)


def test_figures_are_reached_with_the_keyboard(report: Path, tab: Tab) -> None:
    shown(tab, report)
    tab.locator("#parameter_exploration select").focus()
    for _ in range(8):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.getAttribute('role')") == "img":
            break
    assert tab.evaluate("document.activeElement.closest('figure').id") == "parameter_exploration"
    told = []
    for _ in range(3):
        tab.keyboard.press("ArrowRight")
        told.append(tab.locator("#tip").inner_text())
    assert len(set(told)) == 3  # from evaluation to evaluation
    tab.keyboard.press("Enter")
    assert tab.locator("#evaluation").is_visible()
    assert tab.locator("#evaluation h3").inner_text() in told[-1]
    tab.keyboard.press("Escape")
    # and from row to row
    tab.locator("#parameters_in_bounds svg[role=img]").focus()
    seen = []
    for key in ("ArrowDown", "ArrowDown", "ArrowUp"):
        tab.keyboard.press(key)
        seen.append(tab.locator("#tip strong").inner_text())
    assert seen == [PARAMETERS[0], PARAMETERS[1], PARAMETERS[0]]
    tab.keyboard.press("Tab")
    assert not tab.locator("#tip").is_visible()


def test_the_methods_are_copied(report: Path, tab: Tab) -> None:
    shown(tab, report)
    section = tab.locator("#methods")
    section.locator("button.copy").first.click()
    text = tab.evaluate("getSelection().toString()")
    assert "40 evaluations in 5 generations" in text
    section.locator("summary").last.click()
    section.locator("button.copy").last.click()
    assert "@software{mozaik_orchestrator," in tab.evaluate("getSelection().toString()")


def test_a_report_without_javascript_is_printed(report: Path, browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context(offline=True, java_script_enabled=False, color_scheme="dark")
    tab = context.new_page()
    tab.goto(report.as_uri())
    tab.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True, print_background=True)
    context.close()
    assert (tmp_path / "report.pdf").stat().st_size > 50_000
