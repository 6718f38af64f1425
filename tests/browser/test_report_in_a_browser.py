"""The report of a real run in headless Chromium, with the network off."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from chromium import started
from orchestrator_project import Project, origin_of
from playwright.sync_api import Browser, BrowserContext, Locator
from playwright.sync_api import Page as Tab
from report_runs import make_run, model_state

from orchestrator.paths import run_paths
from orchestrator.records import Origin
from orchestrator.report import write_report
from orchestrator.report.palette import GOOD

pytestmark = pytest.mark.browser

# x explodes beyond 0.95 and y raises beyond 1.5; the names are those of a mozaik model
MODEL = """
import math
from orchestrator.records import Outcome
from orchestrator.simulations.base import SimulationFailed

def simulate(parameters, directory):
    x, y = (parameters[name] for name in ("sheets.l4_exc.Connection.base_weight", "sheets.l4_inh.tau_m"))
    if x > 0.95:
        raise SimulationFailed(Outcome.EXPLODED, f"sheet V1_Exc_L4 fired at {100 + x:.1f} Hz")
    if y > 1.5:
        raise RuntimeError("</script><script>alert('log')</script> \\x1b[31mred\\x1b[0m")
    return {f"k{n}": math.sin(n + 1) * x + y * math.cos(n) for n in range(5)}
"""
CHANGES = {
    "parameters": {
        "sheets.l4_exc.Connection.base_weight": {"bounds": [0.01, 1], "scale": "log"},
        "sheets.l4_inh.tau_m": [-2, 2],
        "<script>alert('name')</script>": [0, 1],
        "sheets.retino_thalamic.K": {"bounds": [1, 9], "integer": True},
    },
    "optimiser_centroid": {
        "sheets.l4_exc.Connection.base_weight": 0.9,
        "sheets.l4_inh.tau_m": 1.4,
        "<script>alert('name')</script>": 0.5,
        "sheets.retino_thalamic.K": 5,
    },
    "targets": [
        {"class": "ReturnedValueRange", "key": "k0", "target_value": [0.1, 0.2], "norm": 0.1},
        {"class": "ReturnedValue", "key": "k1", "target_value": 0.3, "norm": 0.1},
        {"class": "ReturnedValueAtLeast", "key": "k2", "target_value": 0.2, "norm": 0.1},
        {"class": "ReturnedValueAtMost", "key": "k3", "target_value": 0.2, "norm": 0.1},
        {"class": "ReturnedValue", "key": "k4", "target_value": 0, "norm": 0.1, "name": "<img src=x onerror=alert(1)>"},
        {"class": "ReturnedValue", "key": "gone", "target_value": 0, "norm": 0.1},
    ],
    "offspring_size": 6,
    "max_ngen": 2,
    # of two generations a model knows nothing, and its figures say so
    "optimiser": {"model": "none"},
}


@dataclass
class Watched:
    """A tab, and everything that it did which it should not."""

    tab: Tab
    complaints: list[str] = field(default_factory=list)

    def open(self, page: Path) -> None:
        self.tab.goto(page.as_uri())
        self.tab.wait_for_selector("html[data-drawn=all]", state="attached")

    @property
    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(self.tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The report of a real run, and of the same beside its copy."""
    directory = tmp_path_factory.mktemp("browser")
    project = Project.create(directory / "model", CHANGES, model=MODEL)
    project.command("run", "config.yaml")
    shutil.copytree(project.runs[0], project.directory / "moved" / "copy")
    runs = [run_paths(run) for run in (project.runs[0], project.directory / "moved" / "copy")]
    one = write_report(runs[:1], directory / "report.html")
    return {"run": one, "comparison": write_report(runs, directory / "comparison.html")}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(offline=True, accept_downloads=False)
    yield context
    context.close()


@pytest.fixture
def watched(context: BrowserContext) -> Iterator[Watched]:
    watched = Watched(context.new_page())
    tab, complaints = watched.tab, watched.complaints
    tab.on("console", lambda message: complaints.append(f"console {message.type}: {message.text}"))
    tab.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    tab.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    opened: list[str] = []
    tab.on("request", lambda request: opened.append(request.url))
    yield watched
    # nothing but the file itself was asked for
    assert all(url.startswith("file://") and url.endswith(".html") for url in opened), opened
    assert complaints == []


def hover_everywhere(tab: Tab, figure: Locator) -> str:
    """Move the pointer over every panel of a figure; return all that was told."""
    told = ""
    for panel in figure.locator("svg[role=img]").all():
        panel.scroll_into_view_if_needed()
        box = panel.bounding_box()
        assert box is not None
        for across in (0.55, 0.75):
            for down in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7):
                tab.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] * down)
                if tab.locator("#tip").is_visible():
                    told += tab.locator("#tip").inner_text() + "\n"
    return told


def unfold(tab: Tab) -> None:
    for details in tab.locator("details").all():
        if details.get_attribute("open") is None:
            details.locator("summary").click()
    assert tab.locator("details:not([open])").count() == 0


def broken_marks(tab: Tab) -> int:
    """Count drawn elements whose attributes are no numbers."""
    return int(
        tab.evaluate(
            "[...document.querySelectorAll('.plot svg *')].filter(e => [...e.attributes]"
            ".some(a => /NaN|undefined|Infinity|null/.test(a.value))).length"
        )
    )


@pytest.mark.parametrize("name", ["run", "comparison"])
@pytest.mark.parametrize("width", [1280, 800, 390])
def test_a_report_fits_the_window(
    name: str, width: int, reports: dict[str, Path], watched: Watched, tmp_path: Path
) -> None:
    watched.tab.set_viewport_size({"width": width, "height": 900})
    watched.open(reports[name])
    figures = watched.tab.locator("figure")
    assert figures.count() == (23 if name == "run" else 3)
    for figure in figures.all():
        assert figure.locator("svg[role=img]").count() >= 1
    assert watched.overflow <= 0
    assert broken_marks(watched.tab) == 0
    unfold(watched.tab)
    assert watched.overflow <= 0
    picture = watched.tab.screenshot(path=tmp_path / f"{name}_{width}.png", full_page=True)
    assert len(picture) > 50_000


@pytest.mark.parametrize("name", ["run", "comparison"])
def test_every_control_draws_anew(name: str, reports: dict[str, Path], watched: Watched) -> None:
    tab = watched.tab
    watched.open(reports[name])
    used = 0
    for figure in tab.locator("figure").all():
        drawing = figure.locator(".plot")
        for control in figure.locator(".control").all():
            select, buttons = control.locator("select"), control.locator("button").all()
            seen = {drawing.inner_html()}
            if select.count():
                options = select.locator("option").count()
                assert options > 3
                for n in range(options):
                    select.select_option(index=n)
                    assert select.input_value() == str(n)
                    seen.add(drawing.inner_html())
                last = select.input_value()
                buttons[0].click()
                assert select.input_value() == str(int(last) - 1)
                buttons[1].click()
                assert select.input_value() == last
            else:
                for button in buttons:
                    button.click()
                    assert button.get_attribute("aria-pressed") == "true"
                    assert control.locator("[aria-pressed=true]").count() == 1
                    seen.add(drawing.inner_html())
            # the first look of a control is one of its options'
            assert len(seen) > 1, control.inner_text()
            used += 1
    assert used == (19 if name == "run" else 2)
    assert broken_marks(tab) == 0


def test_figures_that_share_a_choice_follow_each_other(reports: dict[str, Path], watched: Watched) -> None:
    tab = watched.tab
    watched.open(reports["run"])
    one, other = (tab.locator(f"#{name} select").last for name in ("target_by_generation", "parameter_against_target"))
    one.select_option(index=4)
    assert other.input_value() == "4"
    # a click on a row of the overview chooses its target
    heat = tab.locator("#target_scores_by_generation svg[role=img]")
    box = heat.bounding_box()
    assert box is not None
    heat.click(position={"x": box["width"] * 0.7, "y": 8 + 17 * 1.5})
    assert (one.input_value(), other.input_value()) == ("1", "1")


def test_hovering_tells_what_is_there(reports: dict[str, Path], watched: Watched) -> None:
    tab = watched.tab
    watched.open(reports["run"])
    told = {figure.get_attribute("id"): hover_everywhere(tab, figure) for figure in tab.locator("figure").all()}
    assert all(text.strip() for text in told.values()), told
    assert "best so far" in told["score_by_generation"]
    assert "ReturnedValue(k1)" in told["target_scores"]
    assert "sheets.l4_inh.tau_m" in told["parameters_in_bounds"]
    assert "<script>alert('name')</script>" in told["learnt_correlation"]


def test_a_click_on_an_evaluation_tells_everything_about_it(reports: dict[str, Path], watched: Watched) -> None:
    tab = watched.tab
    watched.open(reports["run"])
    plot = tab.locator("#parameter_exploration svg[role=img]").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    # along the start values, which are the first offspring: at 0.9 of a logarithmic axis
    for n in range(60, 240):
        tab.mouse.move(box["x"] + n, box["y"] + 20)
        if "offspring" in tab.locator("#tip").inner_text():
            break
    tab.mouse.move(box["x"] + n + 5, box["y"] + 20)  # not on the edge of its reach: clicks are at whole pixels
    tip = tab.locator("#tip").inner_text()
    assert "generation" in tip
    assert "base_weight" in tip
    tab.mouse.down()
    tab.mouse.up()
    card = tab.locator("#evaluation")
    assert card.is_visible()
    assert card.locator("tr").count() == 2 + 4 + 6
    assert card.locator("h3").inner_text() in tip
    tab.keyboard.press("Escape")
    assert not card.is_visible()


def test_failures_and_parameters_unfold(reports: dict[str, Path], watched: Watched) -> None:
    tab = watched.tab
    watched.open(reports["run"])
    unfold(tab)
    tab.locator("#best button.copy").click()
    assert tab.locator("#best button.copy").inner_text() in ("Copied", "Selected: copy with Ctrl+C")
    assert "optimiser_centroid" in tab.evaluate("getSelection().toString()")
    tab.locator("nav a", has_text="Failures").click()
    assert tab.url.endswith("#failures")


def test_a_report_is_printed_with_all_its_figures(reports: dict[str, Path], watched: Watched, tmp_path: Path) -> None:
    watched.open(reports["run"])
    watched.tab.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True, print_background=True)
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    # drawn anew for the window afterwards
    widths = "[...document.querySelectorAll('.plot svg[role=img]')].map(e => e.width.baseVal.value)"
    widest = max(watched.tab.evaluate(widths))
    assert widest > 900


def test_what_is_folded_is_printed(reports: dict[str, Path], watched: Watched) -> None:
    tab = watched.tab
    watched.open(reports["run"])
    folded = "[...document.querySelectorAll('details')].map(e => e.open)"
    before = tab.evaluate(folded)
    assert False in before
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert all(tab.evaluate(folded))
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.evaluate(folded) == before


@pytest.mark.parametrize("rows", [40, 120])
def test_a_large_figure_is_printed_on_one_page(rows: int, watched: Watched, tmp_path: Path) -> None:
    names, labels = [f"sheets.s{n}.w" for n in range(rows)], [f"Target {n}" for n in range(rows)]
    run = make_run(tmp_path / "run", parameters=names, targets=labels)
    tab = watched.tab
    watched.open(write_report([run], tmp_path / "report.html"))
    # a grid of many small panels may break between them
    figures = "[...document.querySelectorAll('figure:not([data-grid])')]"
    heights = f"{figures}.map(e => e.getBoundingClientRect().height)"
    screen = tab.evaluate(heights)
    tab.emulate_media(media="print")
    tab.set_viewport_size({"width": 703, "height": 1032})  # of A4 without its margins
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert max(tab.evaluate(heights)) < 1000
    assert broken_marks(tab) == 0
    # the names of rows that are drawn do not overlap
    overlaps = (
        "[...document.querySelectorAll('#parameters_in_bounds text.name')].map(e => e.getBoundingClientRect())"
        ".filter((box, n, all) => n && box.y - all[n - 1].y < 0.8 * box.height).length"
    )
    assert tab.evaluate(overlaps) == 0
    tab.emulate_media(media="screen")
    tab.set_viewport_size({"width": 1280, "height": 720})
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.evaluate(heights) == screen


@pytest.mark.parametrize("width", [1280, 390])
def test_the_figures_of_a_model_of_the_values_fit_and_tell_what_is_there(
    width: int, watched: Watched, tmp_path: Path
) -> None:
    origin = lambda g, i: Origin.MODEL if g and i % 2 else origin_of(g, i)  # noqa: E731
    labels = [f"SpontaneousActivity(V1_Exc_L{n})" for n in range(6)]
    run = make_run(tmp_path / "run", targets=labels, generations=12, origin=origin, state=model_state(n_targets=6))
    tab = watched.tab
    tab.set_viewport_size({"width": width, "height": 900})
    watched.open(write_report([run], tmp_path / "report.html"))
    section = tab.locator("#model")
    assert section.locator("figure").count() == 5
    right = "e => Math.max(...[...e.querySelectorAll('*')].map(each => each.getBoundingClientRect().right))"
    assert section.evaluate(right) <= width
    assert watched.overflow <= 0
    assert broken_marks(tab) == 0
    told = {figure.get_attribute("id"): hover_everywhere(tab, figure) for figure in section.locator("figure").all()}
    assert "proposals of the model" in told["origin_of_evaluations"]
    assert "mean of the last 10" in told["model_trust"]
    assert "1.2 / 0.8" in told["model_calibration"]
    assert "above the norm !" in told["model_noise"]
    assert "expected" in told["model_explosions"]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run with more evaluations, whose first value is a sum of parameters."""
    directory = tmp_path_factory.mktemp("many")
    values = lambda g, i, rng: [g / 10 - i / 16, rng.normal()]  # noqa: E731
    run = make_run(directory / "run", generations=10, size=16, values=values)
    return write_report([run], directory / "report.html")


def drag(tab: Tab, figure: str, begin: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw over the last panel of a figure; places are shares of its width, and pixels from its top."""
    panel = tab.locator(f"#{figure} svg[role=img]").last
    # not below what stays in sight
    panel.evaluate("e => scrollTo(0, e.getBoundingClientRect().top + scrollY - 120)")
    box = panel.bounding_box()
    assert box is not None
    tab.mouse.move(box["x"] + box["width"] * begin[0], box["y"] + begin[1])
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] * end[0], box["y"] + end[1], steps=4)
    tab.mouse.up()


def standing_out(tab: Tab, figure: str) -> tuple[int, int]:
    """Count the evaluations of the last panel of a figure that stand out, and all of them."""
    paths = tab.locator(f"#{figure} svg[role=img]").last.locator("path")
    told = paths.evaluate_all("all => all.map(e => ['d', 'opacity', 'fill'].map(name => e.getAttribute(name)))")
    # grids have no colour, and bars of what is wanted that of what is good
    marks = [(path.count("M"), float(opacity)) for path, opacity, fill in told if fill not in (None, GOOD)]
    return sum(count for count, opacity in marks if opacity >= 0.3), sum(count for count, _ in marks)


@pytest.mark.parametrize("width", [1280, 390])
def test_evaluations_that_are_chosen_along_rows_stand_out_everywhere(width: int, many: Path, watched: Watched) -> None:
    tab = watched.tab
    tab.set_viewport_size({"width": width, "height": 900})
    watched.open(many)
    assert watched.overflow <= 0
    bar = tab.locator("#chosen")
    assert not bar.is_visible()
    everything = standing_out(tab, "trade_off")[1]
    # the left half of the total score, and of the first parameter
    drag(tab, "parallel_coordinates", (0.1, 18), (0.72, 18))
    one = int(bar.inner_text().split()[0])
    drag(tab, "parallel_coordinates", (0.1, 38), (0.72, 40))
    both = int(bar.inner_text().split()[0])
    assert 0 < both < one < 160
    assert tab.locator("#parallel_coordinates rect.brush").count() == 2
    assert not tab.locator("#evaluation").is_visible()
    # the best is a mark of its own
    assert standing_out(tab, "trade_off") == (both + 1, everything)
    assert watched.overflow <= 0
    bar.locator("button", has_text="Best of them").click()
    assert tab.locator("#evaluation h3").inner_text().startswith("generation ")
    tab.keyboard.press("Escape")
    assert not bar.is_visible()
    assert standing_out(tab, "trade_off") == (everything, everything)
    assert broken_marks(tab) == 0


def test_a_box_around_points_of_the_front_chooses_lines(many: Path, watched: Watched) -> None:
    tab = watched.tab
    watched.open(many)
    drag(tab, "trade_off", (0.2, 20), (0.6, 300))
    chosen = int(tab.locator("#chosen").inner_text().split()[0])
    assert 0 < chosen < 160
    lines, everything = standing_out(tab, "parallel_coordinates")
    assert (lines, everything) == (chosen, 160)
    # of other targets the box means nothing, but what it has chosen stays
    tab.locator("#trade_off .control").last.locator("button[aria-pressed=false]").click()
    assert tab.locator("#trade_off rect.brush").count() == 0
    assert int(tab.locator("#chosen").inner_text().split()[0]) == chosen
    tab.locator("#chosen button", has_text="Clear").click()
    assert standing_out(tab, "parallel_coordinates") == (everything, everything)


def test_a_line_and_a_cell_tell_what_they_are(many: Path, watched: Watched) -> None:
    tab = watched.tab
    watched.open(many)
    told = hover_everywhere(tab, tab.locator("#parallel_coordinates"))
    assert "A click shows all values." in told
    assert "total score" in told
    told = hover_everywhere(tab, tab.locator("#importance"))
    assert "share of the variance" in told
    assert "Rate(exc)" in told
    # a panel for each parameter, beside each other where there is room
    panels = tab.locator("#parameters_exploration .panel")
    boxes = [panel.bounding_box() for panel in panels.all()]
    assert len({box["y"] for box in boxes if box}) == 1
    assert tab.locator("#parameters_exploration .legend").count() == 1


def test_tables_are_there_without_scripts(reports: dict[str, Path], browser: Browser) -> None:
    context = browser.new_context(offline=True, java_script_enabled=False)
    tab = context.new_page()
    tab.goto(reports["run"].as_uri())
    text = tab.locator("body").inner_text()
    context.close()
    assert "Best total score" in text
    assert "JavaScript is off here" in text
