"""Tables and figures of datastores: what is found, what is drawn of much, and what is said where there is nothing."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from stores import GRATING, SPONTANEOUS, Store, plain_store, poisson_trains

from orchestrator.analysis import (
    SPONTANEOUS as DEFINITIONS,
)
from orchestrator.analysis import (
    choose_simulation,
    config_of,
    figures,
    files_table,
    find_simulations,
    found_table,
    open_datastore,
    presentations_table,
    score_all,
    scores_table,
    sheets_table,
    values_by_sheet,
)
from orchestrator.analysis.contents import stimulus_text
from orchestrator.analysis.measured import measure_apart
from orchestrator.analysis.showing import table_html
from orchestrator.errors import UsageError
from orchestrator.report.scene import Figure
from targets import create_targets

pytestmark = pytest.mark.commands

RATE = {"class": "SpontActivityTarget", "sheet_name": "Exc", "target_value": [1, 5], "norm": 2}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return plain_store(tmp_path / "results" / "one")


def config(folder: Path, *targets: dict[str, Any]) -> Path:
    file = folder / "config.yaml"
    function = {"type": "function", "function": "model:simulate"}
    content = {"parameters": {"x": [0, 1]}, "targets": list(targets), "simulation": function}
    file.write_text(yaml.safe_dump(content))
    (folder / "model.py").write_text("")
    return file


def run_directory(folder: Path) -> Path:
    """A run with two simulations that are kept, of which one saved nothing, and one in flight."""
    run = folder / "20260101-000000_Optimization"
    plain_store(run / "kept/3/12/2/simulation/Model_offspring_____")
    (run / "kept/3/2/1/simulation/Model_offspring_____").mkdir(parents=True)
    (run / "kept/3/2/1/simulation.log").write_text("begun\nMemoryError\n")
    plain_store(run / "generations/4/0/1/simulation/Model_offspring_____")
    (run / "checkpoint.h5").write_bytes(b"")
    return run


def marks(figure: Figure, panel: int = 0) -> list[Any]:
    return list(figure.choose().panels[panel].marks)


def test_simulations_of_a_run(tmp_path: Path) -> None:
    found = find_simulations(run_directory(tmp_path))
    assert [(each.name, each.saved) for each in found] == [
        ("g3 o2", False), ("g3 o12 attempt 2", True), ("g4 o0", True)
    ]  # fmt: skip
    assert found[0].last_words == "begun\nMemoryError"
    assert choose_simulation(found).name == "g3 o12 attempt 2"
    assert choose_simulation(found, "g4 o0") is found[2]
    with pytest.raises(UsageError, match=r"no datastore 'g9' among those found: g3 o2, g3 o12 attempt 2, g4 o0"):
        choose_simulation(found, "g9")
    table = found_table(found, {(3, 2): "OUT_OF_MEMORY", (3, 12): "OK"})
    assert table["outcome"].tolist() == ["OUT_OF_MEMORY", "OK", "in flight"]
    assert table["saved"].tolist() == ["no", "yes", "yes"]
    assert table["size (MB)"][1] == pytest.approx(sum(f.stat().st_size for f in found[1].path.rglob("*")) / 2**20)
    opened = open_datastore(found[0])
    assert opened.store is None
    assert "MemoryError" in opened.problem


def test_a_run_that_keeps_nothing_says_how_to_keep(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.h5").write_bytes(b"")
    with pytest.raises(UsageError, match=r"keep\.directories"):
        find_simulations(tmp_path)


def test_directories_around_datastores_and_patterns(tmp_path: Path, store: Path) -> None:
    plain_store(tmp_path / "results" / "two", seed=1)
    (tmp_path / "results" / "none").mkdir()
    assert [each.name for each in find_simulations(store)] == ["one"]
    assert [each.name for each in find_simulations(tmp_path / "results")] == ["one", "two"]
    assert [each.name for each in find_simulations(f"{tmp_path}/results/*")] == ["none", "one", "two"]
    assert [each.name for each in find_simulations([store, tmp_path / "results/two"])] == ["one", "two"]
    plain_store(tmp_path / "again" / "one")
    assert [each.name for each in find_simulations([store, tmp_path / "again/one"])] == ["0: one", "1: one"]
    with pytest.raises(UsageError, match="there is no such directory"):
        find_simulations(tmp_path / "nowhere")
    opened = open_datastore(tmp_path / "results")
    assert opened.path == store
    assert "one of the 2" in opened.note


def test_contents(store: Path) -> None:
    data = open_datastore(store)
    table = presentations_table(data)
    assert table["sheet"].tolist() == ["Exc", "Inh"]
    assert table["cells"].tolist() == [40, 40]
    assert table["signals"].tolist() == ["gsyn_exc (4), gsyn_inh (4)"] * 2
    for sheet, spikes, rate in zip(table["sheet"], table["spikes"], table["rate (Hz)"], strict=True):
        (segment,) = data.store.spontaneous(sheet)  # type: ignore[union-attr]
        assert spikes == segment.spikes().times.size
        assert rate == pytest.approx(segment.spikes().rates().mean())
    neurons = sheets_table(data)
    assert neurons["neurons"].tolist() == [40, 40]
    assert neurons["preferred orientations"].tolist() == [40, 40]
    assert files_table(data.simulation, 2)["size (MB)"].is_monotonic_decreasing


def test_names_of_stimuli() -> None:
    assert stimulus_text(GRATING | {"orientation": math.pi / 2}, ["contrast", "orientation"]) == (
        "FullfieldDriftingSinusoidalGrating, contrast 100 %, orientation 90°"
    )
    assert stimulus_text({"name": "InternalStimulus", "direct_stimulation_name": "Kick"}) == "InternalStimulus, Kick"
    assert stimulus_text({}) == "stimulus without a name"


def test_an_unknown_sheet_is_said_with_those_there_are(store: Path) -> None:
    data = open_datastore(store, ["Excc"])
    assert "has no sheet 'Excc'; did you mean 'Exc'?" in data.problem
    assert figures.raster(data).empty == data.problem
    assert figures.conductances(data, "Exc").empty == data.problem
    assert not len(presentations_table(data))
    assert values_by_sheet(data, DEFINITIONS)[1] == [data.problem]


def test_a_raster_of_many_neurons_is_a_part_and_says_so(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    store = Store(tmp_path / "store").sheet("A", range(600)).sheet("B", range(5000, 5010)).sheet("C", [9000])
    store.segment("A", SPONTANEOUS, poisson_trains(range(600), 180, 1000, rng))
    store.segment("B", SPONTANEOUS, {n: np.array([]) for n in range(5000, 5010)})
    store.segment("C", GRATING, {9000: [1.0]})
    data = open_datastore(store.write())
    figure = figures.raster(data, neurons=400, duration=1000)
    assert [mark.label for mark in marks(figure) if mark.label] == ["A: 200 of 600 neurons", "B: 10 of 10 neurons"]
    drawn = [mark for mark in marks(figure) if len(mark.x)]
    assert len(drawn) == 1
    assert 29_000 < len(drawn[0].x) <= 30_200  # several at the same time
    assert len(np.unique(drawn[0].y)) == 200
    assert "Only the first" in figure.caption
    assert "B is silent." in figure.caption
    assert "C: no recording of spontaneous activity." in figure.caption
    part = figures.raster(data, neurons=20, start=200, duration=100)
    assert part.panels[0].x.domain == (200, 300)
    assert all(200 <= x <= 300 for mark in marks(part) for x in mark.x)


def test_distributions_of_silent_and_of_far_off_cells(tmp_path: Path) -> None:
    store = Store(tmp_path / "store").sheet("A", range(1000)).sheet("B", range(1000, 1003))
    trains = {n: np.linspace(1, 999, 10 + n % 7) for n in range(999)}
    store.segment("A", SPONTANEOUS, trains | {999: np.linspace(0, 1000, 900)})
    store.segment("B", SPONTANEOUS, {n: np.array([]) for n in range(1000, 1003)})
    data = open_datastore(store.write())
    rates = figures.rates(data)
    assert rates.panels[0].x.domain[1] < 30  # type: ignore[operator]
    assert "1 cell beyond the axis" in rates.caption
    assert "B: 3 of 3 cells are silent." in rates.caption
    for mark in marks(rates):
        if getattr(mark, "label", "").startswith("A"):
            bins, shares = np.diff(mark.x[::2]), mark.y[1:-1:2]
            assert shares.sum() == pytest.approx(100)
            np.testing.assert_allclose(bins, 1.0)  # as many as there are rates between
    cv = figures.irregularity(data)
    assert "B: no train of sheet B has more than 5 intervals." in cv.caption
    assert figures.modulation(data).empty.startswith("A: no recording of FullfieldDriftingSinusoidalGrating")


def test_correlations_of_many_cells_are_a_part_and_the_value_of_all(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    store = Store(tmp_path / "store").sheet("A", range(600), rng.uniform(-1, 1, (3, 600)))
    store.segment("A", SPONTANEOUS, poisson_trains(range(600), 20, 1000, rng))
    data = open_datastore(store.write())
    value = values_by_sheet(data, DEFINITIONS)[0]["correlation"][0]
    figure = figures.correlations(data)
    (label,) = [mark.label for mark in marks(figure) if mark.label]
    assert label == f"A: {value:.3g} (600 cells)"
    assert "the pairs of 400 of 600 cells are drawn." in figure.caption


@pytest.mark.drawing
@pytest.mark.parametrize(
    ("name", "sheet"), [("raster", ()), ("correlations", ()), ("conductances", ("Exc",)), ("size_tuning", ("Exc",))]
)
def test_figures_of_datastores_can_be_saved(name: str, sheet: tuple[str, ...], store: Path, tmp_path: Path) -> None:
    figure = getattr(figures, name)(open_datastore(store), *sheet)
    assert figure.save(tmp_path / f"{name}.svg").stat().st_size > 1000


def test_scores_are_those_of_the_targets_whatever_fails(tmp_path: Path, store: Path) -> None:
    broken = plain_store(tmp_path / "results" / "broken")
    (broken / "datastore.recordings.pickle").write_bytes(b"no pickle")
    file = config(tmp_path, RATE, RATE | {"class": "IrregularityTarget", "target_value": 1, "norm": 0.1})
    measured = score_all(find_simulations(tmp_path / "results"), config_of("", file))
    data = open_datastore(store)
    values, _ = values_by_sheet(data, DEFINITIONS)
    assert [each.value for each in measured["one"].scored.scores] == values.iloc[0, 1:3].tolist()
    assert measured["one"].memory > 20 * 2**20
    assert [each.value for each in measured["broken"].scored.scores] == [None, None]
    assert "truncated or no pickle" in str(measured["broken"].scored.scores[0].reason)
    table = scores_table(measured)
    assert table["datastore"].tolist() == ["one", "broken"]
    assert table["total score"][1] == 40
    heat = marks(figures.scores_by_datastore(measured))[0]
    np.testing.assert_array_equal(heat.cells, table.iloc[:, 2:].to_numpy())


def test_a_measurement_that_is_killed_does_not_end_the_notebook(tmp_path: Path, store: Path) -> None:
    (tmp_path / "fatal.py").write_text(
        "import os\n"
        "from targets import PointTarget\n\n\n"
        "class Fatal(PointTarget):\n"
        "    def outputs(self, recordings):\n"
        "        os.kill(os.getpid(), 9)\n"
    )
    file = config(tmp_path, {"class": "fatal.py:Fatal", "sheet_name": "Exc", "target_value": 1, "norm": 1})
    (measured,) = score_all(find_simulations(store), file).values()
    assert "it was killed, most likely for want of memory" in str(measured.scored.error)
    assert measured.scored.total_score == 20
    assert math.isnan(measured.memory)


def test_the_memory_is_of_the_process_that_measures(tmp_path: Path, store: Path) -> None:
    """Not that of the one which started it, which may be large."""
    file = config(tmp_path, RATE)
    targets = create_targets([RATE])
    before = measure_apart(store, file, targets, [""]).memory
    ballast = np.ones(40 * 2**20)  # 320 MB
    after = measure_apart(store, file, targets, [""]).memory
    assert ballast.sum() > 0
    assert abs(after - before) < 100 * 2**20


def test_which_configuration(tmp_path: Path, store: Path) -> None:
    run = run_directory(tmp_path)
    (run / "config.yaml").write_text("{}")
    file = config(tmp_path, RATE)
    assert config_of(run) == run / "config.yaml"
    assert config_of(run, file) == file
    with pytest.raises(UsageError, match="set `config`"):
        config_of(store)
    with pytest.raises(UsageError, match="there is no such configuration"):
        config_of(store, tmp_path / "other.yaml")


def test_tables_show_nothing_but_text() -> None:
    table = pd.DataFrame({"<b>": ["<script>alert(1)</script>", "two\nlines"], "score": [0.5, 2.0], "n": [12345, 1]})
    html = table_html(table)
    assert "<script>" not in html
    assert "<b>" not in html
    assert "12,345" in html
    assert "–" in table_html(pd.DataFrame({"value": [math.nan]}))
    assert "none" in table_html(table.head(0))
    assert "60 of 500 rows" in table_html(pd.DataFrame({"n": range(500)}))


def test_looking_writes_nothing(store: Path, tmp_path: Path) -> None:
    def state() -> str:
        return json.dumps(sorted((str(p), p.stat().st_mtime_ns) for p in (tmp_path / "results").rglob("*")))

    before = state()
    for path in store.iterdir():
        path.chmod(0o444)
    data = open_datastore(store)
    figures.raster(data)
    presentations_table(data)
    score_all([data.simulation], config(tmp_path, RATE))
    assert state() == before
