"""The test models: what they record, that they do what they are for, and that they repeat themselves."""

from __future__ import annotations

import ast
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.mozaik

MODELS = Path(__file__).resolve().parents[1] / "models"
CORTEX = {"V1_Exc_L4": 400, "V1_Inh_L4": 100, "V1_Exc_L2/3": 400, "V1_Inh_L2/3": 100}
SHORT = {"protocol.spontaneous_duration": 56.0, "protocol.grating_duration": 56.0}


def rates(segment: Any) -> Any:
    seconds = float(segment.spiketrains[0].t_stop) / 1000
    return np.array([len(train) / seconds for train in segment.spiketrains])


def stimulus(segment: Any) -> dict[str, Any]:
    return dict(ast.literal_eval(segment.annotations["stimulus"]))


@pytest.mark.parametrize("model", ["balanced_network", "visual_model"])
def test_both_parameter_trees_are_the_same_but_for_their_own_urls(model: str) -> None:
    """`param` is the model, `param_optim` what is optimised: a test on the one has to hold for the other."""
    names = {path.name for path in (MODELS / model / "param").iterdir()}
    optimised = MODELS / model / "param_optim"
    assert names == {path.name for path in optimised.iterdir() if path.suffix == "" and path.is_file()}
    for name in names:
        base = (MODELS / model / "param" / name).read_text()
        assert base.replace('url("param/', 'url("param_optim/') == (optimised / name).read_text()


def test_the_balanced_network_records_all_its_neurons(balanced_run: Any) -> None:
    exc, inh = balanced_run.segments()
    assert (exc.annotations["sheet_name"], inh.annotations["sheet_name"]) == ("Exc", "Inh")
    assert (len(exc.spiketrains), len(inh.spiketrains)) == (1600, 400)
    assert stimulus(exc)["duration"] == 1000.0
    for segment in (exc, inh):
        identifiers = [train.annotations["channel_id"] for train in segment.spiketrains]
        assert identifiers == sorted(set(identifiers))
        assert {signal.name: signal.shape for signal in segment.analogsignals} == {
            "gsyn_exc": (10001, 16),
            "gsyn_inh": (10001, 16),
        }


def test_the_balanced_network_is_asynchronous_and_irregular(balanced_run: Any) -> None:
    exc, inh = balanced_run.segments()
    assert 5 < rates(exc).mean() < 12
    assert 8 < rates(inh).mean() < 18
    intervals = [np.diff(train.magnitude) for train in exc.spiketrains if len(train) > 6]
    assert 0.8 < np.mean([interval.std() / interval.mean() for interval in intervals]) < 1.6
    means = {signal.name: float(np.mean(signal.magnitude)) for signal in exc.analogsignals}
    assert 2.5 < means["gsyn_inh"] / means["gsyn_exc"] < 5


def test_strong_inhibition_quietens_the_balanced_network(balanced: Any, balanced_run: Any) -> None:
    """The weight among inhibitory neurons refers to that onto excitatory ones: one override moves both."""
    run = balanced.run("inhibited", {"sheets.inh.InhExcConnection.weights": 0.06}, enabled=False)
    assert run.returncode == 0, run.stderr
    for before, after in zip(balanced_run.segments(), run.segments(), strict=True):
        assert rates(after).mean() < 0.9 * rates(before).mean()


def test_the_visual_model_runs_its_whole_protocol(visual_run: Any) -> None:
    shown = Counter()
    for segment in visual_run.segments():
        seen = stimulus(segment)
        orientation = round(float(seen.get("orientation", -1.0)), 2)
        shown[seen["name"], orientation, seen.get("contrast"), seen.get("radius")] += 1
    grating = "FullfieldDriftingSinusoidalGrating"
    assert shown == Counter(
        dict.fromkeys(
            [
                ("InternalStimulus", -1.0, None, None),
                *[(grating, orientation, contrast, None) for contrast in (10, 100) for orientation in (0.0, 1.57)],
                ("DriftingSinusoidalGratingDisk", 1.57, 100, 1.5),
            ],
            len(CORTEX) + 2,
        )
    )
    assert [line["name"] for line in visual_run.phases("protocols")] == [
        "NoStimulation",
        "MeasureOrientationTuningFullfield",
        "MeasureSizeTuning",
    ]


def test_every_neuron_of_the_visual_cortex_is_recorded_annotated_and_sees_its_input(visual_run: Any) -> None:
    with (visual_run.datastore / "datastore.recordings.pickle").open("rb") as file:
        annotations = pickle.load(file).annotations
    for sheet, size in CORTEX.items():
        preferred = [neuron["LGNAfferentOrientation"] for neuron in annotations["neuron_annotations"][sheet]]
        assert len(preferred) == size
        assert 0 <= min(preferred) < 0.4
        assert 2.7 < max(preferred) < np.pi
        for segment in visual_run.segments():
            if segment.annotations["sheet_name"] == sheet:
                assert len(segment.spiketrains) == size
                assert {signal.name for signal in segment.analogsignals} == {"gsyn_exc", "gsyn_inh"}
                assert all(0 < signal.shape[1] <= 9 for signal in segment.analogsignals)
                assert rates(segment).mean() > 1


@pytest.mark.parametrize("sheet", ["V1_Exc_L4", "V1_Exc_L2/3"])
def test_visual_cells_prefer_gratings_of_their_orientation(visual_run: Any, sheet: str) -> None:
    with (visual_run.datastore / "datastore.recordings.pickle").open("rb") as file:
        neurons = pickle.load(file).annotations["neuron_annotations"][sheet]
    preferred = np.array([float(neuron["LGNAfferentOrientation"]) for neuron in neurons])
    for segment in visual_run.segments():
        seen = stimulus(segment)
        if segment.annotations["sheet_name"] == sheet and seen.get("contrast") == 100 and "radius" not in seen:
            distance = np.abs((preferred - seen["orientation"] + np.pi / 2) % np.pi - np.pi / 2)
            alike, orthogonal = rates(segment)[distance < 0.3], rates(segment)[distance > np.pi / 2 - 0.3]
            assert alike.mean() > 1.1 * orthogonal.mean()
            assert alike.mean() > 10


def test_the_visual_model_repeats_itself(visual: Any) -> None:
    first, second = (visual.run(name, SHORT, enabled=False) for name in ("first", "second"))
    for one, two in zip(first.segments(), second.segments(), strict=True):
        assert one.annotations == two.annotations
        for a, b in zip(one.spiketrains, two.spiketrains, strict=True):
            np.testing.assert_array_equal(a.magnitude, b.magnitude)
