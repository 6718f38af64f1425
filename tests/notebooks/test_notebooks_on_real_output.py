"""The notebooks on what the test models leave, compared with plain computations on neo's own objects."""

from __future__ import annotations

import ast
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orchestrator.checkpoint import Checkpoint

pytestmark = [pytest.mark.mozaik, pytest.mark.notebooks]

ANALYZE, EVALUATE, INSPECT = (
    "optimization_analyze",
    "optimization_evaluate_data_store",
    "optimization_inspect_spont_OT_ST",
)
GRATING, DISK = "FullfieldDriftingSinusoidalGrating", "DriftingSinusoidalGratingDisk"


class Naive:
    """A datastore read with neo."""

    def __init__(self, path: Path) -> None:
        block = self._load(path / "datastore.recordings.pickle")
        self.annotations = block.annotations
        self.segments = []
        for stub in block.segments:
            stimulus = ast.literal_eval(stub.annotations["stimulus"])
            self.segments.append(
                (stub.annotations["sheet_name"], stimulus, self._load(path / f"{stub.identifier}.pickle"))
            )

    @staticmethod
    def _load(file: Path) -> Any:
        with file.open("rb") as stream:
            return pickle.load(stream)

    def find(self, sheet: str, name: str, **parameters: float) -> Any:
        """The only presentation of a stimulus."""
        (segment,) = [
            segment
            for in_sheet, stimulus, segment in self.segments
            if (in_sheet, stimulus["name"]) == (sheet, name)
            and all(abs(stimulus[key] - value) < 1e-3 for key, value in parameters.items())
        ]
        return segment

    def rates(self, sheet: str, name: str, **parameters: float) -> np.ndarray:
        """Of the neurons in the order of their ids, all of which are recorded."""
        trains = sorted(
            self.find(sheet, name, **parameters).spiketrains, key=lambda train: train.annotations["channel_id"]
        )
        return np.array([len(train) / float(train.t_stop.rescale("s")) for train in trains])

    def preferred(self, sheet: str) -> np.ndarray:
        return np.array(
            [float(each["LGNAfferentOrientation"]) for each in self.annotations["neuron_annotations"][sheet]]
        )


def drawn(panel: str, label: str, axis: str) -> str:
    """Expression for the numbers of the mark whose label begins with `label`."""
    return f"next(mark.{axis}.tolist() for mark in {panel}.marks if mark.label.startswith({label!r}))"


def records(rows: list[dict[str, Any]], key: str, value: str) -> dict[str, Any]:
    return {row[key]: row[value] for row in rows}


def test_a_finished_optimisation(balanced_optimisation: Path, run_notebook: Callable[..., Any]) -> None:
    done = run_notebook(
        ANALYZE,
        {
            "best": "best.to_dict('records')",
            "targets": "targets.to_dict('records')",
            "parameters": "parameters.to_dict('records')",
            "outcomes": "outcomes.to_dict('records')",
            "failures": "failures.to_dict('records')",
            "flight": "len(in_flight)",
            "best_drawn": drawn("scores_figure.choose().panels[0]", "best so far", "y"),
            "rows": "len(evaluations)",
        },
        run=str(balanced_optimisation),
    )
    checkpoint = Checkpoint(balanced_optimisation)
    frame, details = checkpoint.evaluations(), checkpoint.details()
    assert done.probed["rows"] == len(frame) == 3
    assert sorted(frame["outcome"]) == ["EXPLODED", "OK", "OK"]
    ranked = np.argsort(frame["total_score"].to_numpy(), kind="stable")
    order = ranked[frame["outcome"].to_numpy()[ranked] == "OK"]  # what failed is never among the best
    assert [row["offspring"] for row in done.probed["best"]] == order.tolist()
    assert [row["total score"] for row in done.probed["best"]] == frame["total_score"].to_numpy()[order].tolist()
    winner = frame.iloc[order[0]]
    assert done.probed["best_drawn"] == [winner["total_score"]]
    for label in checkpoint.target_labels:
        assert records(done.probed["targets"], "target", "value")[label] == winner[f"value:{label}"]
        assert records(done.probed["targets"], "target", "score")[label] == winner[f"score:{label}"]
    for name in checkpoint.parameter_names:
        assert records(done.probed["parameters"], "parameter", "value")[name] == winner[f"parameter:{name}"]
        assert f"{name}: {float(winner[f'parameter:{name}'])!r}" in done.text
    assert records(done.probed["outcomes"], "outcome", "evaluations") == {"EXPLODED": 1, "OK": 2}
    (failure,) = done.probed["failures"]
    assert failure["outcome"] == "EXPLODED"
    assert failure["message"] == details["message"][frame["outcome"] == "EXPLODED"].item()
    assert done.probed["flight"] == 0
    assert done.pictures > 10
    assert "1 of 1 complete" in done.text


def test_a_running_optimisation_without_a_complete_generation(visual_optimisation: Any) -> None:
    done = visual_optimisation.analysed
    assert done.probed["evaluations"] == 0
    assert done.probed["controller"] == "alive"
    states = [row["state"] for row in done.probed["flight"]]
    assert len(states) == 6
    assert states[0] == "done"
    assert states[-1] == "queued"
    assert done.probed["empty"] == "No generation is complete yet."
    assert done.pictures == 0
    assert "0 of 1 complete" in done.text


def test_datastores_that_a_run_kept(balanced_optimisation: Path, run_notebook: Callable[..., Any]) -> None:
    probes = {
        name: f"{name}.to_dict('records')" for name in ("found", "unsaved", "scores", "failing", "memory", "contents")
    }
    done = run_notebook(EVALUATE, probes, where=str(balanced_optimisation))
    frame = Checkpoint(balanced_optimisation).evaluations()
    found, scores = done.probed["found"], records(done.probed["scores"], "datastore", "total score")
    assert [row["datastore"] for row in found] == ["g0 o0", "g0 o1", "g0 o2"]
    assert [row["outcome"] for row in found] == list(frame["outcome"])
    assert [row["saved"] for row in found] == ["yes" if outcome == "OK" else "no" for outcome in frame["outcome"]]
    # measured again, and the same came out
    for _, row in frame.iterrows():
        assert scores[f"g0 o{row['offspring']}"] == pytest.approx(row["total_score"], rel=1e-9)
    (exploded,) = [f"g0 o{row['offspring']}" for _, row in frame.iterrows() if row["outcome"] == "EXPLODED"]
    assert [row["datastore"] for row in done.probed["unsaved"]] == [exploded]
    failing = [row for row in done.probed["failing"] if row["datastore"] == exploded]
    assert len(failing) == 3
    assert all("no such file" in row["why there is no value"] for row in failing)
    best = frame["offspring"][frame["total_score"].idxmin()]
    naive = Naive(next((balanced_optimisation / f"kept/0/{best}/1/simulation").iterdir()))
    for row in done.probed["contents"]:
        trains = naive.find(row["sheet"], "InternalStimulus").spiketrains
        assert (row["cells"], row["spikes"]) == (len(trains), sum(map(len, trains)))
        assert row["duration (ms)"] == 600
        assert row["rate (Hz)"] == pytest.approx(np.mean(naive.rates(row["sheet"], "InternalStimulus")))
        assert row["signals"] == "gsyn_exc (16), gsyn_inh (16)"
    assert [row["sheet"] for row in done.probed["contents"]] == ["Exc", "Inh"]
    assert all(30 < row["memory (MB)"] < 1000 for row in done.probed["memory"])
    sizes = records(done.probed["memory"], "datastore", "size (MB)")
    assert sizes[f"g0 o{best}"] > 1 > sizes[exploded]
    assert done.pictures == 1


def test_broken_partial_and_empty_datastores(
    visual_optimisation: Any, run_notebook: Callable[..., Any], tmp_path: Path
) -> None:
    """Of one real datastore: recordings that are gone, cut in the middle, and a directory that a crash left."""
    stores = {name: tmp_path / "stores" / name for name in ("whole", "partial", "unreadable", "crashed")}
    for path in stores.values():
        shutil.copytree(visual_optimisation.datastore, path)
    naive = Naive(stores["whole"])
    spontaneous = [n for n, (sheet, stimulus, _) in enumerate(naive.segments)
                   if (sheet, stimulus["name"]) == ("V1_Exc_L4", "InternalStimulus")]  # fmt: skip
    segment = stores["partial"] / f"Segment{spontaneous[0]}.pickle"
    segment.write_bytes(segment.read_bytes()[:5000])
    whole = (stores["unreadable"] / "datastore.recordings.pickle").read_bytes()
    (stores["unreadable"] / "datastore.recordings.pickle").write_bytes(whole[: len(whole) // 2])
    for file in stores["crashed"].glob("*.pickle"):
        file.unlink()
    (tmp_path / "stores" / "empty").mkdir()

    config = str(visual_optimisation.run / "config.yaml")
    names = ("found", "unsaved", "scores", "values", "contents")
    probes = {name: f"{name}.fillna(-1).to_dict('records')" for name in names}
    done = run_notebook(EVALUATE, probes, where=str(tmp_path / "stores" / "*"), config=config, datastore="partial")
    assert records(done.probed["found"], "datastore", "saved") == {
        "crashed": "no", "empty": "no", "partial": "yes", "unreadable": "yes", "whole": "yes"
    }  # fmt: skip
    result = json.loads((visual_optimisation.run / "generations/0/results/0.1.json").read_text())
    for row in done.probed["values"]:
        missing = row["datastore"] != "whole" and not (
            row["datastore"] == "partial" and row["target"].startswith("OrientationTuning")
        )
        if missing:
            assert (row["value"], row["score"]) == (-1, 20)
            wanted = {"partial": "is truncated", "unreadable": "is truncated"}.get(row["datastore"], "no such file")
            assert wanted in row["why there is no value"]
        else:
            assert row["value"] == pytest.approx(result["values"][row["target"]], rel=1e-9)
    assert done.probed["scores"][0]["datastore"] == "whole"
    (broken,) = [row for row in done.probed["contents"] if row["problem"]]
    assert (broken["sheet"], broken["stimulus"], broken["spikes"]) == ("V1_Exc_L4", "InternalStimulus", 0)

    for name, reason in (("crashed", "saved no recordings"), ("unreadable", "is truncated")):
        probes = {
            "problem": "data.problem",
            "raster": "raster.empty",
            "rows": "len(spontaneous)",
            "rates": "rates.empty",
        }
        looked = run_notebook(INSPECT, probes, datastore=str(stores[name]))
        assert reason in looked.probed["problem"]
        assert looked.probed["raster"] == looked.probed["rates"] == looked.probed["problem"]
        assert looked.probed["rows"] == 0
        assert looked.pictures == 0


def test_activity_of_the_visual_model(visual_optimisation: Any, run_notebook: Callable[..., Any]) -> None:
    sheet, cortex = "V1_Exc_L4", ["V1_Exc_L2/3", "V1_Exc_L4", "V1_Inh_L2/3", "V1_Inh_L4"]
    rates_panel, orientation, size = "rates.panels[0]", f"orientation[{sheet!r}].panels", f"size[{sheet!r}].panels"
    conductances = f"conductances[{sheet!r}].panels"
    done = run_notebook(
        INSPECT,
        {
            "spontaneous": "spontaneous.dropna(axis=0).to_dict('records')",
            "visual": "visual.dropna(axis=0).to_dict('records')",
            "raster": "[len(mark.x) for mark in raster.panels[0].marks if len(mark.x)]",
            "rates": "[mark.label for mark in rates.panels[0].marks if mark.label]",
            "rate_shares": drawn(rates_panel, sheet, "y"),
            "rate_edges": drawn(rates_panel, sheet, "x"),
            "offsets": drawn(f"{orientation}[0]", "contrast 100", "x"),
            "curve": drawn(f"{orientation}[0]", "contrast 100", "y"),
            "widths": f"{orientation}[1].marks[1].label",
            "caption": f"orientation[{sheet!r}].caption",
            "radii": drawn(f"{size}[0]", "disks", "x"),
            "sizes": drawn(f"{size}[0]", "disks", "y"),
            "full": drawn(f"{size}[0]", "full field", "y"),
            "conductances": f"[mark.label for mark in {conductances}[0].marks if mark.label]",
            "of_cells": drawn(f"{conductances}[1]", "a cell", "y"),
            "lgn": "orientation['X_ON'].empty",
            "spread": "next(mark.x.tolist() for mark in spread.panels[0].marks if mark.label == 'median')",
            "spread_rows": "spread.panels[0].y.rows",
            "cells": drawn(f"scatter[{sheet!r}].panels[0]", "contrast 100", "y"),
            "relative": drawn(f"scatter[{sheet!r}].panels[1]", "contrast 100", "y"),
            "fits": f"fits[{sheet!r}].empty",
            "example": f"examples[{sheet!r}].caption",
            "example_g": drawn(f"examples[{sheet!r}].panels[0]", "inhibitory", "y"),
        },
        datastore=str(visual_optimisation.datastore),
        neurons=6000,
        raster_duration=200.0,
    )
    naive, found = Naive(visual_optimisation.datastore), done.probed

    assert [row["sheet"] for row in found["spontaneous"]] == [row["sheet"] for row in found["visual"]] == cortex
    in_window = [
        sum(int((np.asarray(train) <= 200).sum()) for train in segment.spiketrains)
        for in_sheet, stimulus, segment in sorted(naive.segments, key=lambda each: each[0])
        if stimulus["name"] == "InternalStimulus"
    ]
    assert found["raster"] == [number for number in in_window if number]

    rates = naive.rates(sheet, "InternalStimulus")
    assert records(found["spontaneous"], "sheet", "rate (Hz)")[sheet] == pytest.approx(rates.mean())
    assert f"{sheet}: {rates.mean():.3g} Hz ({len(rates):,} cells)" in found["rates"]
    edges, shares = np.array(found["rate_edges"])[::2], np.array(found["rate_shares"])[1:-1:2]
    inside = (rates > edges[0]) & (rates < edges[-1])
    assert inside.mean() > 0.98
    np.testing.assert_allclose(shares[:-1], 100 * np.histogram(rates, edges)[0][:-1] / len(rates))
    assert shares.sum() == pytest.approx(100)

    preferred, orientations = naive.preferred(sheet), np.pi / 4 * np.arange(4)
    responses = np.array([naive.rates(sheet, GRATING, orientation=each) for each in orientations])
    assert found["offsets"] == [-90, -45, 0, 45, 90]
    expected = []
    for offset in (-90, -45, 0, 45):
        difference = np.degrees(orientations[:, None] - preferred) - offset
        nearest = np.abs((difference + 90) % 180 - 90) <= 22.5
        assert (nearest.sum(axis=0) == 1).all()
        expected.append(responses[nearest].mean())
    np.testing.assert_allclose(found["curve"], [*expected, expected[0]])
    assert "Half width" in found["caption"]
    assert int(found["widths"].split()[0]) > 10

    x, y = np.asarray(naive.annotations["neuron_positions"][sheet])[:2]
    cells = (np.abs(preferred - np.pi / 2) <= 0.1) & (x**2 + y**2 < 1)
    assert cells.sum() > 3
    assert found["radii"] == [0.75, 1.5]
    for radius, rate in zip(found["radii"], found["sizes"], strict=True):
        assert rate == pytest.approx(naive.rates(sheet, DISK, radius=radius)[cells].mean())
    assert found["full"] == [pytest.approx(responses[2][cells].mean())]

    signals = {
        signal.name: np.asarray(signal.magnitude) for signal in naive.find(sheet, "InternalStimulus").analogsignals
    }
    inhibitory, excitatory = 1000 * signals["gsyn_inh"], 1000 * signals["gsyn_exc"]
    number = excitatory.shape[1]
    assert found["conductances"] == [
        f"excitatory: mean {excitatory.mean():.3g} nS ({number} cells)",
        f"inhibitory: mean {inhibitory.mean():.3g} nS ({number} cells)",
    ]
    np.testing.assert_allclose(found["of_cells"], inhibitory.mean(axis=0))
    ratio = records(found["spontaneous"], "sheet", "g_inh / g_exc")[sheet]
    assert ratio == pytest.approx(inhibitory.mean() / excitatory.mean())

    medians = dict(zip(found["spread_rows"], found["spread"], strict=True))
    assert medians[sheet] == pytest.approx(np.median(rates))
    assert np.isin(np.round(found["cells"], 6), np.round(responses, 6)).all()
    np.testing.assert_allclose(found["relative"], np.array(found["cells"]) / rates.mean())
    assert "needs disks of 5 sizes, 2 were presented" in found["fits"]
    neuron = int(found["example"].split(":")[0].removeprefix("Neuron "))
    signal = next(s for s in naive.find(sheet, "InternalStimulus").analogsignals if s.name == "gsyn_inh")
    column = signal.annotations["channel_ids"].tolist().index(neuron)
    np.testing.assert_allclose(found["example_g"], inhibitory[: len(found["example_g"]), column])
    assert "Its membrane potential was not recorded" in found["example"]

    assert "have no annotation" in found["lgn"]
    assert done.pictures == 2 + 3 + 4 + 4 + 4 + 1 + 1 + 4 + 6  # the LGN, too, has a spread and examples
    assert f"{records(found['visual'], 'sheet', '2 F1 / F0')[sheet]:.3g}" in done.text
