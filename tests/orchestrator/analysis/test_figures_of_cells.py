"""Figures of single cells of a datastore, on planted spikes and signals."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from stores import DISK, GRATING, SPONTANEOUS, Store, plain_store

from orchestrator.analysis import Inspected, figures, open_datastore, wanted_targets
from orchestrator.errors import UsageError
from orchestrator.report.palette import GOOD
from orchestrator.report.scene import Band, Bars, Figure, Line, Points, Rule
from targets import create_targets

pytestmark = pytest.mark.commands

CELLS = range(10, 22)
PREFERRED = np.where(np.arange(12) < 8, math.pi / 2, 0.0)
RECORDED = [20, 13, 15]
"""Cells with signals, in the order of their columns; 20 prefers another orientation than the disks."""
SIZES = np.geomspace(0.25, 4, 8)


def spikes(number: float) -> np.ndarray:
    return np.linspace(1, 999, round(number))


def response(cell: int, orientation: float, contrast: float) -> float:
    """Spikes in a second: 10 to 21 for the preferred grating of high contrast, by the cell."""
    off = abs((orientation - PREFERRED[cell - 10] + math.pi / 2) % math.pi - math.pi / 2)
    return 2 + (cell - 2) * contrast / 100 * math.exp(-(off**2) / 0.3)


def trains(value: Any) -> dict[int, np.ndarray]:
    return {cell: spikes(value(cell)) for cell in CELLS}


def signals(*names: str) -> dict[str, Any]:
    values = {"v": np.arange(3000.0).reshape(1000, 3) / 100 - 65, "gsyn_exc": 0.01, "gsyn_inh": 0.03}
    units = {"v": "mV", "gsyn_exc": "uS", "gsyn_inh": "uS"}
    return {
        "signals": {name: np.broadcast_to(values[name], (1000, 3)) for name in names}, "units": units, "cells": RECORDED
    }  # fmt: skip


def write(
    folder: Path,
    recorded: dict[str, Any],
    contrasts: tuple[int, ...] = (10, 100),
    sizes: Any = SIZES,
    spontaneous: int = 4,
) -> Inspected:
    store = Store(folder / "store").sheet("A", CELLS, None, PREFERRED)
    store.segment("A", SPONTANEOUS, trains(lambda cell: spontaneous), **recorded)
    for contrast in contrasts:
        for n in range(4):
            shown = {"contrast": contrast, "orientation": n * math.pi / 4}
            store.segment("A", GRATING | shown, trains(lambda cell, shown=shown: response(cell, **_of(shown))))
    for radius in sizes:
        store.segment("A", DISK | {"radius": radius}, trains(lambda cell, r=radius: 20 * r * math.exp(-r)))
    return open_datastore(store.write())


def _of(shown: dict[str, Any]) -> dict[str, Any]:
    return {"orientation": shown["orientation"], "contrast": shown["contrast"]}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Inspected:
    return write(tmp_path_factory.mktemp("cells"), signals("v", "gsyn_exc", "gsyn_inh"))


def drawn(figure: Figure, kind: type[Any], label: str, panel: int = 0) -> Any:
    """The mark with a label."""
    (mark,) = [each for each in figure.panels[panel].marks if isinstance(each, kind) and each.label.startswith(label)]
    return mark


def target(name: str, wanted: Any, sheet: str = "Exc", **options: Any) -> dict[str, Any]:
    return {"class": name, "sheet_name": sheet, "target_value": wanted, "norm": 1, **options}


def test_spread_of_spontaneous_activity_and_what_is_wanted(tmp_path: Path) -> None:
    data = open_datastore(plain_store(tmp_path / "store"))
    targets = create_targets(
        [
            target("SpontActivityTarget", [1, 5], "Inh"),
            target("IrregularityTarget", 0.8),
            target("SynchronyTarget", 0.1),
            target("SynchronyTarget", 0.1, "Inh", window=1.0),
            target("SpontActivityTarget", [1, 5], "Elsewhere"),
        ]
    )
    figure = figures.spontaneous_spread(data, targets)
    rate, cv, correlation = figure.panels
    assert rate.y.rows == ("Exc", "Inh")
    for row, sheet in enumerate(("Exc", "Inh")):
        rates = data.store.spontaneous(sheet)[0].spikes().rates()  # type: ignore[union-attr]
        box, whisker = drawn(figure, Bars, "quartiles"), drawn(figure, Bars, "5th")
        np.testing.assert_allclose([box.low[row], box.high[row]], np.quantile(rates, [0.25, 0.75]))
        np.testing.assert_allclose([whisker.low[row], whisker.high[row]], np.quantile(rates, [0.05, 0.95]))
        assert drawn(figure, Points, "median").x[row] == np.median(rates)
        assert drawn(figure, Points, "the target's value").x[row] == pytest.approx(rates.mean())
        assert rate.y.notes[row] == f"{rates.mean():.3g} ± {rates.std():.3g}"  # type: ignore[index]
    green = [[mark for mark in panel.marks if mark.colour == GOOD and not mark.label] for panel in figure.panels]  # type: ignore[union-attr]
    ((wanted,), (open_end,), (single,)) = green
    assert (wanted.low.tolist(), wanted.high.tolist(), wanted.at.tolist()) == ([1], [5], [1])
    assert (open_end.low.tolist(), open_end.high.tolist()) == ([0.8], [math.inf])
    assert (single.x.tolist(), single.y.tolist()) == ([0.1], [0])
    assert [type(mark) for mark in rate.marks if getattr(mark, "label", "") == "wanted"] == [Band, Points]
    assert "SynchronyTarget(Inh) has options of its own: what it wants is not drawn." in figure.caption
    assert 1 < cv.x.domain[1] < math.inf  # type: ignore[operator]
    assert correlation.x.domain[0] < 0  # type: ignore[operator]


def test_a_sheet_without_a_quantity_says_so(data: Inspected) -> None:
    figure = figures.spontaneous_spread(data)
    assert figure.panels[1].y.notes == ("–",)
    assert "A: no train of sheet A has more than 5 intervals" in figure.caption


def test_the_targets_of_a_run_or_of_a_file(tmp_path: Path) -> None:
    assert wanted_targets(tmp_path) == []
    with pytest.raises(UsageError, match="no such configuration file"):
        wanted_targets(tmp_path, tmp_path / "config.yaml")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"targets": [target("SynchronyTarget", 0.1)]}))
    (tmp_path / "checkpoint.h5").write_bytes(b"")
    assert [each.label for each in wanted_targets(tmp_path)] == ["SynchronyTarget(Exc)"]


def test_orientation_tuning_of_cells(data: Inspected) -> None:
    figure = figures.orientation_scatter(data, "A", cells=5)
    assert "5 of 12 cells" in figure.caption
    points, relative = drawn(figure, Points, "contrast 100"), drawn(figure, Points, "contrast 100", 1)
    assert len(points.x) == 4 * 5
    own = points.x.reshape(4, 5)[:, 0]
    np.testing.assert_allclose(own, [-90, -45, 0, 45], atol=1e-3)
    np.testing.assert_array_equal(
        points.y.reshape(4, 5)[:, 0], [round(response(10, n * math.pi / 4, 100)) for n in range(4)]
    )
    np.testing.assert_allclose(relative.y, points.y / 4)
    assert drawn(figure, Rule, "spontaneous").at == 4
    assert drawn(figure, Rule, "spontaneous", 1).at == 1
    means = [mark for mark in figure.panels[0].marks if isinstance(mark, Line)][-1]  # of contrast 100 %
    at = int(np.abs(means.x).argmin())  # type: ignore[arg-type]
    assert means.y[at] == np.mean([round(response(cell, PREFERRED[cell - 10], 100)) for cell in CELLS])  # type: ignore[index]
    assert drawn(figure, Points, "a cell", 2).x.size > 0


def test_without_spontaneous_activity_nothing_is_relative_to_it(tmp_path: Path) -> None:
    figure = figures.orientation_scatter(write(tmp_path, {}, contrasts=(100,), sizes=(), spontaneous=0), "A")
    assert len(figure.panels) == 1
    assert "Nothing is relative to spontaneous activity: the spontaneous rate is 0." in figure.caption
    assert "Gratings of one contrast, 100 %, were presented: no half widths at two." in figure.caption


def test_fitted_size_tuning(data: Inspected) -> None:
    figure = figures.size_fits(data, "A", cells=3)
    assert len(figure.panels) == 3
    assert "3 of 8 cells" in figure.caption
    points, fit = drawn(figure, Points, "a disk"), drawn(figure, Line, "fit")
    np.testing.assert_allclose(points.x, SIZES)
    np.testing.assert_array_equal(points.y, [round(20 * r * math.exp(-r)) for r in SIZES])
    np.testing.assert_allclose(np.interp(SIZES, fit.x, fit.y), points.y, atol=0.5)
    indices = figures.suppression(data, "A")
    assert len(indices.panels) == 3
    assert "8 of 8 fitted cells" in indices.caption
    scatter = drawn(indices, Points, "a cell", 2)
    assert ((scatter.x > 0.7) & (scatter.x <= 1)).all()
    assert "Suppression index: median 0." in indices.caption


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        ((0.5, 2.0), "A: a size-tuning curve needs disks of 5 sizes, 2 were presented"),
        ((), "A: no recording of DriftingSinusoidalGratingDisk"),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(sizes: tuple[float, ...], reason: str, tmp_path: Path) -> None:
    data = write(tmp_path, {}, contrasts=(), sizes=sizes)
    for figure in (figures.size_fits(data, "A"), figures.suppression(data, "A")):
        assert figure.panels == ()
        assert figure.empty.startswith(reason)
    assert figures.orientation_scatter(data, "A").empty.startswith("A: no recording of FullfieldDrifting")
    broken = open_datastore(tmp_path / "store", ["Elsewhere"])
    for figure in (
        figures.size_fits(broken, "A"), figures.suppression(broken, "A"), figures.orientation_scatter(broken, "A"),
        figures.example_cell(broken, "A"), figures.spontaneous_spread(broken),
    ):  # fmt: skip
        assert figure.empty == broken.problem


@pytest.mark.parametrize(("quantile", "cell"), [(0.0, 13), (1.0, 15)])
def test_an_example_is_one_with_signals_and_size_tuning(quantile: float, cell: int, data: Inspected) -> None:
    figure = figures.example_cell(data, "A", quantile, start=100, duration=200)
    rate = round(response(cell, math.pi / 2, 100))
    assert figure.caption == (
        f"Neuron {cell}: its response to the grating of contrast 100 % nearest to its preferred orientation, {rate} "
        f"Hz, is nearest to the quantile {quantile:g} of those of 12 cells."
    )
    potential, conductance, raster, orientation, size = range(5)
    v = drawn(figure, Line, "membrane")
    np.testing.assert_array_equal(v.x, np.arange(100, 301))
    np.testing.assert_allclose(v.y, np.arange(3000.0).reshape(1000, 3)[100:301, RECORDED.index(cell)] / 100 - 65)
    assert len(drawn(figure, Points, "a spike", potential).x) == 0  # its four are at other times
    np.testing.assert_allclose(drawn(figure, Line, "inhibitory", conductance).y, 30)
    (dots,) = figure.panels[raster].marks
    assert [int((np.abs(dots.y - angle) < 1).sum()) for angle in (0, 45, 90, 135)] == [
        round(response(cell, n * math.pi / 4, 100)) for n in range(4)
    ]  # fmt: skip
    assert drawn(figure, Line, "contrast 100", orientation).y[2] == rate
    assert len(drawn(figure, Points, "a disk", size).x) == len(SIZES)
    labels = [getattr(mark, "label", "") for mark in figure.panels[0].marks]
    assert {"membrane potential", "inhibitory conductance", "contrast 10 %", "fit"} <= set(labels), "one legend for all"


def test_an_example_without_some_recordings_says_which(tmp_path: Path) -> None:
    some = write(tmp_path / "some", signals("gsyn_exc"), contrasts=(100,), sizes=())
    figure = figures.example_cell(some, "A", 0.9)
    assert figure.caption.startswith("Neuron 20:")
    assert "Its membrane potential was not recorded." in figure.caption
    assert "Size tuning: no recording of DriftingSinusoidalGratingDisk" in figure.caption
    assert len(figure.panels) == 3
    few = write(tmp_path / "few", signals("v"), contrasts=(), sizes=(0.5, 2.0))
    figure = figures.example_cell(few, "A")
    assert "Neuron 13: its spontaneous rate, 4 Hz" in figure.caption
    assert "Its conductances were not recorded. No curve is fitted to its size tuning" in figure.caption
    assert [panel.title for panel in figure.panels[1:]] == ["spikes, spontaneous activity", "size tuning"]


def sheet(folder: Path) -> Store:
    return Store(folder / "store").sheet("A", CELLS, None, PREFERRED)


def gratings(store: Store, number: int, value: Any, **others: float) -> Store:
    """Gratings of even directions within a half turn, with as many spikes as their place and the cell say."""
    for n in range(number):
        shown = GRATING | {"orientation": n * math.pi / number} | others
        store.segment("A", shown, trains(lambda cell, n=n: value(n, cell)))
    return store


def test_a_grating_far_from_the_preferred_orientation_is_no_response_to_it(tmp_path: Path) -> None:
    store = gratings(sheet(tmp_path / "one"), 1, lambda n, cell: 2 if cell < 18 else cell)  # shown is 0
    figure = figures.example_cell(open_datastore(store.write()), "A", 0.0)
    assert figure.caption.startswith("Neuron 18: its response to the grating")
    assert "18 Hz, is nearest to the quantile 0 of those of 4 cells" in figure.caption
    store = sheet(tmp_path / "none").segment("A", SPONTANEOUS, trains(lambda cell: 4))
    for orientation in (math.radians(45), math.radians(135)):
        store.segment("A", GRATING | {"orientation": orientation}, trains(lambda cell: 9))
    figure = figures.example_cell(open_datastore(store.write()), "A")
    assert figure.caption.startswith("Neuron 10: its spontaneous rate, 4 Hz")


@pytest.mark.parametrize("others", [{"orientation": math.pi}, {"temporal_frequency": 5.0}])
def test_the_raster_is_of_the_presentations_that_the_curve_is_of(others: dict[str, float], tmp_path: Path) -> None:
    store = gratings(sheet(tmp_path), 4, lambda n, cell: 3)
    for n in range(4):  # the opposite direction, or another frequency
        shown = {key: value + (n * math.pi / 4 if key == "orientation" else 0) for key, value in others.items()}
        there = {"orientation": n * math.pi / 4} | shown
        store.segment("A", GRATING | there, trains(lambda cell: 13))
    figure = figures.example_cell(open_datastore(store.write()), "A")
    assert figure.caption.startswith("Neuron 10: its response")
    raster, curve = range(2)
    assert len(figure.panels[raster].marks[0].x) == 4 * 3
    assert drawn(figure, Line, "contrast 100", curve).y.tolist() == [3] * 4


def test_spikes_that_were_not_recorded_are_not_drawn_as_silence(tmp_path: Path) -> None:
    potential = {"signals": {"v": np.full((1000, 1), -65.0)}, "units": {"v": "mV"}, "cells": [14]}
    store = sheet(tmp_path / "spontaneous").segment("A", SPONTANEOUS, {10: spikes(40)}, **potential)
    figure = figures.example_cell(open_datastore(gratings(store, 4, lambda n, cell: 5).write()), "A")
    assert figure.caption.startswith("Neuron 14:")
    assert "Its spikes were not recorded during spontaneous activity." in figure.caption
    assert "a spike" not in [getattr(mark, "label", "") for mark in figure.panels[0].marks]
    store = sheet(tmp_path / "trials").segment("A", SPONTANEOUS, {11: spikes(4)}, **potential | {"cells": [11]})
    store.segment("A", SPONTANEOUS | {"trial": 1}, {10: spikes(5)})
    figure = figures.example_cell(open_datastore(store.write()), "A", 1.0)
    assert figure.caption.startswith("Neuron 11:")
    assert "Its spikes were not recorded in 1 of 2 recordings of spontaneous activity." in figure.caption


def test_a_cell_that_gratings_lack_has_no_raster_of_them(tmp_path: Path) -> None:
    store = sheet(tmp_path).segment("A", SPONTANEOUS, trains(lambda cell: cell))
    store.segment("A", GRATING, {10: spikes(5)})
    figure = figures.example_cell(open_datastore(store.write()), "A", 1.0)
    assert figure.caption.startswith("Neuron 21: its spontaneous rate, 21 Hz")
    assert "Its spikes were not recorded during gratings." in figure.caption
    assert [panel.title for panel in figure.panels] == ["orientation tuning, preferred 0° (dashed)"]


def test_signals_of_a_time_that_was_not_recorded_are_no_empty_panel(data: Inspected) -> None:
    figure = figures.example_cell(data, "A", start=5000)
    assert "Its signals were recorded from 0 to 999 ms, not from 5000 to 5500 ms." in figure.caption
    assert figure.panels[0].title == "spikes, contrast 100 %"


def test_no_cells_are_wanted(data: Inspected) -> None:
    for figure in (figures.size_fits, figures.orientation_scatter):
        with pytest.raises(UsageError, match="cells: expected 1 or more, got 0"):
            figure(data, "A", cells=0)


def test_cells_that_respond_to_all_disks_alike_have_no_curve(tmp_path: Path) -> None:
    store = Store(tmp_path / "store").sheet("A", CELLS, None, PREFERRED)
    for radius in SIZES:
        store.segment("A", DISK | {"radius": radius}, trains(lambda cell: 5))
    data = open_datastore(store.write())
    assert figures.size_fits(data, "A").empty == "A: no cell responds to some disks more than to others"
    assert figures.suppression(data, "A").empty.startswith("A: 0 of 8 fitted cells")


def test_a_quantile_that_is_none(data: Inspected) -> None:
    with pytest.raises(UsageError, match="quantile: expected a number from 0 to 1, got 90"):
        figures.example_cell(data, "A", 90)


def test_an_example_of_a_sheet_without_spikes(tmp_path: Path) -> None:
    store = Store(tmp_path / "store").sheet("A", CELLS).segment("A", SPONTANEOUS, {})
    figure = figures.example_cell(open_datastore(store.write()), "A")
    assert figure.panels == ()
    assert "has no spike trains" in figure.empty


@pytest.mark.drawing
@pytest.mark.parametrize("name", ["size_fits", "example_cell"])
def test_figures_of_cells_can_be_saved(name: str, data: Inspected, tmp_path: Path) -> None:
    assert getattr(figures, name)(data, "A").save(tmp_path / f"{name}.svg").stat().st_size > 1000
