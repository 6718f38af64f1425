"""What the source of a model's experiments says that it presents, without executing it."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.simulations.mozaik.protocol import Protocol, protocol_of
from targets import Presented
from targets.orientation import GRATING
from targets.size import DISK
from targets.stimuli import SPONTANEOUS

IMPORTS = """
import numpy
from mozaik.experiments import *
from mozaik.experiments.vision import *
from parameters import ParameterSet
"""
BOTH = """e = [MeasureOrientationTuningFullfield(model, contrasts=[30])]
return [*e, MeasureContrastSensitivity(model, contrasts=[5, 10])]"""
MODELS = Path(__file__).resolve().parents[3] / "models"


def grating(contrast: float) -> Presented:
    return Presented(GRATING, {"contrast": contrast, "orientation": 0.0})


def read(folder: Path, body: str, imports: str = IMPORTS, **modules: str) -> Protocol:
    """Return the protocol of a function of this body."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    (folder / "experiments.py").write_text(f"{imports}\ndef create_experiments(model):\n{lines}\n")
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    return protocol_of(folder, "experiments:create_experiments")


def test_the_protocols_of_the_test_models() -> None:
    visual = protocol_of(MODELS / "visual_model", "experiments:create_experiments")
    assert visual.shown == {SPONTANEOUS: None, GRATING: frozenset({10.0, 100.0}), DISK: frozenset({100.0})}
    current = protocol_of(MODELS / "current_style", "experiments:create_experiments")
    assert current.shown == {SPONTANEOUS: None, GRATING: frozenset({30.0, 100.0})}
    balanced = protocol_of(MODELS / "balanced_network", "experiments:create_experiments")
    assert balanced.shown == {SPONTANEOUS: None}
    assert (visual.unread, current.unread, balanced.unread) == ("", "", "")
    assert not current.may_present(Presented(DISK, {"contrast": 100.0}))
    assert not current.may_present(grating(10.0))
    assert current.may_present(grating(30.0))
    assert current.may_present(Presented("StimulusOfMyOwn"))


def test_a_protocol_of_a_movie_alone_presents_nothing_that_targets_come_with(tmp_path: Path) -> None:
    protocol = read(tmp_path, "return [MeasureNaturalImagesWithEyeMovement(model, stimulus_duration=147 * 7.0)]")
    assert (protocol.shown, protocol.unread) == ({}, "")
    assert protocol.experiments == ("MeasureNaturalImagesWithEyeMovement",)
    assert not any(map(protocol.may_present, (Presented(SPONTANEOUS), grating(100.0), Presented(DISK))))


@pytest.mark.parametrize(
    ("body", "contrasts"),
    [
        ("return [MeasureOrientationTuningFullfield(model, 2, 0.8, 2, 1000, [10, 100], 1)]", None),
        ("c = [10]\nreturn [MeasureOrientationTuningFullfield(model, contrasts=c)]", None),
        ("return [MeasureOrientationTuningFullfield(model, ParameterSet({'contrasts': [30]}))]", {30.0}),
        ("return [(MeasureOrientationTuningFullfield, ParameterSet({'contrasts': 30}))]", {30.0}),
        ("e = MeasureOrientationTuningFullfield\nreturn [e(model, contrasts=[30])]", None),
        (BOTH, {5.0, 10.0, 30.0}),
    ],
)
def test_contrasts_belong_to_the_experiment_that_they_are_given_to(
    tmp_path: Path, body: str, contrasts: set[float] | None
) -> None:
    disk = "\nMeasureSizeTuning(model, contrasts=[70])"
    protocol = read(tmp_path, body.replace("return", f"{disk[1:]}\nreturn"))
    assert protocol.shown == {GRATING: contrasts, DISK: frozenset({70.0})}
    assert protocol.unread == ""


def test_what_the_function_calls_is_read_too(tmp_path: Path) -> None:
    protocol = read(
        tmp_path,
        "return spontaneous(model) + [cls(model) for cls in SHORT]",
        IMPORTS + "from tuning import spontaneous\nSHORT = [MeasureSizeTuning]\n",
        tuning="from mozaik.experiments import NoStimulation as Nothing\n"
        "def spontaneous(model):\n    return [Nothing(model, duration=7 * 143)]\n",
    )
    assert (set(protocol.shown), protocol.unread) == ({SPONTANEOUS, DISK}, "")


@pytest.mark.parametrize(
    "imports",
    [
        "SHORT = MeasureSizeTuning",
        "SHORT = {}\nSHORT['disk'] = (MeasureSizeTuning, None)",
        "SHORT = []\nSHORT.append(MeasureSizeTuning)",
        "if numpy:\n    SHORT = [MeasureSizeTuning]\nelse:\n    SHORT = []",
        "SHORT = []\nSHORT += [MeasureSizeTuning]",
        "import mozaik.experiments.vision as vision\nSHORT = vision.MeasureSizeTuning",
        "import mozaik\nSHORT = mozaik.experiments.vision.MeasureSizeTuning",
    ],
)
def test_variables_of_the_module_are_read_however_they_are_filled(tmp_path: Path, imports: str) -> None:
    protocol = read(
        tmp_path, "return make(SHORT, model)", f"{IMPORTS}{imports}\ndef make(what, model):\n    return what\n"
    )
    assert (protocol.shown, protocol.unread) == ({DISK: None}, "")


@pytest.mark.parametrize(
    ("body", "imports", "reason"),
    [
        ("return build(model)", "from lab_protocols import build", "experiments.py has build from lab_protocols"),
        ("return lab.build(model)", "import lab", "lab is a module of elsewhere"),
        (
            "return [load_component(n)(model) for n in ('A',)]",
            "from mozaik import load_component",
            "calls load_component",
        ),
        ("return [getattr(mozaik, 'x')(model)]", "import mozaik", "calls getattr"),
        ("return [Movie(model)]", f"{IMPORTS}\nclass Movie(NoStimulation):\n    pass\n", "Movie is a class of exper"),
        ("return [MeasureSomethingNew(model)]", IMPORTS, "experiments.py does not say what MeasureSomethingNew is"),
        (
            "return [vision.MeasureMore(model)]",
            "import mozaik.experiments.vision as vision",
            "vision.MeasureMore of experiments.py is no experiment that is known",
        ),
        (
            "return [mozaik.experiments.vision.MeasureMore(model)]",
            "import mozaik",
            "mozaik.experiments.vision.MeasureMore of experiments.py is no exp",
        ),
        ("return model.make_experiments()", IMPORTS, "calls model.make_experiments"),
        (
            "return [MeasureSizeTuning(model)]",
            "from own import MeasureSizeTuning",
            "MeasureSizeTuning is a class of own",
        ),
    ],
)
def test_what_the_source_does_not_say_may_be_presented(tmp_path: Path, body: str, imports: str, reason: str) -> None:
    protocol = read(tmp_path, body, imports, own="class MeasureSizeTuning:\n    pass\n")
    assert reason in protocol.unread
    assert protocol.may_present(Presented(DISK))
    assert not protocol.presents(grating(100.0))


@pytest.mark.parametrize("experiments", ["missing:create_experiments", "experiments:missing"])
def test_a_function_that_is_not_there_says_nothing(tmp_path: Path, experiments: str) -> None:
    (tmp_path / "experiments.py").write_text("def create_experiments(:\n")
    protocol = protocol_of(tmp_path, experiments)
    assert protocol.may_present(Presented(DISK))
    assert protocol.unread
